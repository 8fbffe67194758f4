//! The mediator over each reclamation backend, chosen by type.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails panics"
)]

use std::fmt::Arguments;
use std::sync::{Arc, Mutex};
use std::thread;

use ffa_abi::{
    EndpointId, GetVersion, IdGet, PartitionInfoFlags, PartitionInfoGet, PartitionInfoGetRegs,
    PartitionProperties, Regs, Request, RxtxMap, Uuid, Version, VmId, Width,
};
use ffa_core::{
    Access, ArcSwapEpoch, Backend, Buffer, Caller, Config, Cpu, CrossbeamEpoch, Host, Level,
    MapError, Mediator, OutOfBounds, Outcome, Policy, Slots, SpmcBuffers, Taint, VmConfig,
};

/// Guest memory that the test keeps too.
#[derive(Clone)]
struct Pages(Arc<Mutex<Vec<u8>>>);

impl Buffer for Pages {
    fn size(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    fn read(&self, offset: usize, into: &mut [u8]) -> Result<(), OutOfBounds> {
        let bytes = self.0.lock().unwrap();
        into.copy_from_slice(bytes.get(offset..offset + into.len()).ok_or(OutOfBounds)?);
        Ok(())
    }

    fn write(&mut self, offset: usize, from: &[u8]) -> Result<(), OutOfBounds> {
        let mut bytes = self.0.lock().unwrap();
        bytes.get_mut(offset..offset + from.len()).ok_or(OutOfBounds)?.copy_from_slice(from);
        Ok(())
    }
}

/// A host that maps one buffer for everybody, and has no firmware.
struct Model(Pages);

impl Host for Model {
    type Buffer = Pages;

    fn map_buffer(&self, _: VmId, _: u64, _: u16, _: Access) -> Result<Pages, MapError> {
        Ok(self.0.clone())
    }

    fn spmc_call(&self, _: &Regs) -> Option<Regs> {
        None
    }

    fn spmc_buffers(&self) -> Option<SpmcBuffers<Pages>> {
        None
    }

    fn taint(&self, _: Taint) {}

    fn log(&self, _: Level, _: Arguments<'_>) {}
}

fn caller(id: u16) -> Caller {
    Caller { vm: VmId::new(id).unwrap(), vcpu: 0, width: Width::Bits64 }
}

fn call<B: Backend, R: Request>(cpu: &mut Cpu<'_, Model, B>, id: u16, request: &R) -> R::Reply {
    let Outcome::Reply(regs) = cpu.handle(caller(id), &request.encode()) else {
        panic!("not answered")
    };
    request.reply(&regs, Version::V1_2).unwrap_or_else(|error| panic!("{error}"))
}

fn join<B: Backend>(mediator: &Mediator<Model, B>, cpu: &mut Cpu<'_, Model, B>, id: u16) {
    let (properties, uuid) = (PartitionProperties::empty(), Uuid::NIL);
    let config = VmConfig { id: VmId::new(id).unwrap(), vcpus: 1, properties, uuid };
    mediator.create_vm(config).unwrap();
    let _version = call(cpu, id, &GetVersion::new(Version::V1_2));
    let _id = call(cpu, id, &IdGet);
}

/// VM 1 lists, by memory and by registers, while VM 2 comes and goes; then nothing is left.
fn a_vm_is_listed_and_gone<B: Backend>() {
    let memory = Pages(Arc::new(Mutex::new(vec![0; 4096])));
    let config = Config { policy: Policy::allow_all(), ..Config::new(2) };
    let mediator: Mediator<Model, B> =
        Mediator::with_backend(Model(memory.clone()), config).unwrap();
    let mut cpu = mediator.cpu(0).unwrap();
    join(&mediator, &mut cpu, 1);
    let pages = RxtxMap::new(Width::Bits64, 0x1_0000, 0x2_0000, 1).unwrap();
    let _mapped = call(&mut cpu, 1, &pages);
    thread::scope(|scope| {
        let churn = scope.spawn(|| {
            let mut cpu = mediator.cpu(1).unwrap();
            for _ in 0..300 {
                join(&mediator, &mut cpu, 2);
                mediator.destroy_vm(VmId::new(2).unwrap()).unwrap();
                while !mediator.is_gone(VmId::new(2).unwrap()) {
                    mediator.reclaim(8);
                    thread::yield_now();
                }
            }
        });
        while !churn.is_finished() {
            let list = PartitionInfoGet { uuid: Uuid::NIL, flags: PartitionInfoFlags::empty() };
            let count = call(&mut cpu, 1, &list).count as usize;
            let ids: Vec<u8> =
                memory.0.lock().unwrap().chunks(24).take(count).map(|info| info[0]).collect();
            assert!(ids == [1] || ids == [1, 2], "{ids:?}");
            let release = ffa_abi::RxRelease { endpoint: EndpointId::HYPERVISOR };
            let _released = call(&mut cpu, 1, &release);
            let registers = PartitionInfoGetRegs { uuid: Uuid::NIL, start: 0, tag: 0 };
            let listed = call(&mut cpu, 1, &registers).descriptors().len();
            assert!((1..=2).contains(&listed));
        }
    });
    mediator.destroy_vm(VmId::new(1).unwrap()).unwrap();
    for _ in 0..8 {
        mediator.reclaim(usize::MAX);
    }
    assert_eq!(mediator.retired().objects, 0);
}

#[test]
fn over_slots() {
    a_vm_is_listed_and_gone::<Slots>();
}

#[test]
fn over_crossbeam() {
    a_vm_is_listed_and_gone::<CrossbeamEpoch>();
}

#[test]
fn over_arc_swap() {
    a_vm_is_listed_and_gone::<ArcSwapEpoch>();
}
