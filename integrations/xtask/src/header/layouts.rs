//! The descriptors of `ffa_abi::raw` as structures of C, and what must hold of them.

use ffa_abi::raw::{Element, Field, LAYOUTS, Layout};

use super::text::{comment, trailing_comment};

/// How far from the left the comments of fields begin.
const COMMENT_COLUMN: usize = 40;

/// What the documentation of descriptors points to, by its name in C.
const LINKS: [(&str, &str); 10] = [
    ("BOOT_INFORMATION_SIGNATURE", "FFA_BOOT_SIGNATURE"),
    ("BootItemType", "FFA_BOOT_TYPE_*"),
    ("MemoryAttributes", "FFA_MEMORY_*"),
    ("MemoryHandle", "FFA_HANDLE_*"),
    ("PartitionProperties", "FFA_PARTITION_*"),
    ("Permissions", "FFA_ACCESS_*"),
    ("ReceiverFlags", "FFA_RECEIVER_*"),
    ("RelinquishFlags", "FFA_RELINQUISH_*"),
    ("TransactionFlags", "FFA_TRANSACTION_*"),
    ("Version", "FFA_VERSION_*"),
];

/// All structures.
pub(super) fn structures() -> String {
    LAYOUTS.iter().map(structure).collect()
}

/// Sizes and offsets, as the compiler can check them.
pub(super) fn assertions() -> String {
    LAYOUTS.iter().map(assertions_of).collect()
}

fn structure(layout: &Layout) -> String {
    let fields: String = layout.fields.iter().map(declaration).collect();
    let about = comment(&in_c(layout.about));
    format!("\n{about}struct {} {{\n{fields}}} FFA_ABI_PACKED;\n", tag(layout.name))
}

fn declaration(field: &Field) -> String {
    let array = if field.count == 1 { String::new() } else { format!("[{}]", field.count) };
    let code = format!("    {} {}{array};", c_type(field.element), field.name);
    let about = format!("{:>2}  {}", field.offset, in_c(field.about));
    trailing_comment(&code, COMMENT_COLUMN, &about)
}

fn assertions_of(layout: &Layout) -> String {
    let tag = tag(layout.name);
    let offset =
        |field: &Field| format!("FFA_ABI_OFFSET({tag}, {}, {}U);\n", field.name, field.offset);
    let offsets: String = layout.fields.iter().map(offset).collect();
    format!("FFA_ABI_SIZE({tag}, {}U);\n{offsets}\n", layout.size)
}

/// `RawTransaction1_0` is `ffa_transaction_1_0`.
fn tag(name: &str) -> String {
    let mut tag = String::from("ffa");
    let mut before = '_';
    for letter in name.trim_start_matches("Raw").chars() {
        let starts_word = letter.is_uppercase() || (letter.is_ascii_digit() && before != '_');
        if starts_word {
            tag.push('_');
        }
        tag.push(letter.to_ascii_lowercase());
        before = letter;
    }
    tag
}

fn c_type(element: Element) -> &'static str {
    match element {
        Element::U8 => "uint8_t",
        Element::U16 => "uint16_t",
        Element::U32 => "uint32_t",
        Element::U64 => "uint64_t",
    }
}

/// Documentation whose links are names in C. One that has none stays: a test finds it.
fn in_c(about: &str) -> String {
    // The heading says it of all.
    let about = about.replace(", as it lies in a buffer", "");
    LINKS.iter().fold(about, |about, (rust, c)| {
        about.replace(&format!("[`crate::{rust}`]"), c).replace(&format!("[`{rust}`]"), c)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_written_as_in_c() {
        let tags = ["PartitionInfo1_0", "RawEndpointRxTx", "RawAccess1_2"].map(tag);
        assert_eq!(tags, ["ffa_partition_info_1_0", "ffa_endpoint_rx_tx", "ffa_access_1_2"]);
    }

    #[test]
    fn documentation_points_to_nothing_that_c_does_not_have() {
        for layout in LAYOUTS {
            let fields = layout.fields.iter().map(|field| field.about);
            for about in fields.chain([layout.about]).map(in_c) {
                let is_plain = !about.contains(['`', '[']) && !about.contains("::");
                assert!(is_plain, "add to LINKS what {} points to: {about}", layout.name);
            }
        }
    }
}
