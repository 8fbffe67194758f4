//! Boot information in a buffer.

use std::ffi::{CStr, CString};
use std::fmt;

use arm_ffa::boot_info::{
    BootInfo, BootInfoContents, BootInfoImpdefId, BootInfoIterator, BootInfoName, BootInfoStdId,
    BootInfoType, Error,
};
use fastrand::Rng;
use ffa_abi::{
    BootContents, BootInformation, BootInformationWriter, BootItem, BootItemName, BootItemType,
    DescriptorError, Fault, Uuid, Version,
};

use crate::boot_known::KNOWN;
use crate::known::{Case, Tally, examples_show};
use crate::mapping::{uuid, version as their_version};
use crate::random::{mutate, pick};
use crate::verdict::{Verdict, ask};

/// A piece of boot information as plain bytes: name, type, and what it holds.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Item {
    name: Name,
    item_type: u8,
    contents: Contents,
}

#[derive(Clone, PartialEq, Debug)]
enum Name {
    Text(CString),
    Uuid(Uuid),
}

#[derive(Clone, PartialEq, Debug)]
enum Contents {
    Value(u64, usize),
    /// What an address inside the blob points to.
    Bytes(Vec<u8>),
    Elsewhere,
}

/// A blob that lies where it was written.
pub(crate) struct BootCase {
    pub(crate) bytes: Vec<u8>,
    pub(crate) ours: Verdict<Vec<Item>, DescriptorError>,
    pub(crate) theirs: Verdict<Vec<Item>, Error>,
}

impl BootCase {
    /// Takes the bytes where they lie: addresses in them count from there.
    pub(crate) fn new(bytes: Vec<u8>) -> BootCase {
        let (ours, theirs) = (ours(&bytes).into(), ask(|| theirs(&bytes)));
        BootCase { bytes, ours, theirs }
    }

    pub(crate) fn ignores(&self, field: &str, fault: Fault) -> bool {
        let error = self.ours.refused();
        self.theirs.accepted().is_some()
            && error.is_some_and(|error| error.field == field && error.fault == fault)
    }

    /// Whether ffa-abi takes what arm-ffa refuses for this reason.
    pub(crate) fn takes(&self, refused: fn(&Error) -> bool) -> bool {
        self.ours.accepted().is_some() && self.theirs.refused().is_some_and(refused)
    }

    /// A field of the header.
    pub(crate) fn word(&self, at: usize) -> u32 {
        u32::from_le_bytes(self.bytes[at..at + 4].try_into().unwrap())
    }

    pub(crate) fn has_contents_elsewhere(&self) -> bool {
        let items = self.ours.accepted();
        items.is_some_and(|items| items.iter().any(|item| item.contents == Contents::Elsewhere))
    }
}

fn ours(bytes: &[u8]) -> Result<Vec<Item>, DescriptorError> {
    let read = BootInformation::parse(bytes)?;
    let contents = |item: &BootItem<'_>| match item.contents {
        BootContents::Value { value, size } => Contents::Value(value, size.into()),
        place => read
            .contents_at(place, bytes.as_ptr() as u64)
            .map_or(Contents::Elsewhere, |bytes| Contents::Bytes(bytes.to_vec())),
    };
    let name = |item: &BootItem<'_>| match item.name {
        BootItemName::Text(text) => Name::Text(text.to_owned()),
        BootItemName::Uuid(uuid) => Name::Uuid(uuid),
    };
    let item = |item: BootItem<'_>| {
        let (name, contents) = (name(&item), contents(&item));
        Item { name, item_type: item.item_type.0, contents }
    };
    Ok(read.items().map(item).collect())
}

/// arm-ffa wants to be told the version that the header says.
fn theirs(bytes: &[u8]) -> Result<Vec<Item>, Error> {
    let said = bytes.get(4..8).map(|word| u32::from_le_bytes(word.try_into().unwrap()));
    let said = said.unwrap_or(0).try_into().map_err(|_| Error::InvalidHeader)?;
    BootInfoIterator::new(said, bytes)?.map(|item| item.map(|item| their_item(&item))).collect()
}

fn their_item(item: &BootInfo<'_>) -> Item {
    let name = match &item.name {
        BootInfoName::NullTermString(text) => Name::Text((*text).to_owned()),
        BootInfoName::Uuid(uuid) => Name::Uuid(Uuid(*uuid.as_bytes())),
    };
    let contents = match item.contents {
        BootInfoContents::Value { val, len } => Contents::Value(val, len),
        BootInfoContents::Address { content_buf } => Contents::Bytes(content_buf.to_vec()),
    };
    Item { name, item_type: item.typ.into(), contents }
}

impl Case for BootCase {
    fn agrees(&self) -> bool {
        match (&self.ours, &self.theirs) {
            (Verdict::Accepts(ours), Verdict::Accepts(theirs)) => ours == theirs,
            (Verdict::Refuses(_), Verdict::Refuses(_)) => true,
            _ => false,
        }
    }
}

impl fmt::Display for BootCase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let BootCase { bytes, ours, theirs } = self;
        write!(f, "{bytes:02x?}\nffa-abi: {ours}\narm-ffa: {theirs}")
    }
}

/// Two pieces, one of them behind the descriptors: as ffa-abi writes them.
/// From 1.3 on it says by an offset where the other one is.
pub(crate) fn our_blob(version: Version, text: &CStr, value: u64) -> Vec<u8> {
    let mut bytes = vec![0x55; 160];
    let base = (version < Version::V1_3).then_some(bytes.as_ptr() as u64);
    let mut writer = BootInformationWriter::new(&mut bytes, version, 2).unwrap();
    let id = BootItemName::Uuid(Uuid([0x11; 16]));
    writer.value(id, BootItemType(0x85), value, 8).unwrap();
    let tree = BootItemType::FLATTENED_DEVICE_TREE;
    writer.bytes(BootItemName::Text(text), tree, b"tree", base).unwrap();
    let length = writer.finish().unwrap();
    bytes.truncate(length);
    bytes
}

/// The same as arm-ffa writes them.
fn their_blob(version: Version, text: &CStr, value: u64) -> Vec<u8> {
    let id = BootInfo {
        name: BootInfoName::Uuid(uuid(Uuid([0x11; 16]))),
        typ: BootInfoType::Impdef(BootInfoImpdefId(5)),
        contents: BootInfoContents::Value { val: value, len: 8 },
    };
    let tree = BootInfo {
        name: BootInfoName::NullTermString(text),
        typ: BootInfoType::Std(BootInfoStdId::Fdt),
        contents: BootInfoContents::Address { content_buf: b"tree" },
    };
    let mut bytes = vec![0; 160];
    BootInfo::pack(their_version(version), &[id, tree], &mut bytes, None);
    let length = BootInfo::get_blob_size(their_version(version), &bytes).unwrap();
    bytes.truncate(length);
    bytes
}

/// `bytes` with the address of what the second piece holds as it would be at `base`.
fn based_at(mut bytes: Vec<u8>, base: u64) -> Vec<u8> {
    let place = u64::from_le_bytes(bytes[88..96].try_into().unwrap());
    let place = place - bytes.as_ptr() as u64 + base;
    bytes[88..96].copy_from_slice(&place.to_le_bytes());
    bytes
}

/// Versions that both write.
const BOTH_HAVE: [Version; 2] = [Version::V1_1, Version::V1_2];

#[test]
fn both_write_the_same_boot_information() {
    for version in BOTH_HAVE {
        let (ours, theirs) = (our_blob(version, c"a", 7), their_blob(version, c"a", 7));
        assert_eq!(based_at(ours, 0x1000), based_at(theirs, 0x1000));
    }
}

#[test]
fn both_read_the_same_boot_information_save_for_the_known_differences() {
    let mut rng = Rng::with_seed(0x5eed_0006);
    let mut tally = Tally::new(KNOWN);
    for _ in 0..80_000 {
        let text = pick(&mut rng, &[c"", c"manifest"]);
        let value = rng.u64(..);
        let mut bytes = match rng.u8(..16) {
            0 => our_blob(Version::V1_3, text, value),
            1..8 => our_blob(pick(&mut rng, &BOTH_HAVE), text, value),
            _ => their_blob(pick(&mut rng, &BOTH_HAVE), text, value),
        };
        match rng.u8(..4) {
            0 => change_header(&mut rng, &mut bytes),
            1 => change_item(&mut rng, &mut bytes),
            // In place: the addresses stay right.
            _ => mutate(&mut rng, &mut bytes),
        }
        tally.take(&BootCase::new(bytes));
    }
    tally.finish(50_000);
}

/// One or two fields that say how the blob is laid out.
fn change_header(rng: &mut Rng, bytes: &mut [u8]) {
    for _ in 0..rng.u8(1..=2) {
        let field = 4 * rng.usize(1..8);
        let value = pick(rng, &[0, 1, 3, 8, 24, 33, 32, 40, 64, 96, 0x1_0000, 0x1_0003_u32]);
        bytes[field..field + 4].copy_from_slice(&value.to_le_bytes());
    }
}

fn change_item(rng: &mut Rng, bytes: &mut [u8]) {
    let item = 32 + 32 * rng.usize(..2);
    bytes[item + rng.usize(16..24)] = pick(rng, &[0, 1, 2, 4, 5, 8, 9, 0x10, 0x80]);
}

#[test]
fn each_known_difference_of_boot_information_shows_in_its_example() {
    examples_show(KNOWN);
}
