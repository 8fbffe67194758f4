//! Versions, features, and the list of partitions.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a test that fails panics"
)]

mod common;

use common::{ABLE, MUTE, PLAIN, RX, Rig, info};
use ffa_abi::{
    EndpointId, EndpointIdReply, FUNCTIONS, Feature, Features, FunctionId, GetVersion,
    PartitionInfo, PartitionInfoFlags, PartitionInfoGet, PartitionInfoGetRegs, PartitionInfos,
    Regs, Reply, Request, RxtxMap, RxtxMapFeature, SpmIdGet, Status, Uuid, Version, VersionReply,
};
use ffa_spmc_model::{Character, Spmc, Vm};

const V1_1: Version = Version::V1_1;
const V1_2: Version = Version::V1_2;
const V1_3: Version = Version::V1_3;

const LIST: PartitionInfoGet =
    PartitionInfoGet { uuid: Uuid::NIL, flags: PartitionInfoFlags::empty() };

/// What is answered to a version, and what is agreed on then.
type Row = (u32, [Option<Version>; 4], [Option<Version>; 4]);

/// As specified, Hafnium, OP-TEE, TF-A's at EL3.
const CHARACTERS: [Character; 4] =
    [Character::SPECIFIED, Character::HAFNIUM, Character::OPTEE, Character::EL3];

#[test]
fn each_negotiates_in_its_own_way() {
    let own = [Some(V1_2), Some(V1_3), Some(V1_2), Some(V1_2)];
    let rows: [Row; 6] = [
        (0x1_0001, own, [Some(V1_1); 4]),
        (0x1_0002, own, [Some(V1_2); 4]),
        (0x1_0003, own, [Some(V1_2), Some(V1_3), Some(V1_2), None]),
        (0x1_0004, [own[0], None, own[2], own[3]], [Some(V1_2), None, Some(V1_2), None]),
        (0x2_0000, [None, None, own[2], own[3]], [None; 4]),
        (0x8001_0001, [None, None, own[2], None], [None, None, Some(V1_1), None]),
    ];
    for (w1, answers, agreed) in rows {
        for (index, character) in CHARACTERS.into_iter().enumerate() {
            let mut rig = Rig::silent(character);
            let reply = rig.raw(&GetVersion { w1, flags: 0 }.encode());
            let expected = answers[index].map_or(u64::MAX, |version| version.bits().into());
            assert_eq!(reply.x(0), expected, "{} {w1:#x}", character.name);
            assert_eq!(rig.spmc.version(), agreed[index], "{} {w1:#x}", character.name);
        }
    }
}

#[test]
fn each_takes_another_version_after_use_in_its_own_way() {
    let supported = VersionReply::Supported;
    let another = [VersionReply::NotSupported, VersionReply::NotSupported, supported(V1_2)];
    let same = [supported(V1_2), supported(V1_3), supported(V1_2), supported(V1_2)];
    for (index, character) in CHARACTERS.into_iter().enumerate() {
        let mut rig = Rig::new(character);
        rig.succeeds(&SpmIdGet);
        assert_eq!(rig.succeeds(&GetVersion::new(V1_2)), same[index], "{}", character.name);
        let reply = rig.succeeds(&GetVersion::new(V1_1));
        // TF-A tells the one that was agreed on.
        let expected = another.get(index).copied().unwrap_or(supported(V1_2));
        assert_eq!(reply, expected, "{}", character.name);
        let is_changed = character.name == "optee";
        assert_eq!(rig.spmc.version() == Some(V1_1), is_changed, "{}", character.name);
    }
}

#[test]
fn without_a_version_nothing_works_at_el3_and_none_can_be_agreed_on() {
    let mut rig = Rig::silent(Character::EL3);
    rig.fails(&SpmIdGet, Status::NOT_SUPPORTED);
    assert_eq!(rig.call(&GetVersion::new(V1_2)), Ok(VersionReply::NotSupported));
    for character in [Character::SPECIFIED, Character::HAFNIUM, Character::OPTEE] {
        assert!(Rig::silent(character).call(&SpmIdGet).is_ok());
    }
}

/// Where claims and deeds differ, which is by knowledge of those SPMCs.
#[test]
fn features_tell_the_truth_or_a_known_lie() {
    let lies: [(&str, &[&str]); 5] = [
        ("specified", &[]),
        ("hafnium", &["FFA_RX_ACQUIRE"]),
        ("optee", &["FFA_RUN", "FFA_NOTIFICATION_SET"]),
        ("optee-without-virtualisation", &["FFA_RUN", "FFA_NOTIFICATION_SET"]),
        ("el3", &[]),
    ];
    for (name, lies) in lies {
        let character = Character::named(name).unwrap();
        let mut found: Vec<&str> = Vec::new();
        for function in FUNCTIONS.iter().filter(|function| is_call(function.name)) {
            let mut rig = Rig::new(character);
            let is_told = rig.call(&Features::of(function.id)).is_ok();
            let mut regs = Regs::ZERO;
            regs.set(0, function.id.bits());
            regs.set(1, if function.name == "FFA_RX_ACQUIRE" { 1_u64 } else { 0x8400_0061 });
            let reply = rig.raw(&regs);
            let is_refused = reply.w(0) == 0x8400_0060 && Status::from_bits(reply.w(2)).0 == -1;
            if is_told == is_refused {
                found.push(function.name);
            }
        }
        assert_eq!(found, lies, "{name}");
    }
}

/// Whether it is made by a hypervisor, and not what answers it.
fn is_call(name: &str) -> bool {
    let replies = ["FFA_ERROR", "FFA_SUCCESS", "FFA_INTERRUPT", "FFA_MSG_WAIT", "DIRECT_RESP"];
    !replies.iter().any(|reply| name.contains(reply))
}

#[test]
fn interrupts_are_told_where_there_are_notifications() {
    let feature = Features::of_feature(Feature::SCHEDULE_RECEIVER_INTERRUPT);
    for character in [Character::SPECIFIED, Character::HAFNIUM, Character::OPTEE] {
        assert_eq!(Rig::new(character).succeeds(&feature).w2, 8);
    }
    Rig::new(Character::EL3).fails(&feature, Status::NOT_SUPPORTED);
    let pending = Features::of_feature(Feature::NOTIFICATION_PENDING_INTERRUPT);
    for character in Character::ALL {
        Rig::new(character).fails(&pending, Status::NOT_SUPPORTED);
    }
}

#[test]
fn the_most_pages_are_told_from_1_2_on() {
    let query = Features::of(FunctionId::RXTX_MAP_64);
    for (version, character, pages) in [
        (V1_2, Character::HAFNIUM, 1),
        (V1_1, Character::HAFNIUM, 0),
        (V1_2, Character::SPECIFIED, 0),
    ] {
        let mut rig = Rig::silent(character);
        rig.succeeds(&GetVersion::new(version));
        let told = RxtxMapFeature::from_reply(rig.succeeds(&query));
        assert_eq!((told.minimum, told.maximum_pages), (0, pages), "{version}");
    }
}

#[test]
fn a_list_has_records_of_the_size_that_is_told() {
    let sizes = [(Character::SPECIFIED, 24), (Character::HAFNIUM, 0x30), (Character::EL3, 24)];
    for (character, size) in sizes {
        let mut rig = Rig::new(character);
        rig.maps();
        let reply = rig.succeeds(&LIST);
        assert_eq!((reply.count, reply.descriptor_size), (3, size));
        let bytes: [u8; 0x1000] = rig.bytes(RX);
        let infos: Vec<_> = PartitionInfos::parse(&bytes, reply, V1_2).unwrap().collect();
        assert_eq!(infos, [ABLE, PLAIN, MUTE].map(info));
    }
}

#[test]
fn a_caller_of_1_0_gets_records_of_8_bytes() {
    let mut rig = Rig::silent(Character::HAFNIUM);
    rig.succeeds(&GetVersion::new(Version::V1_0));
    rig.maps();
    let reply = rig.succeeds(&LIST);
    assert_eq!((reply.count, reply.descriptor_size), (3, 0));
    // Id, contexts, and of the properties those of 1.0.
    let expected = [1, 0x80, 4, 0, 0b101, 0, 0, 0, 2, 0x80, 1, 0, 1, 0, 0, 0];
    assert_eq!(rig.bytes::<16>(RX), expected);
}

#[test]
fn a_query_by_uuid_finds_its_partition_without_the_uuid() {
    let mut rig = Rig::new(Character::SPECIFIED);
    rig.maps();
    let reply = rig.succeeds(&PartitionInfoGet { uuid: common::uuid(PLAIN), ..LIST });
    let bytes: [u8; 0x1000] = rig.bytes(RX);
    let mut infos = PartitionInfos::parse(&bytes, reply, V1_2).unwrap();
    assert_eq!(infos.next(), Some(info(PLAIN).seen_by(V1_2, common::uuid(PLAIN))));
    assert_eq!(infos.next(), None);
}

#[test]
fn a_list_by_registers_is_the_same_in_more_calls() {
    for (character, calls) in [(Character::SPECIFIED, 1), (Character::HAFNIUM, 2)] {
        let mut rig = Rig::new(character);
        let (mut infos, mut made): (Vec<PartitionInfo>, _) = (Vec::new(), 0);
        let mut next = Some(PartitionInfoGetRegs::first(Uuid::NIL));
        while let Some(request) = next {
            let reply = rig.succeeds(&request);
            infos.extend(reply.descriptors());
            next = request.next(&reply);
            made += 1;
        }
        assert_eq!((infos, made), ([ABLE, PLAIN, MUTE].map(info).to_vec(), calls));
    }
}

#[test]
fn a_list_that_changed_has_another_tag() {
    let mut rig = Rig::new(Character::SPECIFIED);
    let request = PartitionInfoGetRegs { start: 1, tag: 0x5a, uuid: Uuid::NIL };
    let regs = rig.raw(&request.encode());
    assert_eq!(regs.w(0), 0xc400_0061);
    rig.spmc.change_list(|info| {
        let id = EndpointId(info.id().0 + 0x100);
        PartitionInfo::new(id, info.execution_contexts(), info.properties(), info.uuid())
    });
    rig.fails(&request, Status::RETRY);
    assert_eq!(rig.spmc.partitions()[0].info().id(), EndpointId(0x8101));
}

#[test]
fn a_list_that_does_not_fit_is_not_begun() {
    let many = vec![common::able(); 200];
    let mut rig = Rig::new(Character::HAFNIUM);
    rig.spmc = Spmc::new(Character::HAFNIUM, many, [Vm::VACANT; 3]);
    rig.maps();
    rig.fails(&LIST, Status::NO_MEMORY);
    assert_eq!(rig.bytes::<8>(RX), [0; 8]);
}

/// Registers of a success without results: zero, or as they were.
#[test]
fn el3_leaves_registers_as_they_were() {
    let request = RxtxMap::one_page(common::TX, RX).encode();
    for (character, expected) in
        [(Character::SPECIFIED, [0; 3]), (Character::EL3, [common::TX, RX, 1])]
    {
        let reply = Rig::new(character).raw(&request);
        assert_eq!(reply.x(0), 0x8400_0061);
        assert_eq!(reply.0[1..4], expected, "{}", character.name);
    }
}

#[test]
fn the_spmc_has_an_id_or_none() {
    let mut rig = Rig::new(Character::SPECIFIED);
    assert_eq!(rig.succeeds(&SpmIdGet), EndpointIdReply { id: EndpointId(0x8000) });
    let mut rig = Rig::new(Character { id: None, ..Character::SPECIFIED });
    rig.fails(&SpmIdGet, Status::NOT_SUPPORTED);
}

#[test]
fn what_is_not_ffa_is_unknown() {
    let mut rig = Rig::new(Character::SPECIFIED);
    let mut regs = Regs([7; 18]);
    regs.set(0, 0xbf00_ff01_u64);
    let reply = rig.raw(&regs);
    assert_eq!((reply.x(0), reply.0[1..].to_vec()), (u64::MAX, vec![7; 17]));
    // Bits above w0 are not looked at.
    let mut reply = Regs::ZERO;
    VersionReply::Supported(V1_2).write(&mut reply);
    let mut regs = GetVersion::new(V1_2).encode();
    regs.set(0, regs.x(0) | 1 << 40);
    assert_eq!(Rig::silent(Character::SPECIFIED).raw(&regs), reply);
}
