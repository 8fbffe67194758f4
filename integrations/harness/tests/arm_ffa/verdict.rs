//! What one of the two crates says to registers or bytes.

use std::cell::Cell;
use std::fmt::{self, Debug};
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

/// Takes it, refuses it, or panics.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Verdict<T, E> {
    Accepts(T),
    Refuses(E),
    Panics,
}

impl<T, E> Verdict<T, E> {
    pub(crate) fn accepted(&self) -> Option<&T> {
        if let Verdict::Accepts(value) = self { Some(value) } else { None }
    }

    pub(crate) fn refused(&self) -> Option<&E> {
        if let Verdict::Refuses(error) = self { Some(error) } else { None }
    }

    pub(crate) fn panics(&self) -> bool {
        matches!(self, Verdict::Panics)
    }
}

impl<T, E> From<Result<T, E>> for Verdict<T, E> {
    fn from(result: Result<T, E>) -> Self {
        match result {
            Ok(value) => Verdict::Accepts(value),
            Err(error) => Verdict::Refuses(error),
        }
    }
}

impl<T: Debug, E: Debug> fmt::Display for Verdict<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verdict::Accepts(value) => write!(f, "{value:?}"),
            Verdict::Refuses(error) => write!(f, "refused: {error:?}"),
            Verdict::Panics => f.write_str("panics"),
        }
    }
}

thread_local! {
    static LISTENING: Cell<bool> = const { Cell::new(false) };
}

/// Asks arm-ffa, whose panics are an answer and are not printed. ffa-abi is never asked this way.
pub(crate) fn ask<T, E>(them: impl FnOnce() -> Result<T, E>) -> Verdict<T, E> {
    static QUIET: Once = Once::new();
    QUIET.call_once(|| {
        let loud = take_hook();
        set_hook(Box::new(move |info| {
            if !LISTENING.get() {
                loud(info);
            }
        }));
    });
    LISTENING.set(true);
    let answer = catch_unwind(AssertUnwindSafe(them));
    LISTENING.set(false);
    answer.map_or(Verdict::Panics, Verdict::from)
}
