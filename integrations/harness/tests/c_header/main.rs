//! The C header of `ffa-abi` and the types of Rust say the same: a C compiler is asked for every size,
//! offset and constant, and each side reads the bytes that the other one wrote.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails panics")]

mod constants;
mod descriptors;
mod program;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use ffa_abi::raw::{Field, LAYOUTS, Layout};
use ffa_abi::{FUNCTIONS, Status};

use descriptors::{DESCRIPTORS, Descriptor};
use program::{Dialect, Program};

/// Each layout and the same descriptor in C and in Rust.
fn pairs() -> impl Iterator<Item = (&'static Layout, &'static Descriptor)> {
    LAYOUTS.iter().zip(DESCRIPTORS)
}

/// The bytes that C writes into a descriptor: 1, 2, 3 and so on.
fn byte_from_c(offset: usize) -> u8 {
    u8::try_from(offset + 1).unwrap()
}

/// And those that Rust writes: 0xff, 0xfe, 0xfd and so on.
fn byte_from_rust(offset: usize) -> u8 {
    u8::MAX - u8::try_from(offset).unwrap()
}

/// The little-endian numbers that a field holds, where `byte` is at each offset.
fn numbers(field: &Field, byte: fn(usize) -> u8) -> Vec<u64> {
    let size = field.element.size();
    let number = |index: usize| {
        let start = field.offset + index * size;
        (0..size).rev().fold(0, |number, place| number << 8 | u64::from(byte(start + place)))
    };
    (0..field.count).map(number).collect()
}

/// `field`, or `field[0]`, `field[1]` and so on.
fn places(field: &Field) -> Vec<String> {
    match field.count {
        1 => vec![field.name.into()],
        count => (0..count).map(|index| format!("{}[{index}]", field.name)).collect(),
    }
}

/// The constants that the header defines, by name.
fn defined() -> BTreeSet<String> {
    let header = fs::read_to_string(program::include_directory().join("ffa_abi.h")).unwrap();
    let lines = header.lines().filter_map(|line| line.strip_prefix("#define "));
    let name_and_value = lines.filter_map(|line| line.split_once(' '));
    let has_value =
        |value: &str| value.trim_start().starts_with(|c: char| c == '(' || c.is_ascii_digit());
    name_and_value.filter(|(_, value)| has_value(value)).map(|(name, _)| name.into()).collect()
}

/// What every constant must be: those of `FUNCTIONS` and `Status`, and the rest by hand.
fn wanted() -> BTreeMap<String, u64> {
    let functions = FUNCTIONS.iter().map(|row| (row.name.to_owned(), u64::from(row.id.bits())));
    let statuses = Status::ALL.iter().map(|status| {
        (format!("FFA_RET_{}", status.name().unwrap()), 0_u64.wrapping_add_signed(status.0.into()))
    });
    let others = constants::BY_HAND.iter().map(|(name, value)| (format!("FFA_{name}"), *value));
    functions.chain(statuses).chain(others).collect()
}

/// Prints all that C knows, fills every descriptor, and reads what Rust filled from its input.
fn source() -> String {
    let mut program = Program::default();
    for name in defined() {
        program.print(&format!("{name} %llu"), &name);
    }
    for (Layout { fields, .. }, Descriptor { tag, .. }) in pairs() {
        program.declare(tag);
        program.print(&format!("{tag} has %llu bytes"), &format!("sizeof(struct {tag})"));
        program.print("%llu behind a byte", &format!("sizeof({tag}_behind_a_byte)"));
        for field in *fields {
            let offset = format!("offsetof(struct {tag}, {})", field.name);
            program.print(&format!("{tag}.{} at %llu", field.name), &offset);
            for (place, number) in places(field).iter().zip(numbers(field, byte_from_c)) {
                program.assign(tag, place, number);
            }
        }
        program.print_bytes(tag);
        program.read_bytes(tag);
        for place in fields.iter().flat_map(places) {
            program.print(&format!("{tag}.{place} reads %llu"), &format!("{tag}.{place}"));
        }
    }
    program.source()
}

/// What Rust wrote into all descriptors, one after the other.
fn input() -> Vec<u8> {
    pairs()
        .flat_map(|(layout, descriptor)| (descriptor.bytes_of)(&|name| value(layout, name)))
        .collect()
}

/// What Rust writes into a field; nothing where the layout has none of this name.
fn value(layout: &Layout, name: &str) -> Vec<u64> {
    let field = layout.fields.iter().find(|field| field.name == name);
    field.map_or(Vec::new(), |field| numbers(field, byte_from_rust))
}

/// What the program must print, in this order.
fn output() -> String {
    let constants = wanted().into_iter().map(|(name, value)| format!("{name} {value}"));
    let descriptors = pairs().flat_map(|(layout, descriptor)| lines_of(layout, descriptor));
    constants.chain(descriptors).map(|line| line + "\n").collect()
}

fn lines_of(layout: &Layout, descriptor: &Descriptor) -> Vec<String> {
    let (tag, fields) = (descriptor.tag, layout.fields);
    let bytes = (0..layout.size).map(|offset| format!(" {:02x}", byte_from_c(offset)));
    let written = (descriptor.bytes_of)(&|name| value(layout, name));
    let read = (descriptor.fields_of)(&written);
    let read =
        fields.iter().zip(read).flat_map(|(field, (_, read))| places(field).into_iter().zip(read));
    let mut lines = vec![format!("{tag} has {} bytes", layout.size)];
    lines.push(format!("{} behind a byte", layout.size + 1));
    lines.extend(fields.iter().map(|field| format!("{tag}.{} at {}", field.name, field.offset)));
    lines.push(format!("{tag} holds{}", bytes.collect::<String>()));
    lines.extend(read.map(|(place, number)| format!("{tag}.{place} reads {number}")));
    lines
}

/// Compares line by line: one difference is easier to read than all lines.
fn assert_lines(printed: &str, wanted: &str) {
    for (printed, wanted) in printed.lines().zip(wanted.lines()) {
        assert_eq!(printed, wanted);
    }
    assert_eq!(printed, wanted);
}

#[test]
fn the_lists_of_descriptors_are_the_same() {
    assert!(
        LAYOUTS.iter().map(|layout| layout.name).eq(DESCRIPTORS.iter().map(|other| other.name))
    );
}

#[test]
fn c_has_every_constant_and_no_other() {
    assert_eq!(defined(), wanted().into_keys().collect());
}

#[test]
fn c_and_rust_agree_on_constants_layouts_and_each_others_bytes() {
    assert_lines(&Dialect::C99.run("agree", &source(), &input()), &output());
}

#[test]
fn so_does_cpp_where_there_is_a_compiler() {
    if !program::is_there(&Dialect::CPP17.compiler()) {
        eprintln!("skipped: there is no g++");
        return;
    }
    assert_lines(&Dialect::CPP17.run("agree", &source(), &input()), &output());
}

#[test]
fn rust_reads_what_c_wrote_field_by_field() {
    let printed = Dialect::C99.run("bytes", &source(), &input());
    for (layout, descriptor) in pairs() {
        let start = format!("{} holds ", descriptor.tag);
        let line = printed.lines().find_map(|line| line.strip_prefix(&start)).unwrap();
        let bytes =
            line.split(' ').map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect::<Vec<_>>();
        let wanted = layout.fields.iter().map(|field| (field.name, numbers(field, byte_from_c)));
        assert!((descriptor.fields_of)(&bytes).into_iter().eq(wanted), "{}", descriptor.tag);
    }
}

#[test]
fn the_header_asserts_its_layouts_wherever_the_compiler_can() {
    for standard in ["c11", "c17", "gnu89", "gnu99"] {
        let dialect = Dialect::c(standard);
        dialect.accepts("alone", "#include \"ffa_abi.h\"\nint main(void) { return 0; }\n");
        let broken =
            "#define FFA_ABI_PACKED __attribute__((__aligned__(64)))\n#include \"ffa_abi.h\"\n";
        let told = dialect.refuses("broken", broken);
        assert!(told.contains("static assertion failed"), "{told}");
    }
}

#[test]
fn the_header_needs_no_other_where_the_types_are_given() {
    let source = "#define FFA_ABI_TYPES \"types.h\"\n#include \"ffa_abi.h\"\n";
    Dialect::FREESTANDING.accepts("freestanding", source);
}
