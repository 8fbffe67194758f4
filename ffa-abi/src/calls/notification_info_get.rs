//! `FFA_NOTIFICATION_INFO_GET` (1.1): asks which endpoints, and which of their vCPUs, have
//! notifications pending.
//!
//! ```text
//! reply  SUCCESS_32 to the 32-bit form, SUCCESS_64 to the 64-bit form
//!        x2  [0] more pending  [11:7] number of lists
//!            from [12] on, two bits a list: its ids less one
//!        x3..x7  16-bit ids, two a register in SUCCESS_32, four in SUCCESS_64;
//!                of each list the first is an endpoint, the others are vCPUs of it
//! ```
//!
//! DEN0077, under these names.

use core::fmt;

use crate::call::{DecodeError, Request, call_regs};
use crate::form::by_width;
use crate::function::{FunctionId, Width};
use crate::id::EndpointId;
use crate::regs::Regs;
use crate::reply::{CallError, Reply, ReplyError, Success};
use crate::version::Version;

/// How many vCPUs one list can name. An endpoint with more of them pending has several lists.
pub const VCPUS_PER_LIST: usize = 3;

const MOST_IDS: usize = 20;
const FIRST_REGISTER: usize = 3;
const ID_BITS: usize = 16;

const MORE_PENDING: u64 = 1 << 0;
const COUNT_SHIFT: u32 = 7;
const COUNT_MASK: u64 = 0x1f;
const SIZES_SHIFT: u32 = 12;
const SIZE_BITS: u32 = 2;
const SIZE_MASK: u64 = 3;

/// `FFA_NOTIFICATION_INFO_GET`: no arguments.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NotificationInfoGet {
    /// The form of the call, and so of its reply.
    pub width: Width,
}

/// Lists of an endpoint and vCPUs each, of ten ids in all in the 32-bit form and twenty in the 64-bit
/// form. A callee with nothing pending answers `NO_DATA` instead.
///
/// `SUCCESS_32` or `SUCCESS_64`: w2 or x2 \[0\] more pending, \[11:7\] number of lists, from \[12\] on two
/// bits a list, its ids less one; the ids from w3 or x3 on, of 16 bits each, the lowest first.
///
/// ```
/// use ffa_abi::{EndpointId, NotificationInfoGetReply, NotificationListError, Width};
/// let mut reply = NotificationInfoGetReply::new(Width::Bits32);
/// assert_eq!(reply.push(EndpointId(1), &[]), Ok(()));
/// assert_eq!(reply.push(EndpointId(2), &[0, 2, 3]), Ok(()));
/// assert_eq!(reply.push(EndpointId(3), &[0, 1, 2]), Ok(()));
/// assert_eq!(reply.push(EndpointId(4), &[1]), Err(NotificationListError::Full));
/// assert!(reply.more_pending);
/// assert_eq!(reply.lists().count(), 3);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NotificationInfoGetReply {
    /// Whether another call would tell of more. [`NotificationInfoGetReply::push`] sets it when it
    /// finds no room.
    pub more_pending: bool,
    width: Width,
    /// Lists in `ids`.
    count: u8,
    /// Two bits a list, the first lowest: how many vCPUs it has. Zero behind the last list.
    sizes: u64,
    /// Ids in `ids`: the lists' endpoints and vCPUs together, no more than `width` has room for.
    len: u8,
    /// List after list. Zero from `len` on.
    ids: [u16; MOST_IDS],
}

/// One list of a [`NotificationInfoGetReply`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NotificationList<'r> {
    /// Who has notifications pending.
    pub endpoint: EndpointId,
    /// Those of its vCPUs that have some, up to [`VCPUS_PER_LIST`]; none means global notifications,
    /// for any vCPU.
    pub vcpus: &'r [u16],
}

/// Why a list was not added.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NotificationListError {
    /// The reply has no room for it. Nothing of it was added, and the reply says that more is pending.
    Full,
    /// A list cannot have so many vCPUs: more than [`VCPUS_PER_LIST`].
    TooManyVcpus,
}

/// The lists of a [`NotificationInfoGetReply`], in its order.
#[derive(Clone, Debug)]
pub struct NotificationLists<'r> {
    count: u8,
    sizes: u64,
    ids: &'r [u16],
}

impl NotificationInfoGetReply {
    /// No list yet, to a call of this width.
    #[must_use]
    pub const fn new(width: Width) -> Self {
        let ids = [0; MOST_IDS];
        NotificationInfoGetReply { more_pending: false, width, count: 0, sizes: 0, len: 0, ids }
    }

    /// Adds a list, whole or not at all.
    ///
    /// # Errors
    /// [`NotificationListError::TooManyVcpus`] above [`VCPUS_PER_LIST`]: cut them into
    /// `chunks(VCPUS_PER_LIST)`. [`NotificationListError::Full`] where the list has no room.
    pub fn push(
        &mut self,
        endpoint: EndpointId,
        vcpus: &[u16],
    ) -> Result<(), NotificationListError> {
        let size = u8::try_from(vcpus.len()).unwrap_or(u8::MAX);
        if u64::from(size) > SIZE_MASK {
            return Err(NotificationListError::TooManyVcpus);
        }
        if 1 + vcpus.len() > self.room() {
            self.more_pending = true;
            return Err(NotificationListError::Full);
        }
        let slots = self.ids.iter_mut().skip(self.len.into());
        let list = core::iter::once(endpoint.0).chain(vcpus.iter().copied());
        slots.zip(list).for_each(|(slot, id)| *slot = id);
        self.sizes |= u64::from(size) << (u32::from(self.count) * SIZE_BITS);
        self.count += 1;
        self.len += 1 + size;
        Ok(())
    }

    /// How many more ids fit, endpoints and vCPUs counted alike.
    #[must_use]
    pub fn room(&self) -> usize {
        capacity(self.width).saturating_sub(self.len.into())
    }

    /// Whether it has no list.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The form of the reply.
    #[must_use]
    pub fn width(&self) -> Width {
        self.width
    }

    /// The lists.
    #[must_use]
    pub fn lists(&self) -> NotificationLists<'_> {
        NotificationLists { count: self.count, sizes: self.sizes, ids: self.ids() }
    }

    fn ids(&self) -> &[u16] {
        self.ids.get(..self.len.into()).unwrap_or(&[])
    }
}

impl<'r> Iterator for NotificationLists<'r> {
    type Item = NotificationList<'r>;

    fn next(&mut self) -> Option<NotificationList<'r>> {
        self.count = self.count.checked_sub(1)?;
        let vcpus = (self.sizes & SIZE_MASK) as usize;
        self.sizes >>= SIZE_BITS;
        let (endpoint, rest) = self.ids.split_first()?;
        let (vcpus, rest) = rest.split_at_checked(vcpus)?;
        self.ids = rest;
        Some(NotificationList { endpoint: EndpointId(*endpoint), vcpus })
    }
}

/// How many ids x3..x7 have room for.
const fn capacity(width: Width) -> usize {
    (Regs::BASIC - FIRST_REGISTER) * ids_per_register(width)
}

const fn ids_per_register(width: Width) -> usize {
    match width {
        Width::Bits32 => 2,
        Width::Bits64 => 4,
    }
}

const _: () = assert!(capacity(Width::Bits32) == 10 && capacity(Width::Bits64) == MOST_IDS);
// A list has at least one id, so the fields of x2 have room for as many lists as there are ids.
const _: () = assert!(MOST_IDS as u64 <= COUNT_MASK);
const _: () = assert!(SIZES_SHIFT as usize + capacity(Width::Bits32) * SIZE_BITS as usize <= 32);
const _: () = assert!(SIZES_SHIFT as usize + MOST_IDS * SIZE_BITS as usize <= 64);

/// The register that holds id `index`, and its lowest bit there.
const fn place(width: Width, index: usize) -> (usize, usize) {
    let per_register = ids_per_register(width);
    (FIRST_REGISTER + index / per_register, index % per_register * ID_BITS)
}

impl NotificationInfoGet {
    const fn function(self) -> FunctionId {
        let (narrow, wide) =
            (FunctionId::NOTIFICATION_INFO_GET_32, FunctionId::NOTIFICATION_INFO_GET_64);
        by_width(self.width, narrow, wide)
    }
}

impl Request for NotificationInfoGet {
    type Reply = NotificationInfoGetReply;

    fn encode(&self) -> Regs {
        call_regs(self.function(), [])
    }

    #[inline(always)]
    fn decode(function: FunctionId, _: &Regs, _: Version) -> Result<Self, DecodeError> {
        Ok(NotificationInfoGet { width: function.width() })
    }

    /// Also refuses a 64-bit reply to the 32-bit form: its caller may not see upper halves. The other
    /// way round is taken, as Linux does.
    fn reply(&self, regs: &Regs, version: Version) -> Result<Self::Reply, CallError> {
        let reply = NotificationInfoGetReply::read(regs, version)?;
        match (self.width, reply.width) {
            (Width::Bits32, Width::Bits64) => {
                Err(CallError::Reply(ReplyError::UnexpectedFunction(regs.w(0))))
            }
            _ => Ok(reply),
        }
    }
}

impl Reply for NotificationInfoGetReply {
    fn write(&self, regs: &mut Regs) {
        let function = match self.width {
            Width::Bits32 => FunctionId::SUCCESS_32,
            Width::Bits64 => FunctionId::SUCCESS_64,
        };
        regs.clear_basic();
        regs.set(0, function.bits());
        let counts = u64::from(self.count) << COUNT_SHIFT | self.sizes << SIZES_SHIFT;
        regs.set(2, counts | u64::from(self.more_pending));
        for (index, id) in self.ids().iter().enumerate() {
            let (register, shift) = place(self.width, index);
            regs.set(register, regs.x(register) | u64::from(*id) << shift);
        }
    }

    fn read(regs: &Regs, _: Version) -> Result<Self, CallError> {
        let regs = Success::check(regs)?.regs();
        let (width, x2) = match FunctionId::from_bits(regs.w(0)).map(FunctionId::width) {
            Some(Width::Bits64) => (Width::Bits64, regs.x(2)),
            _ => (Width::Bits32, regs.w(2).into()),
        };
        let count = (x2 >> COUNT_SHIFT & COUNT_MASK) as u8;
        let sizes = x2 >> SIZES_SHIFT & ((1 << (u32::from(count) * SIZE_BITS)) - 1);
        let len = usize::from(count) + sum_of_sizes(sizes);
        if len > capacity(width) {
            return Err(CallError::Reply(ReplyError::OutOfRange("number of ids")));
        }
        let mut ids = [0; MOST_IDS];
        for (index, id) in ids.iter_mut().take(len).enumerate() {
            let (register, shift) = place(width, index);
            *id = low_half(regs.x(register) >> shift);
        }
        let more_pending = x2 & MORE_PENDING != 0;
        if more_pending && count == 0 {
            // Its caller would ask for more without end.
            return Err(CallError::Reply(ReplyError::OutOfRange("number of lists")));
        }
        let len = u8::try_from(len).unwrap_or(0);
        Ok(NotificationInfoGetReply { more_pending, width, count, sizes, len, ids })
    }
}

fn sum_of_sizes(sizes: u64) -> usize {
    let mut rest = sizes;
    let mut sum = 0;
    while rest != 0 {
        sum += (rest & SIZE_MASK) as usize;
        rest >>= SIZE_BITS;
    }
    sum
}

#[expect(clippy::cast_possible_truncation, reason = "the low 16 bits are what is asked for")]
fn low_half(value: u64) -> u16 {
    value as u16
}

impl fmt::Display for NotificationInfoGet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.function())
    }
}

impl fmt::Display for NotificationInfoGetReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SUCCESS pending:")?;
        for NotificationList { endpoint, vcpus } in self.lists() {
            write!(f, " {endpoint}")?;
            let mut separator = "/";
            for vcpu in vcpus {
                write!(f, "{separator}{vcpu}")?;
                separator = ",";
            }
        }
        f.write_str(if self.more_pending { " and more" } else { "" })
    }
}

impl fmt::Display for NotificationListError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NotificationListError::Full => "no room for the list",
            NotificationListError::TooManyVcpus => "a list names at most 3 vCPUs",
        })
    }
}

impl core::error::Error for NotificationListError {}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use crate::call::Call;
    use std::string::ToString;
    use std::vec::Vec;

    const CALL_32: NotificationInfoGet = NotificationInfoGet { width: Width::Bits32 };
    const CALL_64: NotificationInfoGet = NotificationInfoGet { width: Width::Bits64 };

    // The example of DEN0077 1.1, 16.7.1.1.
    const EXAMPLE: [(u16, &[u16]); 4] = [(0, &[0, 2, 3]), (0, &[4, 6]), (2, &[]), (3, &[1])];

    fn filled(width: Width, lists: &[(u16, &[u16])]) -> NotificationInfoGetReply {
        let mut reply = NotificationInfoGetReply::new(width);
        for (endpoint, vcpus) in lists {
            assert_eq!(reply.push(EndpointId(*endpoint), vcpus), Ok(()));
        }
        reply
    }

    fn lists(reply: &NotificationInfoGetReply) -> Vec<(u16, &[u16])> {
        reply.lists().map(|list| (list.endpoint.0, list.vcpus)).collect()
    }

    fn success(id: u32, registers: &[u64]) -> Regs {
        let mut regs = Regs::ZERO;
        regs.set(0, id);
        regs.0[2..2 + registers.len()].copy_from_slice(registers);
        regs
    }

    #[test]
    fn both_forms_are_their_id_alone() {
        for (call, id, text) in [
            (CALL_32, 0x8400_0083_u32, "FFA_NOTIFICATION_INFO_GET_32"),
            (CALL_64, 0xc400_0083, "FFA_NOTIFICATION_INFO_GET_64"),
        ] {
            let mut regs = Regs::ZERO;
            regs.set(0, id);
            assert_eq!(call.encode(), regs);
            assert_eq!(Call::decode(&regs, Version::V1_1), Ok(Call::NotificationInfoGet(call)));
            assert_eq!(call.to_string(), text);
        }
    }

    #[test]
    fn the_documents_example_packs_two_ids_in_32_bits() {
        let words = [0x0004_b200, 0x0000_0000, 0x0003_0002, 0x0004_0000, 0x0002_0006, 0x0001_0003];
        let mut regs = Regs([u64::MAX; 18]);
        let reply = filled(Width::Bits32, &EXAMPLE);
        reply.write(&mut regs);
        assert_eq!(regs.0[..2], [0x8400_0061, 0]);
        assert_eq!(regs.0[2..8], words);
        assert_eq!(regs.0[8..], [u64::MAX; 10]);
        assert_eq!(CALL_32.reply(&regs, Version::V1_2), Ok(reply));
        assert_eq!(lists(&reply), EXAMPLE);
        assert_eq!(reply.room(), 0);
        let text = "SUCCESS pending: 0x0000/0,2,3 0x0000/4,6 0x0002 0x0003/1";
        assert_eq!(reply.to_string(), text);
    }

    #[test]
    fn the_documents_example_packs_four_ids_in_64_bits() {
        let words = [0x0004_b200, 0x0003_0002_0000_0000, 0x0002_0006_0004_0000, 0x0001_0003, 0, 0];
        let mut regs = Regs([u64::MAX; 18]);
        let reply = filled(Width::Bits64, &EXAMPLE);
        reply.write(&mut regs);
        assert_eq!(regs.0[..2], [0xc400_0061, 0]);
        assert_eq!(regs.0[2..8], words);
        assert_eq!(regs.0[8..], [u64::MAX; 10]);
        assert_eq!(CALL_64.reply(&regs, Version::V1_2), Ok(reply));
        assert_eq!(lists(&reply), EXAMPLE);
        assert_eq!(reply.room(), 10);
    }

    #[test]
    fn more_pending_is_bit_0() {
        let regs = success(0x8400_0061, &[0x0000_0081, 0x0001]);
        let reply = CALL_32.reply(&regs, Version::V1_2).unwrap();
        assert!(reply.more_pending);
        assert_eq!(lists(&reply), [(1, &[][..])]);
        assert_eq!(reply.to_string(), "SUCCESS pending: 0x0001 and more");
        let mut written = Regs::ZERO;
        reply.write(&mut written);
        assert_eq!(written, regs);
    }

    #[test]
    fn a_full_reply_takes_no_list_and_says_that_more_is_pending() {
        for (width, room) in [(Width::Bits32, 10), (Width::Bits64, 20)] {
            let mut reply = NotificationInfoGetReply::new(width);
            assert!(reply.is_empty());
            for id in 1..=room {
                assert_eq!(usize::from(room + 1 - id), reply.room());
                assert_eq!(reply.push(EndpointId(id), &[]), Ok(()));
            }
            assert!(!reply.more_pending);
            let before = reply;
            assert_eq!(reply.push(EndpointId(99), &[]), Err(NotificationListError::Full));
            assert_eq!(reply, NotificationInfoGetReply { more_pending: true, ..before });
            let mut regs = Regs::ZERO;
            reply.write(&mut regs);
            assert_eq!(NotificationInfoGetReply::read(&regs, Version::V1_2), Ok(reply));
        }
    }

    #[test]
    fn a_list_that_does_not_fit_whole_is_not_added_in_part() {
        let mut reply = filled(Width::Bits32, &[(1, &[0, 1, 2]), (2, &[0, 1, 2])]);
        let before = reply;
        assert_eq!(reply.push(EndpointId(3), &[0, 1]), Err(NotificationListError::Full));
        assert_eq!(reply, NotificationInfoGetReply { more_pending: true, ..before });
        assert_eq!(reply.push(EndpointId(3), &[0]), Ok(()));
        assert_eq!((reply.room(), reply.lists().count()), (0, 3));
    }

    #[test]
    fn a_list_of_more_than_three_vcpus_is_refused() {
        let mut reply = NotificationInfoGetReply::new(Width::Bits64);
        for vcpus in [&[0; 4][..], &[0; 19], &[0; 255], &[0; 256], &[0; 257], &[0; 0x1_0000]] {
            let error = Err(NotificationListError::TooManyVcpus);
            assert_eq!(reply.push(EndpointId(1), vcpus), error);
        }
        assert_eq!(reply, NotificationInfoGetReply::new(Width::Bits64));
    }

    #[test]
    fn lists_with_more_ids_than_room_are_refused() {
        let refused = Err(CallError::Reply(ReplyError::OutOfRange("number of ids")));
        let impossible = [
            success(0x8400_0061, &[11 << 7]),
            success(0x8400_0061, &[31 << 7]),
            success(0x8400_0061, &[3 << 7 | 0b11_11_11 << 12]),
            success(0x8400_0061, &[10 << 7 | 1 << 12]),
            success(0xc400_0061, &[21 << 7]),
            success(0xc400_0061, &[31 << 7 | 0xf_ffff_ffff_ffff << 12]),
            success(0xc400_0061, &[6 << 7 | 0b11_11_11_11_11_11 << 12]),
            success(0xc400_0061, &[20 << 7 | 1 << 50]),
        ];
        for regs in impossible {
            assert_eq!(NotificationInfoGetReply::read(&regs, Version::V1_2), refused, "{regs:?}");
        }
    }

    #[test]
    fn lists_that_fill_the_room_are_read() {
        let ids = [0x0003_0002_0001_0001; 5];
        let [a, b, c, d, e] = ids;
        let x2 = 5 << 7 | 0b11_11_11_11_11 << 12;
        let reply =
            CALL_64.reply(&success(0xc400_0061, &[x2, a, b, c, d, e]), Version::V1_2).unwrap();
        assert_eq!(lists(&reply), [(1, &[1, 2, 3][..]); 5]);
        let x2 = 10 << 7;
        let reply = CALL_32
            .reply(&success(0x8400_0061, &[x2, 1, 2, 3, 4, 0x8005_0006]), Version::V1_2)
            .unwrap();
        assert_eq!(reply.lists().last().unwrap().endpoint, EndpointId(0x8005));
    }

    #[test]
    fn bits_that_mean_nothing_are_ignored() {
        // Sizes of lists that are not there, bits 6:1 of x2, upper halves, ids behind the last.
        let regs = success(0x8400_0061, &[0xffff_ffff_ffff_c0fe, 0xffff_ffff_ffff_0001]);
        let reply = CALL_32.reply(&regs, Version::V1_2).unwrap();
        assert_eq!(reply, filled(Width::Bits32, &[(1, &[])]));
    }

    #[test]
    fn the_32_bit_form_takes_no_64_bit_reply() {
        let mut regs = Regs::ZERO;
        filled(Width::Bits64, &EXAMPLE).write(&mut regs);
        let unexpected = ReplyError::UnexpectedFunction(0xc400_0061);
        assert_eq!(CALL_32.reply(&regs, Version::V1_2), Err(CallError::Reply(unexpected)));
        filled(Width::Bits32, &EXAMPLE).write(&mut regs);
        assert_eq!(CALL_64.reply(&regs, Version::V1_2), Ok(filled(Width::Bits32, &EXAMPLE)));
    }

    #[test]
    fn nothing_pending_is_no_data() {
        let mut regs = CALL_64.encode();
        crate::reply::write_error(&mut regs, crate::status::Status::NO_DATA);
        let error = CallError::Status(crate::status::Status::NO_DATA);
        assert_eq!(CALL_64.reply(&regs, Version::V1_2), Err(error));
    }

    #[test]
    fn more_without_any_is_no_reply() {
        let mut regs = Regs::ZERO;
        regs.set(0, FunctionId::SUCCESS_32.bits());
        assert!(NotificationInfoGetReply::read(&regs, Version::V1_2).is_ok());
        regs.set(2, 1_u64);
        let error = CallError::Reply(ReplyError::OutOfRange("number of lists"));
        assert_eq!(NotificationInfoGetReply::read(&regs, Version::V1_2), Err(error));
    }
}
