//! Where the domains' images lie in RAM when Xen starts.

use std::fs;
use std::path::PathBuf;

use crate::emulator::Machine;
use crate::failure::{AtPath, Failure, Result};
use crate::number;

/// Far from Xen and its device tree, which QEMU puts below 0x48200000.
const FIRST: u64 = 0x5000_0000;
/// Room for one image.
const ROOM: u64 = 4 << 20;
/// Where RAM starts.
const RAM: u64 = 0x4000_0000;

/// An image in RAM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Module {
    pub(super) file: PathBuf,
    pub(super) address: u64,
    pub(super) size: u64,
}

/// A place for each image, one after the other.
pub(super) fn place(files: &[PathBuf], machine: &Machine) -> Result<Vec<Module>> {
    let addresses = (0..).map(|index| FIRST + index * ROOM);
    let modules = files.iter().zip(addresses).map(|(file, address)| {
        let size = fs::metadata(file).at("find", file)?.len();
        check(size, address, machine).map_err(|why| {
            Failure::failed(format!("{} has {}: {why}", file.display(), number::size(size)))
        })?;
        Ok(Module { file: file.clone(), address, size })
    });
    modules.collect()
}

fn check(size: u64, address: u64, machine: &Machine) -> std::result::Result<(), String> {
    if !(1..=ROOM).contains(&size) {
        return Err(format!("an image of a domain has up to {}", number::size(ROOM)));
    }
    if address + ROOM > RAM + machine.memory {
        return Err(format!("at {address:#x} is no RAM for it"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_are_apart_and_in_ram() {
        let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
        let machine = Machine::default();
        let modules = place(&vec![file.clone(); 5], &machine).unwrap();
        assert_eq!(modules.len(), 5);
        for pair in modules.windows(2) {
            assert!(pair[0].address + pair[0].size <= pair[1].address);
        }
        let small = Machine { memory: 256 << 20, ..machine };
        assert!(place(&[file], &small).unwrap_err().to_string().contains("is no RAM"));
    }

    #[test]
    fn images_must_fit() {
        let machine = Machine::default();
        assert!(check(0, FIRST, &machine).is_err());
        assert!(check(ROOM, FIRST, &machine).is_ok());
        assert!(check(ROOM + 1, FIRST, &machine).is_err());
        assert!(place(&["no-such-image".into()], &machine).is_err());
    }
}
