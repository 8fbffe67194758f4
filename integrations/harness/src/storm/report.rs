//! The end of a storm: a table for people, JSON for machines.

use std::fmt;
use std::time::Duration;

use serde_json::{Value, json};

use crate::machine::Machine;
use crate::storm::Options;
use crate::storm::churn::Churned;
use crate::storm::tally::{Kind, Tally};

/// What a storm showed.
pub struct Report {
    options: Options,
    elapsed: Duration,
    tally: Tally,
    created: u64,
    destroyed: u64,
    waits: u64,
    retired_peak: usize,
    violations: Vec<String>,
}

impl Report {
    pub(crate) fn new(
        options: &Options,
        machine: &Machine,
        elapsed: Duration,
        tally: Tally,
        churned: &Churned,
    ) -> Report {
        let mut violations = tally.wrong.clone();
        violations.extend(machine.journal().take_violations());
        Report {
            options: options.clone(),
            elapsed,
            tally,
            created: churned.created,
            destroyed: churned.destroyed,
            waits: churned.waits,
            retired_peak: machine.mediator().retired().peak_bytes,
            violations,
        }
    }

    /// What was wrong; nothing is what it should be.
    #[must_use]
    pub fn violations(&self) -> &[String] {
        &self.violations
    }

    /// What was done.
    #[must_use]
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// VMs destroyed.
    #[must_use]
    pub fn destroyed(&self) -> u64 {
        self.destroyed
    }

    /// Guests' calls.
    #[must_use]
    pub fn calls(&self) -> u64 {
        let calls = Kind::ALL.into_iter().filter(|kind| kind.is_call());
        calls.map(|kind| self.tally.times(kind).len()).sum()
    }

    fn rate(&self, count: u64) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a rate is an estimate")]
        let count = count as f64;
        count / self.elapsed.as_secs_f64()
    }

    /// All figures; times in nanoseconds.
    #[must_use]
    pub fn to_json(&self) -> String {
        let kinds = Kind::ALL.into_iter().map(|kind| (kind.name().to_owned(), self.kind(kind)));
        let report = json!({
            "vms": self.options.vms,
            "readers": self.options.readers,
            "churn": self.options.churn,
            "secure_partitions": self.options.secure_partitions,
            "policy": if self.options.allow_all { "allow-all" } else { "vm-to-sp" },
            "seed": self.options.seed,
            "seconds": self.elapsed.as_secs_f64(),
            "calls": self.calls(),
            "kinds": kinds.collect::<serde_json::Map<String, Value>>(),
            "vms_created": self.created,
            "vms_destroyed": self.destroyed,
            "waits_for_readers": self.waits,
            "get_regs_retries": self.tally.retries,
            "retired_bytes_peak": self.retired_peak,
            "answers_checked": self.tally.checked,
            "violations": self.violations,
        });
        report.to_string()
    }

    fn kind(&self, kind: Kind) -> Value {
        let times = self.tally.times(kind);
        json!({
            "count": times.len(),
            "per_second": self.rate(times.len()),
            "p50": times.value_at_quantile(0.5),
            "p99": times.value_at_quantile(0.99),
            "p99.9": times.value_at_quantile(0.999),
            "max": times.max(),
        })
    }

    fn write_kind(&self, f: &mut fmt::Formatter<'_>, kind: Kind) -> fmt::Result {
        let times = self.tally.times(kind);
        if times.is_empty() {
            return Ok(());
        }
        write!(f, "{:12}{:>12}{:>12.0}", kind.name(), times.len(), self.rate(times.len()))?;
        for quantile in [0.5, 0.99, 0.999] {
            write!(f, "{:>11}", microseconds(times.value_at_quantile(quantile)))?;
        }
        writeln!(f, "{:>11}", microseconds(times.max()))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = ["count", "per second"];
        write!(f, "{:12}{:>12}{:>12}", "", head[0], head[1])?;
        for name in ["p50 us", "p99 us", "p99.9 us", "max us"] {
            write!(f, "{name:>11}")?;
        }
        writeln!(f)?;
        Kind::ALL.into_iter().try_for_each(|kind| self.write_kind(f, kind))?;
        writeln!(f)?;
        let rows: [(&str, u64); 7] = [
            ("guests' calls", self.calls()),
            ("VMs created", self.created),
            ("VMs destroyed", self.destroyed),
            ("waits for readers", self.waits),
            ("GET_REGS retries", self.tally.retries),
            ("retired bytes, most", self.retired_peak as u64),
            ("answers checked", self.tally.checked),
        ];
        rows.iter().try_for_each(|(name, value)| writeln!(f, "{name:24}{value:>12}"))?;
        writeln!(f, "{:24}{:>12}", "violations", self.violations.len())?;
        self.violations.iter().try_for_each(|what| writeln!(f, "  {what}"))
    }
}

#[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
fn microseconds(nanoseconds: u64) -> String {
    format!("{:.2}", nanoseconds as f64 / 1000.0)
}
