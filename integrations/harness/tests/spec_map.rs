//! `docs/spec-map.md` says what is true.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use common::join;
use ffa_abi::raw::LAYOUTS;
use ffa_abi::{Call, DecodeError, FUNCTIONS, Function, Regs, Version};
use ffa_harness::{Setup, SpmcSetup};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn text(file: &str) -> String {
    let path = root().join(file);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// The rows of the table under a heading, as cells without back-quotes.
fn table(heading: &str) -> Vec<Vec<String>> {
    let map = text("docs/spec-map.md");
    let (_, after) = map.split_once(&format!("## {heading}\n")).unwrap();
    let section = after.split("\n## ").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with('|')).skip(2);
    let cells = |line: &str| -> Vec<String> {
        line.trim_matches('|').split('|').map(|cell| cell.trim().replace('`', "")).collect()
    };
    rows.map(cells).collect()
}

/// Whether `word` stands in `text` by itself.
fn mentions(text: &str, word: &str) -> bool {
    text.split(|letter: char| !letter.is_alphanumeric() && letter != '_').any(|other| other == word)
}

fn versions(function: &Function) -> String {
    match function.last {
        Some(last) => {
            assert_eq!(last, function.first);
            format!("{last} only")
        }
        None => format!("{} on", function.first),
    }
}

/// The type that the function's registers decode to, if any.
fn type_of(function: &Function) -> Option<String> {
    let mut regs = Regs::ZERO;
    regs.set(0, function.id.bits());
    match Call::decode(&regs, function.last.unwrap_or(Version::V1_3)) {
        Ok(call) => {
            let debug = format!("{call:?}");
            let (_, inside) = debug.split_once('(').unwrap();
            Some(inside.split(|letter: char| !letter.is_alphanumeric()).next().unwrap().to_owned())
        }
        Err(error) => {
            assert_eq!(error, DecodeError::Unknown(function.id));
            None
        }
    }
}

#[test]
fn each_interface_has_its_row_in_order() {
    let rows = table("Interfaces");
    let named: Vec<&str> = rows.iter().map(|row| row[0].as_str()).collect();
    let functions: Vec<&str> = FUNCTIONS.iter().map(|function| function.name).collect();
    assert_eq!(named, functions);
    for (row, function) in rows.iter().zip(FUNCTIONS) {
        assert_eq!(row.len(), 9, "{row:?}");
        assert_eq!(row[1], format!("{:#010x}", function.id.bits()), "{row:?}");
        assert_eq!(row[2], versions(function), "{row:?}");
        let ends = row[3].split([' ', ',', ';']).filter(|part| !part.is_empty());
        let known = ["P", "H", "S", "SPMD", "callee", "caller", "→", "↔"];
        ends.for_each(|end| assert!(known.contains(&end), "{end} in {row:?}"));
    }
}

#[test]
fn types_and_answers_are_those_of_the_code() {
    for (row, function) in table("Interfaces").iter().zip(FUNCTIONS) {
        let [call, answer, codec] = [4, 5, 6].map(|index| row[index].as_str());
        let Some(decoded) = type_of(function) else {
            assert_eq!([call, answer, codec], ["id only", "-", "-"], "{row:?}");
            continue;
        };
        assert_eq!(call, decoded, "{row:?}");
        let source = text(&format!("ffa-abi/src/calls/{codec}"));
        assert!(mentions(&source, call) && mentions(&source, answer), "{row:?}");
        assert!(source.contains("fn encode") && source.contains("fn decode"), "{codec}");
        assert!(source.contains("#[cfg(test)]"), "{codec} has no tests");
    }
}

#[test]
fn outside_tests_cover_what_the_rows_say() {
    let comparison = text("docs/arm-ffa.md");
    let (_, apart) = comparison.split_once("Not modelled by arm-ffa").unwrap();
    let apart = apart.split("\n\n").next().unwrap();
    let golden = text("ffa-abi/tests/golden/calls.rs");
    for (row, function) in table("Interfaces").iter().zip(FUNCTIONS) {
        let id = format!("{:08x}", function.id.bits());
        let name = function.name.trim_end_matches("_32").trim_end_matches("_64");
        let is_typed = row[4] != "id only";
        let expected = |is_there: bool| {
            if !is_typed {
                "-"
            } else if is_there {
                "yes"
            } else {
                "no"
            }
        };
        assert_eq!(row[7], expected(golden.contains(&format!("\"{id}"))), "{row:?}");
        assert_eq!(row[8], expected(!mentions(apart, name)), "{row:?}");
    }
}

#[test]
fn each_layout_has_its_row_in_order() {
    let rows = table("Descriptors");
    let named: Vec<&str> = rows.iter().map(|row| row[1].as_str()).collect();
    assert_eq!(named, LAYOUTS.iter().map(|layout| layout.name).collect::<Vec<_>>());
    for (row, layout) in rows.iter().zip(LAYOUTS) {
        assert_eq!(row[2], layout.size.to_string(), "{row:?}");
        assert!(mentions(&text(&row[6]), &row[1]), "{row:?}");
        let target = text(&format!("ffa-abi/fuzz/fuzz_targets/{}.rs", row[7]));
        assert!(mentions(&target, &row[5]), "{row:?}");
    }
}

/// What a VM of the latest version is told that it may call, where there is an SPMC.
fn served() -> BTreeSet<String> {
    let machine = Setup::default().with_spmc(SpmcSetup::with_partitions(1)).start();
    join(&machine, 1, Version::V1_2);
    let features = 0x8400_0064;
    let success = 0x8400_0061;
    let claimed = FUNCTIONS.iter().filter(|function| {
        machine.vm(1).smc([features, function.id.bits().into()]).regs().w(0) == success
    });
    let calls = claimed.filter(|function| !matches!(function.id.bits() & 0xffff, 0x60 | 0x61));
    calls.map(|function| function.name.to_owned()).collect()
}

#[test]
fn each_call_that_is_served_has_its_row_and_no_other() {
    let rows = table("Calls that the mediator serves");
    let named: BTreeSet<String> = rows.iter().map(|row| row[0].clone()).collect();
    assert_eq!(named, served());
    for row in rows {
        row[1..].iter().for_each(|file| assert!(root().join(file).is_file(), "{file}"));
        assert_eq!(row.len(), 3, "{row:?}");
    }
}
