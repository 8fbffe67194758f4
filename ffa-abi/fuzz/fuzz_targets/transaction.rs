//! Memory transactions: `[version] [kind] [first cut, 2 bytes] [ranges a fragment] [transaction]`.
#![no_main]

use ffa_abi::{
    BuildError, Composite, DescriptorError, FirstFragment, Fragments, MemoryRange, NewTransaction,
    PAGE_SIZE, Receiver, Transaction, TransactionFlags, TransactionHead, TransactionHeader,
    TransactionKind, TransactionLayout, Version,
};
use ffa_abi_fuzz::{Input, double_word, half, said, shown, word, written};
use libfuzzer_sys::fuzz_target;

const RANGE_SIZE: usize = 16;

fuzz_target!(|data: &[u8]| {
    let mut input = Input(data);
    let (version, kind) = (input.version(), input.kind());
    let cuts = Cuts { first: input.half().into(), step: usize::from(input.byte() % 8) + 1 };
    let bytes = input.rest();
    let anywhere = cuts.first % (bytes.len() + 1);
    let whole = Transaction::parse(bytes, version, kind);
    let pieces = read_in_pieces(bytes, version, kind, anywhere, cuts.step);
    match whole {
        Ok(transaction) => {
            let read = Read::of(transaction.head(), transaction.ranges().collect());
            assert_eq!(transaction.ranges().len(), read.ranges.len());
            let layout = transaction.head().layout();
            assert!(bytes.len() >= length(&read, layout), "parts overlap");
            is_what_bytes_say(&read, bytes, layout);
            shown_well(&transaction, &read);
            agrees(&read, bytes, version, &cuts, &pieces);
            survives(&transaction, &read, &cuts);
        }
        Err(error) => {
            said(format_args!("{error}"));
            is_refused_in_pieces(error, &pieces);
        }
    }
});

/// Where an input wants a transaction cut: after how many bytes or ranges, and then each how many
/// ranges.
struct Cuts {
    first: usize,
    step: usize,
}

/// All that a transaction says.
#[derive(Clone, PartialEq, Debug)]
struct Read {
    kind: TransactionKind,
    header: TransactionHeader,
    receivers: Vec<Receiver>,
    composite: Option<Composite>,
    ranges: Vec<MemoryRange>,
}

impl Read {
    fn of(head: &TransactionHead<'_>, ranges: Vec<MemoryRange>) -> Read {
        let (kind, header, composite) = (head.kind(), head.header(), head.composite());
        Read { kind, header, receivers: head.receivers().collect(), composite, ranges }
    }

    fn to_write(&self) -> NewTransaction<Vec<Receiver>> {
        let Read { kind, header, ref receivers, composite, .. } = *self;
        NewTransaction { kind, header, receivers: receivers.clone(), composite }
    }
}

/// Why a transaction could not be read in pieces.
#[derive(PartialEq, Debug)]
enum Refused {
    First,
    Later(DescriptorError),
}

/// Reads a transaction whose first fragment ends after `first` bytes.
fn read_in_pieces(
    bytes: &[u8],
    version: Version,
    kind: TransactionKind,
    first: usize,
    step: usize,
) -> Result<Read, Refused> {
    let total = u32::try_from(bytes.len()).expect("inputs are small");
    let (fragment, later) = bytes.split_at(first);
    let read = FirstFragment::parse(fragment, total, version, kind).map_err(|_| Refused::First)?;
    let mut rest = read.rest();
    let mut ranges: Vec<MemoryRange> = read.ranges().collect();
    let mut offset = first;
    for fragment in later.chunks(RANGE_SIZE * step) {
        assert_eq!(rest.offset() as usize, offset);
        offset += fragment.len();
        refuses_what_is_no_fragment(&rest, later);
        let before = rest.clone();
        match rest.read(fragment) {
            Ok(more) => ranges.extend(more),
            Err(error) => {
                assert_eq!(rest, before, "a failure changes nothing");
                return Err(Refused::Later(error));
            }
        }
    }
    assert!(rest.is_complete() && rest.offset() == total);
    assert_eq!((rest.missing(), rest.total_length()), (None, total));
    Ok(Read::of(read.head(), ranges))
}

/// Nothing, a part of a range, or more ranges than are missing.
fn refuses_what_is_no_fragment(rest: &Fragments, later: &[u8]) {
    let too_many = [later, &[0; RANGE_SIZE]].concat();
    for fragment in [&[], &later[..later.len().min(RANGE_SIZE - 1)], &too_many] {
        let mut after = rest.clone();
        assert!(after.read(fragment).is_err());
        assert_eq!(after, *rest);
    }
}

/// What is refused as a whole is refused in pieces too, at the latest where the fault is.
fn is_refused_in_pieces(error: DescriptorError, pieces: &Result<Read, Refused>) {
    match pieces {
        Ok(_) => panic!("in pieces it is none of {error}"),
        Err(Refused::First) => {}
        Err(Refused::Later(later)) => assert_eq!(*later, error),
    }
}

/// However it is cut, a transaction says the same; cut inside its head or a range it says nothing.
fn agrees(
    read: &Read,
    bytes: &[u8],
    version: Version,
    cuts: &Cuts,
    pieces: &Result<Read, Refused>,
) {
    let head_length = bytes.len() - RANGE_SIZE * read.ranges.len();
    let anywhere = cuts.first % (bytes.len() + 1);
    let is_between = |at: usize| at >= head_length && (at - head_length) % RANGE_SIZE == 0;
    let expected = if is_between(anywhere) { Ok(read) } else { Err(&Refused::First) };
    assert_eq!(pieces.as_ref(), expected);
    let first = head_length + RANGE_SIZE * (cuts.first % (read.ranges.len() + 1));
    let pieces = read_in_pieces(bytes, version, read.kind, first, cuts.step);
    assert_eq!(pieces.as_ref(), Ok(read));
}

/// The fields stand where the document puts them.
fn is_what_bytes_say(read: &Read, bytes: &[u8], layout: TransactionLayout) {
    let TransactionHeader { sender, attributes, flags, handle, tag } = read.header;
    assert_eq!((sender.0, flags.bits()), (half(bytes, 0), word(bytes, 4)));
    assert_eq!((handle.0, tag), (double_word(bytes, 8), double_word(bytes, 16)));
    let is_1_0 = layout == TransactionLayout::V1_0;
    // Of memory that is device or not specified some bits mean nothing.
    let means = [0x70, 0x7c, 0x7f, 0x7f][usize::from(bytes[2] >> 4 & 3)];
    assert_eq!(attributes.bits(), u16::from(bytes[2] & means));
    let access_offset = if is_1_0 { 32 } else { word(bytes, 32) as usize };
    for (index, receiver) in read.receivers.iter().enumerate() {
        let access = &bytes[access_offset + index * layout.access_size() as usize..];
        let said = (half(access, 0), access[2] & 0xf, access[3] & 1, word(access, 4) != 0);
        let Receiver { endpoint, permissions, flags, has_region, .. } = *receiver;
        assert_eq!((endpoint.0, permissions.bits(), flags.bits(), has_region), said);
        let is_long = layout == TransactionLayout::V1_2;
        let defined = if is_long { &access[8..24] } else { &[0; 16] };
        assert_eq!(receiver.implementation_defined, defined);
    }
    let ranges = &bytes[bytes.len() - RANGE_SIZE * read.ranges.len()..];
    for (range, bytes) in read.ranges.iter().zip(ranges.chunks_exact(RANGE_SIZE)) {
        assert_eq!((range.address(), range.pages()), (double_word(bytes, 0), word(bytes, 8)));
    }
}

fn shown_well(transaction: &Transaction<'_>, read: &Read) {
    let head = transaction.head();
    said(format_args!("{head} {} {:?}", head.layout(), head.layout()));
    shown(transaction);
    shown(&head.header());
    assert_eq!(head.receivers().len(), read.receivers.len());
    for receiver in &read.receivers {
        assert_eq!(head.receiver(receiver.endpoint), Some(*receiver), "none is there twice");
        assert!(!receiver.has_region || head.composite().is_some());
    }
    for range in &read.ranges {
        shown(range);
        assert_eq!(MemoryRange::new(range.address(), range.pages()), Some(*range));
        assert!(range.address() % PAGE_SIZE == 0 && range.end() > range.address());
    }
    assert_eq!(Composite::of(read.ranges.iter().copied()), head.composite());
}

/// Built from its parts, and translated to every layout and back, it is the same.
fn survives(transaction: &Transaction<'_>, read: &Read, cuts: &Cuts) {
    let layout = transaction.head().layout();
    let from = layout.version();
    let built = written(length(read, layout), |buffer| {
        bytes(read.to_write().write(buffer, from, read.ranges.iter().copied()))
    });
    assert_eq!(parse(&built, layout, read), *read);
    for to in TransactionLayout::ALL {
        let version = to.version();
        if loses(layout, to, read) {
            let end = transaction.translate(&mut vec![0; length(read, to)], version);
            assert!(matches!(end, Err(BuildError::Unrepresentable(_))), "{end:?}");
            continue;
        }
        let there =
            written(length(read, to), |buffer| bytes(transaction.translate(buffer, version)));
        assert_eq!(parse(&there, to, read), *read);
        assert_eq!(written_in_pieces(transaction.head(), read, to, cuts), there);
        if !loses(to, layout, read) {
            let there = Transaction::parse(&there, version, read.kind).expect("what was written");
            let mut back = vec![0; built.len()];
            assert_eq!(bytes(there.translate(&mut back, from)), Ok(built.len()));
            assert_eq!(back, built);
        }
    }
    forwarded(transaction.head(), &read.ranges, cuts);
}

/// With other ranges, a relayer's, it is a transaction of the same head.
fn forwarded(head: &TransactionHead<'_>, ranges: &[MemoryRange], cuts: &Cuts) {
    let count = cuts.first % (ranges.len() + 1);
    let (few, _) = ranges.split_at(count);
    let composite = Composite::of(few.iter().copied());
    let new = head.with_composite(composite);
    let mut buffer = vec![0; 0x1_0000];
    let version = head.layout().version();
    match new.write(&mut buffer, version, few.iter().copied()) {
        Ok(length) => {
            let read = Transaction::parse(&buffer[..length as usize], version, head.kind());
            let read = read.expect("what was written");
            assert_eq!((read.head().header(), read.head().composite()), (head.header(), composite));
            assert!(read.ranges().eq(few.iter().copied()));
            assert!(read.head().receivers().eq(head.receivers()));
        }
        // Without ranges, receivers that point to some are refused.
        Err(error) => assert!(head.composite().is_some() && count == 0, "{error}"),
    }
}

fn bytes(length: Result<u32, BuildError>) -> Result<usize, BuildError> {
    length.map(|length| length as usize)
}

fn length(read: &Read, layout: TransactionLayout) -> usize {
    let length = 16 * usize::from(read.composite.is_some())
        + layout.header_size() as usize
        + layout.access_size() as usize * read.receivers.len()
        + RANGE_SIZE * read.ranges.len();
    assert_eq!(read.to_write().total_length(layout.version()), u32::try_from(length).ok());
    length
}

fn parse(bytes: &[u8], layout: TransactionLayout, as_before: &Read) -> Read {
    let parsed = Transaction::parse(bytes, layout.version(), as_before.kind);
    let transaction = parsed.expect("what was written");
    assert_eq!(transaction.head().total_length() as usize, bytes.len());
    assert_eq!(transaction.head().layout(), layout);
    Read::of(transaction.head(), transaction.ranges().collect())
}

/// Whether a layout has no place for something that the transaction says.
fn loses(from: TransactionLayout, to: TransactionLayout, read: &Read) -> bool {
    let header = read.header;
    let bypasses = header.flags.contains(TransactionFlags::BYPASS_BORROWER_CHECK);
    let to_1_0 = to == TransactionLayout::V1_0 && from != to;
    let defines = read.receivers.iter().any(|receiver| receiver.implementation_defined != [0; 16]);
    (to_1_0 && (bypasses || header.attributes.non_secure))
        || (to != TransactionLayout::V1_2 && defines)
}

/// Written with room for few ranges at a time.
fn written_in_pieces(
    head: &TransactionHead<'_>,
    read: &Read,
    to: TransactionLayout,
    cuts: &Cuts,
) -> Vec<u8> {
    let mut ranges = read.ranges.iter().copied();
    let head_length = length(read, to) - RANGE_SIZE * read.ranges.len();
    let mut bytes = vec![0; head_length + RANGE_SIZE * (cuts.first % 4) + cuts.first % 16];
    let first = head.translate_first(&mut bytes, to.version(), &mut ranges);
    let (length, mut rest) = first.expect("there is room for the head");
    bytes.truncate(length as usize);
    assert_eq!(rest.total_length() as usize, self::length(read, to));
    while !rest.is_complete() {
        let before = rest.clone();
        assert!(rest.write(&mut [0; RANGE_SIZE - 1], &mut ranges).is_err());
        assert!(rest.write(&mut [0; RANGE_SIZE], &mut std::iter::empty()).is_err());
        assert_eq!(rest, before);
        let mut fragment = vec![0; RANGE_SIZE * cuts.step];
        let length = rest.write(&mut fragment, &mut ranges).expect("there is room for a range");
        assert!(length != 0);
        bytes.extend(&fragment[..length as usize]);
    }
    assert_eq!(rest.write(&mut [], &mut ranges), Ok(0));
    assert_eq!(rest.offset() as usize, bytes.len());
    bytes
}
