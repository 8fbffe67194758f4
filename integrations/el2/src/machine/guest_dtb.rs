//! The device tree of a VM, for guests that want one: what the hypervisor emulates, in the words of
//! QEMU's `virt`.

use alloc::vec::Vec;

use dtoolkit::error::ModelError;
use dtoolkit::model::{DeviceTree, DeviceTreeNode, DeviceTreeProperty};
use ffa_el2::{bundle, vgic, vpl011};

use super::memory::GuestMemory;
use super::vm::NewVmError;

const GIC: u32 = 1;
const CLOCK: u32 = 2;
const CLOCK_HERTZ: u32 = 24_000_000;

const PPI: u32 = 1;
const SPI: u32 = 0;
const LEVEL_HIGH: u32 = 4;

/// Puts the VM's device tree at the end of its memory, and gives its guest physical address.
///
/// # Errors
/// [`NewVmError::DeviceTree`] if it would lie over the image.
pub(super) fn place(memory: &GuestMemory, plan: &bundle::Vm<'_>) -> Result<u64, NewVmError> {
    let blob = blob(plan).map_err(|_| NewVmError::DeviceTree)?;
    let end = plan.memory_base + plan.memory_size;
    let size = (blob.len() as u64).next_multiple_of(bundle::PAGE);
    let address = end.checked_sub(size).ok_or(NewVmError::DeviceTree)?;
    let offset = memory.offset(address, size).ok_or(NewVmError::DeviceTree)?;
    let image_end = plan.load_address + plan.image.len() as u64;
    if address < image_end || !memory.write(offset, &blob) {
        return Err(NewVmError::DeviceTree);
    }
    Ok(address)
}

fn blob(plan: &bundle::Vm<'_>) -> Result<Vec<u8>, ModelError> {
    let mut tree = DeviceTree::new();
    let root = &mut tree.root;
    root.add_property(text("compatible", "linux,dummy-virt")?);
    root.add_property(cells("#address-cells", &[2])?);
    root.add_property(cells("#size-cells", &[2])?);
    root.add_property(cells("interrupt-parent", &[GIC])?);
    root.add_child(node("chosen", [text("stdout-path", "/pl011@9000000")])?);
    root.add_child(node(
        alloc::format!("memory@{:x}", plan.memory_base),
        [text("device_type", "memory"), reg(&[(plan.memory_base, plan.memory_size)])],
    )?);
    root.add_child(cpus(plan.vcpus)?);
    root.add_child(node("psci", [text("compatible", "arm,psci-1.0"), text("method", "smc")])?);
    root.add_child(timer()?);
    root.add_child(interrupt_controller(plan.vcpus)?);
    root.add_child(clock()?);
    root.add_child(console()?);
    Ok(tree.to_dtb())
}

fn cpus(count: u16) -> Result<DeviceTreeNode, ModelError> {
    let mut cpus = node("cpus", [cells("#address-cells", &[1]), cells("#size-cells", &[0])])?;
    for index in 0..u32::from(count) {
        cpus.add_child(node(
            alloc::format!("cpu@{index:x}"),
            [
                text("device_type", "cpu"),
                text("compatible", "arm,armv8"),
                text("enable-method", "psci"),
                cells("reg", &[index]),
            ],
        )?);
    }
    Ok(cpus)
}

/// Secure, non-secure, virtual and hypervisor timer; only the virtual one is there.
fn timer() -> Result<DeviceTreeNode, ModelError> {
    let timer = |ppi| [PPI, ppi, LEVEL_HIGH];
    let interrupts = [timer(13), timer(14), timer(11), timer(10)].concat();
    node("timer", [text("compatible", "arm,armv8-timer"), cells("interrupts", &interrupts)])
}

fn interrupt_controller(vcpus: u16) -> Result<DeviceTreeNode, ModelError> {
    node(
        "intc@8000000",
        [
            text("compatible", "arm,gic-v3"),
            cells("#interrupt-cells", &[3]),
            cells("#address-cells", &[2]),
            cells("#size-cells", &[2]),
            cells("phandle", &[GIC]),
            cells("interrupt-controller", &[]),
            reg(&[
                (vgic::DISTRIBUTOR_BASE, vgic::DISTRIBUTOR_SIZE),
                (vgic::REDISTRIBUTOR_BASE, vgic::REDISTRIBUTOR_SIZE * u64::from(vcpus)),
            ]),
        ],
    )
}

fn clock() -> Result<DeviceTreeNode, ModelError> {
    node(
        "apb-pclk",
        [
            text("compatible", "fixed-clock"),
            cells("#clock-cells", &[0]),
            cells("clock-frequency", &[CLOCK_HERTZ]),
            cells("phandle", &[CLOCK]),
        ],
    )
}

fn console() -> Result<DeviceTreeNode, ModelError> {
    node(
        "pl011@9000000",
        [
            DeviceTreeProperty::new("compatible", &["arm,pl011", "arm,primecell"][..]),
            DeviceTreeProperty::new("clock-names", &["uartclk", "apb_pclk"][..]),
            cells("clocks", &[CLOCK, CLOCK]),
            cells("interrupts", &[SPI, vpl011::INTERRUPT - 32, LEVEL_HIGH]),
            reg(&[(vpl011::BASE, vpl011::SIZE)]),
        ],
    )
}

type Property = Result<DeviceTreeProperty, ModelError>;

fn node<const N: usize>(
    name: impl Into<alloc::string::String>,
    properties: [Property; N],
) -> Result<DeviceTreeNode, ModelError> {
    let mut node = DeviceTreeNode::new(name)?;
    for property in properties {
        node.add_property(property?);
    }
    Ok(node)
}

fn text(name: &str, value: &str) -> Property {
    DeviceTreeProperty::new(name, value)
}

fn cells(name: &str, values: &[u32]) -> Property {
    DeviceTreeProperty::new(name, values)
}

fn reg(ranges: &[(u64, u64)]) -> Property {
    let numbers = ranges.iter().flat_map(|(address, size)| [*address, *size]);
    let bytes: Vec<u8> = numbers.flat_map(u64::to_be_bytes).collect();
    DeviceTreeProperty::new("reg", bytes)
}
