//! File carves: what a host announced to send, and how it ended. Progress is not decided and is not here.

mod decide;
mod event;
mod state;

use std::time::Duration;

pub use decide::Command;
pub use event::{Begun, Ended, Outcome, Plan};
pub use state::{Carve, Carves};

/// How many carves of one host may be open at once. osqueryd sends one after another.
pub const MOST_OPEN: usize = 10;
/// How long the ledger's fold knows a carve that has ended; until then, a block or a beginning that comes again is known.
pub const REMEMBERED: Duration = Duration::from_secs(24 * 3_600);
/// How many carves that have ended the fold knows at most; the oldest ends go first.
pub const MOST_REMEMBERED: usize = 2_000;
/// The largest carve, in bytes.
pub const SIZE_LIMIT: u64 = 8 * 1024 * 1024 * 1024;
/// The largest block of a carve, in bytes.
pub const BLOCK_LIMIT: u64 = 256 * 1024 * 1024;
