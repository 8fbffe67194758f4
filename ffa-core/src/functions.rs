//! Which calls are served, to whom: dispatch and `FFA_FEATURES` both ask here.

use ffa_abi::{
    Feature, FeatureQuery, Features, FeaturesReply, FunctionId, RxtxMapFeature, Version, Width,
};

use crate::limits::Limits;
use crate::refusal::Refusal;

/// What decides which calls a caller is served.
#[derive(Clone, Copy)]
pub(crate) struct Audience {
    pub(crate) version: Version,
    pub(crate) width: Width,
    pub(crate) has_spmc: bool,
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

/// Ids that the mediator puts into w0 of its replies.
const REPLIES: &[FunctionId] =
    &[FunctionId::ERROR_32, FunctionId::SUCCESS_32, FunctionId::SUCCESS_64];

/// The first number of FF-A's range.
const FIRST: usize = 0x60;

/// A bit for each of [`CALLS`]: by number from [`FIRST`] on, and 64-bit forms in a word of their own.
static SERVED: [[u64; 3]; 2] = served();

#[expect(clippy::indexing_slicing, reason = "runs in the compiler")]
const fn served() -> [[u64; 3]; 2] {
    let mut served = [[0; 3]; 2];
    let mut index = 0;
    while index < CALLS.len() {
        let (wide, word, bit) = place(CALLS[index]);
        served[wide][word] |= bit;
        index += 1;
    }
    served
}

/// Where [`SERVED`] has an id.
const fn place(function: FunctionId) -> (usize, usize, u64) {
    let number = (function.bits() & 0xff) as usize - FIRST;
    let wide = (function.bits() >> 30 & 1) as usize;
    (wide, number / 64, 1 << (number % 64))
}

impl Audience {
    /// Whether the call is served.
    pub(crate) fn is_served(self, function: FunctionId) -> bool {
        let (wide, word, bit) = place(function);
        let words = SERVED.get(wide).and_then(|words| words.get(word));
        let firmware = function != FunctionId::SPM_ID_GET || self.has_spmc;
        words.is_some_and(|served| served & bit != 0) && firmware && self.knows(function)
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
    pub(crate) fn features(self, call: Features, limits: Limits) -> Result<FeaturesReply, Refusal> {
        match call.query {
            FeatureQuery::Function(function) if !self.is_used(function) => Err(Refusal::NotServed),
            FeatureQuery::Function(FunctionId::RXTX_MAP_32 | FunctionId::RXTX_MAP_64) => {
                let maximum_pages = limits.rxtx_pages.into();
                Ok(RxtxMapFeature { minimum: 0, maximum_pages }.to_reply(self.version))
            }
            FeatureQuery::Function(_) => Ok(FeaturesReply::default()),
            // No interrupt of the framework has a source yet.
            FeatureQuery::Feature(Feature(_)) | FeatureQuery::ForeignFunction(_) => {
                Err(Refusal::NotServed)
            }
        }
    }
}
