//! What is in indirect messages of the model, and how two sides compare what was.

/// FNV-1a of 32 bits, of as many bytes as are given.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Digest(u32);

impl Digest {
    pub(crate) const EMPTY: Digest = Digest(0x811c_9dc5);

    pub(crate) fn with(self, bytes: &[u8]) -> Digest {
        let step = |hash: u32, byte: &u8| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
        Digest(bytes.iter().fold(self.0, step))
    }

    pub(crate) fn value(self) -> u32 {
        self.0
    }
}

/// Tells one payload from another: FNV-1a of 32 bits.
#[must_use]
pub fn digest(bytes: &[u8]) -> u32 {
    Digest::EMPTY.with(bytes).value()
}

/// The payload of a message that a partition was told to send: bytes that count up from `first`.
pub fn pattern(first: u8) -> impl Iterator<Item = u8> {
    core::iter::successors(Some(first), |byte| Some(byte.wrapping_add(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_those_of_the_published_vectors() {
        let vectors: [(&[u8], u32); 3] =
            [(b"", 0x811c_9dc5), (b"a", 0xe40c_292c), (b"foobar", 0xbf9c_f968)];
        for (bytes, expected) in vectors {
            assert_eq!(digest(bytes), expected);
        }
        assert_eq!(Digest::EMPTY.with(b"foo").with(b"bar").value(), 0xbf9c_f968);
    }

    #[test]
    fn a_pattern_counts_up_and_around() {
        assert!(pattern(254).take(4).eq([254, 255, 0, 1]));
    }
}
