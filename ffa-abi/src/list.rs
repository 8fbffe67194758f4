//! Lists in one line of a log.

use core::fmt;

/// How many of a list are shown: a guest may send thousands, and a log has better use for its room.
const SHOWN: usize = 8;

/// Shows a list as `[a, b, c]`: the first eight, and how many more there are.
pub(crate) struct List<I>(pub(crate) I);

impl<I> fmt::Display for List<I>
where
    I: ExactSizeIterator<Item: fmt::Display> + Clone,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        let mut separator = "";
        for item in self.0.clone().take(SHOWN) {
            write!(f, "{separator}{item}")?;
            separator = ", ";
        }
        match self.0.len().saturating_sub(SHOWN) {
            0 => f.write_str("]"),
            more => write!(f, ", and {more} more]"),
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::string::ToString;

    #[test]
    fn a_long_list_is_cut_and_says_so() {
        let shown = |count: u16| List(0..count).to_string();
        assert_eq!([shown(0), shown(1), shown(2)], ["[]", "[0]", "[0, 1]"]);
        assert_eq!(shown(8), "[0, 1, 2, 3, 4, 5, 6, 7]");
        assert_eq!(shown(u16::MAX), "[0, 1, 2, 3, 4, 5, 6, 7, and 65527 more]");
    }
}
