//! The targets: what is to be reached, and what was.

use ffa_abi::{PartitionInfo, partition_descriptor_size};
use ffa_benches::{APART, Data, Kind, MEMCPY, PIN};

use crate::decoding::{CALLS, RANGES, READERS};
use crate::latency::{ASKED, VERSIONS};
use crate::scaling;

/// How a value is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Unit {
    Times,
    Nanoseconds,
    Microseconds,
    Kilobytes,
    Count,
    Instructions,
    GigabytesASecond,
}

/// Which side of the limits is the good one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Side {
    AtMost,
    AtLeast,
}

/// One row of the table.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Target {
    pub(crate) what: String,
    pub(crate) unit: Unit,
    pub(crate) side: Side,
    /// What must hold.
    pub(crate) gate: f64,
    /// What is aimed at.
    pub(crate) goal: f64,
    pub(crate) measured: Option<f64>,
}

impl Target {
    fn at_most(what: &str, unit: Unit, (gate, goal): (f64, f64), measured: Option<f64>) -> Self {
        Target { what: what.to_owned(), unit, side: Side::AtMost, gate, goal, measured }
    }

    fn at_least(what: &str, limits: (f64, f64), measured: Option<f64>) -> Self {
        Target { side: Side::AtLeast, ..Target::at_most(what, Unit::Times, limits, measured) }
    }

    fn holds(&self, limit: f64) -> bool {
        self.measured.is_some_and(|measured| match self.side {
            Side::AtMost => measured <= limit,
            Side::AtLeast => measured >= limit,
        })
    }

    /// Whether the gate holds. What could not be measured holds nothing, and fails nothing.
    pub(crate) fn fails(&self) -> bool {
        self.measured.is_some() && !self.holds(self.gate)
    }

    pub(crate) fn meets_goal(&self) -> bool {
        self.holds(self.goal)
    }
}

/// Whose targets these are.
const OURS: &str = Kind::Slots.name();

/// All rows, in the order of the table of targets.
pub(crate) fn targets(data: &Data) -> Vec<Target> {
    let mut rows = lists(data);
    rows.extend(small_lists(data));
    rows.extend(single_answers(data));
    rows.extend(readers(data));
    rows.extend(changes(data));
    rows.extend(retired(data));
    rows.extend(instructions(data));
    rows.extend(decoding(data));
    rows
}

fn lists(data: &Data) -> Vec<Target> {
    let mut rows = Vec::new();
    for n in [2730, 512, 64] {
        for version in VERSIONS {
            let limits = list_limits(n as usize * partition_descriptor_size(version));
            let list = format!("list {version}");
            let measured = data.value(&list, OURS, n, &format!("over {MEMCPY}"));
            let what = format!("list for {version} / memcpy, N = {n}");
            rows.push(Target::at_most(&what, Unit::Times, limits, measured));
        }
    }
    for (n, limits) in [(64, (2.0, 4.0)), (512, (8.0, 12.0)), (2730, (14.0, 30.0))] {
        let what = format!("scattered rwlock list / list for 1.2, N = {n}");
        rows.push(Target::at_least(&what, limits, rival_over_list(data, Kind::RwLock, n)));
    }
    rows
}

/// Gate and goal of a list against memcpy: those of the longest list, of 2730, 512 or 64 descriptors of
/// 24 bytes, that has no more bytes. What comes on top of a copy is the same whatever is copied, so a
/// list for 1.0, whose descriptors have 8 bytes, is held against one of as many bytes.
fn list_limits(bytes: usize) -> (f64, f64) {
    match bytes / size_of::<PartitionInfo>() {
        2730.. => (1.2, 1.1),
        512.. => (1.35, 1.15),
        _ => (2.5, 1.5),
    }
}

/// How many times the registry's time a locked list takes.
fn rival_over_list(data: &Data, rival: Kind, n: u32) -> Option<f64> {
    let over = data.value("list 1.2", OURS, n, &format!("over {}", rival.name()))?;
    Some(1.0 / over)
}

fn small_lists(data: &Data) -> Vec<Target> {
    let over = |statistic: &str| {
        let values = VERSIONS.iter().flat_map(|version| {
            [1, 2, 4, 8].map(|n| data.value(&format!("list {version}"), OURS, n, statistic))
        });
        worst(values)
    };
    let against = over(&format!("over {}", Kind::RwLock.name()));
    vec![
        Target::at_most("list, N <= 8, slowest", Unit::Nanoseconds, (40.0, 15.0), over("ns")),
        // No gate: a bare lock around one entry takes as long as entering a section does.
        Target::at_most(
            "list / rwlock list, N <= 8, worst",
            Unit::Times,
            (f64::INFINITY, 1.0),
            against,
        ),
    ]
}

fn single_answers(data: &Data) -> Vec<Target> {
    let slowest =
        |what: &str| worst(ASKED.iter().map(|n| data.value(what, OURS, u32::from(*n), "ns")));
    let row = |what: &str, limits| {
        let name = format!("{what}, any N");
        Target::at_most(&name, Unit::Nanoseconds, limits, slowest(what))
    };
    vec![
        row("count", (40.0, 10.0)),
        row("registers", (75.0, 35.0)),
        row("registers from the middle", (75.0, 35.0)),
        Target::at_most(
            &format!("lookup, any N, in times of a {PIN}"),
            Unit::Times,
            (7.0 / REFERENCE_PIN_NS, 4.0 / REFERENCE_PIN_NS),
            worst(
                ASKED
                    .iter()
                    .map(|n| data.value("lookup", OURS, u32::from(*n), &format!("over {PIN}"))),
            ),
        ),
    ]
}

/// The rows whose gates are held in another unit than they were set in, as they were set: nanoseconds of
/// another machine, a list for 1.0 against the gate of longer bytes, readers against a perfect two.
pub(crate) fn as_first_set(data: &Data) -> Vec<Target> {
    let lookup = worst(ASKED.iter().map(|n| data.value("lookup", OURS, u32::from(*n), "ns")));
    let mut rows = vec![Target::at_most("lookup, any N", Unit::Nanoseconds, (7.0, 4.0), lookup)];
    for (n, limits) in [(2730, (1.2, 1.1)), (512, (1.35, 1.15))] {
        let measured = data.value("list 1.0", OURS, n, &format!("over {MEMCPY}"));
        let what = format!("list for 1.0 / memcpy, N = {n}");
        rows.push(Target::at_most(&what, Unit::Times, limits, measured));
    }
    let size = u32::from(scaling::SIZE);
    for asked in ["count", "list"] {
        let measured = data.value("two readers", OURS, size, asked);
        let what = format!("two readers against one, {asked}, N = {size}");
        rows.push(Target::at_least(&what, (1.8, 1.95), measured));
    }
    rows
}

/// What a pin took on the machine that the targets in nanoseconds are from. A lookup is a section and
/// two loads, and a section is an instruction that waits for the stores before it: how long it waits
/// is the processor's affair, and can be more than the 7 ns that are the gate there.
const REFERENCE_PIN_NS: f64 = 3.3;

fn readers(data: &Data) -> Vec<Target> {
    let size = u32::from(scaling::SIZE);
    let mut rows: Vec<Target> = ["count", "list"]
        .map(|asked| {
            // Two CPUs that share nothing should get 2; those of this machine may not.
            let what = format!("two readers against one, {asked}, N = {size}; 2 is {APART}");
            let over = data.value("two readers", OURS, size, &format!("{asked} over {APART}"));
            let measured = over.map(|over| 2.0 * over);
            Target::at_least(&what, (1.8, 1.95), measured)
        })
        .into();
    for n in [512, 2730] {
        for (percentile, limits) in [("p50", (1.15, 1.05)), ("p99", (3.0, 1.5))] {
            let what = format!("{percentile} with 50,000 changes a second / idle, N = {n}");
            let measured = data.value("paced", OURS, n, &format!("{percentile} over idle"));
            rows.push(Target::at_most(&what, Unit::Times, limits, measured));
        }
    }
    for (name, percentile, limits) in [("p99", 9900, (1.5, 1.0)), ("p99.9", 9990, (50.0, 2.0))] {
        let measured = data.value("tight loop 64", OURS, percentile, "ns").map(|ns| ns / 1e3);
        let what = format!("{name} with a writer in a tight loop, N = 64");
        rows.push(Target::at_most(&what, Unit::Microseconds, limits, measured));
    }
    for count in ["allocations", "frees", "destructors"] {
        let tight = data.value("tight loop", OURS, 64, count);
        let paced = [512, 2730].map(|n| data.value("paced", OURS, n, count));
        let sum = paced.into_iter().try_fold(tight, |sum, one| Some(Some(sum? + one?)));
        let what = format!("{count} in readers");
        rows.push(Target::at_most(&what, Unit::Count, (0.0, 0.0), sum.flatten()));
    }
    rows
}

fn changes(data: &Data) -> Vec<Target> {
    let row = |(n, limits)| {
        let two = data.value("two changes", OURS, n, "ns");
        let what = format!("register or unregister, N = {n}");
        Target::at_most(&what, Unit::Microseconds, limits, two.map(|ns| ns / 2e3))
    };
    [(2730, (3.0, 1.0)), (32767, (60.0, 3.0))].map(row).into()
}

fn retired(data: &Data) -> Vec<Target> {
    let steady = |(n, limits)| {
        let bytes = data.value("steady churn", OURS, n, "bytes p90");
        let what = format!("retired in steady churn, N = {n}");
        Target::at_most(&what, Unit::Kilobytes, limits, bytes.map(|bytes| bytes / 1024.0))
    };
    let mut rows: Vec<Target> = [(2730, (256.0, 16.0)), (32767, (2560.0, 64.0))].map(steady).into();
    let stuck = |statistic| data.value("stuck", OURS, 2730, statistic);
    let peak = stuck("peak over the limit");
    let what = "retired with a stalled reader / the limit";
    rows.push(Target::at_most(what, Unit::Times, (1.0, 1.0), peak));
    let told = stuck("writer told the CPU");
    rows.push(Target::at_least("the refused writer is told the CPU", (1.0, 1.0), told));
    let frees = stuck("most frees a write");
    rows.push(Target::at_most("most frees a write", Unit::Count, (8.0, 8.0), frees));
    let left = stuck("bytes left");
    rows.push(Target::at_most("bytes left when it has left", Unit::Count, (0.0, 0.0), left));
    rows
}

fn instructions(data: &Data) -> Vec<Target> {
    let whole = |call: &str| data.value("instructions", &format!("mediator {call}"), 8, "count");
    let own = |answer: &str| data.value("instructions", &format!("registry {answer}"), 8, "count");
    [("count", "count"), ("id", "lookup")]
        .map(|(call, answer)| {
            let over = whole(call).zip(own(answer)).map(|(whole, own)| whole - own);
            let what = format!("whole call `{call}` over the registry's `{answer}`");
            Target::at_most(&what, Unit::Instructions, (250.0, 120.0), over)
        })
        .into()
}

fn decoding(data: &Data) -> Vec<Target> {
    let slowest = |calls: &str| data.value("decode slowest", calls, 0, "ns");
    let row =
        |what: &str, limits, measured| Target::at_most(what, Unit::Nanoseconds, limits, measured);
    let mut rows = vec![
        row("decode a call of discovery, slowest", (10.0, 7.0), slowest(CALLS[0])),
        row("decode any call, slowest", (30.0, 15.0), slowest(CALLS[1])),
    ];
    for ranges in RANGES {
        let what = format!("read a transaction of {ranges} ranges");
        let measured = data.value("ranges", READERS[0], ranges, "GB/s");
        let target = Target::at_least(&what, (1.0, 4.0), measured);
        rows.push(Target { unit: Unit::GigabytesASecond, ..target });
    }
    rows
}

/// The largest of the values, if all were measured.
fn worst(values: impl IntoIterator<Item = Option<f64>>) -> Option<f64> {
    values.into_iter().try_fold(0.0, |worst: f64, value| Some(worst.max(value?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gates_and_goals_are_held_against_the_right_side() {
        let target = |side, measured| Target {
            what: String::new(),
            unit: Unit::Times,
            side,
            gate: 2.0,
            goal: if side == Side::AtMost { 1.0 } else { 3.0 },
            measured,
        };
        let verdict = |side, measured| {
            let target = target(side, measured);
            (!target.fails(), target.meets_goal())
        };
        assert_eq!(verdict(Side::AtMost, Some(1.0)), (true, true));
        assert_eq!(verdict(Side::AtMost, Some(1.5)), (true, false));
        assert_eq!(verdict(Side::AtMost, Some(2.5)), (false, false));
        assert_eq!(verdict(Side::AtLeast, Some(3.0)), (true, true));
        assert_eq!(verdict(Side::AtLeast, Some(2.5)), (true, false));
        assert_eq!(verdict(Side::AtLeast, Some(1.5)), (false, false));
        assert_eq!(verdict(Side::AtMost, Some(f64::NAN)), (false, false));
        assert_eq!(verdict(Side::AtMost, None), (true, false));
    }

    #[test]
    fn the_worst_value_counts_and_none_is_missing() {
        assert_eq!(worst([Some(1.0), Some(3.0), Some(2.0)]), Some(3.0));
        assert_eq!(worst([Some(1.0), None]), None);
    }

    #[test]
    fn instructions_are_those_on_top_of_the_registry() {
        let mut data = Data::new(String::new());
        data.put("instructions", "mediator count", 8, "count", 300.0);
        data.put("instructions", "registry count", 8, "count", 60.0);
        let rows = instructions(&data);
        assert_eq!(rows[0].measured, Some(240.0));
        assert!(!rows[0].fails() && !rows[0].meets_goal());
        assert_eq!(rows[1].measured, None);
    }

    #[test]
    fn every_row_names_something_else() {
        let rows = targets(&Data::default());
        let mut names: Vec<&str> = rows.iter().map(|row| row.what.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), rows.len());
        assert!(rows.iter().all(|row| row.measured.is_none()));
    }
}
