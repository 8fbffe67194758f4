//! The command line, as a user meets it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails panics"
)]

use std::process::{Command, Output};

fn harness(arguments: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ffa-harness"));
    command.args(arguments.split_whitespace()).output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn a_storm_ends_with_a_table() {
    let output = harness("storm --vms 24 --readers 3 --churn --seconds 0.5 --sps 3 --seed 7");
    let table = stdout(&output);
    assert_eq!(output.status.code(), Some(0), "{table}");
    assert!(output.stderr.is_empty(), "no progress bar without a terminal");
    for row in ["count", "list", "get_regs", "rx_release", "create_vm", "join", "destroy_vm"] {
        assert!(table.lines().any(|line| line.starts_with(row)), "{row}: {table}");
    }
    let violations = table.lines().find(|line| line.starts_with("violations")).unwrap();
    assert!(violations.ends_with(" 0"), "{table}");
}

#[test]
fn a_storm_is_told_to_machines() {
    let output = harness("storm --vms 8 --seconds 0.2 --policy vm-to-sp --json");
    let report: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(report["policy"], "vm-to-sp");
    assert_eq!(report["vms_destroyed"], 0);
    assert_eq!(report["violations"], serde_json::json!([]));
    let calls = report["calls"].as_u64().unwrap();
    let kinds = ["count", "list", "get_regs", "rx_release"];
    let counted: u64 =
        kinds.iter().map(|kind| report["kinds"][kind]["count"].as_u64().unwrap()).sum();
    assert!(calls > 100 && calls == counted, "{calls} {counted}");
}

#[test]
fn random_calls_are_counted() {
    let output = harness("random --seconds 0.5 --seed 3");
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    assert!(stdout(&output).starts_with("calls "));
}

#[test]
fn help_is_given() {
    for arguments in ["--help", "-h", "storm --help", "random -h"] {
        let output = harness(arguments);
        assert_eq!(output.status.code(), Some(0));
        assert!(stdout(&output).contains("--readers N"), "{arguments}");
    }
}

#[test]
fn wrong_usage_is_explained() {
    let cases = [
        ("", "a command is missing"),
        ("calm", "no command calm"),
        ("storm extra", "unexpected argument \"extra\""),
        ("storm --vms", "missing argument for option '--vms'"),
        ("storm --vms many", "--vms many: invalid digit"),
        ("storm --vms 70000", "--vms 70000: number too large"),
        ("storm --vms 3", "--vms must be at least 4"),
        ("storm --vms 2730", "must stay below 2730"),
        ("storm --readers 0", "--readers must be at least 1"),
        ("storm --sps 257", "--sps must be at most 256"),
        ("storm --policy none", "--policy none: allow-all or vm-to-sp"),
        ("storm --seconds -1", "--seconds -1: not between"),
        ("storm --seconds nan", "--seconds NaN: not between"),
        ("storm --quickly", "invalid option '--quickly'"),
        ("random --vms 5", "invalid option '--vms'"),
    ];
    for (arguments, message) in cases {
        let output = harness(arguments);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments}");
        assert!(stderr.contains(message), "{arguments}: {stderr}");
        assert!(output.stdout.is_empty(), "{arguments}");
    }
}
