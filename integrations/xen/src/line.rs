//! A line of text in a buffer on the stack.

use core::fmt::{self, Write};

/// Longest line; Xen's own are shorter. What goes beyond is cut.
const LENGTH: usize = 240;

pub(crate) struct Line {
    bytes: [u8; LENGTH],
    length: usize,
}

impl Line {
    pub(crate) fn new(text: fmt::Arguments<'_>) -> Line {
        let mut line = Line { bytes: [0; LENGTH], length: 0 };
        // It fails where the text was cut.
        let _ = line.write_fmt(text);
        line
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

impl Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            *self.bytes.get_mut(self.length).ok_or(fmt::Error)? = byte;
            self.length += 1;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_cut_and_not_lost() {
        assert_eq!(Line::new(format_args!("SPMC {:#06x}", 0x8000)).bytes(), b"SPMC 0x8000");
        let long = Line::new(format_args!("{:300}", 1));
        assert_eq!(long.bytes(), [b' '; LENGTH]);
    }
}
