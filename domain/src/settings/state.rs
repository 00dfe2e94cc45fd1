//! All settings, folded from the ledger over the defaults.

use std::sync::Arc;

use imbl::OrdMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Changed, defaults};

/// All settings, folded from the ledger over the defaults.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    sections: OrdMap<String, Arc<Value>>,
    /// Goes up with every change of settings, teams, queries or labels: what a host's config depends on.
    pub revision: u64,
}

impl Default for Settings {
    fn default() -> Self {
        let Value::Object(defaults) = defaults() else { unreachable!("the defaults are an object") };
        Settings { sections: defaults.into_iter().map(|(name, value)| (name, Arc::new(value))).collect(), revision: 0 }
    }
}

impl Settings {
    /// One top-level section, `server_settings`; `None` if there is no such section.
    pub fn section(&self, name: &str) -> Option<&Value> {
        self.sections.get(name).map(|value| &**value)
    }

    /// A value by path, `/server_settings/live_query_disabled`.
    pub fn at(&self, pointer: &str) -> Option<&Value> {
        let (name, rest) = pointer.strip_prefix('/')?.split_once('/').unwrap_or((pointer.strip_prefix('/')?, ""));
        let section = self.section(name)?;
        if rest.is_empty() { Some(section) } else { section.pointer(&format!("/{rest}")) }
    }

    /// Whether the switch at `pointer` is on.
    pub fn is_on(&self, pointer: &str) -> bool {
        self.at(pointer).and_then(Value::as_bool).unwrap_or(false)
    }

    pub fn sections(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.sections.iter().map(|(name, value)| (name.as_str(), &**value))
    }

    /// Agent options for hosts without a team, and for teams that have none of their own.
    pub fn agent_options(&self) -> &Value {
        self.section("agent_options").unwrap_or(&Value::Null)
    }

    pub(crate) fn changed(&mut self, event: &Changed) {
        for (name, value) in &event.sections {
            self.sections.insert(name.clone(), value.clone());
        }
    }
}
