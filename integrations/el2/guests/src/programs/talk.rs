//! Talks with its partner, VM 2 with 3, 4 with 5, and so on: each sends numbered messages and answers
//! those of the other, and waits for nothing but the interrupt of pending notifications. In the end
//! each notifies the other.

use arm_gic::IntId;
use ffa_abi::{
    CallError, EndpointId, Feature, Features, FrameworkNotifications, Message, MessageHeader,
    MessageSend2, NotificationBind, NotificationBindFlags, NotificationGet, NotificationGetFlags,
    NotificationGetReply, NotificationSet, NotificationSetFlags, Notifications, RxRelease, Status,
    Uuid,
};

use crate::argument::{Argument, Conduit};
use crate::client::{BUFFER_SIZE, Client, Error};
use crate::machine::{Verdict, buffers, interrupts, time};
use crate::println;

const ROUNDS: u16 = 50;
/// Bytes of the longest payload.
const LONGEST: usize = 1024;
/// Microseconds between two attempts at what the partner is not ready for.
const PAUSE: u64 = 500;
/// Microseconds that the partner may take for anything.
const PATIENCE: u64 = 60_000_000;
/// What each notifies the other of in the end.
const GOODBYE: Notifications = Notifications(1 << 40);

/// The program.
///
/// # Errors
/// What went wrong first; the lines before say how.
pub fn main(argument: Argument) -> Verdict {
    let mut talk = Talk::begin(argument).map_err(|error| {
        println!("setting up: {error}");
        "cannot set up"
    })?;
    let rounds = if argument.rounds == 0 { ROUNDS } else { argument.rounds };
    for number in 0..rounds {
        talk.send(number)?;
        talk.receive(number)?;
    }
    talk.part()?;
    let Talk { own, partner, told, retries, .. } = talk;
    println!(
        "SUMMARY talk vm={own} partner={partner} rounds={rounds} interrupts={told} retries={retries}"
    );
    Ok(())
}

struct Talk {
    client: Client<Conduit>,
    own: EndpointId,
    partner: EndpointId,
    interrupt: IntId,
    /// Interrupts that were seen.
    told: u32,
    /// Notifications that were taken and not looked at yet.
    taken: NotificationGetReply,
    retries: u32,
}

impl Talk {
    fn begin(argument: Argument) -> Result<Self, Error> {
        let client = Client::negotiate(argument.conduit, argument.version())?;
        let own = client.id()?;
        let partner = EndpointId(own.0 ^ 1);
        client.map()?;
        let feature = Features::of_feature(Feature::NOTIFICATION_PENDING_INTERRUPT);
        let interrupt = IntId::sgi(client.request(&feature)?.w2);
        let taken = NotificationGetReply::default();
        let talk = Self { client, own, partner, interrupt, told: 0, taken, retries: 0 };
        let bind = NotificationBind {
            sender: partner,
            receiver: own,
            flags: NotificationBindFlags::empty(),
            notifications: GOODBYE,
        };
        // The partner is nobody before it has joined.
        let end = time::now() + PATIENCE;
        while let Err(error) = talk.client.request(&bind) {
            let absent = error == Error::Call(CallError::Status(Status::INVALID_PARAMETERS));
            if !absent || time::now() > end {
                return Err(error);
            }
            time::sleep(PAUSE);
        }
        Ok(talk)
    }

    /// Repeats a request while the partner is not ready for it.
    fn insist<R: ffa_abi::Request>(&mut self, request: &R) -> Result<(), &'static str> {
        let end = time::now() + PATIENCE;
        loop {
            match self.client.request(request) {
                Ok(_) => return Ok(()),
                Err(Error::Call(CallError::Status(Status::BUSY | Status::DENIED))) => {
                    self.retries += 1;
                }
                Err(error) => {
                    println!("{request}: {error}");
                    return Err("a call was refused");
                }
            }
            if time::now() > end {
                return Err("the partner is never ready");
            }
            time::sleep(PAUSE);
        }
    }

    fn send(&mut self, number: u16) -> Verdict {
        let mut buffer = [0; BUFFER_SIZE];
        let header = MessageHeader { sender: self.own, receiver: self.partner, uuid: Uuid::NIL };
        let content = content(number);
        let payload = content.get(..length(number)).ok_or("too long")?;
        let message = Message { header, payload };
        let length = message.write(&mut buffer, self.client.version());
        let length = length.map_err(|_| "the message does not fit")?;
        buffers::write_tx(buffer.get(..length).ok_or("too long")?);
        self.insist(&MessageSend2 {
            sender: EndpointId(0),
            delays_schedule_receiver_interrupt: false,
        })
    }

    fn receive(&mut self, number: u16) -> Verdict {
        let full = |taken: &NotificationGetReply| !taken.hypervisor.is_empty();
        self.wait_for(full)?;
        self.taken.hypervisor -= FrameworkNotifications::RX_BUFFER_FULL;
        let mut buffer = [0; BUFFER_SIZE];
        buffers::read_rx(&mut buffer);
        let message = Message::parse(&buffer, self.client.version()).map_err(|_| "no message")?;
        let from_partner = message.header.sender == self.partner;
        let expected = content(number);
        if !from_partner || Some(message.payload) != expected.get(..length(number)) {
            println!("message {number}: {}", message.header);
            return Err("not the message that was due");
        }
        let release = RxRelease { endpoint: EndpointId(0) };
        self.client.request(&release).map(|_| ()).map_err(|_| "cannot release")
    }

    /// Notifies the partner, and waits for its notification.
    fn part(&mut self) -> Verdict {
        self.insist(&NotificationSet {
            sender: self.own,
            receiver: self.partner,
            vcpu: None,
            flags: NotificationSetFlags::empty(),
            notifications: GOODBYE,
        })?;
        self.wait_for(|taken| taken.vms.contains(GOODBYE))
    }

    /// Takes notifications, each time that there was an interrupt, until they are `enough`.
    fn wait_for(&mut self, enough: impl Fn(&NotificationGetReply) -> bool) -> Verdict {
        while !enough(&self.taken) {
            let (told, interrupt) = (self.told, self.interrupt);
            let news = || interrupts::taken(0, interrupt) != told;
            if !time::wait_until(PATIENCE, news) {
                return Err("no interrupt");
            }
            self.told = interrupts::taken(0, interrupt);
            let flags = NotificationGetFlags::all();
            let get = NotificationGet { receiver: self.own, vcpu: 0, flags };
            let reply = self.client.request(&get).map_err(|_| "cannot get notifications")?;
            self.taken.vms = self.taken.vms | reply.vms;
            self.taken.hypervisor |= reply.hypervisor;
        }
        Ok(())
    }
}

/// How long message `number` is.
fn length(number: u16) -> usize {
    1 + usize::from(number) * 97 % LONGEST
}

/// What is in message `number`, as far as it is long.
fn content(number: u16) -> [u8; LONGEST] {
    let [first, ..] = number.to_le_bytes();
    let mut byte = first;
    core::array::from_fn(|_| {
        byte = byte.wrapping_add(3);
        byte
    })
}
