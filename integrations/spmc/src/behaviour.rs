//! How a partition takes the news of VMs.

use ffa_abi::Status;

/// What a partition does with messages that a VM was created or destroyed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Behaviour {
    /// Before it answers that a VM was created.
    pub created: Reluctance,
    /// Before it answers that a VM was destroyed.
    pub destroyed: Reluctance,
}

/// What a partition does some times before it does what it should.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reluctance {
    /// What it does.
    pub how: Delay,
    /// How often; [`Reluctance::FOREVER`] for always.
    pub times: u32,
}

/// How a partition gains time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Delay {
    /// It answers this, as `RETRY` or `INTERRUPTED`.
    Answer(Status),
    /// It is interrupted.
    Interrupt,
    /// It yields.
    Yield,
}

impl Reluctance {
    /// More often than anybody counts.
    pub const FOREVER: u32 = u32::MAX;

    /// None.
    pub const NONE: Reluctance = Reluctance { how: Delay::Yield, times: 0 };

    /// `how`, `times` times.
    #[must_use]
    pub const fn new(how: Delay, times: u32) -> Reluctance {
        Reluctance { how, times }
    }
}

impl Default for Reluctance {
    fn default() -> Self {
        Reluctance::NONE
    }
}

/// Counts down; `false` when it was zero. What is for ever stays.
pub(crate) fn take_one(times: &mut u32) -> bool {
    match *times {
        0 => false,
        Reluctance::FOREVER => true,
        _ => {
            *times -= 1;
            true
        }
    }
}
