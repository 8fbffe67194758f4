//! How long to measure, and who is told how far it is.

use std::time::{Duration, Instant};

/// How long to measure.
#[derive(Clone, Copy)]
pub(crate) struct Effort {
    /// Turns of each contender.
    pub(crate) rounds: usize,
    /// Pieces that a measurement with threads is cut into: what counts is the median of them.
    pub(crate) slices: usize,
    /// How long a piece lasts.
    pub(crate) slice: Duration,
    started: Instant,
}

impl Effort {
    pub(crate) fn new(quick: bool) -> Self {
        let (rounds, slices, slice) = if quick { (25, 3, 10) } else { (1501, 25, 40) };
        Effort { rounds, slices, slice: Duration::from_millis(slice), started: Instant::now() }
    }

    /// One line for whoever waits.
    pub(crate) fn progress(self, what: &str, detail: &str) {
        eprintln!("[{:3} s] {what}, {detail}", self.started.elapsed().as_secs());
    }
}
