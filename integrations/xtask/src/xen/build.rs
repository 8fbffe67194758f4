//! Builds Xen with the adapter in it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use super::adapter;
use super::source::{self, Source};
use crate::failure::{AtPath, Failure, Result};
use crate::{process, setup};

/// What Xen's build runs, and Debian's packages of it.
const TOOLS: [(&str, &str); 6] = [
    ("aarch64-linux-gnu-gcc", "gcc-aarch64-linux-gnu"),
    ("gcc", "gcc"),
    ("make", "make"),
    ("flex", "flex"),
    ("bison", "bison"),
    ("patch", "patch"),
];
const WHY: &str = "they build Xen";
const LIMIT: Duration = Duration::from_secs(1200);
/// How much of the log is shown where the build fails.
const SHOWN_LINES: usize = 20;
/// What Xen tells of its build: the same at every one, so that none differs from the last.
const BANNER: [(&str, &str); 5] = [
    ("XEN_BUILD_DATE", "-"),
    ("XEN_BUILD_TIME", "-"),
    ("XEN_BUILD_HOST", "-"),
    ("XEN_DOMAIN", "-"),
    ("XEN_WHOAMI", "xtask"),
];

/// How Xen is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Assertions are checked, and guests may print by hypercall.
    Debug,
    /// As it is used; of the guests only dom0 can print.
    Release,
}

impl Kind {
    fn tree(self) -> &'static str {
        match self {
            Self::Debug => "tree",
            Self::Release => "tree-release",
        }
    }

    /// What Kconfig is told, and writes again if it takes it.
    fn option(self) -> &'static str {
        match self {
            Self::Debug => "CONFIG_DEBUG=y",
            Self::Release => "# CONFIG_DEBUG is not set",
        }
    }
}

/// Xen with the adapter in it.
#[derive(Clone, Debug)]
pub(super) struct Xen {
    /// A flat binary with the arm64 Image header.
    pub(super) image: PathBuf,
}

impl Xen {
    pub(super) fn build(source: &Source, kind: Kind) -> Result<Self> {
        setup::ensure_programs(&TOOLS, WHY)?;
        println!("xen: preparing {}", source.version);
        Self::build_tree(source, kind).map_err(|why| match why {
            Failure::Failed(why) => Failure::Failed(format!("{why}\n{}", source.remedy())),
            other => other,
        })
    }

    fn build_tree(source: &Source, kind: Kind) -> Result<Self> {
        let tree = source.directory.join(kind.tree());
        let (unpacked, scratch) = (source.unpacked(), source.directory.join("patched"));
        adapter::overlay(&unpacked, &scratch, kind.option())?.write(&unpacked, &tree)?;
        make(&tree, "ffa_defconfig")?;
        check_configuration(&tree, kind)?;
        make(&tree, "build")?;
        Ok(Self { image: tree.join("xen/xen") })
    }
}

/// Kconfig drops options without a word where another is missing that they depend on.
fn check_configuration(tree: &Path, kind: Kind) -> Result<()> {
    let file = tree.join("xen/.config");
    let taken = fs::read_to_string(&file).at("read", &file)?;
    let mut wanted = adapter::OPTIONS.into_iter().chain([kind.option()]);
    match wanted.find(|option| !taken.lines().any(|line| line == *option)) {
        None => Ok(()),
        Some(option) => Err(Failure::failed(format!("Xen cannot be configured with {option}"))),
    }
}

fn make(tree: &Path, goal: &str) -> Result<()> {
    let log = source::home().join(format!("make-{goal}.log"));
    println!("xen: make {goal}, a minute or two at first; its output goes to {}", log.display());
    let output = File::create(&log).at("create", &log)?;
    let errors = output.try_clone().at("open", &log)?;
    let jobs = thread::available_parallelism().map_or(1, usize::from);
    let mut make = Command::new("make");
    make.arg("-C").arg(tree.join("xen")).arg(format!("-j{jobs}"));
    make.args(["XEN_TARGET_ARCH=arm64", "CROSS_COMPILE=aarch64-linux-gnu-", goal]);
    make.envs(BANNER).stdin(Stdio::null()).stdout(output).stderr(errors);
    process::run(&mut make, LIMIT).map_err(|why| match why {
        Failure::Failed(_) => Failure::failed(format!("make {goal}:\n{}", last_lines(&log))),
        other => other,
    })
}

fn last_lines(log: &Path) -> String {
    let text = fs::read(log).map(|text| String::from_utf8_lossy(&text).into_owned());
    let text = text.unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let shown = lines.get(lines.len().saturating_sub(SHOWN_LINES)..).unwrap_or_default();
    format!("{}\nThe whole log is {}", shown.join("\n"), log.display())
}
