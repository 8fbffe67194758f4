//! `FFA_CONSOLE_LOG` (1.2): characters for the debug console.
//!
//! ```text
//! w1 [7:0] count of characters [31:8] MBZ
//! w2..w7   24 characters, x2..x7 48, from 1.2 on x2..x17 128; the first in the lowest byte
//! reply    FFA_SUCCESS, or FFA_ERROR with w2 RETRY and w3 how many characters were taken
//! ```

use core::{array, fmt};

use crate::call::{DecodeError, Request, call_regs, must_be_zero};
use crate::form::{Form, Payload, by_width};
use crate::function::FunctionId;
use crate::regs::Regs;
use crate::reply::{CallError, Empty, Reply, ReplyError, write_error};
use crate::status::Status;
use crate::version::Version;

/// How many characters fit into a call: in x2..x17.
pub const MAX_LOG_CHARACTERS: usize = 128;

/// `FFA_CONSOLE_LOG`: w1\[7:0\] how many characters; the characters, the first in the lowest byte,
/// in w2..w7, x2..x7, or from 1.2 on x2..x17.
///
/// A decoded count is as the caller gave it: whether it fits, [`ConsoleLog::text`] tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ConsoleLog {
    count: u8,
    characters: Characters,
}

/// The bytes of w2..w7, x2..x7 or x2..x17, register by register.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Characters {
    Words([[u8; 4]; 6]),
    DoubleWords([[u8; 8]; 6]),
    Extended([[u8; 8]; 16]),
}

/// What answers `FFA_CONSOLE_LOG`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ConsoleLogReply {
    /// `FFA_SUCCESS`: all characters were taken.
    Logged,
    /// `FFA_ERROR` with `RETRY`: only the first `taken` were; the rest may be logged by another call.
    Partly {
        /// w3: how many.
        taken: u8,
    },
}

impl ConsoleLog {
    /// A call of this form; `None` where `text` is empty or longer than the form's registers.
    ///
    /// [`Form::DoubleWords`] is for a callee below 1.2 that has the call ahead of its version, as
    /// Hafnium 1.1 had.
    #[must_use]
    pub fn new(form: Form, text: &[u8]) -> Option<ConsoleLog> {
        let count = u8::try_from(text.len()).ok().filter(|count| *count != 0)?;
        let mut characters = Characters::zero(form);
        characters.bytes_mut().get_mut(..text.len())?.copy_from_slice(text);
        Some(ConsoleLog { count, characters })
    }

    /// The characters; `None` where the count is 0 or more than the registers hold.
    #[must_use]
    pub fn text(&self) -> Option<&[u8]> {
        let text = self.characters.bytes().get(..usize::from(self.count))?;
        if text.is_empty() { None } else { Some(text) }
    }

    /// w1\[7:0\], as it stands.
    #[must_use]
    pub const fn count(&self) -> u8 {
        self.count
    }

    /// Which registers carry the characters.
    #[must_use]
    pub const fn form(&self) -> Form {
        match self.characters {
            Characters::Words(_) => Form::Words,
            Characters::DoubleWords(_) => Form::DoubleWords,
            Characters::Extended(_) => Form::Extended,
        }
    }

    /// How many characters the call's registers hold: 24, 48 or 128.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.characters.bytes().len()
    }

    const fn function(&self) -> FunctionId {
        by_width(self.form().width(), FunctionId::CONSOLE_LOG_32, FunctionId::CONSOLE_LOG_64)
    }
}

impl Characters {
    const fn zero(form: Form) -> Characters {
        match form {
            Form::Words => Characters::Words([[0; 4]; 6]),
            Form::DoubleWords => Characters::DoubleWords([[0; 8]; 6]),
            Form::Extended => Characters::Extended([[0; 8]; 16]),
        }
    }

    #[inline(always)]
    fn read(form: Form, regs: &Regs) -> Characters {
        let word = |index| regs.w(index + 2).to_le_bytes();
        let double_word = |index| regs.x(index + 2).to_le_bytes();
        match form {
            Form::Words => Characters::Words(array::from_fn(word)),
            Form::DoubleWords => Characters::DoubleWords(array::from_fn(double_word)),
            Form::Extended => Characters::Extended(array::from_fn(double_word)),
        }
    }

    fn payload(&self) -> Payload<6, 16> {
        match self {
            Characters::Words(words) => Payload::Words(words.map(u32::from_le_bytes)),
            Characters::DoubleWords(words) => Payload::DoubleWords(words.map(u64::from_le_bytes)),
            Characters::Extended(words) => Payload::Extended(words.map(u64::from_le_bytes)),
        }
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Characters::Words(words) => words.as_flattened(),
            Characters::DoubleWords(words) => words.as_flattened(),
            Characters::Extended(words) => words.as_flattened(),
        }
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        match self {
            Characters::Words(words) => words.as_flattened_mut(),
            Characters::DoubleWords(words) => words.as_flattened_mut(),
            Characters::Extended(words) => words.as_flattened_mut(),
        }
    }
}

impl Request for ConsoleLog {
    type Reply = ConsoleLogReply;

    fn encode(&self) -> Regs {
        let mut regs = call_regs(self.function(), [self.count.into()]);
        self.characters.payload().write(&mut regs);
        regs
    }

    #[expect(clippy::cast_possible_truncation, reason = "the field is cut out")]
    #[inline(always)]
    fn decode(function: FunctionId, regs: &Regs, version: Version) -> Result<Self, DecodeError> {
        must_be_zero(function, "w1[31:8]", regs.w(1) >> 8)?;
        let form = Form::new(function.width(), version >= Version::V1_2);
        Ok(ConsoleLog { count: regs.w(1) as u8, characters: Characters::read(form, regs) })
    }

    /// Also checks that no more was taken than this call carries.
    fn reply(&self, regs: &Regs, version: Version) -> Result<ConsoleLogReply, CallError> {
        match ConsoleLogReply::read(regs, version)? {
            ConsoleLogReply::Partly { taken } if taken > self.count => {
                Err(CallError::Reply(ReplyError::OutOfRange("count of characters")))
            }
            reply => Ok(reply),
        }
    }
}

impl Reply for ConsoleLogReply {
    fn write(&self, regs: &mut Regs) {
        match *self {
            ConsoleLogReply::Logged => Empty.write(regs),
            ConsoleLogReply::Partly { taken } => {
                write_error(regs, Status::RETRY);
                regs.set(3, u64::from(taken).min(MAX_LOG_CHARACTERS as u64));
            }
        }
    }

    fn read(regs: &Regs, version: Version) -> Result<Self, CallError> {
        match Empty::read(regs, version) {
            Ok(Empty) => Ok(ConsoleLogReply::Logged),
            Err(CallError::Status(Status::RETRY)) => match u8::try_from(regs.w(3)) {
                Ok(taken) if usize::from(taken) <= MAX_LOG_CHARACTERS => {
                    Ok(ConsoleLogReply::Partly { taken })
                }
                _ => Err(CallError::Reply(ReplyError::OutOfRange("count of characters"))),
            },
            Err(error) => Err(error),
        }
    }
}

impl fmt::Display for ConsoleLog {
    /// The text with what is not printable escaped, so that a guest's characters stay in their line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.text() {
            Some(text) => write!(f, "{} \"{}\"", self.function(), text.escape_ascii()),
            None => write!(f, "{} count={}", self.function(), self.count),
        }
    }
}

impl fmt::Display for ConsoleLogReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConsoleLogReply::Logged => f.write_str("SUCCESS"),
            ConsoleLogReply::Partly { taken } => write!(f, "ERROR RETRY taken={taken}"),
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::string::ToString;
    use std::vec::Vec;

    use super::*;
    use crate::call::Call;

    const FORMS: [(Form, usize); 3] =
        [(Form::Words, 24), (Form::DoubleWords, 48), (Form::Extended, 128)];

    fn regs(values: &[u64]) -> Regs {
        let mut regs = Regs::ZERO;
        regs.0[..values.len()].copy_from_slice(values);
        regs
    }

    fn decode(regs: &Regs, version: Version) -> ConsoleLog {
        match Call::decode_as(FunctionId::from_bits(regs.w(0)).unwrap(), regs, version) {
            Ok(Call::ConsoleLog(log)) => log,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_first_character_is_the_lowest_byte() {
        // "hello\n" in both widths.
        let call = regs(&[0x8400_008a, 6, 0x6c6c_6568, 0x0a6f]);
        let log = decode(&call, Version::V1_2);
        assert_eq!(log.text(), Some(&b"hello\n"[..]));
        assert_eq!(log.encode(), call);
        assert_eq!(ConsoleLog::new(Form::Words, b"hello\n"), Some(log));
        let call = regs(&[0xc400_008a, 6, 0x0a6f_6c6c_6568]);
        let log = decode(&call, Version::V1_2);
        assert_eq!(log.text(), Some(&b"hello\n"[..]));
        assert_eq!(log.encode(), call);
        assert_eq!(log.to_string(), "FFA_CONSOLE_LOG_64 \"hello\\n\"");
    }

    #[test]
    fn each_form_holds_as_much_as_its_registers() {
        let text: Vec<u8> = (1..=129).collect();
        for (form, capacity) in FORMS {
            let log = ConsoleLog::new(form, &text[..capacity]).unwrap();
            assert_eq!((log.capacity(), log.text()), (capacity, Some(&text[..capacity])));
            assert_eq!(ConsoleLog::new(form, &text[..=capacity]), None);
            assert_eq!(ConsoleLog::new(form, &[]), None);
            let version = if form == Form::DoubleWords { Version::V1_1 } else { Version::V1_2 };
            assert_eq!(decode(&log.encode(), version), log);
        }
        let log = ConsoleLog::new(Form::Extended, &text[..128]).unwrap().encode();
        assert_eq!((log.x(2), log.x(17)), (0x0807_0605_0403_0201, 0x807f_7e7d_7c7b_7a79));
        let log = ConsoleLog::new(Form::Words, &text[..24]).unwrap().encode();
        assert_eq!((log.x(2), log.x(7), log.x(8)), (0x0403_0201, 0x1817_1615, 0));
    }

    #[test]
    fn a_count_that_does_not_fit_is_no_text() {
        for (form, capacity) in FORMS {
            let id = if form == Form::Words { 0x8400_008a_u32 } else { 0xc400_008a };
            let version = if form == Form::DoubleWords { Version::V1_1 } else { Version::V1_2 };
            for count in 0..=255_u8 {
                let mut call = Regs([0x4141_4141_4141_4141; 18]);
                call.set(0, id);
                call.set(1, count);
                let log = decode(&call, version);
                let fits = (1..=capacity).contains(&usize::from(count));
                assert_eq!(log.text().map(<[u8]>::len), fits.then_some(usize::from(count)));
                assert_eq!(log.count(), count);
                assert_eq!(decode(&log.encode(), version), log);
            }
        }
        let log = decode(&regs(&[0x8400_008a, 0]), Version::V1_2);
        assert_eq!(log.to_string(), "FFA_CONSOLE_LOG_32 count=0");
    }

    #[test]
    fn the_32_bit_form_ignores_upper_halves_and_x8_to_x17() {
        let mut call = Regs([0xffff_ffff_4141_4141; 18]);
        call.set(0, 0x8400_008a_u64);
        call.set(1, 0xf_0000_0018_u64);
        let log = decode(&call, Version::V1_2);
        assert_eq!(log.text(), Some(&[b'A'; 24][..]));
        assert_eq!(log.encode().0[1..], {
            let mut expected = [0x4141_4141; 17];
            expected[0] = 24;
            expected[7..].fill(0);
            expected
        });
    }

    #[test]
    fn the_rest_of_w1_is_refused() {
        for id in [0x8400_008a_u64, 0xc400_008a] {
            let call = regs(&[id, 0x101]);
            let function = FunctionId::from_bits(call.w(0)).unwrap();
            let reserved = DecodeError::Reserved { function, field: "w1[31:8]" };
            assert_eq!(Call::decode(&call, Version::V1_2), Err(reserved));
        }
    }

    #[test]
    fn characters_of_a_guest_do_not_leave_their_line() {
        let log = ConsoleLog::new(Form::Words, b"\x1b[2J\r\n\xff\"").unwrap();
        let text = "FFA_CONSOLE_LOG_32 \"\\x1b[2J\\r\\n\\xff\\\"\"";
        assert_eq!(log.to_string(), text);
    }

    #[test]
    fn a_reply_says_how_much_was_taken() {
        let log = ConsoleLog::new(Form::Words, b"hello").unwrap();
        let mut regs = Regs([u64::MAX; 18]);
        ConsoleLogReply::Partly { taken: 3 }.write(&mut regs);
        assert_eq!(regs.0[..8], [0x8400_0060, 0, 0xffff_fff9, 3, 0, 0, 0, 0]);
        assert_eq!(regs.0[8..], [u64::MAX; 10]);
        assert_eq!(log.reply(&regs, Version::V1_2), Ok(ConsoleLogReply::Partly { taken: 3 }));
        ConsoleLogReply::Logged.write(&mut regs);
        assert_eq!(regs.0[..4], [0x8400_0061, 0, 0, 0]);
        assert_eq!(log.reply(&regs, Version::V1_2), Ok(ConsoleLogReply::Logged));
        write_error(&mut regs, Status::INVALID_PARAMETERS);
        assert_eq!(
            log.reply(&regs, Version::V1_2),
            Err(CallError::Status(Status::INVALID_PARAMETERS))
        );
    }

    #[test]
    fn a_reply_that_took_more_than_was_there_is_refused() {
        let log = ConsoleLog::new(Form::Words, b"hello").unwrap();
        let impossible = CallError::Reply(ReplyError::OutOfRange("count of characters"));
        let mut regs = Regs::ZERO;
        write_error(&mut regs, Status::RETRY);
        for (w3, own, any) in [(6_u64, false, true), (128, false, true), (129, false, false)] {
            regs.set(3, w3);
            assert_eq!(log.reply(&regs, Version::V1_2) == Err(impossible), !own);
            assert_eq!(ConsoleLogReply::read(&regs, Version::V1_2).is_ok(), any);
        }
        regs.set(3, 0x100_u64);
        assert_eq!(ConsoleLogReply::read(&regs, Version::V1_2), Err(impossible));
    }
}
