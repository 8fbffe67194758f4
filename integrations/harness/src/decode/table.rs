//! Layouts of registers as data: which bits are which field, and what they must be.
//!
//! A place is written as the specification writes it: `w5[31:1]`, `x2`, `w1..w4`; `r3` is `w3` in a
//! 32-bit call and `x3` in a 64-bit one. Bits of no field are ignored by who decodes.

use std::cmp::Reverse;

use ffa_abi::{FunctionId, Regs, Version, Width};

/// A line of a layout.
#[derive(Clone, Copy)]
pub(crate) struct Field {
    place: &'static str,
    name: &'static str,
    show: Option<Show>,
    first: Version,
    last: Version,
    width: Option<Width>,
    when: fn(&Scene<'_>) -> bool,
}

/// What the value of a field means, in words; nothing where the value says it.
pub(crate) type Show = fn(&Seen<'_>) -> String;

/// The registers that are explained.
pub(crate) struct Scene<'r> {
    pub(crate) regs: &'r Regs,
    /// The form of the call or reply.
    pub(crate) width: Width,
    pub(crate) version: Version,
    /// For a reply: the call, if known.
    pub(crate) call: Option<&'r Regs>,
}

/// A field with its value.
pub(crate) struct Seen<'r> {
    pub(crate) scene: &'r Scene<'r>,
    pub(crate) register: usize,
    /// The first register of the place.
    pub(crate) start: usize,
    pub(crate) value: u64,
}

/// Bits of one register with what they are.
pub struct Row {
    /// N of wN or xN.
    pub register: usize,
    /// The highest bit.
    pub high: u32,
    /// The lowest bit.
    pub low: u32,
    /// Where it is, as the specification writes it.
    pub place: String,
    /// The field's name.
    pub name: &'static str,
    /// The bits.
    pub value: u64,
    /// What they are.
    pub content: Content,
}

/// What the bits of a row are.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Content {
    /// A field, and what its value means.
    Field(String),
    /// Refused unless zero.
    MustBeZero,
    /// Of no meaning.
    Ignored,
}

/// A field.
pub(crate) const fn field(place: &'static str, name: &'static str, show: Show) -> Field {
    let (first, last, show) = (Version::V1_0, Version::V1_3, Some(show));
    Field { place, name, show, first, last, width: None, when: |_| true }
}

/// Bits that must be zero.
pub(crate) const fn zero(place: &'static str) -> Field {
    Field { show: None, ..field(place, "reserved", |_| String::new()) }
}

impl Field {
    /// What must be zero has a name where it is a field at other times.
    pub(crate) const fn named(self, name: &'static str) -> Field {
        Field { name, ..self }
    }

    /// Only from this version on.
    pub(crate) const fn since(self, first: Version) -> Field {
        Field { first, ..self }
    }

    /// Only up to this version.
    pub(crate) const fn until(self, last: Version) -> Field {
        Field { last, ..self }
    }

    /// Only in this form of the call or reply.
    pub(crate) const fn form(self, width: Width) -> Field {
        Field { width: Some(width), ..self }
    }

    /// Only where the registers say so.
    pub(crate) const fn when(self, when: fn(&Scene<'_>) -> bool) -> Field {
        Field { when, ..self }
    }

    fn applies(&self, scene: &Scene<'_>) -> bool {
        self.first <= scene.version
            && scene.version <= self.last
            && self.width.is_none_or(|width| width == scene.width)
            && (self.when)(scene)
    }

    fn rows<'f>(&'f self, scene: &'f Scene<'_>) -> impl Iterator<Item = Row> + 'f {
        let place = Place::parse(self.place, scene.width);
        (place.first..=place.last).map(move |register| {
            let value = bits(scene.regs.x(register), place.high, place.low);
            let seen = Seen { scene, register, start: place.first, value };
            let content = self.show.map_or(Content::MustBeZero, |show| Content::Field(show(&seen)));
            place.row(register, self.name, value, content)
        })
    }
}

impl Scene<'_> {
    /// xN, or wN in the 32-bit form.
    pub(crate) fn r(&self, register: usize) -> u64 {
        match self.width {
            Width::Bits32 => self.regs.w(register).into(),
            Width::Bits64 => self.regs.x(register),
        }
    }

    /// The id of the call that is answered.
    pub(crate) fn answers(&self) -> Option<FunctionId> {
        FunctionId::from_bits(self.call?.w(0))
    }
}

struct Place {
    prefix: char,
    first: usize,
    last: usize,
    high: u32,
    low: u32,
}

impl Place {
    fn parse(text: &str, width: Width) -> Place {
        let (registers, bits) = text.split_once('[').unwrap_or((text, ""));
        let (first, last) = registers.split_once("..").unwrap_or((registers, registers));
        let prefix = match (&first[..1], width) {
            ("w", _) | ("r", Width::Bits32) => 'w',
            _ => 'x',
        };
        let number = |register: &str| register[1..].parse().expect("a register");
        let (high, low) = match bits.strip_suffix(']') {
            None => (if prefix == 'w' { 31 } else { 63 }, 0),
            Some(bits) => {
                let (high, low) = bits.split_once(':').unwrap_or((bits, bits));
                (high.parse().expect("a bit"), low.parse().expect("a bit"))
            }
        };
        Place { prefix, first: number(first), last: number(last), high, low }
    }

    fn row(&self, register: usize, name: &'static str, value: u64, content: Content) -> Row {
        let Place { prefix, high, low, .. } = *self;
        let place = match (prefix, high, low) {
            ('w', 31, 0) | ('x', 63, 0) => format!("{prefix}{register}"),
            _ if high == low => format!("{prefix}{register}[{high}]"),
            _ => format!("{prefix}{register}[{high}:{low}]"),
        };
        Row { register, high, low, place, name, value, content }
    }
}

impl Row {
    /// Whether these are bits that should be zero and are not.
    #[must_use]
    pub fn is_stray(&self) -> bool {
        self.value != 0 && !matches!(self.content, Content::Field(_))
    }
}

/// All bits of x1..x17, each in one row: by register, from the highest bit down.
pub(crate) fn rows(fields: &[Field], scene: &Scene<'_>) -> Vec<Row> {
    let fields = fields.iter().filter(|field| field.applies(scene));
    let mut rows: Vec<Row> = fields.flat_map(|field| field.rows(scene)).collect();
    let ignored: Vec<Row> =
        (1..Regs::COUNT).flat_map(|register| gaps(&rows, register, scene)).collect();
    rows.extend(ignored);
    rows.sort_by_key(|row| (row.register, Reverse(row.high)));
    rows
}

/// The bits of a register that no row has.
fn gaps(rows: &[Row], register: usize, scene: &Scene<'_>) -> Vec<Row> {
    let of_register = rows.iter().filter(|row| row.register == register);
    let mut taken: Vec<(u32, u32)> = of_register.map(|row| (row.low, row.high + 1)).collect();
    taken.sort_unstable();
    taken.push((64, 64));
    let mut gaps = Vec::new();
    let mut next = 0;
    for (low, end) in taken {
        if next < low {
            let place =
                Place { prefix: 'x', first: register, last: register, high: low - 1, low: next };
            let value = bits(scene.regs.x(register), low - 1, next);
            gaps.push(place.row(register, "", value, Content::Ignored));
        }
        next = end;
    }
    gaps
}

fn bits(register: u64, high: u32, low: u32) -> u64 {
    register << (63 - high) >> (63 - high) >> low
}
