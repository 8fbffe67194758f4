//! Error codes (DEN0077, "Error status codes").

use core::fmt;

/// The signed code in w2 of `FFA_ERROR`. An open type: a code that no document names is kept.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Status(pub i32);

macro_rules! statuses {
    ($(#[doc = $meaning:literal] $name:ident = $code:literal;)*) => {
        impl Status {
            $(#[doc = $meaning] pub const $name: Status = Status($code);)*

            /// Every code that a document names.
            pub const ALL: &[Status] = &[$(Status::$name),*];

            /// The specification's name, where it has one.
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($code => Some(stringify!($name)),)*
                    _ => None,
                }
            }

            /// What the specification means by it, in a sentence.
            #[must_use]
            pub const fn meaning(self) -> Option<&'static str> {
                match self.0 {
                    $($code => Some($meaning.trim_ascii_start()),)*
                    _ => None,
                }
            }
        }
    };
}

statuses! {
    /// The call is not implemented, or not for this caller.
    NOT_SUPPORTED = -1;
    /// An argument is wrong.
    INVALID_PARAMETERS = -2;
    /// Not enough memory, or not enough room in a buffer.
    NO_MEMORY = -3;
    /// A resource is in use now.
    BUSY = -4;
    /// The call was interrupted.
    INTERRUPTED = -5;
    /// The caller, or the callee's state, does not permit the call.
    DENIED = -6;
    /// Call again.
    RETRY = -7;
    /// The callee aborted.
    ABORTED = -8;
    /// Nothing to return.
    NO_DATA = -9;
    /// The callee is not ready (FF-A 1.3).
    NOT_READY = -10;
}

impl Status {
    /// As w2 holds it.
    #[must_use]
    #[expect(clippy::cast_sign_loss, reason = "a register holds the two's complement")]
    pub const fn bits(self) -> u32 {
        self.0 as u32
    }

    /// From w2.
    #[must_use]
    #[expect(clippy::cast_possible_wrap, reason = "a register holds the two's complement")]
    pub const fn from_bits(bits: u32) -> Status {
        Status(bits as i32)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "status {}", self.0),
        }
    }
}

impl fmt::Debug for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_the_document_and_each_is_explained() {
        assert!(Status::ALL.iter().map(|status| status.0).eq((1..=10).map(|code| -code)));
        assert_eq!(
            Status::RETRY.name().zip(Status::RETRY.meaning()),
            Some(("RETRY", "Call again."))
        );
        assert_eq!(Status(1).name().or(Status(-11).meaning()), None);
        for status in Status::ALL {
            assert_eq!(Status::from_bits(status.bits()), *status);
            assert!(status.meaning().is_some_and(|meaning| meaning.ends_with('.')));
        }
    }
}
