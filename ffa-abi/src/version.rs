//! FF-A versions (DEN0077, `FFA_VERSION`).

use core::fmt;

/// A version as it stands in w1 of `FFA_VERSION`: bit 31 zero, major in \[30:16\], minor in \[15:0\].
///
/// Values order as versions do.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(u32);

/// The two numbers of a [`Version`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct VersionParts {
    /// Versions of another major are incompatible.
    pub major: u16,
    /// A higher minor adds to a lower one.
    pub minor: u16,
}

impl Version {
    /// FF-A 1.0.
    pub const V1_0: Version = Version(0x1_0000);
    /// FF-A 1.1.
    pub const V1_1: Version = Version(0x1_0001);
    /// FF-A 1.2.
    pub const V1_2: Version = Version(0x1_0002);
    /// FF-A 1.3.
    pub const V1_3: Version = Version(0x1_0003);

    /// What a register holds, unless bit 31 is set: that is never a version.
    #[must_use]
    pub const fn from_bits(bits: u32) -> Option<Version> {
        if bits & 0x8000_0000 == 0 { Some(Version(bits)) } else { None }
    }

    /// As a register holds it.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// Major and minor.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "both are cut to their fields")]
    pub const fn parts(self) -> VersionParts {
        VersionParts { major: (self.0 >> 16) as u16, minor: self.0 as u16 }
    }

    /// Whether the majors are the same.
    #[must_use]
    pub const fn is_compatible_with(self, other: Version) -> bool {
        self.parts().major == other.parts().major
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let VersionParts { major, minor } = self.parts();
        write!(f, "{major}.{minor}")
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bit_31_is_never_a_version() {
        assert_eq!(Version::from_bits(0x8001_0000), None);
        assert_eq!(Version::from_bits(0xffff_ffff), None);
        assert_eq!(Version::from_bits(0x0001_0001), Some(Version::V1_1));
    }

    #[test]
    fn versions_order_by_major_then_minor() {
        let two = Version::from_bits(0x2_0000).unwrap();
        assert!(Version::V1_0 < Version::V1_1 && Version::V1_3 < two);
        assert!(!two.is_compatible_with(Version::V1_2));
    }
}
