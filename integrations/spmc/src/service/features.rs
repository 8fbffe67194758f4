//! `FFA_FEATURES`.

use ffa_abi::{
    Feature, FeatureQuery, Features, FeaturesReply, FunctionId, MAX_RXTX_PAGES, RxtxMapFeature,
    Status,
};

use super::Service;

impl Service<'_> {
    pub(super) fn features(&self, call: Features) -> Result<FeaturesReply, Status> {
        match call.query {
            FeatureQuery::Function(function) => self.function(function),
            FeatureQuery::Feature(feature) => self.feature(feature),
            FeatureQuery::ForeignFunction(_) => Err(Status::NOT_SUPPORTED),
        }
    }

    fn function(&self, function: FunctionId) -> Result<FeaturesReply, Status> {
        let is_admitted = self.character.admitted.contains(function);
        if !is_admitted || !function.exists_in(self.version()) {
            return Err(Status::NOT_SUPPORTED);
        }
        match function {
            FunctionId::RXTX_MAP_32 | FunctionId::RXTX_MAP_64 => Ok(self.map_feature()),
            _ => Ok(FeaturesReply::default()),
        }
    }

    fn feature(&self, feature: Feature) -> Result<FeaturesReply, Status> {
        let mut features = self.character.features.iter();
        let (_, w2) = features.find(|(id, _)| *id == feature).ok_or(Status::NOT_SUPPORTED)?;
        Ok(FeaturesReply { w2: *w2, w3: 0 })
    }

    fn map_feature(&self) -> FeaturesReply {
        let most = self.character.buffers.max_pages;
        let maximum_pages = if most >= MAX_RXTX_PAGES { 0 } else { most.into() };
        RxtxMapFeature { minimum: 0, maximum_pages }.to_reply(self.version())
    }
}
