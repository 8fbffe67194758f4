//! Memory access permissions of one endpoint, and the flags beside them.
//!
//! ```text
//! bit  7       4  3                  2  1           0
//!     | ignored | instruction access | data access |
//! ```

use core::fmt;

use bitflags::bitflags;

/// How an endpoint may use a region. The default says nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Permissions {
    /// Bits 1:0.
    pub data: DataAccess,
    /// Bits 3:2.
    pub instruction: InstructionAccess,
}

/// Data access, bits 1:0. 3 is reserved.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum DataAccess {
    /// Not said.
    #[default]
    NotSpecified = 0,
    /// Read only.
    ReadOnly = 1,
    /// Read and write.
    ReadWrite = 2,
}

/// Instruction access, bits 3:2. 3 is reserved.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum InstructionAccess {
    /// Not said.
    #[default]
    NotSpecified = 0,
    /// Not executable.
    NotExecutable = 1,
    /// Executable.
    Executable = 2,
}

bitflags! {
    /// Flags beside the permissions of one endpoint, used in retrieval. Other bits are ignored, and
    /// written as zero.
    #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
    pub struct ReceiverFlags: u8 {
        /// The region is not, or was not, retrieved on behalf of this endpoint.
        const NON_RETRIEVAL_BORROWER = 1 << 0;
    }
}

impl Permissions {
    /// Read and write, no word on instructions: what a sender of shared memory says.
    pub const READ_WRITE: Permissions =
        Permissions { data: DataAccess::ReadWrite, instruction: InstructionAccess::NotSpecified };

    /// Read only, no word on instructions.
    pub const READ_ONLY: Permissions =
        Permissions { data: DataAccess::ReadOnly, instruction: InstructionAccess::NotSpecified };

    /// From the byte; bits 7:4 are ignored.
    ///
    /// # Errors
    /// The bits that hold a reserved value, as the specification writes them.
    pub const fn from_bits(bits: u8) -> Result<Permissions, &'static str> {
        let data = match bits & 3 {
            0 => DataAccess::NotSpecified,
            1 => DataAccess::ReadOnly,
            2 => DataAccess::ReadWrite,
            _ => return Err("permissions[1:0]"),
        };
        let instruction = match bits >> 2 & 3 {
            0 => InstructionAccess::NotSpecified,
            1 => InstructionAccess::NotExecutable,
            2 => InstructionAccess::Executable,
            _ => return Err("permissions[3:2]"),
        };
        Ok(Permissions { data, instruction })
    }

    /// As the byte.
    #[must_use]
    pub const fn bits(self) -> u8 {
        (self.instruction as u8) << 2 | self.data as u8
    }
}

impl fmt::Display for Permissions {
    /// `RW`, `RO`, or `-`; then `,NX` or `,X` where instructions are mentioned.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.data {
            DataAccess::NotSpecified => "-",
            DataAccess::ReadOnly => "RO",
            DataAccess::ReadWrite => "RW",
        })?;
        f.write_str(match self.instruction {
            InstructionAccess::NotSpecified => "",
            InstructionAccess::NotExecutable => ",NX",
            InstructionAccess::Executable => ",X",
        })
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::string::ToString;

    #[test]
    fn every_value_comes_back_or_is_refused_by_the_bits_at_fault() {
        for bits in 0..=u8::MAX {
            let wanted = match (bits & 3, bits >> 2 & 3) {
                (3, _) => Err("permissions[1:0]"),
                (_, 3) => Err("permissions[3:2]"),
                _ => Ok(bits & 0xf),
            };
            assert_eq!(Permissions::from_bits(bits).map(Permissions::bits), wanted);
        }
    }

    #[test]
    fn they_read_as_an_engineer_writes_them() {
        let show = |bits| Permissions::from_bits(bits).unwrap().to_string();
        assert_eq!([show(0), show(2), show(5), show(9)], ["-", "RW", "RO,NX", "RO,X"]);
        assert_eq!(Permissions::READ_WRITE.bits(), 2);
    }
}
