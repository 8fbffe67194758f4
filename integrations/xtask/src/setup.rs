//! What a machine lacks for AArch64 and QEMU: found, named, installed.

use std::ffi::OsString;
use std::io;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::emulator::QEMU;
use crate::failure::{Failure, Result};
use crate::toolchain::{self, Found, TARGET};
use crate::{arguments, process, workspace};

pub(crate) const HELP: &str = "\
Install what building for AArch64 and running QEMU need, after saying what and why

Usage: cargo xtask setup [--check]

The other commands do this themselves for what they need.

Options:
      --check  Only say what is missing; exit status 1 if anything is
  -h, --help   Print help";

const RUSTUP_LIMIT: Duration = Duration::from_secs(300);
const APT_LIMIT: Duration = Duration::from_secs(900);
const QUERY_LIMIT: Duration = Duration::from_secs(30);

/// Compilers with the sources of core, as Debian and Ubuntu name them; newest first.
const COMPILERS: [[&str; 3]; 2] =
    [["rustc-web", "cargo-web", "rust-web-src"], ["rustc", "cargo", "rust-src"]];
pub(crate) const LINKER: &str = "binutils-aarch64-linux-gnu";
const EMULATOR: &str = "qemu-system-arm";
/// Of the same source as the emulator: both are installed in one version, or not together.
const TWIN: &str = "qemu-utils";

/// Something that a command needs from the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    Compiler,
    Linker,
    Emulator,
}

impl Need {
    fn why(self) -> String {
        match self {
            Self::Compiler => format!("a Rust compiler for {TARGET}, to build the hypervisor"),
            Self::Linker => "a linker for AArch64, to build the hypervisor".into(),
            Self::Emulator => format!("{QEMU}, to run the hypervisor"),
        }
    }
}

/// The command `setup`.
pub(crate) fn command(words: &[OsString]) -> Result<()> {
    let mut check = false;
    arguments::flags(words, HELP, &mut [("check", &mut check)])?;
    if check {
        let missing = missing();
        missing.iter().for_each(|need| println!("missing: {}", need.why()));
        return if missing.is_empty() { Ok(()) } else { Err(Failure::failed("setup is needed")) };
    }
    ensure(&[Need::Compiler, Need::Linker, Need::Emulator])?;
    println!("nothing is missing: {}", toolchain::require()?);
    Ok(())
}

/// Installs what is missing of `needs`.
pub(crate) fn ensure(needs: &[Need]) -> Result<()> {
    let missing_now =
        || -> Vec<Need> { missing().into_iter().filter(|need| needs.contains(need)).collect() };
    let mut missing = missing_now();
    if missing.contains(&Need::Compiler) && add_rustup_target() {
        missing = missing_now();
    }
    if missing.is_empty() {
        return Ok(());
    }
    install(&missing)?;
    match missing_now().first() {
        None => Ok(()),
        Some(need) => Err(Failure::failed(format!("still missing: {}", need.why()))),
    }
}

fn missing() -> Vec<Need> {
    let mut missing = match toolchain::find() {
        Found::Ready(_) => vec![],
        Found::NoLinker => vec![Need::Linker],
        Found::Nothing => vec![Need::Compiler, Need::Linker],
    };
    if workspace::find_program(QEMU).is_none() {
        missing.push(Need::Emulator);
    }
    missing
}

/// The quick way to a compiler, where rustup is there and the network has its servers.
fn add_rustup_target() -> bool {
    if workspace::find_program("rustup").is_none() {
        return false;
    }
    eprintln!("setup: `rustup target add {TARGET}`: {}", Need::Compiler.why());
    let mut rustup = Command::new("rustup");
    rustup.args(["target", "add", TARGET]).stdin(Stdio::null()).stdout(io::stderr());
    let added = process::run(&mut rustup, RUSTUP_LIMIT);
    if let Err(why) = &added {
        eprintln!("setup: {why}: trying the packages of the system instead");
    }
    added.is_ok()
}

fn install(missing: &[Need]) -> Result<()> {
    let manual = |why: &str| {
        let reasons: Vec<String> = missing.iter().map(|need| need.why()).collect();
        Failure::failed(format!(
            "missing: {}\n{why}. Install by hand: {QEMU} 7.2 or newer; and either rustup \
             (https://rustup.rs) with `rustup target add {TARGET}`, or rustc 1.88 or newer with \
             its sources and an AArch64 linker. On Debian, as root:\n  apt-get install \
             {EMULATOR} {LINKER} {}",
            reasons.join("; "),
            COMPILERS[0].join(" ")
        ))
    };
    if workspace::find_program("apt-get").is_none() {
        return Err(manual("This system has no apt-get"));
    }
    let Some(root) = root_prefix() else {
        return Err(manual("This user is not root and cannot use sudo without a password"));
    };
    eprintln!("setup: `apt-get update`, as packages are missing");
    apt(&root, &["update", "-q"])?;
    let packages = packages(missing, |name| candidate(name).as_deref().is_some_and(is_new))
        .ok_or_else(|| manual("The packages of this system have no Rust that is new enough"))?;
    missing.iter().for_each(|need| eprintln!("setup: missing: {}", need.why()));
    let installed = apt_install(&root, &packages);
    match (&installed, twin(missing)) {
        (Err(_), Some(twin)) => apt_install_with_twin(&root, &packages, &twin),
        _ => installed,
    }
}

/// A package of the emulator's own source that is installed in another version, which keeps the
/// emulator from being installed: with the version that goes with it.
fn twin(missing: &[Need]) -> Option<String> {
    missing.contains(&Need::Emulator).then_some(())?;
    let mut query = Command::new("dpkg-query");
    query.args(["--show", "--showformat=${Version}", TWIN]);
    let output = process::output(&mut query, QUERY_LIMIT).ok()?;
    let installed = String::from_utf8_lossy(&output.stdout).into_owned();
    let wanted = candidate(EMULATOR)?;
    (output.status.success() && !installed.is_empty() && installed != wanted)
        .then(|| format!("{TWIN}={wanted}"))
}

fn apt_install_with_twin(root: &[&str], packages: &[&str], twin: &str) -> Result<()> {
    eprintln!("setup: {TWIN} is installed in a version that the emulator's packages conflict with");
    let mut with_twin = vec!["--allow-downgrades", twin];
    with_twin.extend(packages);
    apt_install(root, &with_twin)
}

/// The packages for what is missing; None if the system has no compiler that `is_new`.
fn packages(missing: &[Need], is_new: impl Fn(&str) -> bool) -> Option<Vec<&'static str>> {
    let mut packages = Vec::new();
    for need in missing {
        match need {
            Need::Emulator => packages.push(EMULATOR),
            Need::Linker => packages.push(LINKER),
            Need::Compiler => packages.extend(COMPILERS.iter().find(|names| is_new(names[0]))?),
        }
    }
    Some(packages)
}

/// The version that apt would install.
fn candidate(package: &str) -> Option<String> {
    let mut command = Command::new("apt-cache");
    let output = process::output(command.args(["policy", package]), QUERY_LIMIT).ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().find_map(|line| line.trim().strip_prefix("Candidate: ").map(str::to_owned))
}

/// Is this package version (`1.96.0+dfsg1-1`) one that can build the hypervisor?
fn is_new(version: &str) -> bool {
    toolchain::parse_version(&format!("rustc {version}"))
        .is_some_and(|version| version >= toolchain::OLDEST)
}

/// What to put in front of a command that only root may run.
fn root_prefix() -> Option<Vec<&'static str>> {
    let uid = process::output(Command::new("id").arg("-u"), QUERY_LIMIT).ok()?;
    if uid.stdout == b"0\n" {
        return Some(vec![]);
    }
    let sudo = process::output(Command::new("sudo").args(["-n", "true"]), QUERY_LIMIT).ok()?;
    sudo.status.success().then(|| vec!["sudo", "-n"])
}

/// Installs the packages of those programs that are not there.
pub(crate) fn ensure_programs(programs: &[(&str, &str)], why: &str) -> Result<()> {
    let missing = |(program, _): &&(&str, &str)| workspace::find_program(program).is_none();
    let packages: Vec<&str> =
        programs.iter().filter(missing).map(|(_, package)| *package).collect();
    if packages.is_empty() { Ok(()) } else { install_packages(&packages, why) }
}

/// Installs packages that a check wants; the caller says what it leaves out without them.
pub(crate) fn install_packages(packages: &[&str], why: &str) -> Result<()> {
    let root = root_prefix().filter(|_| workspace::find_program("apt-get").is_some()).ok_or_else(
        || {
            let packages = packages.join(" ");
            Failure::failed(format!(
                "missing: {packages}: {why}. This user is not root and cannot use sudo without a \
                 password, or there is no apt-get. As root:\n  apt-get install {packages}"
            ))
        },
    )?;
    eprintln!("setup: missing: {}: {why}", packages.join(" "));
    apt(&root, &["update", "-q"])?;
    apt_install(&root, packages)
}

fn apt_install(root: &[&str], packages: &[&str]) -> Result<()> {
    eprintln!("setup: `apt-get install {}`", packages.join(" "));
    let mut arguments = vec!["install", "-q", "-y", "--no-install-recommends", "--no-remove"];
    arguments.extend(packages);
    apt(root, &arguments)
}

/// Runs apt-get; timeout(1) ends it as the user that it runs as.
fn apt(root: &[&str], arguments: &[&str]) -> Result<()> {
    let limit = APT_LIMIT.as_secs().to_string();
    let mut words = root.to_vec();
    words.extend(["env", "DEBIAN_FRONTEND=noninteractive", "timeout", "--foreground"]);
    words.extend([limit.as_str(), "apt-get", "-o", "DPkg::Lock::Timeout=120"]);
    words.extend(arguments);
    let (program, rest) = words.split_first().unwrap_or((&"true", &[]));
    let mut command = Command::new(program);
    command.args(rest).stdin(Stdio::null()).stdout(io::stderr());
    process::run(&mut command, APT_LIMIT + QUERY_LIMIT)
        .map_err(|why| Failure::failed(format!("apt-get {}: {why}", arguments.join(" "))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_missing_is_installed() {
        assert_eq!(packages(&[Need::Emulator], |_| false), Some(vec![EMULATOR]));
        assert_eq!(packages(&[Need::Linker], |_| false), Some(vec![LINKER]));
    }

    #[test]
    fn the_first_compiler_that_is_new_enough_is_taken() {
        let all = [Need::Compiler, Need::Linker];
        let web = packages(&all, |_| true).unwrap();
        assert_eq!(web, ["rustc-web", "cargo-web", "rust-web-src", LINKER]);
        let plain = packages(&all, |name| name == "rustc").unwrap();
        assert_eq!(plain, ["rustc", "cargo", "rust-src", LINKER]);
        assert_eq!(packages(&all, |_| false), None);
    }

    #[test]
    fn package_versions_are_compared() {
        assert!(is_new("1.96.0+dfsg1-1~deb12u2"));
        assert!(!is_new("1.85.0+dfsg3-1~deb12u3"));
        assert!(!is_new("(none)"));
    }
}
