//! A pinned buffer that checks how the mediator uses it: each byte fetched once, each byte written
//! once, never more than was mapped, and dropped where the `Host` trait says.

use std::cell::RefCell;
use std::ops::Range;
use std::sync::Arc;

use ffa_abi::{FunctionId, VmId};
use ffa_core::{Buffer, OutOfBounds};

use crate::current;
use crate::journal::Journal;
use crate::memory::{PAGE, Ram};
use crate::points::{Point, Points};

/// How closely buffers are watched.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Watch {
    /// Bounds and pins only: for measurements.
    Loose,
    /// Each byte is read once and written once a call.
    #[default]
    Strict,
    /// The same, and what was read changes right afterwards.
    Flipping,
}

/// Pages of somebody's memory, pinned as long as this exists.
pub struct Pinned {
    ram: Arc<Ram>,
    pages: Range<usize>,
    /// The VM whose buffer it is; `None` for the hypervisor's own.
    owner: Option<VmId>,
    watch: Watch,
    fetches: RefCell<Vec<u64>>,
    writes: RefCell<Vec<u64>>,
    journal: Arc<Journal>,
    points: Arc<Points>,
}

/// Whom a buffer tells what it sees.
#[derive(Clone)]
pub(crate) struct Observers {
    pub(crate) journal: Arc<Journal>,
    pub(crate) points: Arc<Points>,
    pub(crate) watch: Watch,
}

impl Pinned {
    /// Pins `pages`; `None` where one of them is a buffer's already.
    pub(crate) fn new(
        ram: Arc<Ram>,
        pages: Range<usize>,
        owner: Option<VmId>,
        observers: &Observers,
    ) -> Option<Pinned> {
        if !ram.pin(pages.clone()) {
            return None;
        }
        let Observers { journal, points, watch } = observers.clone();
        let stamps = if watch == Watch::Loose { 0 } else { pages.len() * PAGE };
        let (fetches, writes) = (RefCell::new(vec![0; stamps]), RefCell::new(vec![0; stamps]));
        Some(Pinned { ram, pages, owner, watch, fetches, writes, journal, points })
    }

    fn check(&self, offset: usize, length: usize) -> Result<usize, OutOfBounds> {
        let end = offset.checked_add(length).ok_or(OutOfBounds)?;
        if end > self.size() {
            self.journal.violation(format_args!("bytes {offset}..{end} of {}", self.size()));
            return Err(OutOfBounds);
        }
        Ok(self.pages.start * PAGE + offset)
    }

    /// Marks bytes as touched in this call, and reports those that were touched before.
    fn touch(&self, stamps: &RefCell<Vec<u64>>, what: &str, range: Range<usize>) {
        if self.watch == Watch::Loose {
            return;
        }
        let now = current::stamp();
        let mut again = 0;
        for stamp in &mut stamps.borrow_mut()[range.clone()] {
            again += usize::from(*stamp == now);
            *stamp = now;
        }
        if again > 0 {
            let owner = self.owner;
            self.journal
                .violation(format_args!("{again} bytes of {range:?} {what} twice, {owner:?}"));
        }
    }

    /// A guest's call may drop its own buffers only, and where it maps or unmaps only.
    fn check_drop(&self) {
        let Some(call) = current::call() else { return };
        let maps = [FunctionId::RXTX_MAP_32, FunctionId::RXTX_MAP_64, FunctionId::RXTX_UNMAP];
        let may = maps.iter().any(|id| id.bits() == call.function);
        if Some(call.vm) != self.owner || !may {
            let owner = self.owner;
            self.journal.violation(format_args!("a buffer of {owner:?} dropped in {call:x?}"));
        }
    }
}

impl Buffer for Pinned {
    fn size(&self) -> usize {
        self.pages.len() * PAGE
    }

    fn read(&self, offset: usize, into: &mut [u8]) -> Result<(), OutOfBounds> {
        current::as_host(|| {
            self.points.reach(Point::Read).map_err(|_| OutOfBounds)?;
            let start = self.check(offset, into.len())?;
            self.ram.read(start, into);
            self.touch(&self.fetches, "read", offset..offset + into.len());
            if self.watch == Watch::Flipping {
                let flipped: Vec<u8> = into.iter().map(|byte| !byte).collect();
                self.ram.write(start, &flipped);
            }
            Ok(())
        })
    }

    fn write(&mut self, offset: usize, from: &[u8]) -> Result<(), OutOfBounds> {
        current::as_host(|| {
            self.points.reach(Point::Write).map_err(|_| OutOfBounds)?;
            let start = self.check(offset, from.len())?;
            self.touch(&self.writes, "written", offset..offset + from.len());
            self.ram.write(start, from);
            Ok(())
        })
    }
}

impl Drop for Pinned {
    fn drop(&mut self) {
        current::as_host(|| {
            let _cannot_fail = self.points.reach(Point::Unpin);
            self.check_drop();
            self.ram.unpin(self.pages.clone());
        });
    }
}
