//! One VM as the command line describes it: `FILE[,key=value]...`.

use std::path::{Path, PathBuf};

use ffa_el2::bundle::{MAX_VCPUS, MEMORY_END, MEMORY_START, NAME_LENGTH, PAGE};

use crate::number;

/// The keys of a `--vm`, for help texts and error messages.
pub(crate) const KEYS: &str = "mem, base, load, vcpus, props, uuid, name, arg, dtb, life, restarts";

/// The longest life that can be asked for: a day.
const MAX_LIFE_MS: u64 = 24 * 60 * 60 * 1000;
const MAX_RESTARTS: u64 = 1_000_000;
const DEFAULT_MEMORY: u64 = 4 << 20;
const DEFAULT_BASE: u64 = 0x4000_0000;
/// Where images are loaded, from the base of the RAM, as Linux and the guests here expect it.
const DEFAULT_LOAD_OFFSET: u64 = 0x20_0000;
/// Images start with an instruction.
const INSTRUCTION: u64 = 4;

const DEFAULT_PROPERTIES: &str = "direct+indirect+notify";
/// Words of `props=` and the bits of the partition properties that they stand for.
const PROPERTIES: [(&str, u32); 9] = [
    ("none", 0),
    ("direct", 1 << 0 | 1 << 1),
    ("direct-receive", 1 << 0),
    ("direct-send", 1 << 1),
    ("direct2", 1 << 9 | 1 << 10),
    ("direct2-receive", 1 << 9),
    ("direct2-send", 1 << 10),
    ("indirect", 1 << 2),
    ("notify", 1 << 3),
];

/// A VM to run: where its image is, and what it gets. Addresses are guest physical, sizes in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Vm {
    pub(crate) file: PathBuf,
    pub(crate) name: String,
    pub(crate) memory: u64,
    pub(crate) base: u64,
    pub(crate) load: u64,
    pub(crate) vcpus: u16,
    pub(crate) properties: u32,
    pub(crate) uuid: [u8; 16],
    pub(crate) argument: u64,
    pub(crate) dtb: bool,
    pub(crate) life_ms: u32,
    pub(crate) restarts: u32,
}

impl Vm {
    /// A VM with the defaults of every option.
    pub(crate) fn new(file: impl Into<PathBuf>) -> Self {
        let file = file.into();
        let name = default_name(&file);
        Self {
            file,
            name,
            memory: DEFAULT_MEMORY,
            base: DEFAULT_BASE,
            load: DEFAULT_BASE + DEFAULT_LOAD_OFFSET,
            vcpus: 1,
            properties: properties(DEFAULT_PROPERTIES).unwrap_or_default(),
            uuid: [0; 16],
            argument: 0,
            dtb: false,
            life_ms: 0,
            restarts: 0,
        }
    }

    /// Parses `FILE[,key=value]...`; the message says what is wrong and what would be right.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut parts = text.split(',');
        let file = parts.next().unwrap_or_default();
        if file.is_empty() {
            return Err("an image file must come first: --vm FILE[,key=value]...".into());
        }
        let mut vm = Self::new(file);
        let mut seen: Vec<&str> = Vec::new();
        for part in parts {
            let (key, value) = part
                .split_once('=')
                .ok_or_else(|| format!("`{part}` is not key=value (keys: {KEYS})"))?;
            if seen.contains(&key) {
                return Err(format!("`{key}` is given twice"));
            }
            seen.push(key);
            vm.set(key, value).map_err(|why| format!("{key}: {why}"))?;
        }
        if !seen.contains(&"load") {
            vm.load = vm.base.saturating_add(DEFAULT_LOAD_OFFSET);
        }
        vm.check()?;
        Ok(vm)
    }

    fn set(&mut self, key: &str, value: &str) -> Result<(), String> {
        match key {
            "mem" => self.memory = number::parse(value)?,
            "base" => self.base = number::parse(value)?,
            "load" => self.load = number::parse(value)?,
            "arg" => self.argument = number::parse(value)?,
            "dtb" => self.dtb = number::parse_in(value, 0..=1)? == 1,
            "vcpus" => self.vcpus = narrow(number::parse_in(value, 1..=MAX_VCPUS.into())?)?,
            "life" => self.life_ms = narrow(number::parse_in(value, 0..=MAX_LIFE_MS)?)?,
            "restarts" => self.restarts = narrow(number::parse_in(value, 0..=MAX_RESTARTS)?)?,
            "props" => self.properties = properties(value)?,
            "uuid" => self.uuid = uuid(value)?,
            "name" => self.name = name(value)?,
            _ => return Err(format!("there is no such key (keys: {KEYS})")),
        }
        Ok(())
    }

    /// Checks what concerns more than one key.
    fn check(&self) -> Result<(), String> {
        aligned("mem", self.memory, PAGE)?;
        aligned("base", self.base, PAGE)?;
        if self.memory == 0 {
            return Err("mem=0: a VM needs memory for its image".into());
        }
        let end = self.base.checked_add(self.memory).filter(|end| *end <= MEMORY_END);
        let (true, Some(end)) = (self.base >= MEMORY_START, end) else {
            return Err(format!(
                "RAM of {} at base={:#x} must lie between {MEMORY_START:#x}, above the devices, \
                 and {MEMORY_END:#x}",
                number::size(self.memory),
                self.base
            ));
        };
        if !(self.base..end).contains(&self.load) {
            return Err(format!(
                "load={:#x} is outside the VM's RAM, {:#x} to {end:#x}: give load= or more mem=",
                self.load, self.base
            ));
        }
        aligned("load", self.load, INSTRUCTION)
    }

    /// The bytes of RAM from the load address on: what an image may fill.
    pub(crate) fn room(&self) -> u64 {
        self.memory - (self.load - self.base)
    }
}

fn aligned(key: &str, value: u64, unit: u64) -> Result<(), String> {
    if value.is_multiple_of(unit) {
        return Ok(());
    }
    Err(format!("{key}={value:#x} is not a multiple of {unit}"))
}

fn narrow<T: TryFrom<u64>>(value: u64) -> Result<T, String> {
    T::try_from(value).map_err(|_| format!("{value} is too large"))
}

fn properties(text: &str) -> Result<u32, String> {
    let words: Vec<&str> = PROPERTIES.iter().map(|(word, _)| *word).collect();
    text.split('+').try_fold(0, |bits, word| {
        let known = PROPERTIES.iter().find(|(known, _)| *known == word);
        known.map(|(_, bit)| bits | bit).ok_or_else(|| {
            format!("`{word}` is not a property (join with +: {})", words.join(", "))
        })
    })
}

/// The 16 bytes of a UUID, in the order of its text.
fn uuid(text: &str) -> Result<[u8; 16], String> {
    let wrong = || format!("`{text}` is not a UUID like bdcd76d7-825e-4751-963b-86d4f84943ac");
    let groups: Vec<&str> = text.split('-').collect();
    let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
    let digits = groups.concat();
    if lengths != [8, 4, 4, 4, 12] || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Err(wrong());
    }
    u128::from_str_radix(&digits, 16).map(u128::to_be_bytes).map_err(|_| wrong())
}

/// The file's name without its extension, as far as a name may be like that.
fn default_name(file: &Path) -> String {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    stem.chars().filter(char::is_ascii_graphic).take(NAME_LENGTH).collect()
}

fn name(text: &str) -> Result<String, String> {
    let fits =
        (1..=NAME_LENGTH).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    if fits {
        Ok(text.into())
    } else {
        Err(format!("1 to {NAME_LENGTH} printable ASCII characters"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str, reason: &str) {
        let message = Vm::parse(text).expect_err(text);
        assert!(message.contains(reason), "{text}: {message}");
    }

    #[test]
    fn a_file_alone_gets_the_defaults() {
        let vm = Vm::parse("guests/hello.bin").unwrap();
        assert_eq!(vm.file, PathBuf::from("guests/hello.bin"));
        assert_eq!(vm.name, "hello");
        assert_eq!((vm.memory, vm.base, vm.load), (4 << 20, 0x4000_0000, 0x4020_0000));
        assert_eq!((vm.vcpus, vm.properties, vm.uuid), (1, 0b1111, [0; 16]));
        assert_eq!((vm.life_ms, vm.restarts, vm.argument), (0, 0, 0));
        assert_eq!(vm.room(), 2 << 20);
    }

    #[test]
    fn every_key_is_understood() {
        let vm = Vm::parse(
            "a.bin,mem=16M,base=0x80000000,load=0x80080000,vcpus=4,props=direct-send+notify,\
             uuid=bdcd76d7-825e-4751-963b-86d4f84943ac,name=tee,arg=7,dtb=1,life=150,restarts=3",
        )
        .unwrap();
        assert_eq!((vm.memory, vm.base, vm.load), (16 << 20, 0x8000_0000, 0x8008_0000));
        assert_eq!((vm.vcpus, vm.properties), (4, 0b1010));
        assert_eq!(vm.uuid[..4], [0xbd, 0xcd, 0x76, 0xd7]);
        assert_eq!((vm.name.as_str(), vm.argument), ("tee", 7));
        assert!(vm.dtb);
        assert_eq!((vm.life_ms, vm.restarts), (150, 3));
    }

    #[test]
    fn the_load_address_follows_the_base() {
        assert_eq!(Vm::parse("a,base=0x80000000").unwrap().load, 0x8020_0000);
    }

    #[test]
    fn nonsense_is_refused_with_its_reason() {
        refused("", "must come first");
        refused(",mem=4M", "must come first");
        refused("a,mem", "not key=value");
        refused("a,speed=9", "no such key");
        refused("a,mem=4M,mem=8M", "twice");
        refused("a,mem=lots", "mem: `lots` is not a number");
        refused("a,mem=0", "needs memory");
        refused("a,vcpus=0", "1 to 4");
        refused("a,vcpus=5", "1 to 4");
        refused("a,props=direct+magic", "`magic` is not a property");
        refused("a,uuid=1234", "not a UUID");
        refused("a,uuid=bdcd76d7-825e-4751-963b-86d4f84943ag", "not a UUID");
        refused("a,name=", "printable");
        refused("a,name=two words", "printable");
    }

    #[test]
    fn addresses_must_be_aligned_and_inside_the_ram() {
        refused("a,base=0x40000800", "base=0x40000800 is not a multiple of 4096");
        refused("a,load=0x40200002", "load=0x40200002 is not a multiple of 4");
        refused("a,mem=5000", "not a multiple of 4096");
        refused("a,load=0x40400000", "outside the VM's RAM");
        refused("a,mem=1M", "outside the VM's RAM");
        refused("a,load=0x3fff0000", "outside the VM's RAM");
        refused("a,base=0x08000000", "above the devices");
        refused("a,base=0xfffffffffffff000", "above the devices");
        refused("a,mem=1024G", "above the devices");
    }
}
