//! The command `xen-object`: the mediator as one relocatable object that Xen's build links.

mod archive;
mod checks;
mod elf;
mod names;
mod reach;

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::failure::{AtPath, Failure, Result};
use crate::setup::{self, Need};
use crate::toolchain::{self, TARGET};
use crate::{arguments, process, workspace};

const HELP: &str = "\
Build the FF-A mediator as one object for Xen; print its path on stdout, what is in it on stderr

Usage: cargo xtask xen-object

Sections are merged to those that Xen's linker script knows, only the functions of ffa_xen.h are
global, names are short enough for Xen's symbol table, and vector registers are not used. Each of
these is checked, and that no panic can be reached from ffa_xen_call. See integrations/xen/README.md.

Options:
  -h, --help  Print help";

const BUILD_LIMIT: Duration = Duration::from_secs(1200);
const TOOL_LIMIT: Duration = Duration::from_secs(60);
const LINKER: &str = "aarch64-linux-gnu-ld";
const OBJCOPY: &str = "aarch64-linux-gnu-objcopy";
const OBJDUMP: &str = "aarch64-linux-gnu-objdump";

/// What Xen calls.
const EXPORTS: [&str; 7] = [
    "ffa_xen_call",
    "ffa_xen_cpu_init",
    "ffa_xen_domain_init",
    "ffa_xen_poll",
    "ffa_xen_probe",
    "ffa_xen_schedule_receiver",
    "ffa_xen_teardown",
];

/// The command `xen-object`.
pub(crate) fn command(words: &[OsString]) -> Result<()> {
    arguments::flags(words, HELP, &mut [])?;
    println!("{}", build()?.display());
    Ok(())
}

/// Builds and checks the object; its path.
pub(crate) fn build() -> Result<PathBuf> {
    setup::ensure(&[Need::Compiler, Need::Linker])?;
    let linked = partial_link(&whole_program(&staticlib()?)?)?;
    let object = finish(&linked)?;
    let (whole, bytes) = (read(&linked.whole)?, read(&object)?);
    let report = checks::check(&bytes, &disassemble(&object)?).map_err(|why| at(&object, &why))?;
    let panics = reach::panics(&whole, "ffa_xen_call").map_err(|why| at(&linked.whole, &why))?;
    eprint!("{report}{panics}");
    panics.verdict().map_err(Failure::failed)?;
    Ok(object)
}

/// The archive that rustc makes.
fn staticlib() -> Result<PathBuf> {
    let mut cargo = toolchain::require()?.cargo("rustc");
    cargo.args(["--profile", "xen", "--package", "ffa-xen", "--lib"]).stdout(io::stderr());
    cargo.args(["--crate-type", "staticlib", "--", "-Cforce-unwind-tables=no"]);
    process::run(&mut cargo, BUILD_LIMIT)?;
    Ok(workspace::target_dir("aarch64").join(TARGET).join("xen/libffa_xen.a"))
}

/// The one member of the archive that is ours: all of the program, since it was optimised as a whole.
///
/// What else there is are `compiler_builtins`, whose memcpy would take the place of Xen's own.
fn whole_program(archive: &Path) -> Result<PathBuf> {
    let bytes = read(archive)?;
    let member = archive::member(&bytes, "ffa_xen-").map_err(|why| at(archive, &why))?;
    let path = directory()?.join("whole.o");
    fs::write(&path, member).at("write", &path)?;
    Ok(path)
}

struct Linked {
    /// One section a function.
    whole: PathBuf,
    /// A few sections.
    merged: PathBuf,
}

/// Merges the sections of what can be reached from the exports.
fn partial_link(whole: &Path) -> Result<Linked> {
    let merged = directory()?.join("merged.o");
    let mut linker = tool(LINKER)?;
    linker.args(["--relocatable", "--gc-sections", "--script"]);
    linker.arg(workspace::root().join("integrations/xen/object.ld"));
    linker.args(EXPORTS.iter().flat_map(|name| ["--undefined", name]));
    run(linker.arg("-o").args([&merged, whole]))?;
    Ok(Linked { whole: whole.into(), merged })
}

/// Makes all but the exports local, and shortens names.
fn finish(linked: &Linked) -> Result<PathBuf> {
    let names = names::short(&read(&linked.merged)?).map_err(|why| at(&linked.merged, &why))?;
    let list = directory()?.join("names");
    fs::write(&list, names).at("write", &list)?;
    let object = directory()?.join("ffa_xen.o");
    let mut objcopy = tool(OBJCOPY)?;
    objcopy.args(EXPORTS.iter().map(|name| format!("--keep-global-symbol={name}")));
    objcopy.arg("--redefine-syms").arg(&list);
    run(objcopy.args([&linked.merged, &object]))?;
    Ok(object)
}

fn disassemble(object: &Path) -> Result<String> {
    let mut objdump = tool(OBJDUMP)?;
    let output = process::output(
        objdump.args(["--disassemble", "--no-show-raw-insn"]).arg(object),
        TOOL_LIMIT,
    )?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A program of the cross binutils, which Xen's own build needs, too.
fn tool(name: &str) -> Result<Command> {
    if workspace::find_program(name).is_none() {
        setup::install_packages(&[setup::LINKER], "binutils for AArch64, to make Xen's object")?;
    }
    Ok(Command::new(name))
}

fn run(command: &mut Command) -> Result<()> {
    process::run(command.stdout(io::stderr()), TOOL_LIMIT)
}

fn directory() -> Result<PathBuf> {
    let directory = workspace::target_dir("xen").join("object");
    fs::create_dir_all(&directory).at("create", &directory)?;
    Ok(directory)
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).at("read", path)
}

fn at(path: &Path, why: &str) -> Failure {
    Failure::failed(format!("{}: {why}", path.display()))
}
