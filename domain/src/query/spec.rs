//! What an author says of a query.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::LabelId;

/// How results of a scheduled query are logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Logging {
    #[default]
    Snapshot,
    Differential,
    DifferentialIgnoreRemovals,
}

impl Logging {
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "" | "snapshot" => Logging::Snapshot,
            "differential" => Logging::Differential,
            "differential_ignore_removals" => Logging::DifferentialIgnoreRemovals,
            _ => return None,
        })
    }

    pub fn name(self) -> &'static str {
        match self {
            Logging::Snapshot => "snapshot",
            Logging::Differential => "differential",
            Logging::DifferentialIgnoreRemovals => "differential_ignore_removals",
        }
    }
}

/// Everything an author says of a query.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    pub name: String,
    pub description: String,
    pub query: String,
    /// Comma list of `darwin`, `linux`, `windows`, `chrome`; empty for all.
    pub platform: String,
    pub min_osquery_version: String,
    /// Seconds; 0 is not scheduled.
    pub interval: u32,
    pub automations_enabled: bool,
    pub logging: Logging,
    pub discard_data: bool,
    pub observer_can_run: bool,
    /// Only hosts with one of these labels; empty for all.
    pub labels_include_any: Vec<LabelId>,
}

impl Spec {
    /// Whether stored results of this shape say nothing about `next`.
    pub(super) fn ends_results(&self, next: &Spec) -> bool {
        self.query != next.query
            || self.platform != next.platform
            || self.min_osquery_version != next.min_osquery_version
            || (next.discard_data && !self.discard_data)
            || (self.logging == Logging::Snapshot && next.logging != Logging::Snapshot)
    }
}
