//! Signals against what they are documented to do, history by history.
#![cfg(not(loom))]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use ffa_rcu::{AlreadyBound, Sender, SetError, Signals, UnbindError};

const TARGETS: usize = 3;

fn sender(id: u16, incarnation: u32) -> Sender {
    Sender::new(id, incarnation).unwrap()
}

#[test]
fn what_is_bound_can_be_set_by_its_sender_only() {
    let signals = Signals::try_new(TARGETS).unwrap();
    signals.bind(0b11, sender(1, 5), false).unwrap();
    assert_eq!(signals.bind(0b110, sender(2, 0), false), Err(AlreadyBound));
    assert_eq!(signals.set(0b100, sender(2, 0), None), Err(SetError::NotBound), "all or none");
    assert_eq!(signals.set(0b01, sender(2, 5), None), Err(SetError::NotBound));
    assert_eq!(
        signals.set(0b01, sender(1, 6), None),
        Err(SetError::NotBound),
        "the next with id 1"
    );
    assert_eq!(signals.set(0b01, sender(1, 5), Some(0)), Err(SetError::NotBound), "for any target");
    assert_eq!(signals.set(0b111, sender(1, 5), None), Err(SetError::NotBound));
    assert_eq!(signals.pending(0), 0, "a set that is refused sets nothing");
    assert_eq!(signals.set(0b11, sender(1, 5), None), Ok(true));
    assert_eq!((signals.take(2), signals.take(0)), (0b11, 0));
}

#[test]
fn signals_for_one_target_reach_that_one() {
    let signals = Signals::try_new(TARGETS).unwrap();
    signals.bind(1 << 63, sender(9, 0), true).unwrap();
    assert_eq!(signals.set(1 << 63, sender(9, 0), None), Err(SetError::NotBound));
    assert_eq!(signals.set(1 << 63, sender(9, 0), Some(TARGETS)), Err(SetError::NoTarget));
    for target in [1, 2] {
        assert_eq!(signals.set(1 << 63, sender(9, 0), Some(target)), Ok(true), "each is told");
    }
    assert_eq!(signals.take(0), 0);
    assert_eq!(signals.take(TARGETS), 0, "no such target");
    assert_eq!(signals.take(2), 1 << 63);
    assert_eq!(signals.unbind(1 << 63, 9), Err(UnbindError::Pending), "for target 1");
    assert_eq!(signals.take(1), 1 << 63);
    assert_eq!(signals.unbind(1 << 63, 9), Ok(()));
}

#[test]
fn what_is_pending_stays_bound_and_whole() {
    let signals = Signals::try_new(TARGETS).unwrap();
    signals.bind(0b111, sender(1, 0), false).unwrap();
    signals.set(0b100, sender(1, 0), None).unwrap();
    assert_eq!(signals.unbind(0b111, 1), Err(UnbindError::Pending));
    assert_eq!(signals.set(0b011, sender(1, 0), None), Ok(false), "they are bound as before");
    assert_eq!(signals.unbind(0b1000, 1), Err(UnbindError::NotBound));
    assert_eq!(signals.unbind(0b1000, 0), Err(UnbindError::NotBound), "0 is nobody");
    assert_eq!(signals.unbind(0b111, 2), Err(UnbindError::NotBound));
    assert_eq!(signals.take(0), 0b111);
    assert_eq!(signals.unbind(0b111, 1), Ok(()));
    assert_eq!(signals.bind(0b111, sender(2, 0), false), Ok(()));
}

#[test]
fn senders_have_ids_of_15_bits() {
    assert_eq!(Sender::new(0, 1), None);
    assert_eq!(Sender::new(0x8000, 1), None);
    assert!(Sender::new(0x7fff, u32::MAX).is_some());
}

/// What a receiver would do with lists in place of bits.
#[derive(Default)]
struct Naive {
    bound: [Option<(u16, bool)>; 8],
    pending: [[bool; 8]; TARGETS + 1],
}

impl Naive {
    fn each(signals: u64) -> impl Iterator<Item = usize> {
        (0..8).filter(move |index| signals >> index & 1 != 0)
    }

    fn bind(&mut self, signals: u64, id: u16, one: bool) -> Result<(), AlreadyBound> {
        if Self::each(signals).any(|index| self.bound[index].is_some()) {
            return Err(AlreadyBound);
        }
        Self::each(signals).for_each(|index| self.bound[index] = Some((id, one)));
        Ok(())
    }

    fn unbind(&mut self, signals: u64, id: u16) -> Result<(), UnbindError> {
        if Self::each(signals).any(|index| self.bound[index].is_none_or(|(owner, _)| owner != id)) {
            return Err(UnbindError::NotBound);
        }
        if Self::each(signals).any(|index| self.pending.iter().any(|word| word[index])) {
            return Err(UnbindError::Pending);
        }
        Self::each(signals).for_each(|index| self.bound[index] = None);
        Ok(())
    }

    fn set(&mut self, signals: u64, id: u16, target: Option<usize>) -> Result<bool, SetError> {
        let wanted = Some((id, target.is_some()));
        if Self::each(signals).any(|index| self.bound[index] != wanted) {
            return Err(SetError::NotBound);
        }
        let word = &mut self.pending[target.unwrap_or(TARGETS)];
        let rings = !word.contains(&true);
        Self::each(signals).for_each(|index| word[index] = true);
        Ok(rings)
    }

    fn take(&mut self, target: usize) -> u64 {
        let mut taken = 0;
        for word in [target, TARGETS] {
            let pending = std::mem::take(&mut self.pending[word]);
            taken |= (0..8).filter(|index| pending[*index]).map(|index| 1 << index).sum::<u64>();
        }
        taken
    }
}

#[test]
fn a_million_steps_do_what_lists_would() {
    let (signals, mut naive) = (Signals::try_new(TARGETS).unwrap(), Naive::default());
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move |below: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % below
    };
    let mut seen = [0; 4];
    for _ in 0..1_000_000 {
        let bits = (1 + random(255)) & (1 + random(255));
        let (bits, id) = (if bits == 0 { 1 } else { bits }, 1 + u16::try_from(random(2)).unwrap());
        let target = usize::try_from(random(TARGETS as u64)).unwrap();
        let one = random(2) == 0;
        match random(5) {
            0 => {
                let bound = signals.bind(bits, sender(id, 0), one);
                seen[0] += usize::from(bound.is_ok());
                assert_eq!(bound, naive.bind(bits, id, one));
            }
            1 => {
                let unbound = signals.unbind(bits, id);
                seen[1] += usize::from(unbound.is_ok());
                assert_eq!(unbound, naive.unbind(bits, id));
            }
            2 | 3 => {
                let target = one.then_some(target);
                let set = signals.set(bits, sender(id, 0), target);
                seen[2] += usize::from(set.is_ok());
                assert_eq!(set, naive.set(bits, id, target));
            }
            _ => {
                let taken = signals.take(target);
                seen[3] += usize::from(taken != 0);
                assert_eq!(taken, naive.take(target));
            }
        }
    }
    assert!(seen.iter().all(|count| *count > 5_000), "{seen:?}");
}
