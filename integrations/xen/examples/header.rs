//! Writes `include/ffa_xen.h`: `cargo run -p ffa-xen --example header`.
//!
//! `tests/header.rs` fails where the file is not what this would write.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

fn main() -> ExitCode {
    let written =
        header().and_then(|text| std::fs::write(file(), text).map_err(|why| why.to_string()));
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("error: {}: {why}", file().display());
            ExitCode::FAILURE
        }
    }
}

/// Where the header is.
pub(crate) fn file() -> PathBuf {
    root().join("include/ffa_xen.h")
}

/// What the header should be.
///
/// # Errors
/// Why cbindgen cannot tell.
pub(crate) fn header() -> Result<String, String> {
    let config = cbindgen::Config::from_file(root().join("cbindgen.toml"))?;
    let builder = cbindgen::Builder::new().with_config(config);
    let sources =
        ["services", "surface", "runtime"].map(|name| root().join(format!("src/{name}.rs")));
    let bindings = sources.into_iter().fold(builder, cbindgen::Builder::with_src);
    let mut text = Vec::new();
    bindings.generate().map_err(|why| why.to_string())?.write(&mut text);
    String::from_utf8(text).map_err(|why| why.to_string())
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
