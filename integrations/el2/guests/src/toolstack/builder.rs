//! Starting a domain.

use super::layout::{Domctl, NewDomain, payload_of};
use super::{Context, Error, Hypervisor, Toolstack};

/// Size of a page, of a domain as of the hypervisor.
pub const PAGE: usize = 4096;
/// Where the memory of a domain starts.
const MEMORY: u64 = 0x4000_0000;
/// It has two pieces of 2 MB.
const ORDER: u32 = 9;
const PIECES: [u64; 2] = [MEMORY / PAGE as u64, MEMORY / PAGE as u64 + (1 << ORDER)];
/// All of it, in KB.
const SIZE: u64 = 4096;
/// Bytes for what maps it; far more than that takes.
const MAPPING: u64 = 1 << 20;

impl<H: Hypervisor> Toolstack<H> {
    /// Creates a domain with one vCPU and 4 MB, and lets it run. Its memory starts with `content`:
    /// a device tree in the first page, then the program.
    ///
    /// # Errors
    /// Xen's; then the domain may be there, and is to be destroyed.
    pub fn start(&self, id: u16, domain: NewDomain, content: &[u8]) -> Result<(), Error> {
        self.create(id, domain)?;
        self.set(Domctl::VCPUS, id, domain.max_vcpus.into())?;
        self.set(Domctl::WIDTH, id, 64)?;
        self.set(Domctl::MEMORY, id, SIZE)?;
        self.set(Domctl::MAPPING, id, MAPPING)?;
        self.fill(id, content)?;
        let context = Context::new(MEMORY + PAGE as u64, MEMORY);
        Error::check(self.0.set_vcpu(id, &context))?;
        self.set(Domctl::UNPAUSE, id, 0)
    }

    fn set(&self, command: u32, id: u16, value: u64) -> Result<(), Error> {
        Error::check(self.0.domctl(&mut Domctl::new(command, id, payload_of(value))))
    }

    fn fill(&self, id: u16, content: &[u8]) -> Result<(), Error> {
        if usize::try_from(self.0.populate(id, &PIECES, ORDER)) != Ok(PIECES.len()) {
            return Err(Error::NO_MEMORY);
        }
        for (frame, page) in (PIECES[0]..).zip(content.chunks(PAGE)) {
            Error::check(self.0.write_page(id, frame, page))?;
        }
        Ok(())
    }
}
