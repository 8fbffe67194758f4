//! Constants of messages and notifications.

use ffa_abi::{
    DirectMessage, DirectPayload, DirectRequest, EndpointId, FrameworkKind, FrameworkMessage,
    FrameworkNotifications, MessageSend, MessageSend2, MessageWait, NotificationBindFlags,
    NotificationGet, NotificationGetFlags, NotificationInfoGetReply, NotificationSet,
    NotificationSetFlags, Notifications, Request, Width,
};

use super::group::{Group, no_comment, written};

const NOBODY: EndpointId = EndpointId(0);
const ANYBODY: EndpointId = EndpointId(u16::MAX);

pub(super) fn groups() -> Vec<Group> {
    vec![messages(), framework_messages(), notifications(), pending()]
}

fn messages() -> Group {
    let ids =
        |sender, receiver| MessageSend { sender, receiver, length: 0, attributes: 0 }.encode().w(1);
    let delayed = MessageSend2 { sender: NOBODY, delays_schedule_receiver_interrupt: true };
    let waiting = MessageWait { width: Width::Bits32, keeps_rx: true };
    let about = "w1 of messages and of notifications that are bound and set; w2 of the calls.";
    Group::new("Messages", about)
        .field("SENDER", ids(ANYBODY, NOBODY), "")
        .field("RECEIVER", ids(NOBODY, ANYBODY), "")
        .bits("MSG_SEND2_DELAY_SCHEDULE_RECEIVER_INTERRUPT", delayed.encode().w(2), "")
        .bits("MSG_WAIT_KEEP_RX", waiting.encode().w(2), "1.2")
}

fn framework_messages() -> Group {
    let (first, last) = (framework_word(FrameworkKind(0)), framework_word(FrameworkKind(u8::MAX)));
    let about = "w2 of direct requests and responses: the flag, and one of the types.";
    let group = Group::new("Framework messages", about).bits("FRAMEWORK_MESSAGE", first, "").bits(
        "FRAMEWORK_TYPE_MASK",
        first ^ last,
        "",
    );
    FrameworkKind::ALL.iter().fold(group, |group, kind| {
        group.bits(&format!("FRAMEWORK_{}", kind.name().unwrap_or_default()), kind.0, "")
    })
}

fn framework_word(kind: FrameworkKind) -> u32 {
    let message = FrameworkMessage { kind, payload: DirectPayload::Words([0; 5]) };
    let message = DirectMessage::Framework(message);
    DirectRequest { sender: NOBODY, receiver: NOBODY, message }.encode().w(2)
}

fn notifications() -> Group {
    let get = |receiver, vcpu| {
        let flags = NotificationGetFlags::empty();
        NotificationGet { receiver, vcpu, flags }.encode().w(1)
    };
    let about = "w2 of BIND; w1 and w2 of GET; w2 of SET; w6 and w7 of the reply of GET.";
    Group::new("Notifications", about)
        .flags::<NotificationBindFlags>("NOTIFICATION_BIND", no_comment)
        .field("NOTIFICATION_GET_RECEIVER", get(ANYBODY, 0), "")
        .field("NOTIFICATION_GET_VCPU", get(NOBODY, u16::MAX), "")
        .flags::<NotificationGetFlags>("NOTIFICATION_GET", no_comment)
        .bits("NOTIFICATION_SET_PER_VCPU", set(Some(0)), "")
        .flags::<NotificationSetFlags>("NOTIFICATION_SET", no_comment)
        .field("NOTIFICATION_SET_VCPU", set(Some(u16::MAX)) ^ set(Some(0)), "")
        .flags::<FrameworkNotifications>("NOTIFICATION_FRAMEWORK", no_comment)
}

/// w2 of `FFA_NOTIFICATION_SET`.
fn set(vcpu: Option<u16>) -> u32 {
    let (sender, receiver, flags) = (NOBODY, NOBODY, NotificationSetFlags::empty());
    let notifications = Notifications::NONE;
    NotificationSet { sender, receiver, vcpu, flags, notifications }.encode().w(2)
}

fn pending() -> Group {
    let mut more = NotificationInfoGetReply::new(Width::Bits64);
    more.more_pending = true;
    let vcpus = lists_word(1, &[0; 3]) ^ lists_word(1, &[]);
    // No reply has as many lists as the field could say: what any of them sets.
    let counts = (1..=20).fold(0, |all, lists| all | lists_word(lists, &[]));
    let about = "x2 of the reply: whether there are more, how many lists it has, and how many \
                 vCPUs the first one has; two bits a list from there on.";
    Group::new("FFA_NOTIFICATION_INFO_GET", about)
        .bits("NOTIFICATION_INFO_MORE_PENDING", written(&more).x(2), "")
        .field("NOTIFICATION_INFO_LISTS", counts, "")
        .field("NOTIFICATION_INFO_VCPUS", vcpus, "")
}

/// x2 of a reply to `FFA_NOTIFICATION_INFO_GET_64` with so many lists, each of these vCPUs.
fn lists_word(lists: usize, vcpus: &[u16]) -> u64 {
    let mut reply = NotificationInfoGetReply::new(Width::Bits64);
    let fits = (0..lists).all(|_| reply.push(NOBODY, vcpus).is_ok());
    if fits { written(&reply).x(2) } else { u64::MAX }
}
