//! The organisation's settings: one JSON tree, as the API shows it, changed by whole top-level sections.
//!
//! Secrets inside (a mail password) are sealed before they come here, as `{"sealed": {key, text}}`.

pub mod agent_options;
mod decide;
mod defaults;
mod duration;
pub(crate) mod osquery_flags;
pub mod patch;
mod state;

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use decide::Command;
pub use defaults::defaults;
pub use state::Settings;

/// Sections that changed, each with its whole new value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Changed {
    pub sections: BTreeMap<String, Arc<Value>>,
}

/// Whether an object is a sealed secret.
pub fn is_sealed(object: &serde_json::Map<String, Value>) -> bool {
    object.len() == 1 && object.get("sealed").is_some_and(Value::is_object)
}
