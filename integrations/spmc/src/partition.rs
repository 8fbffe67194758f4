//! A secure partition: a state machine that messages steer.

use ffa_abi::{DirectRequest, DirectRequest2, EndpointId, MessageHeader, PartitionInfo};

use crate::behaviour::Behaviour;
use crate::receiver::Receiver;

/// The most execution contexts that a partition can have.
pub const MAX_CONTEXTS: u16 = 8;

const CONTEXTS: usize = MAX_CONTEXTS as usize;

/// A secure partition.
#[derive(Clone, PartialEq, Debug)]
pub struct Partition {
    pub(crate) info: PartitionInfo,
    pub(crate) behaviour: Behaviour,
    pub(crate) contexts: [Context; CONTEXTS],
    pub(crate) receiver: Receiver,
    pub(crate) inbox: Inbox,
}

/// What an execution context of a partition does between two calls.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Context {
    /// It waits for a message.
    Waiting,
    /// It gave the CPU back, and goes on when it is run.
    Yielded(Work),
    /// The CPU was taken from it, and it goes on when it is run.
    Interrupted(Work),
}

/// A message that a partition has not answered yet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Work {
    /// The message.
    pub request: Inbound,
    /// How often it is to be interrupted before it answers.
    pub interrupts: u32,
    /// How often it is to yield before it answers.
    pub yields: u32,
}

/// A direct request, of either kind.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Inbound {
    /// `FFA_MSG_SEND_DIRECT_REQ`
    Request(DirectRequest),
    /// `FFA_MSG_SEND_DIRECT_REQ2`
    Request2(DirectRequest2),
}

/// A partition's RX buffer: of what is in it, it keeps the digest.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Inbox {
    /// The last message that came, until the partition is asked for it.
    pub message: Option<Received>,
    /// Whether the buffer is the partition's, and no other message can come.
    pub is_full: bool,
}

/// A message that came into a partition's RX buffer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Received {
    /// Its header.
    pub header: MessageHeader,
    /// Bytes of its payload.
    pub size: u32,
    /// [`digest`](crate::digest) of its payload.
    pub digest: u32,
}

impl Inbound {
    /// Who sent it.
    #[must_use]
    pub fn sender(&self) -> EndpointId {
        match self {
            Inbound::Request(request) => request.sender,
            Inbound::Request2(request) => request.sender,
        }
    }

    /// To whom.
    #[must_use]
    pub fn receiver(&self) -> EndpointId {
        match self {
            Inbound::Request(request) => request.receiver,
            Inbound::Request2(request) => request.receiver,
        }
    }
}

impl Work {
    /// To be answered at once.
    pub(crate) fn new(request: Inbound) -> Work {
        Work { request, interrupts: 0, yields: 0 }
    }
}

impl Partition {
    /// A partition that waits for messages. Of its execution contexts there are at most
    /// [`MAX_CONTEXTS`], whatever `info` says.
    #[must_use]
    pub fn new(info: PartitionInfo, behaviour: Behaviour) -> Partition {
        Partition {
            info,
            behaviour,
            contexts: [Context::Waiting; CONTEXTS],
            receiver: Receiver::NEW.with_vcpus(info.execution_contexts().min(MAX_CONTEXTS)),
            inbox: Inbox::default(),
        }
    }

    /// What lists tell of it.
    #[must_use]
    pub fn info(&self) -> PartitionInfo {
        self.info
    }

    /// How it takes the news of VMs.
    #[must_use]
    pub fn behaviour(&self) -> Behaviour {
        self.behaviour
    }

    /// What its execution contexts do.
    #[must_use]
    pub fn contexts(&self) -> &[Context] {
        let count = usize::from(self.info.execution_contexts());
        self.contexts.get(..count).unwrap_or(&self.contexts)
    }

    /// Its notifications.
    #[must_use]
    pub fn receiver(&self) -> &Receiver {
        &self.receiver
    }

    /// Its RX buffer.
    #[must_use]
    pub fn inbox(&self) -> &Inbox {
        &self.inbox
    }

    /// The execution context that runs on `cpu`: the only one anywhere, or one that is pinned there.
    pub(crate) fn context_on(&self, cpu: usize) -> Option<usize> {
        match self.contexts().len() {
            1 => Some(0),
            count => Some(cpu).filter(|cpu| *cpu < count),
        }
    }

    /// What does not hold and should.
    pub(crate) fn check(&self) -> Result<(), &'static str> {
        for context in &self.contexts {
            let (Context::Yielded(work) | Context::Interrupted(work)) = context else { continue };
            if work.request.receiver() != self.info.id() {
                return Err("a partition works at a message to somebody else");
            }
            if work.request.sender().is_secure() {
                return Err("a partition works for a secure id");
            }
        }
        self.receiver.check()
    }
}
