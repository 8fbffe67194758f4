//! What explains a descriptor: lines of offset, size, field, value and meaning.

use std::fmt::Write;

use ffa_abi::{DescriptorError, Fault};

use super::{Dump, Read};

/// A field of a descriptor.
pub(super) struct Field {
    offset: usize,
    size: usize,
    name: &'static str,
    content: Content,
}

enum Content {
    Value(fn(&Item<'_>) -> String),
    MustBeZero,
    Ignored,
}

/// A field with its bytes.
pub(super) struct Item<'b> {
    pub(super) bytes: &'b [u8],
    /// Little-endian, of the first eight bytes.
    pub(super) value: u64,
}

/// The text so far.
pub(super) struct Sheet<'d> {
    dump: &'d Dump,
    fault: Option<DescriptorError>,
    text: String,
}

/// How many entries of a list are shown, unless all are wanted.
const SHOWN: usize = 16;

pub(super) const fn at(
    offset: usize,
    size: usize,
    name: &'static str,
    show: fn(&Item<'_>) -> String,
) -> Field {
    Field { offset, size, name, content: Content::Value(show) }
}

/// Bytes that must be zero.
pub(super) const fn zero(offset: usize, size: usize) -> Field {
    Field { offset, size, name: "reserved", content: Content::MustBeZero }
}

/// Bytes that should be zero, and are ignored.
pub(super) const fn ignored(offset: usize, size: usize) -> Field {
    Field { offset, size, name: "reserved", content: Content::Ignored }
}

impl Item<'_> {
    pub(super) fn u16(&self) -> u16 {
        (self.value & 0xffff).try_into().expect("16 bits")
    }

    pub(super) fn u32(&self) -> u32 {
        (self.value & 0xffff_ffff).try_into().expect("32 bits")
    }
}

impl<'d> Sheet<'d> {
    pub(super) fn new(dump: &'d Dump, read: Read) -> Sheet<'d> {
        let (mut text, fault) = match read {
            Ok(headline) => (headline + "\n", None),
            Err(error) => (format!("refused: {error}\n"), Some(error)),
        };
        if let Some(error) = fault {
            text += &marked(&dump.bytes, &error);
        }
        Sheet { dump, fault, text }
    }

    pub(super) fn into_text(self) -> String {
        self.text
    }

    pub(super) fn len(&self) -> usize {
        self.dump.bytes.len()
    }

    /// A number in the bytes; 0 where they end before it.
    pub(super) fn number(&self, offset: usize, size: usize) -> usize {
        let bytes = self.bytes(offset, size).unwrap_or(&[]);
        usize::try_from(little_endian(bytes)).unwrap_or(usize::MAX)
    }

    fn bytes(&self, offset: usize, size: usize) -> Option<&'d [u8]> {
        self.dump.bytes.get(offset..offset.checked_add(size)?)
    }

    /// A headed part of the descriptor, which starts at `base`. False where the bytes end in it.
    pub(super) fn part(&mut self, title: &str, base: usize, fields: &[Field]) -> bool {
        let _ = write!(self.text, "\n{title} at {base:#x}\n");
        fields.iter().all(|field| self.field(base, field))
    }

    fn field(&mut self, base: usize, field: &Field) -> bool {
        let offset = base.saturating_add(field.offset);
        let Some(bytes) = self.bytes(offset, field.size) else {
            let _ = writeln!(self.text, "  {offset:#06x}  {} lies past the end", field.name);
            return false;
        };
        let item = Item { bytes, value: little_endian(bytes) };
        let meaning = match field.content {
            Content::Value(show) => show(&item),
            _ if bytes.iter().all(|byte| *byte == 0) => return true,
            Content::MustBeZero => "MUST BE ZERO".to_owned(),
            Content::Ignored => "ignored, should be zero".to_owned(),
        };
        self.line(offset, field.size, field.name, &shown(&item), &meaning);
        true
    }

    /// One line, marked where it holds the fault.
    pub(super) fn line(
        &mut self,
        offset: usize,
        size: usize,
        name: &str,
        value: &str,
        meaning: &str,
    ) {
        let line = format!("  {offset:#06x} {size:>3}  {name:22}  {value:18}  {meaning}");
        let mark = match self.fault {
            Some(error) if is_here(&error, offset, size) => format!("  <-- {}", error.fault),
            _ => String::new(),
        };
        let _ = writeln!(self.text, "{}{mark}", line.trim_end());
    }

    /// What is not there.
    pub(super) fn missing(&mut self, count: usize, what: &str) {
        let end = self.len();
        let _ = writeln!(self.text, "  the bytes end at {end:#x}: {count} {what} missing");
    }

    /// The entries of a list, as many as are wanted, as long as the bytes reach.
    pub(super) fn list(
        &mut self,
        count: usize,
        what: &str,
        mut show: impl FnMut(&mut Self, usize) -> bool,
    ) {
        let shown = if self.dump.all { count } else { count.min(SHOWN) };
        if !(0..shown).all(|index| show(self, index)) {
            return;
        }
        if shown < count {
            let _ = writeln!(self.text, "  ... and {} more {what}: --all shows all", count - shown);
        }
    }

    /// The bytes of a message or the like.
    pub(super) fn dump(&mut self, title: &str, offset: usize, size: usize) {
        let end = offset.saturating_add(size).min(self.len());
        let Some(bytes) = self.dump.bytes.get(offset..end) else { return };
        let _ = write!(self.text, "\n{title} at {offset:#x}\n");
        let lines: Vec<&[u8]> = bytes.chunks(16).collect();
        self.list(lines.len(), "lines of 16 bytes", |sheet, index| {
            let line = hex_line(lines[index]);
            let _ = writeln!(sheet.text, "  {:#06x}  {line}", offset + 16 * index);
            true
        });
    }
}

/// Lengths are no fields of the descriptor, and what is not there cannot be marked.
fn is_here(error: &DescriptorError, offset: usize, size: usize) -> bool {
    let is_length = ["total length", "fragment length"].contains(&error.field);
    let at = usize::try_from(error.offset).unwrap_or(usize::MAX);
    !is_length && (offset..offset.saturating_add(size)).contains(&at)
}

/// The line of a hex dump that holds the fault, and a mark below it.
fn marked(bytes: &[u8], error: &DescriptorError) -> String {
    let at = usize::try_from(error.offset).unwrap_or(usize::MAX);
    if !is_here(error, at, 1) {
        let end = bytes.len();
        return format!("  the bytes end at {end:#x}; a transaction may be shorter: --length N\n");
    }
    let Some(line) = bytes.get(at & !15..).filter(|_| at < bytes.len()) else {
        return format!("  the bytes end at {:#x}\n", bytes.len());
    };
    let line = hex_line(&line[..line.len().min(16)]);
    let end = match error.fault {
        Fault::Truncated => format!("the bytes end at {:#x}", bytes.len()),
        fault => fault.to_string(),
    };
    let indent = 2 + 6 + 2 + 3 * (at % 16);
    format!("  {:#06x}  {line}\n{:indent$}^^ {end}\n", at & !15, "")
}

fn hex_line(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
}

/// Nothing for more than a number: its meaning is all that there is to say.
fn shown(item: &Item<'_>) -> String {
    if item.bytes.len() <= 8 { format!("{:#x}", item.value) } else { String::new() }
}

fn little_endian(bytes: &[u8]) -> u64 {
    bytes.iter().take(8).rev().fold(0, |value, byte| value << 8 | u64::from(*byte))
}
