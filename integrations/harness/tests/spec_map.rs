//! `docs/spec-map.md` says what is true.
#![allow(clippy::unwrap_used, reason = "a test that fails panics")]

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use common::join;
use ffa_abi::{FUNCTIONS, Version};
use ffa_harness::{Setup, SpmcSetup};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The cells of each row that begins with a call, without back-quotes.
fn rows() -> Vec<Vec<String>> {
    let map = fs::read_to_string(root().join("docs/spec-map.md")).unwrap();
    let rows = map.lines().filter(|line| line.starts_with("| `FFA_"));
    let cells = |line: &str| -> Vec<String> {
        line.trim_matches('|').split('|').map(|cell| cell.trim().replace('`', "")).collect()
    };
    rows.map(cells).collect()
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
fn spec_map_names_each_call_that_is_served_and_no_other() {
    let named: BTreeSet<String> = rows().iter().filter_map(|row| row.first().cloned()).collect();
    assert_eq!(named, served());
}

#[test]
fn spec_map_names_files_that_exist() {
    for row in rows() {
        for file in row.iter().filter(|cell| cell.ends_with(".rs")) {
            assert!(root().join(file).is_file(), "docs/spec-map.md names {file}");
        }
        assert_eq!(row.iter().filter(|cell| cell.ends_with(".rs")).count(), 3, "{row:?}");
    }
}
