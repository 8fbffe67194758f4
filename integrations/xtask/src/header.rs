//! The command `header`: the tables of `ffa-abi` as a header of C, which is checked in.

mod discovery;
mod group;
mod layouts;
mod memory;
mod messages;
mod text;

use std::ffi::OsString;
use std::fs;

use group::{Constant, Group};
use text::{comment, trailing_comment};

use crate::failure::{AtPath, Failure, Result};
use crate::{arguments, workspace};

const HELP: &str = "\
Write ffa-abi/include/ffa_abi.h from the tables of ffa-abi

Usage: cargo xtask header [--check]

Options:
      --check  Write nothing: fail if the file is not what the tables say
  -h, --help   Print help";

const FILE: &str = "ffa-abi/include/ffa_abi.h";

const HEAD: &str = "\
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Arm Firmware Framework for A-profile (FF-A, DEN0077), versions 1.0 to 1.3:
 * ids, codes, bits and descriptors.
 *
 * Written by `cargo xtask header` from the tables of the Rust crate ffa-abi.
 * Change them, not this file.
 *
 * C99 and later, C++11 and later. It needs uint8_t to uint64_t and offsetof:
 * where there is no <stdint.h>, define FFA_ABI_TYPES as the header to include
 * instead, in Xen -DFFA_ABI_TYPES='<xen/types.h>'.
 *
 * A constant has its bits where the register or descriptor has them. A field
 * that holds a number has a mask, in place, and a shift:
 *
 *     (word & FFA_SENDER_MASK) >> FFA_SENDER_SHIFT
 */
#ifndef FFA_ABI_H
#define FFA_ABI_H

#ifdef FFA_ABI_TYPES
#include FFA_ABI_TYPES
#else
#include <stddef.h>
#include <stdint.h>
#endif

#ifndef FFA_ABI_PACKED
#define FFA_ABI_PACKED __attribute__((__packed__))
#endif
";

const DESCRIPTORS: &str = "
/* ==== Descriptors, as they lie in buffers ================================= */
/*
 * Without a suffix, a structure is what FF-A 1.1 has; _1_0 or _1_2 is what this
 * version has instead. The number before each comment is the field's offset.
 *
 * Every integer is little-endian: a big-endian CPU has to swap its bytes.
 * Nothing need be aligned, hence packed. Whoever wrote the buffer may write it
 * again while it is read: check and use a copy.
 */
";

const ASSERTIONS: &str = "
#if defined(__cplusplus)
#define FFA_ABI_ASSERT static_assert
#elif defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L
#define FFA_ABI_ASSERT _Static_assert
#elif defined(__GNUC__) && !defined(__STRICT_ANSI__)
#define FFA_ABI_ASSERT __extension__ _Static_assert
#endif

#ifdef FFA_ABI_ASSERT
#define FFA_ABI_SIZE(tag, bytes) \\
    FFA_ABI_ASSERT(sizeof(struct tag) == (bytes), \"size\")
#define FFA_ABI_OFFSET(tag, field, bytes) \\
    FFA_ABI_ASSERT(offsetof(struct tag, field) == (bytes), \"offset\")

";

const TAIL: &str = "\
#undef FFA_ABI_OFFSET
#undef FFA_ABI_SIZE
#undef FFA_ABI_ASSERT
#endif

#endif /* FFA_ABI_H */
";

/// The command `header`.
pub(crate) fn command(words: &[OsString]) -> Result<()> {
    let mut check = false;
    arguments::flags(words, HELP, &mut [("check", &mut check)])?;
    let file = workspace::root().join(FILE);
    if check {
        return compare(&fs::read_to_string(&file).at("read", &file)?);
    }
    let directory = file.parent().unwrap_or(&file);
    fs::create_dir_all(directory).at("create", directory)?;
    fs::write(&file, header()).at("write", &file)
}

/// Fails unless `written` is what would be written now.
fn compare(written: &str) -> Result<()> {
    if written == header() {
        return Ok(());
    }
    let why = "is not what the tables of ffa-abi say: run `cargo xtask header`";
    Err(Failure::failed(format!("{FILE} {why}")))
}

fn header() -> String {
    let constants: String = groups().iter().map(definitions).collect();
    let (structures, assertions) = (layouts::structures(), layouts::assertions());
    format!("{HEAD}{constants}{DESCRIPTORS}{structures}{ASSERTIONS}{assertions}{TAIL}")
}

fn groups() -> Vec<Group> {
    [discovery::groups(), messages::groups(), memory::groups()].into_iter().flatten().collect()
}

fn definitions(group: &Group) -> String {
    let names = group.constants.iter().map(|constant| constant.name.len()).max().unwrap_or(0);
    let values = group.constants.iter().map(|constant| constant.value.len()).max().unwrap_or(0);
    let line = |constant: &Constant| {
        let Constant { name, value, about } = constant;
        let code = format!("#define {name:names$}  {value}");
        trailing_comment(&code, "#define ".len() + names + 2 + values + 2, about)
    };
    let rule = "=".repeat(66_usize.saturating_sub(group.title.len()));
    let lines: String = group.constants.iter().map(line).collect();
    format!("\n/* ==== {} {rule} */\n{}{lines}", group.title, comment(group.about))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_that_is_checked_in_is_fresh() {
        let file = workspace::root().join(FILE);
        assert_eq!(
            fs::read_to_string(&file).at("read", &file).and_then(|text| compare(&text)),
            Ok(())
        );
    }

    #[test]
    fn a_stale_header_is_told_with_the_command_that_helps() {
        let stale = compare(&header().replace("0x84000063U", "0x84000064U"));
        assert!(matches!(stale, Err(Failure::Failed(why)) if why.contains("cargo xtask header")));
    }

    #[test]
    fn no_line_is_longer_than_the_coding_style_of_xen_has_it() {
        let long: Vec<_> =
            header().lines().filter(|line| line.len() > 80).map(String::from).collect();
        assert_eq!(long, Vec::<String>::new());
    }

    #[test]
    fn no_constant_is_there_twice_or_without_a_name() {
        let mut names: Vec<_> = groups()
            .into_iter()
            .flat_map(|group| group.constants)
            .map(|constant| constant.name)
            .collect();
        names.sort_unstable();
        for pair in names.windows(2) {
            assert_ne!(pair[0], pair[1]);
        }
        assert!(names.iter().all(|name| !name.ends_with('_')));
    }
}
