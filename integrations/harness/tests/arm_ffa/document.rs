//! `docs/arm-ffa.md` lists the known differences, and no others.

use std::collections::BTreeSet;
use std::fs;

use crate::known::Known;
use crate::{boot_known, calls_known, partitions, relinquish, replies_known, transactions_known};

fn names<C>(known: &[Known<C>]) -> Vec<&'static str> {
    known.iter().map(|known| known.name).collect()
}

fn all() -> Vec<&'static str> {
    [
        names(calls_known::KNOWN),
        names(replies_known::KNOWN),
        partitions::names(),
        names(transactions_known::KNOWN),
        relinquish::names(),
        names(boot_known::KNOWN),
    ]
    .concat()
}

#[test]
fn the_document_names_each_known_difference_once_and_no_other() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/arm-ffa.md");
    let document = fs::read_to_string(path).unwrap();
    let rows = document.lines().filter_map(|line| line.strip_prefix("| `"));
    let rows: Vec<&str> = rows.filter_map(|row| row.split('`').next()).collect();
    let (known, listed): (BTreeSet<_>, BTreeSet<_>) =
        (all().into_iter().collect(), rows.iter().copied().collect());
    assert_eq!(listed, known);
    assert_eq!((rows.len(), all().len()), (listed.len(), known.len()), "named twice");
}

#[test]
fn each_row_of_the_document_says_who_is_right() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/arm-ffa.md");
    let document = fs::read_to_string(path).unwrap();
    for row in document.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        assert_eq!(cells.len(), 6, "{row}");
        assert!(["ffa-abi", "arm-ffa", "both", "open"].contains(&cells[4]), "{row}");
    }
}
