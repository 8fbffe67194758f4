//! Whether another thread runs, by a number that it counts up.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// How often something was done, on a line of its own.
#[derive(Default)]
#[repr(align(128))]
pub(crate) struct Beats(AtomicU64);

/// Whoever listens to it.
pub(crate) struct Listener<'b> {
    beats: &'b Beats,
    heard: u64,
    changed: Instant,
}

impl Beats {
    pub(crate) fn beat(&self) {
        self.0.fetch_add(1, Relaxed);
    }
}

impl<'b> Listener<'b> {
    pub(crate) fn new(beats: &'b Beats) -> Self {
        Listener { beats, heard: 0, changed: Instant::now() }
    }

    /// Whether the last beat is no longer ago than `usual`, as far as was heard; not before the first.
    pub(crate) fn hears(&mut self, now: Instant, usual: Duration) -> bool {
        let beats = self.beats.0.load(Relaxed);
        if beats != self.heard {
            self.heard = beats;
            self.changed = now;
        }
        beats > 0 && now - self.changed < usual
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_heart_that_stands_still_is_noticed() {
        const USUAL: Duration = Duration::from_micros(300);
        let beats = Beats::default();
        let mut listener = Listener::new(&beats);
        let start = Instant::now();
        assert!(!listener.hears(start, USUAL), "it has not begun");
        beats.beat();
        assert!(listener.hears(start, USUAL));
        assert!(listener.hears(start + USUAL / 2, USUAL));
        assert!(!listener.hears(start + 2 * USUAL, USUAL));
        beats.beat();
        assert!(listener.hears(start + 2 * USUAL, USUAL));
    }
}
