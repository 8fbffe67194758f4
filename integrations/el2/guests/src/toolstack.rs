//! A toolstack for Xen, as small as it can be: it looks at domains, starts them, and destroys them.

use core::fmt;

mod builder;
mod context;
mod layout;

pub use builder::PAGE;
pub use context::Context;
pub use layout::{Domain, Domctl, NewDomain, Payload, Shutdown, Sysctl, Tee, halves};

/// How often a domain is destroyed while Xen says that it is not done.
const DESTROY_CALLS: u32 = 10_000;

/// What the toolstack needs of the machine it runs on.
pub trait Hypervisor {
    /// `HYPERVISOR_domctl`.
    fn domctl(&self, call: &mut Domctl) -> i64;
    /// `HYPERVISOR_sysctl`.
    fn sysctl(&self, call: &mut Sysctl) -> i64;
    /// `XENMEM_populate_physmap`: gives a domain pieces of memory of 2^`order` pages at these
    /// frames. The result is how many it got.
    fn populate(&self, domain: u16, frames: &[u64], order: u32) -> i64;
    /// Writes to the start of a domain's page, not past its end.
    fn write_page(&self, domain: u16, frame: u64, bytes: &[u8]) -> i64;
    /// `XEN_DOMCTL_setvcpucontext` for the first vCPU.
    fn set_vcpu(&self, domain: u16, context: &Context) -> i64;
}

/// Why Xen did not do what it was asked for: a negative number of its errno.h.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Error(pub i64);

impl Error {
    /// No such domain, or no such CPU pool.
    pub const NOT_FOUND: Self = Self(-3);
    /// The call has to be made again.
    pub const AGAIN: Self = Self(-11);
    /// Xen lacks memory.
    pub const NO_MEMORY: Self = Self(-12);
    /// Something has to end first.
    pub const BUSY: Self = Self(-16);
    /// The domain id is in use.
    pub const EXISTS: Self = Self(-17);
    /// Something that was passed makes no sense.
    pub const INVALID: Self = Self(-22);
    /// The call has to be made again; Xen should have done so by itself.
    pub const RESTART: Self = Self(-85);

    /// The error that a hypercall's result tells of.
    ///
    /// # Errors
    /// If it does.
    pub const fn check(result: i64) -> Result<(), Self> {
        if result < 0 { Err(Self(result)) } else { Ok(()) }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match *self {
            Self::NOT_FOUND => "not found",
            Self::AGAIN => "again",
            Self::NO_MEMORY => "no memory",
            Self::BUSY => "busy",
            Self::EXISTS => "exists",
            Self::INVALID => "invalid argument",
            Self::RESTART => "restart",
            Self(number) => return write!(f, "error {number}"),
        };
        f.write_str(name)
    }
}

/// A toolstack on a hypervisor that lets it.
#[derive(Debug)]
pub struct Toolstack<H>(pub H);

impl<H: Hypervisor> Toolstack<H> {
    /// The domain with the lowest id from `id` on.
    ///
    /// # Errors
    /// Xen's.
    pub fn domain_from(&self, id: u16) -> Result<Option<Domain>, Error> {
        let mut call = Domctl::new(Domctl::INFO, id, [0; 32]);
        match Error::check(self.0.domctl(&mut call)) {
            Ok(()) => Ok(Some(Domain::from_reply(&call))),
            Err(Error::NOT_FOUND) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Creates a domain with this id that has neither memory nor vCPUs.
    ///
    /// # Errors
    /// Xen's.
    pub fn create(&self, id: u16, domain: NewDomain) -> Result<(), Error> {
        Error::check(self.0.domctl(&mut Domctl::new(Domctl::CREATE, id, domain.payload())))
    }

    /// Destroys a domain, whatever it is doing. Tells how many calls that took. The domain is
    /// [dying](Domain::is_dying) then, until nobody holds on to it.
    ///
    /// # Errors
    /// Xen's.
    pub fn destroy(&self, id: u16) -> Result<u32, Error> {
        let mut calls = 1;
        loop {
            let result = self.0.domctl(&mut Domctl::new(Domctl::DESTROY, id, [0; 32]));
            match Error::check(result) {
                Ok(()) => return Ok(calls),
                Err(Error::AGAIN | Error::RESTART) if calls < DESTROY_CALLS => calls += 1,
                Err(error) => return Err(error),
            }
        }
    }

    /// How many pages of the machine nobody has.
    ///
    /// # Errors
    /// Xen's.
    pub fn free_pages(&self) -> Result<u64, Error> {
        let mut call = Sysctl::new(Sysctl::MACHINE_INFO);
        Error::check(self.0.sysctl(&mut call))?;
        Ok(call.free_pages())
    }
}

#[cfg(test)]
mod tests;
