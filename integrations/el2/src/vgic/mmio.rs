//! The memory-mapped registers. All are served as 32-bit words: wider accesses are two words,
//! narrower ones touch only their byte lanes. What does not exist reads 0 and ignores writes.

use super::interrupt::Interrupt;
use super::{INTERRUPTS, Kick, Region, Vgic};

const GICD_CTLR: u64 = 0x0000;
const GICD_TYPER: u64 = 0x0004;
const GICD_IIDR: u64 = 0x0008;
const GICD_IROUTER: u64 = 0x6000;
const GICD_IROUTER_END: u64 = GICD_IROUTER + 8 * INTERRUPTS as u64;
const GICR_IIDR: u64 = 0x0004;
const GICR_TYPER: u64 = 0x0008;
const GICR_TYPER_AFFINITY: u64 = 0x000C;
const GICR_SGI_FRAME: u64 = 0x1_0000;
/// In both frames: version 3 of the architecture.
const PIDR2: u64 = 0xFFE8;
const PIDR2_GICV3: u32 = 0x3B;
/// Implemented by Arm, as what reads it expects.
const IIDR_ARM: u32 = 0x43B;

const ENABLE_GROUP_1: u32 = 1 << 1;
/// `ARE` and `DS`, which cannot be cleared.
const ALWAYS: u32 = 1 << 4 | 1 << 6;
/// `No1N`; `IDbits` 9, ten bits; `ITLinesNumber`.
const TYPER: u32 = 1 << 25 | 9 << 19 | (INTERRUPTS / 32 - 1);

/// What a register says of each of its interrupts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Group,
    SetEnable,
    ClearEnable,
    SetPending,
    ClearPending,
    SetActive,
    ClearActive,
    Priority,
    Configuration,
}

/// A word with a field of `bits` bits for each interrupt from `first`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Word {
    field: Field,
    bits: u32,
    first: u32,
}

impl Word {
    /// The word at this offset of the distributor or of a redistributor's SGI frame, which agree.
    fn at(offset: u64) -> Option<Self> {
        let (field, bits, base) = match offset {
            0x080..0x100 => (Field::Group, 1, 0x080),
            0x100..0x180 => (Field::SetEnable, 1, 0x100),
            0x180..0x200 => (Field::ClearEnable, 1, 0x180),
            0x200..0x280 => (Field::SetPending, 1, 0x200),
            0x280..0x300 => (Field::ClearPending, 1, 0x280),
            0x300..0x380 => (Field::SetActive, 1, 0x300),
            0x380..0x400 => (Field::ClearActive, 1, 0x380),
            0x400..0x800 => (Field::Priority, 8, 0x400),
            0xC00..0xD00 => (Field::Configuration, 2, 0xC00),
            _ => return None,
        };
        let index = u32::try_from((offset - base) / 4).ok()?;
        Some(Self { field, bits, first: index * (32 / bits) })
    }

    /// The interrupts, and how far up each one's field is.
    fn places(self) -> impl Iterator<Item = (u32, u32)> {
        (0..32 / self.bits).map(move |place| (self.first + place, place * self.bits))
    }

    fn mask(self) -> u32 {
        (1 << self.bits) - 1
    }
}

impl Field {
    fn read(self, interrupt: &Interrupt) -> u32 {
        match self {
            Self::Group => 1,
            Self::SetEnable | Self::ClearEnable => interrupt.is_enabled().into(),
            Self::SetPending | Self::ClearPending => interrupt.is_pending().into(),
            Self::SetActive | Self::ClearActive => interrupt.is_active().into(),
            Self::Priority => interrupt.priority().into(),
            Self::Configuration => u32::from(interrupt.is_edge()) << 1,
        }
    }

    /// Whether writing this value means anything: zeros in set and clear registers do not.
    fn acts(self, value: u32) -> bool {
        match self {
            Self::Group => false,
            Self::Priority | Self::Configuration => true,
            _ => value != 0,
        }
    }

    fn write(self, interrupt: &mut Interrupt, value: u32) {
        match self {
            Self::Group => {}
            Self::SetEnable => interrupt.set_enabled(true),
            Self::ClearEnable => interrupt.set_enabled(false),
            Self::SetPending => interrupt.raise(),
            Self::ClearPending => interrupt.clear_pending(),
            Self::SetActive => interrupt.set_active(true),
            Self::ClearActive => interrupt.set_active(false),
            Self::Priority => interrupt.set_priority(value.to_le_bytes()[0]),
            Self::Configuration => interrupt.set_edge(value & 2 != 0),
        }
    }
}

impl Vgic {
    /// A guest's read of 1, 2, 4 or 8 bytes.
    #[must_use]
    pub fn read(&self, region: Region, offset: u64, size: usize) -> u64 {
        let word = offset & !3;
        let low = u64::from(self.read_word(region, word));
        match size {
            1 | 2 => low >> (8 * (offset & 3)) & lanes(size),
            4 => low,
            8 => low | u64::from(self.read_word(region, word.wrapping_add(4))) << 32,
            _ => 0,
        }
    }

    /// A guest's write of 1, 2, 4 or 8 bytes.
    pub fn write(&mut self, region: Region, offset: u64, size: usize, value: u64) -> Kick {
        let word = offset & !3;
        let shift = 8 * (offset & 3);
        match size {
            1 | 2 => self.write_word(region, word, low(value << shift), low(lanes(size) << shift)),
            4 => self.write_word(region, word, low(value), u32::MAX),
            8 => {
                let kick = self.write_word(region, word, low(value), u32::MAX);
                let next = word.wrapping_add(4);
                kick.and(self.write_word(region, next, low(value >> 32), u32::MAX))
            }
            _ => Kick::NONE,
        }
    }

    fn read_word(&self, region: Region, offset: u64) -> u32 {
        match region {
            Region::Distributor => self.read_distributor(offset),
            Region::Redistributor(vcpu) if vcpu < self.vcpus => {
                self.read_redistributor(vcpu, offset)
            }
            Region::Redistributor(_) => 0,
        }
    }

    fn read_distributor(&self, offset: u64) -> u32 {
        match offset {
            GICD_CTLR if self.enabled => ALWAYS | ENABLE_GROUP_1,
            GICD_CTLR => ALWAYS,
            GICD_TYPER => TYPER,
            GICD_IIDR => IIDR_ARM,
            GICD_IROUTER..GICD_IROUTER_END => self.read_route(offset - GICD_IROUTER),
            PIDR2 => PIDR2_GICV3,
            _ => self.read_fields(0, shared(offset)),
        }
    }

    fn read_redistributor(&self, vcpu: usize, offset: u64) -> u32 {
        match offset {
            GICR_IIDR => IIDR_ARM,
            GICR_TYPER => redistributor_type(vcpu, vcpu + 1 == self.vcpus),
            GICR_TYPER_AFFINITY => low(vcpu as u64),
            PIDR2 => PIDR2_GICV3,
            _ => self.read_fields(vcpu, private(offset)),
        }
    }

    fn write_word(&mut self, region: Region, offset: u64, value: u32, lanes: u32) -> Kick {
        match (region, offset) {
            (Region::Distributor, GICD_CTLR) => self.write_control(value, lanes),
            (Region::Distributor, GICD_IROUTER..GICD_IROUTER_END) => {
                self.write_route(offset - GICD_IROUTER, value, lanes)
            }
            (Region::Distributor, _) => self.write_fields(0, shared(offset), value, lanes),
            (Region::Redistributor(vcpu), _) => {
                self.write_fields(vcpu, private(offset), value, lanes)
            }
        }
    }

    fn write_control(&mut self, value: u32, lanes: u32) -> Kick {
        if lanes & ENABLE_GROUP_1 != 0 {
            self.enabled = value & ENABLE_GROUP_1 != 0;
        }
        // Also when it was turned off: what is in list registers has to come back.
        (0..self.vcpus).map(Kick::one).fold(Kick::NONE, Kick::and)
    }

    fn read_route(&self, offset: u64) -> u32 {
        let Some((intid, shift)) = route_place(offset) else { return 0 };
        self.interrupt(0, intid).map_or(0, |interrupt| low(interrupt.route() >> shift))
    }

    fn write_route(&mut self, offset: u64, value: u32, lanes: u32) -> Kick {
        let Some((intid, shift)) = route_place(offset) else { return Kick::NONE };
        self.update(0, intid, |interrupt| {
            let others = interrupt.route() & !(u64::from(lanes) << shift);
            interrupt.set_route(others | u64::from(value & lanes) << shift);
        })
    }

    fn read_fields(&self, vcpu: usize, word: Option<Word>) -> u32 {
        let Some(word) = word else { return 0 };
        let value = |intid| self.interrupt(vcpu, intid).map_or(0, |irq| word.field.read(irq));
        word.places().fold(0, |all, (intid, shift)| all | value(intid) << shift)
    }

    fn write_fields(&mut self, vcpu: usize, word: Option<Word>, value: u32, lanes: u32) -> Kick {
        let Some(word) = word else { return Kick::NONE };
        let mut kick = Kick::NONE;
        for (intid, shift) in word.places() {
            let field = value >> shift & word.mask();
            let fixed = word.field == Field::Configuration && intid < 16;
            if lanes >> shift & 1 != 0 && word.field.acts(field) && !fixed {
                let change = |interrupt: &mut Interrupt| word.field.write(interrupt, field);
                kick = kick.and(self.update(vcpu, intid, change));
            }
        }
        kick
    }
}

/// The distributor's words; those of private interrupts are not here but in the redistributors.
fn shared(offset: u64) -> Option<Word> {
    Word::at(offset).filter(|word| word.first >= 32)
}

/// The words of a redistributor's SGI frame.
fn private(offset: u64) -> Option<Word> {
    Word::at(offset.checked_sub(GICR_SGI_FRAME)?).filter(|word| word.first < 32)
}

/// The SPI that this part of `GICD_IROUTER` is about, and which half of it.
fn route_place(offset: u64) -> Option<(u32, u32)> {
    let intid = u32::try_from(offset / 8).ok()?;
    (intid >= 32).then_some((intid, if offset % 8 < 4 { 0 } else { 32 }))
}

/// The low half of `GICR_TYPER`: processor number, and whether it is the last redistributor.
fn redistributor_type(vcpu: usize, last: bool) -> u32 {
    low(vcpu as u64) << 8 | u32::from(last) << 4
}

fn lanes(size: usize) -> u64 {
    if size == 1 { 0xFF } else { 0xFFFF }
}

fn low(value: u64) -> u32 {
    let [b0, b1, b2, b3, ..] = value.to_le_bytes();
    u32::from_le_bytes([b0, b1, b2, b3])
}
