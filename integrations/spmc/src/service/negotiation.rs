//! `FFA_VERSION`.

use ffa_abi::{FunctionId, GetVersion, Status, Version, VersionReply};

use super::Service;
use crate::character::Negotiation;

impl Service<'_> {
    /// Any other call ends the negotiation.
    pub(super) fn note_use(&mut self, function: FunctionId) -> Result<(), Status> {
        if function == FunctionId::VERSION {
            return Ok(());
        }
        self.state.in_use = true;
        let must_agree = self.character.negotiation == Negotiation::Required;
        if must_agree && self.state.agreed.is_none() {
            return Err(Status::NOT_SUPPORTED);
        }
        Ok(())
    }

    pub(super) fn negotiate(&mut self, call: GetVersion) -> VersionReply {
        let own = self.character.version;
        let compatible = |asked: &Version| asked.is_compatible_with(own);
        let not_above = |asked: &Version| compatible(asked) && *asked <= own;
        match self.character.negotiation {
            Negotiation::Lowest => {
                self.agree(call.version().filter(compatible).map(|asked| asked.min(own)))
            }
            Negotiation::NoneAbove => self.agree(call.version().filter(not_above)),
            Negotiation::Always => {
                let asked = Version::from_bits(call.w1 & 0x7fff_ffff).filter(compatible);
                self.state.agreed = asked.map(|asked| asked.min(own)).or(self.state.agreed);
                VersionReply::Supported(own)
            }
            Negotiation::Required if self.state.in_use => {
                self.state.agreed.map_or(VersionReply::NotSupported, VersionReply::Supported)
            }
            Negotiation::Required => {
                let Some(asked) = call.version() else { return VersionReply::NotSupported };
                self.state.agreed = Some(asked).filter(not_above).or(self.state.agreed);
                VersionReply::Supported(own)
            }
        }
    }

    fn agree(&mut self, wanted: Option<Version>) -> VersionReply {
        let is_fixed = self.state.in_use;
        match wanted {
            Some(version) if !is_fixed || version == self.version() => {
                self.state.agreed = Some(version);
                VersionReply::Supported(self.character.version)
            }
            _ => VersionReply::NotSupported,
        }
    }
}
