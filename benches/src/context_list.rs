//! The usual way: a linked list of VM contexts, walked under a lock, each descriptor composed on the
//! way.

use ffa_abi::{DESCRIPTORS_PER_CALL, PartitionInfo, Uuid, Version, VmId};
use zerocopy::{Immutable, IntoBytes};

use crate::host::Pages;

/// A VM's context, as large as the state of a mediator makes it.
struct Context {
    info: PartitionInfo,
    _state: [u64; 48],
    next: Option<Box<Context>>,
}

/// Contexts in the order of their ids.
pub(crate) struct ContextList {
    head: Option<Box<Context>>,
}

/// Where the contexts lie in memory, which is half of what a walk costs.
#[derive(Clone, Copy)]
pub(crate) enum Layout {
    /// In the order of the walk, which the processor then foresees: VMs were created, never destroyed.
    InOrder,
    /// In no order, as after many VMs have come and gone.
    Scattered,
}

impl ContextList {
    pub(crate) fn new(infos: &[PartitionInfo], layout: Layout) -> Self {
        let mut allocated: Vec<usize> = (0..infos.len()).collect();
        if let Layout::Scattered = layout {
            allocated.sort_by_key(|index| (*index as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        }
        let mut contexts: Vec<(usize, Box<Context>)> = allocated
            .into_iter()
            .filter_map(|index| Some((index, Context::boxed(*infos.get(index)?))))
            .collect();
        contexts.sort_by_key(|(index, _)| *index);
        let head = contexts.into_iter().rev().fold(None, |next, (_, mut context)| {
            context.next = next;
            Some(context)
        });
        ContextList { head }
    }

    fn infos(&self) -> impl Iterator<Item = &PartitionInfo> {
        let first = self.head.as_deref();
        std::iter::successors(first, |context| context.next.as_deref()).map(|context| &context.info)
    }

    /// What `caller` sees: all others, and from 1.2 on itself.
    fn seen_by(&self, caller: VmId, version: Version) -> impl Iterator<Item = PartitionInfo> {
        let shows_own = version >= Version::V1_2;
        self.infos()
            .filter(move |info| shows_own || info.id() != caller.into())
            .map(move |info| info.seen_by(version, Uuid::NIL))
    }

    /// Writes the list to `rx`, and returns how many descriptors it has.
    ///
    /// The form is chosen outside of the loop: inside, the compiler's luck decides whether a
    /// descriptor costs 2 ns or 6.
    pub(crate) fn write(&self, caller: VmId, version: Version, rx: &mut Pages) -> usize {
        let infos = self.seen_by(caller, version);
        match version {
            Version::V1_0 => write_all(infos.map(|info| info.to_1_0()), rx),
            _ => write_all(infos, rx),
        }
    }

    pub(crate) fn count(&self, caller: VmId, version: Version) -> usize {
        self.seen_by(caller, version).count()
    }

    /// Up to five descriptors from index `start` on.
    pub(crate) fn registers(&self, caller: VmId, start: usize) -> [[u64; 3]; DESCRIPTORS_PER_CALL] {
        let mut registers = [[0; 3]; DESCRIPTORS_PER_CALL];
        let infos = self.seen_by(caller, Version::V1_2).skip(start);
        for (three, info) in registers.iter_mut().zip(infos) {
            *three = info.to_registers();
        }
        registers
    }

    /// How many vCPUs a VM has, if there is such a VM.
    pub(crate) fn find(&self, id: VmId) -> Option<u16> {
        let mut infos = self.infos();
        infos.find(|info| info.id() == id.into()).map(PartitionInfo::execution_contexts)
    }
}

impl Context {
    fn boxed(info: PartitionInfo) -> Box<Self> {
        Box::new(Context { info, _state: [0; 48], next: None })
    }
}

/// Writes descriptors of one form, and returns how many.
fn write_all<D: IntoBytes + Immutable>(
    descriptors: impl Iterator<Item = D>,
    rx: &mut Pages,
) -> usize {
    let mut count = 0;
    for descriptor in descriptors {
        if rx.write(count * size_of::<D>(), descriptor.as_bytes()).is_err() {
            break;
        }
        count += 1;
    }
    count
}

impl Drop for ContextList {
    /// One by one: dropping the head alone would recurse down the list.
    fn drop(&mut self) {
        let mut next = self.head.take();
        while let Some(mut context) = next {
            next = context.next.take();
        }
    }
}
