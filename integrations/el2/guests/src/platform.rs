//! What a guest has to know of the machine it runs on: from its device tree, or without one the
//! hypervisor's in `integrations/el2`.

use dtoolkit::fdt::{Fdt, FdtNode};
use dtoolkit::standard::NodeStandard;
use dtoolkit::{Node, Property};

/// The word of the boot arguments that holds the guest's argument.
const ARGUMENT: &str = "arg=";

/// How a guest prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Console {
    /// A PL011 at this address.
    Pl011(usize),
    /// Hypercalls of Xen.
    Xen,
}

/// The devices, and what the guest was told. Addresses are guest-physical.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Platform {
    /// Where to print.
    pub console: Console,
    /// The distributor of the `GICv3`.
    pub distributor: usize,
    /// Its redistributors, the first vCPU's first.
    pub redistributors: usize,
    /// The argument in the boot arguments, for hypervisors that give none in `x1`.
    pub argument: Option<u64>,
    /// The RAM disk: its first address, and the first behind it.
    pub ramdisk: Option<[usize; 2]>,
}

impl Platform {
    /// Of a VM without a device tree.
    pub const DEFAULT: Self = Self {
        console: Console::Pl011(0x0900_0000),
        distributor: 0x0800_0000,
        redistributors: 0x080A_0000,
        argument: None,
        ramdisk: None,
    };

    /// Of a VM with this device tree. What the tree does not tell is as in [`Self::DEFAULT`].
    #[must_use]
    pub fn of(tree: Fdt<'_>) -> Self {
        let [distributor, redistributors] = gic(tree).unwrap_or([None; 2]);
        Self {
            console: console(tree).unwrap_or(Self::DEFAULT.console),
            distributor: distributor.unwrap_or(Self::DEFAULT.distributor),
            redistributors: redistributors.unwrap_or(Self::DEFAULT.redistributors),
            argument: argument(tree),
            ramdisk: ramdisk(tree),
        }
    }
}

fn console(tree: Fdt<'_>) -> Option<Console> {
    // The first domain of Xen sees the machine's own UART too: that is Xen's.
    if compatible(tree, "xen,xen").is_some() {
        return Some(Console::Xen);
    }
    let [uart] = addresses(compatible(tree, "arm,pl011")?);
    uart.map(Console::Pl011)
}

fn gic(tree: Fdt<'_>) -> Option<[Option<usize>; 2]> {
    compatible(tree, "arm,gic-v3").map(addresses)
}

fn argument(tree: Fdt<'_>) -> Option<u64> {
    let chosen = tree.chosen()?;
    let mut words = chosen.bootargs().ok()??.split_ascii_whitespace();
    number(words.find_map(|word| word.strip_prefix(ARGUMENT))?)
}

fn ramdisk(tree: Fdt<'_>) -> Option<[usize; 2]> {
    let chosen = tree.chosen()?;
    let address = |name| {
        let value = chosen.property(name)?.value_as::<u64>().ok()?;
        usize::try_from(value).ok()
    };
    let [start, end] = [address("linux,initrd-start")?, address("linux,initrd-end")?];
    (start < end).then_some([start, end])
}

fn number(text: &str) -> Option<u64> {
    match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

/// The first device of the tree's root that is one of these.
fn compatible<'a>(tree: Fdt<'a>, name: &str) -> Option<FdtNode<'a>> {
    tree.root().children().find(|node| node.is_compatible(name))
}

/// The addresses that a node's `reg` starts with.
fn addresses<const N: usize>(node: FdtNode<'_>) -> [Option<usize>; N] {
    let registers = node.reg().ok().flatten();
    let mut registers = registers.into_iter().flatten();
    core::array::from_fn(|_| usize::try_from(registers.next()?.address::<u64>().ok()?).ok())
}

#[cfg(test)]
mod tests;
