//! Live-query campaigns as the server describes them.
//!
//! Source: Muster's own API (`/api/muster/v1/campaigns`). Members that are not shown are not read, so that a newer
//! server does not trouble an older `musterctl`.

use serde::Deserialize;
use serde_json::{Map, Value};

/// A campaign and where its hosts stand.
#[derive(Clone, Debug, Deserialize)]
pub struct Campaign {
    pub id: u64,
    /// Until when hosts are asked; RFC 3339.
    #[serde(default)]
    pub expires_at: Option<String>,
    /// `running`, `stopped` or `expired`.
    pub state: String,
    pub hosts: Counts,
}

impl Campaign {
    /// Whether hosts are still asked.
    pub fn is_running(&self) -> bool {
        self.state == "running"
    }
}

/// The five states of a targeted host; their sum is `targeted`. Where a campaign is changed, the server leaves out those
/// that it would have to look up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Counts {
    pub targeted: u64,
    /// Answered with rows.
    pub rows: u64,
    /// Answered without a row.
    pub empty: u64,
    /// Answered that the query failed.
    pub error: u64,
    /// Online, and has not answered.
    pub waiting: u64,
    /// Offline, and has not answered.
    pub offline: u64,
}

impl Counts {
    /// Hosts that have answered, well or not.
    pub fn answered(&self) -> u64 {
        self.rows + self.empty + self.error
    }
}

/// What one host said.
#[derive(Clone, Debug, Deserialize)]
pub struct Answer {
    /// Where the answer stands among those of its campaign.
    pub position: u64,
    pub host: Host,
    #[serde(default)]
    pub rows: Vec<Map<String, Value>>,
    /// osquery's message, when the query failed there.
    #[serde(default)]
    pub error: Option<String>,
    /// Whether rows are missing because of a limit.
    #[serde(default)]
    pub cut: bool,
}

/// The host of an answer.
#[derive(Clone, Debug, Deserialize)]
pub struct Host {
    pub id: u64,
    #[serde(default)]
    pub hostname: String,
    #[serde(default)]
    pub display_name: String,
}

impl Host {
    /// What people call it.
    pub fn label(&self) -> String {
        match (self.display_name.as_str(), self.hostname.as_str()) {
            ("", "") => format!("host {}", self.id),
            ("", hostname) => hostname.to_owned(),
            (display_name, _) => display_name.to_owned(),
        }
    }
}
