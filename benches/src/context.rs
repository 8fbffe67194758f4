//! A VM's context, and where contexts lie in memory.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use ffa_abi::PartitionInfo;
use ffa_rcu::Footprint;

thread_local! {
    static DESTROYED_HERE: Cell<u64> = const { Cell::new(0) };
}

/// How many contexts this thread has run the destructors of.
pub fn destroyed_here() -> u64 {
    DESTROYED_HERE.get()
}

/// A VM's context, as large as the state of a mediator makes it.
pub(crate) struct Context {
    pub(crate) info: PartitionInfo,
    _state: [u64; 48],
    /// Bytes that are taken out and not freed, if its store has nobody else to count them.
    retired: Option<Arc<AtomicUsize>>,
}

impl Context {
    pub(crate) fn new(info: PartitionInfo) -> Self {
        Context { info, _state: [0; 48], retired: None }
    }

    /// A context whose destructor takes it out of the count of retired bytes.
    pub(crate) fn counted(info: PartitionInfo, retired: &Arc<AtomicUsize>) -> Self {
        Context { info, _state: [0; 48], retired: Some(Arc::clone(retired)) }
    }
}

impl Footprint for Context {}

impl Drop for Context {
    fn drop(&mut self) {
        DESTROYED_HERE.set(DESTROYED_HERE.get() + 1);
        if let Some(retired) = &self.retired {
            retired.fetch_sub(size_of::<Context>(), Relaxed);
        }
    }
}

/// Where the contexts lie in memory, which is half of what a walk costs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Layout {
    /// In the order of the walk, which the processor then foresees: VMs were created, never destroyed.
    InOrder,
    /// In no order and among other allocations, as after many VMs have come and gone.
    Scattered,
}

/// What lies between scattered contexts.
pub(crate) type Filling = Vec<Box<[u8]>>;

impl Layout {
    /// Calls `allocate` with every index below `length`, in the order that gives this layout.
    pub(crate) fn allocate(self, length: usize, mut allocate: impl FnMut(usize)) -> Filling {
        let mut order: Vec<usize> = (0..length).collect();
        if self == Layout::InOrder {
            order.into_iter().for_each(allocate);
            return Filling::new();
        }
        order.sort_by_key(|index| scramble(*index));
        order
            .into_iter()
            .map(|index| {
                allocate(index);
                // What else a hypervisor allocates for a VM.
                vec![0; 64 + (scramble(index) >> 54) as usize].into_boxed_slice()
            })
            .collect()
    }
}

/// A number that looks like chance, and is the same in each run.
fn scramble(index: usize) -> u64 {
    (index as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}
