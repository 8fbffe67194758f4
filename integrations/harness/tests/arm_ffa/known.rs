//! Differences that are understood, and the search for others.

use std::fmt::Display;

/// Registers or bytes, and what both crates say to them.
pub(crate) trait Case: Display {
    /// Whether both say the same.
    fn agrees(&self) -> bool;
}

/// A difference that is understood.
pub(crate) struct Known<C> {
    /// As `docs/arm-ffa.md` calls it.
    pub(crate) name: &'static str,
    /// Whether it is why the two disagree about this case.
    pub(crate) explains: fn(&C) -> bool,
    /// A case that shows it and no other difference.
    pub(crate) example: fn() -> C,
}

/// Counts the differences of many cases by their names.
pub(crate) struct Tally<'k, C> {
    known: &'k [Known<C>],
    seen: Vec<u64>,
    agreed: u64,
}

impl<'k, C: Case> Tally<'k, C> {
    pub(crate) fn new(known: &'k [Known<C>]) -> Self {
        Tally { known, seen: vec![0; known.len()], agreed: 0 }
    }

    /// Takes one case; fails where the two disagree for no known reason.
    pub(crate) fn take(&mut self, case: &C) {
        if case.agrees() {
            self.agreed += 1;
            return;
        }
        match self.known.iter().position(|known| (known.explains)(case)) {
            Some(index) => self.seen[index] += 1,
            None => panic!("an unknown difference:\n{case}"),
        }
    }

    /// Fails where a known difference did not occur, or the two agreed less than `agreed` times.
    pub(crate) fn finish(self, agreed: u64) {
        for (known, seen) in self.known.iter().zip(&self.seen) {
            println!("{seen:>8} {}", known.name);
        }
        println!("{:>8} agreed", self.agreed);
        for (known, seen) in self.known.iter().zip(self.seen) {
            assert_ne!(seen, 0, "no longer a difference: {}", known.name);
        }
        assert!(self.agreed >= agreed, "agreed about {} cases only", self.agreed);
    }
}

/// Each difference shows in its example, and no other one explains it before.
pub(crate) fn examples_show<C: Case>(known: &[Known<C>]) {
    for (index, Known { name, example, .. }) in known.iter().enumerate() {
        let case = example();
        assert!(!case.agrees(), "{name}: agree about\n{case}");
        let first = known.iter().position(|known| (known.explains)(&case));
        let explained = first.map(|first| known[first].name);
        assert_eq!(first, Some(index), "{name}: explained by {explained:?}\n{case}");
    }
}
