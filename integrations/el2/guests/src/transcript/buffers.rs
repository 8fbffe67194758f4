//! `FFA_RXTX_MAP`, `FFA_RXTX_UNMAP` and `FFA_RX_RELEASE`, well used and badly.

use ffa_abi::{FunctionId, MAX_RXTX_PAGES};

use super::{Transcript, is_success};
use crate::client::Machine;

const PAGE: u64 = 4096;
/// No hypervisor gives a guest RAM here: the first gigabyte has devices, the fifth nothing.
const NO_RAM: [u64; 2] = [0x1_0000_0000, 0x1_0000_1000];
/// Addresses beyond what any VM has, up to the last page.
const BEYOND: [u64; 3] = [0x1_0000_0000_0000, 0x8000_0000_0000_0000, 0xFFFF_FFFF_FFFF_F000];

impl<M: Machine, P: FnMut(&str)> Transcript<M, P> {
    pub(super) fn buffers(&mut self) {
        let (tx, rx) = (self.machine.tx(), self.machine.rx());
        self.wrong_pages(tx, rx);
        self.wrong_addresses(tx, rx);
        for map in [FunctionId::RXTX_MAP_64, FunctionId::RXTX_MAP_32] {
            self.mapped(map, tx, rx);
        }
        self.heading("nothing is mapped");
        self.call(FunctionId::RXTX_UNMAP, []);
        self.call(FunctionId::RX_RELEASE, []);
    }

    fn wrong_pages(&mut self, tx: u64, rx: u64) {
        self.heading("FFA_RXTX_MAP of pages that are too few, too many, or not only a number");
        let too_many = u64::from(MAX_RXTX_PAGES) + 1;
        for pages in [0, 17, too_many, 0x41, 0x100, 0x8000_0001, 1 << 32] {
            self.map_wrongly([tx, rx, pages]);
        }
        self.heading("FFA_RXTX_MAP of buffers that overlap");
        self.map_wrongly([tx, tx, 1]);
        self.map_wrongly([tx, tx + PAGE, 2]);
        self.map_wrongly([tx + 2 * PAGE, tx, 3]);
    }

    fn wrong_addresses(&mut self, tx: u64, rx: u64) {
        self.heading("FFA_RXTX_MAP of addresses that are not aligned");
        for offset in [1, 8, 0x800, 0xFFF] {
            self.map_wrongly([tx + offset, rx, 1]);
            self.map_wrongly([tx, rx + offset, 1]);
        }
        self.heading("FFA_RXTX_MAP of what is no RAM");
        self.map_wrongly([NO_RAM[0], NO_RAM[1], 1]);
        for address in NO_RAM.into_iter().chain(BEYOND) {
            self.map_wrongly([address, rx, 1]);
            self.map_wrongly([tx, address, 1]);
        }
        self.map_wrongly([0, rx, 1]);
        self.map_wrongly([tx, 0, 1]);
        self.heading("FFA_RXTX_MAP up to the end of addresses and around it");
        self.map_wrongly([0xFFFF_FFFF_FFFF_F000, rx, 2]);
        self.map_wrongly([tx, 0xFFFF_FFFF_FFFF_E000, 3]);
    }

    /// Maps, and unmaps where that was accepted, so that the next call finds nothing mapped.
    fn map_wrongly(&mut self, arguments: [u64; 3]) {
        let reply = self.call(FunctionId::RXTX_MAP_64, arguments);
        if is_success(&reply) {
            self.call(FunctionId::RXTX_UNMAP, []);
        }
    }

    fn mapped(&mut self, map: FunctionId, tx: u64, rx: u64) {
        self.heading("buffers are mapped, released and unmapped, each twice");
        self.call_marked(map, [tx, rx, 1]);
        self.call(map, [tx, rx, 1]);
        self.call(map, [rx, tx, 1]);
        self.call(FunctionId::RX_RELEASE, []);
        self.call(FunctionId::RX_RELEASE, [1]);
        self.call(FunctionId::RXTX_UNMAP, [0x8001_0000]);
        self.call(FunctionId::RXTX_UNMAP, [1]);
        self.call_marked(FunctionId::RXTX_UNMAP, []);
        self.call(FunctionId::RXTX_UNMAP, []);
    }
}
