//! What is in a relocatable object: sections, symbols, and which section refers to which.

use std::collections::BTreeSet;

use object::read::elf::{ElfFile64, FileHeader};
use object::{
    LittleEndian, Object as _, ObjectSection as _, ObjectSymbol as _, RelocationTarget,
    SectionIndex, SectionKind, SymbolKind,
};

/// A section that is loaded, or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Section {
    pub(super) index: usize,
    pub(super) name: String,
    pub(super) size: u64,
    pub(super) is_code: bool,
    /// The sections that its relocations name.
    pub(super) refers_to: BTreeSet<usize>,
    /// The symbols that its relocations name and that are not defined in the file.
    pub(super) wants: BTreeSet<String>,
}

/// A symbol with a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Symbol {
    pub(super) name: String,
    pub(super) size: u64,
    pub(super) is_function: bool,
    pub(super) is_global: bool,
    /// None where it is not defined.
    pub(super) section: Option<usize>,
}

/// A relocatable object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Relocatable {
    pub(super) sections: Vec<Section>,
    pub(super) symbols: Vec<Symbol>,
    /// The names of source files.
    pub(super) files: BTreeSet<String>,
}

impl Relocatable {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, String> {
        parse(bytes).map_err(|why| format!("not an object file: {why}"))
    }

    /// The section of this symbol.
    pub(super) fn section_of(&self, symbol: &str) -> Option<usize> {
        self.symbols.iter().find(|other| other.name == symbol)?.section
    }
}

fn parse(bytes: &[u8]) -> object::Result<Relocatable> {
    type Header = object::elf::FileHeader64<LittleEndian>;
    Header::parse(bytes)?.endian()?;
    let file = ElfFile64::<LittleEndian>::parse(bytes)?;
    let mut sections = Vec::new();
    for section in file.sections() {
        let (mut refers_to, mut wants) = (BTreeSet::new(), BTreeSet::new());
        for (_, relocation) in section.relocations() {
            let RelocationTarget::Symbol(index) = relocation.target() else { continue };
            let symbol = file.symbol_by_index(index)?;
            match symbol.section_index() {
                Some(SectionIndex(index)) => refers_to.insert(index),
                None => wants.insert(symbol.name()?.to_owned()),
            };
        }
        sections.push(Section {
            index: section.index().0,
            name: section.name()?.to_owned(),
            size: section.size(),
            is_code: section.kind() == SectionKind::Text,
            refers_to,
            wants,
        });
    }
    let (mut symbols, mut files) = (Vec::new(), BTreeSet::new());
    for symbol in file.symbols() {
        let named = !symbol.name()?.is_empty() && symbol.kind() != SymbolKind::Section;
        if symbol.kind() == SymbolKind::File {
            files.insert(symbol.name()?.to_owned());
        // With a dollar they are marks of where code and data begin.
        } else if named && !symbol.name()?.starts_with('$') {
            symbols.push(Symbol {
                name: symbol.name()?.to_owned(),
                size: symbol.size(),
                is_function: symbol.kind() == SymbolKind::Text,
                is_global: symbol.is_global(),
                section: symbol.section_index().map(|index| index.0),
            });
        }
    }
    Ok(Relocatable { sections, symbols, files })
}
