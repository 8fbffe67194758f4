//! Where the two disagree about memory transactions, and why.

use arm_ffa::memory_management::Error;
use ffa_abi::{
    EndpointId, Fault, MemoryAttributes, NewTransaction, Permissions, Receiver, TransactionHeader,
    TransactionKind, TransactionLayout, Version,
};

use crate::known::Known;
use crate::transactions::{TransactionCase, theirs_written, written};

const HANDLE: usize = 8;
const FLAGS: usize = 4;
const ACCESS_OFFSET: usize = 32;
const RESERVED: usize = 36;
const FIRST_RECEIVER: usize = 48;
/// Of the only receiver.
const COMPOSITE: usize = 64;

pub(crate) const KNOWN: &[Known<TransactionCase>] = &[
    Known {
        name: "layout-of-1.0",
        explains: |case| case.version == Version::V1_0,
        example: || in_layout(TransactionLayout::V1_0, Version::V1_0),
    },
    Known {
        name: "access-descriptors-of-32-bytes",
        explains: |case| {
            case.version >= Version::V1_2
                && case.ours.accepted().is_some()
                && case.theirs.refused() == Some(&Error::MalformedDescriptor)
                && case.bytes.get(24) == Some(&32)
        },
        example: || in_layout(TransactionLayout::V1_2, Version::V1_2),
    },
    Known {
        name: "hypervisor-retrieve-request",
        explains: |case| {
            case.kind == TransactionKind::HypervisorRetrieveRequest
                && case.ours.accepted().is_some()
                && case.theirs.refused() == Some(&Error::MalformedDescriptor)
        },
        example: || {
            let mut bytes = vec![0; 48];
            bytes[HANDLE] = 1;
            TransactionCase::new(Version::V1_1, TransactionKind::HypervisorRetrieveRequest, bytes)
        },
    },
    Known {
        name: "receivers-of-a-hypervisor",
        explains: |case| {
            case.kind == TransactionKind::HypervisorRetrieveRequest
                && case.ignores("receiver count", Fault::NotZero)
        },
        example: || {
            let bytes = theirs_written(1, &[0x8001], &[(0x1000, 1)]);
            TransactionCase::new(Version::V1_1, TransactionKind::HypervisorRetrieveRequest, bytes)
        },
    },
    Known {
        name: "header-reserved",
        explains: |case| case.ignores("header reserved", Fault::NotZero),
        example: || changed(&[(RESERVED, 1)]),
    },
    Known {
        name: "access-reserved",
        explains: |case| case.ignores("access reserved", Fault::NotZero),
        example: || changed(&[(FIRST_RECEIVER + 8, 1)]),
    },
    Known {
        name: "access-descriptors-inside-the-header",
        explains: |case| case.ignores("access offset", Fault::Overlaps),
        example: || changed(&[(ACCESS_OFFSET, 0)]),
    },
    Known {
        name: "transaction-flags-reserved",
        explains: |case| case.ignores("flags[31:11]", Fault::NotZero),
        example: || changed(&[(FLAGS + 1, 8)]),
    },
    Known {
        name: "share-that-zeroes",
        explains: |case| case.ignores("flags[0]", Fault::NotZero),
        example: || changed(&[(FLAGS, 1)]),
    },
    Known {
        name: "flags-of-a-retrieval",
        explains: |case| case.ignores("flags[31:2]", Fault::NotZero),
        example: || changed(&[(FLAGS, 0x08)]),
    },
    Known {
        name: "handle-from-a-sender",
        explains: |case| case.ignores("handle", Fault::NotZero),
        example: || changed(&[(HANDLE, 1)]),
    },
    Known {
        name: "non-secure-from-a-sender",
        explains: |case| case.ignores("attributes[6]", Fault::NotZero),
        example: || changed(&[(2, 0x6f)]),
    },
    Known {
        name: "donation-to-several",
        explains: |case| case.ignores("receiver count", Fault::Mismatch),
        example: || {
            let bytes = theirs_written(0, &[0x8001, 0x8002], &[(0x1000, 1)]);
            TransactionCase::new(Version::V1_1, TransactionKind::Donate, bytes)
        },
    },
    Known {
        name: "receiver-named-twice",
        explains: |case| case.ignores("receiver", Fault::Duplicate),
        example: || share(theirs_written(0, &[0x8001, 0x8001], &[(0x1000, 1)])),
    },
    Known {
        name: "sender-among-receivers",
        explains: |case| case.ignores("receiver", Fault::Mismatch),
        example: || share(theirs_written(0, &[0], &[(0x1000, 1)])),
    },
    Known {
        name: "composite-offset-missing",
        explains: |case| case.ignores("composite offset", Fault::Zero),
        example: || {
            let mut bytes = theirs_written(0, &[0x8001], &[]);
            bytes.truncate(COMPOSITE);
            bytes[FIRST_RECEIVER + 4] = 0;
            share(bytes)
        },
    },
    Known {
        name: "composite-offset-of-later-receivers",
        explains: |case| {
            case.ignores("composite offset", Fault::Mismatch) || only_later_offset(case)
        },
        example: || {
            let mut bytes = theirs_written(0, &[0x8001, 0x8002], &[(0x1000, 1)]);
            bytes[FIRST_RECEIVER + 16 + 4] += 16;
            share(bytes)
        },
    },
    Known {
        name: "composite-offset-unaligned",
        explains: |case| case.ignores("composite offset", Fault::Unaligned),
        example: || {
            let mut bytes = theirs_written(0, &[0x8001], &[(0x1000, 1)]);
            bytes.splice(COMPOSITE..COMPOSITE, [0; 8]);
            bytes[FIRST_RECEIVER + 4] += 8;
            share(bytes)
        },
    },
    Known {
        name: "composite-inside-what-is-before-it",
        explains: |case| case.ignores("composite offset", Fault::Overlaps),
        example: || {
            let mut bytes = theirs_written(0, &[0x8001], &[(0x1000, 1)]);
            // The tag, taken for a composite without pages and ranges.
            bytes[FIRST_RECEIVER + 4] = 16;
            share(bytes)
        },
    },
    Known {
        name: "length-other-than-the-parts",
        explains: |case| case.ignores("total length", Fault::Mismatch),
        example: || {
            let mut bytes = theirs_written(0, &[0x8001], &[(0x1000, 1)]);
            bytes.push(0);
            share(bytes)
        },
    },
    Known {
        name: "no-ranges",
        explains: |case| case.ignores("range count", Fault::Zero),
        example: || share(theirs_written(0, &[0x8001], &[])),
    },
    Known {
        name: "range-unaligned",
        explains: |case| case.ignores("range address", Fault::Unaligned),
        example: || share(theirs_written(0, &[0x8001], &[(0x1001, 1)])),
    },
    Known {
        name: "range-without-pages",
        explains: |case| {
            case.ignores("range page count", Fault::Zero)
                || case.ignores("total page count", Fault::Mismatch)
                || case.ignores("range page count", Fault::Mismatch)
        },
        example: || share(theirs_written(0, &[0x8001], &[(0x1000, 0), (0x2000, 2)])),
    },
    Known {
        name: "range-past-the-end",
        explains: |case| case.ignores("range page count", Fault::Overflow),
        example: || share(theirs_written(0, &[0x8001], &[(0xffff_ffff_ffff_f000, 1)])),
    },
    Known {
        name: "receiver-flags-undefined",
        explains: |case| {
            let both = case.ours.accepted().zip(case.theirs.accepted());
            both.is_some_and(|((ours, _), (theirs, _))| {
                let mut theirs = theirs.clone();
                theirs.receivers.iter_mut().for_each(|receiver| receiver.2 &= 1);
                *ours == theirs
            })
        },
        example: || changed(&[(FIRST_RECEIVER + 3, 2)]),
    },
];

/// A share of one page with one receiver.
fn share(bytes: Vec<u8>) -> TransactionCase {
    TransactionCase::new(Version::V1_1, TransactionKind::Share, bytes)
}

fn changed(bytes: &[(usize, u8)]) -> TransactionCase {
    let mut transaction = theirs_written(0, &[0x8001], &[(0x1000, 1)]);
    for (index, byte) in bytes {
        transaction[*index] = *byte;
    }
    share(transaction)
}

fn in_layout(layout: TransactionLayout, version: Version) -> TransactionCase {
    let kind = TransactionKind::RetrieveRequest;
    let receivers = [Receiver::of_handle(EndpointId(0x8001), Permissions::READ_WRITE)];
    let header = TransactionHeader::new(EndpointId(1), MemoryAttributes::NORMAL);
    let request = NewTransaction { kind, header, receivers, composite: None };
    TransactionCase::new(version, kind, written(layout, &request, &[]).unwrap())
}

/// Whether the first receiver has no composite offset and a later one has: arm-ffa looks at the first.
fn only_later_offset(case: &TransactionCase) -> bool {
    let Some((theirs, _)) = case.theirs.accepted() else { return false };
    let number =
        |at: usize| case.bytes[at..at + 4].iter().rev().fold(0, |n, b| n << 8 | u32::from(*b));
    let first = number(ACCESS_OFFSET) as usize + 4;
    let mut later = (1..theirs.receivers.len()).map(|index| number(first + 16 * index));
    number(first) == 0 && later.any(|offset| offset != 0)
}
