//! What a guest is told when it starts, in `x1`.
//!
//! ```text
//! 63    48 47       40 39  35     34       33      32    31          16 15      0
//! |  RES0 | permanent | RES0 | destroyer |alone|conduit| minor version |  rounds |
//! ```

use ffa_abi::Version;

/// The instruction by which a guest calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Conduit {
    /// `HVC #0`.
    #[default]
    Hvc,
    /// `SMC #0`.
    Smc,
}

/// The fields of `x1`. All zero is a sensible default for every guest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Argument {
    /// How often the guest lists; 0 for its own default.
    pub rounds: u16,
    /// It asks for FF-A 1.`minor`.
    pub minor: u16,
    /// How it calls.
    pub conduit: Conduit,
    /// The policy lets it see no other VM.
    pub alone: bool,
    /// As dom0 of Xen it destroys a domain that runs, and creates and destroys others.
    pub destroyer: bool,
    /// VMs 1 to `permanent` run for the whole test: they show up and leave once.
    pub permanent: u8,
}

impl Argument {
    /// As `x1` holds it.
    #[must_use]
    pub const fn bits(self) -> u64 {
        let smc = matches!(self.conduit, Conduit::Smc);
        (self.permanent as u64) << 40
            | (self.destroyer as u64) << 34
            | (self.alone as u64) << 33
            | (smc as u64) << 32
            | (self.minor as u64) << 16
            | self.rounds as u64
    }

    /// From `x1`; other bits are ignored.
    #[must_use]
    pub const fn from_bits(bits: u64) -> Self {
        let [r0, r1, m0, m1, flags, permanent, ..] = bits.to_le_bytes();
        Self {
            rounds: u16::from_le_bytes([r0, r1]),
            minor: u16::from_le_bytes([m0, m1]),
            conduit: if flags & 1 == 0 { Conduit::Hvc } else { Conduit::Smc },
            alone: flags & 2 != 0,
            destroyer: flags & 4 != 0,
            permanent,
        }
    }

    /// The version to ask for.
    #[must_use]
    pub fn version(self) -> Version {
        Version::from_bits(Version::V1_0.bits() | u32::from(self.minor)).unwrap_or(Version::V1_0)
    }
}

impl core::fmt::Display for Conduit {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Hvc => "hvc",
            Self::Smc => "smc",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FULL: Argument = Argument {
        rounds: 300,
        minor: 1,
        conduit: Conduit::Smc,
        alone: true,
        destroyer: true,
        permanent: 6,
    };

    #[test]
    fn the_layout_is_the_documented_one() {
        assert_eq!(FULL.bits(), 0x0000_0607_0001_012C);
        assert_eq!(Argument::default().bits(), 0);
    }

    #[test]
    fn what_goes_in_comes_out() {
        assert_eq!(Argument::from_bits(FULL.bits()), FULL);
        assert_eq!(Argument::from_bits(FULL.bits() | 0xFFFF_00F8 << 32), FULL);
    }

    #[test]
    fn the_version_is_of_major_1() {
        assert_eq!(Argument { minor: 2, ..FULL }.version(), Version::V1_2);
    }
}
