//! Random calls, and calls that are almost right: no panic, and what must hold does.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a test that fails panics"
)]

mod common;

use common::{PAGE, RAM, Rig, TX};
use fastrand::Rng;
use ffa_abi::{
    EndpointId, FUNCTIONS, FunctionId, MemoryRange, Message, MessageHeader, NewEndpointRxTx,
    Notifications, Regs, Status, Uuid, Version,
};
use ffa_spmc_model::{Character, Command, Delay, Misbehaviour, Reluctance, VmEvent, World};

/// Calls for each character. `FFA_SPMC_MODEL_CALLS` says otherwise.
const CALLS: u64 = 40_000;

/// After so many calls the SPMC is a new one.
const RENEWAL: u64 = 5_000;

/// After so many calls the state is looked at, which takes longer than a call.
const CHECK: u64 = 8;

const EDGES: [u64; 16] = [
    0,
    1,
    2,
    0x3f,
    0x40,
    0x7fff,
    0x8000,
    0x8001,
    0x8002,
    0xffff,
    0x1_0001,
    0x1_0002,
    0x8001_0001,
    0xffff_ffff,
    0xffff_ffff_ffff_f000,
    u64::MAX,
];

fn value(rng: &mut Rng) -> u64 {
    match rng.u8(0..3) {
        0 => EDGES[rng.usize(0..EDGES.len())],
        1 => u64::from(rng.u32(..)),
        _ => rng.u64(..),
    }
}

/// Mostly one that exists.
fn id(rng: &mut Rng) -> u64 {
    const IDS: [u64; 10] = [0, 1, 1, 2, 3, 4, 0x8000, 0x8001, 0x8001, 0x8002];
    if rng.u8(0..16) == 0 { rng.u16(..).into() } else { IDS[rng.usize(0..IDS.len())] }
}

fn page(rng: &mut Rng) -> u64 {
    RAM + rng.u64(0..16) * PAGE
}

fn bits(rng: &mut Rng) -> u64 {
    rng.u64(..) & rng.u64(..) & rng.u64(..) & 0xff
}

fn command(rng: &mut Rng) -> [u64; 5] {
    let vm = EndpointId(rng.u16(0..5));
    let notifications = Notifications(bits(rng));
    let delays_interrupt = rng.bool();
    let times = if rng.u8(0..50) == 0 { Reluctance::FOREVER } else { rng.u32(0..4) };
    let command = match rng.u8(0..11) {
        0 => Command::Yield { times: times.min(4) },
        1 => Command::Interrupt { times: times.min(4) },
        2 => {
            let vcpu = rng.bool().then(|| rng.u16(0..5));
            Command::Notify { receiver: vm, vcpu, delays_interrupt, notifications }
        }
        3 => Command::Bind { sender: vm, per_vcpu: rng.bool(), notifications },
        4 => Command::Unbind { sender: vm, notifications },
        5 => Command::TakeNotifications,
        6 => {
            let (size, first) = (rng.u32(0..5000), rng.u8(..));
            Command::SendMessage { receiver: vm, delays_interrupt, size, first }
        }
        7 => Command::ReadMessage,
        8 => Command::Fail { status: Status(rng.i32(..)) },
        9 => {
            let event = if rng.bool() { VmEvent::Created } else { VmEvent::Destroyed };
            let status = Status(rng.i32(-10..0));
            let how = [Delay::Answer(status), Delay::Interrupt, Delay::Yield][rng.usize(0..3)];
            let times = if how == Delay::Answer(status) { times } else { times.min(4) };
            Command::Delay { event, reluctance: Reluctance::new(how, times) }
        }
        _ => Command::Misbehave(Misbehaviour::ALL[rng.usize(0..Misbehaviour::ALL.len())]),
    };
    command.encode().map(u64::from)
}

/// A call that a hypervisor might make.
fn likely(rng: &mut Rng) -> Vec<u64> {
    let (low, high) = (id(rng), id(rng));
    let pair = high << 16 | low;
    let to_partition = rng.u64(0..5) << 16 | [0x8001, 0x8001, 0x8002][rng.usize(0..3)];
    let some = bits(rng);
    match rng.u8(0..26) {
        0 => vec![0x8400_0063, 0x1_0000 + rng.u64(0..4)],
        1 => vec![0x8400_0064, FUNCTIONS[rng.usize(0..FUNCTIONS.len())].id.bits().into()],
        2 => vec![0x8400_0065, low],
        3 => vec![0xc400_0066, page(rng), page(rng), rng.u64(0..3)],
        4 => vec![0xc400_0066, TX, TX + PAGE, 1],
        5 | 6 => vec![0xc400_0066],
        7 => vec![0x8400_0067, low << 16],
        8 => vec![0x8400_0068, 0, 0, 0, 0, rng.u64(0..3)],
        9 => vec![0xc400_008b, 0, 0, rng.u64(0..4)],
        10 | 11 => {
            // A single context is pinned nowhere; the others to their CPU.
            vec![0x8400_006d, (0x8001 + rng.u64(0..2)) << 16 | rng.u64(0..5)]
        }
        12..=15 => {
            let mut call = vec![0x8400_006f | rng.u64(0..2) << 30, to_partition, 0];
            call.extend(command(rng));
            call
        }
        16 => {
            let mut call = vec![0xc400_008d, to_partition, 0, 0];
            call.extend(command(rng));
            call
        }
        17 => {
            let kind = 0x8000_0004 | rng.u64(0..2) << 1;
            vec![0x8400_006f, 0x8000 + rng.u64(0..3), kind, 0, 0, low]
        }
        18 => vec![0x8400_007d, low, rng.u64(0..8)],
        19 => vec![0x8400_007e, low],
        20 => vec![0x8400_007f, (0x8001 + rng.u64(0..2)) << 16 | low, rng.u64(0..2), some],
        21 => vec![0x8400_0080, (0x8001 + rng.u64(0..2)) << 16 | low, 0, some],
        22 => vec![0x8400_0081, pair, rng.u64(0..2) | rng.u64(0..5) << 16, some],
        23 => vec![0x8400_0082, rng.u64(0..5) << 16 | low, rng.u64(0..16)],
        24 => vec![0x8400_0083 | rng.u64(0..2) << 30],
        _ => vec![[0x8400_0084, 0x8400_0086][rng.usize(0..2)], low << (16 * rng.u64(0..2))],
    }
}

fn call(rng: &mut Rng) -> Regs {
    let mut regs = Regs(std::array::from_fn(|_| value(rng)));
    match rng.u8(0..10) {
        0 => {}
        1 => regs.set(0, FUNCTIONS[rng.usize(0..FUNCTIONS.len())].id.bits()),
        kind => {
            regs = Regs::ZERO;
            let registers = likely(rng);
            registers.iter().enumerate().for_each(|(index, value)| regs.set(index, *value));
            if kind == 2 {
                let index = rng.usize(0..8);
                regs.set(index, regs.x(index) ^ 1 << rng.u8(0..64));
            }
        }
    }
    regs
}

/// Fills a page that may be a TX buffer: with a message, a description, or anything.
fn scribble(rng: &mut Rng, rig: &Rig) {
    let mut bytes = [0; 0x1000];
    let version = [Version::V1_1, Version::V1_2][rng.usize(0..2)];
    match rng.u8(0..3) {
        0 => {
            let receiver = EndpointId(0x8001 + rng.u16(0..3));
            let header =
                MessageHeader { sender: EndpointId(rng.u16(0..4)), receiver, uuid: Uuid::NIL };
            let payload = &[7; 4000][..rng.usize(1..4000)];
            Message { header, payload }.write(&mut bytes, version).unwrap();
        }
        1 => {
            let range = |rng: &mut Rng| MemoryRange::new(page(rng), 1).unwrap();
            let (rx, tx) = ([range(rng), range(rng)], [range(rng), range(rng)]);
            let count = rng.usize(1..3);
            let endpoint = EndpointId(id(rng) as u16);
            let buffers = NewEndpointRxTx { endpoint, rx: &rx[..count], tx: &tx[..count] };
            buffers.write(&mut bytes, version).unwrap();
        }
        _ => bytes.fill_with_random(rng),
    }
    let flips = if rng.u8(0..4) == 0 { 2 } else { 0 };
    (0..flips).for_each(|_| bytes[rng.usize(0..64)] ^= 1 << rng.u8(0..8));
    rig.machine.write(if rng.bool() { TX } else { page(rng) }, &bytes).unwrap();
}

trait FillWithRandom {
    fn fill_with_random(&mut self, rng: &mut Rng);
}

impl FillWithRandom for [u8; 0x1000] {
    fn fill_with_random(&mut self, rng: &mut Rng) {
        rng.fill(&mut self[..64]);
    }
}

/// What every reply has, unless a partition was told to misbehave: an id that answers something, and no
/// more in x8..x17 than it may.
fn check_shape(call: &Regs, reply: &Regs) {
    let Some(function) = FunctionId::from_bits(call.w(0)) else {
        assert_eq!((reply.x(0), &reply.0[1..]), (u64::MAX, &call.0[1..]));
        return;
    };
    if function == FunctionId::VERSION {
        assert!(reply.x(0) == u64::MAX || reply.x(0) >> 16 == 1, "{reply:?}");
        return;
    }
    let is_long = matches!(reply.w(0), 0xc400_0061 | 0xc400_008e | 0xc400_0070);
    assert!(is_long || reply.0[8..] == call.0[8..], "{call:?} -> {reply:?}");
    let known = FunctionId::from_bits(reply.w(0)).and_then(FunctionId::function);
    assert!(known.is_some() && reply.x(0) >> 32 == 0, "{call:?} -> {reply:?}");
}

fn barrage(character: Character, seed: u64, calls: u64) -> [u64; 3] {
    let mut rng = Rng::with_seed(seed);
    let mut rig = Rig::silent(character);
    let [mut successes, mut pauses, mut errors] = [0; 3];
    for made in 0..calls {
        if rng.u8(0..6) == 0 {
            scribble(&mut rng, &rig);
        }
        if made % RENEWAL == 0 {
            rig = Rig::silent(character);
            let version = 0x1_0000 + rng.u64(0..4);
            rig.raw(&Regs(std::array::from_fn(|index| [0x8400_0063, version][index.min(1)])));
        }
        rig.machine.is_interrupted.set(rng.u8(0..20) == 0);
        rig.cpu = rng.usize(0..5);
        let call = call(&mut rng);
        let is_told_to = is_told_to_misbehave(&call);
        let reply = rig.spmc.call(&rig.machine, rig.cpu, &call);
        if made % CHECK == 0 {
            let state = rig.spmc.check();
            assert_eq!(state, Ok(()), "{} seed {seed} call {made}: {call:?}", character.name);
        }
        if !is_told_to && call.w(0) & 0xffff != 0x6d {
            check_shape(&call, &reply);
        }
        match reply.w(0) {
            0x8400_0060 => errors += 1,
            0x8400_0062 | 0x8400_006c => pauses += 1,
            _ => successes += 1,
        }
    }
    [successes, pauses, errors]
}

fn is_told_to_misbehave(call: &Regs) -> bool {
    (3..5).any(|index| matches!(call.w(index) & 0xffff_00ff, 0x5350_000b | 0x5350_0009))
}

#[test]
fn random_registers() {
    let calls = std::env::var("FFA_SPMC_MODEL_CALLS").ok().map(|calls| calls.parse().unwrap());
    let calls = calls.unwrap_or(CALLS);
    for (seed, character) in (1..).zip(Character::ALL) {
        let counts = barrage(character, seed, calls);
        // A barrage that comes to nothing would find nothing.
        assert!(counts.iter().all(|count| *count > calls / 500), "{}: {counts:?}", character.name);
        println!("{}: {counts:?}", character.name);
    }
}
