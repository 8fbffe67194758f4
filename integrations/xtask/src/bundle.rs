//! The command `bundle`: the VMs of a run as the file that QEMU's loader puts into RAM.

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;

use ffa_el2::bundle::ADDRESS;
use lexopt::prelude::*;

use crate::arguments::print_help;
use crate::failure::{AtPath, Failure, Result};
use crate::fleet::{FleetOptions, OPTIONS_HELP};

const HELP_HEAD: &str = "\
Write a bundle: VMs with their images and options, for the hypervisor

Usage: cargo xtask bundle --vm FILE[,key=value]... [OPTIONS] -o FILE

Options:
  -o, --output FILE         Where to write it";
const HELP_TAIL: &str = "  -h, --help                Print help

QEMU loads it by: -device loader,file=FILE,force-raw=on,addr=";

/// The command `bundle`.
pub(crate) fn command(words: &[OsString]) -> Result<()> {
    let (options, output) = parse(words)?;
    let bundle = options.load()?.encode()?;
    fs::write(&output, &bundle).at("write", &output)?;
    println!("{}: {} bytes", output.display(), bundle.len());
    Ok(())
}

fn parse(words: &[OsString]) -> Result<(FleetOptions, PathBuf)> {
    let mut parser = lexopt::Parser::from_args(words);
    let mut options = FleetOptions::default();
    let mut output = None;
    while let Some(argument) = parser.next()? {
        match argument {
            Short('h') | Long("help") => {
                print_help(&format!("{HELP_HEAD}\n{OPTIONS_HELP}\n{HELP_TAIL}{ADDRESS:#x}"))
            }
            Short('o') | Long("output") => output = Some(PathBuf::from(parser.value()?)),
            Long(name) => {
                let name = name.to_owned();
                if !options.take(&name, &mut parser)? {
                    return Err(Failure::usage(format!("invalid option '--{name}'")));
                }
            }
            other => return Err(other.unexpected().into()),
        }
    }
    if options.is_empty() {
        return Err(Failure::usage("there is no --vm FILE: a bundle needs at least one"));
    }
    let output = output.ok_or_else(|| Failure::usage("-o FILE is missing"))?;
    Ok((options, output))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<(FleetOptions, PathBuf)> {
        let words: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
        parse(&words)
    }

    #[test]
    fn vms_and_an_output_are_needed() {
        assert_eq!(parsed("--vm a.bin -o out.bin").unwrap().1, PathBuf::from("out.bin"));
        assert!(parsed("-o out.bin").unwrap_err().to_string().contains("no --vm"));
        assert!(parsed("--vm a.bin").unwrap_err().to_string().contains("-o FILE"));
        assert!(parsed("--vm a.bin -o out.bin --cpus 4").is_err());
    }
}
