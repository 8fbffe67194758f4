//! Boot information.

use ffa_abi::{BOOT_INFORMATION_SIGNATURE, BootItemType, Version};

use super::sheet::{Field, Item, Sheet, at, zero};
use super::transaction::{number, plain};
use crate::decode::show::show_uuid;

const HEADER: &[Field] = &[
    at(0, 4, "signature", signature),
    at(4, 4, "version", version),
    at(8, 4, "blob size", number),
    at(12, 4, "descriptor size", number),
    at(16, 4, "descriptor count", number),
    at(20, 4, "array offset", plain),
    zero(24, 8),
];

const ITEM: &[Field] = &[
    at(0, 16, "name", name),
    at(16, 1, "type", item_type),
    zero(17, 1),
    at(18, 2, "flags", flags),
    at(20, 4, "size", number),
    at(24, 8, "contents", plain),
];

pub(super) fn show(sheet: &mut Sheet<'_>) {
    if !sheet.part("boot information header", 0, HEADER) {
        return;
    }
    let (size, count, offset) = (sheet.number(12, 4), sheet.number(16, 4), sheet.number(20, 4));
    sheet.list(count, "descriptors", |sheet, index| {
        // A size of 0 is refused; here it must not list the same bytes for ever.
        let place = offset.saturating_add(size.max(8).saturating_mul(index));
        sheet.part(&format!("descriptor {index}"), place, ITEM)
    });
}

fn signature(item: &Item<'_>) -> String {
    let is_known = item.u32() == BOOT_INFORMATION_SIGNATURE;
    if is_known { String::new() } else { format!("NOT {BOOT_INFORMATION_SIGNATURE:#x}") }
}

fn version(item: &Item<'_>) -> String {
    Version::from_bits(item.u32()).map_or("no version".to_owned(), |version| version.to_string())
}

/// As text where it is some, else as the UUID that it may be.
fn name(item: &Item<'_>) -> String {
    let end = item.bytes.iter().position(|byte| *byte == 0).unwrap_or(item.bytes.len());
    let (text, rest) = item.bytes.split_at(end);
    let is_text = text.iter().all(u8::is_ascii_graphic) && rest.iter().all(|byte| *byte == 0);
    match item.bytes.try_into() {
        Ok(bytes) if !is_text => show_uuid(ffa_abi::Uuid(bytes)),
        _ => format!("\"{}\"", text.escape_ascii()),
    }
}

fn item_type(item: &Item<'_>) -> String {
    BootItemType(u8::try_from(item.value).unwrap_or(0)).to_string()
}

fn flags(item: &Item<'_>) -> String {
    let name = ["text", "UUID", "reserved", "reserved"][usize::from(item.u16() & 3)];
    let contents =
        ["address", "value", "offset (1.3)", "reserved"][usize::from(item.u16() >> 2 & 3)];
    let stray = if item.u16() >> 4 == 0 { "" } else { "; bits 15:4 MUST BE ZERO" };
    format!("name is {name}, contents are {contents}{stray}")
}
