//! Lines of a transcript.

use core::fmt::{self, Display, Formatter, Write};

use ffa_abi::{FunctionId, Regs};

/// Longest line: consoles cut what is much longer.
const WIDTH: usize = 120;
/// Longest word: a register with a tag in it, or 8 bytes.
const WORD: usize = 32;
const TAG_BITS: u32 = 16;

/// A call and its reply.
pub(super) struct Exchange {
    pub(super) call: Regs,
    pub(super) reply: Regs,
}

impl Exchange {
    /// The tag in this reply, if there is one.
    pub(super) fn tag_given(&self) -> Option<u16> {
        self.lists().then(|| tag_at(self.reply.x(2), 32))
    }

    /// `tag` is the one that was given last.
    pub(super) fn print(&self, tag: Option<u16>, print: &mut impl FnMut(&str)) {
        let mut line = Line::new(print);
        for index in 0..used(&self.call, &Regs::ZERO) {
            let shift = (self.walks() && index == 3).then_some(16);
            line.word(&Register { value: self.call.x(index), shift, tag });
        }
        line.word(&"->");
        for index in 0..used(&self.reply, &self.call) {
            let shift = (self.lists() && index == 2).then_some(32);
            line.word(&Register { value: self.reply.x(index), shift, tag });
        }
        line.end();
    }

    fn walks(&self) -> bool {
        self.call.w(0) == FunctionId::PARTITION_INFO_GET_REGS.bits()
    }

    fn lists(&self) -> bool {
        self.walks() && self.reply.w(0) == FunctionId::SUCCESS_64.bits()
    }
}

/// How many registers are printed, where the last ones are left out that are as in `known`.
fn used(regs: &Regs, known: &Regs) -> usize {
    let last = regs.0.iter().zip(known.0).rposition(|(value, known)| *value != known);
    last.unwrap_or(0) + 1
}

/// A register, and from which bit on it has a tag.
struct Register {
    value: u64,
    shift: Option<u32>,
    tag: Option<u16>,
}

impl Display for Register {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { value, .. } = self;
        let Some((shift, name)) = self.tag_name() else { return write!(f, "{value:x}") };
        let (above, below) = (value >> (shift + TAG_BITS), value & !(u64::MAX << shift));
        if above != 0 {
            write!(f, "{above:x}.")?;
        }
        let digits = shift as usize / 4;
        write!(f, "{name}.{below:0digits$x}")
    }
}

impl Register {
    fn tag_name(&self) -> Option<(u32, &'static str)> {
        let shift = self.shift?;
        match tag_at(self.value, shift).wrapping_sub(self.tag?) {
            0 => Some((shift, "tag")),
            1 => Some((shift, "tag+1")),
            _ => None,
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a tag is the low 16 bits of what is left")]
fn tag_at(value: u64, shift: u32) -> u16 {
    (value >> shift) as u16
}

/// Prints what the next lines are about.
pub(super) fn heading(text: &str, print: &mut impl FnMut(&str)) {
    let mut line = Line::new(print);
    line.word(&"#");
    text.split(' ').for_each(|word| line.word(&word));
    line.end();
}

/// Prints a descriptor.
pub(super) fn descriptor(bytes: &[u8], print: &mut impl FnMut(&str)) {
    let mut line = Line::new(print);
    line.word(&"rx");
    bytes.chunks(8).for_each(|chunk| line.word(&Bytes(chunk)));
    line.end();
}

struct Bytes<'b>(&'b [u8]);

impl Display for Bytes<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Words with spaces between them, on as many lines as they need.
struct Line<'p, P> {
    text: heapless::String<WIDTH>,
    print: &'p mut P,
}

impl<'p, P: FnMut(&str)> Line<'p, P> {
    fn new(print: &'p mut P) -> Self {
        let mut line = Self { text: heapless::String::new(), print };
        line.push("T");
        line
    }

    fn word(&mut self, word: &impl Display) {
        let mut text = heapless::String::<WORD>::new();
        // What does not fit is a mistake that a test sees.
        let _ = write!(text, "{word}");
        if self.text.len() + 1 + text.len() > WIDTH {
            (self.print)(&self.text);
            self.text.clear();
            self.push("T+");
        }
        self.push(" ");
        self.push(&text);
    }

    fn push(&mut self, text: &str) {
        let _ = self.text.push_str(text);
    }

    fn end(self) {
        (self.print)(&self.text);
    }
}
