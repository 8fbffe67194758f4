//! Partition information descriptors in a buffer.

use std::fmt;

use arm_ffa::partition_info::{
    Error, PartitionIdType, PartitionInfo as TheirPartition, PartitionInfoIterator,
};
use fastrand::Rng;
use ffa_abi::{EndpointKind, PartitionInfo, PartitionProperties, Version};
use zerocopy::{FromBytes, IntoBytes};

use crate::known::{Case, Known, Tally, examples_show};
use crate::mapping::version as their_version;
use crate::random::{VERSIONS, pick, value};
use crate::replies::Fields;
use crate::verdict::{Verdict, ask};

type Property = PartitionProperties;

/// One descriptor of 24 bytes, read and written again.
struct PartitionCase {
    version: Version,
    bytes: [u8; 24],
    ours: (Fields, [u8; 24]),
    theirs: Verdict<(Fields, [u8; 24]), Error>,
}

impl PartitionCase {
    fn new(version: Version, bytes: [u8; 24]) -> PartitionCase {
        let info = PartitionInfo::read_from_bytes(&bytes).unwrap();
        let seen = info.seen_by(version, ffa_abi::Uuid::NIL);
        let mut written = [0; 24];
        written.copy_from_slice(seen.as_bytes());
        let ours = (our_fields(version, &info), written);
        let theirs = ask(|| theirs(version, &bytes));
        PartitionCase { version, bytes, ours, theirs }
    }

    fn properties(&self) -> Property {
        PartitionInfo::read_from_bytes(&self.bytes).unwrap().properties()
    }
}

/// What a reader that speaks `version` makes of it.
pub(crate) fn our_fields(version: Version, info: &PartitionInfo) -> Fields {
    let properties = info.properties().visible_in(version);
    let kind = match properties.kind() {
        EndpointKind::PeEndpoint => 0,
        EndpointKind::IndependentSepid => 1,
        EndpointKind::DependentSepid => 2,
        EndpointKind::Auxiliary => 3,
    };
    let uuid = info.uuid().double_words();
    let mut fields = vec![("id", info.id().0.into()), ("kind", kind)];
    fields.push(("contexts", info.execution_contexts().into()));
    fields.extend([("uuid", uuid[0]), ("uuid", uuid[1])]);
    let bits = NAMES.map(|(name, bit)| (name, u64::from(properties.contains(bit))));
    fields.extend(bits);
    fields
}

const NAMES: [(&str, Property); 9] = [
    ("receives direct", Property::RECEIVES_DIRECT_REQUESTS),
    ("sends direct", Property::SENDS_DIRECT_REQUESTS),
    ("indirect", Property::INDIRECT_MESSAGES),
    ("notifications", Property::RECEIVES_NOTIFICATIONS),
    ("created", Property::VM_CREATED),
    ("destroyed", Property::VM_DESTROYED),
    ("aarch64", Property::AARCH64),
    ("receives direct 2", Property::RECEIVES_DIRECT_REQUESTS2),
    ("sends direct 2", Property::SENDS_DIRECT_REQUESTS2),
];

pub(crate) fn their_fields(info: &TheirPartition) -> Fields {
    let (kind, contexts) = match info.partition_id_type {
        PartitionIdType::PeEndpoint { execution_ctx_count } => (0, execution_ctx_count),
        PartitionIdType::SepidIndep => (1, 0),
        PartitionIdType::SepidDep { proxy_endpoint_id } => (2, proxy_endpoint_id),
        PartitionIdType::Aux => (3, 0),
    };
    let (low, high) = info.uuid.as_bytes().split_at(8);
    let uuid = [low, high].map(|half| u64::from_le_bytes(half.try_into().unwrap()));
    let mut fields = vec![("id", info.partition_id.into()), ("kind", kind)];
    fields.push(("contexts", contexts.into()));
    fields.extend([("uuid", uuid[0]), ("uuid", uuid[1])]);
    let props = &info.props;
    let bits = [
        props.support_direct_req_rec,
        props.support_direct_req_send,
        props.support_indirect_msg,
        props.support_notif_rec,
        props.subscribe_vm_created,
        props.subscribe_vm_destroyed,
        props.is_aarch64,
        props.support_direct_req2_rec.unwrap_or(false),
        props.support_direct_req2_send.unwrap_or(false),
    ];
    fields.extend(NAMES.iter().zip(bits).map(|((name, _), bit)| (*name, u64::from(bit))));
    fields
}

fn theirs(version: Version, bytes: &[u8; 24]) -> Result<(Fields, [u8; 24]), Error> {
    let mut list = PartitionInfoIterator::new(their_version(version), bytes, 1)?;
    let info = list.next().unwrap()?;
    let mut written = [0x55; 24];
    TheirPartition::pack(their_version(version), &[info], &mut written, true);
    Ok((their_fields(&info), written))
}

impl Case for PartitionCase {
    fn agrees(&self) -> bool {
        self.theirs.accepted() == Some(&self.ours)
    }
}

impl fmt::Display for PartitionCase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let PartitionCase { version, bytes, ours, theirs } = self;
        write!(f, "at {version}: {bytes:02x?}\nffa-abi: {ours:?}\narm-ffa: {theirs}")
    }
}

/// Whether arm-ffa leaves out properties because of the others: [`PartitionCase`] and replies in
/// registers both have such.
pub(crate) fn are_dropped(version: Version, properties: Property) -> bool {
    let visible = properties.visible_in(version);
    if visible.kind() != EndpointKind::PeEndpoint {
        return visible.intersects(Property::all() - Property::AARCH64 - Property::KIND);
    }
    let told = Property::VM_CREATED | Property::VM_DESTROYED;
    !visible.contains(Property::RECEIVES_DIRECT_REQUESTS) && visible.intersects(told)
}

const KNOWN: &[Known<PartitionCase>] = &[
    Known {
        name: "partition-descriptors-of-1.0-and-1.3",
        explains: |case| {
            case.theirs.panics() && matches!(case.version, Version::V1_0 | Version::V1_3)
        },
        example: || PartitionCase::new(Version::V1_3, [0; 24]),
    },
    Known {
        name: "properties-that-exclude-each-other",
        explains: |case| {
            case.theirs.accepted().is_some() && are_dropped(case.version, case.properties())
        },
        example: || with_properties(0x40),
    },
    Known {
        name: "execution-contexts-of-device-ids",
        explains: |case| {
            let kind = case.properties().kind();
            let has_none = matches!(kind, EndpointKind::IndependentSepid | EndpointKind::Auxiliary);
            case.theirs.accepted().is_some() && has_none
        },
        example: || with_properties(0x10),
    },
];

fn with_properties(properties: u8) -> PartitionCase {
    let mut bytes = [0; 24];
    (bytes[0], bytes[2], bytes[4]) = (1, 1, properties);
    PartitionCase::new(Version::V1_1, bytes)
}

#[test]
fn both_read_and_write_the_same_partition_descriptors_save_for_the_known_differences() {
    let mut rng = Rng::with_seed(0x5eed_0003);
    let mut tally = Tally::new(KNOWN);
    for _ in 0..100_000 {
        let version = pick(&mut rng, &VERSIONS);
        let words = [value(&mut rng), rng.u64(..), rng.u64(..)];
        let case = PartitionCase::new(version, words.as_bytes().try_into().unwrap());
        tally.take(&case);
        tally.take(&PartitionCase::new(version, case.ours.1));
        if let Some((_, written)) = case.theirs.accepted() {
            tally.take(&PartitionCase::new(version, *written));
        }
    }
    tally.finish(50_000);
}

#[test]
fn each_known_difference_of_partition_descriptors_shows_in_its_example() {
    examples_show(KNOWN);
}

pub(crate) fn names() -> Vec<&'static str> {
    KNOWN.iter().map(|known| known.name).collect()
}
