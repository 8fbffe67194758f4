//! The oldest compiler that the libraries promise to work with.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::host::{LIBRARIES, passes};
use super::{Outcome, Step};
use crate::failure::{AtPath, Failure, Result};
use crate::{process, setup, workspace};

const QUERY_LIMIT: Duration = Duration::from_secs(30);
const DOWNLOAD_LIMIT: Duration = Duration::from_secs(300);
/// Debian's names for a compiler and its library; they come in any of these forms.
const FORMS: [&str; 2] = ["-web", ""];
/// What Debian's compiler is linked with: installed, since it has needs of its own.
const LIBRARIES_OF_RUSTC: [&str; 1] = ["libllvm19"];

pub(super) fn steps() -> Vec<Step> {
    let about = "the libraries build with the oldest compiler that they promise";
    vec![Step { name: "msrv", about, needs: None, run: msrv }]
}

fn msrv() -> Result<Outcome> {
    let version = promised()?;
    let directory = workspace::target_dir("msrv");
    let Some(rustc) = installed(&version).or_else(|| download(&version, &directory)) else {
        return Ok(Outcome::Skipped(format!(
            "no rustc {version} runs here: `rustup toolchain install {version}` would give one"
        )));
    };
    let mut cargo = workspace::cargo();
    cargo.arg("check").args(LIBRARIES.iter().flat_map(|name| ["--package", name]));
    cargo.arg("--target-dir").arg(directory.join("target"));
    cargo.env("RUSTC", &rustc.program);
    if let Some(libraries) = &rustc.libraries {
        cargo.env("LD_LIBRARY_PATH", libraries);
    }
    passes(&mut cargo)
}

/// The rust-version of the workspace, as `1.85`.
fn promised() -> Result<String> {
    let path = workspace::root().join("Cargo.toml");
    let manifest = fs::read_to_string(&path).at("read", &path)?;
    rust_version(&manifest)
        .ok_or_else(|| Failure::failed(format!("{} has no rust-version", path.display())))
}

fn rust_version(manifest: &str) -> Option<String> {
    let value = manifest.lines().find_map(|line| line.strip_prefix("rust-version = "))?;
    Some(value.trim().trim_matches('"').to_owned())
}

/// A compiler, and where its shared libraries are if the system does not know.
struct Compiler {
    program: PathBuf,
    libraries: Option<PathBuf>,
}

/// The compiler that rustup has; it is not asked to fetch one.
fn installed(version: &str) -> Option<Compiler> {
    let mut rustup = Command::new("rustup");
    rustup.args(["which", "--toolchain", version, "rustc"]).env("RUSTUP_AUTO_INSTALL", "0");
    let output = process::output(&mut rustup, QUERY_LIMIT).ok()?;
    let program = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    (output.status.success() && program.is_file()).then_some(Compiler { program, libraries: None })
}

/// The compiler of Debian's archive, unpacked into `directory` and not installed.
fn download(version: &str, directory: &Path) -> Option<Compiler> {
    let root = directory.join("root");
    if let Some(compiler) = unpacked(&root, version) {
        return Some(compiler);
    }
    fs::create_dir_all(&root).ok()?;
    setup::install_packages(&LIBRARIES_OF_RUSTC, "an older Rust compiler is linked with it")
        .ok()?;
    FORMS.iter().find_map(|form| {
        fetch(&packages(form, version), directory, &root).ok()?;
        unpacked(&root, version)
    })
}

fn packages(form: &str, version: &str) -> Vec<String> {
    vec![
        format!("rustc{form}={version}*"),
        format!("libstd-rust{form}-{version}={version}*"),
        format!("libstd-rust{form}-dev={version}*"),
    ]
}

fn fetch(packages: &[String], directory: &Path, root: &Path) -> Result<()> {
    let mut apt = Command::new("apt-get");
    apt.args(["download", "-q"]).args(packages).current_dir(directory);
    process::run(&mut apt, DOWNLOAD_LIMIT)?;
    for entry in fs::read_dir(directory).at("read", directory)?.flatten() {
        let file = entry.path();
        if file.extension().is_some_and(|extension| extension == "deb") {
            let mut dpkg = Command::new("dpkg-deb");
            process::run(dpkg.arg("--extract").arg(&file).arg(root), QUERY_LIMIT)?;
            fs::remove_file(&file).at("remove", &file)?;
        }
    }
    Ok(())
}

/// The unpacked compiler, if it runs and is the right one.
fn unpacked(root: &Path, version: &str) -> Option<Compiler> {
    let program = root.join("usr/bin/rustc");
    let libraries = libraries(&root.join("usr/lib"))?;
    let mut rustc = Command::new(&program);
    rustc.arg("--version").env("LD_LIBRARY_PATH", &libraries);
    let output = process::output(&mut rustc, QUERY_LIMIT).ok()?;
    String::from_utf8_lossy(&output.stdout)
        .starts_with(&format!("rustc {version}."))
        .then_some(Compiler { program, libraries: Some(libraries) })
}

/// The directory that holds the compiler's libraries: its name is that of the host.
fn libraries(lib: &Path) -> Option<PathBuf> {
    let directories = fs::read_dir(lib).ok()?.flatten().map(|entry| entry.path());
    let mut candidates = directories.filter(|directory| directory.is_dir());
    candidates.find(|directory| {
        fs::read_dir(directory).is_ok_and(|mut files| {
            files.any(|file| file.is_ok_and(|file| is_driver(&file.file_name().to_string_lossy())))
        })
    })
}

fn is_driver(name: &str) -> bool {
    name.starts_with("librustc_driver")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_promise_is_read_from_the_manifest() {
        assert_eq!(rust_version("a = 1\nrust-version = \"1.85\"\n"), Some("1.85".into()));
        assert_eq!(rust_version("rust-version.workspace = true\n"), None);
        assert!(promised().unwrap().starts_with("1."));
    }

    #[test]
    fn a_directory_without_a_compiler_has_none() {
        assert!(unpacked(Path::new("/does/not/exist"), "1.85").is_none());
    }
}
