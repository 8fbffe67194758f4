//! A set of small numbers that CPUs add to and take from without a lock.

use alloc::vec::Vec;
use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use ffa_rcu::OutOfMemory;

const BITS: usize = 64;

/// Which of so many numbers are marked.
pub(crate) struct Marks {
    words: Vec<AtomicU64>,
    /// Never less than how many there are: who looks often looks here first.
    count: AtomicUsize,
}

impl Marks {
    /// None of 0..`count` is marked.
    pub(crate) fn try_new(count: usize) -> Result<Self, OutOfMemory> {
        let mut words = Vec::new();
        words.try_reserve_exact(count.div_ceil(BITS)).map_err(|_| OutOfMemory)?;
        words.extend((0..count.div_ceil(BITS)).map(|_| AtomicU64::new(0)));
        Ok(Self { words, count: AtomicUsize::new(0) })
    }

    /// Marks `number`. Whoever takes the mark sees what was done before.
    pub(crate) fn mark(&self, number: usize) {
        let Some((word, bit)) = self.place(number) else { return };
        // Before the mark, so that taking it never counts below what is there.
        self.count.fetch_add(1, Ordering::Relaxed);
        if word.fetch_or(bit, Ordering::Release) & bit != 0 {
            self.count.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Takes the mark of `number` away; whether it was there.
    pub(crate) fn take(&self, number: usize) -> bool {
        let Some((word, bit)) = self.place(number) else { return false };
        let was_marked = word.fetch_and(!bit, Ordering::Acquire) & bit != 0;
        if was_marked {
            self.count.fetch_sub(1, Ordering::Relaxed);
        }
        was_marked
    }

    /// How many are marked, and about to be.
    pub(crate) fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// The numbers that are marked when they are looked at, the lowest first.
    pub(crate) fn marked(&self) -> impl Iterator<Item = usize> {
        self.words.iter().enumerate().flat_map(|(index, word)| {
            let mut left = word.load(Ordering::Relaxed);
            core::iter::from_fn(move || {
                let bit = (left != 0).then(|| left.trailing_zeros() as usize)?;
                left &= left - 1;
                Some(index * BITS + bit)
            })
        })
    }

    fn place(&self, number: usize) -> Option<(&AtomicU64, u64)> {
        Some((self.words.get(number / BITS)?, 1 << (number % BITS)))
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    #[test]
    fn marks_are_taken_once() {
        let marks = Marks::try_new(130).unwrap();
        for number in [129, 0, 64, 63, 64] {
            marks.mark(number);
        }
        marks.mark(1 << 20);
        assert_eq!(marks.marked().collect::<Vec<_>>(), [0, 63, 64, 129]);
        assert!(marks.take(64) && !marks.take(64) && !marks.take(1) && !marks.take(1 << 20));
        assert_eq!(marks.marked().collect::<Vec<_>>(), [0, 63, 129]);
        assert_eq!(marks.count(), 3, "each once");
    }
}
