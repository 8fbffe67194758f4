//! The device tree that Xen gets: QEMU's own, and in `/chosen` the domains to start.

use dtoolkit::error::ModelError;
use dtoolkit::fdt::Fdt;
use dtoolkit::model::{DeviceTree, DeviceTreeNode, DeviceTreeProperty};

use super::modules::Module;
use crate::failure::{Failure, Result};

/// RAM of a domain that Xen makes, in units of 1K.
const DOMAIN_MEMORY: [u32; 2] = [0, 16 << 10];

/// A domain with its image.
#[derive(Clone, Debug)]
pub(super) struct Domain {
    pub(super) module: Module,
    /// What the guest is told.
    pub(super) argument: u64,
}

/// Adds Xen's command line and the domains to a machine's device tree: dom0 and others.
pub(super) fn describe(
    machine: &[u8],
    command_line: &str,
    dom0: &Domain,
    ramdisk: Option<&Module>,
    others: &[Domain],
) -> Result<Vec<u8>> {
    let fdt = Fdt::new(machine)
        .map_err(|error| Failure::failed(format!("QEMU's device tree is broken: {error}")))?;
    let mut tree = DeviceTree::from_fdt(&fdt);
    choose(&mut tree, command_line, dom0, ramdisk, others)
        .map_err(|error| Failure::failed(format!("cannot describe the domains: {error}")))?;
    Ok(tree.to_dtb())
}

fn choose(
    tree: &mut DeviceTree,
    command_line: &str,
    dom0: &Domain,
    ramdisk: Option<&Module>,
    others: &[Domain],
) -> std::result::Result<(), ModelError> {
    if tree.find_node("/chosen").is_none() {
        tree.root.add_child(DeviceTreeNode::new("chosen")?);
    }
    let Some(chosen) = tree.find_node_mut("/chosen") else { return Ok(()) };
    add_widths(chosen)?;
    chosen.add_property(DeviceTreeProperty::new("xen,xen-bootargs", command_line)?);
    chosen.add_child(kernel(dom0)?);
    if let Some(module) = ramdisk {
        chosen.add_child(module_node(module, b"multiboot,ramdisk\0multiboot,module\0")?);
    }
    for (id, domain) in (1..).zip(others) {
        chosen.add_child(domain_node(id, domain)?);
    }
    Ok(())
}

/// A domain that Xen makes when it starts. Its id is the place among the nodes.
fn domain_node(id: u16, domain: &Domain) -> std::result::Result<DeviceTreeNode, ModelError> {
    let mut node = DeviceTreeNode::new(format!("domU{id}"))?;
    add_widths(&mut node)?;
    node.add_property(DeviceTreeProperty::new("compatible", "xen,domain")?);
    node.add_property(cells("memory", &DOMAIN_MEMORY)?);
    node.add_property(cells("cpus", &[1])?);
    // With it the guest's own tree tells that this is Xen.
    node.add_property(DeviceTreeProperty::new("xen,enhanced", "no-xenstore")?);
    // What the adapter looks for: this domain may call the mediator.
    node.add_property(cells("xen,ffa", &[])?);
    node.add_child(kernel(domain)?);
    Ok(node)
}

/// The image of a domain and its command line.
fn kernel(domain: &Domain) -> std::result::Result<DeviceTreeNode, ModelError> {
    let mut node = module_node(&domain.module, b"multiboot,kernel\0multiboot,module\0")?;
    let argument = format!("arg={:#x}", domain.argument);
    node.add_property(DeviceTreeProperty::new("bootargs", argument.as_str())?);
    Ok(node)
}

fn module_node(
    module: &Module,
    compatible: &[u8],
) -> std::result::Result<DeviceTreeNode, ModelError> {
    let mut node = DeviceTreeNode::new(format!("module@{:x}", module.address))?;
    node.add_property(DeviceTreeProperty::new("compatible", compatible)?);
    node.add_property(cells("reg", &[halves(module.address), halves(module.size)].concat())?);
    Ok(node)
}

/// Addresses and sizes of the children have two cells each.
pub(super) fn add_widths(node: &mut DeviceTreeNode) -> std::result::Result<(), ModelError> {
    for name in ["#address-cells", "#size-cells"] {
        node.add_property(cells(name, &[2])?);
    }
    Ok(())
}

pub(super) fn cells(
    name: &str,
    cells: &[u32],
) -> std::result::Result<DeviceTreeProperty, ModelError> {
    let bytes: Vec<u8> = cells.iter().flat_map(|cell| cell.to_be_bytes()).collect();
    DeviceTreeProperty::new(name, bytes.as_slice())
}

/// A number in two cells.
fn halves(value: u64) -> [u32; 2] {
    let [b0, b1, b2, b3, b4, b5, b6, b7] = value.to_be_bytes();
    [u32::from_be_bytes([b0, b1, b2, b3]), u32::from_be_bytes([b4, b5, b6, b7])]
}

#[cfg(test)]
mod tests {
    use dtoolkit::{Node, Property};

    use super::*;

    fn domain(address: u64, argument: u64) -> Domain {
        let module = Module { file: "image".into(), address, size: 0x1_2345 };
        Domain { module, argument }
    }

    /// As Xen reads it.
    fn described() -> DeviceTree {
        let mut machine = DeviceTree::new();
        machine.root.add_child(DeviceTreeNode::new("memory@40000000").unwrap());
        let dom0 = domain(0x5000_0000, 0);
        let ramdisk = domain(0x5400_0000, 0).module;
        let others = [domain(0x1_5040_0000, 0x400_0001_0000), domain(0x5080_0000, 7)];
        let blob =
            describe(&machine.to_dtb(), "loglvl=all", &dom0, Some(&ramdisk), &others).unwrap();
        DeviceTree::from_fdt(&Fdt::new(&blob).unwrap())
    }

    fn bytes(tree: &DeviceTree, path: &str, name: &str) -> Vec<u8> {
        tree.find_node(path).unwrap().property(name).unwrap().value().to_vec()
    }

    #[test]
    fn the_machine_stays_and_the_domains_are_added() {
        let tree = described();
        assert!(tree.find_node("/memory@40000000").is_some());
        assert_eq!(bytes(&tree, "/chosen", "xen,xen-bootargs"), b"loglvl=all\0");
        assert_eq!(bytes(&tree, "/chosen/module@50000000", "bootargs"), b"arg=0x0\0");
        let ramdisk = bytes(&tree, "/chosen/module@54000000", "compatible");
        assert_eq!(ramdisk, b"multiboot,ramdisk\0multiboot,module\0");
        assert!(tree.find_node("/chosen/domU2/module@50800000").is_some());
        assert!(tree.find_node("/chosen/domU3").is_none());
    }

    #[test]
    fn a_domain_is_described_as_xen_documents_it() {
        let tree = described();
        let domain = "/chosen/domU1";
        assert_eq!(bytes(&tree, domain, "compatible"), b"xen,domain\0");
        assert_eq!(bytes(&tree, domain, "memory"), (16_u64 << 10).to_be_bytes());
        assert_eq!(bytes(&tree, domain, "cpus"), 1_u32.to_be_bytes());
        assert_eq!(bytes(&tree, domain, "xen,enhanced"), b"no-xenstore\0");
        assert_eq!(bytes(&tree, domain, "xen,ffa"), b"");
        let module = "/chosen/domU1/module@150400000";
        let register = [0x1_5040_0000_u64.to_be_bytes(), 0x1_2345_u64.to_be_bytes()].concat();
        assert_eq!(bytes(&tree, module, "reg"), register);
        assert_eq!(bytes(&tree, module, "compatible"), b"multiboot,kernel\0multiboot,module\0");
        assert_eq!(bytes(&tree, module, "bootargs"), b"arg=0x40000010000\0");
    }

    #[test]
    fn what_is_no_device_tree_is_refused() {
        let dom0 = domain(0x5000_0000, 0);
        assert!(describe(b"no tree", "", &dom0, None, &[]).is_err());
    }
}
