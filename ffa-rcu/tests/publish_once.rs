//! Every history of up to eight steps of a [`PublishOnce`], against a machine that is written down as
//! its documentation says. What siblings do at the same moment is loom's (`tests/loom/publish_once.rs`).
#![cfg(not(loom))]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails panics")]

use ffa_rcu::{Claim, ProposeError, PublishOnce, Publishing, State};
use std::num::NonZeroU32;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    ProposeOld,
    ProposeNew,
    Claim,
    Commit,
    Abandon,
    Withdraw,
}

const STEPS: [Step; 6] =
    [Step::ProposeOld, Step::ProposeNew, Step::Claim, Step::Commit, Step::Abandon, Step::Withdraw];
const LONGEST: usize = 8;

fn version(step: Step) -> NonZeroU32 {
    NonZeroU32::new(if step == Step::ProposeOld { 0x1_0000 } else { 0x1_0002 }).unwrap()
}

/// What a step answered.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    Proposed(Result<(), ProposeError>),
    Claimed(&'static str, Option<NonZeroU32>),
    Withdrew(State),
    /// Of a step that only a publisher can take.
    Done,
}

/// The machine as documented.
#[derive(Clone, Default)]
struct Expected {
    version: Option<NonZeroU32>,
    is_claimed: bool,
    is_published: bool,
    is_withdrawn: bool,
}

impl Expected {
    fn state(&self) -> State {
        match self.version {
            version if self.is_withdrawn => State::Withdrawn(version),
            None => State::Created,
            Some(version) if self.is_published => State::Published(version),
            Some(version) if self.is_claimed => State::Publishing(version),
            Some(version) => State::Proposed(version),
        }
    }

    fn step(&mut self, step: Step) -> Answer {
        let state = self.state();
        match (step, state) {
            (Step::ProposeOld | Step::ProposeNew, State::Created | State::Proposed(_)) => {
                self.version = Some(version(step));
                Answer::Proposed(Ok(()))
            }
            (Step::ProposeOld | Step::ProposeNew, State::Withdrawn(_)) => {
                Answer::Proposed(Err(ProposeError::Withdrawn))
            }
            (Step::ProposeOld | Step::ProposeNew, State::Publishing(v) | State::Published(v)) => {
                Answer::Proposed(Err(ProposeError::Frozen(v)))
            }
            (Step::Claim, State::Created) => Answer::Claimed("nothing", None),
            (Step::Claim, State::Proposed(version)) => {
                self.is_claimed = true;
                Answer::Claimed("won", Some(version))
            }
            (Step::Claim, State::Publishing(version)) => Answer::Claimed("taken", Some(version)),
            (Step::Claim, State::Published(version)) => Answer::Claimed("published", Some(version)),
            (Step::Claim, State::Withdrawn(_)) => Answer::Claimed("withdrawn", None),
            (Step::Commit, _) => {
                (self.is_published, self.is_claimed) = (true, false);
                Answer::Done
            }
            (Step::Abandon, _) => {
                self.is_claimed = false;
                Answer::Done
            }
            (Step::Withdraw, _) => {
                self.is_withdrawn = true;
                Answer::Withdrew(state)
            }
        }
    }
}

/// The real one, with the publisher that there is.
struct Real<'p> {
    once: &'p PublishOnce,
    publishing: Option<Publishing<'p>>,
}

impl Real<'_> {
    fn step(&mut self, step: Step) -> Answer {
        match step {
            Step::ProposeOld | Step::ProposeNew => {
                Answer::Proposed(self.once.propose(version(step)))
            }
            Step::Claim => match self.once.claim() {
                Claim::Nothing => Answer::Claimed("nothing", None),
                Claim::Won(publishing) => {
                    assert!(self.publishing.is_none(), "two publishers");
                    let version = publishing.version();
                    self.publishing = Some(publishing);
                    Answer::Claimed("won", Some(version))
                }
                Claim::Taken(version) => Answer::Claimed("taken", Some(version)),
                Claim::Published(version) => Answer::Claimed("published", Some(version)),
                Claim::Withdrawn => Answer::Claimed("withdrawn", None),
            },
            Step::Commit => self.publishing.take().map_or(Answer::Done, |publishing| {
                publishing.commit();
                Answer::Done
            }),
            Step::Abandon => {
                drop(self.publishing.take());
                Answer::Done
            }
            Step::Withdraw => Answer::Withdrew(self.once.withdraw()),
        }
    }
}

/// Replays a history and compares every answer and every state; returns who may take which step next.
fn replay(history: &[Step]) -> bool {
    let once = PublishOnce::new();
    let mut real = Real { once: &once, publishing: None };
    let mut expected = Expected::default();
    for step in history {
        assert_eq!(real.step(*step), expected.step(*step), "{history:?}");
        assert_eq!(once.state(), expected.state(), "{history:?}");
    }
    real.publishing.is_some()
}

/// All continuations of a history, and how many histories that makes.
fn explore(history: &mut Vec<Step>) -> u64 {
    let has_publisher = replay(history);
    if history.len() == LONGEST {
        return 1;
    }
    let mut histories = 1;
    for step in STEPS {
        if has_publisher || !matches!(step, Step::Commit | Step::Abandon) {
            history.push(step);
            histories += explore(history);
            history.pop();
        }
    }
    histories
}

#[test]
fn every_history_is_as_documented() {
    let histories = explore(&mut Vec::new());
    assert!(histories > 100_000, "{histories} histories");
}
