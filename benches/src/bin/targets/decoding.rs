//! How long decoding takes.

use ffa_benches::{DISCOVERY, Data, LongTransaction, MEMCPY, decoders};

use crate::effort::Effort;
use crate::measure::{Times, take_turns};

/// What the data calls the calls that a VM learns with, and all of them.
pub(crate) const CALLS: [&str; 2] = ["discovery", "any"];

/// Ranges of a transaction: 1 KiB, a page, 64 KiB and 1 MiB of them.
pub(crate) const RANGES: [u32; 4] = [64, 256, 4096, 65536];

/// Decodes every call, and transactions of several lengths.
pub(crate) fn measure(data: &mut Data, effort: Effort) {
    effort.progress("decoding", "registers");
    let times = take_turns(decoders(), effort.rounds / 5);
    for time in &times {
        data.put("decode", time.name, 0, "ns", time.median());
    }
    let discovers = |name: &str| DISCOVERY.iter().any(|id| id.to_string() == name);
    for calls in CALLS {
        let chosen = times.iter().filter(|time| calls == "any" || discovers(time.name));
        let slowest = chosen.map(Times::median).fold(0.0, f64::max);
        data.put("decode slowest", calls, 0, "ns", slowest);
    }
    for ranges in RANGES {
        effort.progress("decoding", &format!("a transaction of {ranges} ranges"));
        let transaction = LongTransaction::new(ranges);
        let contenders = vec![transaction.reader(), transaction.copier()];
        for time in take_turns(contenders, effort.rounds / 5) {
            // Bytes in a nanosecond are gigabytes in a second.
            let speed = transaction.range_bytes as f64 / time.median();
            data.put("ranges", time.name, ranges, "GB/s", speed);
        }
    }
}

/// Who reads ranges, and who only copies them.
pub(crate) const READERS: [&str; 2] = ["transaction", MEMCPY];
