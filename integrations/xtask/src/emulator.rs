//! QEMU: its command line, and a run from start to end.

use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::console::{self, Console, Dialect, Verdict};
use crate::failure::{AtPath, Failure, Result};
use crate::process::{self, Owned};
use crate::workspace;

pub(crate) const QEMU: &str = "qemu-system-aarch64";
/// Where firmware expects the hypervisor; with `-kernel` its header says the same.
const HYPERVISOR_ADDRESS: u64 = 0x4020_0000;
/// A machine whose kernel starts at EL2.
pub(crate) const BOARD: [&str; 4] =
    ["-M", "virt,virtualization=on,gic-version=3", "-cpu", "cortex-a57"];
/// Longest piece of console output without an end of line that is waited for.
const LINE_LIMIT: u64 = 4096;
const POLL: Duration = Duration::from_millis(50);
/// How long after a failure the hypervisor may go on to tell of it.
const LAST_WORDS: Duration = Duration::from_secs(6);
/// How long QEMU may take to exit after its console was closed.
const EXIT_LIMIT: Duration = Duration::from_secs(5);

/// The emulated machine.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    pub(crate) cpus: u16,
    /// Bytes of RAM.
    pub(crate) memory: u64,
    /// Count instructions instead of time: every run is the same, on one CPU.
    pub(crate) icount: bool,
    /// Firmware to boot first: then it enters the hypervisor.
    pub(crate) bios: Option<PathBuf>,
    /// When QEMU is ended.
    pub(crate) timeout: Duration,
    /// Arguments for QEMU as they are.
    pub(crate) extra: Vec<OsString>,
}

impl Default for Machine {
    fn default() -> Self {
        Self {
            cpus: 4,
            memory: 1 << 30,
            icount: false,
            bios: None,
            timeout: Duration::from_secs(60),
            extra: Vec::new(),
        }
    }
}

impl Machine {
    fn command(&self, hypervisor: &Path, bundle: &Path) -> Command {
        let mut command = self.base();
        command.args(["-serial", "stdio"]);
        self.boot(&mut command, hypervisor);
        command.arg("-device").arg(loader(bundle, ffa_el2::bundle::ADDRESS));
        command.args(&self.extra);
        command
    }

    /// The machine without its console and what it boots.
    pub(crate) fn base(&self) -> Command {
        let mut command = Command::new(QEMU);
        // -nic none, or it looks for a ROM that need not be installed.
        command.args(["-display", "none", "-monitor", "none", "-nic", "none"]);
        command.args(["-smp", &self.cpus.to_string()]);
        command.args(["-m", &format!("{}M", self.memory >> 20)]);
        if self.icount {
            command.args(["-icount", "shift=0,sleep=off"]);
        }
        command
    }

    /// The same hypervisor boots alone and behind firmware.
    fn boot(&self, command: &mut Command, hypervisor: &Path) {
        let Some(bios) = &self.bios else {
            command.args(BOARD);
            command.arg("-kernel").arg(hypervisor);
            return;
        };
        command.args(["-M", "virt,secure=on,virtualization=on,gic-version=3"]);
        command.args(["-cpu", "max,sme=off"]).arg("-bios").arg(bios);
        command.arg("-device").arg(loader(hypervisor, HYPERVISOR_ADDRESS));
    }
}

/// A loader device.
pub(crate) fn loader(file: &Path, address: u64) -> OsString {
    format!("loader,file={},addr={address:#x},force-raw=on", escaped(file)).into()
}

/// A file name as it stands among the properties of an option.
pub(crate) fn escaped(file: &Path) -> String {
    file.to_string_lossy().replace(',', ",,")
}

/// How a run ended, and everything that was printed.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) end: End,
    pub(crate) console: Console,
    pub(crate) time: Duration,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Every VM is off.
    Off,
    /// A VM or the hypervisor failed, or QEMU ended without a word: why.
    Failed(String),
    /// The time was over and QEMU was ended.
    TimedOut,
}

/// Boots the hypervisor with a bundle; shows the console while it runs, if `show`.
pub(crate) fn run(machine: &Machine, hypervisor: &Path, bundle: &[u8], show: bool) -> Result<Run> {
    let file = BundleFile::create(bundle)?;
    watch(machine.command(hypervisor, &file.0), machine.timeout, console::EL2, show)
}

/// Runs QEMU to its end, or to that of the time it has.
pub(crate) fn watch(
    mut command: Command,
    limit: Duration,
    dialect: Dialect,
    show: bool,
) -> Result<Run> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let started = Instant::now();
    let mut qemu = Owned::spawn(&mut command)?;
    let lines = read_lines(&mut qemu);
    let mut console = Console::of_dialect(dialect);
    let timed_out = follow(&lines, &mut console, started, limit, show)?;
    let end = if timed_out {
        drop(qemu);
        drain(&lines, &mut console, started, show);
        match console.verdict() {
            Some(Verdict::Failed(why)) => End::Failed(why.clone()),
            _ => End::TimedOut,
        }
    } else {
        ended(&mut qemu, &console)?
    };
    Ok(Run { end, console, time: started.elapsed() })
}

/// Takes lines until QEMU closes its output (false) or the time is over (true). After a failure there
/// is little of it left.
fn follow(
    lines: &Receiver<Vec<u8>>,
    console: &mut Console,
    started: Instant,
    limit: Duration,
    show: bool,
) -> Result<bool> {
    let mut deadline = started + limit;
    let mut failed = false;
    loop {
        match lines.recv_timeout(POLL) {
            Ok(line) => take_line(&line, console, started.elapsed(), show),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Ok(false),
        }
        if process::interrupted() {
            return Err(Failure::Interrupted);
        }
        if !failed && matches!(console.verdict(), Some(Verdict::Failed(_))) {
            failed = true;
            deadline = deadline.min(Instant::now() + LAST_WORDS);
        }
        if Instant::now() >= deadline {
            return Ok(true);
        }
    }
}

/// Takes what QEMU had printed when it was ended, an unfinished line too.
fn drain(lines: &Receiver<Vec<u8>>, console: &mut Console, started: Instant, show: bool) {
    while let Ok(line) = lines.recv_timeout(POLL) {
        take_line(&line, console, started.elapsed(), show);
    }
}

fn take_line(line: &[u8], console: &mut Console, at: Duration, show: bool) {
    let text = String::from_utf8_lossy(line);
    console.push(&text, at);
    if show {
        // A reader that went away (`| head`) must not end the run without its status.
        let _ = writeln!(std::io::stdout(), "{}", text.trim_end_matches(['\r', '\n']));
    }
}

fn ended(qemu: &mut Owned, console: &Console) -> Result<End> {
    let status = qemu.wait(EXIT_LIMIT, QEMU)?;
    Ok(match console.verdict() {
        Some(Verdict::Failed(why)) => End::Failed(why.clone()),
        Some(Verdict::Off) if status.success() => End::Off,
        Some(Verdict::Off) => End::Failed(format!("QEMU ended with {status}")),
        None => End::Failed(format!(
            "QEMU ended ({status}) before the hypervisor said that the VMs are off"
        )),
    })
}

/// Lines of QEMU's two outputs as they come; the channel closes when both are at their end.
fn read_lines(qemu: &mut Owned) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    let child = qemu.child();
    if let Some(stdout) = child.stdout.take() {
        forward(stdout, sender.clone());
    }
    if let Some(stderr) = child.stderr.take() {
        forward(stderr, sender);
    }
    receiver
}

fn forward(stream: impl Read + Send + 'static, lines: Sender<Vec<u8>>) {
    thread::spawn(move || {
        let mut stream = BufReader::new(stream);
        loop {
            let mut line = Vec::new();
            let piece = stream.by_ref().take(LINE_LIMIT).read_until(b'\n', &mut line);
            if !matches!(piece, Ok(1..)) || lines.send(line).is_err() {
                return;
            }
        }
    });
}

/// The bundle in a file of its own, for as long as QEMU needs it.
struct BundleFile(PathBuf);

impl BundleFile {
    fn create(bundle: &[u8]) -> Result<Self> {
        let directory = workspace::target_dir("bundles");
        fs::create_dir_all(&directory).at("create", &directory)?;
        let file = Self(directory.join(format!("{}.bin", std::process::id())));
        fs::write(&file.0, bundle).at("write", &file.0)?;
        Ok(file)
    }
}

impl Drop for BundleFile {
    fn drop(&mut self) {
        // A file that stays in the target directory does no harm.
        let _ = fs::remove_file(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(machine: &Machine) -> String {
        let command = machine.command(Path::new("hyp.bin"), Path::new("vm,s.bin"));
        let words: Vec<_> = command.get_args().map(|word| word.to_string_lossy()).collect();
        words.join(" ")
    }

    #[test]
    fn the_hypervisor_boots_as_a_kernel() {
        let line = arguments(&Machine::default());
        assert!(line.contains("-smp 4 -m 1024M"), "{line}");
        assert!(line.contains("-M virt,virtualization=on,gic-version=3"), "{line}");
        assert!(line.contains("-kernel hyp.bin"), "{line}");
        let loader = format!("file=vm,,s.bin,addr={:#x},force-raw=on", ffa_el2::bundle::ADDRESS);
        assert!(line.contains(&loader), "{line}");
        assert!(!line.contains("-icount"), "{line}");
    }

    #[test]
    fn firmware_finds_the_hypervisor_in_memory() {
        let line = arguments(&Machine { bios: Some("flash.bin".into()), ..Machine::default() });
        assert!(line.contains("virt,secure=on,virtualization=on,gic-version=3"), "{line}");
        assert!(line.contains("-cpu max,sme=off -bios flash.bin"), "{line}");
        assert!(line.contains("loader,file=hyp.bin,addr=0x40200000,force-raw=on"), "{line}");
        assert!(!line.contains("-kernel"), "{line}");
    }

    #[test]
    fn the_users_arguments_come_last() {
        let extra = vec!["-cpu".into(), "max".into()];
        let line = arguments(&Machine { icount: true, extra, ..Machine::default() });
        assert!(line.ends_with(" -cpu max"), "{line}");
        assert!(line.contains("-icount shift=0,sleep=off"), "{line}");
    }
}
