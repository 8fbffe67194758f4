//! What the fuzz targets share: reading an input piece by piece, showing, and running out of room.
//!
//! Every input starts with a few bytes that choose (a version, a kind, where to cut); what follows is
//! the registers or the descriptor as somebody hostile would write it.

pub mod meaning;

use std::fmt::{self, Debug, Display, Write};

use ffa_abi::{BuildError, Regs, TransactionKind, Version};

/// An input, taken from the front. Where it ends, zeros follow.
pub struct Input<'d>(pub &'d [u8]);

impl<'d> Input<'d> {
    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let (taken, rest) = self.0.split_at(N.min(self.0.len()));
        self.0 = rest;
        let mut bytes = [0; N];
        bytes[..taken.len()].copy_from_slice(taken);
        bytes
    }

    pub fn byte(&mut self) -> u8 {
        self.bytes::<1>()[0]
    }

    pub fn half(&mut self) -> u16 {
        u16::from_le_bytes(self.bytes())
    }

    /// 1.0 to 1.3, or a later minor that nobody knows yet.
    pub fn version(&mut self) -> Version {
        let minor = u32::from(self.byte() % 5);
        Version::from_bits(Version::V1_0.bits() + minor).expect("bit 31 is clear")
    }

    pub fn kind(&mut self) -> TransactionKind {
        match self.byte() % 6 {
            0 => TransactionKind::Share,
            1 => TransactionKind::Lend,
            2 => TransactionKind::Donate,
            3 => TransactionKind::RetrieveRequest,
            4 => TransactionKind::RetrieveResponse,
            _ => TransactionKind::HypervisorRetrieveRequest,
        }
    }

    pub fn regs(&mut self) -> Regs {
        Regs(std::array::from_fn(|_| u64::from_le_bytes(self.bytes())))
    }

    /// All that is left.
    pub fn rest(self) -> &'d [u8] {
        self.0
    }
}

/// The 16 bits at an offset of a descriptor.
pub fn half(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(*bytes[at..].first_chunk().expect("two bytes"))
}

/// The 32 bits.
pub fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(*bytes[at..].first_chunk().expect("four bytes"))
}

/// The 64 bits.
pub fn double_word(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(*bytes[at..].first_chunk().expect("eight bytes"))
}

/// Shows a value both ways: each says something, in one line, in characters that a log survives.
pub fn shown(value: &(impl Display + Debug)) {
    said(format_args!("{value}"));
    said(format_args!("{value:?}"));
}

/// The same for what can be displayed only.
pub fn said(text: fmt::Arguments<'_>) {
    let mut line = Line { length: 0 };
    line.write_fmt(text).expect("a line takes everything");
    assert!(line.length != 0, "nothing is shown");
}

struct Line {
    length: usize,
}

impl Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        assert!(is_printable(text), "{text:?}");
        self.length += text.len();
        Ok(())
    }
}

/// Printable ASCII, told without a comparison of bytes: each would be an event to the fuzzer, and
/// showing would take most of the time.
fn is_printable(text: &str) -> bool {
    let outside = |byte: u8| byte.wrapping_sub(b' ') | b'~'.wrapping_sub(byte);
    text.bytes().fold(0, |bits, byte| bits | outside(byte)) & 0x80 == 0
}

/// How many too small buffers are tried, and bytes that lie behind each buffer.
const NEAR: usize = 33;
const BEHIND: [u8; 16] = [0xa5; 16];

/// What `write` writes, which is `length` bytes: that fits into just as many, and in any buffer that
/// is a little smaller there is no room. Nothing behind the length or the buffer is written.
pub fn written(
    length: usize,
    mut write: impl FnMut(&mut [u8]) -> Result<usize, BuildError>,
) -> Vec<u8> {
    let mut space = vec![0xa5; length + BEHIND.len()];
    for short in length.saturating_sub(NEAR)..length {
        let (buffer, _) = space.split_at_mut(short);
        let end = write(buffer);
        let Err(BuildError::NoRoom { needed }) = end else { panic!("{short} bytes: {end:?}") };
        assert!(short < needed && needed <= length, "{short} bytes, but {needed} are needed");
        assert_eq!(space[short..], vec![0xa5; space.len() - short]);
    }
    assert_eq!(write(&mut space), Ok(length));
    assert_eq!(space[length..], BEHIND);
    space.fill(0xa5);
    assert_eq!(write(&mut space[..length]), Ok(length));
    space.truncate(length);
    space
}
