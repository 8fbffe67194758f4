//! What a message can ask of a partition, and what it answers then.
//!
//! ```text
//! command  word 0  [31:16] "SP"  [15:8] flags, or a kind  [7:0] which     words 1..5 arguments
//! answer   word 0  as in the command   word 1  status, 0 for success      words 2..5 results
//! ```
//! The words are w3..w7, x3..x7, or the lower halves of x4..x8. A message that is no command is sent
//! back as it is.

use ffa_abi::{
    DIRECT2_REGISTERS, DirectMessage, DirectPayload, EndpointId, FrameworkNotifications,
    Notifications, Status,
};

use crate::behaviour::{Delay, Reluctance};

/// How many words a command has.
pub const COMMAND_WORDS: usize = 5;

/// What a message asks of a partition.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Command {
    /// Yield so often, and then send the message back.
    Yield {
        /// How often; [`Reluctance::FOREVER`] for always.
        times: u32,
    },
    /// Be interrupted so often, and then send the message back.
    Interrupt {
        /// How often; [`Reluctance::FOREVER`] for always.
        times: u32,
    },
    /// Set notifications of a VM.
    Notify {
        /// The VM.
        receiver: EndpointId,
        /// For one of its vCPUs.
        vcpu: Option<u16>,
        /// Whether the schedule receiver interrupt waits until the partition gives the CPU back.
        delays_interrupt: bool,
        /// Which.
        notifications: Notifications,
    },
    /// Let a VM set notifications of the partition.
    Bind {
        /// The VM.
        sender: EndpointId,
        /// Whether they are for one execution context each.
        per_vcpu: bool,
        /// Which.
        notifications: Notifications,
    },
    /// Take that back.
    Unbind {
        /// The VM.
        sender: EndpointId,
        /// Which.
        notifications: Notifications,
    },
    /// Take the notifications that are pending, and tell them: [`Taken`].
    TakeNotifications,
    /// Send a VM an indirect message of [`pattern`](crate::pattern) bytes.
    SendMessage {
        /// The VM.
        receiver: EndpointId,
        /// Whether the schedule receiver interrupt waits until the partition gives the CPU back.
        delays_interrupt: bool,
        /// Bytes of the payload.
        size: u32,
        /// Its first byte.
        first: u8,
    },
    /// Read RX, give it back, and tell what was in it: [`Told`].
    ReadMessage,
    /// Answer with `FFA_ERROR`.
    Fail {
        /// The code, negative or not.
        status: Status,
    },
    /// From now on, take the news of VMs like this.
    Delay {
        /// Which.
        event: VmEvent,
        /// How.
        reluctance: Reluctance,
    },
    /// Send the message back, but wrongly.
    Misbehave(Misbehaviour),
}

/// What may happen to a VM.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum VmEvent {
    /// It was created.
    Created = 0,
    /// It is being destroyed.
    Destroyed = 1,
}

/// What is wrong with an answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Misbehaviour {
    /// It goes to somebody else.
    ForeignReceiver = 0,
    /// It comes from somebody else.
    ForeignSender = 1,
    /// It has a function id of FF-A's range that no document names.
    UnknownFunction = 2,
    /// It has the function id of the other width.
    OtherWidth = 3,
    /// It is an error with a positive code.
    PositiveError = 4,
    /// There is something in registers that it does not use.
    Garbage = 5,
    /// It says that somebody else was interrupted.
    ForeignInterrupt = 6,
    /// It says that somebody else yields.
    ForeignYield = 7,
    /// It is a success, which nobody waits for.
    Success = 8,
    /// It is a message of the framework.
    FrameworkMessage = 9,
}

/// Words of the answer to [`Command::TakeNotifications`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Taken {
    /// Those that VMs had set.
    pub vms: Notifications,
    /// Those of the framework.
    pub framework: FrameworkNotifications,
}

/// Words of the answer to [`Command::ReadMessage`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Told {
    /// Who sent it.
    pub sender: EndpointId,
    /// Bytes of its payload.
    pub size: u32,
    /// [`digest`](crate::digest) of its payload.
    pub digest: u32,
}

/// What a partition answers to a command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Answer {
    /// Word 1: what came of it.
    pub status: Result<(), Status>,
    /// Words 2..5.
    pub results: [u32; 3],
}

const TAG: u32 = 0x5350;

const PER_VCPU: u8 = 1 << 0;
const DELAYS_INTERRUPT: u8 = 1 << 1;

const DELAY_ANSWER: u32 = 0;
const DELAY_INTERRUPT: u32 = 1;
const DELAY_YIELD: u32 = 2;

impl Misbehaviour {
    /// Every kind of it.
    pub const ALL: [Misbehaviour; 10] = [
        Misbehaviour::ForeignReceiver,
        Misbehaviour::ForeignSender,
        Misbehaviour::UnknownFunction,
        Misbehaviour::OtherWidth,
        Misbehaviour::PositiveError,
        Misbehaviour::Garbage,
        Misbehaviour::ForeignInterrupt,
        Misbehaviour::ForeignYield,
        Misbehaviour::Success,
        Misbehaviour::FrameworkMessage,
    ];
}

impl Command {
    /// The words of the command.
    #[must_use]
    pub fn encode(&self) -> [u32; COMMAND_WORDS] {
        match *self {
            Command::Yield { times } => words(1, 0, [times, 0, 0, 0]),
            Command::Interrupt { times } => words(2, 0, [times, 0, 0, 0]),
            Command::Notify { receiver, vcpu, delays_interrupt, notifications } => {
                let target = u32::from(vcpu.unwrap_or(0)) << 16 | u32::from(receiver.0);
                let (low, high) = notifications.words();
                words(3, flags(vcpu.is_some(), delays_interrupt), [target, low, high, 0])
            }
            Command::Bind { sender, per_vcpu, notifications } => {
                let (low, high) = notifications.words();
                words(4, flags(per_vcpu, false), [sender.0.into(), low, high, 0])
            }
            Command::Unbind { sender, notifications } => {
                let (low, high) = notifications.words();
                words(5, 0, [sender.0.into(), low, high, 0])
            }
            Command::TakeNotifications => words(6, 0, [0; 4]),
            Command::SendMessage { receiver, delays_interrupt, size, first } => {
                let arguments = [receiver.0.into(), size, first.into(), 0];
                words(7, flags(false, delays_interrupt), arguments)
            }
            Command::ReadMessage => words(8, 0, [0; 4]),
            Command::Fail { status } => words(9, 0, [status.bits(), 0, 0, 0]),
            Command::Delay { event, reluctance: Reluctance { how, times } } => {
                let (how, status) = encode_delay(how);
                words(10, event as u8, [how, status, times, 0])
            }
            Command::Misbehave(how) => words(11, how as u8, [0; 4]),
        }
    }

    /// The command that the words are; `None` for a message that is none.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "each field is cut out of its word")]
    pub fn decode(words: [u32; COMMAND_WORDS]) -> Option<Command> {
        let [head, a, b, c, d] = words;
        if head >> 16 != TAG {
            return None;
        }
        let (kind, endpoint) = ((head >> 8) as u8, EndpointId(a as u16));
        let has = |flag| kind & flag != 0;
        let notifications = Notifications::from_words(b, c);
        let command = match head as u8 {
            1 => Command::Yield { times: a },
            2 => Command::Interrupt { times: a },
            3 => Command::Notify {
                receiver: endpoint,
                vcpu: has(PER_VCPU).then_some((a >> 16) as u16),
                delays_interrupt: has(DELAYS_INTERRUPT),
                notifications,
            },
            4 => Command::Bind { sender: endpoint, per_vcpu: has(PER_VCPU), notifications },
            5 => Command::Unbind { sender: endpoint, notifications },
            6 => Command::TakeNotifications,
            7 => Command::SendMessage {
                receiver: endpoint,
                delays_interrupt: has(DELAYS_INTERRUPT),
                size: b,
                first: c as u8,
            },
            8 => Command::ReadMessage,
            9 => Command::Fail { status: Status::from_bits(a) },
            10 => {
                let event = if kind == 0 { VmEvent::Created } else { VmEvent::Destroyed };
                let reluctance = Reluctance::new(decode_delay(a, Status::from_bits(b))?, c);
                Command::Delay { event, reluctance }
            }
            11 => Command::Misbehave(*Misbehaviour::ALL.get(usize::from(kind))?),
            _ => return None,
        };
        // What this function would drop makes it somebody's message.
        Some(command).filter(|command| command.encode() == [head, a, b, c, d])
    }

    /// The command as a direct message of the 32-bit form.
    #[must_use]
    pub fn to_message(&self) -> DirectMessage {
        DirectMessage::Partition(DirectPayload::Words(self.encode()))
    }

    /// The command as the payload of `FFA_MSG_SEND_DIRECT_REQ2`.
    #[must_use]
    pub fn to_payload2(&self) -> [u64; DIRECT2_REGISTERS] {
        widen(self.encode())
    }
}

impl Answer {
    /// Done, and these are the results.
    #[must_use]
    pub const fn done(results: [u32; 3]) -> Answer {
        Answer { status: Ok(()), results }
    }

    /// The words of the answer to a command whose first word is `head`.
    pub(crate) fn encode(&self, head: u32) -> [u32; COMMAND_WORDS] {
        let [a, b, c] = self.results;
        [head, self.status.err().map_or(0, Status::bits), a, b, c]
    }

    /// The answer to `command` that the words are; `None` where they are none.
    #[must_use]
    pub fn decode(command: &Command, words: [u32; COMMAND_WORDS]) -> Option<Answer> {
        let [head, status, a, b, c] = words;
        let status = Status::from_bits(status);
        let status = if status.0 == 0 { Ok(()) } else { Err(status) };
        let [own, ..] = command.encode();
        (head == own).then_some(Answer { status, results: [a, b, c] })
    }
}

impl From<Taken> for Answer {
    fn from(taken: Taken) -> Answer {
        let (low, high) = taken.vms.words();
        Answer::done([low, high, taken.framework.bits()])
    }
}

impl From<Answer> for Taken {
    fn from(answer: Answer) -> Taken {
        let [low, high, framework] = answer.results;
        let framework = FrameworkNotifications::from_bits_retain(framework);
        Taken { vms: Notifications::from_words(low, high), framework }
    }
}

impl From<Told> for Answer {
    fn from(told: Told) -> Answer {
        Answer::done([told.sender.0.into(), told.size, told.digest])
    }
}

impl From<Answer> for Told {
    #[expect(clippy::cast_possible_truncation, reason = "an id is the lower half")]
    fn from(answer: Answer) -> Told {
        let [sender, size, digest] = answer.results;
        Told { sender: EndpointId(sender as u16), size, digest }
    }
}

/// Words as the first registers of a longer payload.
pub(crate) fn widen(words: [u32; COMMAND_WORDS]) -> [u64; DIRECT2_REGISTERS] {
    let mut payload = [0; DIRECT2_REGISTERS];
    payload.iter_mut().zip(words).for_each(|(register, word)| *register = word.into());
    payload
}

fn words(which: u8, kind: u8, [a, b, c, d]: [u32; 4]) -> [u32; COMMAND_WORDS] {
    [TAG << 16 | u32::from(kind) << 8 | u32::from(which), a, b, c, d]
}

fn flags(per_vcpu: bool, delays_interrupt: bool) -> u8 {
    (if per_vcpu { PER_VCPU } else { 0 }) | (if delays_interrupt { DELAYS_INTERRUPT } else { 0 })
}

fn encode_delay(how: Delay) -> (u32, u32) {
    match how {
        Delay::Answer(status) => (DELAY_ANSWER, status.bits()),
        Delay::Interrupt => (DELAY_INTERRUPT, 0),
        Delay::Yield => (DELAY_YIELD, 0),
    }
}

fn decode_delay(how: u32, status: Status) -> Option<Delay> {
    match how {
        DELAY_ANSWER => Some(Delay::Answer(status)),
        DELAY_INTERRUPT => Some(Delay::Interrupt),
        DELAY_YIELD => Some(Delay::Yield),
        _ => None,
    }
}
