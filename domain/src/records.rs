//! What stands in the topics beside the ledger: plain appends about which nothing is decided.
//!
//! Each kind has one encoder and one decoder here, so that the host API, the projections and outside readers agree.
//! Metadata is in the headers; every header named here is part of the contract.

mod activity;
mod answer;
mod inventory;
mod line;
mod report;
mod signal;
mod slot;

pub use activity::Activity;
pub use answer::{Answer, AnswerState};
pub use inventory::{User, Users};
pub use line::{Line, LineKind};
pub use report::{Address, Boot, Disks, Hardware, Identity, Intervals, LabelAnswers, Network, Os, Report, Section};
pub use signal::{Presence, Signal};

/// Headers and value of a record, before the log sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Encoded {
    pub headers: Vec<(String, String)>,
    pub value: Vec<u8>,
}

/// A record that cannot be read; kept for the admin, passed over by the fold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("record cannot be read: {0}")]
pub struct Unreadable(pub String);

/// Finds a header or says which is missing.
fn header<'a>(headers: &'a [(String, String)], name: &str) -> Result<&'a str, Unreadable> {
    let found = headers.iter().find(|(have, _)| have == name);
    found.map(|(_, value)| value.as_str()).ok_or_else(|| Unreadable(format!("header {name:?} is missing")))
}

/// Finds and parses a header.
fn parsed<T: std::str::FromStr>(headers: &[(String, String)], name: &str) -> Result<T, Unreadable> {
    let text = header(headers, name)?;
    text.parse().map_err(|_| Unreadable(format!("header {name:?} is {text:?}")))
}
