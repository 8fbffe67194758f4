//! What the option parsers of the commands share.

use std::ffi::OsString;

use lexopt::prelude::*;

use crate::failure::{Failure, Result};

/// Parses a command line that has only flags; `--help` prints `help` and ends the program.
pub(crate) fn flags(words: &[OsString], help: &str, flags: &mut [(&str, &mut bool)]) -> Result<()> {
    let mut parser = lexopt::Parser::from_args(words);
    while let Some(argument) = parser.next()? {
        match argument {
            Long("help") | Short('h') => print_help(help),
            Long(name) => match flags.iter_mut().find(|(flag, _)| *flag == name) {
                Some((_, value)) => **value = true,
                None => return Err(argument.unexpected().into()),
            },
            other => return Err(other.unexpected().into()),
        }
    }
    Ok(())
}

/// Prints a help text and ends the program, successfully.
pub(crate) fn print_help(help: &str) -> ! {
    println!("{help}");
    std::process::exit(0)
}

/// A value that must be text.
pub(crate) fn text(value: OsString) -> Result<String> {
    value.into_string().map_err(|value| {
        Failure::usage(format!("`{}` is not valid UTF-8", value.to_string_lossy()))
    })
}

/// Splits at the first `--`: what is before is ours, what is after is for another program.
pub(crate) fn split_rest(words: &[OsString]) -> (&[OsString], &[OsString]) {
    let end = words.iter().position(|word| word == "--").unwrap_or(words.len());
    let (ours, rest) = words.split_at_checked(end).unwrap_or((words, &[]));
    (ours, rest.get(1..).unwrap_or_default())
}
