//! What is measured, and what came out.

use std::fmt;

use ffa_abi::Version;
use ffa_benches::{Contender, Contest};

use crate::measure::{Times, take_turns};

/// Numbers of partitions to list: 2730 descriptors of 24 bytes fill 16 pages.
const LISTED: [u16; 5] = [1, 8, 64, 512, 2730];

/// Numbers of partitions for questions without a buffer: up to all ids that there are.
const ASKED: [u16; 6] = [1, 8, 64, 512, 2730, 32767];

/// What is asked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Question {
    List(Version),
    Count,
    Registers,
    RegistersFromMiddle,
    Lookup,
    Id,
}

/// One question about one number of partitions.
pub(crate) struct Result {
    pub(crate) question: Question,
    pub(crate) seen: u16,
    pub(crate) times: Vec<Times>,
}

/// All of them, in order.
pub(crate) struct Results(pub(crate) Vec<Result>);

impl Results {
    pub(crate) fn measure() -> Self {
        let mut results = Vec::new();
        for version in [Version::V1_0, Version::V1_1, Version::V1_2] {
            for seen in LISTED {
                let contest = Contest::new(seen, version);
                results.push(Result::measure(Question::List(version), seen, contest.list()));
            }
        }
        for seen in ASKED {
            let contest = Contest::new(seen, Version::V1_2);
            let mut measure = |question, contenders| {
                results.push(Result::measure(question, seen, contenders));
            };
            measure(Question::Count, contest.count());
            measure(Question::Registers, contest.registers(0));
            measure(Question::RegistersFromMiddle, contest.registers(seen / 2));
            measure(Question::Lookup, contest.lookup());
            measure(Question::Id, contest.id_get());
        }
        Results(results)
    }

    pub(crate) fn of(&self, question: Question) -> impl Iterator<Item = &Result> {
        self.0.iter().filter(move |result| result.question == question)
    }
}

impl Result {
    fn measure(question: Question, seen: u16, contenders: Vec<Contender<'_>>) -> Self {
        Result { question, seen, times: take_turns(contenders) }
    }

    /// The times of the contender of this name.
    pub(crate) fn times(&self, name: &str) -> Option<&Times> {
        self.times.iter().find(|times| times.name == name)
    }
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Question::List(version) => write!(f, "list, {version}"),
            Question::Count => f.write_str("count"),
            Question::Registers => f.write_str("registers"),
            Question::RegistersFromMiddle => f.write_str("registers from the middle"),
            Question::Lookup => f.write_str("lookup"),
            Question::Id => f.write_str("id"),
        }
    }
}
