//! The one rule of settings: a section is known, and news only if it differs.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::Changed;
use crate::state::State;
use crate::{Event, Refusal, Timestamp};

#[derive(Clone, Debug)]
pub enum Command {
    /// The whole new value of some sections; equal ones are nothing new.
    Change { sections: BTreeMap<String, Arc<Value>> },
}

impl Command {
    pub fn decide(&self, state: &State, _now: Timestamp) -> Result<Vec<Event>, Refusal> {
        let Command::Change { sections } = self;
        let mut changed = BTreeMap::new();
        for (name, value) in sections {
            let Some(held) = state.settings.section(name) else {
                return Err(Refusal::Malformed(format!("unsupported key provided: \"{name}\"")));
            };
            if held != &**value {
                changed.insert(name.clone(), value.clone());
            }
        }
        Ok(if changed.is_empty() { vec![] } else { vec![Changed { sections: changed }.into()] })
    }
}
