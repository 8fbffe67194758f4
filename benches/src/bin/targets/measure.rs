//! Timing that survives a noisy machine: contenders take turns, and only medians of ratios count.

use std::time::Duration;

use ffa_benches::Contender;

/// How long a turn lasts.
const TURN: Duration = Duration::from_micros(40);

/// The times of one contender, in nanoseconds an answer, one for each round.
pub(crate) struct Times {
    pub(crate) name: &'static str,
    rounds: Vec<f64>,
}

/// Lets the contenders take turns.
pub(crate) fn take_turns(mut contenders: Vec<Contender<'_>>, rounds: usize) -> Vec<Times> {
    let repeats: Vec<u64> = contenders.iter_mut().map(repeats).collect();
    let mut times: Vec<Times> =
        contenders.iter().map(|one| Times { name: one.name, rounds: Vec::new() }).collect();
    for _ in 0..rounds {
        for ((contender, times), &repeats) in contenders.iter_mut().zip(&mut times).zip(&repeats) {
            // The first answer brings back what the others have pushed out of the caches.
            contender.time(1);
            times.rounds.push(nanoseconds(contender.time(repeats)) / repeats as f64);
        }
    }
    times
}

/// How many answers fill a turn.
fn repeats(contender: &mut Contender<'_>) -> u64 {
    let mut repeats = 1;
    while contender.time(repeats) < TURN {
        repeats *= 2;
    }
    repeats
}

pub(crate) fn nanoseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e9
}

impl Times {
    /// The median time.
    pub(crate) fn median(&self) -> f64 {
        median(self.rounds.clone())
    }

    /// The median of how many times the other's time this one takes, round by round.
    pub(crate) fn over(&self, other: &Times) -> f64 {
        median(self.rounds.iter().zip(&other.rounds).map(|(one, two)| one / two).collect())
    }
}

/// The value in the middle.
pub(crate) fn median(values: Vec<f64>) -> f64 {
    quantile(values, 50)
}

/// The value that so many in a hundred stay below or reach.
pub(crate) fn quantile(mut values: Vec<f64>, hundredths: usize) -> f64 {
    values.sort_by(f64::total_cmp);
    let last = values.len().saturating_sub(1);
    values.get(last * hundredths / 100).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_count_from_both_ends() {
        let values = || vec![5.0, 1.0, 4.0, 2.0, 3.0];
        assert_eq!([0, 50, 100].map(|hundredths| quantile(values(), hundredths)), [1.0, 3.0, 5.0]);
        assert!(median(Vec::new()).is_nan());
    }
}
