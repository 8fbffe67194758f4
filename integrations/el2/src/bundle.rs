//! The bundle: every VM of a run in one blob, made on the host and loaded at [`ADDRESS`].
//!
//! ```text
//!  0   header    magic, version, total length, number of VMs, options
//! 48   record 0  where and how large VM 1 is, where its image lies in the bundle
//! 192  record 1  ...
//! ...  images    at multiples of 16
//! ```
//! All numbers are little-endian. [`Bundle::parse`] believes nothing: who holds a [`Bundle`] can
//! start each of its VMs without another check of sizes or addresses.

mod wire;

use alloc::vec::Vec;
use core::fmt;

pub use wire::HEADER_LENGTH;

/// Guest-physical and host-physical: where the loader puts the bundle.
pub const ADDRESS: u64 = 0x4A00_0000;
/// Most VMs in a bundle.
pub const MAX_VMS: usize = 64;
/// Most vCPUs of a VM.
pub const MAX_VCPUS: u16 = 4;
/// Longest name in bytes.
pub const NAME_LENGTH: usize = 32;
/// VM memory starts and ends at multiples of this many bytes.
pub const PAGE: u64 = 4096;
/// VM memory lies above the emulated devices ...
pub const MEMORY_START: u64 = 0x1000_0000;
/// ... and within what a 39-bit stage 2 translates.
pub const MEMORY_END: u64 = 1 << 39;

/// What concerns all VMs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Who may see and reach whom.
    pub policy: PolicyKind,
    /// Print each FF-A call and its reply.
    pub trace: bool,
}

/// The mediator's policy, by name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PolicyKind {
    /// VMs reach secure partitions only.
    #[default]
    VmToSp,
    /// Everybody reaches everybody: insecure.
    AllowAll,
}

/// One VM. The first in a bundle gets id 1, the next 2, ...
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vm<'a> {
    /// For people; printable ASCII, at most [`NAME_LENGTH`] bytes, may be empty.
    pub name: &'a str,
    /// A raw binary.
    pub image: &'a [u8],
    /// First guest-physical address of its memory.
    pub memory_base: u64,
    /// Bytes of memory.
    pub memory_size: u64,
    /// Where in its memory the image goes, and where vCPU 0 starts; a multiple of 4.
    pub load_address: u64,
    /// Handed to vCPU 0 in x1.
    pub argument: u64,
    /// 1 to [`MAX_VCPUS`].
    pub vcpus: u16,
    /// FF-A partition properties.
    pub properties: u32,
    /// FF-A partition UUID in the order of its text; nil for none.
    pub uuid: [u8; 16],
    /// The hypervisor kills the VM after so many milliseconds; 0: never.
    pub life_ms: u32,
    /// How often a VM that was killed or has reset itself is created again.
    pub restarts: u32,
    /// Whether vCPU 0 gets a device tree in x0; 0 else.
    pub dtb: bool,
}

/// Why a bundle cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BundleError {
    /// Shorter than its header, or than the header says.
    Truncated {
        /// Bytes that should be there.
        need: u64,
        /// Bytes that are there.
        have: u64,
    },
    /// There is something else, or nothing, where the bundle should be.
    NotABundle,
    /// Made for another version of the hypervisor.
    Version(u32),
    /// An option bit that this hypervisor does not know.
    Options(u32),
    /// No VM, or more than [`MAX_VMS`].
    VmCount(u64),
    /// This VM (its id) cannot be started.
    Vm(usize, VmError),
}

/// Why one VM of a bundle cannot be started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VmError {
    /// The name is too long or not printable ASCII.
    Name,
    /// No vCPU, or more than [`MAX_VCPUS`].
    Vcpus(u16),
    /// Base or size of its memory is not a multiple of [`PAGE`], or there is none.
    MemoryNotPages,
    /// Memory outside [`MEMORY_START`] .. [`MEMORY_END`].
    MemoryOutside,
    /// There is no image, or it lies outside the bundle.
    Image,
    /// The load address is not a multiple of 4.
    LoadUnaligned,
    /// The image at its load address does not lie within the VM's memory.
    LoadOutside,
    /// A flag bit that this hypervisor does not know.
    Flags(u16),
}

impl fmt::Display for BundleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated { need, have } => {
                write!(f, "the bundle has {have} bytes where {need} are needed")
            }
            Self::NotABundle => write!(f, "no bundle of VMs at this address"),
            Self::Version(found) => {
                write!(f, "bundle version {found}, this hypervisor needs {}", wire::VERSION)
            }
            Self::Options(bits) => write!(f, "unknown option bits {bits:#x} in the bundle"),
            Self::VmCount(count) => write!(f, "{count} VMs in the bundle, 1 to {MAX_VMS} can run"),
            Self::Vm(id, error) => write!(f, "vm{id}: {error}"),
        }
    }
}

impl fmt::Display for VmError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name => {
                write!(f, "a name is at most {NAME_LENGTH} printable ASCII characters")
            }
            Self::Vcpus(count) => write!(f, "{count} vCPUs, it can have 1 to {MAX_VCPUS}"),
            Self::MemoryNotPages => {
                write!(f, "memory must start and end at a multiple of {PAGE} and not be empty")
            }
            Self::MemoryOutside => {
                write!(f, "memory must lie between {MEMORY_START:#x} and {MEMORY_END:#x}")
            }
            Self::Image => write!(f, "the image is empty or outside the bundle"),
            Self::LoadUnaligned => write!(f, "the load address must be a multiple of 4"),
            Self::LoadOutside => write!(f, "the image, once loaded, is not within the memory"),
            Self::Flags(bits) => write!(f, "unknown flag bits {bits:#x}"),
        }
    }
}

impl core::error::Error for BundleError {}
impl core::error::Error for VmError {}

/// A bundle whose every part was checked.
#[derive(Clone, Copy, Debug)]
pub struct Bundle<'a> {
    bytes: &'a [u8],
    records: &'a [wire::Record],
    options: Options,
}

impl<'a> Bundle<'a> {
    /// How many bytes the bundle has of which `start` is the beginning, [`HEADER_LENGTH`] bytes
    /// at least.
    ///
    /// # Errors
    /// Whatever can be wrong with a header.
    pub fn total_length(start: &[u8]) -> Result<u64, BundleError> {
        Ok(wire::header(start)?.total_length())
    }

    /// Checks the bundle at the start of `bytes`; what follows it is ignored.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, BundleError> {
        let header = wire::header(bytes)?;
        let bytes = header.whole(bytes)?;
        let bundle = Self { bytes, records: header.records(bytes)?, options: header.options()? };
        for (index, record) in bundle.records.iter().enumerate() {
            record.vm(bytes).map_err(|error| BundleError::Vm(index + 1, error))?;
        }
        Ok(bundle)
    }

    /// What concerns all VMs.
    #[must_use]
    pub fn options(&self) -> Options {
        self.options
    }

    /// The VMs in the order of their ids, which start at 1.
    pub fn vms(&self) -> impl Iterator<Item = Vm<'a>> + use<'a> {
        let bytes = self.bytes;
        // Nothing is left out: parse() saw each of them to be right.
        self.records.iter().filter_map(move |record| record.vm(bytes).ok())
    }

    /// Makes a bundle.
    ///
    /// # Errors
    /// What [`Bundle::parse`] would say of it.
    pub fn encode(options: Options, vms: &[Vm<'_>]) -> Result<Vec<u8>, BundleError> {
        let bytes = wire::encode(options, vms)?;
        Bundle::parse(&bytes)?;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests;
