//! How the vectors are written down.

use ffa_abi::{FunctionId, Regs};

/// Registers from x0 on, in hexadecimal; the others are zero.
pub(crate) fn regs(text: &str) -> Regs {
    let mut regs = Regs::ZERO;
    for (index, value) in text.split_whitespace().enumerate() {
        regs.set(index, u64::from_str_radix(value, 16).unwrap());
    }
    regs
}

/// The row of [`ffa_abi::FUNCTIONS`] that the registers call.
pub(crate) fn name(text: &str) -> &'static str {
    let id = FunctionId::from_bits(regs(text).w(0)).and_then(FunctionId::function);
    id.expect("an id with a row").name
}

/// Bytes in hexadecimal, in lines that may begin with an offset and a colon and end with a comment.
pub(crate) fn bytes(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (offset, line) = line.split_once(':').expect("an offset");
        assert_eq!(usize::from_str_radix(offset, 16), Ok(bytes.len()), "offset of {line}");
        let line = line.split_once('|').map_or(line, |(line, _)| line);
        let digits: Vec<char> = line.chars().filter(|digit| !digit.is_whitespace()).collect();
        let pairs = digits.chunks(2).map(|pair| pair.iter().collect::<String>());
        bytes.extend(pairs.map(|pair| u8::from_str_radix(&pair, 16).unwrap()));
    }
    bytes
}
