//! Live results over websockets: Fleet's protocol in both framings, and our own that resumes by position.
//!
//! A stream only reads. What must be decided because a reader came or left goes through the [`Attendance`] port.

mod counts;
mod fleet;
mod follow;
mod frames;
mod handshake;
mod rows;

use std::sync::Arc;

use async_trait::async_trait;
use domain::records::Answer;
use domain::{CampaignId, HostId};
use infra_log::Position;

pub use counts::{Counts, Totals, interval_s};
pub use fleet::routes as fleet_routes;
pub use follow::routes as follow_routes;

/// Tells the command side that somebody reads a campaign. Fleet's clients expect a campaign to end with its last reader.
#[async_trait]
pub trait Attendance: Send + Sync + 'static {
    /// `reader` reads the campaign now; repeated every 10 s.
    async fn attended(&self, campaign: CampaignId, reader: &str);
    /// `reader` is gone.
    async fn left(&self, campaign: CampaignId, reader: &str);
}

/// Where answers come from: the fast lane when it has them, else the view. Never a gap, never one twice.
#[async_trait]
pub trait Answers: Send + Sync + 'static {
    /// Answers of a campaign after a position, oldest first, at most `limit`; empty when there is none yet.
    async fn after(&self, campaign: CampaignId, after: Option<Position>, limit: usize) -> anyhow::Result<Vec<Found>>;
    /// Waits until there may be an answer after the position, for some seconds at most.
    async fn changed(&self, campaign: CampaignId, after: Option<Position>);
    /// What hosts are called, in the order asked.
    async fn names(&self, hosts: &[HostId]) -> anyhow::Result<Vec<Name>>;
    /// Waits, for some seconds at most, until the view has all that was acknowledged before.
    async fn caught_up(&self);
    /// How many answers of each kind there are now.
    async fn counts(&self, campaign: CampaignId) -> anyhow::Result<Counts>;
}

/// An answer and its place.
#[derive(Clone, Debug)]
pub struct Found {
    pub position: Position,
    pub answer: Arc<Answer>,
}

/// What a host is called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Name {
    pub hostname: String,
    pub display_name: String,
}
