//! A model of the secure world's side of FF-A: an SPMC and its partitions, as state machines.
//!
//! ```text
//!   hypervisor: SMC ──▶ Spmc::call ──▶ Service: one file of `service` for each kind of call
//!                          │             │ Character: which calls there are, and what is odd
//!                          ▼             ▼
//!                        World         State, Vm: mailboxes, notifications
//!     (memory, interrupts, SRI)        Partition: execution contexts, behaviour, RX
//! ```
//! Messages steer the partitions: a [`Command`] in a direct request makes one yield, be interrupted, set
//! notifications, send a message, fail or misbehave; any other message comes back as it is.
//!
//! There is no heap, no static and no time in it, so that it runs at EL3 as well as in a test. Whoever
//! has several CPUs puts one lock around it: nothing in it waits.
//!
//! ```
//! use ffa_abi::{DirectMessage, DirectPayload, DirectRequest, DirectRequestReply, EndpointId};
//! use ffa_abi::{PartitionInfo, PartitionProperties, Request, Uuid, Version};
//! use ffa_spmc_model::{Behaviour, Character, NotMemory, Partition, Spmc, Vm, World};
//!
//! struct Nothing;
//! impl World for Nothing {
//!     fn read(&self, _: u64, _: &mut [u8]) -> Result<(), NotMemory> { Err(NotMemory) }
//!     fn write(&self, _: u64, _: &[u8]) -> Result<(), NotMemory> { Err(NotMemory) }
//!     fn is_interrupt_pending(&self, _: usize) -> bool { false }
//!     fn raise_schedule_receiver_interrupt(&self, _: usize) {}
//! }
//!
//! let echo = PartitionInfo::new(
//!     EndpointId(0x8001), 1, PartitionProperties::RECEIVES_DIRECT_REQUESTS, Uuid::NIL);
//! let partitions = [Partition::new(echo, Behaviour::default())];
//! let mut spmc = Spmc::new(Character::SPECIFIED, partitions, [Vm::VACANT; 4]);
//!
//! let message = DirectMessage::Partition(DirectPayload::Words([1, 2, 3, 4, 5]));
//! let request = DirectRequest { sender: EndpointId(1), receiver: EndpointId(0x8001), message };
//! let regs = spmc.call(&Nothing, 0, &request.encode());
//! let Ok(DirectRequestReply::Response(response)) = request.reply(&regs, Version::V1_2) else { panic!() };
//! assert_eq!(response.message, message);
//! ```
#![no_std]
#![forbid(unsafe_code)]
// Nothing that a register or a buffer can hold panics.
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::unreachable)]
#![deny(clippy::indexing_slicing, clippy::string_slice, clippy::todo)]

mod behaviour;
mod calls;
mod character;
mod command;
mod content;
mod known;
mod mailbox;
mod partition;
mod receiver;
mod service;
mod spmc;
mod vm;
mod world;

pub use behaviour::{Behaviour, Delay, Reluctance};
pub use calls::Calls;
pub use character::{BufferRules, Character, Negotiation, NotificationRules, VmBuffers, VmNews};
pub use command::{Answer, COMMAND_WORDS, Command, Misbehaviour, Taken, Told, VmEvent};
pub use content::{digest, pattern};
pub use mailbox::{Buffer, MAX_BUFFER_RANGES, Mailbox, RxOwner};
pub use partition::{Context, Inbound, Inbox, MAX_CONTEXTS, Partition, Received, Work};
pub use receiver::{MAX_VCPUS, Receiver};
pub use spmc::Spmc;
pub use vm::Vm;
pub use world::{NotMemory, World};
