//! apt with lists and a cache of its own: the machine's are neither read nor changed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::sources;
use crate::failure::{AtPath, Failure, Result};
use crate::{process, workspace};

/// The machine's own lists: a file, and a directory of files.
const LIST: &str = "/etc/apt/sources.list";
const LISTS: &str = "/etc/apt/sources.list.d";
/// Apt's configuration, which says where all else is.
const CONFIGURATION: &str = "apt.conf";
const UPDATE_LIMIT: Duration = Duration::from_secs(300);
const DOWNLOAD_LIMIT: Duration = Duration::from_secs(600);
const QUERY_LIMIT: Duration = Duration::from_secs(30);

/// The sources of the machine's Debian mirrors.
pub(super) struct Apt {
    directory: PathBuf,
}

impl Apt {
    /// Writes lists below `directory` that name the sources of the machine's mirrors.
    pub(super) fn configure(directory: PathBuf) -> Result<Self> {
        if workspace::find_program("apt-get").is_none() {
            return Err(Failure::failed("this system has no apt-get to get the source with"));
        }
        let (lines, paragraphs) = debian_sources()?;
        if lines.is_empty() && paragraphs.is_empty() {
            return Err(Failure::failed(format!("no mirror of Debian in {LIST} and {LISTS}")));
        }
        let apt = Self { directory };
        for part in ["parts", "lists/partial", "cache/archives/partial"] {
            let part = apt.directory.join(part);
            fs::create_dir_all(&part).at("create", &part)?;
        }
        for (name, text) in [
            ("parts/debian.list", lines),
            ("parts/debian.sources", paragraphs),
            (CONFIGURATION, apt.configuration()),
        ] {
            let file = apt.directory.join(name);
            fs::write(&file, text).at("write", &file)?;
        }
        Ok(apt)
    }

    /// Whoever runs us can write below the target directory; apt's own user perhaps not.
    fn configuration(&self) -> String {
        let places = [
            ("Dir::Etc::sourceparts", "parts"),
            ("Dir::State::lists", "lists"),
            ("Dir::Cache", "cache"),
        ];
        let place = |(option, part)| {
            format!("{option} \"{}\";\n", self.directory.join::<&str>(part).display())
        };
        let places: String = places.map(place).concat();
        format!("APT::Sandbox::User \"root\";\nDir::Etc::sourcelist \"/dev/null\";\n{places}")
    }

    /// Fetches the lists. A mirror that fails must not keep us from the others.
    pub(super) fn update(&self) -> Result<()> {
        let mut update = self.command("apt-get");
        match process::run(update.args(["update", "-q"]), UPDATE_LIMIT) {
            Err(Failure::Interrupted) => Err(Failure::Interrupted),
            Err(why) => {
                eprintln!("xen: {why}: going on with the lists that are there");
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }

    /// The versions that the mirrors have of a source package.
    pub(super) fn versions(&self, package: &str) -> Result<Vec<String>> {
        let mut query = self.command("apt-cache");
        let output =
            process::output(query.args(["showsrc", "--only-source", package]), QUERY_LIMIT)?;
        let text = String::from_utf8_lossy(&output.stdout);
        let versions = text.lines().filter_map(|line| line.strip_prefix("Version: "));
        Ok(versions.map(|version| version.trim().to_owned()).collect())
    }

    /// Downloads a source package into a directory; says what apt says where that fails.
    pub(super) fn download(&self, package: &str, version: &str, into: &Path) -> Result<()> {
        let mut source = self.command("apt-get");
        source.args(["source", "-q", "--download-only", "--only-source"]);
        source.arg(format!("{package}={version}")).current_dir(into);
        let output = process::output(&mut source, DOWNLOAD_LIMIT)?;
        if output.status.success() {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&output.stderr);
        let reason = text.lines().find(|line| line.starts_with("E: "));
        Err(Failure::failed(reason.unwrap_or("apt-get does not say why").to_owned()))
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env("APT_CONFIG", self.directory.join(CONFIGURATION)).stdin(Stdio::null());
        command
    }
}

/// The source entries of the machine's lists, in both styles.
fn debian_sources() -> Result<(String, String)> {
    let mut files = vec![PathBuf::from(LIST)];
    files.extend(fs::read_dir(LISTS).into_iter().flatten().flatten().map(|entry| entry.path()));
    let (mut lines, mut paragraphs) = (String::new(), String::new());
    for file in files.iter().filter(|file| file.is_file()) {
        let read = || fs::read_to_string(file).at("read", file);
        match file.extension().and_then(|extension| extension.to_str()) {
            Some("list") => lines += &sources::from_lines(&read()?),
            Some("sources") => paragraphs += &sources::from_paragraphs(&read()?),
            _ => {}
        }
    }
    Ok((lines, paragraphs))
}
