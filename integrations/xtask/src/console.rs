//! The console of a run: who printed each line, and what the hypervisor says about the end.

use std::collections::BTreeMap;
use std::time::Duration;

/// A guest that prints without end must not fill our memory: later lines are shown, not kept.
const KEPT_LINES: usize = 200_000;

/// Who printed a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Vm(u16),
    Hypervisor,
    /// Firmware or QEMU.
    Other,
}

/// A line without its prefix, and when it came after the start.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) source: Source,
    pub(crate) text: String,
    pub(crate) at: Duration,
}

/// How a hypervisor marks the lines of its console.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dialect {
    /// Who printed a line, and the line without its mark.
    pub(crate) split: fn(&str) -> (Source, &str),
    /// The VM that a line of the hypervisor tells of.
    pub(crate) concerned: fn(&str) -> Option<u16>,
    /// What a line of the hypervisor says about the end.
    pub(crate) verdict: fn(&str) -> Option<Verdict>,
}

/// Lines with `[vmN] ` or `[el2] ` in front.
pub(crate) const EL2: Dialect = Dialect { split, concerned, verdict };

/// Everything that was printed.
#[derive(Clone, Debug)]
pub(crate) struct Console {
    dialect: Dialect,
    lines: Vec<Line>,
    last: BTreeMap<u16, Line>,
    verdict: Option<Verdict>,
}

/// How the hypervisor says that a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Every VM is off by its own wish or by the end of its life.
    Off,
    /// Something went wrong: what the hypervisor said.
    Failed(String),
}

impl Console {
    pub(crate) fn of_dialect(dialect: Dialect) -> Self {
        Self { dialect, lines: Vec::new(), last: BTreeMap::new(), verdict: None }
    }

    pub(crate) fn push(&mut self, raw: &str, at: Duration) {
        let (source, text) = (self.dialect.split)(raw.trim_end_matches(['\r', '\n']));
        let line = Line { source, text: text.into(), at };
        if source == Source::Hypervisor {
            self.note_verdict(text);
        }
        let concerned = match source {
            Source::Vm(id) => Some(id),
            Source::Hypervisor => (self.dialect.concerned)(text),
            Source::Other => None,
        };
        if let Some(id) = concerned {
            self.last.insert(id, line.clone());
        }
        if self.lines.len() < KEPT_LINES {
            self.lines.push(line);
        }
    }

    /// A failure is never overruled by a later line.
    fn note_verdict(&mut self, text: &str) {
        let failed = matches!(self.verdict, Some(Verdict::Failed(_)));
        match (self.dialect.verdict)(text) {
            Some(verdict) if !failed => self.verdict = Some(verdict),
            _ => {}
        }
    }

    pub(crate) fn verdict(&self) -> Option<&Verdict> {
        self.verdict.as_ref()
    }

    /// The lines of one source, in order.
    pub(crate) fn of(&self, source: Source) -> impl Iterator<Item = &str> {
        self.lines.iter().filter(move |line| line.source == source).map(|line| line.text.as_str())
    }

    /// The last line that tells of this VM.
    pub(crate) fn last(&self, vm: u16) -> Option<&Line> {
        self.last.get(&vm)
    }
}

/// `vmN: ` tells of a VM.
fn concerned(text: &str) -> Option<u16> {
    text.strip_prefix("vm")?.split_once(": ")?.0.parse().ok()
}

fn verdict(text: &str) -> Option<Verdict> {
    if let Some(why) = text.strip_prefix("FAILED: ") {
        return Some(Verdict::Failed(why.into()));
    }
    (text.starts_with("all ") && text.ends_with("VMs are off")).then_some(Verdict::Off)
}

/// Tells who printed a line by its prefix.
fn split(line: &str) -> (Source, &str) {
    if let Some(text) = line.strip_prefix("[el2] ") {
        return (Source::Hypervisor, text);
    }
    let vm = line
        .strip_prefix("[vm")
        .and_then(|rest| rest.split_once("] "))
        .and_then(|(id, text)| Some((Source::Vm(id.parse().ok()?), text)));
    vm.unwrap_or((Source::Other, line))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn console(lines: &[&str]) -> Console {
        let mut console = Console::of_dialect(EL2);
        for line in lines {
            console.push(line, Duration::ZERO);
        }
        console
    }

    #[test]
    fn lines_belong_to_who_printed_them() {
        let console =
            console(&["[vm1] one\r\n", "[el2] hyp\n", "[vm12] two\n", "NOTICE: BL1\n", "[vmx] ?"]);
        assert_eq!(console.of(Source::Vm(1)).collect::<Vec<_>>(), ["one"]);
        assert_eq!(console.of(Source::Vm(12)).collect::<Vec<_>>(), ["two"]);
        assert_eq!(console.of(Source::Hypervisor).collect::<Vec<_>>(), ["hyp"]);
        assert_eq!(console.of(Source::Other).collect::<Vec<_>>(), ["NOTICE: BL1", "[vmx] ?"]);
    }

    #[test]
    fn the_last_line_of_each_vm_is_known() {
        let console = console(&["[vm1] a", "[vm2] b", "[vm1] c", "[el2] vm2: off", "[el2] vmx: ?"]);
        assert_eq!(console.last(1).map(|line| line.text.as_str()), Some("c"));
        assert_eq!(console.last(2).map(|line| line.text.as_str()), Some("vm2: off"));
        assert!(console.last(3).is_none());
    }

    #[test]
    fn only_the_hypervisor_gives_a_verdict() {
        assert_eq!(console(&["[vm1] all 1 VMs are off"]).verdict(), None);
        assert_eq!(console(&["[vm1] [el2] FAILED: no"]).verdict(), None);
        assert_eq!(console(&["[el2] all 3 VMs are off"]).verdict(), Some(&Verdict::Off));
    }

    #[test]
    fn a_failure_stands() {
        let failed = Verdict::Failed("vm2 died".into());
        assert_eq!(console(&["[el2] FAILED: vm2 died"]).verdict(), Some(&failed));
        let both = console(&["[el2] FAILED: vm2 died", "[el2] all 3 VMs are off"]);
        assert_eq!(both.verdict(), Some(&failed));
    }
}
