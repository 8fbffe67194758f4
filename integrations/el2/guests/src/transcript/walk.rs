//! `FFA_PARTITION_INFO_GET_REGS`, from the first index to beyond the last, and with wrong tags.

use ffa_abi::{FunctionId, Regs};

use super::{Transcript, is_success};
use crate::client::Machine;

/// Indices that no list reaches.
const FAR: [u64; 4] = [0x100, 0xFFFB, 0xFFFC, 0xFFFF];
const UNKNOWN_UUID: [u64; 2] = [0x1234_5678_9ABC_DEF0, 4];

impl<M: Machine, P: FnMut(&str)> Transcript<M, P> {
    pub(super) fn walk(&mut self) {
        self.heading("FFA_PARTITION_INFO_GET_REGS from every index to beyond the last");
        let first = self.from(0, 0);
        let last = if is_success(&first) { u64::from(first.half(2)) } else { 0 };
        let tag = self.tag.unwrap_or(0);
        for start in (1..=last + 1).chain(FAR) {
            self.from(start, tag);
        }
        self.wrong_tags(tag);
        self.heading("by a UUID that nobody has, with reserved bits, with marks");
        let [x1, x2] = UNKNOWN_UUID;
        self.call(FunctionId::PARTITION_INFO_GET_REGS, [x1, x2, 0]);
        self.call(FunctionId::PARTITION_INFO_GET_REGS, [0, 1 << 63, 0]);
        self.call(FunctionId::PARTITION_INFO_GET_REGS, [0, 0, 1 << 32]);
        self.call(FunctionId::PARTITION_INFO_GET_REGS, [0, 0, 0, 1]);
        self.call_marked(FunctionId::PARTITION_INFO_GET_REGS, []);
    }

    fn wrong_tags(&mut self, tag: u16) {
        self.heading("with a tag at the first index, with the next tag, and without one");
        self.from(0, tag);
        self.from(0, tag.wrapping_add(1));
        self.from(1, tag.wrapping_add(1));
        self.from(1, 0);
    }

    fn from(&mut self, start: u64, tag: u16) -> Regs {
        self.call(FunctionId::PARTITION_INFO_GET_REGS, [0, 0, u64::from(tag) << 16 | start])
    }
}
