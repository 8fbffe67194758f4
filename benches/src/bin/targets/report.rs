//! The measured section of the documentation, and the table of targets.

use std::path::Path;

use ffa_benches::{APART, Data, Kind, MEMCPY, PIN, SWAP};

use crate::decoding::{RANGES, READERS};
use crate::goals::{Side, Target, Unit, as_first_set, targets};
use crate::latency::{ASKED, LISTED, QUESTIONS, VERSIONS};
use crate::table::Table;
use crate::{scaling, steady};

/// The lines between which the documentation has what was measured.
const BEGIN: &str = "<!-- measured: written by `cargo xtask bench` -->";
const END: &str = "<!-- end of measured -->";

/// Everything that was measured.
pub(crate) fn markdown(data: &Data, previous: Option<&Data>) -> String {
    let load = data.value("machine", "load average before", 0, "1 minute");
    let load = load.map_or(String::new(), |load| format!("; load average before: {load}"));
    let mut parts = vec![format!("Measured on: {}{load}.\n", data.origin)];
    parts.push(target_table(data, previous).to_string());
    parts.push(table_as_first_set(data, previous).to_string());
    parts.extend(VERSIONS.map(|version| list_table(data, &format!("list {version}")).to_string()));
    parts.extend(QUESTIONS.map(|(what, _)| question_table(data, what).to_string()));
    parts.push(tail_table(data).to_string());
    parts.push(retired_table(data).to_string());
    parts.push(scaling_table(data).to_string());
    parts.push(instruction_table(data).to_string());
    parts.push(decode_table(data).to_string());
    parts.push(range_table(data).to_string());
    parts.join("\n")
}

/// Puts `text` into the file at `path`, in place of what was measured before.
pub(crate) fn update(path: &Path, text: &str) -> Result<(), String> {
    let at = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let old = std::fs::read_to_string(path).map_err(|error| at(&error))?;
    let new = replace(&old, text).ok_or_else(|| at(&"no lines around what is measured"))?;
    std::fs::write(path, new).map_err(|error| at(&error))
}

fn replace(old: &str, text: &str) -> Option<String> {
    let (before, rest) = old.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n\n{text}\n{END}{after}"))
}

/// Gates, goals, and what was measured now and in the run before.
pub(crate) fn target_table(data: &Data, previous: Option<&Data>) -> Table {
    table_of_targets("Targets", targets(data), &previous.map(targets).unwrap_or_default())
}

/// The same of those that were set in another unit, which nothing fails by.
fn table_as_first_set(data: &Data, previous: Option<&Data>) -> Table {
    let title = "Of these, as first set for another machine (see \"How to read it\")";
    table_of_targets(title, as_first_set(data), &previous.map(as_first_set).unwrap_or_default())
}

fn table_of_targets(title: &str, targets: Vec<Target>, before: &[Target]) -> Table {
    let columns = ["target", "gate", "goal", "measured", "run before", "gate", "goal"];
    let mut table = Table::new(title, &columns);
    for target in targets {
        let earlier = before.iter().find(|other| other.what == target.what);
        let value = |value: Option<f64>| value.map_or("-".into(), |value| show(target.unit, value));
        let verdict = match target.measured {
            None => "not measured",
            Some(_) if !target.gate.is_finite() => "none",
            Some(_) if target.fails() => "FAIL",
            Some(_) => "PASS",
        };
        let goal = if target.meets_goal() { "met" } else { "not met" };
        table.row(vec![
            target.what.clone(),
            limit(&target, target.gate),
            limit(&target, target.goal),
            value(target.measured),
            value(earlier.and_then(|earlier| earlier.measured)),
            verdict.to_owned(),
            if target.measured.is_some() { goal.to_owned() } else { "-".to_owned() },
        ]);
    }
    table
}

fn limit(target: &Target, limit: f64) -> String {
    if !limit.is_finite() {
        return "-".to_owned();
    }
    let sign = if target.side == Side::AtMost { "<=" } else { ">=" };
    format!("{sign} {}", show(target.unit, limit))
}

fn show(unit: Unit, value: f64) -> String {
    match unit {
        Unit::Times => format!("{value:.2}"),
        Unit::Nanoseconds => format!("{value:.1} ns"),
        Unit::Microseconds => format!("{value:.2} us"),
        Unit::Kilobytes => format!("{value:.0} KiB"),
        Unit::Count => format!("{value:.0}"),
        Unit::Instructions => format!("{value:.0} instr"),
        Unit::GigabytesASecond => format!("{value:.1} GB/s"),
    }
}

/// Names of all contenders, in the order of the tables.
fn names() -> Vec<&'static str> {
    Kind::ALL.iter().map(|kind| kind.name()).collect()
}

fn table_of(title: &str, first: &str, columns: &[&str]) -> Table {
    Table::new(title, &[&[first], columns].concat())
}

fn row(table: &mut Table, first: &str, values: impl Iterator<Item = Option<f64>>, digits: usize) {
    let cell = |value: Option<f64>| value.map_or("-".into(), |value| format!("{value:.digits$}"));
    table.row(std::iter::once(first.to_owned()).chain(values.map(cell)).collect());
}

fn list_table(data: &Data, what: &str) -> Table {
    let names = [names(), vec![MEMCPY]].concat();
    let mut columns = names.clone();
    columns.extend(["registry / memcpy", "rwlock list / registry", "in order / registry"]);
    let mut table = table_of(&format!("{what}, ns"), "N", &columns);
    for n in LISTED.map(u32::from) {
        let over = |who: &str| data.value(what, Kind::Slots.name(), n, &format!("over {who}"));
        let inverse = |kind: Kind| over(kind.name()).map(|over| 1.0 / over);
        let times = names.iter().map(|who| data.value(what, who, n, "ns"));
        let ratios = [over(MEMCPY), inverse(Kind::RwLock), inverse(Kind::RwLockInOrder)];
        let cells = times.map(|time| time.map_or("-".into(), |time| format!("{time:.1}")));
        let ratios = ratios.map(|one| one.map_or("-".into(), |one| format!("{one:.2}")));
        table.row(std::iter::once(n.to_string()).chain(cells).chain(ratios).collect());
    }
    table
}

fn question_table(data: &Data, what: &str) -> Table {
    let floors: &[&str] = if what == "lookup" { &[PIN, SWAP] } else { &[] };
    let names = [&names(), floors].concat();
    let mut table = table_of(&format!("{what}, ns"), "N", &names);
    for n in ASKED.map(u32::from) {
        let times = names.iter().map(|who| data.value(what, who, n, "ns"));
        row(&mut table, &n.to_string(), times, 1);
    }
    table
}

fn tail_table(data: &Data) -> Table {
    let mut table =
        table_of("One list while partitions come and go, ns", "writer, N, percentile", &names());
    for (what, name) in [
        ("idle 512", "none, 512"),
        ("paced 512", "50,000 a second, 512"),
        ("idle 2730", "none, 2730"),
        ("paced 2730", "50,000 a second, 2730"),
        ("tight loop 64", "tight loop, 64"),
    ] {
        for (percentile, label) in [(5000, "p50"), (9900, "p99"), (9990, "p99.9")] {
            let values = names().into_iter().map(|who| data.value(what, who, percentile, "ns"));
            row(&mut table, &format!("{name}, {label}"), values, 0);
        }
    }
    for (what, n) in [("paced", 512), ("paced", 2730), ("tight loop", 64)] {
        for statistic in ["changes a second", "allocations", "frees", "destructors"] {
            let label = match statistic {
                "changes a second" => format!("{what}, {n}: changes a second"),
                _ => format!("{what}, {n}: {statistic} in readers"),
            };
            let values = names().into_iter().map(|who| data.value(what, who, n, statistic));
            row(&mut table, &label, values, 0);
        }
    }
    table
}

fn retired_table(data: &Data) -> Table {
    let names = Kind::DEFERRED.map(Kind::name);
    let mut table = table_of(
        "Retired memory in steady churn, peaks of windows of 256 changes, bytes",
        "N",
        &names,
    );
    for n in [2730, 32767] {
        let peaks = steady::PEAKS.iter().map(|(statistic, _)| *statistic);
        for statistic in peaks.chain([steady::INTERRUPTED]) {
            let values = names.iter().map(|who| data.value("steady churn", who, n, statistic));
            row(&mut table, &format!("{n}, {statistic}"), values, 0);
        }
    }
    table
}

fn scaling_table(data: &Data) -> Table {
    let n = u32::from(scaling::SIZE);
    let title = format!("Two readers against one, times the answers, N = {n}");
    let names = [names(), vec![APART]].concat();
    let mut table = table_of(&title, "what", &names);
    for asked in ["count", "list"] {
        let values = names.iter().map(|who| data.value("two readers", who, n, asked));
        row(&mut table, asked, values, 2);
    }
    table
}

fn instruction_table(data: &Data) -> Table {
    let mut table =
        Table::new("Instructions of one operation, N = 8", &["operation", "instructions"]);
    for (who, count) in data.by_name("instructions", 8, "count") {
        table.row(vec![who, format!("{count:.1}")]);
    }
    table
}

fn decode_table(data: &Data) -> Table {
    let mut table = Table::new("Decoding one call, ns", &["call", "ns"]);
    for (who, nanoseconds) in data.by_name("decode", 0, "ns") {
        table.row(vec![who, format!("{nanoseconds:.1}")]);
    }
    table
}

fn range_table(data: &Data) -> Table {
    let title = "Ranges of a transaction, all checked and walked, GB/s";
    let mut table = table_of(title, "ranges", &READERS);
    for ranges in RANGES {
        let speeds = READERS.iter().map(|who| data.value("ranges", who, ranges, "GB/s"));
        row(&mut table, &ranges.to_string(), speeds, 1);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_between_the_marks_is_replaced() {
        let old = format!("head\n{BEGIN}\nold\n{END}\ntail\n");
        let expected = format!("head\n{BEGIN}\n\nnew\n{END}\ntail\n");
        assert_eq!(replace(&old, "new"), Some(expected));
        assert_eq!(replace("no marks", "new"), None);
    }

    #[test]
    fn targets_show_both_runs_and_their_verdict() {
        let mut data = Data::default();
        data.put("two changes", Kind::Slots.name(), 2730, "ns", 4_000.0);
        let mut before = Data::default();
        before.put("two changes", Kind::Slots.name(), 2730, "ns", 8_000.0);
        let text = target_table(&data, Some(&before)).to_string();
        let line = text.lines().find(|line| line.contains("register or unregister, N = 2730"));
        let cells: Vec<&str> = line.unwrap().split('|').map(str::trim).collect();
        assert_eq!(
            cells[2..8],
            ["<= 3.00 us", "<= 1.00 us", "2.00 us", "4.00 us", "PASS", "not met"]
        );
    }
}
