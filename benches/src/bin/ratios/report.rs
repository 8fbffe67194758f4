//! The tables, as Markdown.

use std::fmt::Write as _;
use std::path::Path;

use ffa_benches::names::{MEDIATOR, MEMCPY, MUTEX, REGISTRY, RWLOCK, SCATTERED};

use crate::gates::{Limit, Verdict};
use crate::measure::Spread;
use crate::origin::Origin;
use crate::results::{Question, Result, Results};

/// The lines between which the documentation has the tables.
const BEGIN: &str = "<!-- measured: written by the program `ratios` -->";
const END: &str = "<!-- end of measured -->";

/// All tables.
pub(crate) fn markdown(results: &Results, verdicts: &[Verdict], origin: &Origin) -> String {
    let mut text = format!("Measured on: {origin}.\n\n");
    lists(&mut text, results);
    single_answers(&mut text, results);
    let (gates, aims): (Vec<_>, Vec<_>) = verdicts.iter().partition(|verdict| verdict.must_hold);
    table_of(&mut text, "Must hold", &gates);
    table_of(&mut text, "Aims, set for the registry without a call around it", &aims);
    text
}

/// Puts `tables` into the file at `path`, in place of the ones there.
pub(crate) fn update(path: &Path, tables: &str) -> std::result::Result<(), String> {
    let at = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let old = std::fs::read_to_string(path).map_err(|error| at(&error))?;
    let (before, rest) = old.split_once(BEGIN).ok_or_else(|| at(&"no line for the tables"))?;
    let (_, after) = rest.split_once(END).ok_or_else(|| at(&"no line after the tables"))?;
    let new = format!("{before}{BEGIN}\n\n{tables}\n{END}{after}");
    std::fs::write(path, new).map_err(|error| at(&error))
}

fn lists(text: &mut String, results: &Results) {
    heading(
        text,
        "`FFA_PARTITION_INFO_GET` into RX, with `FFA_RX_RELEASE`",
        &[
            "caller, N",
            "mediator ns",
            "mutex list ns",
            "rwlock list ns",
            "scattered rwlock list ns",
            "memcpy ns",
            "mediator / memcpy",
            "rwlock list / mediator",
            "scattered / mediator",
        ],
    );
    let lists = results.0.iter().filter(|one| matches!(one.question, Question::List(_)));
    for result in lists {
        let cells =
            [MEDIATOR, MUTEX, RWLOCK, SCATTERED, MEMCPY].map(|name| nanoseconds(result, name));
        let ratios = [(MEDIATOR, MEMCPY), (RWLOCK, MEDIATOR), (SCATTERED, MEDIATOR)]
            .map(|pair| ratio(result, pair));
        row(text, result, &[&cells[..], &ratios[..]].concat());
    }
}

fn single_answers(text: &mut String, results: &Results) {
    heading(
        text,
        "Single answers",
        &["what, N", "mediator ns", "registry ns", "mutex list ns", "rwlock list ns"],
    );
    for question in [
        Question::Count,
        Question::Registers,
        Question::RegistersFromMiddle,
        Question::Lookup,
        Question::Id,
    ] {
        for result in results.of(question) {
            row(
                text,
                result,
                &[MEDIATOR, REGISTRY, MUTEX, RWLOCK].map(|name| nanoseconds(result, name)),
            );
        }
    }
}

fn table_of(text: &mut String, title: &str, verdicts: &[&Verdict]) {
    heading(text, title, &["what", "measured", "limit", "verdict"]);
    for verdict in verdicts {
        let Verdict { what, measured, limit, .. } = verdict;
        let measured = match limit {
            Limit::Nanoseconds(_) => format!("{:.1} ns", measured.median),
            _ => times(*measured),
        };
        let passed = if verdict.passed() { "PASS" } else { "FAIL" };
        line(text, &[what.clone(), measured, limit.to_string(), passed.to_owned()]);
    }
}

fn heading(text: &mut String, title: &str, columns: &[&str]) {
    let columns: Vec<String> = columns.iter().map(ToString::to_string).collect();
    let rule: Vec<String> = columns.iter().map(|_| "---".to_owned()).collect();
    let _ = writeln!(text, "\n### {title}\n");
    line(text, &columns);
    line(text, &rule);
}

fn row(text: &mut String, result: &Result, cells: &[String]) {
    let first = format!("{}, {}", result.question, result.seen);
    line(text, &[&[first], cells].concat());
}

fn line(text: &mut String, cells: &[String]) {
    let _ = writeln!(text, "| {} |", cells.join(" | "));
}

fn nanoseconds(result: &Result, name: &str) -> String {
    result.times(name).map_or_else(String::new, |times| format!("{:.1}", times.spread().median))
}

fn ratio(result: &Result, (one, other): (&str, &str)) -> String {
    let ratio = result.times(one).zip(result.times(other));
    ratio.map_or_else(String::new, |(one, other)| times(one.over(other)))
}

fn times(spread: Spread) -> String {
    let Spread { low, median, high } = spread;
    format!("{median:.2} ({low:.2} to {high:.2})")
}
