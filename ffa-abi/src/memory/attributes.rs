//! Memory region attributes (DEN0077, "Memory region attributes descriptor").
//!
//! ```text
//! bit  15    7   6    5    4  3            2  1            0
//!     | zero | NS | type | cacheability | shareability |
//!                        | or device kind |
//! ```
//! FF-A 1.0 has bits 7:0 only.

use core::fmt;

/// What kind of memory a region is, and how it may be cached and shared.
///
/// The default says nothing: the reader finds it out by itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct MemoryAttributes {
    /// The kind of memory, bits 5:0.
    pub memory: MemoryType,
    /// Non-secure memory, bit 6. Only in `FFA_MEM_RETRIEVE_RESP`; a sender's is zero.
    pub non_secure: bool,
}

/// The kind of memory: bits 5:4, and what is meant by bits 3:0.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum MemoryType {
    /// Not said; bits 3:0 are ignored, and written as zero.
    #[default]
    NotSpecified,
    /// Device memory; bits 1:0 are ignored, and written as zero.
    Device(DeviceMemory),
    /// Normal memory.
    Normal {
        /// Bits 3:2.
        cacheability: Cacheability,
        /// Bits 1:0.
        shareability: Shareability,
    },
}

/// The kind of device memory, bits 3:2: gathering, reordering, early acknowledgement, or not (n).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "the architecture's names")]
pub enum DeviceMemory {
    NgNrNe = 0,
    NgNre = 1,
    Ngre = 2,
    Gre = 3,
}

/// Cacheability of normal memory, bits 3:2.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cacheability {
    /// Non-cacheable.
    NonCacheable = 1,
    /// Write-back.
    WriteBack = 3,
}

/// Shareability of normal memory, bits 1:0.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shareability {
    /// Non-shareable.
    None = 0,
    /// Outer shareable.
    Outer = 2,
    /// Inner shareable.
    Inner = 3,
}

impl MemoryAttributes {
    /// Normal memory, write-back, inner shareable: 0x2f, what nearly everybody shares.
    pub const NORMAL: MemoryAttributes = MemoryAttributes {
        memory: MemoryType::Normal {
            cacheability: Cacheability::WriteBack,
            shareability: Shareability::Inner,
        },
        non_secure: false,
    };

    /// From bits 15:0.
    ///
    /// # Errors
    /// The bits that hold a reserved value, as the specification writes them.
    pub fn from_bits(bits: u16) -> Result<MemoryAttributes, &'static str> {
        if bits >> 7 != 0 {
            return Err("attributes[15:7]");
        }
        let memory = match bits >> 4 & 3 {
            0 => MemoryType::NotSpecified,
            1 => MemoryType::Device(DeviceMemory::from_bits(bits >> 2)),
            2 => MemoryType::Normal {
                cacheability: Cacheability::from_bits(bits >> 2).ok_or("attributes[3:2]")?,
                shareability: Shareability::from_bits(bits).ok_or("attributes[1:0]")?,
            },
            _ => return Err("attributes[5:4]"),
        };
        Ok(MemoryAttributes { memory, non_secure: bits & NON_SECURE != 0 })
    }

    /// As bits 15:0; bits 15:7 are zero.
    #[must_use]
    pub const fn bits(self) -> u16 {
        let memory = match self.memory {
            MemoryType::NotSpecified => 0,
            MemoryType::Device(kind) => 1 << 4 | (kind as u16) << 2,
            MemoryType::Normal { cacheability, shareability } => {
                2 << 4 | (cacheability as u16) << 2 | shareability as u16
            }
        };
        if self.non_secure { memory | NON_SECURE } else { memory }
    }
}

const NON_SECURE: u16 = 1 << 6;

impl DeviceMemory {
    fn from_bits(bits: u16) -> DeviceMemory {
        match bits & 3 {
            0 => DeviceMemory::NgNrNe,
            1 => DeviceMemory::NgNre,
            2 => DeviceMemory::Ngre,
            _ => DeviceMemory::Gre,
        }
    }
}

impl Cacheability {
    fn from_bits(bits: u16) -> Option<Cacheability> {
        match bits & 3 {
            1 => Some(Cacheability::NonCacheable),
            3 => Some(Cacheability::WriteBack),
            _ => None,
        }
    }
}

impl Shareability {
    fn from_bits(bits: u16) -> Option<Shareability> {
        match bits & 3 {
            0 => Some(Shareability::None),
            2 => Some(Shareability::Outer),
            3 => Some(Shareability::Inner),
            _ => None,
        }
    }
}

impl fmt::Display for MemoryAttributes {
    /// `normal write-back inner`, with ` non-secure` after it where that is said.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.memory {
            MemoryType::NotSpecified => f.write_str("unspecified")?,
            MemoryType::Device(kind) => write!(f, "device {kind}")?,
            MemoryType::Normal { cacheability, shareability } => {
                write!(f, "normal {cacheability} {shareability}")?;
            }
        }
        f.write_str(if self.non_secure { " non-secure" } else { "" })
    }
}

impl fmt::Display for DeviceMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            DeviceMemory::NgNrNe => "nGnRnE",
            DeviceMemory::NgNre => "nGnRE",
            DeviceMemory::Ngre => "nGRE",
            DeviceMemory::Gre => "GRE",
        })
    }
}

impl fmt::Display for Cacheability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Cacheability::NonCacheable => "non-cacheable",
            Cacheability::WriteBack => "write-back",
        })
    }
}

impl fmt::Display for Shareability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Shareability::None => "non-shareable",
            Shareability::Outer => "outer",
            Shareability::Inner => "inner",
        })
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::string::ToString;

    #[test]
    fn what_linux_shares_is_0x2f() {
        assert_eq!(MemoryAttributes::from_bits(0x2f), Ok(MemoryAttributes::NORMAL));
        assert_eq!(MemoryAttributes::NORMAL.bits(), 0x2f);
        assert_eq!(MemoryAttributes::NORMAL.to_string(), "normal write-back inner");
        let device =
            MemoryAttributes { memory: MemoryType::Device(DeviceMemory::NgNre), non_secure: true };
        assert_eq!(device.bits(), 0x54);
        assert_eq!(device.to_string(), "device nGnRE non-secure");
    }

    #[test]
    fn every_value_comes_back_or_is_refused_by_the_bits_at_fault() {
        for bits in 0..=u16::MAX {
            let wanted = match (bits >> 7, bits >> 4 & 3, bits >> 2 & 3, bits & 3) {
                (1.., ..) => Err("attributes[15:7]"),
                (_, 0, ..) => Ok(bits & 0x40),
                (_, 1, ..) => Ok(bits & 0x7c),
                (_, 3, ..) => Err("attributes[5:4]"),
                (_, _, 0 | 2, _) => Err("attributes[3:2]"),
                (.., 1) => Err("attributes[1:0]"),
                _ => Ok(bits),
            };
            assert_eq!(MemoryAttributes::from_bits(bits).map(MemoryAttributes::bits), wanted);
        }
    }
}
