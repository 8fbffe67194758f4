//! Signals: a setter, a taker and one who unbinds, at the same moment.

use super::model;
use ffa_rcu::{Sender, SetError, Signals, UnbindError};
use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::thread;

const SENDER: Sender = Sender::new(1, 0).unwrap();

/// A receiver, and what its sender wrote before it set the signal.
struct Receiver {
    signals: Signals,
    written: [UnsafeCell<u32>; 2],
}

impl Receiver {
    fn new() -> Arc<Self> {
        let signals = Signals::try_new(1).unwrap();
        signals.bind(0b11, SENDER, false).unwrap();
        let written = [UnsafeCell::new(0), UnsafeCell::new(0)];
        Arc::new(Self { signals, written })
    }

    /// Writes, then sets. Each place has one writer.
    fn send(&self, place: usize, signal: u64) -> Result<bool, SetError> {
        // SAFETY: the only writer, before it sets; loom checks that readers come later.
        self.written[place].with_mut(|written| unsafe { *written = 7 });
        self.signals.set(signal, SENDER, None)
    }

    /// What was written before a signal that was taken.
    fn read(&self, place: usize) -> u32 {
        // SAFETY: as above.
        self.written[place].with(|written| unsafe { *written })
    }

    /// Nothing is counted that is not pending.
    fn check_settled(&self) {
        let _ = self.signals.take(0);
        assert_eq!(self.signals.unbind(0b11, 1), Ok(()));
    }
}

/// E12: whoever takes a signal sees what was written before it was set, also when the signal was
/// pending already. A setter that does not ring is seen by the take that the earlier ring causes.
#[test]
fn signals_are_never_lost() {
    model(None, || {
        let receiver = Receiver::new();
        assert_eq!(receiver.send(0, 0b01), Ok(true));
        let setter = {
            let receiver = receiver.clone();
            thread::spawn(move || receiver.send(1, 0b01).unwrap())
        };
        let taken = receiver.signals.take(0);
        assert_eq!((taken, receiver.read(0)), (0b01, 7));
        let rings = setter.join().unwrap();
        if rings {
            assert_eq!(receiver.signals.take(0), 0b01, "told again, and there");
        } else {
            assert_eq!(receiver.signals.take(0), 0, "taken with the first");
        }
        receiver.check_settled();
    });
}

/// E12: the same, where the taker itself looks at what the second setter wrote.
#[test]
fn what_was_written_is_seen() {
    model(None, || {
        let receiver = Receiver::new();
        let setter = {
            let receiver = receiver.clone();
            thread::spawn(move || receiver.send(1, 0b10).unwrap())
        };
        if receiver.signals.take(0) == 0b10 {
            assert_eq!(receiver.read(1), 7);
        }
        setter.join().unwrap();
        receiver.check_settled();
    });
}

/// A signal is set or unbound, never both: once it is unbound, nothing of it is pending.
#[test]
fn set_or_unbound() {
    model(None, || {
        let receiver = Receiver::new();
        let setter = {
            let receiver = receiver.clone();
            thread::spawn(move || receiver.signals.set(0b10, SENDER, None))
        };
        let unbound = receiver.signals.unbind(0b11, 1);
        let set = setter.join().unwrap();
        match (set, unbound) {
            (Ok(rings), Err(UnbindError::Pending)) => {
                assert!(rings);
                assert_eq!(receiver.signals.take(0), 0b10);
                receiver.check_settled();
            }
            (Ok(_), Ok(())) => panic!("set and unbound, with {:#b}", receiver.signals.take(0)),
            (Err(SetError::NotBound), _) => assert_eq!(receiver.signals.pending(0), 0),
            other => panic!("{other:?}"),
        }
    });
}

/// Two setters and a taker: the account is right in the end, whoever was first.
#[test]
fn counted_once() {
    model(Some(3), || {
        let receiver = Receiver::new();
        let setters = [0, 1].map(|_| {
            let receiver = receiver.clone();
            thread::spawn(move || receiver.signals.set(0b01, SENDER, None).unwrap())
        });
        let early = receiver.signals.take(0);
        let rings = setters.map(|setter| setter.join().unwrap());
        let late = receiver.signals.take(0);
        let rung = rings.into_iter().filter(|rings| *rings).count();
        let taken = usize::from(early != 0) + usize::from(late != 0);
        assert_eq!(rung, taken, "one ring for each time that something was there");
        assert!(taken > 0);
        receiver.check_settled();
    });
}
