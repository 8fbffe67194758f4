//! What decoding takes: registers of every call, and the ranges of a transaction.

use std::hint::black_box;

use ffa_abi::{
    Call, Composite, DescriptorError, EndpointId, FUNCTIONS, Function, FunctionId,
    MemoryAttributes, MemoryRange, NewTransaction, Permissions, Receiver, Regs, Transaction,
    TransactionHeader, TransactionKind, Version,
};

use crate::contender::Contender;
use crate::kind::MEMCPY;

/// The calls by which partitions learn what there is.
pub const DISCOVERY: [FunctionId; 12] = [
    FunctionId::VERSION,
    FunctionId::FEATURES,
    FunctionId::ID_GET,
    FunctionId::SPM_ID_GET,
    FunctionId::RXTX_MAP_32,
    FunctionId::RXTX_MAP_64,
    FunctionId::RXTX_UNMAP,
    FunctionId::RX_ACQUIRE,
    FunctionId::RX_RELEASE,
    FunctionId::PARTITION_INFO_GET,
    FunctionId::PARTITION_INFO_GET_REGS,
    FunctionId::NS_RES_INFO_GET,
];

/// One contender for each id that has a type: decodes a call of the latest version that has it.
#[must_use]
pub fn decoders() -> Vec<Contender<'static>> {
    let typed = FUNCTIONS.iter().filter_map(|function| Some((function, busy_call(function)?)));
    let decoder = |(function, (regs, version)): (&Function, (Regs, Version))| {
        // Looked at where it is: a value as large as any call takes longer to move than to make.
        Contender::new(function.name, move || {
            let call = Call::decode(black_box(&regs), black_box(version));
            black_box(&call).is_ok()
        })
    };
    typed.map(decoder).collect()
}

/// A call with something in every register that may hold something.
fn busy_call(function: &Function) -> Option<(Regs, Version)> {
    let version = function.last.unwrap_or(Version::V1_3);
    let mut regs = Regs::ZERO;
    regs.set(0, function.id.bits());
    Call::decode(&regs, version).ok()?;
    for index in 1..Regs::COUNT {
        let value = [0x0123_4567_89ab_cdef_u64, 0x1000, 1, 0].into_iter().find(|value| {
            let mut with = regs;
            with.set(index, *value);
            Call::decode(&with, version).is_ok()
        });
        regs.set(index, value?);
    }
    Some((regs, version))
}

/// A transaction with many ranges, and how many bytes of ranges there are.
pub struct LongTransaction {
    bytes: Vec<u8>,
    /// Bytes of the ranges alone.
    pub range_bytes: usize,
}

impl LongTransaction {
    /// With so many ranges of one page.
    #[must_use]
    pub fn new(ranges: u32) -> Self {
        let range = |index: u32| MemoryRange::new(u64::from(index) << 20, 1).expect("a page");
        let ranges = (1..=ranges).map(range);
        let share = NewTransaction {
            kind: TransactionKind::Share,
            header: TransactionHeader::new(EndpointId(1), MemoryAttributes::NORMAL),
            receivers: [Receiver::new(EndpointId(0x8001), Permissions::READ_WRITE)],
            composite: Composite::of(ranges.clone()),
        };
        let length = share.total_length(Version::V1_2).expect("below 4 GiB");
        let mut bytes = vec![0; length as usize];
        let range_bytes = 16 * ranges.clone().count();
        share.write(&mut bytes, Version::V1_2, ranges).expect("room");
        LongTransaction { bytes, range_bytes }
    }

    /// Reads it, and looks at every range.
    #[must_use]
    pub fn reader(&self) -> Contender<'_> {
        Contender::new("transaction", || {
            let bytes = black_box(&*self.bytes);
            let read = Transaction::parse(bytes, Version::V1_2, TransactionKind::Share)?;
            Ok::<u64, DescriptorError>(read.ranges().map(MemoryRange::end).sum())
        })
    }

    /// The same number of bytes copied, which is memory's speed.
    #[must_use]
    pub fn copier(&self) -> Contender<'_> {
        let mut copy = self.bytes.clone();
        Contender::new(MEMCPY, move || {
            copy.copy_from_slice(black_box(&self.bytes));
            black_box(&copy).first().copied()
        })
    }
}

#[cfg(test)]
mod tests {
    use ffa_abi::DecodeError;

    use super::*;

    #[test]
    fn every_id_that_has_a_type_is_decoded() {
        let names: Vec<&str> = decoders().iter().map(|decoder| decoder.name).collect();
        let untyped = |function: &&Function| {
            let mut regs = Regs::ZERO;
            regs.set(0, function.id.bits());
            matches!(Call::decode(&regs, Version::V1_3), Err(DecodeError::Unknown(_)))
        };
        assert_eq!(names.len() + FUNCTIONS.iter().filter(untyped).count(), FUNCTIONS.len());
        for function in DISCOVERY {
            assert!(names.contains(&function.to_string().as_str()), "{function}");
        }
    }

    #[test]
    fn busy_calls_hold_more_than_an_id() {
        let call = |id: FunctionId| busy_call(id.function().expect("a row")).expect("a call").0;
        assert!(call(FunctionId::MSG_SEND_DIRECT_REQ2).0[1..].iter().all(|value| *value != 0));
        assert_eq!(call(FunctionId::NOTIFICATION_BIND).w(2), 1);
    }
}
