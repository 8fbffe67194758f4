//! Timing that survives a noisy machine: contenders take turns, and only medians of ratios count.

use std::time::Duration;

use ffa_benches::Contender;

/// How often each contender has its turn: for long enough that a busy neighbour comes and goes.
const ROUNDS: usize = 2001;

/// How long a turn lasts.
const TURN: Duration = Duration::from_micros(40);

/// The times of one contender, in nanoseconds an answer, one for each round.
pub(crate) struct Times {
    pub(crate) name: &'static str,
    rounds: Vec<f64>,
}

/// A median, and what lies between the first tenth and the last.
#[derive(Clone, Copy)]
pub(crate) struct Spread {
    pub(crate) low: f64,
    pub(crate) median: f64,
    pub(crate) high: f64,
}

/// Lets the contenders take turns.
pub(crate) fn take_turns(mut contenders: Vec<Contender<'_>>) -> Vec<Times> {
    let repeats: Vec<u64> = contenders.iter_mut().map(repeats).collect();
    let mut times: Vec<Times> =
        contenders.iter().map(|one| Times { name: one.name, rounds: Vec::new() }).collect();
    for _ in 0..ROUNDS {
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

fn nanoseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e9
}

impl Times {
    pub(crate) fn spread(&self) -> Spread {
        Spread::of(self.rounds.clone())
    }

    /// How many times the other's time this one takes, round by round.
    pub(crate) fn over(&self, other: &Times) -> Spread {
        Spread::of(self.rounds.iter().zip(&other.rounds).map(|(one, two)| one / two).collect())
    }
}

impl Spread {
    fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let at =
            |tenths: usize| values.get(values.len() * tenths / 10).copied().unwrap_or(f64::NAN);
        Spread { low: at(1), median: at(5), high: at(9) }
    }
}
