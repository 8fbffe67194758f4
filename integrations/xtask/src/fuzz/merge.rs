//! What runs found, taken into the corpus: as much new code as fits into few small files.

use std::collections::HashSet;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use super::run::{self, MAX_LENGTH};
use super::{CORPUS_FILES, corpus, program};
use crate::failure::{AtPath, Failure, Result};
use crate::process;

const LIMIT: Duration = Duration::from_secs(1800);

/// An input, and the branches that it takes.
struct Input {
    path: PathBuf,
    branches: HashSet<u32>,
}

/// Takes what was found by a target. What is in the corpus stays there.
pub(super) fn take(target: &str) -> Result<()> {
    let corpus = corpus(target);
    let (held, mut found): (Vec<Input>, Vec<Input>) =
        inputs(target)?.into_iter().partition(|input| input.path.starts_with(&corpus));
    let room = CORPUS_FILES.saturating_sub(held.len());
    let mut taken = held.into_iter().flat_map(|input| input.branches).collect();
    let mut added = 0;
    while let Some(input) = best(&mut found, &taken).filter(|_| added < room) {
        let to = corpus.join(input.path.file_name().unwrap_or_default());
        fs::copy(&input.path, &to).at("write", &to)?;
        taken.extend(input.branches);
        added += 1;
    }
    println!("{target:<18}{added} added, {} branches in all", taken.len());
    Ok(())
}

/// Removes the input that takes most branches which none did, if one does.
fn best(left: &mut Vec<Input>, taken: &HashSet<u32>) -> Option<Input> {
    left.iter_mut().for_each(|input| input.branches.retain(|branch| !taken.contains(branch)));
    left.retain(|input| !input.branches.is_empty());
    // The first of equals is the smallest.
    let (index, _) = left.iter().enumerate().rev().max_by_key(|(_, input)| input.branches.len())?;
    Some(left.remove(index))
}

/// Every input of the corpus and of what was found, smallest first.
fn inputs(target: &str) -> Result<Vec<Input>> {
    // libFuzzer writes a choice of its own into the scratch directory: of that only the record counts.
    let scratch = run::directory(&["merge", target])?;
    let record = scratch.with_extension("record");
    if record.exists() {
        fs::remove_file(&record).at("remove", &record)?;
    }
    let mut command = program::of(target)?;
    command.args(["-set_cover_merge=1", "-use_counters=0", MAX_LENGTH]);
    command.arg(format!("-merge_control_file={}", record.display()));
    command.arg(&scratch).arg(corpus(target)).arg(run::directory(&["found", target])?);
    let output = process::output(&mut command, LIMIT)?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(Failure::failed(format!("{target} cannot be merged:\n{text}")));
    }
    let text = fs::read_to_string(&record).at("read", &record)?;
    parse(&text).ok_or_else(|| Failure::failed(format!("{} is no record", record.display())))
}

/// A record: how many files, how many of them were there before, their names, and for each by its
/// number a line `FT 3 17 22` of the branches.
fn parse(record: &str) -> Option<Vec<Input>> {
    let mut lines = record.lines();
    let count = lines.next()?.parse().ok()?;
    let names = lines.by_ref().skip(1).take(count);
    let mut inputs: Vec<Input> =
        names.map(|name| Input { path: name.into(), branches: HashSet::new() }).collect();
    for line in lines {
        let Some(numbers) = line.strip_prefix("FT ") else { continue };
        let mut numbers = numbers.split(' ').map_while(|number| number.parse::<u32>().ok());
        let input = usize::try_from(numbers.next()?).ok()?;
        inputs.get_mut(input)?.branches.extend(numbers);
    }
    Some(inputs)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    const RECORD: &str = "3\n0\na\nb\nc\nSTARTED 0 1\nFT 0 1 2\nCOV 0 1\nFT 1 2 3 4\nFT 2 1 9\n";

    #[test]
    fn a_record_is_read() {
        let inputs = parse(RECORD).unwrap();
        let branches = |input: &Input| input.branches.len();
        assert_eq!(inputs.iter().map(branches).collect::<Vec<_>>(), [2, 3, 2]);
        assert_eq!(inputs[1].path, Path::new("b"));
        assert!(parse("").is_none() && parse("1\n0\na\nFT 1 2\n").is_none());
    }

    #[test]
    fn inputs_are_taken_by_what_they_add() {
        let mut left = parse(RECORD).unwrap();
        let mut taken = HashSet::new();
        let mut order = Vec::new();
        while let Some(input) = best(&mut left, &taken) {
            order.push(input.path.display().to_string());
            taken.extend(input.branches);
        }
        assert_eq!(order, ["b", "c"]);
        assert_eq!(taken.len(), 5);
    }
}
