//! `FFA_FEATURES`.

use core::fmt;

use crate::call::{DecodeError, Request, call_regs};
use crate::function::FunctionId;
use crate::regs::Regs;
use crate::reply::{CallError, Reply, Success, write_success};
use crate::version::Version;

/// A feature id: w1 with bit 31 clear. An open type.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Feature(pub u32);

macro_rules! features {
    ($($(#[$doc:meta])* $name:ident = $id:literal;)*) => {
        impl Feature {
            $($(#[$doc])* pub const $name: Feature = Feature($id);)*

            /// Every feature that this crate has a name for.
            pub const ALL: &[Feature] = &[$(Feature::$name),*];

            /// What it is called, where this crate has a name for it.
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($id => Some(stringify!($name)),)*
                    _ => None,
                }
            }
        }
    };
}

features! {
    /// Notification pending interrupt; the reply's w2 is its id.
    NOTIFICATION_PENDING_INTERRUPT = 1;
    /// Schedule receiver interrupt; the reply's w2 is its id.
    SCHEDULE_RECEIVER_INTERRUPT = 2;
    /// Managed exit interrupt; the reply's w2 is its id.
    MANAGED_EXIT_INTERRUPT = 3;
    /// What notifications can do (1.3, as Hafnium has it): in the reply's w2 bit 0 says that those of
    /// VMs cannot be per-vCPU, bit 1 that those of secure partitions cannot.
    NOTIFICATIONS = 4;
}

/// What is asked about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FeatureQuery {
    /// A call, by an id of FF-A's range.
    Function(FunctionId),
    /// A feature.
    Feature(Feature),
    /// An id with bit 31 set that is not FF-A's.
    ForeignFunction(u32),
}

/// `FFA_FEATURES`: w1 a function or feature id, w2 properties that some of them take.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Features {
    /// w1.
    pub query: FeatureQuery,
    /// w2, as it stands.
    pub properties: u32,
}

/// What is asked about exists; w2 and w3 say how.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct FeaturesReply {
    /// w2.
    pub w2: u32,
    /// w3.
    pub w3: u32,
}

/// w2 of the reply about `FFA_RXTX_MAP`: \[1:0\] minimum size and alignment, \[31:16\] from 1.2 on
/// the most pages of 4 KiB, 0 for no limit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RxtxMapFeature {
    /// 0: 4 KiB, 1: 64 KiB, 2: 16 KiB.
    pub minimum: u8,
    /// Most pages of 4 KiB that a buffer may have; 0 is no limit, and all that 1.0 and 1.1 can say.
    pub maximum_pages: u16,
}

/// w2 of the reply about `FFA_MEM_DONATE`, `FFA_MEM_LEND` and `FFA_MEM_SHARE`: \[0\] dynamic buffers,
/// in 1.0 and 1.1.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct MemSendFeature {
    /// Whether the descriptor may lie in a buffer of the caller's other than TX.
    pub dynamic_buffers: bool,
}

/// w2 and w3 of the reply about `FFA_MEM_RETRIEVE_REQ`: w2\[0\] dynamic buffers, w2\[1\] NS bit, from
/// 1.1 on w2\[2\] retrieval by the hypervisor, w3\[7:0\] how often a region may be retrieved.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct MemRetrieveFeature {
    /// Whether the request may lie in a buffer of the caller's other than TX.
    pub dynamic_buffers: bool,
    /// Whether the NS bit of a retrieved region's attributes is told.
    pub ns_bit: bool,
    /// Whether a hypervisor may retrieve the description of a region that a VM sent (1.1).
    pub by_hypervisor: bool,
    /// w3\[7:0\], n: a receiver may retrieve a region 2^(n+1) - 1 times before it relinquishes it.
    pub retrievals: u8,
}

impl FeatureQuery {
    fn from_bits(w1: u32) -> FeatureQuery {
        match FunctionId::from_bits(w1) {
            Some(function) => FeatureQuery::Function(function),
            None if w1 & 0x8000_0000 == 0 => FeatureQuery::Feature(Feature(w1)),
            None => FeatureQuery::ForeignFunction(w1),
        }
    }

    fn bits(self) -> u32 {
        match self {
            FeatureQuery::Function(function) => function.bits(),
            FeatureQuery::Feature(Feature(w1)) | FeatureQuery::ForeignFunction(w1) => w1,
        }
    }
}

impl Features {
    /// Asks about a call.
    #[must_use]
    pub const fn of(function: FunctionId) -> Features {
        Features { query: FeatureQuery::Function(function), properties: 0 }
    }

    /// Asks about a feature.
    #[must_use]
    pub const fn of_feature(feature: Feature) -> Features {
        Features { query: FeatureQuery::Feature(feature), properties: 0 }
    }
}

impl RxtxMapFeature {
    /// The smallest size and the alignment of a buffer in bytes; `None` for a reserved value.
    #[must_use]
    pub const fn minimum_size(self) -> Option<u32> {
        match self.minimum {
            0 => Some(0x1000),
            1 => Some(0x1_0000),
            2 => Some(0x4000),
            _ => None,
        }
    }

    /// As w2, for a caller that speaks `version`.
    #[must_use]
    pub fn to_reply(self, version: Version) -> FeaturesReply {
        let maximum = if version < Version::V1_2 { 0 } else { self.maximum_pages };
        FeaturesReply { w2: u32::from(maximum) << 16 | u32::from(self.minimum & 3), w3: 0 }
    }

    /// From w2.
    #[must_use]
    pub fn from_reply(reply: FeaturesReply) -> RxtxMapFeature {
        RxtxMapFeature { minimum: (reply.w2 & 3) as u8, maximum_pages: (reply.w2 >> 16) as u16 }
    }
}

impl MemSendFeature {
    const DYNAMIC_BUFFERS: u32 = 1 << 0;

    /// As w2, for a caller that speaks `version`.
    #[must_use]
    pub fn to_reply(self, version: Version) -> FeaturesReply {
        let dynamic_buffers = self.dynamic_buffers && version < Version::V1_2;
        FeaturesReply { w2: flag(dynamic_buffers, Self::DYNAMIC_BUFFERS), w3: 0 }
    }

    /// From w2.
    #[must_use]
    pub fn from_reply(reply: FeaturesReply) -> MemSendFeature {
        MemSendFeature { dynamic_buffers: reply.w2 & Self::DYNAMIC_BUFFERS != 0 }
    }
}

impl MemRetrieveFeature {
    /// Bit 1 of w2, in the reply and in [`Features::properties`] of the query: there the caller says
    /// that it knows the NS bit. From 1.1 on it must; Hafnium and TF-A refuse a query that does not.
    pub const NS_BIT: u32 = 1 << 1;

    const DYNAMIC_BUFFERS: u32 = 1 << 0;
    const BY_HYPERVISOR: u32 = 1 << 2;

    /// As w2 and w3, for a caller that speaks `version`.
    #[must_use]
    pub fn to_reply(self, version: Version) -> FeaturesReply {
        let by_hypervisor = self.by_hypervisor && version >= Version::V1_1;
        let w2 = flag(self.dynamic_buffers, Self::DYNAMIC_BUFFERS)
            | flag(self.ns_bit, Self::NS_BIT)
            | flag(by_hypervisor, Self::BY_HYPERVISOR);
        FeaturesReply { w2, w3: self.retrievals.into() }
    }

    /// From w2 and w3.
    #[must_use]
    pub fn from_reply(reply: FeaturesReply) -> MemRetrieveFeature {
        MemRetrieveFeature {
            dynamic_buffers: reply.w2 & Self::DYNAMIC_BUFFERS != 0,
            ns_bit: reply.w2 & Self::NS_BIT != 0,
            by_hypervisor: reply.w2 & Self::BY_HYPERVISOR != 0,
            retrievals: (reply.w3 & 0xff) as u8,
        }
    }

    /// How often a receiver may retrieve a region before it relinquishes it: 2^(n+1) - 1, or
    /// [`u64::MAX`] where that is less.
    #[must_use]
    pub fn most_retrievals(self) -> u64 {
        let bits = u32::from(self.retrievals) + 1;
        1_u64.checked_shl(bits).map_or(u64::MAX, |power| power - 1)
    }
}

fn flag(is_set: bool, bit: u32) -> u32 {
    if is_set { bit } else { 0 }
}

impl Request for Features {
    type Reply = FeaturesReply;

    fn encode(&self) -> Regs {
        call_regs(FunctionId::FEATURES, [self.query.bits().into(), self.properties.into()])
    }

    #[inline(always)]
    fn decode(_: FunctionId, regs: &Regs, _: Version) -> Result<Self, DecodeError> {
        Ok(Features { query: FeatureQuery::from_bits(regs.w(1)), properties: regs.w(2) })
    }
}

impl Reply for FeaturesReply {
    fn write(&self, regs: &mut Regs) {
        write_success(regs, self.w2, self.w3);
    }

    fn read(regs: &Regs, _: Version) -> Result<Self, CallError> {
        let regs = Success::check(regs)?.regs();
        Ok(FeaturesReply { w2: regs.w(2), w3: regs.w(3) })
    }
}

impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "feature {:#x}", self.0),
        }
    }
}

impl fmt::Display for Features {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.query {
            FeatureQuery::Function(function) => write!(f, "FFA_FEATURES {function}"),
            FeatureQuery::Feature(feature) => write!(f, "FFA_FEATURES {feature}"),
            FeatureQuery::ForeignFunction(id) => write!(f, "FFA_FEATURES {id:#010x}"),
        }?;
        if self.properties == 0 { Ok(()) } else { write!(f, " properties={:#x}", self.properties) }
    }
}

impl fmt::Display for FeaturesReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SUCCESS w2={:#x} w3={:#x}", self.w2, self.w3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::Call;

    #[test]
    fn a_recorded_call_decodes() {
        // Linux 6.12: FEATURES c4000066 RXTX_MAP.
        let regs = call_regs(FunctionId::FEATURES, [0xc400_0066]);
        let call = Features::of(FunctionId::RXTX_MAP_64);
        assert_eq!(Call::decode(&regs, Version::V1_1), Ok(Call::Features(call)));
        assert_eq!(call.encode(), regs);
    }

    #[test]
    fn every_w1_survives_a_round_trip() {
        for w1 in [0, 1, 3, 0x100, 0x7fff_ffff, 0x8400_0063, 0x8000_0000, 0xbf00_ff01] {
            let query = FeatureQuery::from_bits(w1);
            let call = Features { query, properties: 7 };
            assert_eq!(
                Call::decode(&call.encode(), Version::V1_0),
                Ok(Call::Features(call)),
                "{w1:#x}"
            );
            assert_eq!(call.encode().w(1), w1);
        }
    }

    #[test]
    fn the_page_limit_is_told_from_1_2_on() {
        let feature = RxtxMapFeature { minimum: 0, maximum_pages: 16 };
        assert_eq!(feature.to_reply(Version::V1_1), FeaturesReply { w2: 0, w3: 0 });
        let reply = feature.to_reply(Version::V1_2);
        assert_eq!(reply.w2, 0x10_0000);
        assert_eq!(RxtxMapFeature::from_reply(reply), feature);
    }

    #[test]
    fn dynamic_buffers_to_send_are_told_before_1_2() {
        let feature = MemSendFeature { dynamic_buffers: true };
        let replies = [1, 1, 0, 0].map(|w2| FeaturesReply { w2, w3: 0 });
        let versions = [Version::V1_0, Version::V1_1, Version::V1_2, Version::V1_3];
        assert_eq!(versions.map(|version| feature.to_reply(version)), replies);
        assert_eq!(MemSendFeature::default().to_reply(Version::V1_0).w2, 0);
        let read = MemSendFeature::from_reply(FeaturesReply { w2: 0xffff_ffff, w3: 0 });
        assert_eq!(read, feature);
    }

    #[test]
    fn each_property_of_retrieval_has_its_bit() {
        let none = MemRetrieveFeature::default();
        let cases = [
            (MemRetrieveFeature { dynamic_buffers: true, ..none }, 1, 0),
            (MemRetrieveFeature { ns_bit: true, ..none }, 2, 0),
            (MemRetrieveFeature { by_hypervisor: true, ..none }, 4, 0),
            (MemRetrieveFeature { retrievals: 0xa5, ..none }, 0, 0xa5),
            (none, 0, 0),
        ];
        for (feature, w2, w3) in cases {
            let reply = FeaturesReply { w2, w3 };
            assert_eq!(feature.to_reply(Version::V1_1), reply);
            assert_eq!(MemRetrieveFeature::from_reply(reply), feature);
            let noise = FeaturesReply { w2: w2 | !7, w3: w3 | !0xff };
            assert_eq!(MemRetrieveFeature::from_reply(noise), feature);
        }
    }

    #[test]
    fn retrieval_by_a_hypervisor_is_told_from_1_1_on() {
        let feature =
            MemRetrieveFeature { ns_bit: true, by_hypervisor: true, ..Default::default() };
        assert_eq!(feature.to_reply(Version::V1_0).w2, MemRetrieveFeature::NS_BIT);
        assert_eq!(feature.to_reply(Version::V1_1).w2, 6);
    }

    #[test]
    fn n_means_a_power_of_two_less_one() {
        let most =
            |retrievals| MemRetrieveFeature { retrievals, ..Default::default() }.most_retrievals();
        assert_eq!([0, 1, 7, 62].map(most), [1, 3, 255, 0x7fff_ffff_ffff_ffff]);
        assert_eq!([63, 64, 255].map(most), [u64::MAX; 3]);
    }
}
