//! Saved queries: run live, or scheduled on hosts.

mod decide;
mod event;
mod spec;
mod state;

pub use decide::Command;
pub use event::{Changed, Created, Deleted};
pub use spec::{Logging, Spec};
pub use state::{Queries, Query};
