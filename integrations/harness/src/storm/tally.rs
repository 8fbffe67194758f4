//! What was done, how long it took, and what was wrong.

use std::time::Duration;

use hdrhistogram::Histogram;

/// What takes time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// `FFA_PARTITION_INFO_GET`, count only.
    Count,
    /// `FFA_PARTITION_INFO_GET` into RX.
    List,
    /// `FFA_PARTITION_INFO_GET_REGS`.
    Registers,
    /// `FFA_RX_RELEASE`.
    Release,
    /// [`Mediator::create_vm`](ffa_core::Mediator::create_vm)
    Create,
    /// A VM's first call, by which it joins the directory.
    Join,
    /// [`Mediator::destroy_vm`](ffa_core::Mediator::destroy_vm)
    Destroy,
    /// [`Mediator::reclaim`](ffa_core::Mediator::reclaim)
    Reclaim,
}

impl Kind {
    /// Every kind, guests' calls first.
    pub const ALL: [Kind; 8] = [
        Kind::Count,
        Kind::List,
        Kind::Registers,
        Kind::Release,
        Kind::Create,
        Kind::Join,
        Kind::Destroy,
        Kind::Reclaim,
    ];

    /// As a table shows it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Kind::Count => "count",
            Kind::List => "list",
            Kind::Registers => "get_regs",
            Kind::Release => "rx_release",
            Kind::Create => "create_vm",
            Kind::Join => "join",
            Kind::Destroy => "destroy_vm",
            Kind::Reclaim => "reclaim",
        }
    }

    /// Whether a guest calls it.
    #[must_use]
    pub fn is_call(self) -> bool {
        matches!(self, Kind::Count | Kind::List | Kind::Registers | Kind::Release)
    }
}

/// What one thread, or all of them, did.
pub struct Tally {
    times: [Histogram<u64>; Kind::ALL.len()],
    /// Answers that were checked.
    pub checked: u64,
    /// Lists by registers that changed while they were read.
    pub retries: u64,
    /// Answers that were wrong; the first few are kept.
    pub wrong: Vec<String>,
}

const KEPT: usize = 16;

impl Default for Tally {
    fn default() -> Self {
        let histogram = || Histogram::new(3).expect("three digits are possible");
        let times = std::array::from_fn(|_| histogram());
        Tally { times, checked: 0, retries: 0, wrong: Vec::new() }
    }
}

impl Tally {
    /// Something took so long.
    pub fn record(&mut self, kind: Kind, took: Duration) {
        let nanoseconds = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        // Grows as it must; `u64::MAX` is in its range.
        let _recorded = self.times[kind as usize].record(nanoseconds);
    }

    /// An answer was checked.
    pub fn check(&mut self, result: Result<(), String>) {
        self.checked += 1;
        let wrong = result.err().filter(|_| self.wrong.len() < KEPT);
        self.wrong.extend(wrong);
    }

    /// Adds what another thread did.
    pub fn add(&mut self, other: &Tally) {
        for (mine, theirs) in self.times.iter_mut().zip(&other.times) {
            mine.add(theirs).expect("the same precision");
        }
        self.checked += other.checked;
        self.retries += other.retries;
        self.wrong.extend(other.wrong.iter().cloned());
    }

    /// How long each took, in nanoseconds.
    #[must_use]
    pub fn times(&self, kind: Kind) -> &Histogram<u64> {
        &self.times[kind as usize]
    }
}
