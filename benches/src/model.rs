//! What to expect on machines with more CPUs than there are here: arithmetic, not measurement.
//!
//! `docs/scaling.md` tells the reasons and has the table, which a test holds against this one.

/// What it costs to get a cache line that another CPU has modified: an assumption, of the order that
/// servers of two sockets show.
const REMOTE_LINE_NS: u64 = 100;

/// Shared lines that a change modifies and every reader reads: the epoch's and the root pointer's.
const LINES_A_CHANGE: u64 = 2;

/// Shared lines that a reader modifies under a reader-writer lock: one, when it comes and when it goes.
const RWLOCK_WRITES: u64 = 2;

/// Pins of `crossbeam-epoch` between two that look at all participants.
const PINS_BETWEEN_COLLECTIONS: u64 = 128;

/// The table of `docs/scaling.md`.
#[must_use]
pub fn table() -> String {
    let mut table = String::from(
        "| CPUs that read | registry: waits of a reader | of each reader, a change | grace period: \
         look at all slots | rwlock: one read, all reading | rwlock: reads a second, all together | \
         crossbeam: mean a pin | crossbeam: one pin in 128 |\n|---|---|---|---|---|---|---|---|\n",
    );
    for cpus in [2, 16, 64, 256] {
        table.push_str(&row(cpus));
    }
    table
}

fn row(cpus: u64) -> String {
    let change = LINES_A_CHANGE * REMOTE_LINE_NS;
    let scan = cpus * REMOTE_LINE_NS;
    let locked = cpus * RWLOCK_WRITES * REMOTE_LINE_NS;
    // Whoever holds the line has it alone: the machine does no more, however many CPUs it has.
    let locked_reads = 1_000_000_000 / (RWLOCK_WRITES * REMOTE_LINE_NS) / 1_000_000;
    let mean_pin = scan / PINS_BETWEEN_COLLECTIONS;
    format!(
        "| {cpus} | 0 | {change} ns | {} | {} | {locked_reads} million | {mean_pin} ns | {} |\n",
        microseconds(scan),
        microseconds(locked),
        microseconds(scan)
    )
}

fn microseconds(nanoseconds: u64) -> String {
    format!("{}.{} us", nanoseconds / 1000, nanoseconds % 1000 / 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_docs_have_this_table() {
        let docs = include_str!("../../docs/scaling.md");
        assert!(docs.contains(&table()), "docs/scaling.md should have:\n{}", table());
    }

    #[test]
    fn a_grace_period_grows_with_the_cpus_and_a_reader_does_not() {
        assert!(
            row(64).contains("| 64 | 0 | 200 ns | 6.4 us | 12.8 us | 5 million |"),
            "{}",
            row(64)
        );
    }
}
