//! Transcripts: a client's calls and what it is answered, line by line, played against a machine.
//!
//! ```text
//! # who asks what             -> the reply, x0..x7, the rest zero
//! VERSION 10001               -> 10002
//! FEATURES RXTX_MAP_64        -> SUCCESS_32
//! PARTITION_INFO_GET 0 0 0 0 1 -> SUCCESS_32 0 2
//! c400008b                    -> ERROR 0 NOT_SUPPORTED
//! ```
//! A word is a call's name without `FFA_`, a status, `TX` or `RX` for where the buffers are, `-1` in 64
//! bits, or a hexadecimal number.

use ffa_abi::{FUNCTIONS, Regs, Status};

use crate::scenario::Actor;
use crate::vcpu::{RX, TX};

impl Actor<'_> {
    /// Makes each line's call and compares the reply.
    pub fn plays(&self, transcript: &str) {
        for line in transcript.lines().map(str::trim) {
            if !line.is_empty() && !line.starts_with('#') {
                self.plays_line(line);
            }
        }
    }

    fn plays_line(&self, line: &str) {
        let (call, reply) = line.split_once("->").unwrap_or_else(|| panic!("no reply in {line:?}"));
        let heard = self.traps(&registers(call));
        let (got, expected) = (heard.regs(), registers(reply));
        assert_eq!(got.0[..8], expected.0[..8], "{line}: got {got:?}");
    }
}

fn registers(words: &str) -> Regs {
    let mut regs = Regs::ZERO;
    for (index, word) in words.split_whitespace().enumerate() {
        regs.set(index, value(word));
    }
    regs
}

fn value(word: &str) -> u64 {
    match word {
        "TX" => TX,
        "RX" => RX,
        "-1" => u64::MAX,
        _ => function(word).or_else(|| status(word)).unwrap_or_else(|| number(word)),
    }
}

fn function(word: &str) -> Option<u64> {
    let named = |name: &str| name.strip_prefix("FFA_") == Some(word);
    FUNCTIONS.iter().find(|row| named(row.name)).map(|row| row.id.bits().into())
}

fn status(word: &str) -> Option<u64> {
    let status = (-10..0).map(Status).find(|status| status.name() == Some(word))?;
    Some(status.bits().into())
}

fn number(word: &str) -> u64 {
    u64::from_str_radix(word, 16).unwrap_or_else(|_| panic!("what is {word:?}?"))
}
