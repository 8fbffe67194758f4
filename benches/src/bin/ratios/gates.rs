//! The limits, and whether they hold.

use std::fmt;

use ffa_abi::Version;
use ffa_benches::names::{MEDIATOR, MEMCPY, REGISTRY, RWLOCK, SCATTERED};

use crate::measure::Spread;
use crate::results::{Question, Result, Results};

const VERSIONS: [Version; 3] = [Version::V1_0, Version::V1_1, Version::V1_2];

/// A limit, and what was measured against it.
pub(crate) struct Verdict {
    pub(crate) what: String,
    pub(crate) measured: Spread,
    pub(crate) limit: Limit,
    /// Otherwise it is an aim, set for the registry alone while the whole call is measured.
    pub(crate) must_hold: bool,
}

#[derive(Clone, Copy)]
pub(crate) enum Limit {
    /// Times the other's time.
    AtMostTimes(f64),
    /// Times as fast as the other.
    AtLeastTimes(f64),
    Nanoseconds(f64),
}

/// What is held against a limit.
enum Measure {
    Absolute,
    Over(&'static str),
    Under(&'static str),
}

/// Holds the results against every limit.
pub(crate) fn judge(results: &Results) -> Vec<Verdict> {
    let judge = Judge { results };
    let lists = VERSIONS.map(Question::List);
    let mut verdicts = Vec::new();
    for list in lists {
        verdicts.extend(judge.over_memcpy(list, 2730, 1.5, true));
    }
    for list in lists {
        for (seen, times) in [(2730, 1.2), (512, 1.35), (64, 2.5)] {
            verdicts.extend(judge.over_memcpy(list, seen, times, false));
        }
        for (seen, times) in [(64, 2.0), (512, 8.0), (2730, 14.0)] {
            verdicts.extend(judge.under(RWLOCK, list, seen, times));
            verdicts.extend(judge.under(SCATTERED, list, seen, times));
        }
    }
    let small = judge.nanoseconds(Question::List(Version::V1_2), MEDIATOR, 40.0);
    verdicts.extend(small.into_iter().take(2));
    verdicts.extend(judge.nanoseconds(Question::Count, MEDIATOR, 40.0));
    verdicts.extend(judge.nanoseconds(Question::Registers, MEDIATOR, 75.0));
    verdicts.extend(judge.nanoseconds(Question::RegistersFromMiddle, MEDIATOR, 75.0));
    verdicts.extend(judge.nanoseconds(Question::Lookup, REGISTRY, 7.0));
    verdicts
}

struct Judge<'r> {
    results: &'r Results,
}

impl Judge<'_> {
    fn over_memcpy(
        &self,
        list: Question,
        seen: u16,
        times: f64,
        must_hold: bool,
    ) -> Option<Verdict> {
        let result = self.results.of(list).find(|result| result.seen == seen)?;
        verdict(result, MEDIATOR, &Measure::Over(MEMCPY), Limit::AtMostTimes(times), must_hold)
    }

    fn under(&self, other: &'static str, list: Question, seen: u16, times: f64) -> Option<Verdict> {
        let result = self.results.of(list).find(|result| result.seen == seen)?;
        verdict(result, MEDIATOR, &Measure::Under(other), Limit::AtLeastTimes(times), false)
    }

    /// At any number of partitions.
    fn nanoseconds(&self, of: Question, name: &str, limit: f64) -> Vec<Verdict> {
        let limit = Limit::Nanoseconds(limit);
        let judge = |result| verdict(result, name, &Measure::Absolute, limit, false);
        self.results.of(of).filter_map(judge).collect()
    }
}

fn verdict(
    result: &Result,
    name: &str,
    measure: &Measure,
    limit: Limit,
    must_hold: bool,
) -> Option<Verdict> {
    let times = result.times(name)?;
    let (measured, against) = match measure {
        Measure::Absolute => (times.spread(), String::new()),
        Measure::Over(other) => (times.over(result.times(other)?), format!(", over {other}")),
        Measure::Under(other) => (result.times(other)?.over(times), format!(", {other} over it")),
    };
    let what = format!("{}, N = {}{against}", result.question, result.seen);
    Some(Verdict { what, measured, limit, must_hold })
}

impl Verdict {
    pub(crate) fn passed(&self) -> bool {
        match self.limit {
            Limit::AtMostTimes(limit) | Limit::Nanoseconds(limit) => self.measured.median <= limit,
            Limit::AtLeastTimes(limit) => self.measured.median >= limit,
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Limit::AtMostTimes(times) => write!(f, "at most {times:.2}"),
            Limit::AtLeastTimes(times) => write!(f, "at least {times:.0}"),
            Limit::Nanoseconds(limit) => write!(f, "at most {limit:.0} ns"),
        }
    }
}
