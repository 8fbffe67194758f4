//! What was measured, as rows that programs write, read and compare.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

/// What is measured, of whom, at which number, which statistic of it.
type Key = (String, String, u32, String);

/// Measured values, in an order that does not depend on when they came.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct Data {
    /// Where, when and of which state of the sources.
    pub origin: String,
    rows: BTreeMap<Key, f64>,
}

impl Data {
    /// No values yet.
    #[must_use]
    pub fn new(origin: String) -> Self {
        Data { origin, rows: BTreeMap::new() }
    }

    /// Adds a value.
    pub fn put(&mut self, what: &str, who: &str, n: u32, statistic: &str, value: f64) {
        self.rows.insert((what.into(), who.into(), n, statistic.into()), value);
    }

    /// A value, if it was measured.
    #[must_use]
    pub fn value(&self, what: &str, who: &str, n: u32, statistic: &str) -> Option<f64> {
        self.rows.get(&(what.into(), who.into(), n, statistic.into())).copied()
    }

    /// The values of one statistic by their numbers, in ascending order of these.
    #[must_use]
    pub fn series(&self, what: &str, who: &str, statistic: &str) -> Vec<(u32, f64)> {
        let mine =
            self.rows.iter().filter(|((a, b, _, c), _)| a == what && b == who && c == statistic);
        mine.map(|((_, _, n, _), value)| (*n, *value)).collect()
    }

    /// The values of one statistic at one number, by who has them.
    #[must_use]
    pub fn by_name(&self, what: &str, n: u32, statistic: &str) -> Vec<(String, f64)> {
        let mine =
            self.rows.iter().filter(|((a, _, m, c), _)| a == what && *m == n && c == statistic);
        mine.map(|((_, who, _, _), value)| (who.clone(), *value)).collect()
    }

    /// Takes over all rows of another.
    pub fn extend(&mut self, other: Data) {
        self.rows.extend(other.rows);
    }

    /// One line a row, fields divided by tabs; the first line is the origin.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = format!("{}\n", self.origin);
        for ((what, who, n, statistic), value) in &self.rows {
            let _ = writeln!(text, "{what}\t{who}\t{n}\t{statistic}\t{value}");
        }
        text
    }

    /// Reads what [`Data::to_text`] wrote.
    ///
    /// # Errors
    /// The line that is none.
    pub fn from_text(text: &str) -> Result<Self, String> {
        let mut lines = text.lines();
        let mut data = Data::new(lines.next().unwrap_or_default().to_owned());
        for line in lines {
            let row = parse(line).ok_or_else(|| format!("not a row: `{line}`"))?;
            data.rows.insert(row.0, row.1);
        }
        Ok(data)
    }

    /// Reads a file.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub fn load(path: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(path);
        let text = text.map_err(|error| format!("{}: {error}", path.display()))?;
        Data::from_text(&text)
    }

    /// Writes a file, and its folder where there is none.
    ///
    /// # Errors
    /// Why not.
    pub fn save(&self, path: &Path) -> Result<(), String> {
        let at = |error: std::io::Error| format!("{}: {error}", path.display());
        path.parent().map_or(Ok(()), std::fs::create_dir_all).map_err(at)?;
        std::fs::write(path, self.to_text()).map_err(at)
    }
}

fn parse(line: &str) -> Option<(Key, f64)> {
    let mut fields = line.split('\t');
    let mut next = || fields.next().map(str::to_owned);
    let (what, who) = (next()?, next()?);
    let n = next()?.parse().ok()?;
    let statistic = next()?;
    let value = next()?.parse().ok()?;
    next().is_none().then_some(((what, who, n, statistic), value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some() -> Data {
        let mut data = Data::new("a machine; today".into());
        data.put("list 1.2", "registry", 2730, "ns", 1_234.5);
        data.put("list 1.2", "registry", 64, "ns", 31.0);
        data.put("list 1.2", "memcpy", 64, "ns", 15.25);
        data
    }

    #[test]
    fn text_holds_all() {
        assert_eq!(Data::from_text(&some().to_text()), Ok(some()));
    }

    #[test]
    fn rows_that_are_none_are_refused() {
        for line in ["", "a\tb", "a\tb\tx\tc\t1", "a\tb\t1\tc\tx", "a\tb\t1\tc\t1\t2"] {
            assert!(Data::from_text(&format!("origin\n{line}\n")).is_err(), "{line}");
        }
    }

    #[test]
    fn series_are_in_order() {
        let series = some().series("list 1.2", "registry", "ns");
        assert_eq!(series, [(64, 31.0), (2730, 1_234.5)]);
        assert_eq!(some().value("list 1.2", "memcpy", 64, "ns"), Some(15.25));
        assert_eq!(some().value("list 1.2", "memcpy", 65, "ns"), None);
    }
}
