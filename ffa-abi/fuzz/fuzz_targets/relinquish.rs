//! What `FFA_MEM_RELINQUISH` finds in a buffer: `[descriptor]`.
#![no_main]

use std::collections::HashSet;

use ffa_abi::{EndpointId, Relinquish};
use ffa_abi_fuzz::{said, shown, word, written};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let read = match Relinquish::parse(bytes) {
        Ok(read) => read,
        Err(error) => {
            said(format_args!("{error}"));
            assert!(!is_descriptor(bytes), "{error}");
            return;
        }
    };
    assert!(is_descriptor(bytes));
    shown(&read);
    assert_eq!(read.handle().0.to_le_bytes(), bytes[..8]);
    assert_eq!(read.flags().bits(), u32::from(bytes[8]) & 3);
    assert_eq!(read.endpoints().len(), read.endpoints().count());
    let endpoints: Vec<EndpointId> = read.endpoints().collect();
    let length = 16 + 2 * endpoints.len();
    let write =
        |buffer: &mut [u8]| Relinquish::write(buffer, read.handle(), read.flags(), &endpoints);
    let mut expected = bytes[..length].to_vec();
    expected[8..12].copy_from_slice(&read.flags().bits().to_le_bytes());
    assert_eq!(written(length, write), expected);
});

/// As the document says it: at least one id, all there, none twice.
fn is_descriptor(bytes: &[u8]) -> bool {
    let Some((header, ids)) = bytes.split_at_checked(16) else { return false };
    let count = word(header, 12) as usize;
    let ids: Vec<&[u8]> = ids.chunks_exact(2).take(count).collect();
    let distinct: HashSet<&&[u8]> = ids.iter().collect();
    count != 0 && ids.len() == count && distinct.len() == count
}
