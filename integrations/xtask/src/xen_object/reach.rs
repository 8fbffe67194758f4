//! Can a panic be reached? Over the object before its sections are merged, where each function and
//! each constant has its own.
//!
//! A section reaches those that its relocations name: calls, jumps, addresses that it takes, and what
//! the tables of pointers that it uses hold. That is more than can happen, and never less, as long as
//! no pointer to a function comes from elsewhere. Those that do come from the table of services, which
//! is C: the library itself keeps none in memory.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;

use super::elf::{Relocatable, Section};

/// Parts of names that only what panics has.
const PANICS: [&str; 7] = [
    "core9panicking",
    "slice_index_fail",
    "handle_alloc_error",
    "capacity_overflow",
    "unwrap_failed",
    "expect_failed",
    "ffa_xen_panic",
];

/// What may be reached all the same: part of the caller's name, and why that cannot happen.
const ALLOWED: [(&str, &str); 0] = [];

/// The panics that can be reached from a function.
#[derive(Debug)]
pub(super) struct Panics {
    from: String,
    reached: usize,
    found: Vec<Found>,
}

/// One way to a panic.
#[derive(Debug)]
struct Found {
    /// From the start to what panics.
    path: Vec<String>,
    reason: Option<&'static str>,
}

/// Looks at everything that can be reached from `start`.
pub(super) fn panics(object: &[u8], start: &str) -> Result<Panics, String> {
    search(&Relocatable::parse(object)?, start)
}

fn search(object: &Relocatable, start: &str) -> Result<Panics, String> {
    let first = object.section_of(start).ok_or_else(|| format!("there is no {start}"))?;
    let by_index: BTreeMap<usize, &Section> =
        object.sections.iter().map(|section| (section.index, section)).collect();
    let mut came_from = BTreeMap::from([(first, first)]);
    let mut waiting = VecDeque::from([first]);
    let mut found = Vec::new();
    while let Some(index) = waiting.pop_front() {
        let Some(section) = by_index.get(&index) else { continue };
        let names = std::iter::once(&section.name).chain(&section.wants);
        if let Some(name) = names.into_iter().find(|name| is_panic(name)) {
            let mut path = path_to(index, &came_from, &by_index);
            if *name != section.name {
                path.push(name.clone());
            }
            found.push(Found { reason: reason(&path), path });
            // What a panic does is not looked at.
            continue;
        }
        for next in &section.refers_to {
            came_from.entry(*next).or_insert_with(|| {
                waiting.push_back(*next);
                index
            });
        }
    }
    Ok(Panics { from: start.into(), reached: came_from.len(), found })
}

fn is_panic(name: &str) -> bool {
    PANICS.iter().any(|part| name.contains(part))
}

fn path_to(
    end: usize,
    came_from: &BTreeMap<usize, usize>,
    by_index: &BTreeMap<usize, &Section>,
) -> Vec<String> {
    let mut path = vec![end];
    while let Some(before) = path.last().and_then(|index| came_from.get(index)) {
        if path.contains(before) {
            break;
        }
        path.push(*before);
    }
    let name =
        |index: &usize| by_index.get(index).map_or_else(String::new, |section| readable(section));
    path.iter().rev().map(name).collect()
}

fn readable(section: &Section) -> String {
    let mangled = section.name.trim_start_matches(".text.").trim_start_matches("unlikely.");
    format!("{:#}", rustc_demangle::demangle(mangled))
}

fn reason(path: &[String]) -> Option<&'static str> {
    let caller = path.iter().rev().nth(1)?;
    ALLOWED.iter().find(|(name, _)| caller.contains(name)).map(|(_, why)| *why)
}

impl Panics {
    /// Whether all that was found is on the list.
    pub(super) fn verdict(&self) -> Result<(), String> {
        match self.found.iter().find(|found| found.reason.is_none()) {
            None => Ok(()),
            Some(found) => Err(format!("a panic can be reached: {}", found.path.join(" -> "))),
        }
    }
}

impl fmt::Display for Panics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Panics { from, reached, found } = self;
        writeln!(f, "panics   {} of {reached} functions and constants behind {from}", found.len())?;
        for one in found {
            let reason = one.reason.unwrap_or("NOT ON THE LIST");
            writeln!(f, "         {}: {reason}", one.path.join(" -> "))?;
        }
        Ok(())
    }
}
