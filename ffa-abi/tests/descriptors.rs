//! Descriptors in buffers against a second, naive reader: both take the same bytes and read the same
//! values, and nothing that bytes can hold panics.
#![allow(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::unwrap_used,
    reason = "a test"
)]

use ffa_abi::{
    BootInformation, EndpointRxTx, FirstFragment, Message, Relinquish, Transaction,
    TransactionHead, TransactionKind, TransactionLayout, Version,
};

const KINDS: [TransactionKind; 6] = [
    TransactionKind::Donate,
    TransactionKind::Lend,
    TransactionKind::Share,
    TransactionKind::RetrieveRequest,
    TransactionKind::HypervisorRetrieveRequest,
    TransactionKind::RetrieveResponse,
];

const VERSIONS: [Version; 4] = [Version::V1_0, Version::V1_1, Version::V1_2, Version::V1_3];

/// xorshift64*: small, and repeatable by its seed.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() >> 8) as usize % end
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    /// Changes one to four bytes, in one case of four also the length.
    fn mutate(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..=self.below(4) {
            let index = self.below(bytes.len());
            bytes[index] = match self.below(5) {
                0 => 0,
                1 => 0xff,
                2 => bytes[index].wrapping_add(1),
                3 => bytes[index] ^ 1 << self.below(8),
                _ => self.next() as u8,
            };
        }
        match self.below(8) {
            0 => bytes.truncate(self.below(bytes.len() + 1)),
            1 => bytes.extend([0; 16]),
            _ => {}
        }
        if bytes.is_empty() {
            bytes.push(0);
        }
    }
}

fn number(bytes: &[u8], at: usize, size: usize) -> u128 {
    bytes[at..at + size].iter().rev().fold(0, |value, byte| value << 8 | u128::from(*byte))
}

fn put(bytes: &mut [u8], at: usize, size: usize, value: u128) {
    bytes[at..at + size].copy_from_slice(&value.to_le_bytes()[..size]);
}

/// What a transaction says, as plain numbers.
#[derive(PartialEq, Debug, Default)]
struct Content {
    sender: u128,
    attributes: u128,
    flags: u128,
    handle: u128,
    tag: u128,
    receivers: Vec<(u128, u128, u128, bool, u128)>,
    composite: Option<(u128, u128)>,
    ranges: Vec<(u128, u128)>,
}

/// Reads a whole transaction with indexes and wide numbers; `None` where it must be refused.
fn naive(bytes: &[u8], version: Version, kind: TransactionKind) -> Option<Content> {
    let old = version == Version::V1_0;
    let header = if old { 32 } else { 48 };
    let mut content = naive_header(bytes.get(..header)?, old, kind)?;
    let count = number(bytes, 28, 4);
    if kind == TransactionKind::HypervisorRetrieveRequest {
        return (count == 0 && bytes.len() == header).then_some(content);
    }
    let (size, access) = if old { (16, 32) } else { (number(bytes, 24, 4), number(bytes, 32, 4)) };
    let access_end = access + size * count;
    if count == 0
        || (kind == TransactionKind::Donate && count != 1)
        || !(size == 16 || size == 32 && version >= Version::V1_2)
        || access % 16 != 0
        || access < header as u128
        || access_end > bytes.len() as u128
    {
        return None;
    }
    let array = &bytes[access as usize..access_end as usize];
    let composite = naive_receivers(array, size as usize, kind, &mut content)?;
    if composite == 0 {
        let right = kind == TransactionKind::RetrieveRequest && access_end == bytes.len() as u128;
        return right.then_some(content);
    }
    if composite % 16 != 0 || composite < access_end || composite + 16 > bytes.len() as u128 {
        return None;
    }
    let at = composite as usize;
    let (pages, ranges) = (number(bytes, at, 4), number(bytes, at + 4, 4));
    if ranges == 0 || composite + 16 + 16 * ranges != bytes.len() as u128 {
        return None;
    }
    content.composite = Some((pages, ranges));
    content.ranges = naive_ranges(&bytes[at + 16..], pages)?;
    Some(content)
}

fn is_owner(kind: TransactionKind) -> bool {
    KINDS[..3].contains(&kind)
}

fn naive_header(bytes: &[u8], old: bool, kind: TransactionKind) -> Option<Content> {
    let attributes = number(bytes, 2, if old { 1 } else { 2 });
    let (flags, handle) = (number(bytes, 4, 4), number(bytes, 8, 8));
    let reserved =
        if old { number(bytes, 3, 1) + number(bytes, 24, 4) } else { number(bytes, 36, 12) };
    let owner = is_owner(kind);
    if reserved != 0
        || flags >> (if old { 10 } else { 11 }) != 0
        || (kind == TransactionKind::Share && flags & 1 != 0)
        || (owner && handle != 0)
        || (owner && flags >> 2 != 0)
        || (attributes & 0x40 != 0 && kind != TransactionKind::RetrieveResponse)
        || attributes >> 7 != 0
    {
        return None;
    }
    let meaningful = match (attributes >> 4 & 3, attributes >> 2 & 3, attributes & 3) {
        (0, ..) => 0x40,
        (1, ..) => 0x7c,
        (2, 1 | 3, 0 | 2 | 3) => 0x7f,
        _ => return None,
    };
    let (sender, tag) = (number(bytes, 0, 2), number(bytes, 16, 8));
    let attributes = attributes & meaningful;
    Some(Content { sender, attributes, flags, handle, tag, ..Content::default() })
}

/// Reads the access descriptors and returns the offset that they have in common.
fn naive_receivers(
    array: &[u8],
    size: usize,
    kind: TransactionKind,
    content: &mut Content,
) -> Option<u128> {
    let (owner, mut composite) = (is_owner(kind), 0);
    for access in array.chunks(size) {
        let (endpoint, permissions) = (number(access, 0, 2), number(access, 2, 1));
        let offset = number(access, 4, 4);
        if number(access, size - 8, 8) != 0
            || permissions & 3 == 3
            || permissions >> 2 & 3 == 3
            || content.receivers.iter().any(|receiver| receiver.0 == endpoint)
            || (owner && (offset == 0 || endpoint == content.sender))
            || (offset != 0 && composite != 0 && offset != composite)
        {
            return None;
        }
        composite = composite.max(offset);
        let defined = if size == 32 { number(access, 8, 16) } else { 0 };
        let flags = number(access, 3, 1) & 1;
        content.receivers.push((endpoint, permissions & 0xf, flags, offset != 0, defined));
    }
    Some(composite)
}

fn naive_ranges(bytes: &[u8], pages: u128) -> Option<Vec<(u128, u128)>> {
    let ranges: Vec<_> =
        bytes.chunks(16).map(|range| (number(range, 0, 8), number(range, 8, 4))).collect();
    let good = ranges.iter().all(|(address, pages)| {
        address % 4096 == 0 && *pages != 0 && address + pages * 4096 < 1 << 64
    });
    let sum: u128 = ranges.iter().map(|range| range.1).sum();
    (good && sum == pages).then_some(ranges)
}

fn content(head: &TransactionHead<'_>, ranges: Vec<(u128, u128)>) -> Content {
    let header = head.header();
    Content {
        sender: header.sender.0.into(),
        attributes: header.attributes.bits().into(),
        flags: header.flags.bits().into(),
        handle: header.handle.0.into(),
        tag: header.tag.into(),
        receivers: head
            .receivers()
            .map(|receiver| {
                let defined = u128::from_le_bytes(receiver.implementation_defined);
                let permissions = receiver.permissions.bits().into();
                let flags = receiver.flags.bits().into();
                (receiver.endpoint.0.into(), permissions, flags, receiver.has_region, defined)
            })
            .collect(),
        composite: head
            .composite()
            .map(|composite| (composite.pages.into(), composite.ranges.into())),
        ranges,
    }
}

fn numbers(ranges: ffa_abi::Ranges<'_>) -> Vec<(u128, u128)> {
    ranges.map(|range| (range.address().into(), range.pages().into())).collect()
}

fn content_of(transaction: &Transaction<'_>) -> Content {
    content(transaction.head(), numbers(transaction.ranges()))
}

/// A transaction that both readers must take: with gaps, with anything in ignored fields.
fn valid(random: &mut Random, version: Version, kind: TransactionKind) -> Vec<u8> {
    let old = version == Version::V1_0;
    let owner = is_owner(kind);
    let mut bytes = vec![0; if old { 32 } else { 48 }];
    put(&mut bytes, 0, 2, 1);
    let attributes: &[u128] =
        if kind == TransactionKind::RetrieveResponse { &[0x2f, 0x6f, 0x14] } else { &[0x2f, 0x10] };
    put(&mut bytes, 2, 1, random.pick(attributes));
    put(
        &mut bytes,
        4,
        4,
        if owner { random.pick(&[0, 2]) } else { random.pick(&[0, 0x317, 0x3ff]) },
    );
    put(&mut bytes, 8, 8, if owner { 0 } else { random.next().into() });
    put(&mut bytes, 16, 8, random.next().into());
    if kind == TransactionKind::HypervisorRetrieveRequest {
        return bytes;
    }
    let count = if kind == TransactionKind::Donate { 1 } else { 1 + random.below(3) };
    let size = if version >= Version::V1_2 { random.pick(&[16, 32]) } else { 16 };
    put(&mut bytes, 28, 4, count as u128);
    let gap = |random: &mut Random, bytes: &mut Vec<u8>| {
        let length = bytes.len() + random.pick(&[0, 0, 16, 48]);
        bytes.resize_with(length, || random.next() as u8);
    };
    if !old {
        gap(random, &mut bytes);
        let access = bytes.len() as u128;
        put(&mut bytes, 24, 4, size as u128);
        put(&mut bytes, 32, 4, access);
    }
    let access = bytes.len();
    bytes.resize(access + size * count, 0);
    let has_ranges = kind != TransactionKind::RetrieveRequest || random.below(3) == 0;
    if has_ranges {
        gap(random, &mut bytes);
    }
    let composite = if has_ranges { bytes.len() } else { 0 };
    for index in 0..count {
        let at = access + size * index;
        put(&mut bytes, at, 2, 0x8000 + index as u128);
        put(&mut bytes, at + 2, 1, random.pick(&[0, 1, 2, 6, 0x5a, 0xf9]));
        bytes[at + 3] = random.next() as u8;
        let points = owner || index == 0 || random.below(2) == 0;
        put(&mut bytes, at + 4, 4, if points { composite as u128 } else { 0 });
        if size == 32 && random.below(2) == 0 {
            put(&mut bytes, at + 8, 16, u128::from(random.next()) << 37);
        }
    }
    if has_ranges {
        append_ranges(random, &mut bytes);
    }
    bytes
}

fn append_ranges(random: &mut Random, bytes: &mut Vec<u8>) {
    let (at, ranges) = (bytes.len(), 1 + random.below(5));
    bytes.resize(at + 16 + 16 * ranges, 0);
    put(bytes, at + 8, 8, random.next().into());
    let mut total = 0;
    for index in 0..ranges {
        let at = at + 16 + 16 * index;
        let pages = 1 + random.below(3) as u128;
        put(bytes, at, 8, u128::from(random.next() >> 8) << 12 & 0xffff_ffff_f000);
        put(bytes, at + 8, 4, pages);
        put(bytes, at + 12, 4, random.next() as u32 as u128);
        total += pages;
    }
    put(bytes, at, 4, total);
    put(bytes, at + 4, 4, ranges as u128);
}

/// Both readers agree on `bytes`; returns whether they took them.
fn agree(bytes: &[u8], version: Version, kind: TransactionKind) -> bool {
    let ours = Transaction::parse(bytes, version, kind);
    let wanted = naive(bytes, version, kind);
    assert_eq!(
        ours.as_ref().ok().map(content_of),
        wanted,
        "{ours:?} {version} {kind} of {bytes:02x?}"
    );
    ours.is_ok()
}

#[test]
fn valid_transactions_are_read_as_the_naive_reader_reads_them() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for _ in 0..2_000 {
        for kind in KINDS {
            let version = random.pick(&VERSIONS);
            let bytes = valid(&mut random, version, kind);
            assert!(agree(&bytes, version, kind), "{version} {kind} {bytes:02x?}");
        }
    }
}

#[test]
fn every_byte_of_a_transaction_takes_every_value() {
    let mut random = Random(0x1234_5678_9abc_def1);
    let (mut taken, mut refused) = (0, 0);
    for (kind, version) in
        KINDS.into_iter().flat_map(|kind| [0, 1, 2].map(|index| (kind, VERSIONS[index])))
    {
        let mut bytes = shortest(&mut random, version, kind);
        for index in 0..bytes.len() {
            let before = bytes[index];
            for value in 0..=u8::MAX {
                bytes[index] = value;
                *(if agree(&bytes, version, kind) { &mut taken } else { &mut refused }) += 1;
            }
            bytes[index] = before;
        }
        for length in 0..bytes.len() {
            agree(&bytes[..length], version, kind);
        }
    }
    assert!(taken > 50_000 && refused > 50_000, "{taken} taken, {refused} refused");
}

/// Of some transactions with ranges the shortest, since each of its bytes costs 256 readings.
fn shortest(random: &mut Random, version: Version, kind: TransactionKind) -> Vec<u8> {
    let some = core::iter::repeat_with(|| valid(random, version, kind));
    let has_ranges =
        |bytes: &Vec<u8>| naive(bytes, version, kind).is_some_and(|it| it.ranges.len() > 1);
    let bare = kind == TransactionKind::HypervisorRetrieveRequest;
    some.filter(|bytes| bare || has_ranges(bytes)).take(8).min_by_key(Vec::len).unwrap()
}

#[test]
fn mutated_transactions_are_taken_or_refused_alike_and_translate_or_do_not() {
    let mut random = Random(0xdead_beef_0bad_cafe);
    let mut taken = 0;
    for _ in 0..60_000 {
        let (kind, version) = (random.pick(&KINDS), random.pick(&VERSIONS));
        let mut bytes = valid(&mut random, version, kind);
        random.mutate(&mut bytes);
        // In one case of eight the reader believes in another call or version.
        let kind = if random.below(8) == 0 { random.pick(&KINDS) } else { kind };
        let version = if random.below(8) == 0 { random.pick(&VERSIONS) } else { version };
        if let Err(error) = Transaction::parse(&bytes, version, kind) {
            assert!(!error.to_string().is_empty());
        }
        if agree(&bytes, version, kind) {
            taken += 1;
            translate(&Transaction::parse(&bytes, version, kind).unwrap());
        }
    }
    assert!(taken > 10_000, "only {taken} of the mutated transactions were taken");
}

/// Translates into every layout and back; what comes through is the same.
fn translate(transaction: &Transaction<'_>) {
    let head = transaction.head();
    let from = head.layout();
    assert!(!head.to_string().is_empty());
    for to in TransactionLayout::ALL {
        let (mut there, mut back) = ([0xa5; 0x400], [0x5a; 0x400]);
        let Ok(length) = transaction.translate(&mut there, to.version()) else {
            let defined = |receiver: ffa_abi::Receiver| receiver.implementation_defined != [0; 16];
            let header = head.header();
            let lost = header.attributes.non_secure
                || header.flags.bits() >> 10 != 0
                || head.receivers().any(defined);
            assert!(to < from && lost);
            continue;
        };
        let (there, behind) = there.split_at(length as usize);
        assert!(behind.iter().all(|byte| *byte == 0xa5));
        let other = Transaction::parse(there, to.version(), head.kind()).unwrap();
        assert_eq!(content_of(&other), content_of(transaction));
        // Without receivers 1.1 and 1.2 are one.
        assert!(other.head().layout() == to || head.receivers().len() == 0);
        match other.translate(&mut back, from.version()) {
            Ok(length) => {
                let back = &back[..length as usize];
                let third = Transaction::parse(back, from.version(), head.kind());
                assert_eq!(content_of(&third.unwrap()), content_of(transaction));
            }
            Err(error) => assert_eq!((from, to > from), (TransactionLayout::V1_0, true), "{error}"),
        }
    }
}

#[test]
fn any_cut_into_fragments_reads_like_the_whole() {
    let mut random = Random(0x0f0f_0f0f_1234_4321);
    let mut cut = 0;
    for _ in 0..20_000 {
        let (kind, version) = (random.pick(&KINDS), random.pick(&VERSIONS));
        let mut bytes = valid(&mut random, version, kind);
        if random.below(3) == 0 {
            random.mutate(&mut bytes);
        }
        let whole = naive(&bytes, version, kind);
        let total = bytes.len() as u32;
        let mut end = random.below(bytes.len()) + 1;
        if random.below(8) != 0 {
            end = bytes.len() - (16 * random.below(5)).min(bytes.len() - 1);
        }
        let Ok(first) = FirstFragment::parse(&bytes[..end], total, version, kind) else {
            continue;
        };
        let (mut rest, mut ranges) = (first.rest(), numbers(first.ranges()));
        let mut refused = false;
        while !rest.is_complete() && !refused {
            assert_eq!(rest.offset() as usize, end);
            let next = (end + 16 * (1 + random.below(2))).min(bytes.len());
            match rest.read(&bytes[end..next]) {
                Ok(read) => ranges.extend(numbers(read)),
                Err(_) => refused = true,
            }
            (end, cut) = (next, cut + 1);
        }
        let read = (!refused).then(|| content(first.head(), ranges));
        assert_eq!(read, whole);
    }
    assert!(cut > 5_000, "only {cut} later fragments");
}

#[test]
fn relinquish_descriptors_read_like_the_naive_reader_does() {
    let mut random = Random(0x5555_aaaa_1111_2222);
    let mut taken = 0;
    for _ in 0..50_000 {
        let count = 1 + random.below(4);
        let mut bytes = vec![0; 16 + 2 * count + random.below(3)];
        put(&mut bytes, 0, 8, random.next().into());
        put(&mut bytes, 8, 4, random.below(8) as u128);
        put(&mut bytes, 12, 4, count as u128);
        for index in 0..count {
            put(&mut bytes, 16 + 2 * index, 2, random.below(20) as u128);
        }
        if random.below(2) == 0 {
            random.mutate(&mut bytes);
        }
        let wanted = (|| {
            let count = number(bytes.get(..16)?, 12, 4) as usize;
            let ids = bytes.get(16..16 + 2 * count)?;
            let mut ids: Vec<_> = ids.chunks(2).map(|id| number(id, 0, 2)).collect();
            let listed = ids.clone();
            ids.sort_unstable();
            ids.dedup();
            let good = count != 0 && ids.len() == count;
            good.then(|| (number(&bytes, 0, 8), number(&bytes, 8, 4) & 3, listed))
        })();
        let read = Relinquish::parse(&bytes).ok().map(|read| {
            assert!(!read.to_string().is_empty());
            let ids: Vec<_> = read.endpoints().map(|id| u128::from(id.0)).collect();
            (read.handle().0.into(), read.flags().bits().into(), ids)
        });
        assert_eq!(read, wanted, "{bytes:02x?}");
        taken += usize::from(read.is_some());
    }
    assert!(taken > 10_000, "only {taken}");
}

#[test]
fn messages_read_like_the_naive_reader_does() {
    let mut random = Random(0x7777_1234_8888_4321);
    let mut taken = 0;
    for _ in 0..50_000 {
        let version = random.pick(&VERSIONS);
        let header = if version < Version::V1_2 { 20 } else { 40 };
        let mut bytes = vec![0; header + 1 + random.below(30)];
        bytes.fill_with(|| random.next() as u8);
        let offset = header + random.below(8);
        put(&mut bytes, 8, 4, offset as u128);
        put(&mut bytes, 16, 4, random.below(24) as u128);
        if random.below(2) == 0 {
            random.mutate(&mut bytes);
        }
        let wanted = (|| {
            let head = bytes.get(..header)?;
            let (offset, size) = (number(head, 8, 4) as usize, number(head, 16, 4) as usize);
            let payload = bytes.get(offset..offset + size)?;
            let uuid = if header == 40 { head[24..].try_into().unwrap() } else { [0; 16] };
            let ids = (number(head, 14, 2), number(head, 12, 2));
            (offset >= header && size != 0).then_some((ids, uuid, payload))
        })();
        let read = Message::parse(&bytes, version).ok().map(|message| {
            let (sender, receiver) = (message.header.sender.0, message.header.receiver.0);
            ((sender.into(), receiver.into()), message.header.uuid.0, message.payload)
        });
        assert_eq!(read, wanted, "{version} {bytes:02x?}");
        taken += usize::from(read.is_some());
    }
    assert!(taken > 10_000, "only {taken}");
}

#[test]
fn endpoint_rxtx_descriptors_read_like_the_naive_reader_does() {
    type Both = (u128, Vec<(u128, u128)>, Vec<(u128, u128)>);
    fn region(bytes: &[u8], offset: usize) -> Option<(usize, Vec<(u128, u128)>)> {
        let head = bytes.get(offset..offset.checked_add(16)?)?;
        let (pages, count) = (number(head, 0, 4), number(head, 4, 4) as usize);
        let end = offset + 16 + 16 * count;
        let ranges = naive_ranges(bytes.get(offset + 16..end)?, pages)?;
        (offset % 8 == 0 && offset >= 12 && count != 0).then_some((end, ranges))
    }
    fn new(bytes: &[u8]) -> Option<Both> {
        let head = bytes.get(..12)?;
        let (rx_at, tx_at) = (number(head, 4, 4) as usize, number(head, 8, 4) as usize);
        let ((rx_end, rx), (tx_end, tx)) = (region(bytes, rx_at)?, region(bytes, tx_at)?);
        let apart = rx_at >= tx_end || tx_at >= rx_end;
        (apart && number(head, 2, 2) == 0).then(|| (number(head, 0, 2), rx, tx))
    }
    fn old(bytes: &[u8]) -> Option<Both> {
        let head = bytes.get(..16)?;
        let (rx, tx) = (number(head, 4, 4) as usize, number(head, 8, 4) as usize);
        let sum = |bytes: &[u8]| {
            let pages = bytes.chunks(16).map(|range| number(range, 8, 4)).sum();
            naive_ranges(bytes, pages).filter(|_| pages < 1 << 32)
        };
        let zero = number(head, 2, 2) + number(head, 12, 4) == 0;
        let rx_ranges = sum(bytes.get(16..16 + 16 * rx)?)?;
        let tx_ranges = sum(bytes.get(16 + 16 * rx..16 + 16 * (rx + tx))?)?;
        (zero && rx != 0 && tx != 0).then(|| (number(head, 0, 2), rx_ranges, tx_ranges))
    }
    let mut random = Random(0x3141_5926_5358_9793);
    let mut taken = 0;
    for _ in 0..50_000 {
        let version = random.pick(&VERSIONS);
        let mut bytes = vec![0; 16];
        put(&mut bytes, 0, 2, random.below(9) as u128);
        for field in [4, 8] {
            let at = bytes.len();
            append_ranges(&mut random, &mut bytes);
            let ranges = (bytes.len() - at - 16) / 16;
            if version == Version::V1_0 {
                bytes.drain(at..at + 16);
                put(&mut bytes, field, 4, ranges as u128);
            } else {
                put(&mut bytes, field, 4, at as u128);
            }
        }
        if random.below(2) == 0 {
            random.mutate(&mut bytes);
        }
        let wanted = if version == Version::V1_0 { old(&bytes) } else { new(&bytes) };
        let read = EndpointRxTx::parse(&bytes, version).ok().map(|read| {
            assert!(!read.to_string().is_empty());
            (read.endpoint().0.into(), numbers(read.rx().ranges()), numbers(read.tx().ranges()))
        });
        assert_eq!(read, wanted, "{version} {bytes:02x?}");
        taken += usize::from(read.is_some());
    }
    assert!(taken > 10_000, "only {taken}");
}

#[test]
fn mutated_boot_information_is_read_or_refused() {
    let mut random = Random(0x2718_2818_2845_9045);
    let mut original = vec![0; 0x80];
    for (at, size, value) in [(0, 4, 0xffa), (4, 4, 0x1_0003), (8, 4, 0x80), (12, 4, 32)] {
        put(&mut original, at, size, value);
    }
    for (at, size, value) in [(16, 4, 2), (20, 4, 32), (0x20, 8, 0x61), (0x32, 2, 8)] {
        put(&mut original, at, size, value);
    }
    for (at, size, value) in [(0x34, 4, 8), (0x38, 8, 0x60), (0x52, 2, 5), (0x54, 4, 4)] {
        put(&mut original, at, size, value);
    }
    assert_eq!(BootInformation::parse(&original).unwrap().items().count(), 2);
    let mut taken = 0;
    for _ in 0..100_000 {
        let mut bytes = original.clone();
        random.mutate(&mut bytes);
        let Ok(read) = BootInformation::parse(&bytes) else { continue };
        taken += 1;
        assert_eq!(read.items().count() as u128, number(&bytes, 16, 4));
        for item in read.items() {
            assert!(!item.to_string().is_empty());
            let base = random.next();
            if let Some(contents) = read.contents_at(item.contents, base) {
                assert!(contents.len() <= bytes.len());
            }
        }
    }
    assert!(taken > 10_000, "only {taken}");
}

#[test]
fn noise_is_never_more_than_refused() {
    let mut random = Random(0x6a09_e667_f3bc_c908);
    let mut bytes = [0; 0x100];
    for _ in 0..50_000 {
        bytes.fill_with(|| if random.below(2) == 0 { 0 } else { random.next() as u8 });
        let bytes = &bytes[..random.below(0x101)];
        let (version, kind) = (random.pick(&VERSIONS), random.pick(&KINDS));
        agree(bytes, version, kind);
        let _ = FirstFragment::parse(bytes, random.next() as u32, version, kind);
        let _ = Relinquish::parse(bytes);
        let _ = Message::parse(bytes, version);
        let _ = EndpointRxTx::parse(bytes, version);
        let _ = BootInformation::parse(bytes);
    }
}
