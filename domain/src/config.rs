//! What a host gets as its osquery configuration: agent options of its team (or the global ones), with the scheduled
//! queries of all and of its team as packs.
//!
//! Documents are rendered once per [`Scope`]: all that the document depends on, and nothing else. A scope that misses
//! something would hand a host another host's queries, so tests prove it against a rendering that knows no scopes.

mod name;
mod plan;

pub use name::scheduled_name;
pub use plan::{Document, Plan, Scope, TooLarge};

/// The largest document that osqueryd takes, in bytes.
pub const LARGEST: usize = 4 * 1024 * 1024;
/// The deepest.
pub const DEEPEST: usize = 32;

#[cfg(test)]
mod tests;
