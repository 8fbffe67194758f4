//! What the machine has: the device tree that QEMU or firmware left in memory.

use core::ops::Range;

use dtoolkit::Node;
use dtoolkit::fdt::{Fdt, FdtNode};
use ffa_el2::ram::{FreeRam, TooManyRanges};
use ffa_el2::scheduler::MAX_CPUS;

use super::boot::MAPPED_END;

/// The machine's device tree.
pub(super) struct DeviceTree {
    tree: Fdt<'static>,
    address: u64,
}

impl DeviceTree {
    /// The tree at a physical address; `None` if there is none.
    ///
    /// # Safety
    /// Whoever started us put a device tree there, or 0 into `address`; nobody changes it.
    pub(super) unsafe fn at(address: u64) -> Option<Self> {
        let pointer = core::ptr::with_exposed_provenance::<u8>(usize::try_from(address).ok()?);
        if address == 0 || !address.is_multiple_of(8) {
            return None;
        }
        // SAFETY: promised by the caller.
        let tree = unsafe { Fdt::from_raw(pointer) }.ok()?;
        Some(Self { tree, address })
    }

    /// RAM that EL2 maps, minus what the tree says is taken, minus the tree.
    ///
    /// # Errors
    /// [`TooManyRanges`].
    pub(super) fn free_ram(&self) -> Result<FreeRam, TooManyRanges> {
        let mut free = FreeRam::new();
        let root = self.tree.root();
        for node in root.children().filter(|node| node.name_without_address() == "memory") {
            for range in registers(node) {
                free.add(&(range.start..range.end.min(MAPPED_END)))?;
            }
        }
        if let Some(reserved) = self.tree.find_node("/reserved-memory") {
            for range in reserved.children().flat_map(registers) {
                free.remove(&range)?;
            }
        }
        for reservation in self.tree.memory_reservations() {
            free.remove(&span(reservation.address(), reservation.size()))?;
        }
        free.remove(&span(self.address, self.tree.data().len() as u64))?;
        Ok(free)
    }

    /// The MPIDRs of up to [`MAX_CPUS`] CPUs.
    pub(super) fn cpus(&self) -> impl Iterator<Item = u64> {
        let cpus = self.tree.find_node("/cpus");
        let nodes = cpus.into_iter().flat_map(|cpus| cpus.children());
        let nodes = nodes.filter(|node| node.name_without_address() == "cpu");
        nodes.flat_map(|node| registers(node).next()).map(|range| range.start).take(MAX_CPUS)
    }
}

/// The address ranges in a node's `reg`.
fn registers(node: FdtNode<'static>) -> impl Iterator<Item = Range<u64>> {
    let registers = node.reg().ok().flatten();
    registers.into_iter().flatten().filter_map(|reg| {
        let size = reg.size::<u64>().unwrap_or(0);
        Some(span(reg.address::<u64>().ok()?, size))
    })
}

fn span(start: u64, size: u64) -> Range<u64> {
    start..start.saturating_add(size)
}
