//! Publish once: the state of one partition's version and membership, in one atomic word.
//!
//! ```text
//!    63                35   34     33       32     31            0
//!   +--------------------+-----+---------+-------+----------------+
//!   |         0          |  W  |    P    |   P   |    version     |
//!   +--------------------+-----+---------+-------+----------------+
//!       withdrawn ---------'        |        |       0: none proposed
//!       published ------------------'        |
//!       publishing --------------------------'
//!
//!   propose     claim        commit
//!   ------> v -------> P,v ---------> published, for good
//!     ^_____|  ^________|
//!     propose   abandon               withdraw: from any state, for good
//! ```
//!
//! One `fetch_or` decides which of two sibling vCPUs publishes; nobody loops, so no sibling can
//! starve another.

use crate::edges::{E9_ACQUIRE, E9_RELEASE};
use crate::sync::AtomicU64;
use core::fmt;
use core::num::NonZeroU32;
use core::sync::atomic::Ordering::Relaxed;

const PUBLISHING: u64 = 1 << 32;
const PUBLISHED: u64 = 1 << 33;
const WITHDRAWN: u64 = 1 << 34;

/// A version that siblings negotiate, which the first to use it publishes, exactly once.
///
/// A publisher that can be torn down runs from [`claim`](Self::claim) to
/// [`commit`](Publishing::commit) under the lock that also covers [`withdraw`](Self::withdraw) and
/// the removal of what was published. Without that lock the word stays sound, but a withdrawal may
/// find the publication half done.
///
/// ```
/// use ffa_rcu::{Claim, PublishOnce, ProposeError, State};
/// use std::num::NonZeroU32;
///
/// let [old, new] = [0x1_0000, 0x1_0002].map(|version| NonZeroU32::new(version).unwrap());
/// let once = PublishOnce::new();
/// assert!(matches!(once.claim(), Claim::Nothing));
/// once.propose(old).unwrap();
/// once.propose(new).unwrap(); // still negotiating
/// let Claim::Won(publishing) = once.claim() else { unreachable!() };
/// assert_eq!(once.propose(old), Err(ProposeError::Frozen(new)));
/// publishing.abandon(); // no memory, say
/// let Claim::Won(publishing) = once.claim() else { unreachable!() };
/// publishing.commit();
/// assert!(matches!(once.claim(), Claim::Published(version) if version == new));
/// assert_eq!(once.withdraw(), State::Published(new));
/// assert_eq!(once.propose(old), Err(ProposeError::Withdrawn));
/// ```
pub struct PublishOnce {
    word: AtomicU64,
}

/// Where a [`PublishOnce`] stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// No version yet.
    Created,
    /// Proposed, and still open to another proposal.
    Proposed(NonZeroU32),
    /// Being published by a sibling.
    Publishing(NonZeroU32),
    /// Published: the version is fixed for good.
    Published(NonZeroU32),
    /// Withdrawn for good, with the last version that it had.
    Withdrawn(Option<NonZeroU32>),
}

/// Why a proposal changed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProposeError {
    /// This version is published, or being published.
    Frozen(NonZeroU32),
    /// The partition is being torn down.
    Withdrawn,
}

/// The answer to a caller that needs the version to be published.
#[must_use]
pub enum Claim<'p> {
    /// No version was proposed.
    Nothing,
    /// The caller is the one that publishes.
    Won(Publishing<'p>),
    /// A sibling is publishing.
    Taken(NonZeroU32),
    /// Done: this version.
    Published(NonZeroU32),
    /// The partition is being torn down.
    Withdrawn,
}

/// The right and the duty to publish; there is one at a time. Dropping it abandons.
#[must_use = "dropping it abandons the publication"]
pub struct Publishing<'p> {
    once: &'p PublishOnce,
    version: NonZeroU32,
}

impl PublishOnce {
    /// No version, not published.
    #[must_use]
    pub fn new() -> Self {
        Self { word: AtomicU64::new(0) }
    }

    /// Proposes a version, in place of an earlier proposal.
    ///
    /// Of two proposals at the same moment one stays; the other counts as having come just before
    /// it.
    ///
    /// # Errors
    ///
    /// [`ProposeError`], once a sibling publishes or the partition is withdrawn.
    pub fn propose(&self, version: NonZeroU32) -> Result<(), ProposeError> {
        let seen = self.word.load(E9_ACQUIRE);
        check_open(seen)?;
        let proposal = u64::from(version.get());
        // One attempt: whoever changed the word meanwhile proposed after us, or ended the
        // negotiation.
        match self.word.compare_exchange(seen, proposal, Relaxed, E9_ACQUIRE) {
            Ok(_) => Ok(()),
            Err(current) => check_open(current),
        }
    }

    /// Asks for the version to be published: exactly one caller [wins](Claim::Won).
    pub fn claim(&self) -> Claim<'_> {
        match self.state() {
            State::Created => Claim::Nothing,
            State::Proposed(_) => self.claim_proposed(),
            other => other.into_claim(),
        }
    }

    /// Withdraws for good, and returns the state before.
    ///
    /// [`State::Published`]: there is something to remove. [`State::Publishing`]: a publisher is at
    /// work, which the lock described above excludes.
    pub fn withdraw(&self) -> State {
        State::of(self.word.fetch_or(WITHDRAWN, E9_ACQUIRE))
    }

    /// The state at this moment. After [`State::Published`], all that the publisher did before its
    /// commit is visible.
    #[inline]
    #[must_use]
    pub fn state(&self) -> State {
        State::of(self.word.load(E9_ACQUIRE))
    }

    /// A version is proposed, and there is one from now on.
    fn claim_proposed(&self) -> Claim<'_> {
        match State::of(self.word.fetch_or(PUBLISHING, E9_ACQUIRE)) {
            State::Proposed(version) => Claim::Won(Publishing { once: self, version }),
            other => other.into_claim(),
        }
    }
}

impl Default for PublishOnce {
    fn default() -> Self {
        Self::new()
    }
}

impl Publishing<'_> {
    /// The version to publish, which no proposal can change any more.
    #[must_use]
    pub fn version(&self) -> NonZeroU32 {
        self.version
    }

    /// Says that the version is published. What the caller did before becomes visible with it.
    pub fn commit(self) {
        self.once.word.fetch_or(PUBLISHED, E9_RELEASE);
        core::mem::forget(self);
    }

    /// Gives up: the version is proposed again, and the next claim may win.
    pub fn abandon(self) {}
}

impl Drop for Publishing<'_> {
    fn drop(&mut self) {
        // Release: the next winner continues after what we have undone.
        self.once.word.fetch_and(!PUBLISHING, E9_RELEASE);
    }
}

impl State {
    /// The last step taken counts: the bits of earlier ones may stay set.
    #[expect(clippy::cast_possible_truncation, reason = "the version is the low half")]
    fn of(word: u64) -> Self {
        let version = NonZeroU32::new(word as u32);
        match version {
            _ if word & WITHDRAWN != 0 => Self::Withdrawn(version),
            None => Self::Created,
            Some(version) if word & PUBLISHED != 0 => Self::Published(version),
            Some(version) if word & PUBLISHING != 0 => Self::Publishing(version),
            Some(version) => Self::Proposed(version),
        }
    }

    /// The answer to a claim that did not win.
    fn into_claim<'p>(self) -> Claim<'p> {
        match self {
            Self::Created => Claim::Nothing,
            Self::Proposed(version) | Self::Publishing(version) => Claim::Taken(version),
            Self::Published(version) => Claim::Published(version),
            Self::Withdrawn(_) => Claim::Withdrawn,
        }
    }
}

/// Whether a proposal may still change the word.
fn check_open(word: u64) -> Result<(), ProposeError> {
    match State::of(word) {
        State::Created | State::Proposed(_) => Ok(()),
        State::Publishing(version) | State::Published(version) => {
            Err(ProposeError::Frozen(version))
        }
        State::Withdrawn(_) => Err(ProposeError::Withdrawn),
    }
}

impl fmt::Display for ProposeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Frozen(version) => write!(f, "version {version:#x} is fixed"),
            Self::Withdrawn => f.write_str("the partition is withdrawn"),
        }
    }
}

impl core::error::Error for ProposeError {}
