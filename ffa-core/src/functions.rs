//! Which calls are served, to whom: dispatch and `FFA_FEATURES` both ask here.

use ffa_abi::{
    FUNCTIONS, Feature, FeatureQuery, Features, FeaturesReply, Function, FunctionId,
    RxtxMapFeature, Version, Width,
};

use crate::limits::Limits;
use crate::refusal::Refusal;

/// What decides which calls a caller is served.
#[derive(Clone, Copy)]
pub(crate) struct Audience {
    pub(crate) version: Version,
    pub(crate) width: Width,
    pub(crate) has_spmc: bool,
    /// Whether the policy lets VMs reach VMs.
    pub(crate) reaches_vms: bool,
}

/// Ids that a caller may put into w0, where its version and width have them.
const CALLS: &[FunctionId] = &[
    FunctionId::VERSION,
    FunctionId::FEATURES,
    FunctionId::ID_GET,
    FunctionId::SPM_ID_GET,
    FunctionId::RXTX_MAP_32,
    FunctionId::RXTX_MAP_64,
    FunctionId::RXTX_UNMAP,
    FunctionId::RX_RELEASE,
    FunctionId::PARTITION_INFO_GET,
    FunctionId::PARTITION_INFO_GET_REGS,
];

/// More of them, which need somebody who can be reached.
const MESSAGING: &[FunctionId] = &[
    FunctionId::MSG_SEND2,
    FunctionId::NOTIFICATION_BIND,
    FunctionId::NOTIFICATION_UNBIND,
    FunctionId::NOTIFICATION_SET,
    FunctionId::NOTIFICATION_GET,
    FunctionId::NOTIFICATION_INFO_GET_32,
    FunctionId::NOTIFICATION_INFO_GET_64,
];

/// Ids that the mediator puts into w0 of its replies.
const REPLIES: &[FunctionId] =
    &[FunctionId::ERROR_32, FunctionId::SUCCESS_32, FunctionId::SUCCESS_64];

/// The first number of FF-A's range, and how many there are.
const FIRST: usize = 0x60;
const NUMBERS: usize = 0x90;

/// For each of [`CALLS`] and [`MESSAGING`] a bit for each minor version that has it: by number from [`FIRST`] on, and
/// 64-bit forms in a row of their own.
static SERVED: [[u8; NUMBERS]; 2] = served();

#[expect(clippy::indexing_slicing, reason = "runs in the compiler")]
const fn served() -> [[u8; NUMBERS]; 2] {
    let mut served = [[0; NUMBERS]; 2];
    let mut index = 0;
    while index < FUNCTIONS.len() {
        let function = FUNCTIONS[index];
        if contains(CALLS, function.id) || contains(MESSAGING, function.id) {
            let (wide, number) = place(function.id);
            served[wide][number] = minors(&function);
        }
        index += 1;
    }
    served
}

#[expect(clippy::indexing_slicing, reason = "runs in the compiler")]
const fn contains(calls: &[FunctionId], function: FunctionId) -> bool {
    let mut index = 0;
    while index < calls.len() {
        if calls[index].bits() == function.bits() {
            return true;
        }
        index += 1;
    }
    false
}

/// A bit for each minor version that has the function.
const fn minors(function: &Function) -> u8 {
    let mut minors = 0;
    let mut minor = 0;
    while minor < 8 {
        match Version::from_bits(Version::V1_0.bits() + minor) {
            Some(version) if function.exists_in(version) => minors |= 1 << minor,
            _ => {}
        }
        minor += 1;
    }
    minors
}

/// Where [`SERVED`] has an id: row and column.
const fn place(function: FunctionId) -> (usize, usize) {
    let bits = function.bits() as usize;
    (bits >> 30 & 1, (bits & 0xff) - FIRST)
}

impl Audience {
    /// Whether the call is served.
    #[inline]
    pub(crate) fn is_served(self, function: FunctionId) -> bool {
        let (wide, number) = place(function);
        let minors = SERVED.get(wide).and_then(|row| row.get(number)).copied().unwrap_or(0);
        let has_version = u32::from(minors) >> (self.version.bits() & 7) & 1 != 0;
        let fits = self.width == Width::Bits64 || wide == 0;
        has_version && fits && self.is_of_use(function)
    }

    /// Whether there is somebody whom the call reaches.
    fn is_of_use(self, function: FunctionId) -> bool {
        if function == FunctionId::SPM_ID_GET {
            self.has_spmc
        } else {
            self.reaches_vms || !MESSAGING.contains(&function)
        }
    }

    /// Whether the caller's version and width have the id.
    fn knows(self, function: FunctionId) -> bool {
        let fits = self.width == Width::Bits64 || function.width() == Width::Bits32;
        fits && function.exists_in(self.version)
    }

    fn is_used(self, function: FunctionId) -> bool {
        self.is_served(function) || (REPLIES.contains(&function) && self.knows(function))
    }

    /// Answers `FFA_FEATURES`.
    pub(crate) fn features(
        self,
        call: Features,
        limits: Limits,
        notification_pending_interrupt: Option<u32>,
    ) -> Result<FeaturesReply, Refusal> {
        match call.query {
            FeatureQuery::Function(function) if !self.is_used(function) => Err(Refusal::NotServed),
            FeatureQuery::Function(FunctionId::RXTX_MAP_32 | FunctionId::RXTX_MAP_64) => {
                let maximum_pages = limits.rxtx_pages.into();
                Ok(RxtxMapFeature { minimum: 0, maximum_pages }.to_reply(self.version))
            }
            FeatureQuery::Function(_) => Ok(FeaturesReply::default()),
            FeatureQuery::Feature(Feature::NOTIFICATION_PENDING_INTERRUPT) => {
                let can_get = self.is_served(FunctionId::NOTIFICATION_GET);
                let interrupt = notification_pending_interrupt.filter(|_| can_get);
                let w2 = interrupt.ok_or(Refusal::NotServed)?;
                Ok(FeaturesReply { w2, ..FeaturesReply::default() })
            }
            // Nothing of the secure world's is scheduled by VMs yet.
            FeatureQuery::Feature(Feature(_)) | FeatureQuery::ForeignFunction(_) => {
                Err(Refusal::NotServed)
            }
        }
    }
}
