//! The endpoint RX/TX descriptor: `[version] [descriptor]`.
#![no_main]

use ffa_abi::{BufferRegion, EndpointRxTx, MemoryRange, NewEndpointRxTx, PAGE_SIZE, Version};
use ffa_abi_fuzz::{Input, said, shown, written};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut input = Input(data);
    let version = input.version();
    let bytes = input.rest();
    match EndpointRxTx::parse(bytes, version) {
        Ok(read) => {
            let least = least_length(version, &read);
            assert!(bytes.len() >= least, "parts overlap");
            assert_eq!(bytes[..2], read.endpoint().0.to_le_bytes());
            survives(&read);
        }
        Err(error) => said(format_args!("{error}")),
    }
});

/// What the parts take that lie side by side: from 1.1 on there may be gaps between them.
fn least_length(version: Version, read: &EndpointRxTx<'_>) -> usize {
    let headers = if version < Version::V1_1 { 16 } else { 12 + 2 * 16 };
    headers + 16 * (read.rx().ranges().len() + read.tx().ranges().len())
}

fn survives(read: &EndpointRxTx<'_>) {
    shown(read);
    let (rx, tx) = (ranges(read.rx()), ranges(read.tx()));
    for version in [Version::V1_0, Version::V1_1, Version::V1_2, Version::V1_3] {
        let headers = if version < Version::V1_1 { 0 } else { 2 };
        let length = 16 * (1 + headers + rx.len() + tx.len());
        let new = NewEndpointRxTx { endpoint: read.endpoint(), rx: &rx, tx: &tx };
        let bytes = written(length, |buffer| new.write(buffer, version));
        let again = EndpointRxTx::parse(&bytes, version).expect("what was written");
        assert_eq!(again.endpoint(), read.endpoint());
        assert_eq!((ranges(again.rx()), ranges(again.tx())), (rx.clone(), tx.clone()));
    }
}

/// The ranges of a buffer, walked: what they and their sum promise holds.
fn ranges(region: &BufferRegion<'_>) -> Vec<MemoryRange> {
    let ranges: Vec<MemoryRange> = region.ranges().collect();
    assert!(!ranges.is_empty() && ranges.len() == region.ranges().len());
    let pages: u64 = ranges.iter().map(|range| u64::from(range.pages())).sum();
    assert_eq!(pages, u64::from(region.pages()));
    for range in &ranges {
        assert_eq!(MemoryRange::new(range.address(), range.pages()), Some(*range));
        assert!(range.address() % PAGE_SIZE == 0 && range.end() > range.address());
    }
    ranges
}
