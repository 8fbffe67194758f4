//! UUIDs, and how registers carry them.

use core::fmt;
use core::str::FromStr;

/// The 16 bytes of a UUID in the order of its text: `00112233-4455-...` starts with 0x00, 0x11.
///
/// Registers carry these bytes in order, as little-endian words of 32 bits
/// (`FFA_PARTITION_INFO_GET`, w1..w4) or 64 bits (`FFA_PARTITION_INFO_GET_REGS`, x1 and x2).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Uuid(pub [u8; 16]);

/// Text that is no UUID.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ParseUuidError;

impl Uuid {
    /// All zero: in a query it matches every partition.
    pub const NIL: Uuid = Uuid([0; 16]);

    /// Whether it is all zero.
    #[must_use]
    pub fn is_nil(&self) -> bool {
        *self == Uuid::NIL
    }

    /// From four little-endian words, w1..w4 of a query.
    #[must_use]
    pub fn from_words(words: [u32; 4]) -> Uuid {
        let [a, b, c, d] = words.map(u64::from);
        Uuid::from_double_words([b << 32 | a, d << 32 | c])
    }

    /// As four little-endian words.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "each word is half of a double word")]
    pub fn words(&self) -> [u32; 4] {
        let [low, high] = self.double_words();
        [low as u32, (low >> 32) as u32, high as u32, (high >> 32) as u32]
    }

    /// From two little-endian words of 64 bits.
    #[must_use]
    pub fn from_double_words(words: [u64; 2]) -> Uuid {
        let [low, high] = words.map(u128::from);
        Uuid((high << 64 | low).to_le_bytes())
    }

    /// As two little-endian words of 64 bits.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "each word is half of the whole")]
    pub fn double_words(&self) -> [u64; 2] {
        let whole = u128::from_le_bytes(self.0);
        [whole as u64, (whole >> 64) as u64]
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            let separator = if matches!(index, 4 | 6 | 8 | 10) { "-" } else { "" };
            write!(f, "{separator}{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Uuid {
    type Err = ParseUuidError;

    /// Takes `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx`, upper or lower case.
    fn from_str(text: &str) -> Result<Self, ParseUuidError> {
        let mut bytes = [0; 16];
        let mut digits = text.chars();
        for (index, byte) in bytes.iter_mut().enumerate() {
            if matches!(index, 4 | 6 | 8 | 10) && digits.next() != Some('-') {
                return Err(ParseUuidError);
            }
            *byte = hex(digits.next())? << 4 | hex(digits.next())?;
        }
        if digits.next().is_some() { Err(ParseUuidError) } else { Ok(Uuid(bytes)) }
    }
}

fn hex(digit: Option<char>) -> Result<u8, ParseUuidError> {
    let value = digit.and_then(|digit| digit.to_digit(16)).ok_or(ParseUuidError)?;
    u8::try_from(value).map_err(|_| ParseUuidError)
}

impl fmt::Display for ParseUuidError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a UUID of the form xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx")
    }
}

impl core::error::Error for ParseUuidError {}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::string::ToString;

    const TEXT: &str = "11111111-2222-3333-4444-555555555555";

    #[test]
    fn register_order_is_that_of_the_linux_driver() {
        let uuid: Uuid = TEXT.parse().unwrap();
        // Recorded from Linux 6.12: w2 = 0x33332222.
        assert_eq!(uuid.words(), [0x1111_1111, 0x3333_2222, 0x5555_4444, 0x5555_5555]);
        assert_eq!(uuid.double_words(), [0x3333_2222_1111_1111, 0x5555_5555_5555_4444]);
        assert_eq!(Uuid::from_words(uuid.words()), uuid);
        assert_eq!(Uuid::from_double_words(uuid.double_words()), uuid);
    }

    #[test]
    fn text_comes_back_and_bad_text_is_refused() {
        assert_eq!(TEXT.parse::<Uuid>().unwrap().to_string(), TEXT);
        for bad in
            ["", "1", "11111111222233334444555555555555", "g1111111-2222-3333-4444-555555555555"]
        {
            assert_eq!(bad.parse::<Uuid>(), Err(ParseUuidError), "{bad}");
        }
        assert_eq!([TEXT, "0"].concat().parse::<Uuid>(), Err(ParseUuidError));
    }
}
