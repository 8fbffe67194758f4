//! The library as C sees it, over a model of the shim.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test that fails panics, on a host of 64 bits"
)]

use std::ffi::{CStr, c_void};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, Once};

use ffa_abi::{
    CallError, EndpointId, Features, FunctionId, GetVersion, IdGet, NotificationBind,
    NotificationBindFlags, NotificationSet, NotificationSetFlags, Notifications, PartitionInfo,
    PartitionInfoFlags, PartitionInfoGet, Regs, Request, RxtxMap, RxtxUnmap, Status as FfaStatus,
    Uuid, Version, Width,
};
use ffa_xen::services::{LogLevel, Page, PageResult, Services};
use ffa_xen::surface::{
    REGISTERS, Status, ffa_xen_call, ffa_xen_cpu_init, ffa_xen_domain_init, ffa_xen_poll,
    ffa_xen_probe, ffa_xen_schedule_receiver, ffa_xen_teardown,
};

const PAGE: u64 = 4096;
/// Guest pages of which there is memory; others are not RAM.
const RAM: u64 = 16;
/// At this page Xen runs out of mappings.
const FULL: u64 = 15;
/// Whoever pins this page has to wait for [`GO_ON`].
const STALL: u64 = 14;
const CPUS: u32 = 4;

static MEMORY: Mutex<Vec<[u8; PAGE as usize]>> = Mutex::new(Vec::new());
static PINNED: AtomicUsize = AtomicUsize::new(0);
static POLLS: AtomicUsize = AtomicUsize::new(0);
static TAINTED: AtomicBool = AtomicBool::new(false);
static INTERRUPTS: AtomicU64 = AtomicU64::new(0);
static ONLINE: AtomicBool = AtomicBool::new(true);
static GO_ON: AtomicBool = AtomicBool::new(true);
static STALLED: AtomicBool = AtomicBool::new(false);
static PREEMPTED: AtomicBool = AtomicBool::new(false);
static LOG: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// One test at a time: there is one mediator in the process.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    static PROBED: Once = Once::new();
    let turn = TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    PROBED.call_once(|| {
        MEMORY.lock().unwrap().resize(RAM as usize, [0; PAGE as usize]);
        // SAFETY: nothing runs yet.
        assert_eq!(unsafe { ffa_xen_cpu_init(0) }, Status::Invalid, "no mediator");
        assert_eq!((ffa_xen_domain_init(1, 1), poll()), (Status::Invalid, false));
        assert!(!probe(c"vm-to-sp"), "no SPMC, and VMs kept apart");
        assert!(!probe(c"allow-al"), "an unknown policy is the safe one");
        assert!(!TAINTED.load(Ordering::Relaxed));
        assert!(probe(c"allow-all"));
        assert!(TAINTED.load(Ordering::Relaxed));
        // SAFETY: no call runs.
        (0..3).for_each(|cpu| assert_eq!(unsafe { ffa_xen_cpu_init(cpu) }, Status::Ok));
    });
    turn
}

/// On CPU 2, where no guest runs.
fn poll() -> bool {
    // SAFETY: one poll at a time, as tests take turns.
    unsafe { ffa_xen_poll(2) }
}

fn probe(policy: &'static CStr) -> bool {
    // SAFETY: the table is static, as is the text.
    unsafe { ffa_xen_probe(&SERVICES, CPUS, policy.as_ptr()) }
}

static SERVICES: Services = Services {
    smc,
    pin_page,
    unpin_page,
    own_page,
    log,
    taint,
    poll_soon,
    should_yield,
    now,
    inject,
};

unsafe extern "C" fn smc(_: *mut [u64; REGISTERS]) -> bool {
    false
}

unsafe extern "C" fn pin_page(_: u16, address: u64, page: *mut Page) -> PageResult {
    // A call that takes long.
    while address == STALL * PAGE && !GO_ON.load(Ordering::Acquire) {
        STALLED.store(true, Ordering::Release);
        std::thread::yield_now();
    }
    match address / PAGE {
        FULL => PageResult::NoMemory,
        index if index < RAM => {
            PINNED.fetch_add(1, Ordering::Relaxed);
            let memory = MEMORY.lock().unwrap()[index as usize].as_mut_ptr().cast::<c_void>();
            // SAFETY: the caller has a page to fill.
            unsafe { page.write(Page { memory, address, handle: memory }) };
            PageResult::Ok
        }
        _ => PageResult::NotMemory,
    }
}

unsafe extern "C" fn unpin_page(page: *const Page) {
    // SAFETY: the caller's page.
    let page = unsafe { &*page };
    assert_eq!(page.memory, page.handle);
    PINNED.fetch_sub(1, Ordering::Relaxed);
}

unsafe extern "C" fn own_page(_: *mut Page) -> PageResult {
    PageResult::NoMemory
}

unsafe extern "C" fn log(_: LogLevel, text: *const u8, length: usize) {
    // SAFETY: the caller's text.
    let text = unsafe { std::slice::from_raw_parts(text, length) };
    LOG.lock().unwrap().push(String::from_utf8_lossy(text).into_owned());
}

unsafe extern "C" fn taint(_: *const u8, length: usize) {
    TAINTED.store(length > 0, Ordering::Relaxed);
}

unsafe extern "C" fn poll_soon() {
    POLLS.fetch_add(1, Ordering::Relaxed);
}

unsafe extern "C" fn should_yield() -> bool {
    PREEMPTED.load(Ordering::Relaxed)
}

unsafe extern "C" fn now() -> u64 {
    0
}

unsafe extern "C" fn inject(_: u16, _: u16, _: bool, interrupt: u32) -> bool {
    let is_taken = ONLINE.load(Ordering::Relaxed);
    INTERRUPTS.fetch_add(if is_taken { interrupt.into() } else { 0 }, Ordering::Relaxed);
    is_taken
}

/// A guest of a domain, on CPU 1.
#[derive(Clone, Copy)]
struct Guest {
    vm: u16,
    width: Width,
}

impl Guest {
    fn start(vm: u16, width: Width) -> Guest {
        assert_eq!(ffa_xen_domain_init(vm, 2), Status::Ok);
        let guest = Guest { vm, width };
        guest.call(&GetVersion::new(Version::V1_2)).unwrap();
        guest
    }

    fn trap(&self, cpu: u32, regs: &mut Regs) -> bool {
        // SAFETY: one call at a time, with registers of our own.
        unsafe { ffa_xen_call(cpu, self.vm, 0, self.width == Width::Bits64, &raw mut regs.0) }
    }

    fn call<R: Request>(&self, request: &R) -> Result<R::Reply, CallError> {
        let mut regs = request.encode();
        assert!(self.trap(1, &mut regs), "it is a call of FF-A");
        request.reply(&regs, Version::V1_2)
    }

    fn map(&self, tx: u64, rx: u64, pages: u8) -> Result<(), FfaStatus> {
        let map = RxtxMap::new(Width::Bits64, tx * PAGE, rx * PAGE, pages).unwrap();
        match self.call(&map) {
            Ok(_) => Ok(()),
            Err(CallError::Status(status)) => Err(status),
            Err(CallError::Reply(why)) => panic!("{why}"),
        }
    }

    fn end(self) {
        assert_eq!(ffa_xen_teardown(self.vm), Status::Ok);
    }
}

#[test]
fn the_log_names_library_version_and_policy() {
    let _turn = turn();
    let log = LOG.lock().unwrap().join("\n");
    assert!(log.contains("FF-A: policy `allow-al` is not vm-to-sp or allow-all: using vm-to-sp"));
    assert!(log.contains("FF-A: no SPMC, and the policy keeps VMs apart: nothing to mediate"));
    let version = env!("CARGO_PKG_VERSION");
    let line = format!("FF-A: ffa-xen {version}, FF-A 1.2, policy allow-all, 4 CPUs");
    assert!(log.contains(&line), "{log}");
}

#[test]
fn calls_are_answered_in_place_and_others_left_alone() {
    let _turn = turn();
    let guest = Guest::start(1, Width::Bits64);
    assert_eq!(guest.call(&IdGet).unwrap().id.0, 1);
    let mut foreign = Regs([7; REGISTERS]);
    assert!(!guest.trap(1, &mut foreign));
    assert_eq!(foreign, Regs([7; REGISTERS]), "as they were");
    let mut lost = IdGet.encode();
    assert!(!guest.trap(3, &mut lost), "a CPU that was not made ready");
    assert!(!guest.trap(CPUS, &mut lost), "a CPU that there is not");
    assert!(!Guest { vm: 0, width: Width::Bits64 }.trap(1, &mut lost), "no VM's id");
    guest.end();
}

#[test]
fn a_guest_of_32_bits_has_calls_of_32_bits_only() {
    let _turn = turn();
    let guest = Guest::start(2, Width::Bits32);
    let wide = guest.call(&Features::of(FunctionId::RXTX_MAP_64));
    assert_eq!(wide, Err(CallError::Status(FfaStatus::NOT_SUPPORTED)));
    assert!(guest.call(&Features::of(FunctionId::RXTX_MAP_32)).is_ok());
    guest.end();
}

#[test]
fn buffers_are_pinned_page_by_page_and_given_back() {
    let _turn = turn();
    let guest = Guest::start(3, Width::Bits64);
    assert_eq!(guest.map(1, 3, 2), Ok(()));
    assert_eq!(PINNED.load(Ordering::Relaxed), 4);
    guest.call(&RxtxUnmap { endpoint: EndpointId(0) }).unwrap();
    assert_eq!(PINNED.load(Ordering::Relaxed), 0);
    // The first pages are there, the last is not.
    assert_eq!(guest.map(1, RAM - 3, 2), Ok(()));
    guest.call(&RxtxUnmap { endpoint: EndpointId(0) }).unwrap();
    assert_eq!(guest.map(1, FULL - 1, 2), Err(FfaStatus::NO_MEMORY));
    assert_eq!(guest.map(1, RAM, 2), Err(FfaStatus::INVALID_PARAMETERS));
    assert_eq!(PINNED.load(Ordering::Relaxed), 0, "what was pinned before the failure");
    assert_eq!(guest.map(5, 7, 1), Ok(()));
    guest.end();
    assert_eq!(PINNED.load(Ordering::Relaxed), 0, "a domain that is taken down");
}

#[test]
fn a_list_lies_in_pages_that_are_not_neighbours() {
    let _turn = turn();
    MEMORY.lock().unwrap().iter_mut().for_each(|page| page.fill(0xee));
    let guests: Vec<Guest> = (1..=200).map(|vm| Guest::start(vm, Width::Bits64)).collect();
    for guest in &guests {
        guest.call(&IdGet).unwrap();
    }
    let reader = &guests[0];
    assert_eq!(reader.map(5, 2, 2), Ok(()));
    let flags = PartitionInfoFlags::empty();
    let reply = reader.call(&PartitionInfoGet { uuid: Uuid::NIL, flags }).unwrap();
    assert_eq!((reply.count, reply.descriptor_size), (200, 24));
    let memory = MEMORY.lock().unwrap();
    let bytes: Vec<u8> = memory[2..4].iter().flatten().copied().collect();
    for (descriptor, id) in bytes.chunks_exact(24).zip(1..=200) {
        let info: PartitionInfo = zerocopy::FromBytes::read_from_bytes(descriptor).unwrap();
        assert_eq!((info.id().0, info.execution_contexts()), (id, 2));
    }
    assert!(bytes[200 * 24..].iter().all(|byte| *byte == 0xee), "nothing beyond the list");
    drop(memory);
    guests.into_iter().for_each(Guest::end);
}

#[test]
fn a_domain_comes_and_goes_under_one_id() {
    let _turn = turn();
    for round in 0..100 {
        let guest = Guest::start(9, Width::Bits64);
        if round % 2 == 0 {
            guest.call(&IdGet).unwrap();
        }
        assert_eq!(ffa_xen_domain_init(9, 1), Status::Invalid, "the id is taken");
        let Guest { vm, width } = guest;
        assert_eq!(ffa_xen_teardown(vm), Status::Ok);
        assert_eq!(ffa_xen_teardown(vm), Status::Ok, "nothing is left");
        let mut regs = IdGet.encode();
        assert!(Guest { vm, width }.trap(1, &mut regs));
        let refused = IdGet.reply(&regs, Version::V1_2);
        assert!(matches!(refused, Err(CallError::Status(_))), "{refused:?}");
    }
    for vm in [0, 0x8000, u16::MAX] {
        assert_eq!(ffa_xen_domain_init(vm, 1), Status::Invalid);
        assert_eq!(ffa_xen_teardown(vm), Status::Invalid);
    }
    assert_eq!(ffa_xen_domain_init(10, 0), Status::Invalid, "a domain without a vCPU");
    assert!(!poll(), "nothing waits");
}

/// Lets the call go on, also where a test fails meanwhile.
struct Release;

impl Drop for Release {
    fn drop(&mut self) {
        GO_ON.store(true, Ordering::Release);
    }
}

/// Does something while a guest of this domain is in a call on CPU 1.
fn during_a_call_of(guest: Guest, program: impl FnOnce()) {
    GO_ON.store(false, Ordering::Release);
    STALLED.store(false, Ordering::Release);
    std::thread::scope(|scope| {
        let call = scope.spawn(move || guest.map(STALL, 1, 1));
        while !STALLED.load(Ordering::Acquire) {
            std::thread::yield_now();
        }
        let release = Release;
        program();
        drop(release);
        assert_eq!(call.join().unwrap(), Ok(()));
    });
}

#[test]
fn what_a_call_may_see_is_not_freed_before_it_ends() {
    let _turn = turn();
    let (busy, other) = (Guest::start(20, Width::Bits64), Guest::start(21, Width::Bits64));
    busy.call(&IdGet).unwrap();
    other.call(&IdGet).unwrap();
    other.map(3, 4, 1).unwrap();
    let free = PINNED.load(Ordering::Relaxed);
    during_a_call_of(busy, || {
        assert_eq!(ffa_xen_teardown(21), Status::Again);
        assert_eq!(ffa_xen_teardown(21), Status::Again, "it is refused already, but not gone");
        assert_eq!(PINNED.load(Ordering::Relaxed), free);
        assert_eq!(ffa_xen_domain_init(21, 2), Status::Again, "its id is not free");
        assert!(poll(), "it waits");
    });
    // The id comes free although nobody polls.
    let mut tries = 0;
    while ffa_xen_domain_init(21, 2) == Status::Again {
        tries += 1;
        assert!(tries < 10);
    }
    assert_eq!(PINNED.load(Ordering::Relaxed), free, "two pages less, and two more of the call");
    other.end();
    busy.end();
    assert!(!poll());
}

#[test]
fn a_teardown_ends_early_where_others_wait_for_the_cpu() {
    let _turn = turn();
    let busy = Guest::start(20, Width::Bits64);
    busy.call(&IdGet).unwrap();
    let others: Vec<Guest> = (100..300).map(|vm| Guest::start(vm, Width::Bits64)).collect();
    during_a_call_of(busy, || others.iter().for_each(|guest| _ = ffa_xen_teardown(guest.vm)));
    PREEMPTED.store(true, Ordering::Relaxed);
    assert_eq!(ffa_xen_teardown(299), Status::Again);
    PREEMPTED.store(false, Ordering::Relaxed);
    assert!(poll(), "much is left");
    assert_eq!(ffa_xen_teardown(299), Status::Ok);
    others.into_iter().for_each(Guest::end);
    busy.end();
    assert!(!poll());
}

#[test]
fn making_a_cpu_ready_again_has_no_effect() {
    let _turn = turn();
    // SAFETY: no call runs.
    assert_eq!(unsafe { ffa_xen_cpu_init(1) }, Status::Ok);
    let guest = Guest::start(1, Width::Bits64);
    guest.call(&IdGet).unwrap();
    // SAFETY: no call runs.
    assert_eq!(unsafe { ffa_xen_cpu_init(CPUS) }, Status::Invalid);
    guest.end();
}

#[test]
fn a_notification_is_an_interrupt_that_is_owed_until_it_is_taken() {
    let _turn = turn();
    let (receiver, sender) = (Guest::start(5, Width::Bits64), Guest::start(6, Width::Bits64));
    receiver.call(&IdGet).unwrap();
    sender.call(&IdGet).unwrap();
    let (to, from, flags) = (EndpointId(5), EndpointId(6), NotificationBindFlags::empty());
    let notifications = Notifications(1);
    receiver.call(&NotificationBind { sender: from, receiver: to, flags, notifications }).unwrap();
    ONLINE.store(false, Ordering::Relaxed);
    let flags = NotificationSetFlags::empty();
    sender
        .call(&NotificationSet { sender: from, receiver: to, vcpu: None, flags, notifications })
        .unwrap();
    assert!(poll(), "no vCPU is online");
    assert_eq!(INTERRUPTS.load(Ordering::Relaxed), 0);
    ONLINE.store(true, Ordering::Relaxed);
    assert!(!poll());
    assert_eq!(INTERRUPTS.load(Ordering::Relaxed), 8, "one, with Xen's number");
    receiver.end();
    sender.end();
}

#[test]
fn what_waits_has_a_poll_asked_for() {
    let _turn = turn();
    let before = POLLS.load(Ordering::Relaxed);
    let guest = Guest::start(4, Width::Bits64);
    assert_eq!(POLLS.load(Ordering::Relaxed), before);
    guest.call(&IdGet).unwrap();
    assert_eq!(POLLS.load(Ordering::Relaxed), before + 1, "it has joined");
    ffa_xen_schedule_receiver();
    assert_eq!(POLLS.load(Ordering::Relaxed), before + 2);
    guest.end();
    assert_eq!(POLLS.load(Ordering::Relaxed), before + 3, "it has left");
}
