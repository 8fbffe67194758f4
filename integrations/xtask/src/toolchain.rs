//! The toolchain for AArch64: one that has the target, or one that has the sources of core.

use std::env;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::failure::{Failure, Result};
use crate::{process, workspace};

pub(crate) const TARGET: &str = "aarch64-unknown-none-softfloat";
/// The oldest compiler that builds the hypervisor: (major, minor).
pub(crate) const OLDEST: (u32, u32) = (1, 88);
const QUERY_LIMIT: Duration = Duration::from_secs(20);

/// A cargo and a rustc that belong together and can build for [`TARGET`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Toolchain {
    cargo: PathBuf,
    rustc: PathBuf,
    library: Library,
    linker: Linker,
}

/// Where core and alloc come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Library {
    /// Compiled, with the toolchain.
    Installed,
    /// From their sources, with -Zbuild-std.
    Built,
}

/// Who links.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Linker {
    /// The rust-lld of the toolchain.
    Own,
    /// A program of the system.
    System(&'static str, Flavor),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flavor {
    Gnu,
    Lld,
}

/// What a machine has for AArch64.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    Ready(Toolchain),
    /// A compiler is there, a linker is not.
    NoLinker,
    Nothing,
}

/// Looks at the toolchain that runs us, then at the system's.
pub(crate) fn find() -> Found {
    let own = env::var_os("CARGO").map_or_else(|| "cargo".into(), PathBuf::from);
    let mut found = Found::Nothing;
    for cargo in [own, "/usr/bin/cargo".into()] {
        match examine(&cargo) {
            Found::Ready(toolchain) => return Found::Ready(toolchain),
            Found::NoLinker => found = Found::NoLinker,
            Found::Nothing => {}
        }
    }
    found
}

/// The toolchain, or what to do to get one.
pub(crate) fn require() -> Result<Toolchain> {
    match find() {
        Found::Ready(toolchain) => Ok(toolchain),
        Found::NoLinker => Err(Failure::failed("no linker for AArch64: `cargo xtask setup` helps")),
        Found::Nothing => {
            Err(Failure::failed("no compiler for AArch64: `cargo xtask setup` helps"))
        }
    }
}

impl Toolchain {
    /// A cargo that builds, checks or documents for [`TARGET`]: `build`, `check`, `clippy`, ...
    pub(crate) fn cargo(&self, action: &str) -> Command {
        let mut command = Command::new(&self.cargo);
        command.current_dir(workspace::root()).arg(action).env("CARGO_BUILD_TARGET", TARGET);
        command.env("CARGO_TARGET_DIR", workspace::target_dir("aarch64"));
        self.choose_rustc(&mut command);
        if let Linker::System(program, flavor) = self.linker {
            let flags = match flavor {
                Flavor::Gnu => "-Clinker-flavor=ld",
                Flavor::Lld => "-Clinker-flavor=ld.lld",
            };
            command.env("CARGO_TARGET_AARCH64_UNKNOWN_NONE_SOFTFLOAT_LINKER", program);
            command.env("CARGO_TARGET_AARCH64_UNKNOWN_NONE_SOFTFLOAT_RUSTFLAGS", flags);
        }
        command
    }

    fn choose_rustc(&self, command: &mut Command) {
        // Flags and wrappers of the host's build have no place in this one.
        command.env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS");
        if self.library == Library::Built {
            command.env("RUSTC_BOOTSTRAP", "1").env("CARGO_UNSTABLE_BUILD_STD", "core,alloc");
            // cargo points it at the libraries of the toolchain that runs us.
            command.env("RUSTC", &self.rustc).env_remove("LD_LIBRARY_PATH");
        }
    }

    /// Can it run `cargo clippy` for [`TARGET`]?
    pub(crate) fn has_clippy(&self) -> bool {
        let clippy = query(&self.cargo, &["clippy", "--version"]);
        self.library == Library::Installed && clippy.is_some()
    }
}

impl fmt::Display for Toolchain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let library = match self.library {
            Library::Installed => format!("with {TARGET}"),
            Library::Built => "building core from its sources".into(),
        };
        let linker = match self.linker {
            Linker::Own => "rust-lld",
            Linker::System(program, _) => program,
        };
        write!(f, "{} {library}, linked by {linker}", self.rustc.display())
    }
}

fn examine(cargo: &Path) -> Found {
    let rustc = cargo.with_file_name("rustc");
    let (Some(version), Some(sysroot)) =
        (query(&rustc, &["--version"]), query(&rustc, &["--print", "sysroot"]))
    else {
        return Found::Nothing;
    };
    let rustlib = PathBuf::from(sysroot.trim()).join("lib/rustlib");
    let library = if rustlib.join(TARGET).join("lib").is_dir() {
        Library::Installed
    } else if rustlib.join("src/rust/library/core/Cargo.toml").is_file() {
        Library::Built
    } else {
        return Found::Nothing;
    };
    if parse_version(&version).is_none_or(|version| version < OLDEST) {
        return Found::Nothing;
    }
    match linker(&rustlib) {
        Some(linker) => Found::Ready(Toolchain { cargo: cargo.into(), rustc, library, linker }),
        None => Found::NoLinker,
    }
}

fn linker(rustlib: &Path) -> Option<Linker> {
    let own = std::fs::read_dir(rustlib)
        .ok()?
        .flatten()
        .any(|host| host.path().join("bin/rust-lld").is_file());
    if own {
        return Some(Linker::Own);
    }
    [("aarch64-linux-gnu-ld", Flavor::Gnu), ("ld.lld", Flavor::Lld)]
        .into_iter()
        .find(|(program, _)| workspace::find_program(program).is_some())
        .map(|(program, flavor)| Linker::System(program, flavor))
}

fn query(program: &Path, arguments: &[&str]) -> Option<String> {
    let output = process::output(Command::new(program).args(arguments), QUERY_LIMIT).ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The target that the compiler itself runs on.
pub(crate) fn host() -> Option<String> {
    let version = query(Path::new("rustc"), &["-vV"])?;
    version.lines().find_map(|line| line.strip_prefix("host: ")).map(str::to_owned)
}

/// `rustc 1.95.0 (...)` is (1, 95).
pub(crate) fn parse_version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.split_whitespace().nth(1)?.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read() {
        assert_eq!(parse_version("rustc 1.95.0 (59807616e 2026-04-14)"), Some((1, 95)));
        assert_eq!(parse_version("rustc 1.97.0-nightly (abc)"), Some((1, 97)));
        assert_eq!(parse_version("gcc"), None);
    }

    #[test]
    fn what_is_no_toolchain_is_nothing() {
        assert_eq!(examine(Path::new("/does/not/exist/cargo")), Found::Nothing);
    }
}
