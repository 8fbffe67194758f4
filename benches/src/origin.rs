//! Where and when, and of which state of the sources.

use std::fmt;
use std::process::{Command, Stdio};

/// What a result needs to be read by.
pub struct Origin {
    machine: String,
    date: String,
    commit: String,
    compiler: String,
}

impl Origin {
    /// Asks the machine, git and the compiler.
    #[must_use]
    pub fn find() -> Self {
        Origin {
            machine: machine(),
            date: output("date", &["-u", "+%Y-%m-%d"]),
            commit: commit(),
            compiler: output("rustc", &["--version"]),
        }
    }
}

/// The processor's own name, and how many of them.
fn machine() -> String {
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = text.lines().find_map(|line| line.strip_prefix("model name")?.split(": ").nth(1));
    let virtual_machine = if text.contains(" hypervisor") { ", in a virtual machine" } else { "" };
    let name = name.unwrap_or("unknown processor");
    format!("{name}, {cpus} CPUs, {}{virtual_machine}", std::env::consts::ARCH)
}

/// The commit, with a `+` where what is measured differs from it.
fn commit() -> String {
    let commit = output("git", &["rev-parse", "--short=12", "HEAD"]);
    let measured = ["ffa-abi", "ffa-rcu", "ffa-core", "benches"].map(|path| format!(":/{path}"));
    let mut diff = Command::new("git");
    let unchanged =
        diff.args(["diff", "--quiet", "HEAD", "--"]).args(measured).stderr(Stdio::null()).status();
    if unchanged.is_ok_and(|status| status.success()) { commit } else { commit + "+" }
}

/// The first line that a program prints.
fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let text = output.map(|output| output.stdout).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    text.lines().next().unwrap_or("unknown").to_owned()
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Origin { machine, date, commit, compiler } = self;
        write!(f, "{machine}; {compiler}; {date}; commit {commit}")
    }
}
