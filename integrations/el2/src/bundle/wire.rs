//! The bundle's layout in memory, and the checks on it.

use alloc::vec;
use alloc::vec::Vec;

use zerocopy::little_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::{
    BundleError, MAX_VCPUS, MAX_VMS, MEMORY_END, MEMORY_START, NAME_LENGTH, Options, PAGE,
    PolicyKind, Vm, VmError,
};

/// Bytes that [`super::Bundle::total_length`] must see.
pub const HEADER_LENGTH: usize = size_of::<Header>();
/// Grows whenever the layout changes.
pub(super) const VERSION: u32 = 1;

const MAGIC: [u8; 8] = *b"FFABUNDL";
const OPTION_TRACE: u32 = 1 << 0;
const OPTION_ALLOW_ALL: u32 = 1 << 1;
const FLAG_DTB: u16 = 1 << 0;
const IMAGE_ALIGNMENT: usize = 16;

#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub(super) struct Header {
    magic: [u8; 8],
    version: U32,
    options: U32,
    total_length: U64,
    vm_count: U64,
    reserved: [u8; 16],
}

#[derive(Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub(super) struct Record {
    memory_base: U64,
    memory_size: U64,
    load_address: U64,
    argument: U64,
    image_offset: U64,
    image_length: U64,
    vcpus: U16,
    flags: U16,
    properties: U32,
    life_ms: U32,
    restarts: U32,
    uuid: [u8; 16],
    name: [u8; NAME_LENGTH],
    reserved: [u8; 32],
}

const _: () = assert!(size_of::<Header>() == 48 && size_of::<Record>() == 144);

/// The header at the start of `bytes`, if it is one of ours.
pub(super) fn header(bytes: &[u8]) -> Result<&Header, BundleError> {
    let (header, _) =
        Header::ref_from_prefix(bytes).map_err(|_| truncated(HEADER_LENGTH as u64, bytes))?;
    if header.magic != MAGIC {
        return Err(BundleError::NotABundle);
    }
    match header.version.get() {
        VERSION => Ok(header),
        other => Err(BundleError::Version(other)),
    }
}

fn truncated(need: u64, bytes: &[u8]) -> BundleError {
    BundleError::Truncated { need, have: bytes.len() as u64 }
}

impl Header {
    pub(super) fn total_length(&self) -> u64 {
        self.total_length.get()
    }

    pub(super) fn options(&self) -> Result<Options, BundleError> {
        let bits = self.options.get();
        let unknown = bits & !(OPTION_TRACE | OPTION_ALLOW_ALL);
        if unknown != 0 {
            return Err(BundleError::Options(unknown));
        }
        let allow_all = bits & OPTION_ALLOW_ALL != 0;
        let policy = if allow_all { PolicyKind::AllowAll } else { PolicyKind::VmToSp };
        Ok(Options { policy, trace: bits & OPTION_TRACE != 0 })
    }

    /// The part of `bytes` that is the bundle.
    pub(super) fn whole<'a>(&self, bytes: &'a [u8]) -> Result<&'a [u8], BundleError> {
        let need = self.total_length();
        let whole = usize::try_from(need).ok().and_then(|length| bytes.get(..length));
        whole.ok_or_else(|| truncated(need, bytes))
    }

    pub(super) fn records<'a>(&self, whole: &'a [u8]) -> Result<&'a [Record], BundleError> {
        let count = self.vm_count.get();
        let Ok(count @ 1..=MAX_VMS) = usize::try_from(count) else {
            return Err(BundleError::VmCount(count));
        };
        let need = images_start(count) as u64;
        let records = whole.get(HEADER_LENGTH..).unwrap_or_default();
        match <[Record]>::ref_from_prefix_with_elems(records, count) {
            Ok((records, _)) => Ok(records),
            Err(_) => Err(truncated(need, whole)),
        }
    }
}

fn images_start(count: usize) -> usize {
    HEADER_LENGTH + count * size_of::<Record>()
}

impl Record {
    /// The VM that this record in the bundle `whole` describes.
    pub(super) fn vm<'a>(&'a self, whole: &'a [u8]) -> Result<Vm<'a>, VmError> {
        let unknown = self.flags.get() & !FLAG_DTB;
        if unknown != 0 {
            return Err(VmError::Flags(unknown));
        }
        let vm = Vm {
            name: self.name()?,
            image: self.image(whole).ok_or(VmError::Image)?,
            memory_base: self.memory_base.get(),
            memory_size: self.memory_size.get(),
            load_address: self.load_address.get(),
            argument: self.argument.get(),
            vcpus: self.vcpus.get(),
            properties: self.properties.get(),
            uuid: self.uuid,
            life_ms: self.life_ms.get(),
            restarts: self.restarts.get(),
            dtb: self.flags.get() & FLAG_DTB != 0,
        };
        check(&vm).map(|()| vm)
    }

    fn name(&self) -> Result<&str, VmError> {
        let length = self.name.iter().position(|&byte| byte == 0).unwrap_or(NAME_LENGTH);
        let name = self.name.get(..length).unwrap_or_default();
        core::str::from_utf8(name).map_err(|_| VmError::Name)
    }

    fn image<'a>(&self, whole: &'a [u8]) -> Option<&'a [u8]> {
        let start = usize::try_from(self.image_offset.get()).ok()?;
        let length = usize::try_from(self.image_length.get()).ok()?;
        whole.get(start..start.checked_add(length)?)
    }
}

fn check(vm: &Vm<'_>) -> Result<(), VmError> {
    if !vm.name.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') {
        return Err(VmError::Name);
    }
    if !(1..=MAX_VCPUS).contains(&vm.vcpus) {
        return Err(VmError::Vcpus(vm.vcpus));
    }
    check_memory(vm)?;
    check_image(vm)
}

fn check_memory(vm: &Vm<'_>) -> Result<(), VmError> {
    let whole_pages = vm.memory_base.is_multiple_of(PAGE) && vm.memory_size.is_multiple_of(PAGE);
    if !whole_pages || vm.memory_size == 0 {
        return Err(VmError::MemoryNotPages);
    }
    let end = vm.memory_base.checked_add(vm.memory_size).ok_or(VmError::MemoryOutside)?;
    if vm.memory_base < MEMORY_START || end > MEMORY_END {
        return Err(VmError::MemoryOutside);
    }
    Ok(())
}

/// After [`check_memory`].
fn check_image(vm: &Vm<'_>) -> Result<(), VmError> {
    if vm.image.is_empty() {
        return Err(VmError::Image);
    }
    if !vm.load_address.is_multiple_of(4) {
        return Err(VmError::LoadUnaligned);
    }
    let offset = vm.load_address.checked_sub(vm.memory_base).ok_or(VmError::LoadOutside)?;
    match vm.memory_size.checked_sub(offset) {
        Some(room) if vm.image.len() as u64 <= room => Ok(()),
        _ => Err(VmError::LoadOutside),
    }
}

/// The bytes of a bundle; VMs with equal images share one.
pub(super) fn encode(options: Options, vms: &[Vm<'_>]) -> Result<Vec<u8>, BundleError> {
    let mut bytes = vec![0; images_start(vms.len())];
    let mut records: Vec<Record> = Vec::new();
    for (index, vm) in vms.iter().enumerate() {
        let mut earlier = vms.iter().zip(&records);
        let image_offset = match earlier.find(|(other, _)| other.image == vm.image) {
            Some((_, record)) => record.image_offset,
            None => append(&mut bytes, vm.image),
        };
        let record = Record::new(vm, image_offset);
        records.push(record.map_err(|error| BundleError::Vm(index + 1, error))?);
    }
    let header = Header::new(options, vms.len(), bytes.len());
    let head = [header.as_bytes(), records.as_bytes()].concat();
    bytes.splice(..head.len(), head);
    Ok(bytes)
}

/// Gives the offset at which the image now is.
fn append(bytes: &mut Vec<u8>, image: &[u8]) -> U64 {
    bytes.resize(bytes.len().next_multiple_of(IMAGE_ALIGNMENT), 0);
    let offset = bytes.len();
    bytes.extend_from_slice(image);
    U64::new(offset as u64)
}

impl Header {
    fn new(options: Options, vm_count: usize, total_length: usize) -> Self {
        let allow_all = options.policy == PolicyKind::AllowAll;
        let bits = if options.trace { OPTION_TRACE } else { 0 }
            | if allow_all { OPTION_ALLOW_ALL } else { 0 };
        Self {
            magic: MAGIC,
            version: U32::new(VERSION),
            options: U32::new(bits),
            total_length: U64::new(total_length as u64),
            vm_count: U64::new(vm_count as u64),
            reserved: [0; 16],
        }
    }
}

impl Record {
    fn new(vm: &Vm<'_>, image_offset: U64) -> Result<Self, VmError> {
        let mut name = [0; NAME_LENGTH];
        name.get_mut(..vm.name.len()).ok_or(VmError::Name)?.copy_from_slice(vm.name.as_bytes());
        Ok(Self {
            memory_base: U64::new(vm.memory_base),
            memory_size: U64::new(vm.memory_size),
            load_address: U64::new(vm.load_address),
            argument: U64::new(vm.argument),
            image_offset,
            image_length: U64::new(vm.image.len() as u64),
            vcpus: U16::new(vm.vcpus),
            flags: U16::new(if vm.dtb { FLAG_DTB } else { 0 }),
            properties: U32::new(vm.properties),
            life_ms: U32::new(vm.life_ms),
            restarts: U32::new(vm.restarts),
            uuid: vm.uuid,
            name,
            reserved: [0; 32],
        })
    }
}
