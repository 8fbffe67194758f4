//! `ffa-harness`: storms, random calls and explanations from a command line.
//!
//! Exit status: 0, all promises held, or explained; 1, a promise was broken; 2, wrong usage.
#![forbid(unsafe_code)]

mod arguments;

use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::time::Duration;

use ffa_harness::decode;
use ffa_harness::random::{self, Barrage};
use ffa_harness::storm::{self, Options, Progress};
use indicatif::{ProgressBar, ProgressStyle};

use crate::arguments::{Command, Question, Usage};

fn main() -> ExitCode {
    match arguments::parse(lexopt::Parser::from_env()) {
        Ok(Command::Help(text)) => print(text),
        Ok(Command::Storm { options, json }) => storm(&options, json),
        Ok(Command::Random(barrage)) => random(&barrage),
        Ok(Command::Decode(question)) => print(&explain(&question)),
        Err(Usage(what)) => {
            eprintln!("ffa-harness: {what}\nTry `ffa-harness --help`.");
            ExitCode::from(2)
        }
    }
}

fn storm(options: &Options, json: bool) -> ExitCode {
    let bar = progress_bar(options.duration);
    let report = storm::run(options, &mut |Progress { elapsed, destroyed }| {
        advance(&bar, elapsed, &format!("{destroyed} VMs destroyed"));
    });
    bar.finish_and_clear();
    let text = if json { report.to_json() + "\n" } else { report.to_string() };
    verdict(&text, report.violations().is_empty())
}

fn random(barrage: &Barrage) -> ExitCode {
    let bar = progress_bar(barrage.duration);
    let result = random::run(barrage, &mut |elapsed, calls| {
        advance(&bar, elapsed, &format!("{calls} calls"));
    });
    bar.finish_and_clear();
    verdict(&result.to_string(), result.violations.is_empty())
}

fn explain(question: &Question) -> String {
    match question {
        Question::Call { regs, version } => decode::call(regs, *version),
        Question::Reply { regs, call, version } => decode::reply(regs, call.as_ref(), *version),
        Question::Descriptor { kind, dump } => decode::descriptor(*kind, dump),
    }
}

/// A bar for people: there is none where standard error is no terminal.
fn progress_bar(duration: Duration) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let length = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let style = ProgressStyle::with_template("{wide_bar} {percent:>3}%  {msg}");
    ProgressBar::new(length).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

fn advance(bar: &ProgressBar, elapsed: Duration, message: &str) {
    bar.set_position(u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX));
    bar.set_message(message.to_owned());
}

fn verdict(text: &str, held: bool) -> ExitCode {
    let printed = print(text);
    if held { printed } else { ExitCode::FAILURE }
}

/// A reader that has gone away is no reason to panic.
fn print(text: &str) -> ExitCode {
    match std::io::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
