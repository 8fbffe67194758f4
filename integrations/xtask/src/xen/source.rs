//! Xen's source, as Debian packages it: fetched once, kept as it is.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::apt::Apt;
use super::version;
use crate::failure::{AtPath, Failure, Result};
use crate::{process, setup, workspace};

const PACKAGE: &str = "xen";
/// The release that the adapter is written for.
const RELEASE: &str = "4.17.";
/// The unpacked package, in the directory of its version.
const UNPACKED: &str = "source";
/// What says that the package was unpacked whole, beside it.
const COMPLETE: &str = "complete";
const UNPACK_LIMIT: Duration = Duration::from_secs(120);

/// The directory of a version: its unpacked source, and what is made from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Source {
    pub(super) version: String,
    pub(super) directory: PathBuf,
}

impl Source {
    /// The newest one that is there, or that the machine's mirrors have.
    pub(super) fn get() -> Result<Self> {
        match cached() {
            Some(source) => Ok(source),
            None => fetch(),
        }
    }

    /// As it came.
    pub(super) fn unpacked(&self) -> PathBuf {
        self.directory.join(UNPACKED)
    }

    /// What to do where the source is not what it should be.
    pub(super) fn remedy(&self) -> String {
        let directory = self.directory.display();
        format!("If the source of Xen is damaged, remove {directory}: it is fetched again")
    }

    fn of(version: String) -> Self {
        let directory = home().join(&version);
        Self { version, directory }
    }
}

/// Where everything about Xen is.
pub(super) fn home() -> PathBuf {
    workspace::target_dir("xen")
}

fn cached() -> Option<Source> {
    let entries = fs::read_dir(home()).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    let sources = newest_first(names).into_iter().map(Source::of);
    sources.into_iter().find(|source| source.directory.join(COMPLETE).is_file())
}

fn fetch() -> Result<Source> {
    let apt = Apt::configure(home().join("apt"))?;
    setup::ensure_programs(&[("dpkg-source", "dpkg-dev")], "it unpacks the source of Xen")?;
    println!("xen: getting Debian's source package of Xen {RELEASE}x from the configured mirrors");
    apt.update()?;
    let mut last = format!("no configured mirror has Xen {RELEASE}x, or none answers");
    for version in newest_first(apt.versions(PACKAGE)?) {
        // A mirror may list a version that it no longer has.
        match unpack(&apt, &version) {
            Ok(source) => return Ok(source),
            Err(Failure::Interrupted) => return Err(Failure::Interrupted),
            Err(why) => last = format!("{version} is listed, but cannot be had: {why}"),
        }
        println!("xen: {last}: trying an older one");
    }
    Err(Failure::failed(format!("the source of Xen cannot be had: {last}")))
}

/// Versions of the release, each once.
fn newest_first(mut versions: Vec<String>) -> Vec<String> {
    versions.retain(|version| version.starts_with(RELEASE));
    versions.sort_by(|one, other| version::compare(other, one));
    versions.dedup();
    versions
}

/// Downloads and unpacks; only a whole tree gets its name.
fn unpack(apt: &Apt, version: &str) -> Result<Source> {
    let source = Source::of(version.to_owned());
    let partial = home().join("partial");
    if partial.exists() {
        fs::remove_dir_all(&partial).at("remove", &partial)?;
    }
    fs::create_dir_all(&partial).at("create", &partial)?;
    apt.download(PACKAGE, version, &partial)?;
    let unpacked = partial.join(UNPACKED);
    let mut unpack = Command::new("dpkg-source");
    // Apt has compared what it downloaded with the signed lists.
    unpack.args(["--no-check", "--extract"]).arg(description(&partial)?).arg(&unpacked);
    process::run(&mut unpack, UNPACK_LIMIT)?;
    fs::create_dir_all(&source.directory).at("create", &source.directory)?;
    if source.unpacked().exists() {
        fs::remove_dir_all(source.unpacked()).at("remove", &source.unpacked())?;
    }
    fs::rename(&unpacked, source.unpacked()).at("rename", &unpacked)?;
    let complete = source.directory.join(COMPLETE);
    fs::write(&complete, version).at("write", &complete)?;
    fs::remove_dir_all(&partial).at("remove", &partial)?;
    Ok(source)
}

/// The package's `.dsc` file.
fn description(directory: &Path) -> Result<PathBuf> {
    let entries = fs::read_dir(directory).at("read", directory)?;
    let mut files = entries.flatten().map(|entry| entry.path());
    files
        .find(|file| file.extension().is_some_and(|extension| extension == "dsc"))
        .ok_or_else(|| Failure::failed("apt-get downloaded no .dsc file"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_tried_from_the_newest() {
        let found =
            ["4.14.6-1", "4.17.0-1", "4.17.5+72-g01140da4e8-1", "4.20.0-1", "4.17.0-1", "apt"];
        let versions = newest_first(found.map(str::to_owned).into());
        assert_eq!(versions, ["4.17.5+72-g01140da4e8-1", "4.17.0-1"]);
    }
}
