//! Calls and replies, register by register.

use std::fmt::Write;

use ffa_abi::{Call, DecodeError, Function, FunctionId, Regs, Version, Width};

use super::calls::{self, FOREIGN, VERSION_REPLY};
use super::table::{Content, Field, Row, Scene, rows};

/// Explains the registers of a call, made by a caller that speaks `version`.
#[must_use]
pub fn call(regs: &Regs, version: Version) -> String {
    let headline = match decode(regs, version) {
        Ok(call) => call.to_string(),
        Err(DecodeError::Unknown(function)) => format!("{function}: not known here"),
        Err(error) => format!("refused: {error}"),
    };
    let scene = Scene { regs, width: width(regs), version, call: None };
    match FunctionId::from_bits(regs.w(0)) {
        Some(function) => page(&headline, function, &fields_of(function), &scene),
        None => foreign(&headline, regs),
    }
}

/// Explains registers as the reply to a call, where that is known, between sides that speak `version`.
#[must_use]
pub fn reply(regs: &Regs, call: Option<&Regs>, version: Version) -> String {
    let asked = call.and_then(|call| decode(call, version).ok());
    let is_version = matches!(asked, Some(Call::Version(_)));
    let function = FunctionId::from_bits(regs.w(0)).filter(|_| !is_version);
    let scene = Scene { regs, width: width(regs), version, call };
    let Some(function) = function else { return version_reply(&scene, is_version) };
    let headline = match (&asked, decode(regs, version)) {
        (Some(asked), _) => format!("{asked}\n-> {}", asked.display_reply(regs, version)),
        (None, Ok(reply)) => reply.to_string(),
        (None, Err(error)) => error.to_string(),
    };
    page(&headline, function, &reply_fields(function, &scene), &scene)
}

/// In any version: that it has not got the call is said apart.
fn decode(regs: &Regs, version: Version) -> Result<Call, DecodeError> {
    let function = FunctionId::from_bits(regs.w(0)).ok_or(DecodeError::NotFfa)?;
    Call::decode_as(function, regs, version)
}

/// All bits of x1..x17 of a call; `None` where w0 is no function id that a version names.
#[must_use]
pub fn rows_of_call(regs: &Regs, version: Version) -> Option<Vec<Row>> {
    let layout = calls::of(FunctionId::from_bits(regs.w(0))?)?;
    Some(rows(layout.call, &Scene { regs, width: width(regs), version, call: None }))
}

/// All bits of x1..x17 of the reply to a call.
#[must_use]
pub fn rows_of_reply(regs: &Regs, call: &Regs, version: Version) -> Option<Vec<Row>> {
    let scene = Scene { regs, width: width(regs), version, call: Some(call) };
    let function = FunctionId::from_bits(regs.w(0))?;
    Some(rows(&reply_fields(function, &scene), &scene))
}

fn width(regs: &Regs) -> Width {
    FunctionId::from_bits(regs.w(0)).map_or(Width::Bits32, FunctionId::width)
}

fn fields_of(function: FunctionId) -> Vec<Field> {
    calls::of(function).map_or(Vec::new(), |layout| layout.call.to_vec())
}

/// `FFA_SUCCESS` is laid out by the call that it answers, anything else by itself.
fn reply_fields(function: FunctionId, scene: &Scene<'_>) -> Vec<Field> {
    let is_success = matches!(function, FunctionId::SUCCESS_32 | FunctionId::SUCCESS_64);
    let answered = scene.answers().filter(|_| is_success).and_then(calls::of);
    answered.map_or_else(|| fields_of(function), |layout| layout.success.to_vec())
}

/// The reply to `FFA_VERSION` has no function id in w0; nor has a reply that is none.
fn version_reply(scene: &Scene<'_>, is_asked: bool) -> String {
    let w0 = scene.regs.w(0);
    let is_plausible = w0 == u32::MAX || Version::from_bits(w0).is_some();
    if !is_plausible || (scene.call.is_some() && !is_asked) {
        return foreign("no reply: w0 holds no FF-A function ID", scene.regs);
    }
    let mut text = match Version::from_bits(w0) {
        Some(version) => format!("{version}, as the reply to FFA_VERSION\n\n"),
        None => "NOT_SUPPORTED, as the reply to FFA_VERSION\n\n".to_owned(),
    };
    show_fields(&mut text, VERSION_REPLY, scene);
    let upper = scene.regs.x(0) >> 32;
    if w0 == u32::MAX && upper != u64::from(u32::MAX) {
        text += "  x0 must be the 64-bit -1: callers compare all of it\n";
    }
    text
}

fn page(headline: &str, function: FunctionId, fields: &[Field], scene: &Scene<'_>) -> String {
    let mut text = format!("{headline}\n");
    text += &remarks(function, fields, scene);
    let w0 = Row {
        register: 0,
        high: 31,
        low: 0,
        place: "w0".to_owned(),
        name: "function ID",
        value: function.bits().into(),
        content: Content::Field(function.to_string()),
    };
    let rows: Vec<Row> =
        [w0].into_iter().chain(upper_half(scene)).chain(rows(fields, scene)).collect();
    show(&mut text, &rows);
    let zero = rows.iter().filter(|row| row.content == Content::MustBeZero && row.value == 0);
    let zero: Vec<&str> = zero.map(|row| row.place.as_str()).collect();
    if !zero.is_empty() {
        let _ = writeln!(text, "  must be zero, and is: {}", zero.join(", "));
    }
    text
}

/// Which registers count, and whether the version has the call.
fn remarks(function: FunctionId, fields: &[Field], scene: &Scene<'_>) -> String {
    let form = match scene.width {
        Width::Bits32 => "SMC32",
        Width::Bits64 => "SMC64",
    };
    let is_field = |row: &Row| matches!(row.content, Content::Field(_));
    let is_extended =
        rows(fields, scene).iter().any(|row| row.register >= Regs::BASIC && is_field(row));
    let extended = if is_extended { "used" } else { "not used" };
    let version = scene.version;
    let mut text = format!("FF-A {version}, {form}, x8..x17 {extended}\n");
    match function.function() {
        Some(row) if !row.exists_in(version) => text += &absence(row, version),
        None => text += "no version of FF-A has this function\n",
        _ => (),
    }
    text + "\n"
}

fn absence(function: &Function, version: Version) -> String {
    let Function { name, first, last, .. } = function;
    let last = last.map_or(String::new(), |last| format!(", last in {last}"));
    format!("NOT IN {version}: {name} exists since {first}{last}\n")
}

/// x0[63:32], which nobody looks at.
fn upper_half(scene: &Scene<'_>) -> Option<Row> {
    let value = scene.regs.x(0) >> 32;
    let (high, low, place) = (63, 32, "x0[63:32]".to_owned());
    (value != 0).then_some(Row {
        register: 0,
        high,
        low,
        place,
        name: "",
        value,
        content: Content::Ignored,
    })
}

/// w0 is not FF-A's: what in it says so.
fn foreign(headline: &str, regs: &Regs) -> String {
    let mut text = format!("{headline}\n\n");
    show_fields(
        &mut text,
        FOREIGN,
        &Scene { regs, width: Width::Bits32, version: Version::V1_0, call: None },
    );
    text
}

fn show_fields(text: &mut String, fields: &[Field], scene: &Scene<'_>) {
    let rows: Vec<Row> = rows(fields, scene).into_iter().filter(|row| row.register == 0).collect();
    show(text, &rows);
}

/// What is printed of a row, or of several that say the same.
struct Line {
    place: String,
    value: String,
    name: &'static str,
    meaning: String,
    /// What the next row must be to be told in this line: whole, zero, and of the same meaning.
    is_zero: bool,
}

/// Fields, and bits that should be zero and are not, in columns.
fn show(text: &mut String, rows: &[Row]) {
    let shown = |row: &&Row| row.is_stray() || matches!(row.content, Content::Field(_));
    let mut lines: Vec<Line> = Vec::new();
    for row in rows.iter().filter(shown) {
        match lines.last_mut() {
            Some(last) if last.takes(row) => last.extend(&row.place),
            _ => lines.push(Line::of(row)),
        }
    }
    let longest = |text: fn(&Line) -> &str| lines.iter().map(|line| text(line).len()).max();
    let place = longest(|line| &line.place).unwrap_or(0);
    let value = longest(|line| &line.value).unwrap_or(0);
    let name = longest(|line| line.name).unwrap_or(0);
    for line in &lines {
        let (left, meaning) =
            (format!("  {:place$}  {:value$}", line.place, line.value), &line.meaning);
        let _ = writeln!(text, "{}", format!("{left}  {:name$}  {meaning}", line.name).trim_end());
    }
}

impl Line {
    fn of(row: &Row) -> Line {
        let is_zero = row.value == 0 && !row.place.contains('[');
        let (place, value) = (row.place.clone(), format!("{:#x}", row.value));
        Line { place, value, name: row.name, meaning: meaning(row).to_owned(), is_zero }
    }

    fn takes(&self, row: &Row) -> bool {
        let next = Line::of(row);
        let is_same = self.name == next.name && self.meaning == next.meaning;
        self.is_zero && next.is_zero && is_same
    }

    fn extend(&mut self, place: &str) {
        let first = self.place.split("..").next().unwrap_or("");
        self.place = format!("{first}..{place}");
    }
}

fn meaning(row: &Row) -> &str {
    match &row.content {
        Content::Field(meaning) => meaning,
        Content::MustBeZero => "MUST BE ZERO",
        Content::Ignored => "ignored",
    }
}
