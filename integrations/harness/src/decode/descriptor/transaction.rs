//! Memory transactions.

use ffa_abi::{
    FirstFragment, MemoryAttributes, MemoryHandle, MemoryRange, Permissions, ReceiverFlags,
    TransactionFlags, TransactionKind, Version,
};

use super::sheet::{Field, Item, Sheet, at, ignored, zero};
use super::{Dump, Read};
use crate::decode::show::{handle_owner, page_count, role};

const HEADER_1_0: &[Field] = &[
    at(0, 2, "sender", endpoint),
    at(2, 1, "attributes", attributes),
    zero(3, 1),
    at(4, 4, "flags", flags),
    at(8, 8, "handle", handle),
    at(16, 8, "tag", plain),
    zero(24, 4),
    at(28, 4, "receiver count", number),
];

const HEADER: &[Field] = &[
    at(0, 2, "sender", endpoint),
    at(2, 2, "attributes", attributes),
    at(4, 4, "flags", flags),
    at(8, 8, "handle", handle),
    at(16, 8, "tag", plain),
    at(24, 4, "access size", number),
    at(28, 4, "receiver count", number),
    at(32, 4, "access offset", plain),
    zero(36, 12),
];

const ACCESS: &[Field] = &[
    at(0, 2, "receiver", endpoint),
    at(2, 1, "permissions", permissions),
    at(3, 1, "flags", receiver_flags),
    at(4, 4, "composite offset", composite_offset),
    zero(8, 8),
];

const ACCESS_1_2: &[Field] = &[
    at(0, 2, "receiver", endpoint),
    at(2, 1, "permissions", permissions),
    at(3, 1, "flags", receiver_flags),
    at(4, 4, "composite offset", composite_offset),
    at(8, 16, "implementation-defined", hex),
    zero(24, 8),
];

const COMPOSITE: &[Field] =
    &[at(0, 4, "total page count", pages), at(4, 4, "range count", number), ignored(8, 8)];

/// What the parser says, for the kind that the call has or else the bytes suggest.
pub(super) fn read(dump: &Dump) -> Read {
    let bytes = match dump.length.and_then(|length| usize::try_from(length).ok()) {
        Some(length) => &dump.bytes[..length.min(dump.bytes.len())],
        None => dump.bytes.as_slice(),
    };
    let total = dump.length.or(u32::try_from(bytes.len()).ok()).unwrap_or(u32::MAX);
    let fragment = FirstFragment::parse(bytes, total, dump.version, kind(dump))?;
    let head = fragment.head();
    let guessed = if dump.call.is_none() { "; a guess, --call says it" } else { "" };
    let layout = head.layout();
    let rest = match fragment.rest().is_complete() {
        true => String::new(),
        false => format!("\nfirst fragment: {} of {total} bytes", bytes.len()),
    };
    Ok(format!("{head}\n{}, layout of {layout}{guessed}{rest}", head.kind()))
}

fn kind(dump: &Dump) -> TransactionKind {
    let byte = |offset: usize| dump.bytes.get(offset).copied().unwrap_or(0);
    let has_handle = (8..16).any(|offset| byte(offset) != 0);
    let is_empty = (28..32).all(|offset| byte(offset) == 0);
    match dump.call.map(|call| call.bits() & 0xff) {
        Some(0x71) => TransactionKind::Donate,
        Some(0x72) => TransactionKind::Lend,
        Some(0x73) => TransactionKind::Share,
        Some(0x74) if is_empty => TransactionKind::HypervisorRetrieveRequest,
        Some(0x74) => TransactionKind::RetrieveRequest,
        Some(_) => TransactionKind::RetrieveResponse,
        None if has_handle && is_empty => TransactionKind::HypervisorRetrieveRequest,
        None if has_handle => retrieval(dump),
        // Nothing in what an owner sends tells its calls apart, except that no share is zeroed.
        None if byte(4) & 1 != 0 => TransactionKind::Lend,
        None => TransactionKind::Share,
    }
}

/// The response has address ranges, and the request as a rule has none.
fn retrieval(dump: &Dump) -> TransactionKind {
    let response = TransactionKind::RetrieveResponse;
    let total = dump.length.or(u32::try_from(dump.bytes.len()).ok()).unwrap_or(u32::MAX);
    match FirstFragment::parse(&dump.bytes, total, dump.version, response) {
        Ok(_) => response,
        Err(_) => TransactionKind::RetrieveRequest,
    }
}

pub(super) fn show(sheet: &mut Sheet<'_>, version: Version) {
    let is_old = version < Version::V1_1;
    if !sheet.part("transaction header", 0, if is_old { HEADER_1_0 } else { HEADER }) {
        return;
    }
    let count = sheet.number(28, 4);
    let (size, first) = if is_old { (16, 32) } else { (sheet.number(24, 4), sheet.number(32, 4)) };
    let fields = if size == 32 { ACCESS_1_2 } else { ACCESS };
    // A size of 0 is refused; here it must not list the same bytes for ever.
    let place = move |index: usize| first.saturating_add(size.max(16).saturating_mul(index));
    sheet.list(count, "receivers", |sheet, index| {
        sheet.part(&format!("receiver {index}"), place(index), fields)
    });
    let held = count.min(sheet.len() / 16 + 1);
    let offsets = (0..held).map(|index| sheet.number(place(index).saturating_add(4), 4));
    let offset = offsets.into_iter().find(|offset| *offset != 0);
    if let Some(offset) = offset {
        composite(sheet, "composite memory region", offset);
    }
}

/// A composite memory region: its header and ranges.
pub(super) fn composite(sheet: &mut Sheet<'_>, title: &str, offset: usize) {
    if sheet.part(title, offset, COMPOSITE) {
        let count = sheet.number(offset.saturating_add(4), 4);
        ranges(sheet, "range", offset.saturating_add(16), count);
    }
}

/// Address ranges, a line each.
pub(super) fn ranges(sheet: &mut Sheet<'_>, name: &str, offset: usize, count: usize) {
    sheet.list(count, "ranges", |sheet, index| {
        let at = offset.saturating_add(16 * index);
        if sheet.len() < at.saturating_add(16) {
            sheet.missing(count - index, "ranges");
            return false;
        }
        let (address, pages) = (sheet.number(at, 8) as u64, sheet.number(at + 8, 4) as u64);
        let range = u32::try_from(pages).ok().and_then(|pages| MemoryRange::new(address, pages));
        let meaning = match range {
            Some(range) => format!("{}, up to {:#x}", page_count(pages), range.end() - 1),
            None => format!("{}: no range", page_count(pages)),
        };
        let reserved = sheet.number(at + 12, 4);
        let stray = if reserved == 0 { String::new() } else { format!("; reserved {reserved:#x}") };
        sheet.line(
            at,
            16,
            &format!("{name} {index}"),
            &format!("{address:#x}"),
            &(meaning + &stray),
        );
        true
    });
}

pub(super) fn endpoint(item: &Item<'_>) -> String {
    role(ffa_abi::EndpointId(item.u16()))
}

pub(super) fn plain(_: &Item<'_>) -> String {
    String::new()
}

pub(super) fn number(item: &Item<'_>) -> String {
    item.value.to_string()
}

pub(super) fn handle(item: &Item<'_>) -> String {
    handle_owner(MemoryHandle(item.value)).to_owned()
}

fn hex(item: &Item<'_>) -> String {
    item.bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn pages(item: &Item<'_>) -> String {
    page_count(item.value)
}

fn attributes(item: &Item<'_>) -> String {
    match MemoryAttributes::from_bits(item.u16()) {
        Ok(attributes) => attributes.to_string(),
        Err(field) => format!("{field} is reserved"),
    }
}

fn flags(item: &Item<'_>) -> String {
    let flags = TransactionFlags::from_bits_retain(item.u32());
    let hint = flags.alignment_hint().map_or(String::new(), |hint| format!(" hint={hint}"));
    let reserved = flags.bits() >> 11 << 11;
    let reserved =
        if reserved == 0 { String::new() } else { format!("; {reserved:#x} MUST BE ZERO") };
    format!("{flags}{hint}{reserved}")
}

fn permissions(item: &Item<'_>) -> String {
    let bits = u8::try_from(item.value).unwrap_or(0);
    let ignored = if bits >> 4 == 0 { "" } else { "; bits 7:4 ignored, should be zero" };
    match Permissions::from_bits(bits) {
        Ok(permissions) => format!("{permissions}{ignored}"),
        Err(field) => format!("{field} is reserved{ignored}"),
    }
}

fn receiver_flags(item: &Item<'_>) -> String {
    let flags = ReceiverFlags::from_bits_retain(u8::try_from(item.value).unwrap_or(0));
    let other = flags - ReceiverFlags::all();
    let said = flags.contains(ReceiverFlags::NON_RETRIEVAL_BORROWER);
    let said = if said { "non-retrieval borrower" } else { "" };
    if other.is_empty() {
        return said.to_owned();
    }
    format!("{said}; {:#x} ignored, should be zero", other.bits())
}

fn composite_offset(item: &Item<'_>) -> String {
    (if item.value == 0 { "no ranges: the handle says which region" } else { "" }).to_owned()
}
