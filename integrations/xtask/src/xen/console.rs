//! The lines of Xen's console: its own, those of the domains that it made, and dom0's as they are.

use crate::console::{Dialect, Source, Verdict};

/// `(XEN) ` and `(dN) ` in front, nothing in front of dom0's.
pub(super) const XEN: Dialect = Dialect { split, concerned, verdict };

/// dom0 as FF-A counts: domain ids and one.
const DOM0: u16 = 1;

/// Words of Xen that tell of its own end or of a fault in it, or of a domain that it ended by force.
const FATAL: [&str; 8] = [
    "Assertion '",
    "Hardware Dom0 crashed",
    "Hardware Dom0 shutdown",
    "Panic on CPU",
    "Unexpected Trap",
    "Xen BUG at",
    "Xen WARN at",
    "domain_crash called",
];

fn split(line: &str) -> (Source, &str) {
    if let Some(text) = line.strip_prefix("(XEN) ") {
        return (Source::Hypervisor, text);
    }
    let domain = line
        .strip_prefix("(d")
        .and_then(|rest| rest.split_once(") "))
        .and_then(|(id, text)| Some((Source::Vm(id.parse::<u16>().ok()?.checked_add(1)?), text)));
    domain.unwrap_or((Source::Vm(DOM0), line))
}

/// `dN...: ` or `dNvM: ` tells of domain N.
fn concerned(text: &str) -> Option<u16> {
    let (word, _) = text.strip_prefix('d')?.split_once([' ', ':'])?;
    let id = word.split('v').next()?;
    id.parse::<u16>().ok()?.checked_add(1)
}

fn verdict(text: &str) -> Option<Verdict> {
    if FATAL.iter().any(|words| text.contains(words)) {
        return Some(Verdict::Failed(format!("Xen: {text}")));
    }
    text.starts_with("Hardware Dom0 halted").then_some(Verdict::Off)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::console::Console;

    fn console(lines: &[&str]) -> Console {
        let mut console = Console::of_dialect(XEN);
        lines.iter().for_each(|line| console.push(line, Duration::ZERO));
        console
    }

    #[test]
    fn lines_belong_to_who_printed_them() {
        let console = console(&[
            "(XEN) Xen version 4.17\r\n",
            "(d1) RESULT PASS\n",
            "(d12) two\n",
            "RESULT PASS\r\n",
            "(d) (dx) ?\n",
        ]);
        assert_eq!(console.of(Source::Hypervisor).collect::<Vec<_>>(), ["Xen version 4.17"]);
        assert_eq!(console.of(Source::Vm(2)).collect::<Vec<_>>(), ["RESULT PASS"]);
        assert_eq!(console.of(Source::Vm(13)).collect::<Vec<_>>(), ["two"]);
        assert_eq!(console.of(Source::Vm(1)).collect::<Vec<_>>(), ["RESULT PASS", "(d) (dx) ?"]);
    }

    #[test]
    fn the_last_line_about_each_domain_is_known() {
        let console =
            console(&["(d1) a", "(XEN) d2v0 faulted", "(XEN) d1: gone", "(XEN) done 3: x"]);
        let last = |vm| console.last(vm).map(|line| line.text.clone());
        assert_eq!(last(2).as_deref(), Some("d1: gone"));
        assert_eq!(last(3).as_deref(), Some("d2v0 faulted"));
        assert_eq!(last(1), None);
    }

    #[test]
    fn xen_is_off_when_dom0_turns_the_machine_off() {
        let halted = "(XEN) Hardware Dom0 halted: halting machine";
        assert_eq!(console(&[halted]).verdict(), Some(&Verdict::Off));
        assert_eq!(console(&["(d1) Hardware Dom0 halted: halting machine"]).verdict(), None);
        assert_eq!(console(&["Hardware Dom0 halted: halting machine"]).verdict(), None);
    }

    #[test]
    fn every_sign_of_a_fault_in_xen_is_a_failure() {
        for line in [
            "(XEN) Panic on CPU 1:",
            "(XEN) Assertion 'd != NULL' failed at arch/arm/tee/ffa_rs.c:7",
            "(XEN) CPU1: Unexpected Trap: Data Abort",
            "(XEN) Xen BUG at common/domain.c:1",
            "(XEN) Hardware Dom0 crashed: rebooting machine in 5 seconds.",
            "(XEN) domain_crash called from arch/arm/traps.c:2030",
        ] {
            let console = console(&[line, "(XEN) Hardware Dom0 halted: halting machine"]);
            let told =
                matches!(console.verdict(), Some(Verdict::Failed(why)) if why.starts_with("Xen: "));
            assert!(told, "{line}");
        }
    }
}
