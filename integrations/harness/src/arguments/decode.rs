//! The command line of `decode`.

use std::ffi::{OsStr, OsString};
use std::fs;

use ffa_abi::{FUNCTIONS, FunctionId, Regs, Version};
use ffa_harness::decode::{Dump, Kind, carries_transaction};
use lexopt::{Arg, Parser, ValueExt};

use super::{Command, Usage};

/// What is printed for `decode --help`.
const HELP: &str = "\
Explains registers and descriptors of FF-A field by field, and flags what must be zero.

Usage: ffa-harness decode [--version V] W0 [X1 ...]
       ffa-harness decode --reply [--call CALL] [--version V] W0 [X1 ...]
       ffa-harness decode --descriptor KIND (--file PATH | --hex BYTES)
                          [--version V] [--call CALL] [--length N] [--all]

W0 X1 ...          up to 18 registers, hexadecimal with 0x or decimal, missing ones 0;
                   or a function's name, with or without FFA_
  --version V      what the two sides speak: 1.0, 1.1, 1.2 or 1.3 (1.2)
  --reply          the registers are those after a call
  --call CALL      the call that is answered, which says what FFA_SUCCESS carries, or the call that
                   carries a transaction: a name, an id, or registers in quotes; implies --reply
                   where there is no --descriptor
  --descriptor K   transaction, relinquish, partition-info, message, rxtx or boot-information
  --file PATH      its bytes
  --hex BYTES      its bytes in hexadecimal, in quotes; spaces, commas and 0x are skipped
  --length N       bytes of a whole transaction (w1 of its call), where not all that is given
  --all            show long lists whole

  ffa-harness decode 0x84000068 0 0 0 0 1
  ffa-harness decode --version 1.0 FFA_MEM_SHARE_32 0x70 0x70
  ffa-harness decode --reply 0x84000060 0 0xfffffffe
  ffa-harness decode --call '0xc400008b 0 0 0' 0xc4000061 0 0x18000100000000 0x1b00048003
  ffa-harness decode --descriptor relinquish --hex '01 00 00 00 00 00 00 80 00 00 00 00 01 00 00 00 03 80'

Exit status: 0 explained, also where it is refused; 2 wrong usage, or a file that cannot be read.
";

/// What is to be explained.
pub(crate) enum Question {
    Call { regs: Regs, version: Version },
    Reply { regs: Regs, call: Option<Regs>, version: Version },
    Descriptor { kind: Kind, dump: Dump },
}

/// What was typed.
#[derive(Default)]
struct Typed {
    registers: Vec<String>,
    version: Option<Version>,
    reply: bool,
    call: Option<Regs>,
    kind: Option<Kind>,
    bytes: Option<Vec<u8>>,
    length: Option<u32>,
    all: bool,
}

pub(super) fn parse(mut parser: Parser) -> Result<Command, Usage> {
    let mut typed = Typed::default();
    loop {
        if let Some(negative) = negative(&mut parser) {
            typed.registers.push(negative.string()?);
            continue;
        }
        match parser.next()? {
            None => return typed.question().map(Box::new).map(Command::Decode),
            Some(Arg::Long("help") | Arg::Short('h')) => return Ok(Command::Help(HELP)),
            Some(Arg::Long("reply")) => typed.reply = true,
            Some(Arg::Long("all")) => typed.all = true,
            Some(Arg::Long("version")) => typed.version = Some(version(&text(&mut parser)?)?),
            Some(Arg::Long("call")) => typed.call = Some(registers_in(&text(&mut parser)?)?),
            Some(Arg::Long("descriptor")) => typed.kind = Some(kind(&text(&mut parser)?)?),
            Some(Arg::Long("file")) => typed.add(file(&parser.value()?)?)?,
            Some(Arg::Long("hex")) => typed.add(hex(&text(&mut parser)?)?)?,
            Some(Arg::Long("length")) => typed.length = Some(length(&text(&mut parser)?)?),
            Some(Arg::Value(value)) => typed.registers.push(value.string()?),
            Some(other) => return Err(other.unexpected().into()),
        }
    }
}

impl Typed {
    fn add(&mut self, bytes: Vec<u8>) -> Result<(), Usage> {
        match self.bytes.replace(bytes) {
            None => Ok(()),
            Some(_) => Err(Usage("give the bytes once, by --file or by --hex".into())),
        }
    }

    fn question(self) -> Result<Question, Usage> {
        match self.kind {
            Some(kind) => self.descriptor(kind),
            None => self.registers(),
        }
    }

    fn registers(self) -> Result<Question, Usage> {
        let strays =
            [(self.bytes.is_some(), "--file and --hex"), (self.length.is_some(), "--length")];
        let strays = strays.into_iter().chain([(self.all, "--all")]);
        if let Some((_, stray)) = strays.into_iter().find(|(is_given, _)| *is_given) {
            return Err(Usage(format!("{stray}: only with --descriptor KIND, which says of what")));
        }
        if self.registers.is_empty() {
            return Err(Usage("registers are missing: decode 0x84000068 0 0 0 0 1".into()));
        }
        let is_reply = self.reply || self.call.is_some();
        let regs = registers(&self.registers)?;
        let version = self.version();
        Ok(match is_reply {
            true => Question::Reply { regs, call: self.call, version },
            false => Question::Call { regs, version },
        })
    }

    fn descriptor(self, kind: Kind) -> Result<Question, Usage> {
        if self.reply || !self.registers.is_empty() {
            return Err(Usage("--descriptor: bytes come by --file or --hex, not registers".into()));
        }
        if kind != Kind::Transaction && (self.call.is_some() || self.length.is_some()) {
            return Err(Usage("--call and --length: only with --descriptor transaction".into()));
        }
        let version = self.version();
        let call = self.call.map(|call| carrier(&call)).transpose()?;
        let missing = "the descriptor's bytes are missing: --file PATH or --hex BYTES";
        let bytes = self.bytes.ok_or_else(|| Usage(missing.into()))?;
        let dump = Dump { bytes, version, call, length: self.length, all: self.all };
        Ok(Question::Descriptor { kind, dump })
    }

    fn version(&self) -> Version {
        self.version.unwrap_or(Version::V1_2)
    }
}

/// The call in whose buffer a transaction lies.
fn carrier(call: &Regs) -> Result<FunctionId, Usage> {
    let function = FunctionId::from_bits(call.w(0));
    let name = function.map_or(format!("{:#x}", call.w(0)), |function| function.to_string());
    let message =
        || Usage(format!("--call {name}: carries no transaction, as FFA_MEM_SHARE_32 does"));
    function.filter(|function| carries_transaction(*function)).ok_or_else(message)
}

/// A negative number, which looks like an option.
fn negative(parser: &mut Parser) -> Option<OsString> {
    let mut arguments = parser.try_raw_args()?;
    let text = arguments.peek()?.to_str()?;
    let is_number = text.strip_prefix('-')?.starts_with(|first: char| first.is_ascii_digit());
    if is_number { arguments.next() } else { None }
}

fn text(parser: &mut Parser) -> Result<String, Usage> {
    Ok(parser.value()?.string()?)
}

fn registers_in(text: &str) -> Result<Regs, Usage> {
    let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
    if words.is_empty() {
        return Err(Usage("--call: a name, an id, or registers in quotes".into()));
    }
    registers(&words)
}

/// From x0 on; functions may be named.
fn registers(words: &[String]) -> Result<Regs, Usage> {
    if words.len() > Regs::COUNT {
        let count = words.len();
        return Err(Usage(format!("{count} registers: a call has x0 to x17, which is 18 at most")));
    }
    let mut regs = Regs::ZERO;
    for (index, word) in words.iter().enumerate() {
        let value = function(word).or_else(|| number(word));
        let message = "hexadecimal with 0x, decimal, or a function's name, as FFA_ID_GET";
        let value =
            value.ok_or_else(|| Usage(format!("{word}: no register's value: {message}")))?;
        regs.set(index, value);
    }
    Ok(regs)
}

/// The id of a function by name; of two forms without a suffix, the 32-bit one.
fn function(name: &str) -> Option<u64> {
    let name = name.strip_prefix("FFA_").unwrap_or(name);
    let named = |suffix: &str| {
        let row = FUNCTIONS.iter().find(|row| row.name == format!("FFA_{name}{suffix}"))?;
        Some(u64::from(row.id.bits()))
    };
    named("").or_else(|| named("_32"))
}

/// Hexadecimal with 0x, or decimal; negative as two's complement of 64 bits.
fn number(word: &str) -> Option<u64> {
    let digits = word.replace('_', "").to_lowercase();
    let is_signed = digits.contains('+');
    match digits.strip_prefix("0x") {
        _ if is_signed => None,
        Some(hex) => u64::from_str_radix(hex, 16).ok(),
        None if digits.starts_with('-') => {
            digits.parse().ok().map(|value: i64| u64::from_le_bytes(value.to_le_bytes()))
        }
        None => digits.parse().ok(),
    }
}

fn version(text: &str) -> Result<Version, Usage> {
    match text {
        "1.0" => Ok(Version::V1_0),
        "1.1" => Ok(Version::V1_1),
        "1.2" => Ok(Version::V1_2),
        "1.3" => Ok(Version::V1_3),
        _ => Err(Usage(format!("--version {text}: 1.0, 1.1, 1.2 or 1.3"))),
    }
}

fn kind(text: &str) -> Result<Kind, Usage> {
    let message = || Usage(format!("--descriptor {text}: one of {}", Kind::names()));
    Kind::from_name(text).ok_or_else(message)
}

fn length(text: &str) -> Result<u32, Usage> {
    let length = number(text).and_then(|length| u32::try_from(length).ok());
    length.ok_or_else(|| Usage(format!("--length {text}: bytes, a number of 32 bits")))
}

fn file(path: &OsStr) -> Result<Vec<u8>, Usage> {
    let message = |error| Usage(format!("--file {}: {error}", path.to_string_lossy()));
    fs::read(path).map_err(message)
}

/// Bytes as people paste them: `01 02`, `0x01, 0x02`, `0102`.
fn hex(text: &str) -> Result<Vec<u8>, Usage> {
    let words = text.split(|separator: char| separator.is_whitespace() || separator == ',');
    let mut bytes = Vec::new();
    for word in words {
        let digits = word.strip_prefix("0x").or(word.strip_prefix("0X")).unwrap_or(word);
        if let Some(bad) = digits.chars().find(|digit| !digit.is_ascii_hexdigit()) {
            return Err(Usage(format!("--hex: {bad:?} in {word} is no hexadecimal digit")));
        }
        if digits.len() % 2 != 0 {
            return Err(Usage(format!(
                "--hex: {word} has an odd number of digits, a byte has two"
            )));
        }
        let pairs = (0..digits.len()).step_by(2).map(|at| &digits[at..at + 2]);
        bytes.extend(pairs.filter_map(|pair| u8::from_str_radix(pair, 16).ok()));
    }
    Ok(bytes)
}
