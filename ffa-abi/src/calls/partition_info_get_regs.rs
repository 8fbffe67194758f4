//! `FFA_PARTITION_INFO_GET_REGS` (1.2).
//!
//! ```text
//! call   x1, x2 UUID   x3  [15:0] start index  [31:16] tag
//! reply  x2  [15:0] last index  [31:16] current index  [47:32] tag  [63:48] descriptor size
//!        x3..x17 up to five descriptors, three registers each
//! ```
//! Later versions append to a descriptor: in 1.3 it has 48 bytes, and two fit. The size says where the
//! next one begins, and the first 24 bytes are read.

use core::fmt;

use crate::call::{DecodeError, Request, call_regs, must_be_zero};
use crate::function::FunctionId;
use crate::partition_info::PartitionInfo;
use crate::regs::Regs;
use crate::reply::{CallError, Reply, ReplyError, Success};
use crate::uuid::Uuid;
use crate::version::Version;

/// How many descriptors x3..x17 hold.
pub const DESCRIPTORS_PER_CALL: usize = 5;

const FIRST_REGISTER: usize = 3;
const REGISTERS_PER_DESCRIPTOR: usize = 3;
const DESCRIPTOR_SIZE: u64 = 24;

/// `FFA_PARTITION_INFO_GET_REGS`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PartitionInfoGetRegs {
    /// x1, x2: which partitions; [`Uuid::NIL`] for all.
    pub uuid: Uuid,
    /// x3\[15:0\]: index of the first descriptor wanted.
    pub start: u16,
    /// x3\[31:16\]: 0 with start 0, then the tag of the reply before.
    pub tag: u16,
}

/// One to five descriptors out of a list, those with indices `start()..=current()`: x2\[15:0\] last
/// index of the list, \[31:16\] current index, \[47:32\] tag, \[63:48\] descriptor size (24); from x3 on three
/// registers a descriptor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PartitionInfoGetRegsReply {
    last: u16,
    start: u16,
    tag: u16,
    descriptors: [PartitionInfo; DESCRIPTORS_PER_CALL],
    /// 1..=[`DESCRIPTORS_PER_CALL`], and `start + len - 1 <= last`.
    len: u8,
}

impl PartitionInfoGetRegsReply {
    /// Descriptors `start..` of a list of `count`, as many as fit; `None` where `start` is not below
    /// `count`, or the list is longer than indices reach.
    ///
    /// `descriptors` yields the list from `start` on.
    #[must_use]
    pub fn new(
        start: u16,
        count: usize,
        tag: u16,
        descriptors: impl IntoIterator<Item = PartitionInfo>,
    ) -> Option<Self> {
        let mut run = [PartitionInfo::default(); DESCRIPTORS_PER_CALL];
        let slots = run.iter_mut().zip(descriptors);
        let len = slots.map(|(slot, descriptor)| *slot = descriptor).count();
        Self::from_runs(start, count, tag, run.get(..len))
    }

    /// The same from runs of neighbouring descriptors, which are copied as they lie.
    #[must_use]
    pub fn from_runs<'d>(
        start: u16,
        count: usize,
        tag: u16,
        runs: impl IntoIterator<Item = &'d [PartitionInfo]>,
    ) -> Option<Self> {
        let last = u16::try_from(count.checked_sub(1)?).ok()?;
        let mut held = [PartitionInfo::default(); DESCRIPTORS_PER_CALL];
        let room = count.checked_sub(usize::from(start))?.min(DESCRIPTORS_PER_CALL);
        let mut len = 0;
        for run in runs {
            let end = room.min(len + run.len());
            let slots = held.get_mut(len..end)?;
            slots.copy_from_slice(run.get(..slots.len())?);
            len = end;
            if len == room {
                break;
            }
        }
        let len = u8::try_from(len).ok().filter(|len| *len > 0)?;
        Some(PartitionInfoGetRegsReply { last, start, tag, descriptors: held, len })
    }

    /// The descriptors of this reply: at least one.
    #[must_use]
    pub fn descriptors(&self) -> &[PartitionInfo] {
        self.descriptors.get(..usize::from(self.len)).unwrap_or(&[])
    }

    /// Index of the first descriptor of this reply.
    #[must_use]
    pub fn start(&self) -> u16 {
        self.start
    }

    /// Index of the last descriptor of this reply.
    #[must_use]
    pub fn current(&self) -> u16 {
        self.start.saturating_add(u16::from(self.len).saturating_sub(1))
    }

    /// Index of the last descriptor of the whole list: its count minus one.
    #[must_use]
    pub fn last(&self) -> u16 {
        self.last
    }

    /// Names this state of the list.
    #[must_use]
    pub fn tag(&self) -> u16 {
        self.tag
    }
}

impl PartitionInfoGetRegs {
    /// The first call for the list of `uuid`.
    #[must_use]
    pub const fn first(uuid: Uuid) -> PartitionInfoGetRegs {
        PartitionInfoGetRegs { uuid, start: 0, tag: 0 }
    }

    /// The call for what follows `reply`; `None` where that was the end of the list.
    #[must_use]
    pub fn next(&self, reply: &PartitionInfoGetRegsReply) -> Option<PartitionInfoGetRegs> {
        let start = reply.current().checked_add(1).filter(|start| *start <= reply.last())?;
        Some(PartitionInfoGetRegs { uuid: self.uuid, start, tag: reply.tag() })
    }
}

impl Request for PartitionInfoGetRegs {
    type Reply = PartitionInfoGetRegsReply;

    fn encode(&self) -> Regs {
        let [x1, x2] = self.uuid.double_words();
        let x3 = u64::from(self.tag) << 16 | u64::from(self.start);
        call_regs(FunctionId::PARTITION_INFO_GET_REGS, [x1, x2, x3])
    }

    #[inline(always)]
    fn decode(function: FunctionId, regs: &Regs, _: Version) -> Result<Self, DecodeError> {
        must_be_zero(function, "x3[63:32]", regs.x(3) >> 32)?;
        #[expect(clippy::cast_possible_truncation, reason = "the field is cut out")]
        let tag = (regs.x(3) >> 16) as u16;
        let uuid = Uuid::from_double_words([regs.x(1), regs.x(2)]);
        Ok(PartitionInfoGetRegs { uuid, start: regs.half(3), tag })
    }

    /// Also checks that the reply continues where this call asked it to.
    fn reply(&self, regs: &Regs, version: Version) -> Result<Self::Reply, CallError> {
        read_from(regs, self.start, version)
    }
}

impl Reply for PartitionInfoGetRegsReply {
    /// Writes all of x0..x17: registers without a descriptor are zero.
    fn write(&self, regs: &mut Regs) {
        *regs = Regs::ZERO;
        regs.set(0, FunctionId::SUCCESS_64.bits());
        let indices = u64::from(self.current()) << 16 | u64::from(self.last);
        regs.set(2, DESCRIPTOR_SIZE << 48 | u64::from(self.tag) << 32 | indices);
        let (_, slots) = regs.0.split_at_mut(FIRST_REGISTER);
        for (slot, info) in slots.chunks_exact_mut(REGISTERS_PER_DESCRIPTOR).zip(self.descriptors())
        {
            slot.copy_from_slice(&info.to_registers());
        }
    }

    /// Reads the first reply of a list. For a later one use [`Request::reply`], which knows the start.
    fn read(regs: &Regs, version: Version) -> Result<Self, CallError> {
        read_from(regs, 0, version)
    }
}

#[expect(clippy::cast_possible_truncation, reason = "each field is cut out of x2")]
fn read_from(
    regs: &Regs,
    start: u16,
    version: Version,
) -> Result<PartitionInfoGetRegsReply, CallError> {
    let regs = Success::check_64(regs)?.regs();
    if version < Version::V1_2 {
        // x8..x17 are no part of a reply.
        return Err(CallError::Reply(ReplyError::UnexpectedFunction(regs.w(0))));
    }
    let x2 = regs.x(2);
    let (last, current, tag) = (x2 as u16, (x2 >> 16) as u16, (x2 >> 32) as u16);
    let impossible = |field| Err(CallError::Reply(ReplyError::OutOfRange(field)));
    if current < start || last < current {
        return impossible("current index");
    }
    let Some(step) = registers_of(x2 >> 48) else { return impossible("descriptor size") };
    let count = usize::from(current - start) + 1;
    if count * step > Regs::COUNT - FIRST_REGISTER {
        return impossible("number of descriptors");
    }
    let descriptors = (0..count).map(|index| {
        let first = FIRST_REGISTER + index * step;
        PartitionInfo::from_registers([regs.x(first), regs.x(first + 1), regs.x(first + 2)])
    });
    let reply = PartitionInfoGetRegsReply::new(start, usize::from(last) + 1, tag, descriptors);
    reply.ok_or(CallError::Reply(ReplyError::OutOfRange("last index")))
}

/// How many registers a descriptor of `size` bytes takes; `None` where it is none.
fn registers_of(size: u64) -> Option<usize> {
    let is_whole = size >= DESCRIPTOR_SIZE && size % 8 == 0;
    usize::try_from(size / 8).ok().filter(|_| is_whole)
}

impl fmt::Display for PartitionInfoGetRegs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let PartitionInfoGetRegs { uuid, start, tag } = self;
        write!(f, "FFA_PARTITION_INFO_GET_REGS start={start} tag={tag:#x} uuid={uuid}")
    }
}

impl fmt::Display for PartitionInfoGetRegsReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (start, current, last) = (self.start(), self.current(), self.last());
        write!(f, "SUCCESS indices={start}..={current} last={last} tag={:#x} ids=", self.tag())?;
        for (index, info) in self.descriptors().iter().enumerate() {
            write!(f, "{}{}", if index == 0 { "" } else { "," }, info.id())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::Call;
    use crate::id::EndpointId;
    use crate::partition_info::PartitionProperties;

    fn info(id: u16) -> PartitionInfo {
        let uuid = Uuid([id.to_le_bytes()[0]; 16]);
        PartitionInfo::new(EndpointId(id), 1, PartitionProperties::empty(), uuid)
    }

    #[test]
    fn a_call_survives_a_round_trip() {
        let uuid = "11111111-2222-3333-4444-555555555555".parse().unwrap();
        let call = PartitionInfoGetRegs { uuid, start: 5, tag: 0x1234 };
        let words = [0x3333_2222_1111_1111, 0x5555_5555_5555_4444, 0x1234_0005];
        assert_eq!(call.encode(), call_regs(FunctionId::PARTITION_INFO_GET_REGS, words));
        let decoded = Call::decode(&call.encode(), Version::V1_2);
        assert_eq!(decoded, Ok(Call::PartitionInfoGetRegs(call)));
    }

    #[test]
    fn bits_above_the_tag_are_refused() {
        let function = FunctionId::PARTITION_INFO_GET_REGS;
        let regs = call_regs(function, [0, 0, 1 << 32]);
        let reserved = DecodeError::Reserved { function, field: "x3[63:32]" };
        assert_eq!(Call::decode(&regs, Version::V1_2), Err(reserved));
    }

    #[test]
    fn a_reply_says_where_it_stands_and_leaves_unused_registers_zero() {
        let reply = PartitionInfoGetRegsReply::new(5, 7, 9, (5..).map(info)).unwrap();
        let mut regs = Regs([u64::MAX; 18]);
        reply.write(&mut regs);
        assert_eq!(regs.0[..4], [0xc400_0061, 0, 0x0018_0009_0006_0006, 0x1_0005]);
        assert_eq!(regs.x(6), 0x1_0006);
        assert_eq!(regs.0[9..], [0; 9]);
        let call = PartitionInfoGetRegs { uuid: Uuid::NIL, start: 5, tag: 9 };
        assert_eq!(call.reply(&regs, Version::V1_2), Ok(reply));
        assert_eq!((reply.start(), reply.descriptors()), (5, &[info(5), info(6)][..]));
    }

    #[test]
    fn a_full_reply_holds_five() {
        let reply = PartitionInfoGetRegsReply::new(0, 1000, 9, (0..).map(info)).unwrap();
        assert_eq!((reply.current(), reply.last(), reply.descriptors().len()), (4, 999, 5));
    }

    #[test]
    fn lists_that_cannot_be_are_refused() {
        assert_eq!(PartitionInfoGetRegsReply::new(0, 0, 1, []), None);
        assert_eq!(PartitionInfoGetRegsReply::new(3, 3, 1, [info(1)]), None);
        assert_eq!(PartitionInfoGetRegsReply::new(0, 0x1_0001, 1, [info(1)]), None);
        assert_eq!(PartitionInfoGetRegsReply::new(0, 4, 1, []), None);
        let runs = |start, count, runs: &[&[PartitionInfo]]| {
            PartitionInfoGetRegsReply::from_runs(start, count, 1, runs.iter().copied())
        };
        let one = [info(1)];
        assert_eq!(runs(0, 0, &[]), None);
        assert_eq!(runs(3, 3, &[&one]), None);
        assert_eq!(runs(0, 0x1_0001, &[&one]), None);
        assert_eq!(runs(0, 4, &[]), None);
        let end = PartitionInfoGetRegsReply::new(u16::MAX, 0x1_0000, 1, [info(1)]).unwrap();
        assert_eq!((end.current(), end.start()), (u16::MAX, u16::MAX));
    }

    #[test]
    fn runs_give_what_their_descriptors_give() {
        let infos = [1, 2, 3, 4, 5, 6, 7].map(info);
        for (start, cuts) in [(0, [0, 7]), (0, [1, 3]), (1, [3, 6]), (4, [5, 6]), (6, [6, 7])] {
            let rest = &infos[usize::from(start)..];
            let [first, second] = cuts.map(|cut: usize| cut.saturating_sub(usize::from(start)));
            let runs = [&rest[..first], &rest[first..second], &rest[second..]];
            let by_runs = PartitionInfoGetRegsReply::from_runs(start, 7, 9, runs);
            let one_by_one = PartitionInfoGetRegsReply::new(start, 7, 9, rest.iter().copied());
            assert_eq!(by_runs, one_by_one);
            assert_eq!(by_runs.unwrap().descriptors().len(), rest.len().min(5));
        }
    }

    #[test]
    fn longer_descriptors_are_stepped_over_by_their_size() {
        // 1.3: properties, UUID of the protocol, UUID of the image, version of FF-A; two a call.
        let mut regs = Regs([7; 18]);
        regs.0[..3].copy_from_slice(&[0xc400_0061, 0, 0x0030_0000_0002_0003]);
        let [first, second] = [5, 6].map(|id| info(id).to_registers());
        regs.0[3..6].copy_from_slice(&first);
        regs.0[9..12].copy_from_slice(&second);
        let reply = PartitionInfoGetRegs { uuid: Uuid::NIL, start: 1, tag: 0 }
            .reply(&regs, Version::V1_2)
            .unwrap();
        assert_eq!(reply.descriptors(), [info(5), info(6)]);
        assert_eq!((reply.current(), reply.last()), (2, 3));
    }

    #[test]
    fn a_32_bit_success_holds_no_descriptors() {
        let mut regs = Regs::ZERO;
        PartitionInfoGetRegsReply::new(0, 1, 9, [info(1)]).unwrap().write(&mut regs);
        regs.set(0, FunctionId::SUCCESS_32.bits());
        let unexpected = CallError::Reply(ReplyError::UnexpectedFunction(0x8400_0061));
        assert_eq!(PartitionInfoGetRegsReply::read(&regs, Version::V1_2), Err(unexpected));
    }

    #[test]
    fn impossible_replies_are_refused() {
        let (few, many) = ([0x0018_0000_0000_0001, 0x0018_0000_0006_0006], 0x0030_0000_0003_0003);
        let sizes = [0x0010_0000_0001_0001, 0x001c_0000_0001_0001, 0x0080_0000_0001_0001_u64];
        for x2 in few.into_iter().chain([many]).chain(sizes) {
            let mut regs = Regs::ZERO;
            regs.set(0, FunctionId::SUCCESS_64.bits());
            regs.set(2, x2);
            let call = PartitionInfoGetRegs { uuid: Uuid::NIL, start: 1, tag: 0 };
            assert!(
                matches!(call.reply(&regs, Version::V1_2), Err(CallError::Reply(_))),
                "{x2:#x}"
            );
        }
    }

    #[test]
    fn a_list_is_walked_to_its_end() {
        let infos = [PartitionInfo::default(); 12];
        let mut call = Some(PartitionInfoGetRegs::first(Uuid::NIL));
        let mut seen = 0;
        while let Some(asked) = call {
            let rest = infos.iter().copied().skip(asked.start.into());
            let reply = PartitionInfoGetRegsReply::new(asked.start, 12, 0x77, rest).unwrap();
            assert_eq!(asked.tag, if asked.start == 0 { 0 } else { 0x77 });
            seen += reply.descriptors().len();
            call = asked.next(&reply);
        }
        assert_eq!(seen, 12);
    }
}
