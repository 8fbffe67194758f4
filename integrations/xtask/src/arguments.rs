//! What the option parsers of the commands share.

use std::ffi::OsString;

use lexopt::prelude::*;

use crate::failure::{Failure, Result};

/// Parses a command line of flags and names; `--help` prints `help` and ends the program.
pub(crate) fn names(
    words: &[OsString],
    help: &str,
    flags: &mut [(&str, &mut bool)],
) -> Result<Vec<String>> {
    let mut parser = lexopt::Parser::from_args(words);
    let mut names = Vec::new();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("help") | Short('h') => print_help(help),
            Long(name) => match flags.iter_mut().find(|(flag, _)| *flag == name) {
                Some((_, value)) => **value = true,
                None => return Err(argument.unexpected().into()),
            },
            Value(name) => names.push(text(name)?),
            Short(_) => return Err(argument.unexpected().into()),
        }
    }
    Ok(names)
}

/// The same for a command that takes no names.
pub(crate) fn flags(words: &[OsString], help: &str, flags: &mut [(&str, &mut bool)]) -> Result<()> {
    match names(words, help, flags)?.first() {
        None => Ok(()),
        Some(name) => Err(Failure::usage(format!("unexpected argument `{name}`"))),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<OsString> {
        line.split_whitespace().map(OsString::from).collect()
    }

    #[test]
    fn flags_and_names_are_told_apart() {
        let mut list = false;
        let found = names(&words("one --list two"), "", &mut [("list", &mut list)]);
        assert_eq!(found, Ok(vec!["one".into(), "two".into()]));
        assert!(list);
        assert!(names(&words("--other"), "", &mut []).is_err());
        assert!(names(&words("-x"), "", &mut []).is_err());
        assert!(flags(&words("one"), "", &mut []).is_err());
    }

    #[test]
    fn the_rest_starts_after_two_dashes() {
        let line = words("--a b -- --c -- d");
        let (ours, rest) = split_rest(&line);
        assert_eq!(ours, words("--a b"));
        assert_eq!(rest, words("--c -- d"));
        assert_eq!(split_rest(&words("--a")).1, words(""));
    }
}
