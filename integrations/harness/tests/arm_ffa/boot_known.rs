//! Where the two disagree about boot information, and why.

use arm_ffa::boot_info::Error;
use ffa_abi::{Fault, Version};

use crate::boot::{BootCase, our_blob};
use crate::known::Known;

const VERSION: usize = 4;
const BLOB_SIZE: usize = 8;
const DESCRIPTOR_SIZE: usize = 12;
const COUNT: usize = 16;
const ARRAY_OFFSET: usize = 20;
const RESERVED: usize = 24;
const FIRST: usize = 32;

pub(crate) const KNOWN: &[Known<BootCase>] = &[
    Known {
        name: "boot-information-of-other-versions",
        explains: |case| case.ignores("version", Fault::Invalid),
        example: || changed(&[(VERSION, 0)]),
    },
    Known {
        name: "boot-contents-by-offset",
        explains: |case| {
            case.word(VERSION) >= Version::V1_3.bits()
                && case.takes(|error| matches!(error, Error::InvalidContentsFormat(_)))
        },
        example: || {
            let mut bytes = blob();
            (bytes[VERSION], bytes[64 + 18], bytes[64 + 20]) = (3, 8, 4);
            bytes[64 + 24..64 + 32].copy_from_slice(&96_u64.to_le_bytes());
            BootCase::new(bytes)
        },
    },
    Known {
        name: "boot-header-reserved",
        explains: |case| case.ignores("header reserved", Fault::NotZero),
        example: || changed(&[(RESERVED, 1)]),
    },
    Known {
        name: "boot-descriptors-longer-than-32-bytes",
        explains: |case| {
            case.word(DESCRIPTOR_SIZE) > 32
                && case.takes(|error| matches!(error, Error::MalformedDescriptor))
        },
        example: || changed(&[(DESCRIPTOR_SIZE, 64), (COUNT, 1)]),
    },
    Known {
        name: "boot-array-unaligned",
        explains: |case| case.ignores("array offset", Fault::Unaligned),
        example: || changed(&[(COUNT, 0), (ARRAY_OFFSET, 33)]),
    },
    Known {
        name: "boot-array-inside-the-header",
        explains: |case| case.ignores("array offset", Fault::Overlaps),
        example: || changed(&[(COUNT, 0), (ARRAY_OFFSET, 8)]),
    },
    Known {
        name: "boot-array-past-the-blob",
        explains: |case| case.ignores("descriptor count", Fault::Truncated),
        example: || changed(&[(BLOB_SIZE, 40)]),
    },
    Known {
        name: "boot-types-without-a-name",
        explains: |case| case.takes(|error| matches!(error, Error::InvalidStdType(_))),
        example: || changed(&[(FIRST + 16, 2)]),
    },
    Known {
        name: "boot-contents-outside-the-blob",
        explains: |case| {
            case.has_contents_elsewhere()
                && case.takes(|error| matches!(error, Error::InvalidBufferSize))
        },
        example: || changed(&[(FIRST + 32 + 31, 0x70)]),
    },
    Known {
        name: "boot-contents-between-blob-and-buffer",
        explains: |case| case.has_contents_elsewhere() && case.theirs.accepted().is_some(),
        example: || changed(&[(BLOB_SIZE, 96)]),
    },
];

fn blob() -> Vec<u8> {
    our_blob(Version::V1_1, c"a", 7)
}

fn changed(bytes: &[(usize, u8)]) -> BootCase {
    let mut blob = blob();
    for (index, byte) in bytes {
        blob[*index] = *byte;
    }
    BootCase::new(blob)
}
