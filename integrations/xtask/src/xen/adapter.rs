//! What the adapter adds to Xen's source.

use std::fs;
use std::path::Path;

use super::tree::Overlay;
use crate::failure::{AtPath, Result};
use crate::workspace;

/// Where the adapter is, and its patch there.
const ADAPTER: &str = "integrations/xen";
const PATCH: &str = "xen-4.17.patch";
/// Its files, and what they are in Xen's source.
const FILES: [(&str, &str); 2] =
    [("ffa_rs.c", "xen/arch/arm/tee/ffa_rs.c"), ("ffa_xen.h", "xen/arch/arm/tee/ffa_xen.h")];
/// Xen's own configuration for the architecture, and the one that is made of it.
const DEFAULTS: &str = "xen/arch/arm/configs/arm64_defconfig";
const CONFIGURATION: &str = "xen/arch/arm/configs/ffa_defconfig";

/// What is configured beyond the defaults. TEE is among the unsupported options. DEBUG checks
/// assertions, and lets guests print by hypercall.
pub(super) const OPTIONS: [&str; 4] =
    ["CONFIG_DEBUG=y", "CONFIG_EXPERT=y", "CONFIG_UNSUPPORTED=y", "CONFIG_TEE=y"];

/// Everything that goes over `source`.
pub(super) fn overlay(source: &Path, scratch: &Path) -> Result<Overlay> {
    let mut overlay = Overlay::default();
    let adapter = workspace::root().join(ADAPTER);
    if adapter.join(PATCH).is_file() {
        overlay.patch(source, &adapter.join(PATCH), scratch)?;
        for (name, path) in FILES {
            let file = adapter.join(name);
            overlay.add(path, fs::read(&file).at("read", &file)?);
        }
    }
    overlay.add(CONFIGURATION, configuration(source)?);
    Ok(overlay)
}

fn configuration(source: &Path) -> Result<Vec<u8>> {
    let file = source.join(DEFAULTS);
    let defaults = fs::read_to_string(&file).at("read", &file)?;
    Ok(format!("{defaults}{}\n", OPTIONS.join("\n")).into_bytes())
}
