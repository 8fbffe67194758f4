//! What answers a call that hands the CPU to somebody else: one of several calls of theirs.

use core::fmt;

use crate::call::Request;
use crate::calls::direct_message::{DirectRequest, DirectResponse};
use crate::calls::direct_message2::{DirectRequest2, DirectResponse2};
use crate::calls::message_send::MessageSend;
use crate::calls::message_wait::MessageWait;
use crate::calls::scheduling::{Interrupt, NormalWorldResume, Run, Yield};
use crate::function::FunctionId;
use crate::regs::Regs;
use crate::reply::{CallError, Empty, Reply, Success};
use crate::version::Version;

/// A call that may answer another one.
pub(crate) trait Completion: Request {
    /// The call that the registers make, whatever is in fields that must be zero: the CPU has changed
    /// hands already, and nobody is left to be told of it.
    fn parse(function: FunctionId, regs: &Regs, version: Version) -> Self;

    /// Whether it uses x8..x17.
    fn is_extended(&self) -> bool {
        false
    }
}

macro_rules! completions {
    (
        $(#[$doc:meta])*
        $name:ident {
            $($(#[$variant_doc:meta])* $variant:ident($call:ident) = $($id:ident)|+;)*
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum $name {
            /// `FFA_SUCCESS` without results.
            Success,
            $($(#[$variant_doc])* $variant($call),)*
        }

        impl Reply for $name {
            fn write(&self, regs: &mut Regs) {
                match self {
                    $name::Success => Empty.write(regs),
                    $($name::$variant(call) => write_call(call, regs),)*
                }
            }

            /// What `version` does not have yet, or no more, is no reply.
            fn read(regs: &Regs, version: Version) -> Result<Self, CallError> {
                let known = FunctionId::from_bits(regs.w(0));
                let success = || Success::check(regs).map(|_| $name::Success);
                let Some(function) = known.filter(|function| function.exists_in(version)) else {
                    return success();
                };
                match function {
                    $($(FunctionId::$id)|+ => {
                        Ok($name::$variant(Completion::parse(function, regs, version)))
                    })*
                    _ => success(),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $name::Success => fmt::Display::fmt(&Empty, f),
                    $($name::$variant(call) => fmt::Display::fmt(call, f),)*
                }
            }
        }
    };
}

completions! {
    /// What answers `FFA_MSG_SEND_DIRECT_REQ`.
    DirectRequestReply {
        /// The receiver's answer.
        Response(DirectResponse) = MSG_SEND_DIRECT_RESP_32 | MSG_SEND_DIRECT_RESP_64;
        /// The receiver was interrupted: `FFA_RUN` lets it go on.
        Interrupt(Interrupt) = INTERRUPT_32 | INTERRUPT_64;
        /// The receiver yields: `FFA_RUN` lets it go on.
        Yield(Yield) = YIELD_32 | YIELD_64;
    }
}

completions! {
    /// What answers `FFA_MSG_SEND_DIRECT_REQ2`.
    DirectRequest2Reply {
        /// The receiver's answer.
        Response(DirectResponse2) = MSG_SEND_DIRECT_RESP2;
        /// The receiver was interrupted: `FFA_RUN` lets it go on.
        Interrupt(Interrupt) = INTERRUPT_32 | INTERRUPT_64;
        /// The receiver yields: `FFA_RUN` lets it go on.
        Yield(Yield) = YIELD_32 | YIELD_64;
    }
}

completions! {
    /// What answers `FFA_RUN` and `FFA_INTERRUPT`: how the one that ran gave the CPU back.
    RunReply {
        /// It was interrupted.
        Interrupt(Interrupt) = INTERRUPT_32 | INTERRUPT_64;
        /// It yields.
        Yield(Yield) = YIELD_32 | YIELD_64;
        /// It waits for a message.
        MessageWait(MessageWait) = MSG_WAIT_32 | MSG_WAIT_64;
        /// It sent a message (1.0).
        MessageSend(MessageSend) = MSG_SEND;
        /// It answers a direct request.
        DirectResponse(DirectResponse) = MSG_SEND_DIRECT_RESP_32 | MSG_SEND_DIRECT_RESP_64;
        /// It answers a direct request (1.2).
        DirectResponse2(DirectResponse2) = MSG_SEND_DIRECT_RESP2;
        /// The normal world goes on: to the SPMD only.
        NormalWorldResume(NormalWorldResume) = NORMAL_WORLD_RESUME_32 | NORMAL_WORLD_RESUME_64;
    }
}

completions! {
    /// What answers `FFA_YIELD`: the caller has the CPU again.
    YieldReply {
        /// It was scheduled.
        Run(Run) = RUN_32 | RUN_64;
        /// An interrupt is there for it.
        Interrupt(Interrupt) = INTERRUPT_32 | INTERRUPT_64;
    }
}

completions! {
    /// What answers `FFA_MSG_WAIT` and whatever else ends the caller's work: the next work.
    WaitReply {
        /// It was scheduled.
        Run(Run) = RUN_32 | RUN_64;
        /// An interrupt is there for it.
        Interrupt(Interrupt) = INTERRUPT_32 | INTERRUPT_64;
        /// A message is in its RX buffer (1.0).
        MessageSend(MessageSend) = MSG_SEND;
        /// A direct request.
        DirectRequest(DirectRequest) = MSG_SEND_DIRECT_REQ_32 | MSG_SEND_DIRECT_REQ_64;
        /// A direct request (1.2).
        DirectRequest2(DirectRequest2) = MSG_SEND_DIRECT_REQ2;
    }
}

/// Writes a call that answers another one.
pub(crate) fn write_call(call: &impl Completion, regs: &mut Regs) {
    let used = if call.is_extended() { Regs::COUNT } else { Regs::BASIC };
    regs.take_first(used, &call.encode());
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::string::ToString;

    use super::*;
    use crate::calls::direct_message::DirectMessage;
    use crate::form::Payload;
    use crate::function::Width;
    use crate::id::EndpointId;
    use crate::reply::ReplyError;
    use crate::status::Status;
    use crate::target::Target;

    fn regs(values: &[u64]) -> Regs {
        let mut regs = Regs::ZERO;
        regs.0[..values.len()].copy_from_slice(values);
        regs
    }

    #[test]
    fn each_function_that_may_answer_a_direct_request_is_a_variant() {
        let read = |values: &[u64]| DirectRequestReply::read(&regs(values), Version::V1_2);
        let response = DirectResponse {
            sender: EndpointId(0x8001),
            receiver: EndpointId(1),
            message: DirectMessage::Partition(Payload::Words([1, 2, 3, 4, 5])),
        };
        let registers = [0x8400_0070, 0x8001_0001, 0, 1, 2, 3, 4, 5];
        assert_eq!(read(&registers), Ok(DirectRequestReply::Response(response)));
        let target = Target { endpoint: EndpointId(0x8001), vcpu: 2 };
        let interrupt = Interrupt { width: Width::Bits32, target, interrupt: 34 };
        let expected = DirectRequestReply::Interrupt(interrupt);
        assert_eq!(read(&[0x8400_0062, 0x8001_0002, 34]), Ok(expected));
        let yields = Yield { width: Width::Bits32, target, timeout: 1000 };
        let expected = DirectRequestReply::Yield(yields);
        assert_eq!(read(&[0x8400_006c, 0x8001_0002, 1000]), Ok(expected));
        assert_eq!(read(&[0x8400_0061]), Ok(DirectRequestReply::Success));
        assert_eq!(read(&[0xc400_0061]), Ok(DirectRequestReply::Success));
        let busy = CallError::Status(Status::BUSY);
        assert_eq!(read(&[0x8400_0060, 0, 0xffff_fffc]), Err(busy));
        // A response to the other kind of request, and a call that answers nothing.
        for id in [0xc400_008e_u32, 0x8400_006d, 0xffff_ffff] {
            let error = CallError::Reply(ReplyError::UnexpectedFunction(id));
            assert_eq!(read(&[id.into()]), Err(error));
        }
    }

    /// The ids that answer between sides of some version, which is one that has the id.
    fn answers<R: Reply>() -> std::vec::Vec<u32> {
        let versions = [Version::V1_0, Version::V1_1, Version::V1_2, Version::V1_3];
        let answers = |function: &&crate::function::Function| {
            let regs = regs(&[function.id.bits().into()]);
            let in_which = versions.map(|version| R::read(&regs, version).is_ok());
            let exists = versions.map(|version| function.exists_in(version));
            assert!(in_which == exists || in_which == [false; 4], "{}", function.name);
            in_which != [false; 4]
        };
        let functions = crate::function::FUNCTIONS.iter().filter(answers);
        functions.map(|function| function.id.bits()).collect()
    }

    #[test]
    fn nothing_else_is_an_answer() {
        let (success, interrupt) = ([0x8400_0061, 0xc400_0061], [0x8400_0062, 0xc400_0062]);
        let yields = [0x8400_006c, 0xc400_006c];
        let run = [0x8400_006d, 0xc400_006d];
        let response = [0x8400_0070, 0xc400_0070];
        let expect = |found: std::vec::Vec<u32>, parts: &[&[u32]]| {
            assert_eq!(found, parts.concat());
        };
        expect(answers::<DirectRequestReply>(), &[&success, &interrupt, &yields, &response]);
        let response2: &[u32] = &[0xc400_008e];
        expect(answers::<DirectRequest2Reply>(), &[&success, &interrupt, &yields, response2]);
        expect(answers::<YieldReply>(), &[&success, &interrupt, &run]);
        let request: &[u32] = &[0x8400_006e, 0x8400_006f, 0xc400_006f, 0xc400_008d];
        expect(answers::<WaitReply>(), &[&success, &interrupt, &run, request]);
        let (wait, send) = ([0x8400_006b, 0xc400_006b], [0x8400_006e]);
        let resume = [0x8400_007c, 0xc400_007c];
        expect(
            answers::<RunReply>(),
            &[&success, &interrupt, &wait, &yields, &send, &response, &resume, response2],
        );
    }

    #[test]
    fn registers_of_old_callers_are_kept_unless_the_answer_uses_them() {
        let written = |reply: &dyn Fn(&mut Regs)| {
            let mut regs = Regs([u64::MAX; 18]);
            reply(&mut regs);
            regs
        };
        let response = DirectResponse {
            sender: EndpointId(0x8001),
            receiver: EndpointId(1),
            message: DirectMessage::Partition(Payload::DoubleWords([1, 2, 3, 4, 5])),
        };
        let reply = DirectRequestReply::Response(response);
        let regs = written(&|regs| reply.write(regs));
        assert_eq!(regs.0[..8], [0xc400_0070, 0x8001_0001, 0, 1, 2, 3, 4, 5]);
        assert_eq!(regs.0[8..], [u64::MAX; 10]);
        let message = DirectMessage::Partition(Payload::Extended([7; 15]));
        let reply = DirectRequestReply::Response(DirectResponse { message, ..response });
        assert_eq!(written(&|regs| reply.write(regs)).0[3..], [7; 15]);
        let (sender, receiver) = (EndpointId(0x8001), EndpointId(1));
        let response2 = DirectResponse2 { sender, receiver, payload: [9; 14] };
        let reply = DirectRequest2Reply::Response(response2);
        let regs = written(&|regs| reply.write(regs));
        assert_eq!(regs.0[..4], [0xc400_008e, 0x8001_0001, 0, 0]);
        assert_eq!(regs.0[4..], [9; 14]);
        let regs = written(&|regs| DirectRequest2Reply::Success.write(regs));
        assert_eq!(regs.0[..8], [0x8400_0061, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(regs.0[8..], [u64::MAX; 10]);
    }

    #[test]
    fn the_version_decides_how_far_a_message_reaches() {
        let mut registers = Regs([6; 18]);
        registers.set(0, FunctionId::MSG_SEND_DIRECT_REQ_64.bits());
        registers.set(2, 0_u64);
        let payload = |reply: WaitReply| match reply {
            WaitReply::DirectRequest(request) => request.message.payload(),
            other => panic!("{other}"),
        };
        let read_in = |version| payload(WaitReply::read(&registers, version).unwrap());
        assert_eq!(read_in(Version::V1_2), Payload::DoubleWords([6; 5]));
        assert_eq!(read_in(Version::V1_3), Payload::Extended([6; 15]));
        // Whatever the form of the call that it answers.
        let wait = MessageWait { width: Width::Bits32, keeps_rx: false };
        let read = payload(wait.reply(&registers, Version::V1_3).unwrap());
        assert_eq!(read, Payload::Extended([6; 15]));
    }

    #[test]
    fn a_field_that_should_be_zero_does_not_lose_the_answer() {
        let wait = [0x8400_006b, 1, 0, 7, 7, 7, 7, 7];
        let expected = MessageWait { width: Width::Bits32, keeps_rx: false };
        assert_eq!(
            RunReply::read(&regs(&wait), Version::V1_2),
            Ok(RunReply::MessageWait(expected))
        );
        let wait = [0x8400_006b, 1, 3, 7];
        let expected = RunReply::MessageWait(MessageWait { width: Width::Bits32, keeps_rx: true });
        assert_eq!(RunReply::read(&regs(&wait), Version::V1_2), Ok(expected));
        let run = Run { width: Width::Bits32, target: Target::NONE };
        assert_eq!(run.reply(&regs(&wait), Version::V1_2), Ok(expected));
        let expected = RunReply::MessageWait(MessageWait { width: Width::Bits32, keeps_rx: false });
        assert_eq!(RunReply::read(&regs(&wait), Version::V1_1), Ok(expected));
        let response = [0xc400_008e, 0x8001_0001, 1, 1, 5];
        let read = RunReply::read(&regs(&response), Version::V1_2).unwrap();
        assert!(matches!(read, RunReply::DirectResponse2(response) if response.payload[0] == 5));
    }

    #[test]
    fn an_answer_is_shown_as_the_call_that_it_is() {
        let text =
            |values: &[u64]| RunReply::read(&regs(values), Version::V1_2).unwrap().to_string();
        assert_eq!(text(&[0x8400_006b]), "FFA_MSG_WAIT");
        assert_eq!(
            text(&[0x8400_0062, 0x8001_0002, 34]),
            "FFA_INTERRUPT target=0x8001 vcpu=2 interrupt=34"
        );
        assert_eq!(text(&[0x8400_0061]), "SUCCESS");
    }

    #[test]
    fn an_error_of_either_width_keeps_its_code_at_every_version() {
        for version in [Version::V1_0, Version::V1_1, Version::V1_2, Version::V1_3] {
            for id in [0x8400_0060, 0xc400_0060] {
                let read = RunReply::read(&regs(&[id, 0, 0xffff_fffc]), version);
                assert_eq!(read, Err(CallError::Status(Status::BUSY)), "{id:#x} {version}");
            }
        }
    }
}
