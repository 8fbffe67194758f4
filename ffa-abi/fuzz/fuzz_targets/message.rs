//! What `FFA_MSG_SEND2` finds in a buffer: `[version] [buffer]`.
#![no_main]

use ffa_abi::{Message, MessageHeader, Uuid, Version};
use ffa_abi_fuzz::{Input, said, shown, word, written};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut input = Input(data);
    let version = input.version();
    let buffer = input.rest();
    header_alone(buffer, version);
    match Message::parse(buffer, version) {
        Ok(message) => survives(&message, buffer, version),
        Err(error) => said(format_args!("{error}")),
    }
});

/// The header says the same where nothing but the header was copied.
fn header_alone(buffer: &[u8], version: Version) {
    let size = MessageHeader::size(version) as usize;
    let copied = &buffer[..size.min(buffer.len())];
    let read = MessageHeader::parse(copied, buffer.len(), version);
    assert_eq!(read, MessageHeader::parse(buffer, buffer.len(), version));
    let Ok((header, place)) = read else { return };
    assert_eq!(Message::parse(buffer, version), Ok(Message { header, payload: &buffer[place] }));
}

fn survives(message: &Message<'_>, buffer: &[u8], version: Version) {
    shown(&message.header);
    said(format_args!("{message}"));
    let MessageHeader { sender, receiver, uuid } = message.header;
    assert_eq!(word(buffer, 12), u32::from(sender.0) << 16 | u32::from(receiver.0));
    let (start, size) = (word(buffer, 8) as usize, word(buffer, 16) as usize);
    assert_eq!(message.payload, &buffer[start..start + size]);
    assert!(size != 0 && start >= MessageHeader::size(version) as usize);
    let said = if version < Version::V1_2 {
        [0; 16]
    } else {
        *buffer[24..].first_chunk().expect("a UUID")
    };
    assert_eq!(uuid.0, said);
    for to in [Version::V1_1, Version::V1_2, Version::V1_3] {
        let length = MessageHeader::size(to) as usize + size;
        let written = written(length, |buffer| message.write(buffer, to));
        let uuid = if to < Version::V1_2 { Uuid::NIL } else { uuid };
        let expected = Message { header: MessageHeader { uuid, ..message.header }, ..*message };
        assert_eq!(Message::parse(&written, to), Ok(expected));
    }
}
