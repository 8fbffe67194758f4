//! Signals: 64 bits that others set and one takes, each bit bound to the one who may set it.
//!
//! ```text
//!              63    46 45        16   15    14    0
//!  binding    | count  | incarnation | one | sender |    one word a signal
//!                 |                     '- for one target each, not for any
//!                 '- how many pending words have the signal, and setters that are about to
//!
//!  pending    a bit a signal: one word for any target, one more for each target
//!
//!  set    count += 1 where the binding is the setter's;  pending |= bits;  count -= 1 if it was there
//!  take   pending := 0;  count -= 1
//!  unbind binding := 0 where count = 0
//! ```
//!
//! The count is what makes binding and setting one matter: a signal that is pending, or about to be,
//! cannot be unbound, and once it is unbound nobody's is pending. Setting and taking take no lock and
//! wait for nobody: a setter repeats its step only when a sibling, or the taker, has made one.

use alloc::vec::Vec;
use core::fmt;
use core::sync::atomic::Ordering::Relaxed;

use crate::edges::{E12_ACQUIRE, E12_RELEASE};
use crate::memory::OutOfMemory;
use crate::sync::{AtomicU64, Mutex};

/// How many signals there are.
pub const SIGNALS: usize = 64;

const ONE_TARGET: u64 = 1 << 15;
const ID: u64 = ONE_TARGET - 1;
const INCARNATION_SHIFT: u32 = 16;
const COUNT: u64 = 1 << 46;
/// All of a binding but the count.
const BINDING: u64 = COUNT - 1;

/// Signals of one receiver, which may have several targets.
///
/// ```
/// use ffa_rcu::{Sender, SetError, Signals};
///
/// let signals = Signals::try_new(2)?;
/// let sender = Sender::new(7, 0).expect("an id of 15 bits");
/// signals.bind(0b11, sender, false).expect("nobody has them");
/// assert_eq!(signals.set(0b01, sender, None), Ok(true));
/// assert_eq!(signals.set(0b10, sender, None), Ok(false), "the receiver was told already");
/// assert_eq!(signals.set(0b100, sender, None), Err(SetError::NotBound));
/// assert_eq!(signals.take(0), 0b11);
/// # Ok::<(), ffa_rcu::OutOfMemory>(())
/// ```
pub struct Signals {
    bindings: [AtomicU64; SIGNALS],
    /// Pending for any target.
    shared: AtomicU64,
    /// Pending for each target alone.
    targets: Vec<AtomicU64>,
    /// Those who bind and unbind take turns.
    turn: Mutex<()>,
}

/// Who may set a signal: an id, and which of those that have the id one after the other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sender(u64);

impl Sender {
    /// `None` for id 0, and beyond 15 bits. Of the incarnation 30 bits are told apart.
    #[must_use]
    pub const fn new(id: u16, incarnation: u32) -> Option<Sender> {
        let incarnation = (incarnation as u64) << INCARNATION_SHIFT & BINDING;
        if id == 0 || id as u64 > ID { None } else { Some(Sender(incarnation | id as u64)) }
    }

    const fn binding(self, for_one_target: bool) -> u64 {
        if for_one_target { self.0 | ONE_TARGET } else { self.0 }
    }
}

/// Some of the signals are bound already. Nothing has changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AlreadyBound;

/// Why signals stay bound. Nothing has changed, but that a setter may have been refused meanwhile.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum UnbindError {
    /// Some are not bound to this sender.
    NotBound,
    /// Some are pending.
    Pending,
}

/// Why signals were not set. Nothing has changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SetError {
    /// Some are not bound to this sender, or not in this way.
    NotBound,
    /// There is no such target.
    NoTarget,
}

impl Signals {
    /// None bound, none pending.
    ///
    /// # Errors
    /// No memory for `targets` words.
    pub fn try_new(targets: usize) -> Result<Signals, OutOfMemory> {
        let mut words = Vec::new();
        words.try_reserve_exact(targets).map_err(|_| OutOfMemory)?;
        words.extend((0..targets).map(|_| AtomicU64::new(0)));
        let bindings = core::array::from_fn(|_| AtomicU64::new(0));
        let (shared, turn) = (AtomicU64::new(0), Mutex::new(()));
        Ok(Signals { bindings, shared, targets: words, turn })
    }

    /// `sender`, and nobody else, may set `signals` from now on: for any target, or for one target a
    /// time.
    ///
    /// # Errors
    /// [`AlreadyBound`], to whomever.
    pub fn bind(
        &self,
        signals: u64,
        sender: Sender,
        for_one_target: bool,
    ) -> Result<(), AlreadyBound> {
        let _turn = self.turn.lock();
        // A binding that is 0 stays so during our turn.
        if self.bindings(signals).any(|(_, binding)| binding.load(Relaxed) != 0) {
            return Err(AlreadyBound);
        }
        let bound = sender.binding(for_one_target);
        self.bindings(signals).for_each(|(_, binding)| binding.store(bound, Relaxed));
        Ok(())
    }

    /// Nobody may set `signals` from now on, which are bound to the sender with this id.
    ///
    /// # Errors
    /// See [`UnbindError`].
    pub fn unbind(&self, signals: u64, id: u16) -> Result<(), UnbindError> {
        let _turn = self.turn.lock();
        let is_other = |binding: &AtomicU64| binding.load(Relaxed) & ID != id.into();
        if id == 0 || self.bindings(signals).any(|(_, binding)| is_other(binding)) {
            return Err(UnbindError::NotBound);
        }
        let mut before = [0; SIGNALS];
        for ((bit, binding), old) in self.bindings(signals).zip(&mut before) {
            // During our turn only the count changes, and it has to be 0.
            *old = binding.load(Relaxed) & BINDING;
            if binding.compare_exchange(*old, 0, Relaxed, Relaxed).is_err() {
                let undone = self.bindings(signals & (bit - 1)).zip(before);
                undone.for_each(|((_, binding), old)| binding.store(old, Relaxed));
                return Err(UnbindError::Pending);
            }
        }
        Ok(())
    }

    /// Makes `signals` pending, all or none, for one target or for any. Whether the target, or the
    /// receiver, had none pending before: it has to be told then, and else was.
    ///
    /// What the caller did before is visible to whoever takes one of them.
    ///
    /// # Errors
    /// See [`SetError`].
    pub fn set(
        &self,
        signals: u64,
        sender: Sender,
        target: Option<usize>,
    ) -> Result<bool, SetError> {
        let pending = match target {
            None => &self.shared,
            Some(target) => self.targets.get(target).ok_or(SetError::NoTarget)?,
        };
        self.hold(signals, sender.binding(target.is_some()))?;
        let before = pending.fetch_or(signals, E12_RELEASE);
        // Each pending bit is counted once.
        self.let_go(signals & before);
        Ok(before == 0)
    }

    /// Takes what is pending for a target: its own, and what any may take. 0 for a target that does
    /// not exist.
    #[must_use]
    pub fn take(&self, target: usize) -> u64 {
        let Some(own) = self.targets.get(target) else { return 0 };
        // A signal is bound in one way at a time: none is in both words.
        let taken = take(own) | take(&self.shared);
        self.let_go(taken);
        taken
    }

    /// What [`Signals::take`] would take.
    #[must_use]
    pub fn pending(&self, target: usize) -> u64 {
        let own = self.targets.get(target).map_or(0, |own| own.load(E12_ACQUIRE));
        own | self.shared.load(E12_ACQUIRE)
    }

    /// Counts the caller in, for each signal, if all are bound so.
    fn hold(&self, signals: u64, bound: u64) -> Result<(), SetError> {
        for (bit, binding) in self.bindings(signals) {
            if !count_in(binding, bound) {
                self.let_go(signals & (bit - 1));
                return Err(SetError::NotBound);
            }
        }
        Ok(())
    }

    fn let_go(&self, signals: u64) {
        for (_, binding) in self.bindings(signals) {
            binding.fetch_sub(COUNT, Relaxed);
        }
    }

    /// Each of the signals with its binding, the lowest first.
    fn bindings(&self, signals: u64) -> impl Iterator<Item = (u64, &AtomicU64)> {
        let mut left = signals;
        core::iter::from_fn(move || {
            let binding = self.bindings.get(left.trailing_zeros() as usize)?;
            let bit = left & left.wrapping_neg();
            left ^= bit;
            Some((bit, binding))
        })
    }
}

/// Adds one to the count of a binding that is `bound`.
fn count_in(binding: &AtomicU64, bound: u64) -> bool {
    let mut seen = binding.load(Relaxed);
    while seen & BINDING == bound {
        match binding.compare_exchange_weak(seen, seen + COUNT, Relaxed, Relaxed) {
            Ok(_) => return true,
            Err(now) => seen = now,
        }
    }
    false
}

/// Takes all of a word, without a write where there is nothing.
fn take(pending: &AtomicU64) -> u64 {
    if pending.load(Relaxed) == 0 { 0 } else { pending.swap(0, E12_ACQUIRE) }
}

impl fmt::Display for AlreadyBound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a signal is bound already")
    }
}

impl fmt::Display for UnbindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotBound => "a signal is not bound to this sender",
            Self::Pending => "a signal is pending",
        })
    }
}

impl fmt::Display for SetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotBound => "a signal is not bound to this sender in this way",
            Self::NoTarget => "there is no such target",
        })
    }
}

impl core::error::Error for AlreadyBound {}
impl core::error::Error for UnbindError {}
impl core::error::Error for SetError {}
