//! Building for AArch64: the hypervisor and the guests as flat binaries.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::failure::{AtPath, Failure, Result};
use crate::flat::Flat;
use crate::setup::{self, Need};
use crate::toolchain::{self, TARGET};
use crate::{arguments, process, workspace};

pub(crate) const HELP: &str = "\
Build the hypervisor and print the path of its flat binary, and nothing else, on stdout

Usage: cargo xtask image

The file has an arm64 Image header: it boots as a -kernel of QEMU, and behind firmware that
enters it at 0x40200000 in non-secure EL2.

Options:
  -h, --help  Print help";

const BUILD_LIMIT: Duration = Duration::from_secs(1200);
const HYPERVISOR: &str = "ffa-el2";
const GUESTS: &str = "ffa-el2-guests";
const GUEST_SOURCES: &str = "integrations/el2/guests/src/bin";

/// The command `image`.
pub(crate) fn command(words: &[OsString]) -> Result<()> {
    arguments::flags(words, HELP, &mut [])?;
    println!("{}", hypervisor()?.display());
    Ok(())
}

/// Builds the hypervisor; the path of its flat binary.
pub(crate) fn hypervisor() -> Result<PathBuf> {
    build(HYPERVISOR)?;
    write(HYPERVISOR, &flatten(HYPERVISOR)?)
}

/// Builds the guests; the path of the flat binary of each is [`guest`].
pub(crate) fn guests() -> Result<()> {
    build(GUESTS)?;
    for name in guest_names()? {
        write(&name, &flatten(&name)?)?;
    }
    Ok(())
}

/// The flat binary of a guest that was built.
pub(crate) fn guest(name: &str) -> PathBuf {
    workspace::target_dir("images").join(format!("{name}.bin"))
}

fn build(package: &str) -> Result<()> {
    setup::ensure(&[Need::Compiler, Need::Linker])?;
    let mut cargo = toolchain::require()?.cargo("build");
    // Only what was asked for is printed on stdout.
    cargo.args(["--release", "--package", package]).stdout(io::stderr());
    process::run(&mut cargo, BUILD_LIMIT)
}

fn flatten(name: &str) -> Result<Flat> {
    let path = workspace::target_dir("aarch64").join(TARGET).join("release").join(name);
    let elf = fs::read(&path).at("read", &path)?;
    let flat = Flat::from_elf(&elf)
        .map_err(|why| Failure::failed(format!("{}: {why}", path.display())))?;
    if !flat.has_image_header() {
        return Err(Failure::failed(format!("{name} has no arm64 Image header: see its image.ld")));
    }
    Ok(flat)
}

fn write(name: &str, flat: &Flat) -> Result<PathBuf> {
    let path = guest(name);
    let directory = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(directory).at("create", directory)?;
    fs::write(&path, &flat.bytes).at("write", &path)?;
    Ok(path)
}

/// Every program of the guests' crate.
fn guest_names() -> Result<Vec<String>> {
    let directory = workspace::root().join(GUEST_SOURCES);
    let entries = fs::read_dir(&directory).at("read", &directory)?;
    let stem = |path: PathBuf| path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    Ok(entries.flatten().filter_map(|entry| stem(entry.path())).collect())
}
