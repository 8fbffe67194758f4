//! Relinquish descriptors in a buffer.

use std::fmt;

use arm_ffa::memory_management::{Error, MemRelinquishDesc};
use fastrand::Rng;
use ffa_abi::{DescriptorError, EndpointId, Fault, MemoryHandle, Relinquish, RelinquishFlags};

use crate::known::{Case, Known, Tally, examples_show};
use crate::mapping::handle;
use crate::random::mutate;
use crate::verdict::{Verdict, ask};

/// What a descriptor says, and the bytes that it is written to.
#[derive(PartialEq, Debug)]
struct Read {
    handle: u64,
    flags: u32,
    endpoints: Vec<u16>,
    written: Vec<u8>,
}

/// Bytes of a TX buffer.
struct RelinquishCase {
    bytes: Vec<u8>,
    ours: Verdict<Read, DescriptorError>,
    theirs: Verdict<Read, Error>,
}

impl RelinquishCase {
    fn new(bytes: Vec<u8>) -> RelinquishCase {
        let (ours, theirs) = (ours(&bytes).into(), ask(|| theirs(&bytes)));
        RelinquishCase { bytes, ours, theirs }
    }

    fn ignores(&self, field: &str, fault: Fault) -> bool {
        let error = self.ours.refused();
        self.theirs.accepted().is_some()
            && error.is_some_and(|error| error.field == field && error.fault == fault)
    }
}

fn ours(bytes: &[u8]) -> Result<Read, DescriptorError> {
    let read = Relinquish::parse(bytes)?;
    let endpoints: Vec<EndpointId> = read.endpoints().collect();
    let mut written = vec![0x55; bytes.len()];
    let length = Relinquish::write(&mut written, read.handle(), read.flags(), &endpoints).unwrap();
    written.truncate(length);
    let (handle, flags) = (read.handle().0, read.flags().bits());
    Ok(Read { handle, flags, endpoints: endpoints.iter().map(|id| id.0).collect(), written })
}

fn theirs(bytes: &[u8]) -> Result<Read, Error> {
    let (read, endpoints) = MemRelinquishDesc::unpack(bytes)?;
    let endpoints: Vec<u16> = endpoints.collect();
    let written = their_bytes(&read, &endpoints);
    Ok(Read { handle: read.handle.0, flags: read.flags, endpoints, written })
}

fn their_bytes(descriptor: &MemRelinquishDesc, endpoints: &[u16]) -> Vec<u8> {
    let mut written = vec![0x55; 16 + 2 * endpoints.len()];
    let length = descriptor.pack(endpoints, &mut written);
    written.truncate(length);
    written
}

impl Case for RelinquishCase {
    fn agrees(&self) -> bool {
        match (&self.ours, &self.theirs) {
            (Verdict::Accepts(ours), Verdict::Accepts(theirs)) => ours == theirs,
            (Verdict::Refuses(_), Verdict::Refuses(_)) => true,
            _ => false,
        }
    }
}

impl fmt::Display for RelinquishCase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let RelinquishCase { bytes, ours, theirs } = self;
        write!(f, "{bytes:02x?}\nffa-abi: {ours}\narm-ffa: {theirs}")
    }
}

const KNOWN: &[Known<RelinquishCase>] = &[
    Known {
        name: "relinquish-by-nobody",
        explains: |case| case.ignores("endpoint count", Fault::Zero),
        example: || by(0, &[]),
    },
    Known {
        name: "relinquish-endpoint-named-twice",
        explains: |case| case.ignores("endpoint", Fault::Duplicate),
        example: || by(0, &[0x8001, 0x8001]),
    },
    Known {
        name: "relinquish-flags-undefined",
        explains: |case| {
            let both = case.ours.accepted().zip(case.theirs.accepted());
            both.is_some_and(|(ours, theirs)| {
                let flags = theirs.flags & RelinquishFlags::all().bits();
                (ours.handle, ours.flags, &ours.endpoints)
                    == (theirs.handle, flags, &theirs.endpoints)
            })
        },
        example: || by(4, &[0x8001]),
    },
];

fn by(flags: u32, endpoints: &[u16]) -> RelinquishCase {
    let descriptor = MemRelinquishDesc { handle: handle(MemoryHandle(7)), flags };
    RelinquishCase::new(their_bytes(&descriptor, endpoints))
}

#[test]
fn both_read_and_write_the_same_relinquish_descriptors_save_for_the_known_differences() {
    let mut rng = Rng::with_seed(0x5eed_0005);
    let mut tally = Tally::new(KNOWN);
    for _ in 0..50_000 {
        let endpoints: Vec<u16> = (0..rng.u16(..5)).map(|_| 0x8000 | rng.u16(..64)).collect();
        let descriptor =
            MemRelinquishDesc { handle: handle(MemoryHandle(rng.u64(..))), flags: rng.u32(..4) };
        let mut bytes = their_bytes(&descriptor, &endpoints);
        mutate(&mut rng, &mut bytes);
        tally.take(&RelinquishCase::new(bytes));
    }
    tally.finish(20_000);
}

#[test]
fn each_known_difference_of_relinquish_descriptors_shows_in_its_example() {
    examples_show(KNOWN);
}

pub(crate) fn names() -> Vec<&'static str> {
    KNOWN.iter().map(|known| known.name).collect()
}
