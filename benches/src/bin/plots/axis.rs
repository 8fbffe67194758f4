//! Axes: from values to places.

/// How values spread over an axis.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Scale {
    Linear,
    Log,
}

/// An axis with its ticks.
#[derive(Clone, Debug)]
pub(crate) struct Axis {
    pub(crate) label: String,
    scale: Scale,
    low: f64,
    high: f64,
    pub(crate) ticks: Vec<(f64, String)>,
}

impl Axis {
    pub(crate) fn new(
        label: &str,
        scale: Scale,
        (low, high): (f64, f64),
        ticks: Vec<(f64, String)>,
    ) -> Self {
        Axis { label: label.to_owned(), scale, low, high, ticks }
    }

    /// Powers of ten from `low` on, as far as `high` needs, written by `show`.
    pub(crate) fn decades(
        label: &str,
        (low, high): (f64, f64),
        show: impl Fn(f64) -> String,
    ) -> Self {
        let range = (10_f64.powf(low.log10().floor()), high.max(low * 10.0) * 1.3);
        let ticks = std::iter::successors(Some(range.0), |tick| Some(tick * 10.0));
        let ticks = ticks.take_while(|tick| *tick <= range.1).map(|tick| (tick, show(tick)));
        Axis::new(label, Scale::Log, range, ticks.collect())
    }

    /// Where a value lies: 0 at the low end, 1 at the high one, not beyond.
    pub(crate) fn place(&self, value: f64) -> f64 {
        let part = match self.scale {
            Scale::Linear => (value - self.low) / (self.high - self.low),
            Scale::Log => {
                (value.max(f64::MIN_POSITIVE) / self.low).ln() / (self.high / self.low).ln()
            }
        };
        part.clamp(0.0, 1.0)
    }
}

/// A time in the unit that suits it.
pub(crate) fn time(nanoseconds: f64) -> String {
    let (value, unit) = match nanoseconds {
        below if below < 1e3 => (nanoseconds, "ns"),
        below if below < 1e6 => (nanoseconds / 1e3, "us"),
        _ => (nanoseconds / 1e6, "ms"),
    };
    format!("{} {unit}", digits(value))
}

/// An amount of memory in the unit that suits it.
pub(crate) fn memory(bytes: f64) -> String {
    match bytes {
        below if below < 1024.0 => format!("{} B", digits(bytes)),
        below if below < 1_048_576.0 => format!("{} KiB", digits(bytes / 1024.0)),
        _ => format!("{} MiB", digits(bytes / 1_048_576.0)),
    }
}

/// Two digits that count.
pub(crate) fn digits(value: f64) -> String {
    if value < 9.95 && (value - value.round()).abs() > 0.04 {
        format!("{value:.1}")
    } else {
        format!("{value:.0}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_lie_between_the_ends() {
        let linear = Axis::new("", Scale::Linear, (0.0, 4.0), vec![]);
        assert!((linear.place(1.0) - 0.25).abs() < 1e-9);
        let log = Axis::new("", Scale::Log, (1.0, 100.0), vec![]);
        assert!((log.place(10.0) - 0.5).abs() < 1e-9);
        assert_eq!([log.place(0.0), log.place(1e9)], [0.0, 1.0]);
    }

    #[test]
    fn units_suit_their_values() {
        let times = [1.0, 10.0, 1_500.0, 25_000.0, 2e6].map(time);
        assert_eq!(times, ["1 ns", "10 ns", "1.5 us", "25 us", "2 ms"]);
        assert_eq!([512.0, 2048.0, 1_048_576.0].map(memory), ["512 B", "2 KiB", "1 MiB"]);
    }

    #[test]
    fn decades_cover_the_range() {
        let axis = Axis::decades("", (3.0, 4_000.0), time);
        let ticks: Vec<&str> = axis.ticks.iter().map(|(_, text)| text.as_str()).collect();
        assert_eq!(ticks, ["1 ns", "10 ns", "100 ns", "1 us"]);
    }
}
