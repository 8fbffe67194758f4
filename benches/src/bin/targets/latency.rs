//! How long one answer takes on a quiet machine, by the number of partitions.

use ffa_abi::Version;
use ffa_benches::{Contest, Data, Kind, MEMCPY, PIN, Question};

use crate::effort::Effort;
use crate::measure::{Times, take_turns};

/// Numbers of partitions to list: 2730 descriptors of 24 bytes fill 16 pages.
pub(crate) const LISTED: [u16; 7] = [1, 2, 4, 8, 64, 512, 2730];

/// Numbers of partitions for all else: up to all ids that there are.
pub(crate) const ASKED: [u16; 8] = [1, 2, 4, 8, 64, 512, 2730, 32767];

/// The versions that differ in what a list shows, or in its form.
pub(crate) const VERSIONS: [Version; 3] = [Version::V1_0, Version::V1_1, Version::V1_2];

/// What else is asked, by its name in the data.
pub(crate) const QUESTIONS: [(&str, Question); 5] = [
    ("count", Question::Count),
    ("registers", Question::Registers),
    ("registers from the middle", Question::RegistersFromMiddle),
    ("lookup", Question::Lookup),
    ("two changes", Question::Changes),
];

/// Those against whom the registry's ratios are taken.
const RIVALS: [&str; 6] = [
    MEMCPY,
    PIN,
    Kind::RwLock.name(),
    Kind::RwLockInOrder.name(),
    Kind::Mutex.name(),
    Kind::CrossbeamList.name(),
];

/// Puts all questions to all contenders.
pub(crate) fn measure(data: &mut Data, effort: Effort) {
    for version in VERSIONS {
        let what = format!("list {version}");
        for seen in LISTED {
            effort.progress(&what, &format!("N = {seen}"));
            let contest = Contest::new(seen, version);
            let times = take_turns(contest.contenders(Question::List), effort.rounds);
            record(data, &what, seen, &times);
        }
    }
    for seen in ASKED {
        effort.progress("count, registers, lookup, changes", &format!("N = {seen}"));
        let contest = Contest::new(seen, Version::V1_2);
        for (what, question) in QUESTIONS {
            let slow = seen > 2730 || question == Question::Changes;
            let rounds = if slow { effort.rounds / 5 } else { effort.rounds };
            let times = take_turns(contest.contenders(question), rounds.max(5));
            record(data, what, seen, &times);
        }
    }
}

/// Medians of the times, and of each contender's ratios to its rivals in the same round.
fn record(data: &mut Data, what: &str, seen: u16, times: &[Times]) {
    for one in times {
        data.put(what, one.name, seen.into(), "ns", one.median());
        for rival in times.iter().filter(|rival| RIVALS.contains(&rival.name)) {
            let statistic = format!("over {}", rival.name);
            data.put(what, one.name, seen.into(), &statistic, one.over(rival));
        }
    }
}
