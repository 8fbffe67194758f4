//! Endpoint ids (DEN0077, "Partition identification").

use core::fmt;

/// A 16-bit id as a register or descriptor holds it. 0 is the hypervisor; bit 15 set means secure.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct EndpointId(pub u16);

impl EndpointId {
    /// The hypervisor, or its placeholder where there is none.
    pub const HYPERVISOR: EndpointId = EndpointId(0);

    /// Whether bit 15 is set: a secure partition, or the SPMC.
    #[must_use]
    pub const fn is_secure(self) -> bool {
        self.0 & 0x8000 != 0
    }
}

/// The id of a VM: 1..=0x7fff, checked when it was made.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VmId(u16);

impl VmId {
    /// The highest id of a VM.
    pub const MAX: VmId = VmId(0x7fff);

    /// `None` for 0, the hypervisor, and for ids with bit 15 set, which are secure.
    #[must_use]
    pub const fn new(id: u16) -> Option<VmId> {
        if id == 0 || EndpointId(id).is_secure() { None } else { Some(VmId(id)) }
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl From<VmId> for EndpointId {
    fn from(id: VmId) -> Self {
        EndpointId(id.0)
    }
}

impl TryFrom<EndpointId> for VmId {
    type Error = EndpointId;

    /// Gives the id back where it is not a VM's.
    fn try_from(id: EndpointId) -> Result<Self, EndpointId> {
        VmId::new(id.0).ok_or(id)
    }
}

impl EndpointId {
    /// ` id=0x0001` for a line of a log; nothing where nobody is named.
    pub(crate) fn show_named(self, f: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
        if self.0 == 0 { Ok(()) } else { write!(f, " {name}={self}") }
    }
}

impl fmt::Debug for EndpointId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#06x}", self.0)
    }
}

impl fmt::Display for EndpointId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl fmt::Debug for VmId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VM {}", self.0)
    }
}

impl fmt::Display for VmId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vm_id_is_neither_the_hypervisor_nor_secure() {
        assert_eq!(VmId::new(0), None);
        assert_eq!(VmId::new(0x8000), None);
        assert_eq!(VmId::new(0x7fff), Some(VmId::MAX));
        assert_eq!(VmId::try_from(EndpointId(0x8001)), Err(EndpointId(0x8001)));
    }
}
