//! One way to answer a question, ready to be timed.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// One way to answer a question.
pub struct Contender<'p> {
    /// What the tables and plots call it.
    pub name: &'static str,
    repeat: Box<dyn FnMut(u64) -> Duration + 'p>,
}

impl<'p> Contender<'p> {
    /// `work` answers once. The loop around it is compiled with it: what is timed has no dynamic call.
    pub fn new<A>(name: &'static str, mut work: impl FnMut() -> A + 'p) -> Self {
        let repeat = move |times| {
            let start = Instant::now();
            for _ in 0..times {
                black_box(work());
            }
            start.elapsed()
        };
        Contender { name, repeat: Box::new(repeat) }
    }

    /// How long it takes to answer `times` times.
    pub fn time(&mut self, times: u64) -> Duration {
        (self.repeat)(times)
    }
}
