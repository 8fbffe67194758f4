//! What must hold of the object that Xen links.

use std::fmt;

use super::EXPORTS;
use super::elf::{Relocatable, Section};
use super::names::{FILE, LIMIT};

/// What the object may ask of Xen: the three functions of `ffa_rs.c` that a Rust program needs, and
/// what every C program has.
const IMPORTS: [&str; 8] = [
    "ffa_xen_alloc",
    "ffa_xen_panic",
    "ffa_xen_release",
    "memcmp",
    "memcpy",
    "memmove",
    "memset",
    "strlen",
];
/// Sections that Xen's linker script knows.
const SECTIONS: [&str; 4] = [".text", ".rodata", ".data", ".bss"];
const MOST_TEXT: u64 = 200_000;

/// What is in an object that is as it must be.
#[derive(Debug)]
pub(super) struct Report {
    sizes: Vec<(String, u64)>,
    imports: Vec<String>,
    longest: usize,
    functions: usize,
}

/// Checks the object and its disassembly.
pub(super) fn check(object: &[u8], disassembly: &str) -> Result<Report, String> {
    let object = Relocatable::parse(object)?;
    let report = Report {
        sizes: loaded(&object).map(|section| (section.name.clone(), section.size)).collect(),
        imports: imports(&object),
        longest: object.symbols.iter().map(|symbol| symbol.name.len()).max().unwrap_or(0),
        functions: object.symbols.iter().filter(|symbol| symbol.is_function).count(),
    };
    check_sections(&object)?;
    check_globals(&object)?;
    check_files(&object)?;
    report.check_names_and_imports()?;
    check_instructions(disassembly)?;
    Ok(report)
}

/// The sections that end up in Xen's memory, of those that there are.
fn loaded(object: &Relocatable) -> impl Iterator<Item = &Section> {
    let is_loaded = |name: &str| {
        let unloaded = [".rela", ".symtab", ".strtab", ".shstrtab", ".debug_", ".note.GNU-stack"];
        !name.is_empty() && !unloaded.iter().any(|prefix| name.starts_with(prefix))
    };
    object.sections.iter().filter(move |section| is_loaded(&section.name) && section.size > 0)
}

fn check_sections(object: &Relocatable) -> Result<(), String> {
    if let Some(stray) = loaded(object).find(|section| !SECTIONS.contains(&&*section.name)) {
        let known = SECTIONS.join(", ");
        return Err(format!("section {} is none of {known}: see object.ld", stray.name));
    }
    let text = loaded(object).find(|section| section.name == ".text");
    match text.map_or(0, |section| section.size) {
        0 => Err("there is no code".into()),
        size if size > MOST_TEXT => Err(format!("{size} bytes of code, over {MOST_TEXT}")),
        _ => Ok(()),
    }
}

fn check_globals(object: &Relocatable) -> Result<(), String> {
    let defined =
        object.symbols.iter().filter(|symbol| symbol.is_global && symbol.section.is_some());
    let mut globals: Vec<&str> = defined.map(|symbol| symbol.name.as_str()).collect();
    globals.sort_unstable();
    if globals == EXPORTS {
        return Ok(());
    }
    Err(format!("global symbols are {}, not {}", globals.join(" "), EXPORTS.join(" ")))
}

fn check_files(object: &Relocatable) -> Result<(), String> {
    match object.files.iter().find(|name| *name != FILE) {
        None => Ok(()),
        Some(stray) => Err(format!("a source file is called {stray}, not {FILE}")),
    }
}

fn imports(object: &Relocatable) -> Vec<String> {
    let undefined = object.symbols.iter().filter(|symbol| symbol.section.is_none());
    let mut names: Vec<String> = undefined.map(|symbol| symbol.name.clone()).collect();
    names.sort_unstable();
    names
}

impl Report {
    fn check_names_and_imports(&self) -> Result<(), String> {
        if self.longest > LIMIT {
            return Err(format!("a name of {} characters, over {LIMIT}", self.longest));
        }
        match self.imports.iter().find(|name| !IMPORTS.contains(&name.as_str())) {
            None => Ok(()),
            Some(stray) => Err(format!("it needs {stray}, which is not documented in README.md")),
        }
    }
}

/// No instruction of the vector unit: its operands are v0.., q0.., d0.., s0.., h0.. or b0...
fn check_instructions(disassembly: &str) -> Result<(), String> {
    let lines = disassembly.lines().filter(|line| line.starts_with(' '));
    let mut count = 0;
    for line in lines {
        count += 1;
        if operands(line).any(is_vector_register) {
            return Err(format!("it uses vector registers: {}", line.trim()));
        }
    }
    if count == 0 { Err("it could not be disassembled".into()) } else { Ok(()) }
}

/// The operands of a line of address, mnemonic, operands, remark; not an address, which is a number
/// without 0x and followed by its symbol in angle brackets.
fn operands(line: &str) -> impl Iterator<Item = &str> {
    let code = line.split("//").next().unwrap_or(line);
    let code = code.split_once(" <").map_or(code, |(before, _)| {
        before.rsplit_once([' ', '\t']).map_or(before, |(before, _)| before)
    });
    let words = code.split_whitespace().skip(2);
    words.flat_map(|word| word.split([',', '{', '}', '[', ']', '!']))
}

fn is_vector_register(operand: &str) -> bool {
    let name = operand.split('.').next().unwrap_or(operand);
    let Some(number) = name.strip_prefix(['v', 'q', 'd', 's', 'h', 'b']) else { return false };
    number.parse::<u8>().is_ok_and(|number| number < 32)
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, size) in &self.sizes {
            writeln!(f, "{name:<8} {size:>7} bytes")?;
        }
        writeln!(f, "exports  {}", EXPORTS.join(" "))?;
        writeln!(f, "imports  {}", self.imports.join(" "))?;
        writeln!(f, "longest name {} characters, {} functions", self.longest, self.functions)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xen_object::elf::Symbol;

    fn section(name: &str, size: u64) -> Section {
        let (refers_to, wants) = Default::default();
        Section { index: 1, name: name.into(), size, is_code: false, refers_to, wants }
    }

    fn object(sections: &[(&str, u64)], globals: &[&str]) -> Relocatable {
        let symbol = |name: &&str| Symbol {
            name: (*name).into(),
            size: 4,
            is_function: true,
            is_global: true,
            section: Some(1),
        };
        Relocatable {
            sections: sections.iter().map(|(name, size)| section(name, *size)).collect(),
            symbols: globals.iter().map(symbol).collect(),
            files: [FILE.to_owned()].into(),
        }
    }

    #[test]
    fn sections_that_xen_does_not_know_are_named() {
        let stray = object(&[(".text", 4), (".text.unlikely", 4)], &[]);
        assert!(check_sections(&stray).unwrap_err().contains(".text.unlikely"));
        let unwinding = object(&[(".text", 4), (".eh_frame", 4)], &[]);
        assert!(check_sections(&unwinding).unwrap_err().contains(".eh_frame"));
        assert!(check_sections(&object(&[(".text", 200_001)], &[])).is_err());
        assert!(check_sections(&object(&[(".rodata", 4)], &[])).is_err());
        let fine = object(&[(".text", 4), (".text.unlikely", 0), (".debug_info", 9)], &[]);
        assert_eq!(check_sections(&fine), Ok(()));
    }

    #[test]
    fn only_the_exports_are_global() {
        assert_eq!(check_globals(&object(&[], &EXPORTS)), Ok(()));
        let mut more = EXPORTS.to_vec();
        more.push("memcpy");
        assert!(check_globals(&object(&[], &more)).unwrap_err().contains("memcpy"));
        assert!(check_globals(&object(&[], &EXPORTS[1..])).is_err());
    }

    #[test]
    fn the_names_of_the_compilers_units_are_seen() {
        let mut object = object(&[], &[]);
        assert_eq!(check_files(&object), Ok(()));
        object.files.insert("ffa_xen.f1fc5a56103564c8-cgu.0".into());
        assert!(check_files(&object).unwrap_err().contains("cgu.0"));
    }

    #[test]
    fn imports_are_those_of_the_list_and_names_are_short() {
        let report = |imports: &[&str], longest| Report {
            sizes: vec![],
            imports: imports.iter().map(ToString::to_string).collect(),
            longest,
            functions: 0,
        };
        assert_eq!(report(&["memcpy", "ffa_xen_alloc"], LIMIT).check_names_and_imports(), Ok(()));
        assert!(report(&["__aarch64_cas8_acq"], 9).check_names_and_imports().is_err());
        assert!(report(&[], LIMIT + 1).check_names_and_imports().is_err());
    }

    #[test]
    fn vector_instructions_are_seen() {
        let line = |code: &str| format!("0000 <f>:\n       4:\t{code}\n");
        for code in
            ["movi\tv0.2d, #0x0", "stp\tq0, q1, [x0]", "fmov\td8, x1", "ld1\t{v1.16b}, [x2]"]
        {
            assert!(check_instructions(&line(code)).is_err(), "{code}");
        }
        for code in [
            "b\t8 <d0>",
            "b.hi\tb14 <f>",
            "tbz\tw0, #3, d8 <q2>",
            "dmb\tish",
            "mov\tw1, #0x0 // =0",
            "bl\t0 <q1>",
            "ldr\tx1, [sp]",
        ] {
            assert_eq!(check_instructions(&line(code)), Ok(()), "{code}");
        }
        assert!(check_instructions("").is_err());
    }
}
