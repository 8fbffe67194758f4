//! What answers calls: registers that both read, and write again.

use std::fmt;

use arm_ffa::interface_args::{
    SuccessArgs, SuccessArgsFeatures, SuccessArgsIdGet, SuccessArgsSpmIdGet, TargetInfo,
};
use arm_ffa::memory_management::{SuccessArgsMemOp, SuccessArgsMemPermGet};
use arm_ffa::notification::{
    SuccessArgsNotificationGet, SuccessArgsNotificationInfoGet32, SuccessArgsNotificationInfoGet64,
};
use arm_ffa::partition_info::{
    PartitionInfo as TheirPartition, PartitionInfoGetFlags, PartitionInfoIterator,
    SuccessArgsPartitionInfoGet, SuccessArgsPartitionInfoGetRegs,
};
use arm_ffa::{Error, Interface, VersionOut};
use fastrand::Rng;
use ffa_abi::{
    CallError, EndpointIdReply, FeaturesReply, MemPermGetReply, MemoryHandleReply,
    NotificationGetFlags, NotificationGetReply, NotificationInfoGet, PartitionInfoGetRegs,
    PartitionInfoGetRegsReply, PartitionInfoGetReply, Regs, Reply, Request, Uuid, Version,
    VersionReply, Width,
};

use crate::known::{Case, Tally, examples_show};
use crate::mapping::{get_flags, version as their_version};
use crate::partitions::{our_fields, their_fields};
use crate::random::{VERSIONS, pick, regs, value};
use crate::replies_known::KNOWN;
use crate::verdict::{Verdict, ask};

/// The call that is answered, as far as its answer depends on it.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Query {
    Version,
    Features,
    IdGet,
    SpmIdGet,
    PartitionInfo { count_only: bool },
    PartitionInfoRegs { start: u16 },
    NotificationGet(NotificationGetFlags),
    NotificationInfo(Width),
    MemorySent,
    PagePermissions,
}

/// What a reply says, field by field.
pub(crate) type Fields = Vec<(&'static str, u64)>;

/// Registers after a call.
pub(crate) struct ReplyCase {
    pub(crate) version: Version,
    pub(crate) query: Query,
    pub(crate) regs: Regs,
    /// The fields, and the registers that the reply is written to.
    pub(crate) ours: Verdict<(Fields, Regs), CallError>,
    pub(crate) theirs: Verdict<(Fields, Regs), Error>,
}

impl ReplyCase {
    pub(crate) fn new(version: Version, query: Query, regs: Regs) -> ReplyCase {
        let ours = ours(version, query, &regs).into();
        let theirs = ask(|| theirs(version, query, &regs));
        ReplyCase { version, query, regs, ours, theirs }
    }

    /// The fields, where both read some.
    pub(crate) fn fields(&self) -> Option<(&Fields, &Fields)> {
        Some((&self.ours.accepted()?.0, &self.theirs.accepted()?.0))
    }
}

fn ours(version: Version, query: Query, regs: &Regs) -> Result<(Fields, Regs), CallError> {
    match query {
        Query::Version => read::<VersionReply>(regs, version, |reply| match reply {
            VersionReply::Supported(version) => vec![("version", version.bits().into())],
            VersionReply::NotSupported => vec![("not supported", 1)],
        }),
        Query::Features => read::<FeaturesReply>(regs, version, |reply| {
            vec![("w2", reply.w2.into()), ("w3", reply.w3.into())]
        }),
        Query::IdGet | Query::SpmIdGet => {
            read::<EndpointIdReply>(regs, version, |reply| vec![("id", reply.id.0.into())])
        }
        Query::PartitionInfo { .. } => read::<PartitionInfoGetReply>(regs, version, |reply| {
            vec![("count", reply.count.into()), ("size", reply.descriptor_size.into())]
        }),
        Query::PartitionInfoRegs { start } => {
            let call = PartitionInfoGetRegs { uuid: Uuid::NIL, start, tag: 0 };
            call.reply(regs, version).map(|reply| rewritten(our_list(version, &reply), &reply))
        }
        Query::NotificationGet(_) => read::<NotificationGetReply>(regs, version, |reply| {
            vec![
                ("SPs", reply.secure_partitions.0),
                ("VMs", reply.vms.0),
                ("SPM", reply.spm.bits().into()),
                ("hypervisor", reply.hypervisor.bits().into()),
            ]
        }),
        Query::NotificationInfo(width) => {
            let reply = NotificationInfoGet { width }.reply(regs, version)?;
            let lists = reply.lists().map(|list| (list.endpoint.0, list.vcpus));
            Ok(rewritten(lists_of(reply.more_pending, lists), &reply))
        }
        Query::MemorySent => {
            read::<MemoryHandleReply>(regs, version, |reply| vec![("handle", reply.handle.0)])
        }
        Query::PagePermissions => read::<MemPermGetReply>(regs, version, |reply| {
            let permissions = reply.permissions.bits().into();
            vec![("permissions", permissions), ("pages", u64::from(reply.further_pages) + 1)]
        }),
    }
}

fn read<R: Reply>(
    regs: &Regs,
    version: Version,
    fields: fn(&R) -> Fields,
) -> Result<(Fields, Regs), CallError> {
    R::read(regs, version).map(|reply| rewritten(fields(&reply), &reply))
}

fn rewritten(fields: Fields, reply: &impl Reply) -> (Fields, Regs) {
    let mut regs = Regs::ZERO;
    reply.write(&mut regs);
    (fields, regs)
}

fn our_list(version: Version, reply: &PartitionInfoGetRegsReply) -> Fields {
    let (last, current, tag) = (reply.last(), reply.current(), reply.tag());
    let mut fields = index_fields(last, current, tag);
    reply.descriptors().iter().for_each(|info| fields.extend(our_fields(version, info)));
    fields
}

fn index_fields(last: u16, current: u16, tag: u16) -> Fields {
    vec![("last", last.into()), ("current", current.into()), ("tag", tag.into())]
}

fn lists_of<'l>(more: bool, lists: impl Iterator<Item = (u16, &'l [u16])>) -> Fields {
    let mut fields = vec![("more", more.into())];
    for (endpoint, vcpus) in lists {
        fields.push(("endpoint", endpoint.into()));
        fields.extend(vcpus.iter().map(|vcpu| ("vcpu", u64::from(*vcpu))));
    }
    fields
}

fn theirs(version: Version, query: Query, regs: &Regs) -> Result<(Fields, Regs), Error> {
    if query == Query::Version {
        let output_version = VersionOut::try_from(regs.w(0))?;
        let fields = match output_version {
            VersionOut::Version(version) => vec![("version", u32::from(version).into())],
            _ => vec![("not supported", 1)],
        };
        return Ok((fields, their_regs(version, Interface::VersionOut { output_version })));
    }
    let read = Interface::from_regs(their_version(version), &regs.0)?;
    let Interface::Success { args, .. } = read else {
        // Whatever else it is, it is no success.
        return Err(Error::InvalidSuccessArgsVariant);
    };
    let (fields, args): (Fields, SuccessArgs) = match query {
        Query::Features => {
            let SuccessArgsFeatures { properties: [w2, w3] } = args.try_into()?;
            let written = SuccessArgsFeatures { properties: [w2, w3] };
            (vec![("w2", w2.into()), ("w3", w3.into())], written.into())
        }
        Query::IdGet => {
            let reply = SuccessArgsIdGet::try_from(args)?;
            (vec![("id", reply.id.into())], reply.into())
        }
        Query::SpmIdGet => {
            let reply = SuccessArgsSpmIdGet::try_from(args)?;
            (vec![("id", reply.id.into())], reply.into())
        }
        Query::PartitionInfo { count_only } => {
            let flags = PartitionInfoGetFlags { count_only };
            let reply = SuccessArgsPartitionInfoGet::try_from((flags, args))?;
            let size = reply.size.unwrap_or(0);
            (vec![("count", reply.count.into()), ("size", size.into())], reply.into())
        }
        Query::PartitionInfoRegs { start } => their_list(version, start, args)?,
        Query::NotificationGet(flags) => {
            let reply = SuccessArgsNotificationGet::try_from((get_flags(flags), args))?;
            let fields = vec![
                ("SPs", reply.sp_notifications.unwrap_or(0)),
                ("VMs", reply.vm_notifications.unwrap_or(0)),
                ("SPM", reply.spm_notifications.unwrap_or(0).into()),
                ("hypervisor", reply.hypervisor_notifications.unwrap_or(0).into()),
            ];
            (fields, reply.into())
        }
        Query::NotificationInfo(Width::Bits32) => {
            let reply = SuccessArgsNotificationInfoGet32::try_from(args)?;
            (lists_of(reply.more_pending_notifications, reply.iter()), reply.into())
        }
        Query::NotificationInfo(Width::Bits64) => {
            let reply = SuccessArgsNotificationInfoGet64::try_from(args)?;
            (lists_of(reply.more_pending_notifications, reply.iter()), reply.into())
        }
        Query::MemorySent => {
            let reply = SuccessArgsMemOp::try_from(args)?;
            (vec![("handle", reply.handle.0)], reply.into())
        }
        Query::PagePermissions => {
            let reply = SuccessArgsMemPermGet::try_from(args)?;
            let permissions = u32::from(reply.perm).into();
            let pages = reply.page_cnt.into();
            (vec![("permissions", permissions), ("pages", pages)], reply.into())
        }
        Query::Version => unreachable!("answered above"),
    };
    let target_info = TargetInfo::default();
    Ok((fields, their_regs(version, Interface::Success { target_info, args })))
}

fn their_regs(version: Version, interface: Interface) -> Regs {
    let mut regs = Regs::ZERO;
    interface.to_regs(their_version(version), &mut regs.0);
    regs
}

/// arm-ffa leaves it to its user to know how many descriptors there are.
fn their_list(
    version: Version,
    start: u16,
    args: SuccessArgs,
) -> Result<(Fields, SuccessArgs), Error> {
    let mut reply = SuccessArgsPartitionInfoGetRegs::try_from(args)?;
    let (last, current, tag) = (reply.last_index, reply.current_index, reply.info_tag);
    let mut fields = index_fields(last, current, tag);
    let count = current.checked_sub(start).ok_or(Error::InvalidSuccessArgsVariant)? + 1;
    let bytes = reply.descriptor_data;
    let list = PartitionInfoIterator::new(their_version(version), &bytes, count.into())?;
    let list: Vec<TheirPartition> = list.collect::<Result<_, _>>()?;
    list.iter().for_each(|info| fields.extend(their_fields(info)));
    reply.descriptor_data.fill(0);
    TheirPartition::pack(their_version(version), &list, &mut reply.descriptor_data, true);
    Ok((fields, reply.into()))
}

impl Case for ReplyCase {
    fn agrees(&self) -> bool {
        match (&self.ours, &self.theirs) {
            (Verdict::Accepts(ours), Verdict::Accepts(theirs)) => ours == theirs,
            (Verdict::Refuses(_), Verdict::Refuses(_)) => true,
            _ => false,
        }
    }
}

impl fmt::Display for ReplyCase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ReplyCase { version, query, regs, ours, theirs } = self;
        write!(f, "at {version} to {query:?}: {regs:?}\nffa-abi: {ours}\narm-ffa: {theirs}")
    }
}

fn query(rng: &mut Rng) -> Query {
    match rng.u8(..11) {
        0 => Query::Version,
        1 => Query::Features,
        2 => Query::IdGet,
        3 => Query::SpmIdGet,
        4 => Query::PartitionInfo { count_only: rng.bool() },
        5 | 6 => Query::PartitionInfoRegs { start: pick(rng, &[0, 0, 5, 7]) },
        7 => Query::NotificationGet(NotificationGetFlags::from_bits_truncate(rng.u32(..))),
        8 => Query::NotificationInfo(Width::Bits32),
        9 => Query::NotificationInfo(Width::Bits64),
        _ => pick(rng, &[Query::MemorySent, Query::PagePermissions]),
    }
}

/// Mostly a success, with an x2 that could be an answer.
fn answer(rng: &mut Rng, query: Query) -> Regs {
    let mut regs = regs(rng);
    if rng.u8(..8) != 0 {
        regs.set(0, pick(rng, &[0x8400_0061_u32, 0xc400_0061]));
    }
    match query {
        Query::Version => regs.set(0, value(rng)),
        Query::PartitionInfoRegs { start } => {
            let current = u64::from(start) + rng.u64(..7);
            let last = current + rng.u64(..3);
            let size = pick(rng, &[24, 24, 24, 24, 24, 48, 32, 20]);
            regs.set(2, size << 48 | rng.u64(..3) << 32 | current << 16 | last);
        }
        Query::NotificationInfo(_) => {
            let lists = rng.u64(..8);
            let sizes = if rng.bool() { rng.u64(..) } else { rng.u64(..) & 0x1111_1111 };
            regs.set(2, sizes << 12 | lists << 7 | rng.u64(..3));
        }
        _ => {}
    }
    regs
}

#[test]
fn both_read_and_write_the_same_replies_save_for_the_known_differences() {
    let mut rng = Rng::with_seed(0x5eed_0002);
    let mut tally = Tally::new(KNOWN);
    for _ in 0..150_000 {
        let (version, query) = (pick(&mut rng, &VERSIONS), query(&mut rng));
        let case = ReplyCase::new(version, query, answer(&mut rng, query));
        tally.take(&case);
        if let Some((_, written)) = case.ours.accepted() {
            tally.take(&ReplyCase::new(version, query, *written));
        }
        if let Some((_, written)) = case.theirs.accepted() {
            tally.take(&ReplyCase::new(version, query, *written));
        }
    }
    tally.finish(80_000);
}

#[test]
fn each_known_difference_of_replies_shows_in_its_example() {
    examples_show(KNOWN);
}
