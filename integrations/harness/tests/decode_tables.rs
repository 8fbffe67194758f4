//! Double entry: the layouts that `decode` explains by, against what `ffa-abi` decodes by.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails panics"
)]

use ffa_abi::{
    Call, DecodeError, DirectMessage, FUNCTIONS, FeaturesReply, FunctionId, MemRetrieveFeature,
    MemSendFeature, Regs, Request, RxtxMapFeature, Version,
};
use ffa_harness::decode::{Content, Row, rows_of_call, rows_of_reply};

const VERSIONS: [Version; 4] = [Version::V1_0, Version::V1_1, Version::V1_2, Version::V1_3];

/// Calls with a known id but no type in `ffa-abi`.
const WITHOUT_TYPE: [FunctionId; 4] = [
    FunctionId::NOTIFICATION_BIND2,
    FunctionId::NOTIFICATION_UNBIND2,
    FunctionId::NOTIFICATION_SET2,
    FunctionId::NOTIFICATION_GET2,
];

#[test]
fn every_function_has_a_layout_in_every_version() {
    for function in FUNCTIONS {
        for version in VERSIONS {
            let rows = rows_of_call(&call(function.id), version);
            assert!(rows.is_some(), "{} has no layout", function.name);
        }
    }
}

#[test]
fn every_bit_is_in_one_row() {
    for (regs, version) in samples(4) {
        check_cover(&rows_of_call(&regs, version).unwrap(), &regs);
    }
}

#[test]
fn what_must_be_zero_is_what_the_decoder_refuses() {
    for (regs, version) in samples(40) {
        let refused = set_zeroes(&rows_of_call(&regs, version).unwrap());
        match Call::decode_as(function_of(&regs), &regs, version) {
            Err(DecodeError::Reserved { field, .. }) => {
                assert!(refused.iter().any(|place| place == field), "{field} of {regs:x?}");
            }
            Ok(call) => assert_eq!(refused, [""; 0], "{version} takes {call} of {regs:x?}"),
            Err(error) => panic!("{error}: {regs:x?}"),
        }
    }
}

#[test]
fn each_bit_is_to_the_decoder_what_its_row_says() {
    for (mut regs, version) in samples(4) {
        clear_zeroes(&mut regs, version);
        let said = meaning(&regs, version).expect("nothing reserved is set");
        for row in rows_of_call(&regs, version).unwrap() {
            for bit in row.low..=row.high {
                check_bit(&regs, version, &row, bit, &said);
            }
        }
    }
}

fn check_bit(regs: &Regs, version: Version, row: &Row, bit: u32, said: &str) {
    let flipped = meaning(&flip(regs, row.register, bit), version);
    let what = format!("{version} {}: bit {bit}, {} of {regs:x?}", row.place, row.name);
    match (&row.content, flipped) {
        (Content::Field(_), Ok(flipped)) => assert_ne!(flipped, said, "{what} is ignored"),
        (Content::Ignored, flipped) => assert_eq!(flipped.as_deref(), Ok(said), "{what}"),
        (Content::MustBeZero, Err(DecodeError::Reserved { field, .. })) => {
            assert_eq!(field, row.place, "{what}");
        }
        (Content::MustBeZero, other) => panic!("{what} must be zero: {other:?}"),
        // Another field must be zero now: the decoder saw the change.
        (Content::Field(_), Err(DecodeError::Reserved { .. })) => (),
        (Content::Field(_), Err(error)) => panic!("{what}: {error}"),
    }
}

#[test]
fn each_field_of_a_reply_is_read() {
    let mut random = fastrand::Rng::with_seed(1);
    for (asked, replies) in replies() {
        let version = if asked.w(1) == 0x8400_0073 { Version::V1_1 } else { Version::V1_3 };
        for reply in replies {
            let regs = filled(&mut random, &reply);
            let said = read(&asked, &regs);
            let rows = rows_of_reply(&regs, &asked, version).unwrap();
            check_cover(&rows, &regs);
            for row in rows.iter().filter(|row| matches!(row.content, Content::Field(_))) {
                for bit in row.low..=row.high {
                    let flipped = read(&asked, &flip(&regs, row.register, bit));
                    assert_ne!(flipped, said, "{} bit {bit} after {asked:x?}", row.place);
                }
            }
        }
    }
}

#[test]
fn bits_of_a_reply_that_no_field_has_are_not_read() {
    let mut random = fastrand::Rng::with_seed(2);
    for (asked, replies) in replies() {
        for reply in replies {
            let regs = filled(&mut random, &reply);
            let said = read(&asked, &regs);
            let rows = rows_of_reply(&regs, &asked, Version::V1_3).unwrap();
            // That of the senders was dropped in 1.2, and is read still.
            let is_kept = |row: &Row| asked.w(1) == 0x8400_0073 && row.register == 2;
            for row in rows.iter().filter(|row| row.content == Content::Ignored && !is_kept(row)) {
                for bit in row.low..=row.high {
                    let flipped = read(&asked, &flip(&regs, row.register, bit));
                    assert_eq!(flipped, said, "{} bit {bit} after {asked:x?}", row.place);
                }
            }
        }
    }
}

/// Calls with results, and the registers of replies that count; all others are random.
fn replies() -> Vec<(Regs, Vec<Vec<u64>>)> {
    let success = || vec![vec![0x8400_0061]];
    let ids = [0x8400_0069, 0x8400_0085, 0x8400_0068, 0x8400_0071, 0xc400_0072, 0x8400_0073];
    let more = [0x8400_0079, 0x8400_007b];
    let plain = ids.into_iter().chain(more).map(|id| (regs(&[id]), success()));
    let features = [0xc400_0066, 0x8400_0073, 0x8400_0074, 0x8400_0069, 2, 77];
    let features = features.map(|id| (regs(&[0x8400_0064, id]), success()));
    // Each id in a list of its own: ten, twenty.
    let narrow = vec![vec![0x8400_0061, 0, 10 << 7]];
    let wide = vec![vec![0xc400_0061, 0, 20 << 7]];
    // From index 2 on: three descriptors, five. One alone may be longer than it must be.
    let runs = [4, 6].map(|current| vec![0xc400_0061, 0, 0x18_abcd_0000_0009 | current << 16]);
    let others = [
        // All that there is to ask for.
        (regs(&[0xc400_0088, 0, u64::MAX]), success()),
        (regs(&[0x8400_0082, 0, 0xf]), success()),
        (regs(&[0x8400_0083]), narrow),
        (regs(&[0xc400_0083]), wide),
        (regs(&[0xc400_008b, 0, 0, 0xabcd_0002]), runs.to_vec()),
        (regs(&[0xc400_008f]), vec![vec![0xc400_0061]]),
    ];
    plain.chain(features).chain(others).collect()
}

/// What the reply's type says of the registers.
fn read(asked: &Regs, reply: &Regs) -> String {
    let call = Call::decode(asked, Version::V1_3).unwrap();
    match &call {
        Call::Features(features) => {
            feature(asked.w(1), features.reply(reply, Version::V1_3).unwrap())
        }
        Call::IdGet(call) => format!("{:?}", call.reply(reply, Version::V1_3)),
        Call::SpmIdGet(call) => format!("{:?}", call.reply(reply, Version::V1_3)),
        Call::PartitionInfoGet(call) => format!("{:?}", call.reply(reply, Version::V1_3)),
        Call::PartitionInfoGetRegs(call) => format!("{:?}", call.reply(reply, Version::V1_3)),
        Call::MemDonate(call) => format!("{:?}", call.reply(reply, Version::V1_3)),
        Call::MemLend(call) => format!("{:?}", call.reply(reply, Version::V1_3)),
        Call::MemShare(call) => format!("{:?}", call.reply(reply, Version::V1_3)),
        Call::MemOpResume(call) => format!("{:?}", call.reply(reply, Version::V1_3)),
        Call::MemFragTx(call) => format!("{:?}", call.reply(reply, Version::V1_3)),
        Call::MemPermGet(call) => format!("{:?}", call.reply(reply, Version::V1_3)),
        Call::NotificationGet(call) => format!("{:?}", call.reply(reply, Version::V1_3)),
        Call::NotificationInfoGet(call) => format!("{:?}", call.reply(reply, Version::V1_3)),
        Call::NonSecureResourceInfoGet(call) => format!("{:?}", call.reply(reply, Version::V1_3)),
        other => panic!("{other} has no results"),
    }
}

fn feature(query: u32, reply: FeaturesReply) -> String {
    match query {
        0xc400_0066 => format!("{:?}", RxtxMapFeature::from_reply(reply)),
        0x8400_0073 => format!("{:?}", MemSendFeature::from_reply(reply)),
        0x8400_0074 => format!("{:?}", MemRetrieveFeature::from_reply(reply)),
        2 => format!("{:?}", reply.w2),
        _ => format!("{reply:?}"),
    }
}

/// Layouts are checked in every version, also in one that has not got the call.
fn function_of(regs: &Regs) -> FunctionId {
    FunctionId::from_bits(regs.w(0)).unwrap()
}

fn regs(values: &[u64]) -> Regs {
    let mut regs = Regs::ZERO;
    regs.0[..values.len()].copy_from_slice(values);
    regs
}

fn call(function: FunctionId) -> Regs {
    regs(&[function.bits().into()])
}

fn filled(random: &mut fastrand::Rng, fixed: &[u64]) -> Regs {
    let mut filled = Regs(std::array::from_fn(|_| random.u64(..)));
    filled.0[..fixed.len()].copy_from_slice(fixed);
    filled
}

fn flip(regs: &Regs, register: usize, bit: u32) -> Regs {
    let mut flipped = *regs;
    flipped.0[register] ^= 1 << bit;
    flipped
}

/// Every typed function in every version with random registers: full, sparse, zero, and such that
/// framework messages of all types are among them.
fn samples(rounds: u32) -> Vec<(Regs, Version)> {
    let mut random = fastrand::Rng::with_seed(7);
    let mut samples = Vec::new();
    let typed = FUNCTIONS.iter().filter(|function| !WITHOUT_TYPE.contains(&function.id));
    for function in typed {
        for version in VERSIONS.into_iter().flat_map(|version| (0..rounds).map(move |_| version)) {
            let mut regs = Regs(std::array::from_fn(|_| sparse(&mut random)));
            if random.bool() {
                regs.set(2, random.u64(..) << 32 | 0x8000_0000 | random.u64(0..12));
            }
            regs.set(0, random.u64(..) << 32 | u64::from(function.id.bits()));
            samples.push((regs, version));
        }
    }
    samples
}

/// From half of the bits down to none.
fn sparse(random: &mut fastrand::Rng) -> u64 {
    match random.u32(0..8) {
        7 => 0,
        rounds => (0..rounds).fold(random.u64(..), |value, _| value & random.u64(..)),
    }
}

fn set_zeroes(rows: &[Row]) -> Vec<String> {
    let set = |row: &&Row| row.content == Content::MustBeZero && row.value != 0;
    rows.iter().filter(set).map(|row| row.place.clone()).collect()
}

fn clear_zeroes(regs: &mut Regs, version: Version) {
    for row in rows_of_call(regs, version).unwrap() {
        if row.content == Content::MustBeZero {
            regs.0[row.register] ^= row.value << row.low;
        }
    }
}

/// The call, and of a framework message what it says: registers that its type does not use are kept.
fn meaning(regs: &Regs, version: Version) -> Result<String, DecodeError> {
    let said = |who: String, message: &DirectMessage| match message {
        DirectMessage::Framework(message) => {
            format!("{who} {:?} {:?}", message.kind, message.content())
        }
        DirectMessage::Partition(payload) => format!("{who} {payload:?}"),
    };
    Ok(match Call::decode_as(function_of(regs), regs, version)? {
        Call::DirectRequest(call) => {
            said(format!("{} {}", call.sender, call.receiver), &call.message)
        }
        Call::DirectResponse(call) => {
            said(format!("{} {}", call.sender, call.receiver), &call.message)
        }
        call => format!("{call:?}"),
    })
}

fn check_cover(rows: &[Row], regs: &Regs) {
    let mut covered = [0_u64; Regs::COUNT];
    for row in rows {
        let mask = u64::MAX >> (63 - (row.high - row.low)) << row.low;
        assert_eq!(covered[row.register] & mask, 0, "{} is there twice: {regs:x?}", row.place);
        assert_eq!(regs.x(row.register) & mask, row.value << row.low, "{} of {regs:x?}", row.place);
        covered[row.register] |= mask;
    }
    assert_eq!(covered[1..], [u64::MAX; 17], "{regs:x?}");
}
