//! Framework messages: direct messages with bit 31 of w2 set, between components of the framework.
//!
//! ```text
//! type, w2 [7:0]           w3                 w4               w5
//!  0 PSCI request          PSCI function id   its arguments in w4..w6 or x4..x6
//!  1 warm boot             [0] 0 from suspend to RAM, 1 from a lesser state
//!  2 PSCI response         PSCI status
//!  4 VM created            handle, lower      handle, upper    [15:0] VM id
//!  5 VM created response   status
//!  6 VM destroyed          handle, lower      handle, upper    [15:0] VM id
//!  7 VM destroyed response status
//!  8 version request       version            flags (1.3)
//!  9 version response      version, or -1
//! ```
//! Registers that a type does not use should be zero: they are kept in a [`FrameworkMessage`], which has
//! all that came, and left out of its [`FrameworkContent`], which has what it means.

use core::fmt;

use crate::calls::direct_message::DirectPayload;
use crate::form::Payload;
use crate::function::Width;
use crate::id::EndpointId;
use crate::status::Status;
use crate::version::Version;

/// The type of a framework message: w2\[7:0\]. An open type.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct FrameworkKind(pub u8);

/// A framework message as registers have it, of whatever type.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FrameworkMessage {
    /// Its type.
    pub kind: FrameworkKind,
    /// The registers after w2.
    pub payload: DirectPayload,
}

/// What a framework message says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum FrameworkContent {
    /// A PSCI function was called.
    PsciRequest(PsciRequest),
    /// A CPU came up again.
    WarmBoot(WarmBoot),
    /// The status of PSCI that answers the two above: 0, or a negative code of PSCI's.
    PsciResponse(i32),
    /// A VM was created.
    VmCreated(VmAvailability),
    /// The partition's answer; `Err` of status 0 is sent as `Ok`.
    VmCreatedResponse(Result<(), Status>),
    /// A VM is being destroyed.
    VmDestroyed(VmAvailability),
    /// The partition's answer; `Err` of status 0 is sent as `Ok`.
    VmDestroyedResponse(Result<(), Status>),
    /// `FFA_VERSION` of the normal world, handed to the SPMC.
    VersionRequest(VersionRequest),
    /// The SPMC's answer.
    VersionResponse(VersionResponse),
    /// A type that has no other variant here.
    Other(FrameworkMessage),
}

/// The call of PSCI that a power management message tells of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PsciRequest {
    /// w3: the function id of PSCI.
    pub function: u32,
    /// w4..w6 or x4..x6.
    pub arguments: PsciArguments,
}

/// The arguments of a PSCI call, as wide as the message has them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PsciArguments {
    /// In a 32-bit message: w4..w6.
    Bits32([u32; 3]),
    /// In a 64-bit message: x4..x6.
    Bits64([u64; 3]),
}

/// Where a CPU came from: w3 of a warm boot message. An open type.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WarmBoot(pub u32);

/// A VM created or destroyed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct VmAvailability {
    /// w3, w4: a memory region with more about the VM; 0 or -1 for none.
    pub handle: u64,
    /// w5\[15:0\]: the VM.
    pub vm: EndpointId,
}

/// w3 and w4 as they stand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct VersionRequest {
    /// w3: the version asked for.
    pub w3: u32,
    /// w4: flags of `FFA_VERSION` (1.3), 0 before.
    pub flags: u32,
}

/// w3 as it stands: a version, or a negative code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct VersionResponse {
    /// w3.
    pub w3: u32,
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $kind:literal;)*) => {
        impl FrameworkKind {
            $($(#[$doc])* pub const $name: FrameworkKind = FrameworkKind($kind);)*

            /// Every type that this crate has a name for.
            pub const ALL: &[FrameworkKind] = &[$(FrameworkKind::$name),*];

            /// What it is called, where this crate has a name for it.
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($kind => Some(stringify!($name)),)*
                    _ => None,
                }
            }
        }
    };
}

kinds! {
    /// A PSCI function was called: [`FrameworkContent::PsciRequest`].
    PSCI_REQUEST = 0;
    /// A CPU came up again: [`FrameworkContent::WarmBoot`].
    WARM_BOOT = 1;
    /// Answers both of the above: [`FrameworkContent::PsciResponse`].
    PSCI_RESPONSE = 2;
    /// [`FrameworkContent::VmCreated`].
    VM_CREATED = 4;
    /// [`FrameworkContent::VmCreatedResponse`].
    VM_CREATED_RESPONSE = 5;
    /// [`FrameworkContent::VmDestroyed`].
    VM_DESTROYED = 6;
    /// [`FrameworkContent::VmDestroyedResponse`].
    VM_DESTROYED_RESPONSE = 7;
    /// [`FrameworkContent::VersionRequest`].
    VERSION_REQUEST = 8;
    /// [`FrameworkContent::VersionResponse`].
    VERSION_RESPONSE = 9;
    /// A partition is asked to stop (1.3, as Hafnium has it).
    PARTITION_STOP_REQUEST = 10;
    /// Answers it.
    PARTITION_STOP_RESPONSE = 11;
    /// The live activation of a partition starts (1.3, as Hafnium has it).
    LIVE_ACTIVATION_START_REQUEST = 12;
    /// Answers it.
    LIVE_ACTIVATION_START_RESPONSE = 13;
    /// The live activation of a partition ends (1.3, as Hafnium has it).
    LIVE_ACTIVATION_FINISH_REQUEST = 14;
    /// Answers it.
    LIVE_ACTIVATION_FINISH_RESPONSE = 15;
}

impl FrameworkKind {
    /// The type that answers this one; `None` where this crate knows of none.
    #[must_use]
    pub const fn answer(self) -> Option<FrameworkKind> {
        match self {
            FrameworkKind::PSCI_REQUEST | FrameworkKind::WARM_BOOT => {
                Some(FrameworkKind::PSCI_RESPONSE)
            }
            FrameworkKind::VM_CREATED => Some(FrameworkKind::VM_CREATED_RESPONSE),
            FrameworkKind::VM_DESTROYED => Some(FrameworkKind::VM_DESTROYED_RESPONSE),
            FrameworkKind::VERSION_REQUEST => Some(FrameworkKind::VERSION_RESPONSE),
            FrameworkKind::PARTITION_STOP_REQUEST => Some(FrameworkKind::PARTITION_STOP_RESPONSE),
            FrameworkKind::LIVE_ACTIVATION_START_REQUEST => {
                Some(FrameworkKind::LIVE_ACTIVATION_START_RESPONSE)
            }
            FrameworkKind::LIVE_ACTIVATION_FINISH_REQUEST => {
                Some(FrameworkKind::LIVE_ACTIVATION_FINISH_RESPONSE)
            }
            _ => None,
        }
    }
}

impl WarmBoot {
    /// From suspend to RAM.
    pub const SUSPEND_TO_RAM: WarmBoot = WarmBoot(0);
    /// From a low power state lesser than suspend to RAM.
    pub const LOW_POWER: WarmBoot = WarmBoot(1);
}

impl VersionRequest {
    /// The version asked for; `None` with bit 31 set.
    #[must_use]
    pub const fn version(self) -> Option<Version> {
        Version::from_bits(self.w3)
    }
}

impl VersionResponse {
    /// The version; `None` where w3 is a negative code.
    #[must_use]
    pub const fn version(self) -> Option<Version> {
        Version::from_bits(self.w3)
    }
}

impl FrameworkMessage {
    /// What the message says, in a 32-bit or a 64-bit form.
    #[must_use]
    pub fn content(&self) -> FrameworkContent {
        let [w3, w4, w5] = [0, 1, 2].map(|index| self.payload.word(index));
        let status = Status::from_bits(w3);
        let acknowledged = if status.0 == 0 { Ok(()) } else { Err(status) };
        match self.kind {
            FrameworkKind::PSCI_REQUEST => {
                let arguments = psci_arguments(&self.payload);
                FrameworkContent::PsciRequest(PsciRequest { function: w3, arguments })
            }
            FrameworkKind::WARM_BOOT => FrameworkContent::WarmBoot(WarmBoot(w3)),
            FrameworkKind::PSCI_RESPONSE => FrameworkContent::PsciResponse(status.0),
            FrameworkKind::VM_CREATED => FrameworkContent::VmCreated(vm_availability(w3, w4, w5)),
            FrameworkKind::VM_DESTROYED => {
                FrameworkContent::VmDestroyed(vm_availability(w3, w4, w5))
            }
            FrameworkKind::VM_CREATED_RESPONSE => FrameworkContent::VmCreatedResponse(acknowledged),
            FrameworkKind::VM_DESTROYED_RESPONSE => {
                FrameworkContent::VmDestroyedResponse(acknowledged)
            }
            FrameworkKind::VERSION_REQUEST => {
                FrameworkContent::VersionRequest(VersionRequest { w3, flags: w4 })
            }
            FrameworkKind::VERSION_RESPONSE => {
                FrameworkContent::VersionResponse(VersionResponse { w3 })
            }
            _ => FrameworkContent::Other(*self),
        }
    }
}

fn psci_arguments(payload: &DirectPayload) -> PsciArguments {
    match payload.width() {
        Width::Bits32 => PsciArguments::Bits32([1, 2, 3].map(|index| payload.word(index))),
        Width::Bits64 => PsciArguments::Bits64([1, 2, 3].map(|index| payload.value(index))),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the VM id is the lower half")]
fn vm_availability(w3: u32, w4: u32, w5: u32) -> VmAvailability {
    VmAvailability { handle: u64::from(w4) << 32 | u64::from(w3), vm: EndpointId(w5 as u16) }
}

/// In the 32-bit form, save for a PSCI call with 64-bit arguments. Registers that the type does not use
/// are zero.
impl From<FrameworkContent> for FrameworkMessage {
    fn from(content: FrameworkContent) -> FrameworkMessage {
        let (kind, payload) = match content {
            FrameworkContent::Other(message) => return message,
            FrameworkContent::PsciRequest(call) => (FrameworkKind::PSCI_REQUEST, call.payload()),
            FrameworkContent::WarmBoot(from) => (FrameworkKind::WARM_BOOT, words([from.0])),
            FrameworkContent::PsciResponse(status) => {
                (FrameworkKind::PSCI_RESPONSE, words([Status(status).bits()]))
            }
            FrameworkContent::VmCreated(vm) => (FrameworkKind::VM_CREATED, vm.payload()),
            FrameworkContent::VmDestroyed(vm) => (FrameworkKind::VM_DESTROYED, vm.payload()),
            FrameworkContent::VmCreatedResponse(answer) => {
                (FrameworkKind::VM_CREATED_RESPONSE, acknowledgement(answer))
            }
            FrameworkContent::VmDestroyedResponse(answer) => {
                (FrameworkKind::VM_DESTROYED_RESPONSE, acknowledgement(answer))
            }
            FrameworkContent::VersionRequest(VersionRequest { w3, flags }) => {
                (FrameworkKind::VERSION_REQUEST, words([w3, flags]))
            }
            FrameworkContent::VersionResponse(VersionResponse { w3 }) => {
                (FrameworkKind::VERSION_RESPONSE, words([w3]))
            }
        };
        FrameworkMessage { kind, payload }
    }
}

impl PsciRequest {
    fn payload(self) -> DirectPayload {
        match self.arguments {
            PsciArguments::Bits32([a, b, c]) => words([self.function, a, b, c]),
            PsciArguments::Bits64([a, b, c]) => {
                Payload::DoubleWords([self.function.into(), a, b, c, 0])
            }
        }
    }
}

impl VmAvailability {
    #[expect(clippy::cast_possible_truncation, reason = "the handle is cut in halves")]
    fn payload(self) -> DirectPayload {
        words([self.handle as u32, (self.handle >> 32) as u32, self.vm.0.into()])
    }
}

fn acknowledgement(answer: Result<(), Status>) -> DirectPayload {
    words([answer.err().map_or(0, Status::bits)])
}

fn words<const N: usize>(first: [u32; N]) -> DirectPayload {
    let mut words = [0; 5];
    for (word, value) in words.iter_mut().zip(first) {
        *word = value;
    }
    Payload::Words(words)
}

impl fmt::Display for FrameworkKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "type {}", self.0),
        }
    }
}

impl fmt::Display for FrameworkMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.kind)?;
        match self.content() {
            FrameworkContent::PsciRequest(call) => fmt::Display::fmt(&call, f),
            FrameworkContent::WarmBoot(from) => fmt::Display::fmt(&from, f),
            FrameworkContent::PsciResponse(status) => write!(f, "status={status}"),
            FrameworkContent::VmCreated(VmAvailability { handle, vm })
            | FrameworkContent::VmDestroyed(VmAvailability { handle, vm }) => {
                write!(f, "vm={vm} handle={handle:#x}")
            }
            FrameworkContent::VmCreatedResponse(answer)
            | FrameworkContent::VmDestroyedResponse(answer) => match answer {
                Ok(()) => f.write_str("SUCCESS"),
                Err(status) => fmt::Display::fmt(&status, f),
            },
            FrameworkContent::VersionRequest(VersionRequest { w3, flags }) => {
                show_version(f, w3)?;
                if flags == 0 { Ok(()) } else { write!(f, " flags={flags:#x}") }
            }
            FrameworkContent::VersionResponse(VersionResponse { w3 }) => show_version(f, w3),
            FrameworkContent::Other(message) => write!(f, "payload={}", message.payload),
        }
    }
}

fn show_version(f: &mut fmt::Formatter<'_>, w3: u32) -> fmt::Result {
    match Version::from_bits(w3) {
        Some(version) => write!(f, "version={version}"),
        None if w3 == u32::MAX => f.write_str("NOT_SUPPORTED"),
        None => write!(f, "version={w3:#x}"),
    }
}

impl fmt::Display for PsciRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let PsciRequest { function, arguments } = self;
        match arguments {
            PsciArguments::Bits32([a, b, c]) => {
                write!(f, "function={function:#x} arguments=[{a:#x} {b:#x} {c:#x}]")
            }
            PsciArguments::Bits64([a, b, c]) => {
                write!(f, "function={function:#x} arguments=[{a:#x} {b:#x} {c:#x}]")
            }
        }
    }
}

impl fmt::Display for WarmBoot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            WarmBoot::SUSPEND_TO_RAM => f.write_str("from suspend to RAM"),
            WarmBoot::LOW_POWER => f.write_str("from low power"),
            WarmBoot(other) => write!(f, "from {other:#x}"),
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::string::ToString;

    use super::*;

    fn message(kind: u8, words: [u32; 5]) -> FrameworkMessage {
        FrameworkMessage { kind: FrameworkKind(kind), payload: Payload::Words(words) }
    }

    /// Type, w3..w7, what they mean, and how that is shown.
    type Vector = (u8, [u32; 5], FrameworkContent, &'static str);

    fn vectors() -> impl Iterator<Item = Vector> {
        power_and_version().into_iter().chain(availability())
    }

    fn power_and_version() -> [Vector; 7] {
        use FrameworkContent as Content;
        let arguments = PsciArguments::Bits32([1, 2, 3]);
        let call = Content::PsciRequest(PsciRequest { function: 0x8400_0002, arguments });
        let call_text = "PSCI_REQUEST function=0x84000002 arguments=[0x1 0x2 0x3]";
        let suspend = Content::WarmBoot(WarmBoot::SUSPEND_TO_RAM);
        let low_power = Content::WarmBoot(WarmBoot::LOW_POWER);
        let denied = Content::PsciResponse(-3);
        let request = Content::VersionRequest(VersionRequest { w3: 0x1_0003, flags: 1 });
        let request_text = "VERSION_REQUEST version=1.3 flags=0x1";
        let version = |w3| Content::VersionResponse(VersionResponse { w3 });
        let (supported, none) = (version(0x1_0002), version(u32::MAX));
        [
            (0, [0x8400_0002, 1, 2, 3, 0], call, call_text),
            (1, [0, 0, 0, 0, 0], suspend, "WARM_BOOT from suspend to RAM"),
            (1, [1, 0, 0, 0, 0], low_power, "WARM_BOOT from low power"),
            (2, [0xffff_fffd, 0, 0, 0, 0], denied, "PSCI_RESPONSE status=-3"),
            (8, [0x1_0003, 1, 0, 0, 0], request, request_text),
            (9, [0x1_0002, 0, 0, 0, 0], supported, "VERSION_RESPONSE version=1.2"),
            (9, [0xffff_ffff, 0, 0, 0, 0], none, "VERSION_RESPONSE NOT_SUPPORTED"),
        ]
    }

    fn availability() -> [Vector; 5] {
        use FrameworkContent as Content;
        let vm = VmAvailability { handle: 0x1234_5678_90ab_cdef, vm: EndpointId(3) };
        let words = [0x90ab_cdef, 0x1234_5678, 3, 0, 0];
        let created = "VM_CREATED vm=0x0003 handle=0x1234567890abcdef";
        let destroyed = "VM_DESTROYED vm=0x0003 handle=0x1234567890abcdef";
        let ok = Content::VmCreatedResponse(Ok(()));
        let retry = Content::VmCreatedResponse(Err(Status::RETRY));
        let interrupted = Content::VmDestroyedResponse(Err(Status::INTERRUPTED));
        let interrupted_text = "VM_DESTROYED_RESPONSE INTERRUPTED";
        [
            (4, words, Content::VmCreated(vm), created),
            (5, [0, 0, 0, 0, 0], ok, "VM_CREATED_RESPONSE SUCCESS"),
            (5, [0xffff_fff9, 0, 0, 0, 0], retry, "VM_CREATED_RESPONSE RETRY"),
            (6, words, Content::VmDestroyed(vm), destroyed),
            (7, [0xffff_fffb, 0, 0, 0, 0], interrupted, interrupted_text),
        ]
    }

    #[test]
    fn each_type_has_its_registers() {
        for (kind, words, content, text) in vectors() {
            let message = message(kind, words);
            assert_eq!(message.content(), content, "{text}");
            assert_eq!(FrameworkMessage::from(content), message, "{text}");
            assert_eq!(message.to_string(), text);
        }
    }

    #[test]
    fn a_64_bit_form_says_the_same_in_lower_halves() {
        for (kind, words, content, text) in vectors() {
            let wide = words.map(|word| 0xf_0000_0000 | u64::from(word));
            let mut extended = [7; 15];
            extended[..5].copy_from_slice(&wide);
            for payload in [Payload::DoubleWords(wide), Payload::Extended(extended)] {
                let message = FrameworkMessage { kind: FrameworkKind(kind), payload };
                if let FrameworkContent::PsciRequest(call) = message.content() {
                    let expected = [1, 2, 3].map(|index| wide[index]);
                    assert_eq!(call.function, 0x8400_0002);
                    assert_eq!(call.arguments, PsciArguments::Bits64(expected));
                } else {
                    assert_eq!(message.content(), content, "{text}");
                }
            }
        }
    }

    #[test]
    fn a_psci_call_with_64_bit_arguments_makes_a_64_bit_message() {
        let arguments = PsciArguments::Bits64([0x1_0000_0000, 2, u64::MAX]);
        let content =
            FrameworkContent::PsciRequest(PsciRequest { function: 0xc400_0001, arguments });
        let message = FrameworkMessage::from(content);
        let payload = Payload::DoubleWords([0xc400_0001, 0x1_0000_0000, 2, u64::MAX, 0]);
        assert_eq!(message.payload, payload);
        assert_eq!(message.content(), content);
    }

    #[test]
    fn an_unknown_type_is_kept_whole() {
        for kind in (0..=u8::MAX).filter(|kind| *kind == 3 || *kind > 9) {
            let message = message(kind, [1, 2, 3, 4, 5]);
            assert_eq!(message.content(), FrameworkContent::Other(message));
            assert_eq!(FrameworkMessage::from(message.content()), message);
        }
        let text = "type 16 payload=[0x1]";
        assert_eq!(message(16, [1, 0, 0, 0, 0]).to_string(), text);
        let text = "PARTITION_STOP_REQUEST payload=[]";
        assert_eq!(message(10, [0; 5]).to_string(), text);
    }

    #[test]
    fn what_a_type_does_not_use_does_not_change_what_it_says() {
        for (kind, words, content, text) in vectors() {
            let mut garbage = words;
            garbage[4] = u32::MAX;
            if matches!(kind, 4 | 6) {
                garbage[2] |= 0xffff_0000;
                garbage[3] = u32::MAX;
            }
            let message = message(kind, garbage);
            assert_eq!(message.content(), content, "{text}");
            assert_eq!(message.payload, Payload::Words(garbage));
        }
    }

    #[test]
    fn a_version_with_bit_31_is_none() {
        assert_eq!(VersionRequest { w3: 0x8001_0000, flags: 0 }.version(), None);
        assert_eq!(VersionRequest { w3: 0x1_0001, flags: 0 }.version(), Some(Version::V1_1));
        assert_eq!(VersionResponse { w3: u32::MAX }.version(), None);
        assert_eq!(VersionResponse { w3: 0x1_0001 }.version(), Some(Version::V1_1));
    }

    #[test]
    fn an_error_of_status_0_is_sent_as_success() {
        let refused = FrameworkContent::VmCreatedResponse(Err(Status(0)));
        let message = FrameworkMessage::from(refused);
        assert_eq!(message.content(), FrameworkContent::VmCreatedResponse(Ok(())));
    }
}
