//! Versions of Debian packages in their order, as deb-version(7) has it.

use std::cmp::Ordering;

/// Which of two versions without an epoch is the later one.
pub(super) fn compare(left: &str, right: &str) -> Ordering {
    let split = |text| str::rsplit_once(text, '-').unwrap_or((text, "0"));
    let ((upstream, revision), (other_upstream, other_revision)) = (split(left), split(right));
    key(upstream).cmp(&key(other_upstream)).then_with(|| key(revision).cmp(&key(other_revision)))
}

/// Words and numbers in turns. The end is a word too, since `~` comes even before that.
fn key(part: &str) -> Vec<(Vec<u32>, u64)> {
    let mut key = Vec::new();
    let mut rest = part;
    while !rest.is_empty() {
        let (word, after) = split_where(rest, |character| character.is_ascii_digit());
        let (number, after) = split_where(after, |character| !character.is_ascii_digit());
        key.push((word_key(word), number.parse().unwrap_or_default()));
        rest = after;
    }
    key.push((word_key(""), 0));
    key
}

fn split_where(text: &str, is_other: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(is_other).unwrap_or(text.len()))
}

/// `~` before the end, the end before letters, letters before all else.
fn word_key(word: &str) -> Vec<u32> {
    const END: u32 = 1;
    let rank = |character| match character {
        '~' => 0,
        letter if letter.is_ascii_alphabetic() => u32::from(letter),
        other => 256 + u32::from(other),
    };
    word.chars().map(rank).chain([END]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_in_the_order_of_debian() {
        // The same as `dpkg --compare-versions` says of each pair of neighbours.
        let ordered = [
            "4.17.0~rc4-1",
            "4.17.0-1",
            "4.17.0+24-g2f8851c37f-2~deb11u1",
            "4.17.0+24-g2f8851c37f-2",
            "4.17.0+46-gaaf74a532c-1",
            "4.17.1-1",
            "4.17.5a-1",
            "4.17.5+23-ga4e5191dc0-1",
            "4.17.5+72-g01140da4e8-1",
            "4.17.5+72-g01140da4e8-1+deb12u1",
            "4.17.10-1",
            "4.20.0-1",
        ];
        for (index, one) in ordered.iter().enumerate() {
            for (other_index, other) in ordered.iter().enumerate() {
                assert_eq!(compare(one, other), index.cmp(&other_index), "{one} {other}");
            }
        }
    }
}
