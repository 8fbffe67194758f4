//! The memory orderings, by the id of the happens-before edge in `ORDERING.md` that each is one end
//! of.
//!
//! Code names the edge where it uses the ordering, so both ends of an edge are found by its id.
//! Under loom and `--cfg litmus`, the environment variable `FFA_RCU_WEAKEN` of the build names one
//! constant that becomes `Relaxed`: the test of the tests. No other build reads it.

use core::sync::atomic::Ordering;

const fn edge(name: &str, ordering: Ordering) -> Ordering {
    if cfg!(any(loom, litmus)) && is_weakened(name) { Ordering::Relaxed } else { ordering }
}

const fn is_weakened(name: &str) -> bool {
    let Some(chosen) = option_env!("FFA_RCU_WEAKEN") else { return false };
    let (mut name, mut chosen) = (name.as_bytes(), chosen.as_bytes());
    while let ([a, name_rest @ ..], [b, chosen_rest @ ..]) = (name, chosen) {
        if *a != *b {
            return false;
        }
        (name, chosen) = (name_rest, chosen_rest);
    }
    name.is_empty() && chosen.is_empty()
}

macro_rules! edges {
    ($($(#[$attribute:meta])* $name:ident = $ordering:ident;)*) => {
        $($(#[$attribute])* pub(crate) const $name: Ordering = edge(stringify!($name), Ordering::$ordering);)*
    };
}

edges! {
    /// E1: a snapshot's content, from the writer that publishes it.
    E1_RELEASE = Release;
    /// E1: to the section that reads it.
    E1_ACQUIRE = Acquire;
    /// E2: a context's content, from the writer that inserts it.
    E2_RELEASE = Release;
    /// E2: to the section that finds it.
    E2_ACQUIRE = Acquire;
    /// E3: a new leaf of the id table, from the writer that adds it.
    E3_RELEASE = Release;
    /// E3: to whoever looks up an id in it.
    E3_ACQUIRE = Acquire;
    /// E4: entry against grace period. Either the scan sees the section, or the section sees the
    /// unlinking.
    E4_SEQ_CST = SeqCst;
    /// E5: all reads of a section, from its end.
    E5_RELEASE = Release;
    /// E6: a CPU's place, from the handle that gives it back.
    E6_RELEASE = Release;
    /// E6: to the one that claims it next.
    E6_ACQUIRE = Acquire;
    /// E7: all reads through a hold, from its end.
    E7_RELEASE = Release;
    /// E7: to the reclaimer that frees the context.
    E7_ACQUIRE = Acquire;
    /// E8: a context's destructor, from the reclaimer that ran it.
    E8_RELEASE = Release;
    /// E8: to the writer that uses the id again.
    E8_ACQUIRE = Acquire;
    /// E9: what was done before a version was published, from its publisher.
    E9_RELEASE = Release;
    /// E9: to every sibling that finds it published.
    E9_ACQUIRE = Acquire;
    /// E10: all uses of a shared value, from each owner that lets go.
    E10_RELEASE = Release;
    /// E10: to the last one, which frees it.
    E10_ACQUIRE = Acquire;
    /// E11: the end of a grace period, from whoever ran crossbeam's deferred call.
    #[cfg(feature = "crossbeam")]
    E11_RELEASE = Release;
    /// E11: to the reclaimer that polls it.
    #[cfg(feature = "crossbeam")]
    E11_ACQUIRE = Acquire;
    /// E12: what was done before a signal was set, from its setter.
    E12_RELEASE = Release;
    /// E12: to whoever takes it, and finds the setter counted in.
    E12_ACQUIRE = Acquire;
}
