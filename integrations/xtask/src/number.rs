//! Sizes, addresses and counts as people write them: `4M`, `1G`, `0x4020_0000`, `16`.

/// Parses a number: decimal or 0x hexadecimal, `_` between digits, an optional K, M or G (powers of 1024).
pub(crate) fn parse(text: &str) -> Result<u64, String> {
    let (digits, shift) = split_unit(text);
    let digits = digits.replace('_', "");
    let (digits, radix) = match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        Some(hex) => (hex, 16),
        None => (digits.as_str(), 10),
    };
    u64::from_str_radix(digits, radix)
        .ok()
        .filter(|_| !digits.starts_with('+'))
        .and_then(|value| value.checked_mul(1 << shift))
        .ok_or_else(|| format!("`{text}` is not a number (examples: 4M, 1G, 0x40000000, 16)"))
}

/// Parses a number that must lie in `range`.
pub(crate) fn parse_in(text: &str, range: std::ops::RangeInclusive<u64>) -> Result<u64, String> {
    let value = parse(text)?;
    if range.contains(&value) {
        return Ok(value);
    }
    Err(format!("{text} is out of range: {} to {}", range.start(), range.end()))
}

/// Writes a number of bytes with the largest unit that keeps it whole.
pub(crate) fn size(bytes: u64) -> String {
    [(30, "G"), (20, "M"), (10, "K")]
        .into_iter()
        .find(|(shift, _)| bytes != 0 && bytes.trailing_zeros() >= *shift)
        .map_or_else(
            || format!("{bytes} bytes"),
            |(shift, unit)| format!("{}{unit}", bytes >> shift),
        )
}

fn split_unit(text: &str) -> (&str, u32) {
    for (unit, shift) in [('K', 10), ('M', 20), ('G', 30)] {
        if let Some(digits) = text.strip_suffix([unit, unit.to_ascii_lowercase()]) {
            return (digits, shift);
        }
    }
    (text, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_people_write_them() {
        assert_eq!(parse("16"), Ok(16));
        assert_eq!(parse("4M"), Ok(4 << 20));
        assert_eq!(parse("4m"), Ok(4 << 20));
        assert_eq!(parse("1G"), Ok(1 << 30));
        assert_eq!(parse("512k"), Ok(512 << 10));
        assert_eq!(parse("0x40200000"), Ok(0x4020_0000));
        assert_eq!(parse("0x4020_0000"), Ok(0x4020_0000));
    }

    #[test]
    fn what_is_not_a_number_is_refused() {
        for text in [
            "",
            "M",
            "0x",
            "4MB",
            "-1",
            "+1",
            "0x+1",
            "four",
            "1.5G",
            "99999999999999999999",
            "17179869184G",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn ranges_are_inclusive() {
        assert_eq!(parse_in("4", 1..=4), Ok(4));
        assert!(parse_in("0", 1..=4).is_err());
        assert!(parse_in("5", 1..=4).is_err());
    }

    #[test]
    fn sizes_are_written_with_the_largest_whole_unit() {
        assert_eq!(size(4 << 20), "4M");
        assert_eq!(size(1 << 30), "1G");
        assert_eq!(size((1 << 20) + 4096), "1028K");
        assert_eq!(size(100), "100 bytes");
        assert_eq!(size(0), "0 bytes");
    }
}
