//! The header that is checked in is what cbindgen makes of the sources.
#![allow(clippy::unwrap_used, dead_code, reason = "a test that fails panics")]

#[path = "../examples/header.rs"]
mod generator;

#[test]
fn the_header_that_is_checked_in_is_fresh() {
    let written = std::fs::read_to_string(generator::file()).unwrap();
    let fresh = generator::header().unwrap();
    assert!(written == fresh, "stale: `cargo run -p ffa-xen --example header`");
}
