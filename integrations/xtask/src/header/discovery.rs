//! Constants of ids, codes, versions, features and partitions.

use ffa_abi::{
    DESCRIPTORS_PER_CALL, EndpointId, EndpointKind, FUNCTIONS, Feature, Function, FunctionId,
    MAX_LOG_CHARACTERS, MAX_RXTX_PAGES, MemRetrieveFeature, MemSendFeature, PAGE_SIZE,
    PartitionInfo, PartitionInfoFlags, PartitionInfoGetRegs, PartitionInfoGetRegsReply,
    PartitionProperties, Request, RxtxMapFeature, Status, Target, Uuid, Version,
};

use super::group::{Group, single_bits, written};

const VERSIONS: [Version; 4] = [Version::V1_0, Version::V1_1, Version::V1_2, Version::V1_3];

pub(super) fn groups() -> Vec<Group> {
    vec![
        functions(),
        function_fields(),
        statuses(),
        versions(),
        endpoints(),
        sizes(),
        features(),
        features_of_calls(),
        partitions(),
        partition_registers(),
    ]
}

fn functions() -> Group {
    let group = Group::new("Function ids: w0", "The comment says which versions have the id.");
    FUNCTIONS.iter().fold(group, |group, function| {
        let name = function.name.trim_start_matches("FFA_");
        group.bits(name, function.id.bits(), &versions_of(function))
    })
}

fn versions_of(function: &Function) -> String {
    match function.last {
        Some(last) if last == function.first => format!("{last} only"),
        Some(last) => format!("{} to {last}", function.first),
        None => function.first.to_string(),
    }
}

fn function_fields() -> Group {
    let about = "Who is called is in the lower half of x0 alone: drop the upper half first.";
    let number = !(FunctionId::FIXED_BITS | FunctionId::SMC64);
    Group::new("What makes w0 an id of FF-A", about)
        .bits("FUNCTION_FIXED_MASK", FunctionId::FIXED_BITS, "these bits of w0")
        .bits("FUNCTION_FIXED_BITS", FunctionId::FAST_CALL_OWNER_4, "hold this,")
        .bits("FUNCTION_NUMBER_MASK", number, "and these")
        .bits("FUNCTION_NUMBER_FIRST", *FunctionId::NUMBERS.start(), "a number from here")
        .bits("FUNCTION_NUMBER_LAST", *FunctionId::NUMBERS.end(), "to here")
        .bits("FUNCTION_SMC64", FunctionId::SMC64, "set in 64-bit forms")
}

fn statuses() -> Group {
    let group = Group::new("Error codes: w2 of FFA_ERROR", "");
    Status::ALL.iter().fold(group, |group, status| {
        let name = format!("RET_{}", status.name().unwrap_or_default());
        group.signed(&name, status.0, status.meaning().unwrap_or_default())
    })
}

fn versions() -> Group {
    let about =
        "w1 of the call, w0 of the reply: a version, or FFA_RET_NOT_SUPPORTED in all 64 bits.";
    let group = VERSIONS.iter().fold(Group::new("FFA_VERSION", about), |group, version| {
        group.bits(
            &format!("VERSION_{}", version.to_string().replace('.', "_")),
            version.bits(),
            "",
        )
    });
    let parts = |bits| Version::from_bits(bits).map(Version::parts);
    let major = single_bits(|bit| parts(bit).is_some_and(|parts| parts.major != 0));
    let minor = single_bits(|bit| parts(bit).is_some_and(|parts| parts.minor != 0));
    group.field("VERSION_MAJOR", major, "").field("VERSION_MINOR", minor, "")
}

fn endpoints() -> Group {
    let target = |endpoint, vcpu| Target { endpoint: EndpointId(endpoint), vcpu }.bits();
    let secure = single_bits(|bit| EndpointId(bit).is_secure());
    let about = "A target is in w1 of FFA_RUN, FFA_INTERRUPT and FFA_YIELD.";
    Group::new("Endpoint ids", about)
        .bits("ENDPOINT_HYPERVISOR", EndpointId::HYPERVISOR.0, "")
        .bits("ENDPOINT_SECURE", secure, "in secure ids")
        .field("TARGET_ENDPOINT", target(u16::MAX, 0), "")
        .field("TARGET_VCPU", target(0, u16::MAX), "")
}

fn sizes() -> Group {
    let characters = u64::try_from(MAX_LOG_CHARACTERS).unwrap_or_default();
    Group::new("Sizes", "")
        .number("PAGE_SIZE", PAGE_SIZE, "bytes, whatever the granule")
        .number("RXTX_MAP_MAX_PAGES", MAX_RXTX_PAGES, "w3: pages of each buffer")
        .number("CONSOLE_LOG_MAX_CHARACTERS", characters, "")
}

fn features() -> Group {
    let about = "w1 of the call. In the reply, w2 is the id of the interrupt, or says what \
                 notifications can do (1.3).";
    let group = Group::new("FFA_FEATURES", about);
    Feature::ALL.iter().fold(group, |group, feature| {
        group.bits(&format!("FEATURE_{}", feature.name().unwrap_or_default()), feature.0, "")
    })
}

fn features_of_calls() -> Group {
    let rxtx = |minimum, maximum_pages| {
        RxtxMapFeature { minimum, maximum_pages }.to_reply(Version::V1_2).w2
    };
    let send = MemSendFeature { dynamic_buffers: true }.to_reply(Version::V1_1);
    let none = MemRetrieveFeature::default();
    let retrieve = |feature: MemRetrieveFeature| feature.to_reply(Version::V1_1);
    let dynamic = retrieve(MemRetrieveFeature { dynamic_buffers: true, ..none });
    let hypervisor = retrieve(MemRetrieveFeature { by_hypervisor: true, ..none });
    let retrievals = retrieve(MemRetrieveFeature { retrievals: u8::MAX, ..none });
    let about = "w2 of the reply. FFA_RXTX_MAP: the least size and alignment, and from 1.2 on the \
                 most pages, 0 for no limit. FFA_MEM_DONATE, FFA_MEM_LEND and FFA_MEM_SHARE, as \
                 MEM_SEND: dynamic buffers, before 1.2. FFA_MEM_RETRIEVE_REQ: the NS bit is in w2 \
                 of the call, too; the count, n, is in w3: a region may be retrieved 2^(n+1) - 1 \
                 times.";
    Group::new("FFA_FEATURES of calls", about)
        .bits("FEATURE_RXTX_MAP_4K", rxtx(0, 0), "")
        .bits("FEATURE_RXTX_MAP_64K", rxtx(1, 0), "")
        .bits("FEATURE_RXTX_MAP_16K", rxtx(2, 0), "")
        .bits("FEATURE_RXTX_MAP_SIZE_MASK", rxtx(3, 0), "")
        .field("FEATURE_RXTX_MAP_MAX_PAGES", rxtx(0, u16::MAX), "1.2")
        .bits("FEATURE_MEM_SEND_DYNAMIC_BUFFERS", send.w2, "1.0, 1.1")
        .bits("FEATURE_MEM_RETRIEVE_DYNAMIC_BUFFERS", dynamic.w2, "")
        .bits("FEATURE_MEM_RETRIEVE_NS_BIT", MemRetrieveFeature::NS_BIT, "")
        .bits("FEATURE_MEM_RETRIEVE_BY_HYPERVISOR", hypervisor.w2, "1.1")
        .field("FEATURE_MEM_RETRIEVE_COUNT", retrievals.w3, "")
}

fn partitions() -> Group {
    let place = |kind| PartitionProperties::empty().with_kind(kind).bits();
    let about = "Properties in a descriptor, with the version that brought them, and the kind of what \
                 the id names; flags in w5 of FFA_PARTITION_INFO_GET.";
    Group::new("Partitions", about)
        .flags::<PartitionProperties>("PARTITION", first_version)
        .bits("PARTITION_KIND_MASK", PartitionProperties::KIND.bits(), "")
        .bits("PARTITION_KIND_PE_ENDPOINT", place(EndpointKind::PeEndpoint), "")
        .bits("PARTITION_KIND_INDEPENDENT_SEPID", place(EndpointKind::IndependentSepid), "")
        .bits("PARTITION_KIND_DEPENDENT_SEPID", place(EndpointKind::DependentSepid), "")
        .bits("PARTITION_KIND_AUXILIARY", place(EndpointKind::Auxiliary), "")
        .flags::<PartitionInfoFlags>("PARTITION_INFO_GET", |_| "1.1".into())
}

/// The version that brought a property.
fn first_version(bits: u64) -> String {
    let flag = u32::try_from(bits).map(PartitionProperties::from_bits_retain).unwrap_or_default();
    let defines = |version: &&Version| flag.visible_in(**version) == flag;
    VERSIONS.iter().find(defines).map(Version::to_string).unwrap_or_default()
}

fn partition_registers() -> Group {
    let call = |start, tag| PartitionInfoGetRegs { uuid: Uuid::NIL, start, tag }.encode().x(3);
    let first = registers_reply(0, 1, 0);
    let tag = registers_reply(0, 1, u16::MAX) ^ first;
    let last = registers_reply(0, 1 << 16, 0) ^ first;
    let current = registers_reply(u16::MAX, 1 << 16, 0) ^ first ^ last;
    let per_call = u64::try_from(DESCRIPTORS_PER_CALL).unwrap_or_default();
    let about = "x3 of the call: the index of the first descriptor wanted, and the tag of the reply \
                 before. x2 of the reply: the index of the last one of all, that of the last one \
                 here, the tag, the bytes of each. From x3 on the descriptors, three registers each.";
    Group::new("FFA_PARTITION_INFO_GET_REGS", about)
        .field("PARTITION_REGS_START", call(u16::MAX, 0), "")
        .field("PARTITION_REGS_TAG", call(0, u16::MAX), "")
        .field("PARTITION_REGS_REPLY_LAST", last, "")
        .field("PARTITION_REGS_REPLY_CURRENT", current, "")
        .field("PARTITION_REGS_REPLY_TAG", tag, "")
        .field("PARTITION_REGS_REPLY_SIZE", !(last | current | tag), "")
        .number("PARTITION_REGS_PER_REPLY", per_call, "")
}

/// x2 of a reply that has the descriptor at `start`, of `count`.
fn registers_reply(start: u16, count: usize, tag: u16) -> u64 {
    let descriptor = [PartitionInfo::default()];
    let reply = PartitionInfoGetRegsReply::new(start, count, tag, descriptor);
    reply.map_or(0, |reply| written(&reply).x(2))
}
