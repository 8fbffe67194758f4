//! Steps that build for AArch64.

use super::host::{LIBRARIES, passes};
use super::{Outcome, Step};
use crate::failure::Result;
use crate::setup::{self, Need};
use crate::{image, toolchain};

/// Runs in the harness, and at EL3.
const MODEL: &str = "ffa-spmc-model";

pub(super) fn steps() -> Vec<Step> {
    let step = |name, about, run| Step { name, about, needs: None, run };
    vec![
        step("no-std", "the libraries and the model SPMC build for AArch64 without std", no_std),
        step("target-clippy", "no warning for AArch64", clippy),
        step("image", "the hypervisor and its guests build into flat binaries", images),
    ]
}

fn no_std() -> Result<Outcome> {
    setup::ensure(&[Need::Compiler, Need::Linker])?;
    let mut cargo = toolchain::require()?.cargo("build");
    let packages = LIBRARIES.iter().chain(&[MODEL]);
    cargo.arg("--release").args(packages.flat_map(|name| ["--package", name]));
    passes(cargo.args(["--features", "ffa-core/crossbeam"]))
}

fn clippy() -> Result<Outcome> {
    let toolchain = toolchain::require()?;
    if !toolchain.has_clippy() {
        return Ok(Outcome::Skipped("the toolchain with AArch64 has no clippy".into()));
    }
    // One at a time: cargo would unite the features of both, and they run at two exception levels.
    for packages in [&LIBRARIES[..], &[MODEL], &["ffa-el2"], &["ffa-el2-guests"]] {
        let mut cargo = toolchain.cargo("clippy");
        cargo.arg("--release").args(packages.iter().flat_map(|name| ["--package", name]));
        passes(cargo.args(["--", "-D", "warnings"]))?;
    }
    Ok(Outcome::Passed)
}

fn images() -> Result<Outcome> {
    image::hypervisor()?;
    image::guests()?;
    Ok(Outcome::Passed)
}
