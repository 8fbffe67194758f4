//! A virtual PL011 UART: what a VM writes comes out as whole lines.
//!
//! Only the transmit side is there: the FIFO never fills and nothing is ever received. Register
//! offsets are those of the PL011 Technical Reference Manual (DDI 0183).

/// Where a VM finds its UART.
pub const BASE: u64 = 0x0900_0000;
/// Size of the register window in bytes.
pub const SIZE: u64 = 0x1000;
/// The UART's interrupt: SPI 1.
pub const INTERRUPT: u32 = 33;
/// Longest line in bytes; a longer one is printed in pieces.
pub const LINE_LENGTH: usize = 256;

const DATA: u64 = 0x000;
const FLAGS: u64 = 0x018;
const INTEGER_BAUD: u64 = 0x024;
const FRACTIONAL_BAUD: u64 = 0x028;
const LINE_CONTROL: u64 = 0x02C;
const CONTROL: u64 = 0x030;
const FIFO_LEVELS: u64 = 0x034;
const INTERRUPT_MASK: u64 = 0x038;
const RAW_INTERRUPTS: u64 = 0x03C;
const MASKED_INTERRUPTS: u64 = 0x040;
const INTERRUPT_CLEAR: u64 = 0x044;
const IDENTIFICATION: u64 = 0xFE0;

/// Flag register: transmit FIFO empty, receive FIFO empty.
const IDLE: u32 = 1 << 7 | 1 << 4;
/// Transmit interrupt, in the mask and status registers.
const TRANSMIT: u32 = 1 << 5;
/// `UARTPeriphID0..3`, `UARTPCellID0..3` of a PL011 r1p5.
const IDENTIFICATION_BYTES: [u8; 8] = [0x11, 0x10, 0x34, 0x00, 0x0D, 0xF0, 0x05, 0xB1];

/// The UART of one VM.
pub struct Vpl011 {
    line: [u8; LINE_LENGTH],
    length: usize,
    raw_interrupts: u32,
    interrupt_mask: u32,
    integer_baud: u32,
    fractional_baud: u32,
    line_control: u32,
    control: u32,
    fifo_levels: u32,
}

impl Default for Vpl011 {
    fn default() -> Self {
        Self::new()
    }
}

impl Vpl011 {
    /// A UART after reset.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            line: [0; LINE_LENGTH],
            length: 0,
            raw_interrupts: 0,
            interrupt_mask: 0,
            integer_baud: 0,
            fractional_baud: 0,
            line_control: 0,
            control: 0x300,
            fifo_levels: 0x12,
        }
    }

    /// The register at `offset` bytes from [`BASE`]; 0 where there is none.
    #[must_use]
    pub fn read(&self, offset: u64) -> u32 {
        match offset {
            FLAGS => IDLE,
            INTEGER_BAUD => self.integer_baud,
            FRACTIONAL_BAUD => self.fractional_baud,
            LINE_CONTROL => self.line_control,
            CONTROL => self.control,
            FIFO_LEVELS => self.fifo_levels,
            INTERRUPT_MASK => self.interrupt_mask,
            RAW_INTERRUPTS => self.raw_interrupts,
            MASKED_INTERRUPTS => self.raw_interrupts & self.interrupt_mask,
            IDENTIFICATION..SIZE => identification(offset),
            _ => 0,
        }
    }

    /// Writes the register at `offset`. Gives a line to print, without its line end, when this
    /// write completed one.
    pub fn write(&mut self, offset: u64, value: u32) -> Option<&[u8]> {
        match offset {
            DATA => return self.transmit(value.to_le_bytes()[0]),
            INTEGER_BAUD => self.integer_baud = value & 0xFFFF,
            FRACTIONAL_BAUD => self.fractional_baud = value & 0x3F,
            LINE_CONTROL => self.line_control = value & 0xFF,
            CONTROL => self.control = value & 0xFFFF,
            FIFO_LEVELS => self.fifo_levels = value & 0x3F,
            INTERRUPT_MASK => self.interrupt_mask = value & 0x7FF,
            INTERRUPT_CLEAR => self.raw_interrupts &= !value,
            _ => {}
        }
        None
    }

    /// The level of [`INTERRUPT`].
    #[must_use]
    pub fn interrupt(&self) -> bool {
        self.raw_interrupts & self.interrupt_mask != 0
    }

    /// Takes what was written since the last whole line, for a VM that ended without a line end.
    pub fn flush(&mut self) -> Option<&[u8]> {
        (self.length > 0).then(|| self.take_line())
    }

    fn transmit(&mut self, byte: u8) -> Option<&[u8]> {
        self.raw_interrupts |= TRANSMIT;
        match byte {
            b'\n' => return Some(self.take_line()),
            b'\r' => {}
            byte => self.push(printable(byte)),
        }
        (self.length == LINE_LENGTH).then(|| self.take_line())
    }

    fn push(&mut self, byte: u8) {
        if let Some(place) = self.line.get_mut(self.length) {
            *place = byte;
            self.length += 1;
        }
    }

    fn take_line(&mut self) -> &[u8] {
        let length = core::mem::take(&mut self.length);
        self.line.get(..length).unwrap_or_default()
    }
}

/// Only ASCII is printed: C0 and C1 controls move the cursor, Unicode has line ends and directions
/// of its own, and a VM could forge another's line with any of them.
fn printable(byte: u8) -> u8 {
    match byte {
        b'\t' | b' '..=b'~' => byte,
        _ => b'?',
    }
}

fn identification(offset: u64) -> u32 {
    let index = usize::try_from((offset - IDENTIFICATION) / 4).unwrap_or(usize::MAX);
    IDENTIFICATION_BYTES.get(index).map_or(0, |&byte| byte.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn send(uart: &mut Vpl011, text: &[u8]) -> Vec<Vec<u8>> {
        text.iter().filter_map(|&byte| uart.write(DATA, byte.into()).map(<[u8]>::to_vec)).collect()
    }

    #[test]
    fn lines_come_whole_and_without_their_end() {
        let mut uart = Vpl011::new();
        assert_eq!(send(&mut uart, b"one\r\n\ntw"), [b"one".to_vec(), Vec::new()]);
        assert_eq!(send(&mut uart, b"o\n"), [b"two"]);
        assert_eq!(uart.flush(), None);
    }

    #[test]
    fn a_long_line_comes_in_pieces_and_nothing_is_lost() {
        let mut uart = Vpl011::new();
        let text = [b'x'; LINE_LENGTH + 3];
        assert_eq!(send(&mut uart, &text), [&text[..LINE_LENGTH]]);
        assert_eq!(uart.flush(), Some(&b"xxx"[..]));
        assert_eq!(uart.flush(), None);
    }

    #[test]
    fn control_characters_cannot_forge_a_line() {
        let mut uart = Vpl011::new();
        assert_eq!(send(&mut uart, b"a\x1b[2K\tb\r[el2] c\x7f\n"), [b"a?[2K\tb[el2] c?"]);
    }

    #[test]
    fn nor_can_those_of_unicode() {
        let mut uart = Vpl011::new();
        let text = "a\u{85}[el2] b\u{9b}2J\u{2028}\u{202e}c\n";
        assert_eq!(send(&mut uart, text.as_bytes()), [b"a??[el2] b??2J??????c"]);
        assert_eq!(send(&mut uart, b"\x85\x9b\n"), [b"??"]);
    }

    #[test]
    fn the_transmit_interrupt_follows_mask_and_clear() {
        let mut uart = Vpl011::new();
        send(&mut uart, b"a");
        assert!(!uart.interrupt());
        uart.write(INTERRUPT_MASK, TRANSMIT);
        assert!(uart.interrupt());
        assert_eq!(uart.read(MASKED_INTERRUPTS), TRANSMIT);
        uart.write(INTERRUPT_CLEAR, TRANSMIT);
        assert!(!uart.interrupt());
    }

    #[test]
    fn a_driver_recognises_it() {
        let uart = Vpl011::new();
        let id: Vec<u32> = (0..8).map(|index| uart.read(0xFE0 + 4 * index)).collect();
        assert_eq!(id, [0x11, 0x10, 0x34, 0x00, 0x0D, 0xF0, 0x05, 0xB1]);
        assert_eq!(uart.read(FLAGS), 0x90);
    }

    #[test]
    fn every_offset_and_value_is_survived() {
        let mut uart = Vpl011::new();
        for offset in (0..2 * SIZE).chain([u64::MAX]) {
            for value in [0, 1, 0x5555_5555, u32::MAX] {
                assert!(uart.write(offset, value).is_none_or(|line| line.len() <= LINE_LENGTH));
                let _ = uart.read(offset);
            }
        }
    }
}
