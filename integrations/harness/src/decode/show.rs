//! What values mean, in words.

use ffa_abi::{
    EndpointId, Feature, FrameworkKind, FrameworkNotifications, FunctionId, MemoryHandle,
    Notifications, PagePermissions, PartitionProperties, Status, Uuid, Version, WarmBoot,
};

use super::table::Seen;

/// The value says it.
pub(crate) fn hex(_: &Seen<'_>) -> String {
    String::new()
}

pub(crate) fn number(seen: &Seen<'_>) -> String {
    seen.value.to_string()
}

pub(crate) fn flag(seen: &Seen<'_>) -> String {
    (if seen.value == 0 { "no" } else { "yes" }).to_owned()
}

pub(crate) fn endpoint(seen: &Seen<'_>) -> String {
    role(EndpointId(seen.half()))
}

/// An id as the one it names.
pub(crate) fn role(id: EndpointId) -> String {
    match id.0 {
        0 => "0, the hypervisor or nobody".to_owned(),
        vm if !id.is_secure() => format!("VM {vm}"),
        _ => format!("secure, {id}"),
    }
}

pub(crate) fn vcpu(seen: &Seen<'_>) -> String {
    format!("vCPU {}", seen.value)
}

/// In w1..w4, or any four in a row: told in the first.
pub(crate) fn uuid_words(seen: &Seen<'_>) -> String {
    let word = |index| seen.scene.regs.w(seen.start + index);
    seen.told_once(|| show_uuid(Uuid::from_words([word(0), word(1), word(2), word(3)])))
}

/// In two registers of 64 bits: told in the first.
pub(crate) fn uuid(seen: &Seen<'_>) -> String {
    let word = |index| seen.scene.regs.x(seen.start + index);
    seen.told_once(|| show_uuid(Uuid::from_double_words([word(0), word(1)])))
}

pub(crate) fn show_uuid(uuid: Uuid) -> String {
    format!("{uuid}{}", if uuid.is_nil() { " (nil)" } else { "" })
}

/// In two words, the low one first: told in the first.
pub(crate) fn handle(seen: &Seen<'_>) -> String {
    let handle = MemoryHandle(seen.two_words());
    seen.told_once(|| format!("{handle}, {}", handle_owner(handle)))
}

/// Who made the handle.
pub(crate) fn handle_owner(handle: MemoryHandle) -> &'static str {
    match handle {
        MemoryHandle(0) | MemoryHandle::INVALID => "none",
        _ if handle.allocated_by_hypervisor() => "allocated by the hypervisor",
        _ => "allocated by the SPMC",
    }
}

/// In two words, the low one first: told in the first.
pub(crate) fn notifications(seen: &Seen<'_>) -> String {
    let ids = |bits| Notifications(bits).ids().map(|id| id.to_string()).collect::<Vec<_>>();
    seen.told_once(|| listed(&ids(seen.two_words())))
}

pub(crate) fn framework_notifications(seen: &Seen<'_>) -> String {
    let set = FrameworkNotifications::from_bits_retain(seen.word());
    let full = set.contains(FrameworkNotifications::RX_BUFFER_FULL).then_some("RX buffer full");
    let unknown = set - FrameworkNotifications::all();
    let unknown = (!unknown.is_empty()).then(|| format!("unknown {:#x}", unknown.bits()));
    listed(&full.map(str::to_owned).into_iter().chain(unknown).collect::<Vec<_>>())
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

pub(crate) fn status(seen: &Seen<'_>) -> String {
    let status = Status::from_bits(seen.word());
    match (status.0, status.name()) {
        (0, _) => "0, success".to_owned(),
        (code, Some(name)) => format!("{name} ({code})"),
        (_, None) => status.to_string(),
    }
}

pub(crate) fn version(seen: &Seen<'_>) -> String {
    match Version::from_bits(seen.word()) {
        Some(version) => version.to_string(),
        None => Status::from_bits(seen.word()).to_string(),
    }
}

/// Bit 31 of a version: what has it set is none.
pub(crate) fn not_in_a_version(seen: &Seen<'_>) -> String {
    (if seen.value == 0 { "0" } else { "MUST BE ZERO: no version, answered NOT_SUPPORTED" })
        .to_owned()
}

pub(crate) fn bytes(seen: &Seen<'_>) -> String {
    format!("{} bytes", seen.value)
}

pub(crate) fn pages(seen: &Seen<'_>) -> String {
    page_count(seen.value)
}

pub(crate) fn page_count(pages: u64) -> String {
    let plural = if pages == 1 { "" } else { "s" };
    format!("{pages} page{plural}, {} KiB", pages * 4)
}

/// Pages after the first.
pub(crate) fn further_pages(seen: &Seen<'_>) -> String {
    page_count(seen.value + 1)
}

pub(crate) fn page_address(seen: &Seen<'_>) -> String {
    (if seen.value % 0x1000 == 0 { "page aligned" } else { "NOT page aligned" }).to_owned()
}

/// Where a transaction descriptor lies.
pub(crate) fn buffer(seen: &Seen<'_>) -> String {
    if seen.value == 0 { "the caller's TX buffer".to_owned() } else { page_address(seen) }
}

pub(crate) fn nanoseconds(seen: &Seen<'_>) -> String {
    seen.told_once(|| match seen.two_words() {
        0 => "none".to_owned(),
        time => format!("{time} ns"),
    })
}

/// Characters in a register, the first in the lowest byte, without zeros at the end.
pub(crate) fn characters(seen: &Seen<'_>) -> String {
    let bytes = seen.scene.r(seen.register).to_le_bytes();
    let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    format!("\"{}\"", bytes[..end].escape_ascii())
}

pub(crate) fn page_permissions(seen: &Seen<'_>) -> String {
    PagePermissions::from_bits_truncate(seen.word()).to_string()
}

pub(crate) fn properties(seen: &Seen<'_>) -> String {
    PartitionProperties::from_bits_retain(seen.word()).to_string()
}

pub(crate) fn framework_type(seen: &Seen<'_>) -> String {
    FrameworkKind(u8::try_from(seen.value).unwrap_or(0)).to_string()
}

pub(crate) fn warm_boot(seen: &Seen<'_>) -> String {
    WarmBoot(seen.word()).to_string()
}

pub(crate) fn psci_status(seen: &Seen<'_>) -> String {
    Status::from_bits(seen.word()).0.to_string()
}

/// w1 of `FFA_FEATURES`.
pub(crate) fn feature(seen: &Seen<'_>) -> String {
    match (FunctionId::from_bits(seen.word()), seen.value) {
        (Some(function), _) => function.to_string(),
        (None, id) if id >> 31 == 1 => "a function ID that is not FF-A's".to_owned(),
        (None, _) => match Feature(seen.word()).name() {
            Some(name) => name.replace('_', " ").to_lowercase(),
            None => format!("unknown feature {}", seen.value),
        },
    }
}

/// Ids of 16 bits, the first in the lowest bits.
pub(crate) fn ids(seen: &Seen<'_>) -> String {
    let count = if seen.scene.width == ffa_abi::Width::Bits32 { 2 } else { 4 };
    let id = |index: u32| format!("{:#06x}", seen.value >> (16 * index) & 0xffff);
    (0..count).map(id).collect::<Vec<_>>().join(" ")
}

impl Seen<'_> {
    pub(crate) fn word(&self) -> u32 {
        (self.value & 0xffff_ffff).try_into().expect("32 bits")
    }

    fn half(&self) -> u16 {
        (self.value & 0xffff).try_into().expect("16 bits")
    }

    /// The low half in the first register of the place, the high one in the next.
    fn two_words(&self) -> u64 {
        let word = |index| u64::from(self.scene.regs.w(self.start + index));
        word(1) << 32 | word(0)
    }

    /// Of a field in several registers, each has a row, and the first one tells.
    fn told_once(&self, tell: impl FnOnce() -> String) -> String {
        if self.register == self.start { tell() } else { String::new() }
    }
}
