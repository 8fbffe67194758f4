use dtoolkit::model::{DeviceTree, DeviceTreeNode, DeviceTreeProperty};

use super::*;

fn node(name: &str, compatible: &[&str], registers: &[u32]) -> DeviceTreeNode {
    let mut node = DeviceTreeNode::new(name).unwrap();
    node.add_property(DeviceTreeProperty::new("compatible", compatible).unwrap());
    node.add_property(DeviceTreeProperty::new("reg", registers).unwrap());
    node
}

fn platform(boot_arguments: Option<&str>, nodes: Vec<DeviceTreeNode>) -> Platform {
    let mut tree = DeviceTree::new();
    for cells in ["#address-cells", "#size-cells"] {
        tree.root.add_property(DeviceTreeProperty::new(cells, [2u32]).unwrap());
    }
    let mut chosen = DeviceTreeNode::new("chosen").unwrap();
    if let Some(text) = boot_arguments {
        chosen.add_property(DeviceTreeProperty::new("bootargs", text).unwrap());
    }
    tree.root.add_child(chosen);
    nodes.into_iter().for_each(|node| tree.root.add_child(node));
    Platform::of(Fdt::new(&tree.to_dtb()).unwrap())
}

fn uart() -> DeviceTreeNode {
    node("pl011@9010000", &["arm,pl011", "arm,primecell"], &[0, 0x0901_0000, 0, 0x1000])
}

#[test]
fn an_empty_tree_is_none() {
    assert_eq!(platform(None, vec![]), Platform::DEFAULT);
}

#[test]
fn devices_are_found_wherever_they_are() {
    let gic = node(
        "interrupt-controller@3001000",
        &["arm,gic-v3"],
        &[0, 0x0300_1000, 0, 0x1_0000, 0, 0x0302_0000, 0, 0x100_0000],
    );
    let platform = platform(None, vec![gic, uart()]);
    assert_eq!(platform.console, Console::Pl011(0x0901_0000));
    assert_eq!((platform.distributor, platform.redistributors), (0x0300_1000, 0x0302_0000));
}

#[test]
fn a_domain_of_xen_leaves_the_uart_alone() {
    let xen = node("hypervisor", &["xen,xen-4.17", "xen,xen"], &[0, 0x3800_0000, 0, 0x100_0000]);
    assert_eq!(platform(None, vec![uart(), xen]).console, Console::Xen);
}

#[test]
fn the_argument_is_a_word_of_the_boot_arguments() {
    for (text, argument) in [
        ("arg=0x40100020000", Some(0x401_0002_0000)),
        ("console=hvc0 arg=12 debug", Some(12)),
        ("arg=0xg", None),
        ("target=3", None),
        ("", None),
    ] {
        assert_eq!(platform(Some(text), vec![]).argument, argument, "{text}");
    }
}

#[test]
fn a_ramdisk_has_a_start_and_an_end_behind_it() {
    let ramdisk = |properties: &[(&str, u64)]| {
        let mut tree = DeviceTree::new();
        let mut chosen = DeviceTreeNode::new("chosen").unwrap();
        for &(name, address) in properties {
            chosen.add_property(DeviceTreeProperty::new(name, address).unwrap());
        }
        tree.root.add_child(chosen);
        Platform::of(Fdt::new(&tree.to_dtb()).unwrap()).ramdisk
    };
    let (start, end) = ("linux,initrd-start", "linux,initrd-end");
    let found = ramdisk(&[(start, 0x1_7800_0000), (end, 0x1_7800_1234)]);
    assert_eq!(found, Some([0x1_7800_0000, 0x1_7800_1234]));
    assert_eq!(ramdisk(&[(start, 0x2000), (end, 0x2000)]), None);
    assert_eq!(ramdisk(&[(start, 0x2000)]), None);
}
