//! The tree that Xen is built in: its source with the adapter's files laid over it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::failure::{AtPath, Failure, Result};
use crate::process;

/// What the hypervisor is built from; the rest of the package are tools and documents.
const PARTS: [&str; 3] = ["Config.mk", "config", "xen"];
const PATCH_LIMIT: Duration = Duration::from_secs(20);

/// Files that are new or other than in the source, by their path in it.
#[derive(Debug, Default)]
pub(super) struct Overlay(BTreeMap<PathBuf, Vec<u8>>);

impl Overlay {
    pub(super) fn add(&mut self, path: impl Into<PathBuf>, content: Vec<u8>) {
        self.0.insert(path.into(), content);
    }

    /// Adds the files that a patch changes or makes, as they are then. It is applied in `scratch`.
    pub(super) fn patch(&mut self, source: &Path, patch: &Path, scratch: &Path) -> Result<()> {
        if scratch.exists() {
            fs::remove_dir_all(scratch).at("remove", scratch)?;
        }
        let text = fs::read_to_string(patch).at("read", patch)?;
        let paths = patched_paths(&text);
        fs::create_dir_all(scratch).at("create", scratch)?;
        for path in paths.iter().filter(|path| source.join(path).is_file()) {
            copy(&source.join(path), &scratch.join(path))?;
        }
        let mut command = Command::new("patch");
        command
            .args(["-p1", "--batch", "--forward", "--fuzz=0", "--quiet", "--directory"])
            .arg(scratch);
        let output = process::output(command.arg("--input").arg(patch), PATCH_LIMIT)?;
        if !output.status.success() {
            let (patch, why) = (patch.display(), String::from_utf8_lossy(&output.stdout));
            return Err(Failure::failed(format!("{patch} does not fit this Xen: {why}")));
        }
        for path in paths {
            let file = scratch.join(path);
            self.add(path, fs::read(&file).at("read", &file)?);
        }
        Ok(())
    }

    /// Makes `tree` the source with this laid over it. A file that is right already is not touched,
    /// so that make builds only what is new.
    pub(super) fn write(&self, source: &Path, tree: &Path) -> Result<()> {
        for part in PARTS {
            self.copy_below(source, Path::new(part), tree)?;
        }
        for (path, content) in &self.0 {
            let file = tree.join(path);
            if fs::read(&file).ok().as_ref() != Some(content) {
                create_parent(&file)?;
                fs::write(&file, content).at("write", &file)?;
            }
        }
        Ok(())
    }

    fn copy_below(&self, source: &Path, path: &Path, tree: &Path) -> Result<()> {
        let from = source.join(path);
        if from.is_dir() {
            for entry in fs::read_dir(&from).at("read", &from)?.flatten() {
                self.copy_below(source, &path.join(entry.file_name()), tree)?;
            }
            return Ok(());
        }
        let to = tree.join(path);
        let differs = || fs::read(&from).ok() != fs::read(&to).ok();
        if self.0.contains_key(path) || !differs() { Ok(()) } else { copy(&from, &to) }
    }
}

/// The files that a patch in the format of git or diff leaves behind.
fn patched_paths(patch: &str) -> Vec<&str> {
    let names = patch.lines().filter_map(|line| line.strip_prefix("+++ b/"));
    names.filter_map(|name| name.split('\t').next()).collect()
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    create_parent(to)?;
    fs::copy(from, to).map(|_| ()).at("copy", from)
}

fn create_parent(file: &Path) -> Result<()> {
    let parent = file.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(parent).at("create", parent)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A directory with a small source, removed at the end.
    struct Directory(PathBuf);

    impl Directory {
        fn new(test: &str) -> Self {
            let path = std::env::temp_dir().join(format!("tree-{test}-{}", std::process::id()));
            for (file, content) in [
                ("source/Config.mk", "config\n"),
                ("source/config/arm64.mk", "arm64\n"),
                ("source/tools/tool.c", "tool\n"),
                ("source/xen/main.c", "one\ntwo\nthree\n"),
                ("source/xen/other.c", "other\n"),
            ] {
                let file = path.join(file);
                create_parent(&file).unwrap();
                fs::write(file, content).unwrap();
            }
            Self(path)
        }

        fn write(&self, overlay: &Overlay) {
            overlay.write(&self.0.join("source"), &self.0.join("tree")).unwrap();
        }

        fn read(&self, file: &str) -> String {
            fs::read_to_string(self.0.join(file)).unwrap()
        }

        fn changed(&self, file: &str) -> std::time::SystemTime {
            fs::metadata(self.0.join(file)).unwrap().modified().unwrap()
        }
    }

    impl Drop for Directory {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).unwrap();
        }
    }

    #[test]
    fn only_what_differs_is_written() {
        let directory = Directory::new("differs");
        let mut overlay = Overlay::default();
        overlay.add("xen/main.c", b"new\n".to_vec());
        overlay.add("xen/arm/added.c", b"added\n".to_vec());
        directory.write(&overlay);
        assert_eq!(directory.read("tree/xen/main.c"), "new\n");
        assert_eq!(directory.read("tree/xen/arm/added.c"), "added\n");
        assert_eq!(directory.read("tree/config/arm64.mk"), "arm64\n");
        assert!(!directory.0.join("tree/tools").exists());
        let before = ["tree/xen/main.c", "tree/xen/other.c"].map(|file| directory.changed(file));
        directory.write(&overlay);
        let after = ["tree/xen/main.c", "tree/xen/other.c"].map(|file| directory.changed(file));
        assert_eq!(before, after);
        directory.write(&Overlay::default());
        assert_eq!(directory.read("tree/xen/main.c"), "one\ntwo\nthree\n");
    }

    const PATCH: &str = "--- a/xen/main.c\n+++ b/xen/main.c\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n\
                         --- /dev/null\n+++ b/xen/new.c\n@@ -0,0 +1 @@\n+new\n";

    #[test]
    fn a_patch_changes_and_makes_files() {
        let directory = Directory::new("patch");
        let patch = directory.0.join("patch");
        fs::write(&patch, PATCH).unwrap();
        let (source, scratch) = (directory.0.join("source"), directory.0.join("scratch"));
        let mut overlay = Overlay::default();
        overlay.patch(&source, &patch, &scratch).unwrap();
        overlay.patch(&source, &patch, &scratch).unwrap();
        directory.write(&overlay);
        assert_eq!(directory.read("tree/xen/main.c"), "one\n2\nthree\n");
        assert_eq!(directory.read("tree/xen/new.c"), "new\n");
        assert_eq!(directory.read("source/xen/main.c"), "one\ntwo\nthree\n");
    }

    #[test]
    fn a_patch_that_does_not_fit_is_refused() {
        let directory = Directory::new("misfit");
        let patch = directory.0.join("patch");
        fs::write(&patch, PATCH.replace("-two", "-deux")).unwrap();
        let (source, scratch) = (directory.0.join("source"), directory.0.join("scratch"));
        let refused = Overlay::default().patch(&source, &patch, &scratch).unwrap_err();
        assert!(refused.to_string().contains("does not fit this Xen"), "{refused}");
    }
}
