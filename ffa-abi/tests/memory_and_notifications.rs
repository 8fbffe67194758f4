//! Generated calls and replies of memory management and notifications come back as they went, and no
//! registers panic.
#![allow(clippy::indexing_slicing, clippy::cast_possible_truncation, reason = "a test")]

mod common;

use std::fmt::Debug;
use std::num::{NonZeroU32, NonZeroU64};

use common::{Random, reads_back};
use ffa_abi::{
    Argument, Call, Empty, EndpointId, FrameworkNotifications, FunctionId, MemDonate, MemFragRx,
    MemFragTx, MemFragTxReply, MemLend, MemOpPause, MemOpResume, MemOpResumeReply, MemPermGet,
    MemPermGetReply, MemPermSet, MemReclaim, MemReclaimFlags, MemReleaseReply, MemRelinquish,
    MemRetrieveReply, MemRetrieveReq, MemRetrieveResp, MemSendReply, MemShare, MemoryHandle,
    MemoryHandleReply, NotificationBind, NotificationBindFlags, NotificationBitmapCreate,
    NotificationBitmapDestroy, NotificationGet, NotificationGetFlags, NotificationGetReply,
    NotificationInfoGet, NotificationInfoGetReply, NotificationListError, NotificationSet,
    NotificationSetFlags, NotificationUnbind, Notifications, PagePermissions, Regs, Reply,
    TransactionBuffer, VCPUS_PER_LIST, Version, Width,
};

const VERSIONS: [Version; 4] = [Version::V1_0, Version::V1_1, Version::V1_2, Version::V1_3];

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        (self.next() >> 32) % end
    }

    /// Zero, all ones, a small number, one bit, or anything.
    fn value(&mut self) -> u64 {
        let value = self.next();
        match self.below(6) {
            0 => 0,
            1 => u64::MAX,
            2 => value % 64,
            3 => 1 << (value % 64),
            _ => value,
        }
    }

    fn word(&mut self) -> u32 {
        self.value() as u32
    }

    fn half(&mut self) -> u16 {
        self.value() as u16
    }

    fn id(&mut self) -> EndpointId {
        EndpointId(self.half())
    }

    fn handle(&mut self) -> MemoryHandle {
        MemoryHandle(self.value())
    }

    fn notifications(&mut self) -> Notifications {
        Notifications(self.value())
    }

    fn width(&mut self) -> Width {
        if self.below(2) == 0 { Width::Bits32 } else { Width::Bits64 }
    }

    fn buffer(&mut self) -> TransactionBuffer {
        let pages = self.word();
        match self.below(3) {
            0 => TransactionBuffer::Tx(self.width()),
            1 => {
                NonZeroU32::new(self.word())
                    .map_or(TransactionBuffer::Tx(Width::Bits32), |address| {
                        TransactionBuffer::Own32 { address, pages }
                    })
            }
            _ => {
                NonZeroU64::new(self.value())
                    .map_or(TransactionBuffer::Tx(Width::Bits64), |address| {
                        TransactionBuffer::Own64 { address, pages }
                    })
            }
        }
    }

    fn address(&mut self) -> Argument {
        match self.width() {
            Width::Bits32 => Argument::Bits32(self.word()),
            Width::Bits64 => Argument::Bits64(self.value()),
        }
    }

    fn permissions(&mut self) -> PagePermissions {
        PagePermissions::from_bits_truncate(self.word())
    }

    fn notification_call(&mut self) -> Call {
        let (sender, receiver, notifications) = (self.id(), self.id(), self.notifications());
        let (endpoint, vcpu) = (self.id(), self.half());
        match self.below(7) {
            0 => {
                let vcpus = self.word();
                Call::NotificationBitmapCreate(NotificationBitmapCreate { endpoint, vcpus })
            }
            1 => Call::NotificationBitmapDestroy(NotificationBitmapDestroy { endpoint }),
            2 => {
                let flags = NotificationBindFlags::from_bits_truncate(self.word());
                Call::NotificationBind(NotificationBind { sender, receiver, flags, notifications })
            }
            3 => Call::NotificationUnbind(NotificationUnbind { sender, receiver, notifications }),
            4 => {
                let flags = NotificationSetFlags::from_bits_truncate(self.word());
                let vcpu = (self.below(2) == 0).then_some(vcpu);
                let set = NotificationSet { sender, receiver, vcpu, flags, notifications };
                Call::NotificationSet(set)
            }
            5 => {
                let flags = NotificationGetFlags::from_bits_truncate(self.word());
                Call::NotificationGet(NotificationGet { receiver, vcpu, flags })
            }
            _ => Call::NotificationInfoGet(NotificationInfoGet { width: self.width() }),
        }
    }

    fn memory_call(&mut self) -> Call {
        let (total_length, fragment_length) = (self.word(), self.word());
        let (buffer, handle, endpoint) = (self.buffer(), self.handle(), self.id());
        match self.below(12) {
            0 => Call::MemDonate(MemDonate { total_length, fragment_length, buffer }),
            1 => Call::MemLend(MemLend { total_length, fragment_length, buffer }),
            2 => Call::MemShare(MemShare { total_length, fragment_length, buffer }),
            3 => Call::MemRetrieveReq(MemRetrieveReq { total_length, fragment_length, buffer }),
            4 => Call::MemRetrieveResp(MemRetrieveResp { total_length, fragment_length }),
            5 => Call::MemRelinquish(MemRelinquish),
            6 => {
                let flags = MemReclaimFlags::from_bits_truncate(self.word());
                Call::MemReclaim(MemReclaim { handle, flags })
            }
            7 => Call::MemFragRx(MemFragRx { handle, offset: total_length, endpoint }),
            8 => Call::MemFragTx(MemFragTx { handle, length: total_length, endpoint }),
            9 => Call::MemOpPause(MemOpPause { handle }),
            10 => Call::MemOpResume(MemOpResume { handle }),
            _ => {
                let (address, permissions) = (self.address(), self.permissions());
                let pages = self.word();
                Call::MemPermSet(MemPermSet { address, pages, permissions })
            }
        }
    }
}

#[test]
fn every_call_decodes_to_what_was_encoded() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for _ in 0..100_000 {
        for call in [random.notification_call(), random.memory_call()] {
            let regs = call.encode();
            let function = FunctionId::from_bits(regs.w(0)).unwrap();
            for version in VERSIONS.into_iter().filter(|version| function.exists_in(*version)) {
                assert_eq!(Call::decode(&regs, version), Ok(call), "{regs:?}");
            }
            let text = call.to_string();
            assert!(text.starts_with("FFA_") && text.trim() == text && !text.contains('\n'));
            assert!(text.starts_with(function.function().unwrap().name), "{text}");
            assert_eq!(regs.0[8..], [0; 10]);
        }
    }
}

#[test]
fn the_32_bit_forms_encode_no_upper_half() {
    let mut random = Random(0x0123_4567_89ab_cdef);
    let mut narrow = 0;
    for _ in 0..50_000 {
        let regs = random.memory_call().encode();
        if regs.w(0) & 0x4000_0000 == 0 {
            narrow += 1;
            assert!(regs.0.iter().all(|register| register >> 32 == 0), "{regs:?}");
        }
    }
    assert!(narrow > 20_000);
}

#[test]
fn pages_to_ask_about_come_back_from_1_3_on() {
    let mut random = Random(0xfeed_f00d_dead_beef);
    for _ in 0..10_000 {
        let call = MemPermGet { address: random.address(), further_pages: random.word() };
        let regs = Call::MemPermGet(call).encode();
        assert_eq!(Call::decode(&regs, Version::V1_3), Ok(Call::MemPermGet(call)));
        let one = Call::MemPermGet(MemPermGet { further_pages: 0, ..call });
        assert_eq!(Call::decode(&regs, Version::V1_2), Ok(one));
    }
}

#[test]
fn every_reply_reads_as_it_was_written() {
    fn check<R: Reply + PartialEq + Debug>(random: &mut Random, reply: R) {
        let before = Regs(std::array::from_fn(|_| random.value()));
        let mut regs = before;
        reply.write(&mut regs);
        assert_eq!(regs.0[8..], before.0[8..], "x8..x17 are the caller's");
        assert_eq!(R::read(&regs, Version::V1_2), Ok(reply));
    }
    let mut random = Random(0x5555_aaaa_1234_8765);
    let random = &mut random;
    for _ in 0..20_000 {
        let handle = random.handle();
        let (total_length, fragment_length) = (random.word(), random.word());
        let frag_rx = MemFragRx { handle, offset: random.word(), endpoint: random.id() };
        let resp = MemRetrieveResp { total_length, fragment_length };
        check(random, MemoryHandleReply { handle });
        check(random, MemSendReply::Success(MemoryHandleReply { handle }));
        check(random, MemSendReply::FragRx(frag_rx));
        check(random, MemSendReply::Paused(MemOpPause { handle }));
        check(random, MemRetrieveReply::RetrieveResp(resp));
        check(random, MemRetrieveReply::FragRx(frag_rx));
        check(random, MemFragTxReply::RetrieveResp(resp));
        check(random, MemFragTxReply::FragRx(frag_rx));
        check(random, MemFragTx { handle, length: fragment_length, endpoint: frag_rx.endpoint });
        check(random, MemOpResumeReply::Success(MemoryHandleReply { handle }));
        check(random, MemOpResume { handle });
        check(random, MemReleaseReply::Success(Empty));
        check(random, MemReleaseReply::Paused(MemOpPause { handle }));
        let permissions = random.permissions();
        check(random, MemPermGetReply { permissions, further_pages: total_length });
        let reply = NotificationGetReply {
            secure_partitions: random.notifications(),
            vms: random.notifications(),
            spm: FrameworkNotifications::from_bits_retain(random.word()),
            hypervisor: FrameworkNotifications::from_bits_retain(random.word()),
        };
        check(random, reply);
    }
}

/// Lists against a plain model: what was taken comes back, in order, through the registers.
#[test]
fn lists_of_pending_notifications_never_exceed_their_room() {
    let mut random = Random(0x1357_9bdf_2468_ace0);
    for _ in 0..20_000 {
        let width = random.width();
        let mut reply = NotificationInfoGetReply::new(width);
        reply.more_pending = random.below(2) == 0;
        let mut taken: Vec<(EndpointId, Vec<u16>)> = Vec::new();
        let (mut room, mut refused) = (if width == Width::Bits32 { 10 } else { 20 }, false);
        for _ in 0..random.below(25) {
            let endpoint = random.id();
            let vcpus: Vec<u16> = (0..random.below(5)).map(|_| random.half()).collect();
            let answer = reply.push(endpoint, &vcpus);
            if vcpus.len() > VCPUS_PER_LIST {
                assert_eq!(answer, Err(NotificationListError::TooManyVcpus));
            } else if 1 + vcpus.len() > room {
                assert_eq!(answer, Err(NotificationListError::Full));
                refused = true;
            } else {
                assert_eq!(answer, Ok(()));
                room -= 1 + vcpus.len();
                taken.push((endpoint, vcpus));
            }
            assert_eq!(reply.room(), room);
        }
        assert!(reply.more_pending || !refused);
        let mut regs = Regs(std::array::from_fn(|_| random.value()));
        reply.write(&mut regs);
        let is_endless = reply.more_pending && taken.is_empty();
        let read = NotificationInfoGetReply::read(&regs, Version::V1_2);
        assert_eq!(read.ok(), (!is_endless).then_some(reply));
        let lists: Vec<_> =
            reply.lists().map(|list| (list.endpoint, list.vcpus.to_vec())).collect();
        assert_eq!(lists, taken);
    }
}

#[test]
fn any_registers_read_as_a_reply_or_are_refused() {
    let ids: [u32; 7] =
        [0x8400_0061, 0xc400_0061, 0x8400_0075, 0x8400_0078, 0x8400_0079, 0x8400_007a, 0x8400_007b];
    let mut random = Random(0x0f0f_f0f0_3c3c_c3c3);
    let mut replies = [0; 12];
    for _ in 0..50_000 {
        let mut regs = Regs(std::array::from_fn(|_| random.value()));
        if let Some(id) = ids.get(random.below(8) as usize) {
            regs.set(0, *id);
        }
        let read = [
            reads_back::<MemoryHandleReply>(&regs),
            reads_back::<MemSendReply>(&regs),
            reads_back::<MemRetrieveReply>(&regs),
            reads_back::<MemFragTxReply>(&regs),
            reads_back::<MemOpResumeReply>(&regs),
            reads_back::<MemReleaseReply>(&regs),
            reads_back::<MemFragRx>(&regs),
            reads_back::<MemFragTx>(&regs),
            reads_back::<MemPermGetReply>(&regs),
            reads_back::<NotificationGetReply>(&regs),
            reads_back::<NotificationInfoGetReply>(&regs),
            reads_back::<MemOpResume>(&regs),
        ];
        for (count, read) in replies.iter_mut().zip(read) {
            *count += u32::from(read);
        }
        if let Ok(reply) = NotificationInfoGetReply::read(&regs, Version::V1_2) {
            let ids: usize = reply.lists().map(|list| 1 + list.vcpus.len()).sum();
            assert!(ids + reply.room() == 10 || ids + reply.room() == 20);
            assert!(!reply.to_string().is_empty());
        }
    }
    assert!(replies.iter().all(|count| *count > 1000), "{replies:?}");
}
