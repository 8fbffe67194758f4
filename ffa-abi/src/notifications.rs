//! Bitmaps of notifications.

use core::fmt;
use core::ops::{BitAnd, BitOr};

use bitflags::bitflags;

/// Up to 64 notifications of one receiver: bit N is notification N. In registers it is two words,
/// the low one first.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Notifications(pub u64);

bitflags! {
    /// Notifications of the framework itself: a word of its own for the SPM and for the hypervisor.
    /// Bits that no version defines are kept.
    #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
    pub struct FrameworkNotifications: u32 {
        /// An indirect message waits in the receiver's RX buffer.
        const RX_BUFFER_FULL = 1 << 0;
    }
}

impl Notifications {
    /// How many notifications a receiver has for each kind of sender.
    pub const COUNT: u8 = 64;

    /// No notification.
    pub const NONE: Notifications = Notifications(0);

    /// Notification `id` alone; `None` from [`Notifications::COUNT`] on.
    #[must_use]
    pub const fn of(id: u8) -> Option<Notifications> {
        if id < Self::COUNT { Some(Notifications(1 << id)) } else { None }
    }

    /// From bits 31:0 and bits 63:32.
    #[must_use]
    pub const fn from_words(low: u32, high: u32) -> Notifications {
        Notifications((high as u64) << 32 | low as u64)
    }

    /// Bits 31:0 and bits 63:32.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "each half is cut out")]
    pub const fn words(self) -> (u32, u32) {
        (self.0 as u32, (self.0 >> 32) as u32)
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether all of `other` are among these.
    #[must_use]
    pub const fn contains(self, other: Notifications) -> bool {
        self.0 & other.0 == other.0
    }

    /// These, save those that `other` has.
    #[must_use]
    pub const fn without(self, other: Notifications) -> Notifications {
        Notifications(self.0 & !other.0)
    }

    /// The numbers of the notifications, lowest first.
    pub fn ids(self) -> impl Iterator<Item = u8> {
        (0..Self::COUNT).filter(move |id| self.0 >> id & 1 == 1)
    }
}

impl BitOr for Notifications {
    type Output = Notifications;

    fn bitor(self, other: Notifications) -> Notifications {
        Notifications(self.0 | other.0)
    }
}

impl BitAnd for Notifications {
    type Output = Notifications;

    fn bitand(self, other: Notifications) -> Notifications {
        Notifications(self.0 & other.0)
    }
}

impl fmt::Debug for Notifications {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#018x}", self.0)
    }
}

impl fmt::Display for Notifications {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_low_word_comes_first() {
        let notifications = Notifications::from_words(0x0000_0001, 0x8000_0000);
        assert_eq!(notifications, Notifications(0x8000_0000_0000_0001));
        assert_eq!(notifications.words(), (0x0000_0001, 0x8000_0000));
    }

    #[test]
    fn bit_n_is_notification_n() {
        assert_eq!(Notifications::of(5), Some(Notifications(0x20)));
        assert_eq!(Notifications::of(63), Some(Notifications(0x8000_0000_0000_0000)));
        assert_eq!(Notifications::of(64), None);
        assert!(Notifications(0x8000_0000_0000_0021).ids().eq([0, 5, 63]));
        assert!(Notifications::NONE.ids().eq([]));
    }

    #[test]
    fn bitmaps_are_sets() {
        let (some, more) = (Notifications(0b0110), Notifications(0b0111));
        assert!(more.contains(some) && !some.contains(more));
        assert_eq!(more.without(some), Notifications(0b0001));
        assert_eq!((some | more, some & more), (more, some));
        assert!(Notifications::NONE.is_empty() && !some.is_empty());
    }
}
