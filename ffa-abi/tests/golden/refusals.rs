//! Registers that must be refused, and at which versions.

use ffa_abi::{Call, Version};

use crate::notations::regs;

const V1_0: Version = Version::V1_0;
const V1_1: Version = Version::V1_1;
const V1_2: Version = Version::V1_2;
const V1_3: Version = Version::V1_3;

/// x0.., which field, the versions that refuse it of those that have the call.
type Row = (&'static str, &'static str, &'static [Version]);

const ALL: &[Version] = &[V1_0, V1_1, V1_2, V1_3];
const FROM_1_1: &[Version] = &[V1_1, V1_2, V1_3];

const ROWS: &[Row] = &[
    ("84000065 10000", "w1[31:16]", ALL),
    ("84000066 1000 2000 40", "w3[31:6]", ALL),
    ("84000067 1", "w1[15:0]", ALL),
    ("84000068 0 0 0 0 1", "w5", &[V1_0]),
    ("84000068 0 0 0 0 2", "w5[31:1]", FROM_1_1),
    ("8400006b 1", "w1", ALL),
    ("8400006b 0 1", "w2", &[V1_0, V1_1]),
    ("8400006b 0 2", "w2[31:1]", &[V1_2, V1_3]),
    ("8400006b 0 0 0 0 0 0 1", "w7", ALL),
    ("8400006c 0 0 0 1", "w4", ALL),
    ("8400006d 80010000 1", "w2", ALL),
    ("8400006f 18001 1", "w2[30:0]", &[V1_0, V1_1]),
    ("8400006f 18001 80000100", "w2[30:8]", &[V1_0, V1_1]),
    ("84000073 60 60 0 1", "w4", ALL),
    ("84000077 4 0 4", "w3[31:2]", ALL),
    ("8400007d 10003 8", "w1[31:16]", FROM_1_1),
    ("8400007f 80010003 2 1", "w2[31:1]", FROM_1_1),
    ("84000080 80010003 1 1", "w2", FROM_1_1),
    ("84000081 80010003 4 1", "w2[15:2]", FROM_1_1),
    ("84000081 80010003 50000 1", "w2[31:16]", FROM_1_1),
    ("84000082 1 10", "w2[31:4]", FROM_1_1),
    ("84000084 10000", "w1[31:16]", FROM_1_1),
    ("84000086 0 1", "w2[0]", FROM_1_1),
    ("84000086 0 4", "w2[31:2]", FROM_1_1),
    ("84000089 7000 1 8", "w3[31:3]", FROM_1_1),
    ("8400008a 101 41", "w1[31:8]", &[V1_2, V1_3]),
    ("c400008b 0 0 100000000", "x3[63:32]", &[V1_2, V1_3]),
    ("c400008e 80010001 1", "x2", &[V1_2, V1_3]),
    ("c400008f 0 2", "x2[1]", &[V1_3]),
    ("84000090 1", "w1", &[V1_3]),
    ("c4000090 0 0 100000000", "x3", &[V1_3]),
];

#[test]
fn fields_that_must_be_zero_are_refused_at_their_versions_and_no_others() {
    for (text, field, versions) in ROWS {
        let regs = regs(text);
        let id = ffa_abi::FunctionId::from_bits(regs.w(0)).unwrap();
        for version in ALL.iter().filter(|version| id.exists_in(**version)) {
            let refused = Call::decode(&regs, *version).err().map(|error| error.to_string());
            let expected = format!("{id}: {field} must be zero");
            let is_refused = refused.as_ref() == Some(&expected);
            assert_eq!(is_refused, versions.contains(version), "{text} at {version}: {refused:?}");
        }
    }
}

#[test]
fn ids_that_are_not_of_ffa_are_nobodys_call() {
    // Trusted OS, owner 3, yielding, SVE hint, PSCI_VERSION, one before and one behind the range.
    for text in ["bf00ff01", "83000063", "4000063", "84010063", "84000000", "8400005f", "840000f0"]
    {
        let refused = Call::decode(&regs(text), V1_1).unwrap_err().to_string();
        assert_eq!(refused, "not an FF-A function id", "{text}");
    }
}

#[test]
fn the_upper_half_of_x0_is_ignored() {
    let call = Call::decode(&regs("ffffffff84000069"), V1_1).unwrap();
    assert_eq!((call.to_string().as_str(), call.encode()), ("FFA_ID_GET", regs("84000069")));
}
