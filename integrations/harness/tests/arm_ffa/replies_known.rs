//! Where the two disagree about replies, and why.

use arm_ffa::Error;
use arm_ffa::partition_info::Error as PartitionError;
use ffa_abi::{
    CallError, NotificationGetFlags, PartitionProperties, Regs, ReplyError, Version, Width,
};

use crate::known::Known;
use crate::partitions::are_dropped;
use crate::replies::{Query, ReplyCase};

const SUCCESS_32: u32 = 0x8400_0061;
const SUCCESS_64: u32 = 0xc400_0061;

pub(crate) const KNOWN: &[Known<ReplyCase>] = &[
    Known {
        name: "not-supported-in-32-bits",
        explains: |case| {
            let not_supported = |fields: &Vec<(&str, u64)>| fields[..] == [("not supported", 1)];
            case.query == Query::Version
                && case.fields().is_some_and(|(ours, theirs)| not_supported(ours) && ours == theirs)
        },
        example: || at(Version::V1_1, Query::Version, &[u64::MAX]),
    },
    Known {
        name: "version-of-major-0",
        explains: |case| {
            case.query == Query::Version
                && case.ours.refused() == Some(&CallError::Reply(ReplyError::OutOfRange("version")))
                && case.regs.w(0) >> 16 == 0
        },
        example: || at(Version::V1_1, Query::Version, &[3]),
    },
    Known {
        name: "wide-success-before-1.2-panics",
        explains: |case| {
            let wide = [SUCCESS_64, 0xc400_006f, 0xc400_0070];
            case.theirs.panics() && wide.contains(&case.regs.w(0)) && case.version < Version::V1_2
        },
        example: || at(Version::V1_1, Query::Features, &[SUCCESS_64.into()]),
    },
    Known {
        name: "wide-success-with-narrow-results",
        explains: |case| {
            case.ours.accepted().is_some()
                && case.regs.w(0) == SUCCESS_64
                && case.theirs.refused() == Some(&Error::InvalidSuccessArgsVariant)
        },
        example: || at(Version::V1_2, Query::IdGet, &[SUCCESS_64.into(), 0, 1]),
    },
    Known {
        name: "narrow-success-to-wide-notification-info",
        explains: |case| {
            case.ours.accepted().is_some()
                && case.query == Query::NotificationInfo(Width::Bits64)
                && case.regs.w(0) == SUCCESS_32
        },
        example: || {
            let query = Query::NotificationInfo(Width::Bits64);
            at(Version::V1_1, query, &[SUCCESS_32.into(), 0, 0x80, 1])
        },
    },
    Known {
        name: "more-without-a-list",
        explains: |case| {
            let error = CallError::Reply(ReplyError::OutOfRange("number of lists"));
            matches!(case.query, Query::NotificationInfo(_)) && case.ours.refused() == Some(&error)
        },
        example: || {
            let query = Query::NotificationInfo(Width::Bits32);
            at(Version::V1_1, query, &[SUCCESS_32.into(), 0, 1])
        },
    },
    Known {
        name: "ids-behind-the-last-list",
        explains: |case| {
            matches!(case.query, Query::NotificationInfo(_))
                && case.fields().is_some_and(|(ours, theirs)| ours == theirs)
        },
        example: || {
            let query = Query::NotificationInfo(Width::Bits32);
            at(Version::V1_1, query, &[SUCCESS_32.into(), 0, 0x80, 0x7_0001])
        },
    },
    Known {
        name: "bitmaps-that-nobody-asked-for",
        explains: |case| {
            matches!(case.query, Query::NotificationGet(flags) if !flags.is_all())
                && case.fields().is_some()
        },
        example: || {
            let query = Query::NotificationGet(NotificationGetFlags::SECURE_PARTITIONS);
            at(Version::V1_1, query, &[SUCCESS_32.into(), 0, 0, 0, 1])
        },
    },
    Known {
        name: "size-beside-a-count",
        explains: |case| {
            case.query == (Query::PartitionInfo { count_only: true })
                && case.fields().is_some()
                && case.regs.w(3) != 0
        },
        example: || {
            let query = Query::PartitionInfo { count_only: true };
            at(Version::V1_1, query, &[SUCCESS_32.into(), 0, 1, 24])
        },
    },
    Known {
        name: "page-permissions-undefined",
        explains: |case| {
            case.query == Query::PagePermissions
                && case.ours.accepted().is_some()
                && (case.regs.w(2) & 3 == 2 || case.regs.w(3) == u32::MAX)
                && case.theirs.refused().is_some()
        },
        example: || at(Version::V1_1, Query::PagePermissions, &[SUCCESS_32.into(), 0, 2]),
    },
    Known {
        name: "partition-registers-in-1.3",
        explains: |case| {
            matches!(case.query, Query::PartitionInfoRegs { .. })
                && case.version == Version::V1_3
                && case.theirs.panics()
        },
        example: || list(Version::V1_3, 0),
    },
    Known {
        name: "longer-partition-descriptors",
        explains: |case| {
            let size = case.regs.x(2) >> 48;
            matches!(case.query, Query::PartitionInfoRegs { .. })
                && case.ours.accepted().is_some()
                && size > 24
                && is_refused_as_list(case)
        },
        example: || {
            let query = Query::PartitionInfoRegs { start: 0 };
            at(Version::V1_2, query, &[SUCCESS_64.into(), 0, 48 << 48])
        },
    },
    Known {
        name: "partition-properties-in-registers",
        explains: |case| {
            let count = usize::from((case.regs.x(2) >> 16) as u16 + 1);
            let words = [3, 6, 9, 12, 15].map(|index| case.regs.x(index));
            matches!(case.query, Query::PartitionInfoRegs { .. })
                && case.fields().is_some()
                && words.iter().take(count).any(|word| {
                    let bits = PartitionProperties::from_bits_retain((word >> 32) as u32);
                    are_dropped(case.version, bits) || bits.bits() & !0x7cf != 0
                })
        },
        example: || list(Version::V1_2, 0x40),
    },
];

fn is_refused_as_list(case: &ReplyCase) -> bool {
    let error = PartitionError::InvalidPartitionInfoGetRegsResponse;
    case.theirs.refused() == Some(&Error::PartitionInfoError(error))
}

fn at(version: Version, query: Query, values: &[u64]) -> ReplyCase {
    let regs = Regs(std::array::from_fn(|index| values.get(index).map_or(0, |value| *value)));
    ReplyCase::new(version, query, regs)
}

/// A list of one partition.
fn list(version: Version, properties: u64) -> ReplyCase {
    let query = Query::PartitionInfoRegs { start: 0 };
    at(version, query, &[SUCCESS_64.into(), 0, 24 << 48, properties << 32 | 1])
}
