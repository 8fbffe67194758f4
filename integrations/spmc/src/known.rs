//! The characters that are known: one by the specification, and what was read and seen of others.

use ffa_abi::{EndpointId, Feature, FunctionId as Id, Status, Version};

use crate::calls::Calls;
use crate::character::{BufferRules, Character, Negotiation, NotificationRules, VmBuffers, VmNews};

const SPMC: EndpointId = EndpointId(0x8000);

/// The SGI that is the schedule receiver interrupt.
const SCHEDULE_RECEIVER_SGI: u32 = 8;

/// Calls that every SPMC has.
const COMMON: Calls = Calls::NONE.with(&[
    Id::VERSION,
    Id::FEATURES,
    Id::SPM_ID_GET,
    Id::RXTX_MAP_64,
    Id::RXTX_UNMAP,
    Id::RX_RELEASE,
    Id::PARTITION_INFO_GET,
    Id::MSG_SEND_DIRECT_REQ_32,
    Id::MSG_SEND_DIRECT_REQ_64,
    Id::MSG_SEND_DIRECT_REQ2,
    Id::RUN_32,
]);

const NOTIFICATIONS: [Id; 7] = [
    Id::NOTIFICATION_BITMAP_CREATE,
    Id::NOTIFICATION_BITMAP_DESTROY,
    Id::NOTIFICATION_BIND,
    Id::NOTIFICATION_UNBIND,
    Id::NOTIFICATION_SET,
    Id::NOTIFICATION_GET,
    Id::NOTIFICATION_INFO_GET_64,
];

/// What `FFA_FEATURES` admits besides, though the normal world answers with it or has no use for it.
const REPLIES: [Id; 4] = [Id::ERROR_32, Id::SUCCESS_32, Id::SUCCESS_64, Id::INTERRUPT_32];

const SPECIFIED_CALLS: Calls = COMMON
    .with(&NOTIFICATIONS)
    .with(&[
        Id::NOTIFICATION_INFO_GET_32,
        Id::RXTX_MAP_32,
        Id::ID_GET,
        Id::PARTITION_INFO_GET_REGS,
        Id::MSG_SEND2,
        Id::RX_ACQUIRE,
    ])
    .with(&[Id::RUN_64]);

const HAFNIUM_CALLS: Calls = COMMON.with(&NOTIFICATIONS).with(&[
    Id::ID_GET,
    Id::PARTITION_INFO_GET_REGS,
    Id::MSG_SEND2,
    Id::RX_ACQUIRE,
]);

const OPTEE_CALLS: Calls = COMMON
    .with(&NOTIFICATIONS)
    .with(&[Id::NOTIFICATION_INFO_GET_32, Id::RXTX_MAP_32])
    .without(&[Id::NOTIFICATION_SET]);

const EL3_CALLS: Calls = COMMON.with(&[Id::RXTX_MAP_32, Id::ID_GET]);

impl Character {
    /// By the specification: it serves what it admits, and refuses what it should.
    pub const SPECIFIED: Character = Character {
        name: "specified",
        version: Version::V1_2,
        negotiation: Negotiation::Lowest,
        id: Some(SPMC),
        calls: SPECIFIED_CALLS,
        admitted: SPECIFIED_CALLS.with(&REPLIES),
        features: &[(Feature::SCHEDULE_RECEIVER_INTERRUPT, SCHEDULE_RECEIVER_SGI)],
        record_size: 24,
        tag: 0x5a,
        buffers: BufferRules::SPECIFIED,
        notifications: NotificationRules::SPECIFIED,
        vm_news: VmNews::ForSubscribers,
        leaves_registers: false,
    };

    /// Hafnium up to 2.14. It serves `FFA_RX_ACQUIRE` and does not admit it, does not number its lists,
    /// wants a VM to look at the notification before it releases RX, and looks at one range of each
    /// buffer of a VM. Later ones admit `FFA_RX_ACQUIRE`, and have no per-vCPU notifications.
    pub const HAFNIUM: Character = Character {
        name: "hafnium",
        version: Version::V1_3,
        negotiation: Negotiation::NoneAbove,
        calls: HAFNIUM_CALLS,
        admitted: HAFNIUM_CALLS
            .without(&[Id::RX_ACQUIRE])
            .with(&REPLIES)
            .with(&[Id::MSG_WAIT_32, Id::MSG_SEND_DIRECT_RESP_32, Id::MSG_SEND_DIRECT_RESP_64])
            .with(&[Id::MSG_SEND_DIRECT_RESP2]),
        record_size: 0x30,
        tag: 0,
        buffers: BufferRules {
            max_pages: 1,
            of_vms: VmBuffers::FirstRange,
            release_needs_get: true,
            keeps_full: false,
            keeps_all: false,
        },
        ..Character::SPECIFIED
    };

    /// OP-TEE at S-EL1 with virtualisation: it wants to be told of each VM. It admits
    /// `FFA_NOTIFICATION_SET` and does not serve it, and serves `FFA_RUN` and does not admit it.
    pub const OPTEE: Character = Character {
        name: "optee",
        version: Version::V1_2,
        negotiation: Negotiation::Always,
        calls: OPTEE_CALLS,
        admitted: OPTEE_CALLS
            .with(&REPLIES)
            .with(&[Id::NOTIFICATION_SET, Id::MSG_SEND_DIRECT_RESP2])
            .without(&[Id::RUN_32]),
        features: &[
            (Feature::SCHEDULE_RECEIVER_INTERRUPT, SCHEDULE_RECEIVER_SGI),
            (Feature::MANAGED_EXIT_INTERRUPT, 0),
        ],
        buffers: BufferRules {
            of_vms: VmBuffers::Ignored,
            keeps_full: false,
            ..BufferRules::SPECIFIED
        },
        notifications: NotificationRules {
            per_vcpu_refusal: Some(Status::DENIED),
            is_lenient: true,
        },
        vm_news: VmNews::ForSpmc,
        ..Character::SPECIFIED
    };

    /// OP-TEE at S-EL1 without virtualisation: there are no VMs for it, only the one caller.
    pub const OPTEE_WITHOUT_VIRTUALISATION: Character = Character {
        name: "optee-without-virtualisation",
        vm_news: VmNews::NotSupported,
        ..Character::OPTEE
    };

    /// TF-A's SPMC at EL3: no notifications, no indirect messages, no lists by registers.
    pub const EL3: Character = Character {
        name: "el3",
        version: Version::V1_2,
        negotiation: Negotiation::Required,
        calls: EL3_CALLS,
        admitted: EL3_CALLS.with(&REPLIES).without(&[Id::SUCCESS_64]),
        features: &[],
        buffers: BufferRules {
            of_vms: VmBuffers::None,
            keeps_full: false,
            ..BufferRules::SPECIFIED
        },
        vm_news: VmNews::AsData,
        leaves_registers: true,
        ..Character::SPECIFIED
    };

    /// Every one of these.
    pub const ALL: [Character; 5] = [
        Character::SPECIFIED,
        Character::HAFNIUM,
        Character::OPTEE,
        Character::OPTEE_WITHOUT_VIRTUALISATION,
        Character::EL3,
    ];

    /// The one of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Character> {
        Character::ALL.into_iter().find(|character| character.name == name)
    }
}
