//! Live results over websockets: Fleet's protocol in both framings, and our own that resumes by position.
//!
//! A stream only reads. What must be decided because a reader came or left goes through the [`Attendance`] port.

mod counts;
mod fleet;
mod follow;
mod frames;
mod handshake;
mod rows;

use async_trait::async_trait;
use domain::CampaignId;

pub use counts::{Counts, Totals, interval_s};
pub use fleet::routes as fleet_routes;
pub use follow::answer;
pub use follow::routes as follow_routes;

/// Tells the command side that somebody reads a campaign. Fleet's clients expect a campaign to end with its last reader.
#[async_trait]
pub trait Attendance: Send + Sync + 'static {
    /// `reader` reads the campaign now; repeated every 10 s.
    async fn attended(&self, campaign: CampaignId, reader: &str);
    /// `reader` is gone.
    async fn left(&self, campaign: CampaignId, reader: &str);
}
