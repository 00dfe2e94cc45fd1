//! Live queries: who was asked what, until when.

mod decide;
mod event;
mod state;
mod stats;
#[cfg(test)]
mod tests;

use std::time::Duration;

pub use decide::{Command, Most};
pub use event::{EndReason, Ended, Extended, Started};
pub use state::{Campaign, Campaigns};
pub use stats::Stats;

/// How long a campaign lives if nobody says otherwise.
pub const DEFAULT_LIFE: Duration = Duration::from_secs(24 * 3_600);
/// How long the ledger's fold knows a campaign that has ended. After that its address is read from the views alone.
pub const REMEMBERED: Duration = Duration::from_secs(24 * 3_600);
/// How many campaigns that have ended the fold knows at most; the oldest ends go first.
pub const MOST_REMEMBERED: usize = 2_000;
/// The longest life of a campaign.
pub const LONGEST_LIFE: Duration = Duration::from_secs(7 * 24 * 3_600);
