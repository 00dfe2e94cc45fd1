//! File carves: what a host announced to send, and how it ended. Progress is not decided and is not here.

mod decide;
mod event;
mod state;

pub use decide::Command;
pub use event::{Begun, Ended, Outcome, Plan};
pub use state::{Carve, Carves};

/// The largest carve, in bytes.
pub const SIZE_LIMIT: u64 = 8 * 1024 * 1024 * 1024;
/// The largest block of a carve, in bytes.
pub const BLOCK_LIMIT: u64 = 256 * 1024 * 1024;
