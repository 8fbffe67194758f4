//! What a guest reports about itself: its `SUMMARY` and `RESULT` lines.

use std::collections::BTreeMap;

use crate::failure::{Failure, Result};

/// What a lister saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Summary {
    /// As negotiated: `1.0`, `1.1`, `1.2`.
    pub(crate) version: String,
    /// `hvc` or `smc`.
    pub(crate) conduit: String,
    pub(crate) rounds: u64,
    /// Fewest and most partitions in one list.
    pub(crate) listed: (u64, u64),
    /// How often a list had to start again as others came or went.
    pub(crate) retries: u64,
    pub(crate) errors: u64,
}

impl Summary {
    /// The last `SUMMARY key=value ...` of a guest; None without one that is complete.
    pub(crate) fn find<'a>(lines: impl Iterator<Item = &'a str>) -> Option<Self> {
        let text = lines.filter_map(|line| line.strip_prefix("SUMMARY ")).last()?;
        let values: BTreeMap<&str, &str> =
            text.split_whitespace().filter_map(|word| word.split_once('=')).collect();
        let number = |key| values.get(key)?.parse().ok();
        let word = |key| values.get(key).map(ToString::to_string);
        Some(Self {
            version: word("version")?,
            conduit: word("conduit")?,
            rounds: number("rounds")?,
            listed: (number("listed_min")?, number("listed_max")?),
            retries: number("retries")?,
            errors: number("errors")?,
        })
    }
}

/// What a guest says about its own success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Pass,
    Fail(String),
    /// It never said.
    Silent,
}

impl Verdict {
    /// One failure is enough: a guest that was created again may pass later.
    pub(crate) fn find<'a>(lines: impl Iterator<Item = &'a str>) -> Self {
        let mut verdict = Self::Silent;
        for result in lines.filter_map(|line| line.strip_prefix("RESULT ")) {
            match result.strip_prefix("FAIL") {
                Some(why) => return Self::Fail(why.trim().to_owned()),
                None if result.trim() == "PASS" => verdict = Self::Pass,
                None => {}
            }
        }
        verdict
    }

    /// An error unless it is that VM `id` passed.
    pub(crate) fn require(self, id: u16) -> Result<()> {
        match self {
            Self::Pass => Ok(()),
            Self::Fail(why) => Err(Failure::failed(format!("vm{id}: {why}"))),
            Self::Silent => Err(Failure::failed(format!("vm{id} has no RESULT line"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "SUMMARY vm=3 version=1.1 conduit=smc rounds=200 listed_min=7 listed_max=12 \
                        retries=4 errors=0";

    #[test]
    fn a_summary_is_read() {
        let summary = Summary::find(["hello", LINE, "RESULT PASS"].into_iter()).unwrap();
        assert_eq!((summary.version.as_str(), summary.conduit.as_str()), ("1.1", "smc"));
        assert_eq!((summary.rounds, summary.listed), (200, (7, 12)));
        assert_eq!((summary.retries, summary.errors), (4, 0));
    }

    #[test]
    fn a_summary_that_misses_something_is_none() {
        assert_eq!(Summary::find(["hello"].into_iter()), None);
        assert_eq!(Summary::find([LINE.replace("errors", "error").as_str()].into_iter()), None);
        assert_eq!(Summary::find([LINE.replace("200", "many").as_str()].into_iter()), None);
    }

    #[test]
    fn a_guest_must_say_that_it_passed() {
        let find = |lines: &[&str]| Verdict::find(lines.iter().copied());
        assert_eq!(find(&["RESULT PASS"]), Verdict::Pass);
        assert_eq!(find(&["PASS", "the RESULT PASS"]), Verdict::Silent);
        assert_eq!(find(&["RESULT FAIL no timer"]), Verdict::Fail("no timer".into()));
        assert_eq!(find(&["RESULT FAIL one", "RESULT PASS"]), Verdict::Fail("one".into()));
        assert_eq!(find(&["RESULT MAYBE"]), Verdict::Silent);
    }
}
