//! Memory that guests, the SPMC and the mediator share: words that anybody may change at any time,
//! and pages that are pinned while they serve as a buffer.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed, Ordering::SeqCst};

/// Bytes in a page.
pub const PAGE: usize = 4096;

const WORD: usize = 8;
const WORDS: usize = PAGE / WORD;

/// Pages of memory, at nobody's address.
pub struct Ram {
    words: Vec<AtomicU64>,
    /// How many buffers use a page.
    pins: Vec<AtomicU32>,
}

impl Ram {
    /// `pages` pages of zeroes.
    #[must_use]
    pub fn new(pages: usize) -> Arc<Ram> {
        let words = (0..pages * WORDS).map(|_| AtomicU64::new(0)).collect();
        let pins = (0..pages).map(|_| AtomicU32::new(0)).collect();
        Arc::new(Ram { words, pins })
    }

    /// How many pages there are.
    #[must_use]
    pub fn pages(&self) -> usize {
        self.pins.len()
    }

    /// How many buffers use `page`.
    #[must_use]
    pub fn pins(&self, page: usize) -> u32 {
        self.pins[page].load(SeqCst)
    }

    /// How many pages serve as a buffer.
    #[must_use]
    pub fn pinned_pages(&self) -> usize {
        (0..self.pages()).filter(|&page| self.pins(page) > 0).count()
    }

    /// Copies bytes out, each fetched once.
    pub fn read(&self, offset: usize, into: &mut [u8]) {
        if offset % WORD == 0 && into.len() % WORD == 0 {
            let words = &self.words[offset / WORD..];
            for (bytes, word) in into.chunks_exact_mut(WORD).zip(words) {
                bytes.copy_from_slice(&word.load(Relaxed).to_le_bytes());
            }
        } else {
            for (index, byte) in into.iter_mut().enumerate() {
                *byte = self.byte(offset + index);
            }
        }
    }

    /// Copies bytes in, each written once.
    pub fn write(&self, offset: usize, from: &[u8]) {
        if offset % WORD == 0 && from.len() % WORD == 0 {
            let words = &self.words[offset / WORD..];
            for (bytes, word) in from.chunks_exact(WORD).zip(words) {
                let bytes = bytes.first_chunk().copied().unwrap_or_default();
                word.store(u64::from_le_bytes(bytes), Relaxed);
            }
        } else {
            for (index, byte) in from.iter().enumerate() {
                self.set_byte(offset + index, *byte);
            }
        }
    }

    /// Bytes from `offset` on, as a copy.
    #[must_use]
    pub fn copy(&self, offset: usize, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        self.read(offset, &mut bytes);
        bytes
    }

    /// Fills pages with a byte.
    pub fn fill(&self, pages: Range<usize>, byte: u8) {
        let pattern = u64::from_le_bytes([byte; WORD]);
        for word in &self.words[pages.start * WORDS..pages.end * WORDS] {
            word.store(pattern, Relaxed);
        }
    }

    /// Whether pages hold nothing but a byte.
    #[must_use]
    pub fn is_filled(&self, pages: Range<usize>, byte: u8) -> bool {
        let pattern = u64::from_le_bytes([byte; WORD]);
        let words = &self.words[pages.start * WORDS..pages.end * WORDS];
        words.iter().all(|word| word.load(Relaxed) == pattern)
    }

    /// Pins pages for a buffer, all or none; `false` where one is a buffer's already.
    pub(crate) fn pin(&self, pages: Range<usize>) -> bool {
        for page in pages.clone() {
            if self.pins[page].fetch_add(1, SeqCst) > 0 {
                self.unpin(pages.start..page + 1);
                return false;
            }
        }
        true
    }

    pub(crate) fn unpin(&self, pages: Range<usize>) {
        for page in pages {
            self.pins[page].fetch_sub(1, SeqCst);
        }
    }

    fn byte(&self, offset: usize) -> u8 {
        self.words[offset / WORD].load(Relaxed).to_le_bytes()[offset % WORD]
    }

    fn set_byte(&self, offset: usize, byte: u8) {
        let change = |word: u64| {
            let mut bytes = word.to_le_bytes();
            bytes[offset % WORD] = byte;
            Some(u64::from_le_bytes(bytes))
        };
        let _always_changes = self.words[offset / WORD].fetch_update(Relaxed, Relaxed, change);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unaligned_bytes_are_copied_like_words() {
        let ram = Ram::new(1);
        ram.write(3, &[1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(ram.copy(0, 16), [0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 0, 0, 0, 0, 0, 0]);
        assert_eq!(ram.copy(5, 3), [3, 4, 5]);
    }

    #[test]
    fn a_page_that_is_a_buffer_is_no_second_one_and_nothing_else_stays_pinned() {
        let ram = Ram::new(4);
        assert!(ram.pin(2..3));
        assert!(!ram.pin(0..4));
        assert_eq!((0..4).map(|page| ram.pins(page)).collect::<Vec<_>>(), [0, 0, 1, 0]);
    }
}
