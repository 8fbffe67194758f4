use core::cell::RefCell;

use super::*;

/// Calls that are expected, each with its reply, and what is in the RX buffer.
struct Script {
    exchanges: RefCell<std::collections::VecDeque<(Vec<u64>, Vec<u64>)>>,
    rx: Vec<u8>,
}

impl Machine for Script {
    fn call(&self, regs: Regs) -> Regs {
        let (call, reply) = self.exchanges.borrow_mut().pop_front().expect("an unexpected call");
        assert_eq!(regs, registers(&call));
        registers(&reply)
    }
    fn tx(&self) -> u64 {
        0x4000_1000
    }
    fn rx(&self) -> u64 {
        0x4000_2000
    }
    fn read_rx(&self, into: &mut [u8]) {
        into.copy_from_slice(&self.rx[..into.len()]);
    }
}

fn registers(values: &[u64]) -> Regs {
    let mut regs = Regs::ZERO;
    regs.0[..values.len()].copy_from_slice(values);
    regs
}

/// A client that expects `exchanges`; it has to make them all.
fn client(version: Version, exchanges: &[(&[u64], &[u64])], rx: &[u8]) -> Client<Script> {
    let exchanges = exchanges.iter().map(|(call, reply)| (call.to_vec(), reply.to_vec()));
    let machine = Script { exchanges: RefCell::new(exchanges.collect()), rx: rx.to_vec() };
    Client { machine, version }
}

fn ids(partitions: &Partitions) -> Vec<u16> {
    partitions.iter().map(|partition| partition.id().0).collect()
}

const SUCCESS: u64 = 0x8400_0061;
const SUCCESS_64: u64 = 0xC400_0061;
const ERROR: u64 = 0x8400_0060;
const RELEASE: (&[u64], &[u64]) = (&[0x8400_0065], &[SUCCESS]);

#[test]
fn negotiation_takes_an_equal_or_higher_minor() {
    for (reply, expected) in [
        (0x1_0001, None),
        (0x1_0003, None),
        (0x1_0000, Some(Error::Version(VersionReply::Supported(Version::V1_0)))),
        (u64::MAX, Some(Error::Version(VersionReply::NotSupported))),
    ] {
        let machine = client(Version::V1_1, &[(&[0x8400_0063, 0x1_0001], &[reply])], &[]).machine;
        assert_eq!(Client::negotiate(machine, Version::V1_1).err(), expected, "{reply:#x}");
    }
}

#[test]
fn buffers_are_mapped_and_unmapped() {
    let map: &[u64] = &[0xC400_0066, 0x4000_1000, 0x4000_2000, 1];
    let exchanges = [(map, &[SUCCESS][..]), (&[0x8400_0067], &[ERROR, 0, 0xFFFF_FFFE])];
    let client = client(Version::V1_1, &exchanges, &[]);
    assert_eq!(client.map(), Ok(()));
    let refused = Error::Call(CallError::Status(Status::INVALID_PARAMETERS));
    assert_eq!(client.unmap(), Err(refused));
}

#[test]
fn a_list_is_read_and_its_buffer_given_back() {
    let mut rx = vec![0; 48];
    rx[..8].copy_from_slice(&[1, 0, 4, 0, 7, 0, 0, 0]);
    rx[8] = 0xAB;
    rx[24..32].copy_from_slice(&[0x02, 0x80, 1, 0, 1, 0, 0, 0]);
    let exchanges = [(&[0x8400_0068][..], &[SUCCESS, 0, 2, 24][..]), RELEASE];
    let client = client(Version::V1_1, &exchanges, &rx);
    let list = client.list().unwrap();
    assert_eq!(ids(&list), [1, 0x8002]);
    assert_eq!((list[0].execution_contexts(), list[0].properties().bits()), (4, 7));
    assert_eq!(list[0].uuid().0[0], 0xAB);
    assert!(client.machine.exchanges.borrow().is_empty(), "RX was not released");
}

#[test]
fn descriptors_of_1_0_have_8_bytes_and_no_reported_size() {
    let rx = [3, 0, 1, 0, 4, 0, 0, 0, 5, 0, 2, 0, 4, 0, 0, 0];
    let exchanges = [(&[0x8400_0068][..], &[SUCCESS, 0, 2][..]), RELEASE];
    let list = client(Version::V1_0, &exchanges, &rx).list().unwrap();
    assert_eq!(ids(&list), [3, 5]);
    assert_eq!(list[1].execution_contexts(), 2);
}

#[test]
fn impossible_lists_are_refused() {
    for (count, size, error) in [
        (171, 24, Error::TooMany(171)),
        (0xFFFF_FFFF, 24, Error::TooMany(0xFFFF_FFFF)),
        (129, 24, Error::TooMany(129)),
        (1, 8, Error::DescriptorSize(8)),
    ] {
        let exchanges = [(&[0x8400_0068][..], &[SUCCESS, 0, count, size][..]), RELEASE];
        let client = client(Version::V1_1, &exchanges, &[0; BUFFER_SIZE]);
        assert_eq!(client.list().err(), Some(error));
    }
}

#[test]
fn the_count_is_asked_for_without_a_buffer() {
    let exchanges = [(&[0x8400_0068, 0, 0, 0, 0, 1][..], &[SUCCESS, 0, 7][..])];
    assert_eq!(client(Version::V1_1, &exchanges, &[]).count(), Ok(7));
}

#[test]
fn registers_are_walked_with_the_tag_of_the_first_reply() {
    let mut first = vec![SUCCESS_64, 0, 24 << 48 | 0x77 << 32 | 4 << 16 | 5];
    first.extend((1..=5).flat_map(|id| [1 << 16 | id, 0, 0]));
    let last = [SUCCESS_64, 0, 24 << 48 | 0x77 << 32 | 5 << 16 | 5, 0x1_0009, 0, 0];
    let exchanges =
        [(&[0xC400_008B][..], &first[..]), (&[0xC400_008B, 0, 0, 0x77 << 16 | 5], &last)];
    let (list, tag) = client(Version::V1_2, &exchanges, &[]).registers().unwrap();
    assert_eq!((ids(&list), tag), (vec![1, 2, 3, 4, 5, 9], 0x77));
}

#[test]
fn a_change_under_the_walk_is_told_from_other_errors() {
    let retry = [(&[0xC400_008B][..], &[ERROR, 0, 0xFFFF_FFF9][..])];
    assert!(client(Version::V1_2, &retry, &[]).registers().unwrap_err().is_retry());
    let denied = [(&[0xC400_008B][..], &[ERROR, 0, 0xFFFF_FFFA][..])];
    assert!(!client(Version::V1_2, &denied, &[]).registers().unwrap_err().is_retry());
}
