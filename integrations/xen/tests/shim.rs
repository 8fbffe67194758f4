//! The C part over a model of Xen, `shim/xen.h`: what is taken is given back, what is not done at once
//! is held and goes on. `cargo xtask xen` runs it in Xen, where the moments that matter are rare.
#![allow(clippy::unwrap_used, reason = "a test that fails panics")]

use std::path::Path;
use std::process::Command;
use std::{env, fs};

/// Headers of Xen's that the shim includes, which are all the model here.
fn write_headers(shim: &Path, into: &Path) {
    let source = fs::read_to_string(shim).unwrap();
    let included =
        source.lines().filter_map(|line| line.strip_prefix("#include <")?.split_once('>'));
    for (header, _) in included {
        let file = into.join(header);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, "#include \"xen.h\"\n").unwrap();
    }
}

fn run_with(subversion: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("xen-4.{subversion}"));
    write_headers(&root.join("xen/ffa_rs.c"), &directory);
    let program = directory.join("shim");
    let mut compiler = Command::new(env::var_os("CC").unwrap_or_else(|| "cc".into()));
    compiler.args(["-std=gnu11", "-Wall", "-Werror", "-Wno-unused-function", "-g"]);
    compiler.arg(format!("-DXEN_SUBVERSION={subversion}"));
    compiler.arg("-I").arg(root.join("tests/shim")).arg("-I").arg(&directory);
    compiler.arg("-I").arg(root.join("include"));
    compiler.arg(root.join("tests/shim/test.c")).arg("-o").arg(&program);
    assert!(compiler.status().unwrap().success(), "{compiler:?}");
    let run = Command::new(&program).output().unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
}

#[test]
fn the_shim_keeps_its_promises_in_4_17() {
    run_with("17");
}

#[test]
fn the_shim_keeps_its_promises_in_mainline() {
    run_with("23");
}
