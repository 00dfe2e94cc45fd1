//! The shapes that others may rely on: every JSON payload of ours that stands in the log, by type and version.
//!
//! Each is frozen as a file in `domain/schemas/`. Two kinds of reader meet them, and differ on purpose:
//!
//! - **The ledger is read exactly.** A version has one shape. A field that the reader does not know makes the event
//!   unreadable, and the fold halts: what was dropped would be missing from a decision.
//! - **Reports, signals and activities are read with tolerance.** A field that is absent was not told, and one that is
//!   not known is passed over: nothing is decided on them, and to refuse the record would lose what stands beside it.
//!   So their fields never change their meaning: a new meaning is a new field.

use schemars::Schema;

use crate::Event;
use crate::ledger::Commit;
use crate::records::{Activity, Section, Signal};
use crate::stored;

/// One published shape.
#[derive(Clone, Debug)]
pub struct Published {
    /// The type, `host.enrolled`.
    pub name: String,
    pub version: u32,
    /// `None` for an older version that is read by the newest struct: its file is all that is left of it.
    pub schema: Option<Schema>,
}

impl Published {
    /// The name of its file, `host.enrolled.v2.json`.
    pub fn file_name(&self) -> String {
        format!("{}.v{}.json", self.name, self.version)
    }
}

/// Every shape that was ever written, in no order.
pub fn all() -> Vec<Published> {
    let exact = Event::schemas().into_iter().chain(stored::retired_schemas());
    let exact = exact.map(|(name, version, schema)| Published { name: name.to_owned(), version, schema: Some(schema) });
    let tolerant = [Commit::schema(), Activity::schema(), Signal::schema()];
    let tolerant = tolerant.map(|(name, version, schema)| (name.to_owned(), version, schema));
    let tolerant = Section::schemas().into_iter().chain(tolerant);
    let versions = |(name, newest, schema): (String, u32, Schema)| {
        let schema = move |version| (version == newest).then(|| schema.clone());
        (1..=newest).map(move |version| Published { name: name.clone(), version, schema: schema(version) })
    };
    exact.chain(tolerant.flat_map(versions)).collect()
}
