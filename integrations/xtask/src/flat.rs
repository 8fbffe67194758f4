//! From an ELF file to the flat binary that a loader copies to one address.

use object::LittleEndian;
use object::elf::{EM_AARCH64, FileHeader64, PT_LOAD};
use object::read::elf::{FileHeader, ProgramHeader};

/// A gap larger than this between segments means a wrong linker script, not a large program.
const LIMIT: u64 = 64 << 20;
/// Where the magic of the arm64 Image header is.
const MAGIC_OFFSET: usize = 56;
const MAGIC: &[u8] = b"ARM\x64";

/// A flat binary and the address it was linked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Flat {
    pub(crate) address: u64,
    pub(crate) bytes: Vec<u8>,
}

impl Flat {
    /// Lays the loaded segments of an AArch64 ELF file out by their physical addresses.
    /// What has no bytes in the file (.bss) at the end is left out.
    pub(crate) fn from_elf(elf: &[u8]) -> Result<Self, String> {
        let mut segments = segments(elf).map_err(|error| format!("not a usable ELF: {error}"))?;
        segments.sort_by_key(|(address, _)| *address);
        let Some(&(base, _)) = segments.first() else {
            return Err("the ELF has nothing to load".into());
        };
        let mut flat = Self { address: base, bytes: Vec::new() };
        for (address, content) in segments {
            flat.append(address, content)?;
        }
        Ok(flat)
    }

    fn append(&mut self, address: u64, content: &[u8]) -> Result<(), String> {
        let offset = usize::try_from(address - self.address)
            .ok()
            .filter(|offset| *offset as u64 <= LIMIT)
            .ok_or_else(|| format!("the segment at {address:#x} is far from the others"))?;
        if offset < self.bytes.len() {
            return Err(format!("two segments overlap at {address:#x}"));
        }
        self.bytes.resize(offset, 0);
        self.bytes.extend_from_slice(content);
        Ok(())
    }

    /// Does it start with an arm64 Image header, so that firmware and QEMU boot it?
    pub(crate) fn has_image_header(&self) -> bool {
        self.bytes.get(MAGIC_OFFSET..).is_some_and(|rest| rest.starts_with(MAGIC))
    }
}

/// The bytes of each segment that has any, with its physical address.
fn segments(elf: &[u8]) -> object::Result<Vec<(u64, &[u8])>> {
    let header = FileHeader64::<LittleEndian>::parse(elf)?;
    let endian = header.endian()?;
    if header.e_machine(endian) != EM_AARCH64 {
        return Ok(Vec::new());
    }
    let mut segments = Vec::new();
    for segment in header.program_headers(endian, elf)? {
        if segment.p_type(endian) == PT_LOAD && segment.p_filesz(endian) != 0 {
            let content = segment.data(endian, elf).unwrap_or_default();
            segments.push((segment.p_paddr(endian), content));
        }
    }
    Ok(segments)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: usize = 64;
    const PROGRAM_HEADER: usize = 56;

    /// A little ELF file: its segments are (address, content, size in memory).
    fn elf(segments: &[(u64, &[u8], u64)]) -> Vec<u8> {
        let mut file = vec![0; HEADER + PROGRAM_HEADER * segments.len()];
        file[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
        file[16..20].copy_from_slice(&[2, 0, 183, 0]);
        file[32] = 64;
        file[52] = 64;
        file[54] = 56;
        file[56] = u8::try_from(segments.len()).unwrap();
        for (index, (address, content, memory)) in segments.iter().enumerate() {
            let words = [1, file.len() as u64, *address, *address, content.len() as u64, *memory];
            let header = HEADER + PROGRAM_HEADER * index;
            for (at, word) in words.iter().enumerate() {
                file[header + 8 * at..][..8].copy_from_slice(&word.to_le_bytes());
            }
            file.extend_from_slice(content);
        }
        file
    }

    #[test]
    fn segments_land_at_their_addresses() {
        let file = elf(&[(0x2008, b"data", 100), (0x2000, b"code", 4)]);
        let flat = Flat::from_elf(&file).unwrap();
        assert_eq!(flat, Flat { address: 0x2000, bytes: b"code\0\0\0\0data".to_vec() });
    }

    #[test]
    fn segments_without_bytes_are_left_out() {
        let file = elf(&[(0x1000, b"", 64), (0x2000, b"code", 4)]);
        assert_eq!(Flat::from_elf(&file).unwrap().address, 0x2000);
    }

    #[test]
    fn wrong_files_are_refused() {
        assert!(Flat::from_elf(b"").is_err());
        assert!(Flat::from_elf(b"#!/bin/sh\n").is_err());
        assert!(Flat::from_elf(&elf(&[])).is_err());
        let overlapping = elf(&[(0x2000, b"codecode", 8), (0x2004, b"data", 4)]);
        assert!(Flat::from_elf(&overlapping).unwrap_err().contains("overlap"));
        let far = elf(&[(0x2000, b"code", 4), (0x1_0000_0000, b"data", 4)]);
        assert!(Flat::from_elf(&far).unwrap_err().contains("far"));
        let mut other_machine = elf(&[(0x2000, b"code", 4)]);
        other_machine[18] = 62;
        assert!(Flat::from_elf(&other_machine).is_err());
    }

    #[test]
    fn the_image_header_is_known_by_its_magic() {
        let mut bytes = vec![0; 64];
        assert!(!Flat { address: 0, bytes: bytes.clone() }.has_image_header());
        bytes[56..60].copy_from_slice(b"ARMd");
        assert!(Flat { address: 0, bytes: bytes.clone() }.has_image_header());
        bytes.truncate(58);
        assert!(!Flat { address: 0, bytes }.has_image_header());
    }
}
