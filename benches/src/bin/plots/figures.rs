//! The figures. Titles say what was found, with its numbers.

use ffa_benches::{APART, Data, Kind, MEMCPY};

use crate::axis::{Axis, Scale, digits, memory, time};
use crate::bars::{Bars, Row};
use crate::figure::{Figure, Line, Phase, Style};

/// All of them, by the names of their files.
pub(crate) fn all(data: &Data) -> Vec<(&'static str, String)> {
    vec![
        ("list-latency.svg", lists(data).to_svg()),
        ("reader-tail.svg", tail(data).to_svg()),
        ("two-readers.svg", scaling(data).to_svg()),
        ("retired-memory.svg", retired(data).to_svg()),
        ("change-cost.svg", changes(data).to_svg()),
    ]
}

fn style(name: &str) -> Style {
    let (color, dash, width) = match name {
        "registry" => ("#0072b2", "", 3.5),
        "mediator" => ("#3a9fd6", "7 3", 2.0),
        "crossbeam snapshot" => ("#009e73", "3 3", 2.0),
        "arc-swap snapshot" => ("#8a7f00", "8 3 2 3", 2.0),
        "crossbeam list" => ("#b8558e", "", 2.0),
        "rwlock list" => ("#d55e00", "", 2.0),
        "rwlock list in order" => ("#c98500", "5 3", 2.0),
        "mutex list" => ("#7a3e00", "2 3", 2.0),
        _ => ("#555555", "", 2.0),
    };
    Style { color, dash, width }
}

/// A line for each name that has points.
fn lines(names: &[&str], points: impl Fn(&str) -> Vec<(f64, f64)>) -> Vec<Line> {
    let line = |name: &&str| {
        let points = points(name);
        let marked = points.len() < 20;
        Line { name: (*name).to_owned(), style: style(name), points, marked }
    };
    names.iter().map(line).filter(|line| !line.points.is_empty()).collect()
}

fn everybody() -> Vec<&'static str> {
    Kind::ALL.iter().map(|kind| kind.name()).collect()
}

fn partitions(most: f64) -> Axis {
    let ticks = [1.0, 2.0, 4.0, 8.0, 64.0, 512.0, 2730.0, 32767.0];
    let ticks = ticks.into_iter().filter(|n| *n <= most).map(|n: f64| (n, format!("{n}")));
    Axis::new("partitions (log)", Scale::Log, (1.0, most), ticks.collect())
}

/// The range of all values.
fn range(lines: &[Line]) -> (f64, f64) {
    let values = lines.iter().flat_map(|line| &line.points).map(|(_, y)| *y);
    let finite = values.filter(|y| y.is_finite());
    let (low, high) =
        finite.fold((f64::INFINITY, 1.0_f64), |(low, high), y| (low.min(y.max(1.0)), high.max(y)));
    // Nothing was measured: the axis has some decade all the same.
    (if low.is_finite() { low } else { 1.0 }, high)
}

fn series(data: &Data, what: &str, who: &str) -> Vec<(f64, f64)> {
    data.series(what, who, "ns").into_iter().map(|(n, value)| (n.into(), value)).collect()
}

fn lists(data: &Data) -> Figure {
    let what = "list 1.2";
    let lines = lines(&[everybody(), vec![MEMCPY]].concat(), |who| series(data, what, who));
    let at = |who: Kind| data.value(what, who.name(), 2730, "ns").unwrap_or(f64::NAN);
    let (ours, theirs) = (at(Kind::Slots), at(Kind::RwLock));
    Figure {
        title: format!(
            "A list of 2730 partitions: {} from the registry, {} from a locked list",
            time(ours),
            time(theirs)
        ),
        subtitle: "FFA_PARTITION_INFO_GET, caller of 1.2. The mediator has the whole two calls, \
                   the others no call around them."
            .into(),
        footer: data.origin.clone(),
        x: partitions(2730.0),
        y: Axis::decades("time of one list (log)", range(&lines), time),
        lines,
        phases: vec![],
        level: None,
    }
}

/// Where a percentile, in hundredths of a percent, lies: each nine has the same width.
fn nines(percentile: f64) -> f64 {
    -(1.0 - percentile / 10_000.0).log10()
}

fn tail(data: &Data) -> Figure {
    let what = "tight loop 64";
    let points = |who: &str| {
        let points = series(data, what, who).into_iter();
        points.map(|(percentile, value)| (nines(percentile), value)).collect()
    };
    let lines = lines(&everybody(), points);
    let at = |who: Kind| data.value(what, who.name(), 9990, "ns").unwrap_or(f64::NAN);
    let ticks = [
        (5000.0, "50 %"),
        (9000.0, "90 %"),
        (9900.0, "99 %"),
        (9990.0, "99.9 %"),
        (9999.0, "99.99 %"),
    ];
    let ticks = ticks.map(|(percentile, text)| (nines(percentile), text.to_owned()));
    Figure {
        title: format!(
            "While a writer never pauses, 99.9 % of lists take {} or less; {} under a rwlock",
            time(at(Kind::Slots)),
            time(at(Kind::RwLock))
        ),
        subtitle:
            "One list of 64 partitions while another CPU registers and unregisters them. The last \
                   hundredth of a percent is interrupts."
                .into(),
        footer: data.origin.clone(),
        x: Axis::new("lists that are at least this fast", Scale::Linear, (0.3, 4.0), ticks.into()),
        y: Axis::decades("time of one list (log)", range(&lines), time),
        lines,
        phases: vec![],
        level: None,
    }
}

fn scaling(data: &Data) -> Bars {
    let value = |who: &str, asked| data.value("two readers", who, 8, asked).unwrap_or(0.0);
    let row = |who: &'static str| Row {
        name: who.to_owned(),
        style: style(who),
        values: vec![("count", value(who, "count")), ("list", value(who, "list"))],
    };
    Bars {
        title: format!(
            "Two readers get {} times the counts of one from the registry, {} times under a lock",
            hundredths(value("registry", "count")),
            hundredths(value("rwlock list", "count"))
        ),
        subtitle:
            "8 partitions: what protects them is most of the cost. Two registries apart get what this \
                   machine allows."
                .into(),
        footer: data.origin.clone(),
        label: "answers of two readers on two CPUs / answers of one",
        ticks: vec![0.0, 0.5, 1.0, 1.5, 2.0],
        perfect: 2.0,
        rows: everybody().into_iter().chain([APART]).map(row).collect(),
    }
}

/// A gate lies between 1.79 and 1.80.
fn hundredths(value: f64) -> String {
    format!("{value:.2}")
}

fn retired(data: &Data) -> Figure {
    let course = |who: &str| {
        let points = data.series("course", who, "bytes");
        // A log axis has no zero.
        points.into_iter().map(|(n, bytes)| (f64::from(n), bytes.max(256.0))).collect()
    };
    let lines = lines(&Kind::DEFERRED.map(Kind::name), course);
    let end = lines.iter().filter_map(|line| Some(line.points.last()?.0)).fold(1.0, f64::max);
    let phase = data.value("course", "phase", 0, "ms").unwrap_or(end / 3.0);
    let ticks = (0..=6).map(|part| f64::from(part) * phase / 2.0);
    let kibi = [256.0, 4096.0, 65_536.0, 1_048_576.0, 16_777_216.0];
    Figure {
        title: "A stalled reader costs the registry its limit of 1 MiB and no more".into(),
        subtitle:
            "2730 partitions, a writer in a tight loop that frees at most 8 objects a change. The \
                   list has no limit."
                .into(),
        footer: data.origin.clone(),
        x: Axis::new(
            "milliseconds",
            Scale::Linear,
            (0.0, end.max(3.0 * phase)),
            ticks.map(|tick| (tick, digits(tick))).collect(),
        ),
        y: Axis::new(
            "retired and not freed (log)",
            Scale::Log,
            (256.0, 33_554_432.0),
            kibi.map(|bytes| (bytes, memory(bytes))).into(),
        ),
        lines,
        phases: vec![
            Phase { from: 0.0, to: phase, name: "a reader lists all the time" },
            Phase { from: phase, to: 2.0 * phase, name: "another one is stuck" },
            Phase { from: 2.0 * phase, to: end.max(3.0 * phase), name: "it has left" },
        ],
        level: Some((1_048_576.0, "the limit".into())),
    }
}

fn changes(data: &Data) -> Figure {
    let half = |who: &str| {
        let points = series(data, "two changes", who).into_iter();
        points.map(|(n, two)| (n, two / 2.0)).collect()
    };
    let lines = lines(&everybody(), half);
    let at =
        |who: Kind| data.value("two changes", who.name(), 32767, "ns").unwrap_or(f64::NAN) / 2.0;
    Figure {
        title: format!(
            "Among 32767 partitions, a change costs the registry {}, a locked list {}",
            time(at(Kind::Slots)),
            time(at(Kind::RwLock))
        ),
        subtitle: "One partition registers or unregisters, with the freeing of what that retires. Among few, \
                   a locked list is faster."
            .into(),
        footer: data.origin.clone(),
        x: partitions(32767.0),
        y: Axis::decades("time of one change (log)", range(&lines), time),
        lines,
        phases: vec![],
        level: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_data_give_the_same_files() {
        let mut data = Data::new("a machine".into());
        for kind in Kind::ALL {
            for n in [1, 8, 2730] {
                data.put("list 1.2", kind.name(), n, "ns", f64::from(n) * 3.0);
                data.put("two changes", kind.name(), n, "ns", 2_000.0);
            }
            data.put("two readers", kind.name(), 8, "count", 1.5);
            data.put("course", kind.name(), 3, "bytes", 5_000.0);
        }
        for ((name, one), (_, other)) in all(&data).into_iter().zip(all(&data)) {
            assert!(one == other, "{name}");
            assert!(one.starts_with("<svg") && one.trim_end().ends_with("</svg>"), "{name}");
            assert!(one.contains("a machine"), "{name}");
        }
    }

    #[test]
    fn no_number_makes_a_figure_that_cannot_be_drawn() {
        for (name, svg) in all(&Data::default()) {
            assert!(!svg.contains("=\"NaN") && !svg.contains("=\"inf"), "{name}");
        }
    }

    #[test]
    fn headings_fit() {
        let mut data = Data::new("a machine".into());
        for (what, n) in [("list 1.2", 2730), ("two changes", 32767), ("tight loop 64", 9990)] {
            for kind in Kind::ALL {
                data.put(what, kind.name(), n, "ns", 123_456.0);
            }
        }
        for (name, svg) in all(&data) {
            let headings = svg.lines().filter(|line| line.starts_with("<text x=\"20"));
            for heading in headings {
                let text = heading.split(['<', '>']).nth(2).unwrap_or_default();
                let most = if heading.contains("font-size=\"13\"") { 135 } else { 90 };
                assert!(text.len() <= most, "{name}: {text}");
            }
        }
    }

    #[test]
    fn each_nine_has_the_same_width() {
        assert!((nines(9900.0) - 2.0).abs() < 1e-9 && (nines(9990.0) - 3.0).abs() < 1e-9);
    }
}
