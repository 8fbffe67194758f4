//! `FFA_MSG_SEND_DIRECT_REQ` and `FFA_MSG_SEND_DIRECT_RESP`.
//!
//! ```text
//! w1  [31:16] sender [15:0] receiver
//! w2  partition message: [31] 0 [30:0] MBZ before 1.2, ignored from there on
//!     framework message: [31] 1 [30:8] MBZ before 1.2, ignored from there on [7:0] type
//! w3..w7, x3..x7, or in the 64-bit form from 1.3 on x3..x17: payload
//! ```

use core::fmt;

use crate::call::{DecodeError, Request, call_regs, must_be_zero};
use crate::calls::framework_message::{FrameworkContent, FrameworkKind, FrameworkMessage};
use crate::completion::{Completion, DirectRequestReply, WaitReply};
use crate::form::{Form, Payload, by_width};
use crate::function::{FunctionId, Width};
use crate::id::EndpointId;
use crate::regs::Regs;
use crate::reply::{CallError, Reply, ReplyError};
use crate::target::{endpoint_bits, endpoints};
use crate::version::Version;

/// What a direct message carries: w3..w7, x3..x7, or x3..x17.
///
/// A 64-bit message between sides that speak 1.3 is always read as [`Payload::Extended`], and never
/// before.
pub type DirectPayload = Payload<5, 15>;

/// A message between partitions, or one of the framework.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DirectMessage {
    /// Between partitions, who know what it means.
    Partition(DirectPayload),
    /// Between components of the framework. Never from a VM to somebody else.
    Framework(FrameworkMessage),
}

/// `FFA_MSG_SEND_DIRECT_REQ`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DirectRequest {
    /// w1\[31:16\].
    pub sender: EndpointId,
    /// w1\[15:0\].
    pub receiver: EndpointId,
    /// w2 and what follows; its form is that of the call.
    pub message: DirectMessage,
}

/// `FFA_MSG_SEND_DIRECT_RESP`: the receiver's answer, as a call of its own and as the sender's reply.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DirectResponse {
    /// w1\[31:16\]: the receiver of the request.
    pub sender: EndpointId,
    /// w1\[15:0\]: the sender of the request.
    pub receiver: EndpointId,
    /// w2 and what follows; its form is that of the request.
    pub message: DirectMessage,
}

impl DirectMessage {
    const FRAMEWORK: u32 = 1 << 31;

    /// The registers after w2.
    #[must_use]
    pub const fn payload(&self) -> DirectPayload {
        match self {
            DirectMessage::Partition(payload) => *payload,
            DirectMessage::Framework(message) => message.payload,
        }
    }

    /// The form of the call that carries it.
    #[must_use]
    pub const fn width(&self) -> Width {
        self.payload().width()
    }

    /// What a message of the framework says.
    #[must_use]
    pub fn framework(&self) -> Option<FrameworkContent> {
        match self {
            DirectMessage::Partition(_) => None,
            DirectMessage::Framework(message) => Some(message.content()),
        }
    }

    /// Whether this can be the answer: a partition answers a partition, and a framework message one of
    /// the type that [`FrameworkKind::answer`] names.
    fn answers(&self, request: &DirectMessage) -> bool {
        match (self, request) {
            (DirectMessage::Partition(_), DirectMessage::Partition(_)) => true,
            (DirectMessage::Framework(answer), DirectMessage::Framework(request)) => {
                request.kind.answer().is_none_or(|kind| kind == answer.kind)
            }
            _ => false,
        }
    }

    /// The same in a form with wider registers, where `form` is wider.
    fn widened(self, form: Form) -> DirectMessage {
        match self {
            DirectMessage::Partition(payload) => DirectMessage::Partition(payload.widened(form)),
            DirectMessage::Framework(FrameworkMessage { kind, payload }) => {
                DirectMessage::Framework(FrameworkMessage { kind, payload: payload.widened(form) })
            }
        }
    }

    /// w2.
    fn flags(&self) -> u32 {
        match self {
            DirectMessage::Partition(_) => 0,
            DirectMessage::Framework(message) => Self::FRAMEWORK | u32::from(message.kind.0),
        }
    }

    #[inline(always)]
    fn parse(form: Form, regs: &Regs) -> DirectMessage {
        if regs.w(2) & Self::FRAMEWORK == 0 {
            return DirectMessage::Partition(Payload::read(form, regs));
        }
        let kind = FrameworkKind((regs.w(2) & 0xff) as u8);
        DirectMessage::Framework(FrameworkMessage { kind, payload: Payload::read(form, regs) })
    }
}

impl From<FrameworkContent> for DirectMessage {
    fn from(content: FrameworkContent) -> DirectMessage {
        DirectMessage::Framework(content.into())
    }
}

impl DirectRequest {
    /// The response to this request that carries `message`, in the form of the request where that is
    /// the wider one.
    #[must_use]
    pub fn respond(&self, message: DirectMessage) -> DirectResponse {
        let message = message.widened(self.message.payload().form());
        DirectResponse { sender: self.receiver, receiver: self.sender, message }
    }

    const fn function(&self) -> FunctionId {
        let (narrow, wide) =
            (FunctionId::MSG_SEND_DIRECT_REQ_32, FunctionId::MSG_SEND_DIRECT_REQ_64);
        by_width(self.message.width(), narrow, wide)
    }
}

impl DirectResponse {
    /// Whether it goes from the request's receiver to its sender, in the request's width, and is the
    /// kind of message that answers the request's.
    #[must_use]
    pub fn answers(&self, request: &DirectRequest) -> bool {
        self.sender == request.receiver
            && self.receiver == request.sender
            && self.message.width() == request.message.width()
            && self.message.answers(&request.message)
    }

    const fn function(&self) -> FunctionId {
        let (narrow, wide) =
            (FunctionId::MSG_SEND_DIRECT_RESP_32, FunctionId::MSG_SEND_DIRECT_RESP_64);
        by_width(self.message.width(), narrow, wide)
    }
}

impl Request for DirectRequest {
    type Reply = DirectRequestReply;

    fn encode(&self) -> Regs {
        encode(self.function(), self.sender, self.receiver, &self.message)
    }

    #[inline(always)]
    fn decode(function: FunctionId, regs: &Regs, version: Version) -> Result<Self, DecodeError> {
        check_flags(function, regs, version)?;
        Ok(DirectRequest::parse(function, regs, version))
    }

    /// Also checks that a response answers this request: by [`DirectResponse::answers`].
    fn reply(&self, regs: &Regs, version: Version) -> Result<DirectRequestReply, CallError> {
        let reply = DirectRequestReply::read(regs, version)?;
        let DirectRequestReply::Response(response) = reply else { return Ok(reply) };
        if response.message.width() != self.message.width() {
            return Err(CallError::Reply(ReplyError::UnexpectedFunction(regs.w(0))));
        }
        if !response.answers(self) {
            return Err(CallError::Reply(ReplyError::OutOfRange("sender, receiver or message")));
        }
        Ok(reply)
    }
}

impl Request for DirectResponse {
    type Reply = WaitReply;

    fn encode(&self) -> Regs {
        encode(self.function(), self.sender, self.receiver, &self.message)
    }

    #[inline(always)]
    fn decode(function: FunctionId, regs: &Regs, version: Version) -> Result<Self, DecodeError> {
        check_flags(function, regs, version)?;
        Ok(DirectResponse::parse(function, regs, version))
    }
}

impl Completion for DirectRequest {
    #[inline(always)]
    fn parse(function: FunctionId, regs: &Regs, version: Version) -> Self {
        let (sender, receiver) = endpoints(regs);
        let message = DirectMessage::parse(form(function, version), regs);
        DirectRequest { sender, receiver, message }
    }

    fn is_extended(&self) -> bool {
        self.message.payload().form() == Form::Extended
    }
}

impl Completion for DirectResponse {
    #[inline(always)]
    fn parse(function: FunctionId, regs: &Regs, version: Version) -> Self {
        let (sender, receiver) = endpoints(regs);
        let message = DirectMessage::parse(form(function, version), regs);
        DirectResponse { sender, receiver, message }
    }

    fn is_extended(&self) -> bool {
        self.message.payload().form() == Form::Extended
    }
}

fn form(function: FunctionId, version: Version) -> Form {
    Form::new(function.width(), version >= Version::V1_3)
}

fn check_flags(function: FunctionId, regs: &Regs, version: Version) -> Result<(), DecodeError> {
    if version >= Version::V1_2 {
        return Ok(());
    }
    match regs.w(2) & DirectMessage::FRAMEWORK {
        0 => must_be_zero(function, "w2[30:0]", regs.w(2)),
        _ => must_be_zero(function, "w2[30:8]", regs.w(2) & 0x7fff_ff00),
    }
}

fn encode(
    function: FunctionId,
    sender: EndpointId,
    receiver: EndpointId,
    message: &DirectMessage,
) -> Regs {
    let mut regs = call_regs(function, [endpoint_bits(sender, receiver), message.flags().into()]);
    message.payload().write(&mut regs);
    regs
}

impl fmt::Display for DirectMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DirectMessage::Partition(payload) => write!(f, "payload={payload}"),
            DirectMessage::Framework(message) => fmt::Display::fmt(message, f),
        }
    }
}

impl fmt::Display for DirectRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let DirectRequest { sender, receiver, message } = self;
        write!(f, "{} sender={sender} receiver={receiver} {message}", self.function())
    }
}

impl fmt::Display for DirectResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let DirectResponse { sender, receiver, message } = self;
        write!(f, "{} sender={sender} receiver={receiver} {message}", self.function())
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::string::ToString;

    use super::*;
    use crate::call::Call;
    use crate::calls::framework_message::{PsciArguments, PsciRequest, VmAvailability};
    use crate::reply::Reply;
    use crate::status::Status;

    const VERSIONS: [Version; 4] = [Version::V1_0, Version::V1_1, Version::V1_2, Version::V1_3];

    fn regs(values: &[u64]) -> Regs {
        let mut regs = Regs::ZERO;
        regs.0[..values.len()].copy_from_slice(values);
        regs
    }

    fn request(payload: DirectPayload) -> DirectRequest {
        DirectRequest {
            sender: EndpointId(1),
            receiver: EndpointId(0x8001),
            message: DirectMessage::Partition(payload),
        }
    }

    #[test]
    fn a_32_bit_request_and_its_response() {
        // Linux's tstee: w3 = interface << 16 | opcode.
        let call = regs(&[0x8400_006f, 0x1_8001, 0, 0x00ff_0000, 0, 0, 0, 0]);
        let expected = request(Payload::Words([0x00ff_0000, 0, 0, 0, 0]));
        for version in VERSIONS {
            assert_eq!(Call::decode(&call, version), Ok(Call::DirectRequest(expected)));
        }
        assert_eq!(expected.encode(), call);
        let response = expected.respond(DirectMessage::Partition(Payload::Words([0, 1, 0, 0, 0])));
        let answer = regs(&[0x8400_0070, 0x8001_0001, 0, 0, 1]);
        assert_eq!(response.encode(), answer);
        assert_eq!(Call::decode(&answer, Version::V1_0), Ok(Call::DirectResponse(response)));
        assert_eq!(
            expected.reply(&answer, Version::V1_2),
            Ok(DirectRequestReply::Response(response))
        );
    }

    #[test]
    fn the_64_bit_form_carries_x3_to_x7_and_from_1_3_on_x3_to_x17() {
        let mut call = Regs(core::array::from_fn(|index| 0xf_0000_0000 | index as u64));
        call.0[..3].copy_from_slice(&[0xc400_006f, 0xf_0001_8001, 0xf_0000_0000]);
        let payload = |version| match Call::decode(&call, version) {
            Ok(Call::DirectRequest(request)) => request.message.payload(),
            other => panic!("{other:?}"),
        };
        let five = core::array::from_fn(|index| 0xf_0000_0003 + index as u64);
        let fifteen = core::array::from_fn(|index| 0xf_0000_0003 + index as u64);
        for version in [Version::V1_0, Version::V1_1, Version::V1_2] {
            assert_eq!(payload(version), Payload::DoubleWords(five));
        }
        assert_eq!(payload(Version::V1_3), Payload::Extended(fifteen));
        assert_eq!(request(Payload::DoubleWords(five)).encode().0[8..], [0; 10]);
        assert_eq!(request(Payload::Extended(fifteen)).encode().0[3..], fifteen);
    }

    #[test]
    fn the_32_bit_form_ignores_upper_halves_at_every_version() {
        let call = Regs([0xf_0000_0000; 18]);
        let mut call = Regs(call.0.map(|value| value | 2));
        call.0[..3].copy_from_slice(&[0x8400_006f, 0xf_0001_8001, 0xf_0000_0000]);
        for version in VERSIONS {
            let expected = request(Payload::Words([2; 5]));
            assert_eq!(Call::decode(&call, version), Ok(Call::DirectRequest(expected)));
        }
    }

    #[test]
    fn reserved_flags_are_refused_before_1_2_and_ignored_from_there_on() {
        for id in [0x8400_006f_u32, 0xc400_006f, 0x8400_0070, 0xc400_0070] {
            let function = FunctionId::from_bits(id).unwrap();
            let cases = [
                (1, "w2[30:0]"),
                (0x4000_0000, "w2[30:0]"),
                (0x8000_0100, "w2[30:8]"),
                (0xc000_0004, "w2[30:8]"),
            ];
            for (w2, field) in cases {
                let call = regs(&[id.into(), 0x1_8001, w2]);
                let reserved = DecodeError::Reserved { function, field };
                assert_eq!(Call::decode(&call, Version::V1_0), Err(reserved));
                assert_eq!(Call::decode(&call, Version::V1_1), Err(reserved));
                let clean = regs(&[
                    id.into(),
                    0x1_8001,
                    if w2 > 0x7fff_ffff { w2 & 0x8000_00ff } else { 0 },
                ]);
                for version in [Version::V1_2, Version::V1_3] {
                    let decoded = Call::decode(&call, version).unwrap();
                    assert_eq!(decoded, Call::decode(&clean, version).unwrap());
                    assert_eq!(decoded.encode(), clean);
                }
            }
        }
    }

    #[test]
    fn the_hypervisor_tells_a_partition_of_a_vm() {
        let vm = VmAvailability { handle: 0, vm: EndpointId(3) };
        let request = DirectRequest {
            sender: EndpointId::HYPERVISOR,
            receiver: EndpointId(0x8001),
            message: FrameworkContent::VmCreated(vm).into(),
        };
        let call = regs(&[0x8400_006f, 0x8001, 0x8000_0004, 0, 0, 3]);
        assert_eq!(request.encode(), call);
        assert_eq!(Call::decode(&call, Version::V1_1), Ok(Call::DirectRequest(request)));
        let response = request.respond(FrameworkContent::VmCreatedResponse(Ok(())).into());
        assert_eq!(response.encode(), regs(&[0x8400_0070, 0x8001_0000, 0x8000_0005]));
        let text = "FFA_MSG_SEND_DIRECT_REQ_32 sender=0x0000 receiver=0x8001 \
                    VM_CREATED vm=0x0003 handle=0x0";
        assert_eq!(request.to_string(), text);
    }

    #[test]
    fn every_framework_message_is_one_whatever_its_type_and_width() {
        for id in [0x8400_006f, 0xc400_006f] {
            for kind in 0..=u8::MAX {
                let call = regs(&[id, 0x1_8001, 0x8000_0000 | u64::from(kind), 1, 2, 3, 4, 5]);
                for version in VERSIONS {
                    let decoded = Call::decode(&call, version).unwrap();
                    let Call::DirectRequest(request) = decoded else { panic!("{decoded}") };
                    let DirectMessage::Framework(message) = request.message else {
                        panic!("{request}")
                    };
                    assert_eq!(message.kind, FrameworkKind(kind));
                    assert_eq!(request.encode(), call);
                }
            }
        }
    }

    #[test]
    fn a_psci_call_has_both_widths() {
        for (arguments, id) in [
            (PsciArguments::Bits32([1, 2, 3]), 0x8400_006f),
            (PsciArguments::Bits64([1, 2, 3]), 0xc400_006f),
        ] {
            let psci = PsciRequest { function: 0x8400_0002, arguments };
            let request = DirectRequest {
                sender: EndpointId(0xffff),
                receiver: EndpointId(0x8000),
                message: FrameworkContent::PsciRequest(psci).into(),
            };
            let call = regs(&[id, 0xffff_8000, 0x8000_0000, 0x8400_0002, 1, 2, 3]);
            assert_eq!(request.encode(), call);
            assert_eq!(Call::decode(&call, Version::V1_1), Ok(Call::DirectRequest(request)));
        }
    }

    #[test]
    fn a_response_to_somebody_else_or_of_another_width_is_no_reply() {
        let request = request(Payload::Words([0; 5]));
        for w1 in [0x8001_0002_u64, 0x8002_0001, 0x1_8001] {
            let answer = regs(&[0x8400_0070, w1]);
            let error = CallError::Reply(ReplyError::OutOfRange("sender, receiver or message"));
            assert_eq!(request.reply(&answer, Version::V1_2), Err(error));
            assert!(DirectRequestReply::read(&answer, Version::V1_2).is_ok());
        }
        let answer = regs(&[0xc400_0070, 0x8001_0001]);
        let error = CallError::Reply(ReplyError::UnexpectedFunction(0xc400_0070));
        assert_eq!(request.reply(&answer, Version::V1_2), Err(error));
    }

    #[test]
    fn a_framework_message_is_answered_by_its_own_type_alone() {
        let framework = |kind: u8| {
            let payload = Payload::Words([0; 5]);
            let message = FrameworkMessage { kind: FrameworkKind(kind), payload };
            DirectRequest { message: DirectMessage::Framework(message), ..request(payload) }
        };
        let answers = |request: &DirectRequest, w2: u64| {
            request.reply(&regs(&[0x8400_0070, 0x8001_0001, w2]), Version::V1_2).is_ok()
        };
        for (kind, answer) in [(0, 2), (1, 2), (4, 5), (6, 7), (8, 9), (10, 11), (12, 13), (14, 15)]
        {
            for other in 0..=u8::MAX {
                let w2 = 0x8000_0000 | u64::from(other);
                assert_eq!(answers(&framework(kind), w2), other == answer, "{kind} {other}");
            }
            assert!(!answers(&framework(kind), 0));
        }
        // A type that this crate knows nothing of may be answered by any other.
        assert!(answers(&framework(0x40), 0x8000_0041) && !answers(&framework(0x40), 0));
        assert!(!answers(&request(Payload::Words([0; 5])), 0x8000_0002));
    }

    #[test]
    fn a_response_is_as_wide_as_its_request() {
        let arguments = PsciArguments::Bits64([1, 2, 3]);
        let psci = FrameworkContent::PsciRequest(PsciRequest { function: 0xc400_0003, arguments });
        let request = DirectRequest { message: psci.into(), ..request(Payload::Words([0; 5])) };
        let response = request.respond(FrameworkContent::PsciResponse(-2).into());
        let answer = regs(&[0xc400_0070, 0x8001_0001, 0x8000_0002, 0xffff_fffe]);
        assert_eq!(response.encode(), answer);
        let read = request.reply(&answer, Version::V1_2);
        assert_eq!(read, Ok(DirectRequestReply::Response(response)));
        assert_eq!(response.message.framework(), Some(FrameworkContent::PsciResponse(-2)));
        let long = request_of_64_bits().respond(DirectMessage::Partition(Payload::Words([9; 5])));
        let mut payload = [0; 15];
        payload[..5].fill(9);
        assert_eq!(long.message.payload(), Payload::Extended(payload));
    }

    fn request_of_64_bits() -> DirectRequest {
        request(Payload::Extended([1; 15]))
    }

    #[test]
    fn other_completions_pass() {
        let request = request(Payload::Words([0; 5]));
        let read = |values: &[u64]| request.reply(&regs(values), Version::V1_2);
        assert!(matches!(read(&[0x8400_0062, 0x8001_0000]), Ok(DirectRequestReply::Interrupt(_))));
        assert!(matches!(read(&[0x8400_006c]), Ok(DirectRequestReply::Yield(_))));
        assert_eq!(read(&[0x8400_0061]), Ok(DirectRequestReply::Success));
        let denied = CallError::Status(Status::DENIED);
        assert_eq!(read(&[0x8400_0060, 0, 0xffff_fffa]), Err(denied));
    }

    #[test]
    fn an_extended_request_gets_an_extended_response() {
        let request = request_of_64_bits();
        let response = request.respond(DirectMessage::Partition(Payload::Extended([2; 15])));
        let mut answer = request.encode();
        DirectRequestReply::Response(response).write(&mut answer);
        assert_eq!(answer.0[3..], [2; 15]);
        assert_eq!(
            request.reply(&answer, Version::V1_3),
            Ok(DirectRequestReply::Response(response))
        );
        let mut next = response.encode();
        WaitReply::DirectRequest(request).write(&mut next);
        assert_eq!(next, request.encode());
        assert_eq!(response.reply(&next, Version::V1_3), Ok(WaitReply::DirectRequest(request)));
    }

    #[test]
    fn a_request_that_ends_with_x7_leaves_the_rest_to_its_receiver() {
        let request = request(Payload::DoubleWords([1; 5]));
        let mut next = Regs([9; 18]);
        WaitReply::DirectRequest(request).write(&mut next);
        assert_eq!(next.0[3..8], [1; 5]);
        assert_eq!(next.0[8..], [9; 10]);
        let response = request.respond(request.message);
        assert_eq!(response.reply(&next, Version::V1_2), Ok(WaitReply::DirectRequest(request)));
    }

    #[test]
    fn a_partition_message_is_shown_by_its_registers() {
        let text = "FFA_MSG_SEND_DIRECT_REQ_64 sender=0x0001 receiver=0x8001 payload=[0x1 0x2]";
        assert_eq!(request(Payload::DoubleWords([1, 2, 0, 0, 0])).to_string(), text);
        let response = request(Payload::Words([0; 5]))
            .respond(DirectMessage::Partition(Payload::Words([0; 5])));
        let text = "FFA_MSG_SEND_DIRECT_RESP_32 sender=0x8001 receiver=0x0001 payload=[]";
        assert_eq!(response.to_string(), text);
    }
}
