//! The project's commands: `cargo xtask <command>`.

mod arguments;
mod bench;
mod bundle;
mod console;
mod demo;
mod emulator;
mod failure;
mod flat;
mod fleet;
mod fuzz;
mod guest;
mod header;
mod image;
mod meter;
mod number;
mod process;
mod qemu;
mod setup;
mod suite;
mod summary;
mod table;
mod toolchain;
mod transcript;
mod verify;
mod vm;
mod workspace;
mod xen;
mod xen_object;

use std::ffi::OsString;
use std::process::ExitCode;

use failure::{Failure, Result};

const HELP: &str = "\
The project's commands

Usage: cargo xtask <COMMAND> [OPTIONS]

Commands:
  demo    VMs list each other through the library while others come and go
  test    Run every check and test of the project
  verify  Prove the reclamation: loom, its weakened edges, spin and mutants, ThreadSanitizer
  fuzz    Hostile input to every decoder and parser of ffa-abi
  qemu    Boot any guest images as VMs of the hypervisor
  xen     Boot Xen with the mediator in it, and the same guests as its domains
  image   Build the hypervisor; print the path of its flat binary
  bundle  Write VMs with their images and options to a file for the hypervisor
  bench   Measure
  header  Write the C header of ffa-abi from its tables
  xen-object  Build the mediator as an object for Xen
  setup   Install what the machine lacks (the other commands do it as they need it)

`cargo xtask <COMMAND> --help` tells more.";

fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().skip(1).collect();
    match process::catch_signals().and_then(|()| dispatch(&words)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            failure.exit_code()
        }
    }
}

fn dispatch(words: &[OsString]) -> Result<()> {
    let Some((command, rest)) = words.split_first() else { arguments::print_help(HELP) };
    match command.to_str() {
        Some("demo") => demo::command(rest),
        Some("test") => suite::command(rest),
        Some("verify") => verify::command(rest),
        Some("fuzz") => fuzz::command(rest),
        Some("bench") => bench::command(rest),
        Some("qemu") => qemu::command(rest),
        Some("xen") => xen::command(rest),
        Some("image") => image::command(rest),
        Some("bundle") => bundle::command(rest),
        Some("header") => header::command(rest),
        Some("xen-object") => xen_object::command(rest),
        Some("setup") => setup::command(rest),
        Some("help" | "--help" | "-h") => arguments::print_help(HELP),
        _ => Err(Failure::usage(format!(
            "there is no command `{}`: see `cargo xtask --help`",
            command.to_string_lossy()
        ))),
    }
}
