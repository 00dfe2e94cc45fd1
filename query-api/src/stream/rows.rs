//! Rows as a stream shows them.

use projections::HostAnswer;
use serde_json::{Map, Value};

use crate::reads::Name;

/// The rows of an answer as they are stored.
pub fn plain(answer: &HostAnswer) -> Vec<Map<String, Value>> {
    serde_json::from_slice(&answer.rows).unwrap_or_default()
}

/// The rows with the two members that Fleet's clients find in each; they replace columns of the same name.
pub fn with_host(answer: &HostAnswer, name: &Name) -> Vec<Map<String, Value>> {
    let mut rows = plain(answer);
    for row in &mut rows {
        row.insert("host_hostname".to_owned(), name.hostname.clone().into());
        row.insert("host_display_name".to_owned(), name.display_name.clone().into());
    }
    rows
}
