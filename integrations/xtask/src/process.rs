//! Other programs: run with a limit in time, and ended when the user asks.

use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::failure::{Failure, Result};

const POLL: Duration = Duration::from_millis(20);

static INTERRUPTED: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// Turns Ctrl-C, termination and hang-up into a flag, so that no child is left behind.
pub(crate) fn catch_signals() -> Result<()> {
    let flag = INTERRUPTED.get_or_init(Arc::default);
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        signal_hook::flag::register(signal, Arc::clone(flag))
            .map_err(|error| Failure::failed(format!("cannot catch signals: {error}")))?;
    }
    Ok(())
}

/// Has the user asked to end?
pub(crate) fn interrupted() -> bool {
    INTERRUPTED.get().is_some_and(|flag| flag.load(Ordering::Relaxed))
}

/// A child process that does not outlive its owner.
pub(crate) struct Owned(Child);

impl Owned {
    pub(crate) fn spawn(command: &mut Command) -> Result<Self> {
        command.spawn().map(Self).map_err(|error| {
            Failure::failed(format!("cannot run {}: {error}", command.get_program().display()))
        })
    }

    pub(crate) fn child(&mut self) -> &mut Child {
        &mut self.0
    }

    /// Waits until the child ends, the time is over, or the user asks to end.
    pub(crate) fn wait(&mut self, limit: Duration, what: &str) -> Result<ExitStatus> {
        let deadline = Instant::now() + limit;
        loop {
            if let Some(status) = self.try_wait()? {
                return if interrupted() { Err(Failure::Interrupted) } else { Ok(status) };
            }
            if interrupted() {
                return Err(Failure::Interrupted);
            }
            if Instant::now() >= deadline {
                return Err(Failure::TimedOut(format!("{what}: not done after {limit:?}")));
            }
            thread::sleep(POLL);
        }
    }

    pub(crate) fn try_wait(&mut self) -> Result<Option<ExitStatus>> {
        self.0.try_wait().map_err(|error| Failure::failed(format!("cannot wait: {error}")))
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        if !matches!(self.0.try_wait(), Ok(Some(_))) {
            // It may have ended since: then there is nothing to kill, and wait() still reaps it.
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }
}

/// Runs a program with our own input and output; anything but success is a failure.
pub(crate) fn run(command: &mut Command, limit: Duration) -> Result<()> {
    let what = describe(command);
    let status = Owned::spawn(command)?.wait(limit, &what)?;
    if status.success() { Ok(()) } else { Err(Failure::failed(format!("{what}: {status}"))) }
}

/// Runs a program and collects what it prints, whatever its exit status.
pub(crate) fn output(command: &mut Command, limit: Duration) -> Result<Output> {
    let what = describe(command);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut owned = Owned::spawn(command)?;
    let stdout = collect(owned.child().stdout.take());
    let stderr = collect(owned.child().stderr.take());
    let status = owned.wait(limit, &what)?;
    let join = |thread: thread::JoinHandle<Vec<u8>>| thread.join().unwrap_or_default();
    Ok(Output { status, stdout: join(stdout), stderr: join(stderr) })
}

/// Reads a stream to its end beside the child, which could block on a full pipe otherwise.
fn collect(stream: Option<impl std::io::Read + Send + 'static>) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut stream) = stream {
            // What was read before an error is still worth showing.
            let _ = stream.read_to_end(&mut bytes);
        }
        bytes
    })
}

/// The program and its first arguments, short enough for a message.
fn describe(command: &Command) -> String {
    let program = std::path::Path::new(command.get_program());
    let mut words = vec![program.file_name().unwrap_or_default().to_string_lossy()];
    words.extend(command.get_args().take(4).map(|argument| argument.to_string_lossy()));
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn success_and_failure_are_told_apart() {
        assert_eq!(run(&mut shell("exit 0"), Duration::from_secs(5)), Ok(()));
        assert!(matches!(
            run(&mut shell("exit 7"), Duration::from_secs(5)),
            Err(Failure::Failed(why)) if why.contains('7')
        ));
    }

    #[test]
    fn a_program_that_hangs_is_ended() {
        let started = Instant::now();
        let mut sleep = Command::new("sleep");
        let end = run(sleep.arg("60"), Duration::from_millis(100));
        assert!(matches!(end, Err(Failure::TimedOut(_))));
        assert!(started.elapsed() < Duration::from_secs(10));
    }

    #[test]
    fn long_output_is_collected_whole() {
        let output =
            output(&mut shell("yes line | head -c 300000; echo end >&2"), Duration::from_secs(20))
                .unwrap();
        assert_eq!(output.stdout.len(), 300_000);
        assert_eq!(output.stderr, b"end\n");
    }

    #[test]
    fn a_program_that_is_missing_is_named() {
        let end = run(&mut Command::new("no-such-program"), Duration::from_secs(1));
        assert!(matches!(end, Err(Failure::Failed(why)) if why.contains("no-such-program")));
    }
}
