//! Guest images: read from their files, with every mistake that people make named.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use crate::failure::{Failure, Result};
use crate::number;
use crate::vm::Vm;

/// A VM together with the bytes of its image.
#[derive(Clone, Debug)]
pub(crate) struct Guest {
    pub(crate) vm: Vm,
    pub(crate) image: Vec<u8>,
}

impl Guest {
    /// Reads the image of `vm` and checks that it can be run.
    pub(crate) fn load(vm: Vm) -> Result<Self> {
        let image = read(&vm.file, vm.room())
            .map_err(|why| Failure::usage(format!("{}: {why}", vm.file.display())))?;
        Ok(Self { vm, image })
    }
}

fn read(path: &Path, room: u64) -> std::result::Result<Vec<u8>, String> {
    let metadata = fs::metadata(path).map_err(|error| format!("cannot be read: {error}"))?;
    if !metadata.is_file() {
        return Err("is not a regular file: give a flat guest image".into());
    }
    let mut image = Vec::new();
    let file = File::open(path).map_err(|error| format!("cannot be opened: {error}"))?;
    file.take(room + 1).read_to_end(&mut image).map_err(|error| format!("{error}"))?;
    check_format(path, &image)?;
    if metadata.len() > room {
        return Err(format!(
            "has {} bytes, but from its load address on the VM has only {}: give it more mem=",
            metadata.len(),
            number::size(room)
        ));
    }
    Ok(image)
}

/// Refuses what is no flat image, by its first bytes.
fn check_format(path: &Path, image: &[u8]) -> std::result::Result<(), String> {
    if image.is_empty() {
        return Err("is empty: there is nothing to run".into());
    }
    if image.starts_with(b"\x7fELF") {
        let path = path.display();
        return Err(format!(
            "is an ELF file: give the flat binary, made by \
             `aarch64-linux-gnu-objcopy -O binary {path} {path}.bin`"
        ));
    }
    if image.starts_with(b"\x1f\x8b") {
        return Err("is compressed: gunzip it first".into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(content: &[u8], room: u64) -> String {
        let path = std::env::temp_dir().join(format!("xtask-guest-{}-{room}", std::process::id()));
        fs::write(&path, content).unwrap();
        let answer = read(&path, room);
        fs::remove_file(&path).unwrap();
        answer.expect_err("accepted")
    }

    #[test]
    fn what_cannot_run_is_named() {
        assert!(refused(b"", 4096).contains("is empty"));
        assert!(refused(b"\x7fELF\x02\x01", 4097).contains("objcopy -O binary"));
        assert!(refused(b"\x1f\x8b\x08", 4098).contains("gunzip"));
        assert!(refused(&[0; 101], 100).contains("has 101 bytes"));
    }

    #[test]
    fn files_that_are_none_are_named() {
        assert!(read(Path::new("/does/not/exist"), 1).expect_err("").contains("cannot be read"));
        assert!(read(Path::new("/"), 1).expect_err("").contains("not a regular file"));
    }

    #[test]
    fn an_image_may_fill_its_room() {
        let path = std::env::temp_dir().join(format!("xtask-guest-{}-full", std::process::id()));
        fs::write(&path, [7; 64]).unwrap();
        let image = read(&path, 64);
        fs::remove_file(&path).unwrap();
        assert_eq!(image, Ok(vec![7; 64]));
    }
}
