//! The tag of `FFA_PARTITION_INFO_GET_REGS`: which list a VM goes on with.
//!
//! ```text
//!    63                                   16  15        0
//!   +---------------------------------------+-----------+
//!   |  state of the directory, low 48 bits  |    tag    |     of the list that the VM began last
//!   +---------------------------------------+-----------+
//! ```
//!
//! A tag has 16 bits, and a directory changes more often than that. If the tag were the low bits of
//! the directory's own version, two states 65,536 changes apart would have one tag, and a caller that
//! slept between two calls could take parts of two lists for one. So a VM counts its tags itself: a
//! list of a state that it has not begun a list of before gets the next number, and a list goes on
//! only where it is the one that the VM began last, of the very state that is there now. Other VMs'
//! comings and goings therefore cannot bring a tag back. Only the VM itself can, by beginning 65,535
//! further lists, each of another state, while one of its vCPUs still waits in the middle of one.
//!
//! Tag 0 is given to nobody, and never goes on.

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// The list by registers that a VM began last.
#[derive(Default)]
pub(crate) struct Listing(AtomicU64);

const TAG_BITS: u32 = 16;
const FIRST_TAG: u64 = 1;
/// Given where a sibling vCPU began another list at the same moment: that one goes on, this does not.
const NO_TAG: u16 = 0;

impl Listing {
    /// A vCPU begins a list of `state`: its tag.
    ///
    /// One attempt, no loop.
    pub(crate) fn begin(&self, state: u64) -> u16 {
        // Relaxed: the word says all by itself.
        self.begin_after(self.0.load(Relaxed), state)
    }

    /// The same, where the VM's list before was `last` when last looked.
    fn begin_after(&self, last: u64, state: u64) -> u16 {
        if state_of(last) == state_of(state << TAG_BITS) && tag_of(last) != NO_TAG {
            return tag_of(last);
        }
        let next = state << TAG_BITS | next_tag(last);
        match self.0.compare_exchange(last, next, Relaxed, Relaxed) {
            Ok(_) => tag_of(next),
            // A sibling began one: of the same state, hence the same list; or of another.
            Err(current) if state_of(current) == state_of(next) => tag_of(current),
            Err(_) => NO_TAG,
        }
    }

    /// Whether the list of this tag goes on at `state`.
    pub(crate) fn goes_on(&self, state: u64, tag: u16) -> bool {
        tag != NO_TAG && self.0.load(Relaxed) == state << TAG_BITS | u64::from(tag)
    }
}

/// The low 48 bits of a state.
fn state_of(word: u64) -> u64 {
    word >> TAG_BITS
}

#[expect(clippy::cast_possible_truncation, reason = "the tag is the low half-word")]
fn tag_of(word: u64) -> u16 {
    word as u16
}

/// The number after a word's tag; 0 is left out.
fn next_tag(word: u64) -> u64 {
    u64::from(tag_of(word).wrapping_add(1)).max(FIRST_TAG)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_keeps_its_tag_until_the_vm_begins_a_list_of_another() {
        let listing = Listing::default();
        assert!(!listing.goes_on(0, 0), "nothing was begun");
        let first = listing.begin(7);
        assert_eq!((first, listing.begin(7)), (1, 1));
        assert!(listing.goes_on(7, first));
        assert!(!listing.goes_on(8, first), "the directory has changed");
        assert_eq!(listing.begin(8), 2);
        assert!(!listing.goes_on(8, first) && !listing.goes_on(7, first));
        assert!(listing.goes_on(8, 2));
    }

    /// The rule for wrap-around: whatever the number of changes in between, a list of one state does
    /// not go on at another.
    #[test]
    fn no_number_of_changes_brings_a_tag_back() {
        for changes in [1, 0xffff, 0x1_0000, 0x2_0000, 1 << 32, 1 << 47] {
            let listing = Listing::default();
            let tag = listing.begin(5);
            assert!(!listing.goes_on(5 + changes, tag), "{changes}");
            // Nor where a sibling began a list of the new state meanwhile.
            assert_ne!(listing.begin(5 + changes), tag, "{changes}");
            assert!(!listing.goes_on(5 + changes, tag), "{changes}");
        }
    }

    #[test]
    fn a_tag_comes_back_after_65535_further_lists_of_the_same_vm_and_not_before() {
        let listing = Listing::default();
        let first = listing.begin(0);
        for state in 1..0xffff {
            let tag = listing.begin(state);
            assert!(tag != first && tag != NO_TAG, "{state}");
            assert!(!listing.goes_on(state, first));
        }
        assert_eq!(listing.begin(0xffff), first);
    }

    /// A sibling vCPU begins a list between this one's look and its attempt: where both are of one
    /// state they are one list, else neither goes on with the other's.
    #[test]
    fn siblings_never_go_on_with_each_others_lists() {
        for before in [None, Some(4), Some(5), Some(6)] {
            for (mine, theirs) in [(5, 5), (5, 6), (6, 5)] {
                let listing = Listing::default();
                before.map(|state| listing.begin(state));
                let last = listing.0.load(Relaxed);
                let their_tag = listing.begin(theirs);
                let my_tag = listing.begin_after(last, mine);
                let is_one_list = my_tag == their_tag && listing.goes_on(mine, my_tag);
                assert!(mine != theirs || is_one_list, "{before:?}: tags {my_tag} {their_tag}");
                let mixes = mine != theirs && listing.goes_on(theirs, my_tag);
                assert!(!mixes, "{before:?} {mine} {theirs}: tags {my_tag} {their_tag}");
            }
        }
    }

    #[test]
    fn states_wrap_at_48_bits() {
        let listing = Listing::default();
        let tag = listing.begin(u64::MAX);
        assert_eq!(listing.begin(u64::MAX), tag);
        assert!(listing.goes_on(u64::MAX, tag));
        assert_ne!(listing.begin(0), tag);
    }
}
