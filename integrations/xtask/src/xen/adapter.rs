//! What the adapter adds to Xen's source.

use std::fs;
use std::path::Path;

use super::tree::Overlay;
use crate::failure::{AtPath, Result};
use crate::{workspace, xen_object};

/// Where the adapter is, and its patch there.
const ADAPTER: &str = "integrations/xen";
const PATCH: &str = "xen/xen-4.17.patch";
/// Its files, and what they are in Xen's source.
const FILES: [(&str, &str); 2] = [
    ("xen/ffa_rs.c", "xen/arch/arm/tee/ffa_rs.c"),
    ("include/ffa_xen.h", "xen/arch/arm/tee/ffa_xen.h"),
];
/// Its lines, and the files that they come at the end of.
const LINES: [(&str, &str); 2] = [
    ("xen/Kconfig.ffa_rs", "xen/arch/arm/tee/Kconfig"),
    ("xen/Makefile.ffa_rs", "xen/arch/arm/tee/Makefile"),
];
/// The library, which is not built by Xen's build.
const OBJECT: &str = "xen/arch/arm/tee/ffa_xen.o_shipped";
/// Xen's own configuration for the architecture, and the one that is made of it.
const DEFAULTS: &str = "xen/arch/arm/configs/arm64_defconfig";
const CONFIGURATION: &str = "xen/arch/arm/configs/ffa_defconfig";

/// What is configured beyond the defaults. Mediators are among the unsupported options.
pub(super) const OPTIONS: [&str; 2] = ["CONFIG_UNSUPPORTED=y", "CONFIG_FFA_RS=y"];

/// Builds the library, and lays everything over `source`; `more` options are configured, too.
pub(super) fn overlay(source: &Path, scratch: &Path, more: &str) -> Result<Overlay> {
    let mut overlay = Overlay::default();
    let adapter = workspace::root().join(ADAPTER);
    overlay.patch(source, &adapter.join(PATCH), scratch)?;
    for (name, path) in FILES {
        overlay.add(path, read(&adapter.join(name))?);
    }
    for (name, path) in LINES {
        let lines = [read(&source.join(path))?, b"\n".into(), read(&adapter.join(name))?];
        overlay.add(path, lines.concat());
    }
    overlay.add(OBJECT, read(&xen_object::build()?)?);
    let options = format!("{}\n{more}\n", OPTIONS.join("\n"));
    overlay.add(CONFIGURATION, [read(&source.join(DEFAULTS))?, options.into()].concat());
    Ok(overlay)
}

fn read(file: &Path) -> Result<Vec<u8>> {
    fs::read(file).at("read", file)
}
