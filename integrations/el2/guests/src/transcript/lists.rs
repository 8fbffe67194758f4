//! `FFA_PARTITION_INFO_GET`: lists in the RX buffer, counts, and who owns the buffer.

use ffa_abi::{FunctionId, Regs, partition_descriptor_size};

use super::{Transcript, format, is_success};
use crate::client::{BUFFER_SIZE, Machine};

/// Of nobody.
const UNKNOWN_UUID: [u64; 4] = [0x1234_5678, 0x9ABC_DEF0, 3, 4];
const COUNT_ONLY: u64 = 1;

impl<M: Machine, P: FnMut(&str)> Transcript<M, P> {
    pub(super) fn lists(&mut self) {
        self.heading("FFA_PARTITION_INFO_GET without buffers");
        self.list([0; 5]);
        self.list([0, 0, 0, 0, COUNT_ONLY]);
        self.map();
        self.heading("counted, listed, and listed again while RX is the caller's");
        self.list([0, 0, 0, 0, COUNT_ONLY]);
        self.list([0; 5]);
        self.list([0; 5]);
        self.list([0, 0, 0, 0, COUNT_ONLY]);
        self.call(FunctionId::RXTX_UNMAP, []);
        self.call(FunctionId::RX_RELEASE, []);
        self.call(FunctionId::RX_RELEASE, []);
        self.by_uuid();
        self.with_flags();
        self.heading("listed once more, and unmapped");
        self.list([0; 5]);
        self.call(FunctionId::RX_RELEASE, []);
        self.call(FunctionId::RXTX_UNMAP, []);
    }

    fn map(&mut self) {
        let (tx, rx) = (self.machine.tx(), self.machine.rx());
        self.call(FunctionId::RXTX_MAP_64, [tx, rx, 1]);
    }

    fn by_uuid(&mut self) {
        self.heading("by a UUID that nobody has");
        let [w1, w2, w3, w4] = UNKNOWN_UUID;
        self.list([w1, w2, w3, w4, 0]);
        self.list([w1, w2, w3, w4, COUNT_ONLY]);
        for word in 0..4 {
            let mut uuid = [0; 5];
            uuid.iter_mut().skip(word).take(1).for_each(|word| *word = 1);
            self.list(uuid);
        }
        self.heading("by the nil UUID, upper halves set");
        self.list([0xFFFF_FFFF << 32; 5]);
        self.call(FunctionId::RX_RELEASE, []);
    }

    fn with_flags(&mut self) {
        self.heading("flags that are reserved");
        for flags in [2, 3, 0x100, 0x8000_0000, 0xFFFF_FFFF] {
            let reply = self.list([0, 0, 0, 0, flags]);
            if is_success(&reply) {
                self.call(FunctionId::RX_RELEASE, []);
            }
        }
    }

    /// Prints what is in RX as well, if it is a list.
    fn list(&mut self, arguments: [u64; 5]) -> Regs {
        let reply = self.call(FunctionId::PARTITION_INFO_GET, arguments);
        if is_success(&reply) && arguments.last() != Some(&COUNT_ONLY) {
            self.print_descriptors(reply.w(2) as usize);
        }
        reply
    }

    fn print_descriptors(&mut self, count: usize) {
        let size = partition_descriptor_size(self.version);
        let mut buffer = [0; BUFFER_SIZE];
        self.machine.read_rx(&mut buffer);
        for bytes in buffer.chunks_exact(size).take(count) {
            format::descriptor(bytes, &mut self.print);
        }
    }
}
