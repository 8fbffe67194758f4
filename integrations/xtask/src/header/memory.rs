//! Constants of memory management and boot information.

use ffa_abi::{
    BOOT_INFORMATION_SIGNATURE, BootInformationWriter, BootItemName, BootItemType, BuildError,
    Cacheability, DataAccess, DeviceMemory, InstructionAccess, MemReclaimFlags, MemoryAttributes,
    MemoryHandle, MemoryType, PageDataAccess, PagePermissions, Permissions, ReceiverFlags,
    RelinquishFlags, Shareability, TransactionFlags, TransactionType, Uuid, Version,
    raw::{RawBootDescriptor, RawBootHeader},
};
use zerocopy::FromBytes;

use super::group::{Group, no_comment, single_bits};

pub(super) fn groups() -> Vec<Group> {
    vec![transactions(), handles(), attributes(), permissions(), pages(), boot_information()]
}

fn transactions() -> Group {
    let sent = |kind| TransactionFlags::empty().with_type(kind).bits();
    let about = "Flags of transactions, of relinquish descriptors, and in w3 of FFA_MEM_RECLAIM. \
                 The type is what the region was sent by.";
    Group::new("Memory transactions", about)
        .flags::<TransactionFlags>("TRANSACTION", no_comment)
        .bits("TRANSACTION_TYPE_MASK", TransactionFlags::TYPE.bits(), "")
        .bits("TRANSACTION_SHARE", sent(TransactionType::Share), "")
        .bits("TRANSACTION_LEND", sent(TransactionType::Lend), "")
        .bits("TRANSACTION_DONATE", sent(TransactionType::Donate), "")
        .field("TRANSACTION_HINT", TransactionFlags::HINT.bits(), "if HINT_VALID")
        .flags::<RelinquishFlags>("RELINQUISH", no_comment)
        .flags::<MemReclaimFlags>("MEM_RECLAIM", no_comment)
}

fn handles() -> Group {
    let hypervisor = single_bits(|bit| MemoryHandle(bit).allocated_by_hypervisor());
    let about = "In registers two words, the lower half first.";
    Group::new("Memory handles", about)
        .bits("HANDLE_HYPERVISOR", hypervisor, "its, not the SPMC's")
        .bits("HANDLE_INVALID", MemoryHandle::INVALID.0, "")
}

fn attributes() -> Group {
    let bits = |memory, non_secure| MemoryAttributes { memory, non_secure }.bits();
    let device = |kind| bits(MemoryType::Device(kind), false);
    let normal =
        |cacheability, shareability| bits(MemoryType::Normal { cacheability, shareability }, false);
    let uncached = normal(Cacheability::NonCacheable, Shareability::None);
    let cached = normal(Cacheability::WriteBack, Shareability::None);
    let outer = uncached ^ normal(Cacheability::NonCacheable, Shareability::Outer);
    let inner = uncached ^ normal(Cacheability::NonCacheable, Shareability::Inner);
    let kinds = device(DeviceMemory::NgNrNe) ^ device(DeviceMemory::Gre);
    let about = "One kind of memory, and with normal memory one shareability, or none.";
    Group::new("Memory region attributes", about)
        .bits("MEMORY_DEVICE_NGNRNE", device(DeviceMemory::NgNrNe), "")
        .bits("MEMORY_DEVICE_NGNRE", device(DeviceMemory::NgNre), "")
        .bits("MEMORY_DEVICE_NGRE", device(DeviceMemory::Ngre), "")
        .bits("MEMORY_DEVICE_GRE", device(DeviceMemory::Gre), "")
        .bits("MEMORY_NORMAL_NON_CACHEABLE", uncached, "")
        .bits("MEMORY_NORMAL_WRITE_BACK", cached, "")
        .bits("MEMORY_OUTER_SHAREABLE", outer, "")
        .bits("MEMORY_INNER_SHAREABLE", inner, "")
        .bits("MEMORY_NON_SECURE", bits(MemoryType::NotSpecified, true), "1.1, when retrieved")
        .bits("MEMORY_NORMAL", MemoryAttributes::NORMAL.bits(), "write-back, inner")
        .bits("MEMORY_TYPE_MASK", (device(DeviceMemory::Gre) | cached) & !kinds, "")
        .bits("MEMORY_CACHEABILITY_MASK", kinds, "or kind of device")
        .bits("MEMORY_SHAREABILITY_MASK", outer | inner, "")
}

fn permissions() -> Group {
    let data = |data| Permissions { data, instruction: InstructionAccess::NotSpecified }.bits();
    let code = |instruction| Permissions { data: DataAccess::NotSpecified, instruction }.bits();
    let (read, write) = (data(DataAccess::ReadOnly), data(DataAccess::ReadWrite));
    let (never, runs) =
        (code(InstructionAccess::NotExecutable), code(InstructionAccess::Executable));
    Group::new("Access to a memory region", "Permissions of a receiver, and the flags beside them.")
        .bits("ACCESS_READ_ONLY", read, "")
        .bits("ACCESS_READ_WRITE", write, "")
        .bits("ACCESS_DATA_MASK", read | write, "")
        .bits("ACCESS_NOT_EXECUTABLE", never, "")
        .bits("ACCESS_EXECUTABLE", runs, "")
        .bits("ACCESS_INSTRUCTION_MASK", never | runs, "")
        .flags::<ReceiverFlags>("RECEIVER", no_comment)
}

fn pages() -> Group {
    let page = |data, executable| PagePermissions::new(data, executable).bits();
    let not_executable = page(PageDataAccess::None, true) ^ page(PageDataAccess::None, false);
    let about =
        "Not as in descriptors: w3 of FFA_MEM_PERM_SET, w2 of the reply of FFA_MEM_PERM_GET.";
    Group::new("Access of a secure partition to its own pages", about)
        .bits("MEM_PERM_NONE", page(PageDataAccess::None, true), "")
        .bits("MEM_PERM_READ_WRITE", page(PageDataAccess::ReadWrite, true), "")
        .bits("MEM_PERM_READ_ONLY", page(PageDataAccess::ReadOnly, true), "")
        .bits("MEM_PERM_NOT_EXECUTABLE", not_executable, "")
}

fn boot_information() -> Group {
    let (text, uuid) = (BootItemName::Text(c""), BootItemName::Uuid(Uuid::NIL));
    let kind = BootItemType::FLATTENED_DEVICE_TREE;
    let address = boot_flags(|writer| writer.address(text, kind, 0, 0));
    let named = boot_flags(|writer| writer.address(uuid, kind, 0, 0));
    let value = boot_flags(|writer| writer.value(text, kind, 0, 1));
    let offset = boot_flags(|writer| writer.bytes(text, kind, &[0], None));
    let contents = value | offset;
    let types = single_bits(|bit| BootItemType(bit).is_implementation_defined());
    let about = "The signature in the header; in a descriptor the type, and flags that say what \
                 name and contents are.";
    Group::new("Boot information", about)
        .bits("BOOT_SIGNATURE", BOOT_INFORMATION_SIGNATURE, "")
        .bits("BOOT_TYPE_FLATTENED_DEVICE_TREE", kind.0, "")
        .bits("BOOT_TYPE_HAND_OFF_BLOCKS", BootItemType::HAND_OFF_BLOCKS.0, "")
        .bits("BOOT_TYPE_IMPLEMENTATION_DEFINED", types, "")
        .bits("BOOT_NAME_TEXT", address, "")
        .bits("BOOT_NAME_UUID", named, "")
        .bits("BOOT_NAME_MASK", (1_u16 << contents.trailing_zeros()) - 1, "")
        .bits("BOOT_CONTENTS_ADDRESS", address, "")
        .bits("BOOT_CONTENTS_VALUE", value, "")
        .bits("BOOT_CONTENTS_OFFSET", offset, "1.3")
        .bits("BOOT_CONTENTS_MASK", contents, "")
}

/// The flags of the only descriptor of boot information.
fn boot_flags(add: impl FnOnce(&mut BootInformationWriter<'_>) -> Result<(), BuildError>) -> u16 {
    let mut page = [0; 128];
    let written = BootInformationWriter::new(&mut page, Version::V1_3, 1)
        .and_then(|mut writer| add(&mut writer).and_then(|()| writer.finish()));
    let header = size_of::<RawBootHeader>();
    let descriptor = written.ok().and_then(|_| page.get(header..));
    let descriptor = descriptor.and_then(|bytes| RawBootDescriptor::ref_from_prefix(bytes).ok());
    descriptor.map_or(u16::MAX, |(descriptor, _)| descriptor.flags.get())
}
