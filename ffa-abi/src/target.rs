//! What w1 names: an endpoint and one of its execution contexts, or two endpoints.

use core::fmt;

use crate::id::EndpointId;
use crate::regs::Regs;

/// \[31:16\] endpoint, \[15:0\] its vCPU: w1 of `FFA_RUN`, `FFA_YIELD`, `FFA_INTERRUPT`, `FFA_SUCCESS`
/// and `FFA_ERROR`. All zero where nobody is meant.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Target {
    /// The endpoint.
    pub endpoint: EndpointId,
    /// Its vCPU or execution context, from 0.
    pub vcpu: u16,
}

impl Target {
    /// Nobody: what w1 holds where it has no meaning.
    pub const NONE: Target = Target { endpoint: EndpointId(0), vcpu: 0 };

    /// From w1.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "both halves are cut out")]
    pub const fn from_bits(bits: u32) -> Target {
        Target { endpoint: EndpointId((bits >> 16) as u16), vcpu: bits as u16 }
    }

    /// As w1 holds it.
    #[must_use]
    pub const fn bits(self) -> u32 {
        (self.endpoint.0 as u32) << 16 | self.vcpu as u32
    }

    pub(crate) fn read(regs: &Regs) -> Target {
        Target::from_bits(regs.w(1))
    }

    /// For a line of a log; nothing where nobody is meant.
    pub(crate) fn show(self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self == Target::NONE { Ok(()) } else { write!(f, " {self}") }
    }
}

/// w1 of a message: \[31:16\] sender, \[15:0\] receiver.
#[inline]
pub(crate) fn endpoints(regs: &Regs) -> (EndpointId, EndpointId) {
    (EndpointId(regs.upper_half(1)), EndpointId(regs.half(1)))
}

/// What [`endpoints`] reads.
pub(crate) fn endpoint_bits(sender: EndpointId, receiver: EndpointId) -> u64 {
    halves(sender.0, receiver.0).into()
}

/// \[31:16\] `upper`, \[15:0\] `lower`.
pub(crate) fn halves(upper: u16, lower: u16) -> u32 {
    u32::from(upper) << 16 | u32::from(lower)
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "target={} vcpu={}", self.endpoint, self.vcpu)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_endpoint_is_the_upper_half() {
        let target = Target { endpoint: EndpointId(0x8002), vcpu: 3 };
        assert_eq!(target.bits(), 0x8002_0003);
        assert_eq!(Target::from_bits(0x8002_0003), target);
        assert_eq!(Target::NONE, Target::default());
    }
}
