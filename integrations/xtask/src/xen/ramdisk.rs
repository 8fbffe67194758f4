//! The RAM disk of dom0: how the memory of a domain that it starts begins. One page has a device tree
//! such as Xen makes, after it comes the guest.

use std::fs;
use std::path::PathBuf;

use dtoolkit::error::ModelError;
use dtoolkit::model::{DeviceTree, DeviceTreeNode, DeviceTreeProperty};

use super::boot::Guest;
use super::device_tree::{add_widths, cells};
use super::source;
use crate::failure::{AtPath, Failure, Result};

const PAGE: usize = 4096;
/// Where Xen puts the distributor and the redistributors of a domain, each with its size.
const GIC: [u32; 8] = [0, 0x0300_1000, 0, 0x1_0000, 0, 0x0302_0000, 0, 0x100_0000];

/// Writes the RAM disk from which dom0 starts this guest; its path.
pub(super) fn write(guest: &Guest) -> Result<PathBuf> {
    let image = fs::read(&guest.image).at("read", &guest.image)?;
    let content = content(guest.argument, &image)
        .map_err(|error| Failure::failed(format!("cannot describe what dom0 starts: {error}")))?;
    let path = source::home().join("ramdisk.bin");
    fs::write(&path, content).at("write", &path)?;
    Ok(path)
}

fn content(argument: u64, image: &[u8]) -> std::result::Result<Vec<u8>, ModelError> {
    let mut content = tree(argument)?.to_dtb();
    content.resize(PAGE, 0);
    content.extend_from_slice(image);
    Ok(content)
}

fn tree(argument: u64) -> std::result::Result<DeviceTree, ModelError> {
    let mut tree = DeviceTree::new();
    add_widths(&mut tree.root)?;
    let mut chosen = DeviceTreeNode::new("chosen")?;
    let argument = format!("arg={argument:#x}");
    chosen.add_property(DeviceTreeProperty::new("bootargs", argument.as_str())?);
    tree.root.add_child(chosen);
    let mut xen = DeviceTreeNode::new("hypervisor")?;
    xen.add_property(DeviceTreeProperty::new("compatible", "xen,xen")?);
    tree.root.add_child(xen);
    let mut gic = DeviceTreeNode::new("interrupt-controller@3001000")?;
    gic.add_property(DeviceTreeProperty::new("compatible", "arm,gic-v3")?);
    gic.add_property(cells("reg", &GIC)?);
    tree.root.add_child(gic);
    Ok(tree)
}

#[cfg(test)]
mod tests {
    use dtoolkit::fdt::Fdt;
    use ffa_el2_guests::platform::{Console, Platform};

    use super::*;

    #[test]
    fn a_guest_finds_in_it_what_it_has_to_know() {
        let content = content(0x2_0001, b"guest").unwrap();
        assert_eq!(&content[PAGE..], b"guest");
        let size = u32::from_be_bytes(content[4..8].try_into().unwrap()) as usize;
        assert!(size <= PAGE);
        let platform = Platform::of(Fdt::new(&content[..size]).unwrap());
        assert_eq!(platform.console, Console::Xen);
        assert_eq!(platform.argument, Some(0x2_0001));
        assert_eq!((platform.distributor, platform.redistributors), (0x0300_1000, 0x0302_0000));
    }
}
