//! Names that Xen's symbol table takes: its build reads them from lines of words, puts the source
//! file in front of local ones, `file#name`, and Xen looks them up in a buffer of 127 characters that
//! nothing keeps from overflowing.

use std::collections::BTreeSet;

use super::EXPORTS;
use super::elf::Relocatable;

/// Longest name that is made here.
pub(super) const LIMIT: usize = 100;
/// What the symbols of files are called, in place of the compiler's names for its units.
pub(super) const FILE: &str = "ffa_xen.rs";
const _: () = assert!(FILE.len() + "#".len() + LIMIT < 127);
/// Room for what tells names apart.
const SUFFIX: usize = 6;

/// Lines of `old new` for `objcopy --redefine-syms`, for every symbol that is defined here and not
/// exported, and for the files.
pub(super) fn short(object: &[u8]) -> Result<String, String> {
    let Relocatable { symbols, files, .. } = Relocatable::parse(object)?;
    let mut lines: String = files.iter().map(|file| format!("{file} {FILE}\n")).collect();
    let (mut seen, mut taken) = (BTreeSet::new(), BTreeSet::new());
    for symbol in symbols.iter().filter(|symbol| symbol.section.is_some()) {
        if EXPORTS.contains(&symbol.name.as_str()) || !seen.insert(&symbol.name) {
            continue;
        }
        let name = distinct(&plain(&symbol.name), &mut taken);
        lines += &format!("{} {name}\n", symbol.name);
    }
    Ok(lines)
}

/// The path of the function, in letters, digits, dots and underscores.
fn plain(mangled: &str) -> String {
    let path = format!("{:#}", rustc_demangle::demangle(mangled)).replace("::", ".");
    let mut name = String::new();
    for letter in path.chars() {
        let kept = letter.is_ascii_alphanumeric() || letter == '.' || letter == '_';
        match (kept, name.ends_with(['_', '.'])) {
            (true, _) => name.push(letter),
            (false, false) if !name.is_empty() => name.push('_'),
            (false, _) => {}
        }
    }
    name.truncate(LIMIT - SUFFIX);
    name
}

/// The name, with a number where it was there before.
fn distinct(name: &str, taken: &mut BTreeSet<String>) -> String {
    let numbered = (1..).map(|number| format!("{name}.{number}"));
    let mut candidates = std::iter::once(name.to_owned()).chain(numbered);
    let free = candidates.find(|candidate| !taken.contains(candidate)).unwrap_or_default();
    taken.insert(free.clone());
    free
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_paths() {
        let mangled = "_ZN8ffa_core9directory4view4View4copy17h17e19c949a44ab38E";
        assert_eq!(plain(mangled), "ffa_core.directory.view.View.copy");
        let of_a_trait = "_ZN66_$LT$ffa_core..host..OutOfBounds$u20$as$u20$core..fmt..Display$GT$3fmt17h28efa3b22feaa746E";
        assert_eq!(plain(of_a_trait), "ffa_core.host.OutOfBounds_as_core.fmt.Display_.fmt");
    }

    #[test]
    fn long_names_are_cut_and_equal_ones_numbered() {
        let mut taken = BTreeSet::new();
        let long = plain(&"a".repeat(300));
        let names: Vec<String> = (0..3).map(|_| distinct(&long, &mut taken)).collect();
        assert_eq!(names[0].len(), LIMIT - SUFFIX);
        assert_eq!(names[2], format!("{}.2", names[0]));
        assert!(names.iter().all(|name| name.len() <= LIMIT));
    }
}
