//! Runs this program under callgrind, and reads how many instructions it counted.

use std::process::Command;

/// The instructions of a whole run of this program.
pub(crate) fn count(operation: &str, times: u32) -> Result<u64, String> {
    let program = std::env::current_exe().map_err(|error| format!("where am I: {error}"))?;
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(program);
    let output = valgrind.args(["run", operation, &times.to_string()]).output();
    let output = output.map_err(|error| format!("cannot run valgrind: {error}"))?;
    let text = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(format!("valgrind: {}\n{text}", output.status));
    }
    collected(&text).ok_or_else(|| format!("valgrind told no number:\n{text}"))
}

/// The number after `Collected :`, which callgrind prints at the end.
fn collected(text: &str) -> Option<u64> {
    let line = text.lines().rev().find(|line| line.contains("Collected :"))?;
    line.split(':').next_back()?.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_total_is_found() {
        let text = "\
==7== Callgrind, a call-graph generating cache profiler
==7== Events    : Ir
==7== Collected : 2713051
==7==
==7== I   refs:      2,713,051
";
        assert_eq!(collected(text), Some(2_713_051));
        assert_eq!(collected("==7== Collected : none"), None);
        assert_eq!(collected(""), None);
    }
}
