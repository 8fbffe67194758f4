//! Did it go as it must? From the console alone.

use ffa_el2::bundle::PolicyKind;

use super::cast::{LISTERS, Part, Role};
use crate::console::{Console, Source};
use crate::summary::{Summary, Verdict};
use crate::table;

const HEADER: [&str; 9] =
    ["vm", "name", "version", "conduit", "rounds", "seen", "retries", "restarts", "result"];

/// One row a VM.
pub(super) fn table(cast: &[Role], console: &Console) -> String {
    let rows: Vec<_> = (1..).zip(cast).map(|(id, role)| row(id, role, console)).collect();
    table::render(HEADER, &rows)
}

fn row(id: u16, role: &Role, console: &Console) -> [String; 9] {
    let dash = || "-".to_owned();
    let summary = Summary::find(console.of(Source::Vm(id)));
    let (version, conduit, rounds, seen, retries) = match &summary {
        Some(summary) => (
            summary.version.clone(),
            summary.conduit.clone(),
            summary.rounds.to_string(),
            format!("{}..{}", summary.listed.0, summary.listed.1),
            summary.retries.to_string(),
        ),
        None => (dash(), dash(), dash(), dash(), dash()),
    };
    let result = match (role.part, Verdict::find(console.of(Source::Vm(id)))) {
        (_, Verdict::Pass) => "PASS".into(),
        (_, Verdict::Fail(why)) => format!("FAIL {why}"),
        (Part::Mayfly { .. }, Verdict::Silent) => dash(),
        (Part::Lister { .. }, Verdict::Silent) => "none".into(),
    };
    let restarts = restarts(id, console).to_string();
    [
        id.to_string(),
        role.vm.name.clone(),
        version,
        conduit,
        rounds,
        seen,
        retries,
        restarts,
        result,
    ]
}

/// How often the hypervisor created this VM again.
fn restarts(id: u16, console: &Console) -> u32 {
    let prefix = format!("vm{id}: ");
    let again = |line: &&str| line.starts_with(&prefix) && line.contains(", starts again");
    console.of(Source::Hypervisor).filter(again).count().try_into().unwrap_or(u32::MAX)
}

/// The first thing that did not go as it must.
pub(super) fn check(cast: &[Role], policy: PolicyKind, console: &Console) -> Result<(), String> {
    for (id, role) in (1..).zip(cast) {
        check_role(id, role, policy, console)
            .map_err(|why| format!("vm{id} ({}): {why}", role.vm.name))?;
    }
    Ok(())
}

fn check_role(id: u16, role: &Role, policy: PolicyKind, console: &Console) -> Result<(), String> {
    let verdict = Verdict::find(console.of(Source::Vm(id)));
    if let Verdict::Fail(why) = verdict {
        return Err(why);
    }
    match role.part {
        Part::Mayfly { restarts: wanted } => match restarts(id, console) {
            found if found == wanted => Ok(()),
            found => Err(format!("created again {found} times instead of {wanted}")),
        },
        Part::Lister { .. } if verdict == Verdict::Silent => Err("no RESULT line".into()),
        Part::Lister { minor, conduit } => {
            let summary = Summary::find(console.of(Source::Vm(id))).ok_or("no SUMMARY line")?;
            check_identity(&summary, minor, &conduit.to_string())?;
            check_listed(&summary, minor, policy)
        }
    }
}

/// It must have done what it was told, not only have done something well.
fn check_identity(summary: &Summary, minor: u16, conduit: &str) -> Result<(), String> {
    let version = format!("1.{minor}");
    if (summary.version.as_str(), summary.conduit.as_str()) != (&version, conduit) {
        return Err(format!("it spoke {} by {}", summary.version, summary.conduit));
    }
    match summary {
        Summary { rounds: 0, .. } => Err("it never listed".into()),
        Summary { errors: 0, .. } => Ok(()),
        Summary { errors, .. } => Err(format!("{errors} errors")),
    }
}

/// Under allow-all it saw mayflies come and go beside the listers; else nobody but, from 1.2, itself.
fn check_listed(summary: &Summary, minor: u16, policy: PolicyKind) -> Result<(), String> {
    let (least, most) = summary.listed;
    let itself = u64::from(minor >= 2);
    let listers = u64::from(LISTERS) - 1 + itself;
    match policy {
        PolicyKind::VmToSp if (least, most) != (itself, itself) => {
            Err(format!("it saw {least}..{most} partitions instead of {itself}"))
        }
        PolicyKind::AllowAll if most <= listers || least == most => {
            Err(format!("it saw {least}..{most} partitions: nobody came or went"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::cast;
    use super::*;
    use crate::console::EL2;

    /// A console on which everything went well.
    fn good(policy: PolicyKind) -> Vec<String> {
        let mut lines = Vec::new();
        for (id, role) in (1..).zip(cast::of(policy)) {
            lines.extend(match role.part {
                Part::Lister { minor, conduit } => lister(id, minor, &conduit.to_string(), policy),
                Part::Mayfly { restarts } => {
                    let line = format!("[el2] vm{id}: reset, starts again, restarts_left=0");
                    vec![line; restarts as usize]
                }
            });
        }
        lines
    }

    fn lister(id: u16, minor: u16, conduit: &str, policy: PolicyKind) -> Vec<String> {
        let itself = u16::from(minor == 2);
        let (least, most) = match policy {
            PolicyKind::VmToSp => (itself, itself),
            PolicyKind::AllowAll => (5 + itself, 12),
        };
        vec![
            format!(
                "[vm{id}] SUMMARY vm={id} version=1.{minor} conduit={conduit} rounds=9 \
                 listed_min={least} listed_max={most} retries=1 errors=0"
            ),
            format!("[vm{id}] RESULT PASS"),
        ]
    }

    fn judged(lines: &[String], policy: PolicyKind) -> Result<(), String> {
        let mut console = Console::of_dialect(EL2);
        lines.iter().for_each(|line| console.push(line, Duration::ZERO));
        check(&cast::of(policy), policy, &console)
    }

    /// Changes what goes well in one place: the judge must say so.
    fn spoiled(from: &str, to: &str, reason: &str) {
        let lines = good(PolicyKind::AllowAll).join("\n");
        assert!(lines.contains(from), "{from}");
        let lines: Vec<_> = lines.replacen(from, to, 1).lines().map(str::to_owned).collect();
        let why = judged(&lines, PolicyKind::AllowAll).expect_err(reason);
        assert!(why.contains(reason), "{why}");
    }

    #[test]
    fn what_goes_well_passes() {
        for policy in [PolicyKind::AllowAll, PolicyKind::VmToSp] {
            assert_eq!(judged(&good(policy), policy), Ok(()));
        }
    }

    #[test]
    fn whatever_is_missing_or_wrong_fails() {
        spoiled("[vm2] RESULT PASS", "", "vm2 (lister-1.0-smc): no RESULT line");
        spoiled("[vm3] SUMMARY", "[vm3] SUMMAR", "vm3 (lister-1.1-hvc): no SUMMARY line");
        spoiled("RESULT PASS", "RESULT FAIL count", "vm1 (lister-1.0-hvc): count");
        spoiled("version=1.0", "version=1.1", "it spoke 1.1 by hvc");
        spoiled("conduit=hvc", "conduit=smc", "it spoke 1.0 by smc");
        spoiled("rounds=9", "rounds=0", "it never listed");
        spoiled("errors=0", "errors=2", "2 errors");
        spoiled("listed_max=12", "listed_max=5", "nobody came or went");
        spoiled("[el2] vm9: reset, starts again", "[el2] vm9: off", "created again 39 times");
    }

    #[test]
    fn a_vm_that_sees_another_under_the_default_policy_fails() {
        let lines = good(PolicyKind::VmToSp);
        let lines: Vec<_> =
            lines.iter().map(|line| line.replace("listed_max=0", "listed_max=1")).collect();
        assert!(judged(&lines, PolicyKind::VmToSp).unwrap_err().contains("0..1"));
    }

    #[test]
    fn the_table_has_a_row_for_every_vm() {
        let cast = cast::of(PolicyKind::AllowAll);
        let mut console = Console::of_dialect(EL2);
        good(PolicyKind::AllowAll).iter().for_each(|line| console.push(line, Duration::ZERO));
        let table = table(&cast, &console);
        assert_eq!(table.lines().count(), 1 + cast.len());
        let row = table.lines().nth(2).unwrap();
        let cells: Vec<_> = row.split_whitespace().collect();
        assert_eq!(cells, ["2", "lister-1.0-smc", "1.0", "smc", "9", "5..12", "1", "0", "PASS"]);
    }
}
