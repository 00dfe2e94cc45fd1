//! A set of hosts: one bit per ordinal, shared until it is changed.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use roaring::RoaringBitmap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::HostId;

/// A Roaring bitmap of host ordinals. Cloning is cheap; in JSON it is the portable serialisation in base64.
#[derive(Clone, Debug, Default, PartialEq, JsonSchema)]
#[schemars(with = "String", extend("contentEncoding" = "base64"))]
pub struct Members(Arc<RoaringBitmap>);

impl Members {
    pub fn contains(&self, host: HostId) -> bool {
        self.0.contains(host.0)
    }

    pub fn insert(&mut self, host: HostId) -> bool {
        Arc::make_mut(&mut self.0).insert(host.0)
    }

    pub fn remove(&mut self, host: HostId) -> bool {
        Arc::make_mut(&mut self.0).remove(host.0)
    }

    pub fn len(&self) -> u64 {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = HostId> + '_ {
        self.0.iter().map(HostId)
    }

    pub fn bitmap(&self) -> &RoaringBitmap {
        &self.0
    }

    pub fn and(&self, other: &Members) -> Members {
        (&*self.0 & &*other.0).into()
    }

    pub fn or(&self, other: &Members) -> Members {
        (&*self.0 | &*other.0).into()
    }

    pub fn without(&self, other: &Members) -> Members {
        (&*self.0 - &*other.0).into()
    }
}

impl From<RoaringBitmap> for Members {
    fn from(bitmap: RoaringBitmap) -> Self {
        Members(Arc::new(bitmap))
    }
}

impl FromIterator<HostId> for Members {
    fn from_iter<I: IntoIterator<Item = HostId>>(hosts: I) -> Self {
        hosts.into_iter().map(|host| host.0).collect::<RoaringBitmap>().into()
    }
}

impl Serialize for Members {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut bytes = Vec::with_capacity(self.0.serialized_size());
        self.0.serialize_into(&mut bytes).map_err(serde::ser::Error::custom)?;
        serializer.serialize_str(&STANDARD.encode(bytes))
    }
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        let bytes = STANDARD.decode(text.as_bytes()).map_err(serde::de::Error::custom)?;
        RoaringBitmap::deserialize_from(&bytes[..]).map(Members::from).map_err(serde::de::Error::custom)
    }
}
