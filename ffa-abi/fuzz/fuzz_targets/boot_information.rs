//! Boot information: `[address] [blob]`.
#![no_main]

use ffa_abi::{
    BootContents, BootInformation, BootInformationWriter, BootItem, BootItemName, BuildError,
    Version,
};
use ffa_abi_fuzz::{Input, double_word, half, said, shown, word, written};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut input = Input(data);
    let base = u64::from_le_bytes(input.bytes());
    let bytes = input.rest();
    let read = match BootInformation::parse(bytes) {
        Ok(read) => read,
        Err(error) => return said(format_args!("{error}")),
    };
    said(format_args!("{read}"));
    assert_eq!(bytes[..4], 0xffa_u32.to_le_bytes());
    assert_eq!(bytes[4..8], read.version().bits().to_le_bytes());
    let items: Vec<BootItem<'_>> = read.items().collect();
    assert_eq!(bytes[16..20], u32::try_from(items.len()).expect("a count").to_le_bytes());
    let (size, array) = (word(bytes, 12) as usize, word(bytes, 20) as usize);
    for (index, item) in items.iter().enumerate() {
        is_what_bytes_say(item, &bytes[array + index * size..]);
        said(format_args!("{item}"));
        shown(&item.contents);
        assert!(!format!("{item:?}").is_empty(), "it may hold letters of any language");
        let first = items.iter().find(|other| other.item_type == item.item_type);
        assert_eq!(read.find(item.item_type).as_ref(), first);
        finds(&read, bytes, item.contents, base);
    }
    let blob = &bytes[..read.blob_size()];
    let alone = BootInformation::parse(blob).expect("what follows the blob is ignored");
    assert!(alone.items().eq(items.iter().copied()));
    survives(&read, &items, base);
});

/// The fields stand where the document puts them.
fn is_what_bytes_say(item: &BootItem<'_>, bytes: &[u8]) {
    let name_is_there = match item.name {
        BootItemName::Text(text) => bytes[..16].starts_with(text.to_bytes_with_nul()),
        BootItemName::Uuid(uuid) => bytes[..16] == uuid.0,
    };
    assert!(name_is_there && item.item_type.0 == bytes[16]);
    let contents = match item.contents {
        BootContents::Address { address, size } => (0, size, address),
        BootContents::Value { value, size } => (1, size.into(), value),
        BootContents::Offset { offset, size } => (2, size, offset.into()),
    };
    assert_eq!(contents, (half(bytes, 18) >> 2, word(bytes, 20), double_word(bytes, 24)));
}

/// What an item names is where it says, and inside the blob.
fn finds(read: &BootInformation<'_>, bytes: &[u8], contents: BootContents, base: u64) {
    let (start, size) = match contents {
        BootContents::Address { address, size } => (address.checked_sub(base), size),
        BootContents::Offset { offset, size } => (Some(offset.into()), size),
        BootContents::Value { size, .. } => {
            assert!((1..=8).contains(&size));
            (None, 0)
        }
    };
    let end = start.and_then(|start| start.checked_add(size.into()));
    let end = end.filter(|end| *end <= read.blob_size() as u64);
    let place = start.zip(end).map(|(start, end)| start as usize..end as usize);
    let is_offset = matches!(contents, BootContents::Offset { .. });
    let array_end = (word(bytes, 20) + word(bytes, 16) * word(bytes, 12)) as usize;
    let is_behind = place.as_ref().is_some_and(|place| place.start >= array_end);
    assert!(!is_offset || is_behind, "an offset leads into the blob, behind the descriptors");
    assert_eq!(read.contents_at(contents, base), place.map(|place| &bytes[place]));
}

/// Written again, in every version that has a form for all of it, it says the same.
fn survives(read: &BootInformation<'_>, items: &[BootItem<'_>], base: u64) {
    let is_offset = |item: &BootItem<'_>| matches!(item.contents, BootContents::Offset { .. });
    let has_offsets = items.iter().any(is_offset);
    for version in [Version::V1_1, Version::V1_2, Version::V1_3] {
        if has_offsets && version < Version::V1_3 {
            continue;
        }
        let contents = |item: &BootItem<'_>| read.contents_at(item.contents, base);
        let again = written(length(items), |buffer| write(buffer, version, items, contents));
        let again = BootInformation::parse(&again).expect("what was written");
        assert_eq!((again.version(), again.items().count()), (version, items.len()));
        for (new, old) in again.items().zip(items) {
            assert_eq!((new.name, new.item_type), (old.name, old.item_type));
            if is_offset(old) {
                assert!(is_offset(&new));
                let contents = read.contents_at(old.contents, base);
                assert_eq!(again.contents_at(new.contents, base), contents);
            } else {
                assert_eq!(new.contents, old.contents);
            }
        }
    }
}

/// Header, descriptors, and what lies behind them, each at a multiple of 8.
fn length(items: &[BootItem<'_>]) -> usize {
    items.iter().fold(32 + 32 * items.len(), |end, item| match item.contents {
        BootContents::Offset { size, .. } => end.next_multiple_of(8) + size as usize,
        BootContents::Address { .. } | BootContents::Value { .. } => end,
    })
}

fn write<'b>(
    buffer: &mut [u8],
    version: Version,
    items: &[BootItem<'_>],
    contents: impl Fn(&BootItem<'_>) -> Option<&'b [u8]>,
) -> Result<usize, BuildError> {
    let count = u32::try_from(items.len()).expect("a count");
    let mut writer = BootInformationWriter::new(buffer, version, count)?;
    for item in items {
        let BootItem { name, item_type, .. } = *item;
        match item.contents {
            BootContents::Address { address, size } => {
                writer.address(name, item_type, address, size)
            }
            BootContents::Value { value, size } => writer.value(name, item_type, value, size),
            BootContents::Offset { .. } => {
                let bytes = contents(item).expect("an offset leads into the blob");
                writer.bytes(name, item_type, bytes, None)
            }
        }?;
    }
    let one_too_many = writer.value(BootItemName::Text(c""), ffa_abi::BootItemType(0), 0, 1);
    assert!(matches!(one_too_many, Err(BuildError::Invalid(_))));
    writer.finish()
}
