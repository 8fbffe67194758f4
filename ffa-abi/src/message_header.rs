//! The header of an indirect message: what `FFA_MSG_SEND2` finds at the start of a TX buffer, and
//! its receiver at the start of its RX buffer (DEN0077, `FFA_MSG_SEND2`).
//!
//! ```text
//! offset  0       4          8        12         14       16     20         24      40
//! 1.1     | flags | reserved | offset | receiver | sender | size |
//! 1.2     | flags | reserved | offset | receiver | sender | size | reserved | uuid |
//! ```
//! The payload is `size` bytes from `offset` on, counted from the start of the buffer. Flags and
//! reserved fields should be zero: they are ignored, and written as zero.

use core::fmt;
use core::ops::Range;

use zerocopy::little_endian::{U16, U32};

use crate::descriptor::{BuildError, DescriptorError, Fault, array_end, check, put, room, view};
use crate::id::EndpointId;
use crate::raw::layout;
use crate::uuid::Uuid;
use crate::version::Version;

layout! {
    /// The header of an indirect message in FF-A 1.1, 20 bytes, as it lies in a buffer.
    #[derive(Debug)]
    pub struct RawMessageHeader: 20 {
        /// Ignored, and written as zero.
        0 => pub flags: U32,
        /// Ignored, and written as zero.
        4 => pub reserved: U32,
        /// Bytes from the start of the buffer to the payload.
        8 => pub offset: U32,
        /// The receiver: bits 15:0 of a word of 32 bits.
        12 => pub receiver: U16,
        /// The sender: bits 31:16 of that word.
        14 => pub sender: U16,
        /// Bytes of the payload.
        16 => pub size: U32,
    }
}

layout! {
    /// The header of an indirect message from FF-A 1.2 on, 40 bytes, as it lies in a buffer.
    #[derive(Debug)]
    pub struct RawMessageHeader1_2: 40 {
        /// Ignored, and written as zero.
        0 => pub flags: U32,
        /// Ignored, and written as zero.
        4 => pub reserved_4: U32,
        /// Bytes from the start of the buffer to the payload.
        8 => pub offset: U32,
        /// The receiver: bits 15:0 of a word of 32 bits.
        12 => pub receiver: U16,
        /// The sender: bits 31:16 of that word.
        14 => pub sender: U16,
        /// Bytes of the payload.
        16 => pub size: U32,
        /// Ignored, and written as zero.
        20 => pub reserved_20: U32,
        /// The protocol, in the order of its text.
        24 => pub uuid: [u8; 16],
    }
}

/// Who sends to whom, by which protocol.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MessageHeader {
    /// The sender.
    pub sender: EndpointId,
    /// The receiver.
    pub receiver: EndpointId,
    /// The protocol; nil where the sender names none, and before FF-A 1.2.
    pub uuid: Uuid,
}

/// An indirect message that lies in one buffer, checked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Message<'b> {
    /// The header.
    pub header: MessageHeader,
    /// The payload, one byte at least.
    pub payload: &'b [u8],
}

impl MessageHeader {
    /// Bytes of a header that an endpoint reads and writes which speaks `version`.
    #[must_use]
    pub fn size(version: Version) -> u32 {
        if version < Version::V1_2 { 20 } else { 40 }
    }

    /// Reads the header at the start of `bytes`, written by an endpoint that speaks `version`, and
    /// where in a buffer of `buffer_size` bytes the payload is. `bytes`, a private copy, may end after
    /// the header: [`MessageHeader::size`].
    ///
    /// # Errors
    /// Bytes that end too early; a payload of no bytes, inside the header, or past the buffer's end.
    pub fn parse(
        bytes: &[u8],
        buffer_size: usize,
        version: Version,
    ) -> Result<(MessageHeader, Range<usize>), DescriptorError> {
        let raw: &RawMessageHeader = view(bytes, 0, "message header")?;
        let uuid = if version < Version::V1_2 {
            Uuid::NIL
        } else {
            Uuid(view::<RawMessageHeader1_2>(bytes, 0, "message header")?.uuid)
        };
        let (offset, size) = (raw.offset.get(), raw.size.get());
        check(offset >= MessageHeader::size(version), "message offset", 8, Fault::Overlaps)?;
        check(size != 0, "message size", 16, Fault::Zero)?;
        let header = MessageHeader {
            sender: EndpointId(raw.sender.get()),
            receiver: EndpointId(raw.receiver.get()),
            uuid,
        };
        match place(offset, size).filter(|place| place.end <= buffer_size) {
            Some(place) => Ok((header, place)),
            None => Err(DescriptorError::new("message size", 16, Fault::Truncated)),
        }
    }

    /// Writes the header that a receiver reads which speaks `version`, and returns where the payload
    /// of `size` bytes goes: right behind it, inside `buffer`.
    ///
    /// For a receiver below 1.2 the UUID is left out: nothing would read it.
    ///
    /// # Errors
    /// No room for header and payload, or a payload of no bytes or too many for 32 bits.
    pub fn write(
        &self,
        buffer: &mut [u8],
        version: Version,
        size: usize,
    ) -> Result<Range<usize>, BuildError> {
        let place = payload(version, size)?;
        let end = u32::try_from(place.end).unwrap_or(u32::MAX);
        self.write_alone(room(buffer, end)?, version, size)?;
        Ok(place)
    }

    /// The same into `bytes` that need have room for the header only: the payload is put into the
    /// receiver's buffer by another way.
    ///
    /// # Errors
    /// No room for the header, or a payload of no bytes or too many for 32 bits.
    pub fn write_alone(
        &self,
        bytes: &mut [u8],
        version: Version,
        size: usize,
    ) -> Result<Range<usize>, BuildError> {
        let place = payload(version, size)?;
        let size = u32::try_from(size).unwrap_or(u32::MAX);
        let offset = MessageHeader::size(version);
        let raw = RawMessageHeader1_2 {
            flags: U32::ZERO,
            reserved_4: U32::ZERO,
            offset: U32::new(offset),
            receiver: U16::new(self.receiver.0),
            sender: U16::new(self.sender.0),
            size: U32::new(size),
            reserved_20: U32::ZERO,
            uuid: self.uuid.0,
        };
        if version < Version::V1_2 {
            put(bytes, 0, &raw.short())?;
        } else {
            put(bytes, 0, &raw)?;
        }
        Ok(place)
    }
}

/// Where the payload of `size` bytes goes, for a receiver that speaks `version`.
fn payload(version: Version, size: usize) -> Result<Range<usize>, BuildError> {
    let error = |fault| BuildError::Invalid(DescriptorError::new("message size", 16, fault));
    let size = u32::try_from(size).map_err(|_| error(Fault::Overflow))?;
    check(size != 0, "message size", 16, Fault::Zero)?;
    place(MessageHeader::size(version), size).ok_or(error(Fault::Overflow))
}

impl RawMessageHeader1_2 {
    /// The header of FF-A 1.1, which ends before the UUID.
    fn short(&self) -> RawMessageHeader {
        RawMessageHeader {
            flags: self.flags,
            reserved: self.reserved_4,
            offset: self.offset,
            receiver: self.receiver,
            sender: self.sender,
            size: self.size,
        }
    }
}

impl<'b> Message<'b> {
    /// Reads the message in `buffer`, a private copy, written by an endpoint that speaks `version`.
    ///
    /// # Errors
    /// As [`MessageHeader::parse`].
    pub fn parse(buffer: &'b [u8], version: Version) -> Result<Message<'b>, DescriptorError> {
        let (header, place) = MessageHeader::parse(buffer, buffer.len(), version)?;
        let past_end = DescriptorError::new("message size", 16, Fault::Truncated);
        let payload = buffer.get(place).ok_or(past_end)?;
        Ok(Message { header, payload })
    }

    /// Writes the message for a receiver that speaks `version`, and returns its length with the
    /// header.
    ///
    /// # Errors
    /// As [`MessageHeader::write`].
    pub fn write(&self, buffer: &mut [u8], version: Version) -> Result<usize, BuildError> {
        let place = self.header.write(buffer, version, self.payload.len())?;
        let length = place.end;
        if let Some(space) = buffer.get_mut(place) {
            space.copy_from_slice(self.payload);
        }
        Ok(length)
    }
}

fn place(offset: u32, size: u32) -> Option<Range<usize>> {
    let end = usize::try_from(array_end(offset, size, 1)?).ok()?;
    Some(usize::try_from(offset).ok()?..end)
}

impl fmt::Display for MessageHeader {
    /// `from=0x0001 to=0x8003`, and ` uuid=...` where it is not nil.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let MessageHeader { sender, receiver, uuid } = self;
        write!(f, "from={sender} to={receiver}")?;
        if uuid.is_nil() { Ok(()) } else { write!(f, " uuid={uuid}") }
    }
}

impl fmt::Display for Message<'_> {
    /// `message from=0x0001 to=0x8003 of 3 bytes`: never what it says.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "message {} of {} bytes", self.header, self.payload.len())
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::string::ToString;

    // By hand: from 1 to 0x8003, three bytes at 24, as Linux writes it when it speaks 1.1.
    const OLD: [u8; 28] = [
        0, 0, 0, 0, 0, 0, 0, 0, 24, 0, 0, 0, 0x03, 0x80, 0x01, 0x00, 3, 0, 0, 0, //
        0xee, 0xee, 0xee, 0xee, b'a', b'b', b'c', 0xee,
    ];

    // The same in 1.2, with a UUID, at 40.
    const NEW: [u8; 43] = [
        0, 0, 0, 0, 0, 0, 0, 0, 40, 0, 0, 0, 0x03, 0x80, 0x01, 0x00, 3, 0, 0, 0, //
        0, 0, 0, 0, 0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, //
        0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff, b'a', b'b', b'c',
    ];

    const UUID: &str = "00112233-4455-6677-8899-aabbccddeeff";

    fn header(uuid: Uuid) -> MessageHeader {
        MessageHeader { sender: EndpointId(1), receiver: EndpointId(0x8003), uuid }
    }

    #[test]
    fn both_headers_are_read() {
        let old = Message::parse(&OLD, Version::V1_1).unwrap();
        assert_eq!(old, Message { header: header(Uuid::NIL), payload: b"abc" });
        let new = Message::parse(&NEW, Version::V1_2).unwrap();
        assert_eq!(new, Message { header: header(UUID.parse().unwrap()), payload: b"abc" });
        assert_eq!(old.header.to_string(), "from=0x0001 to=0x8003");
        assert_eq!(old.to_string(), "message from=0x0001 to=0x8003 of 3 bytes");
        let shown = std::format!("from=0x0001 to=0x8003 uuid={UUID}");
        assert_eq!(new.header.to_string(), shown);
    }

    #[test]
    fn both_headers_are_written() {
        let message = Message { header: header(UUID.parse().unwrap()), payload: b"abc" };
        let mut buffer = [0xcc; 44];
        assert_eq!(message.write(&mut buffer, Version::V1_3), Ok(43));
        assert_eq!((&buffer[..43], buffer[43]), (&NEW[..], 0xcc));
        let mut buffer = [0xcc; 24];
        assert_eq!(message.write(&mut buffer, Version::V1_1), Ok(23));
        let mut wanted = [0xcc; 24];
        wanted[..20].copy_from_slice(&OLD[..20]);
        wanted[8] = 20;
        wanted[20..23].copy_from_slice(b"abc");
        assert_eq!(buffer, wanted);
        let old = Message::parse(&buffer, Version::V1_1).unwrap();
        assert_eq!(old, Message { header: header(Uuid::NIL), payload: b"abc" });
    }

    #[test]
    fn what_should_be_zero_is_ignored() {
        let mut bytes = NEW;
        for index in [0, 7, 20] {
            bytes[index] = 0xff;
        }
        assert_eq!(Message::parse(&bytes, Version::V1_2), Message::parse(&NEW, Version::V1_2));
    }

    #[test]
    fn the_payload_lies_behind_the_header_and_in_the_buffer() {
        let fault = |bytes: &[u8], change: &[(usize, u8)], version| {
            let mut bytes = bytes.to_vec();
            for (index, byte) in change {
                bytes[*index] = *byte;
            }
            let DescriptorError { field, offset, fault } =
                Message::parse(&bytes, version).unwrap_err();
            (field, offset, fault)
        };
        let overlaps = ("message offset", 8, Fault::Overlaps);
        assert_eq!(fault(&OLD, &[(8, 19)], Version::V1_1), overlaps);
        assert_eq!(fault(&NEW, &[(8, 39)], Version::V1_2), overlaps);
        let empty = ("message size", 16, Fault::Zero);
        assert_eq!(fault(&OLD, &[(16, 0)], Version::V1_1), empty);
        let past = ("message size", 16, Fault::Truncated);
        assert_eq!(fault(&OLD, &[(16, 5)], Version::V1_1), past);
        assert_eq!(fault(&OLD, &[(19, 0x80)], Version::V1_1), past);
        assert_eq!(fault(&OLD, &[(8, 28)], Version::V1_1), past);
        let wraps = [(8, 0xff), (9, 0xff), (10, 0xff), (11, 0xff)];
        assert_eq!(fault(&OLD, &wraps, Version::V1_1), past);
        assert_eq!(fault(&NEW[..39], &[], Version::V1_2), ("message header", 0, Fault::Truncated));
        assert_eq!(fault(&OLD[..19], &[], Version::V1_1), ("message header", 0, Fault::Truncated));
    }

    #[test]
    fn the_header_is_enough_to_know_where_the_payload_is() {
        let parse = |size| MessageHeader::parse(&OLD[..20], size, Version::V1_1);
        assert_eq!(parse(27), Ok((header(Uuid::NIL), 24..27)));
        assert_eq!(parse(26).unwrap_err().fault, Fault::Truncated);
    }

    #[test]
    fn nothing_is_written_without_room_or_payload() {
        let write =
            |length, size| header(Uuid::NIL).write(&mut [0; 64][..length], Version::V1_2, size);
        assert_eq!(write(43, 4), Err(BuildError::NoRoom { needed: 44 }));
        assert_eq!(write(44, 4), Ok(40..44));
        let empty = DescriptorError::new("message size", 16, Fault::Zero);
        assert_eq!(write(64, 0), Err(BuildError::Invalid(empty)));
        let endless = DescriptorError::new("message size", 16, Fault::Overflow);
        assert_eq!(write(64, u32::MAX as usize), Err(BuildError::Invalid(endless)));
        assert_eq!(write(64, usize::MAX), Err(BuildError::Invalid(endless)));
    }
}
