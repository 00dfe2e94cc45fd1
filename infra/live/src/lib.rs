//! Live streams: the fast lane from a projection to whoever watches, never the only copy.
//!
//! A stream holds the newest entries of one thing (the answers of a campaign), each under its position in the log and
//! naming the entry before it. So a reader always knows whether it missed any, and then reads the view instead:
//! a store that was away, restarted empty, or dropped old entries costs time and loses nothing.
//!
//! Every adapter passes [`suite`]: [`Process`] for one process; Redis streams for many.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod process;
pub mod suite;

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

pub use process::{Limits, Process};

/// An entry of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The position in the log of what it tells; grows within a stream.
    pub id: u64,
    /// The id of the entry before it, kept or not; `None` for the first that ever was.
    pub prev: Option<u64>,
    pub value: Bytes,
}

/// What lies after a place in a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Page {
    /// The entries that follow, without one missing; none when the place is the stream's end.
    Entries(Vec<Entry>),
    /// The stream does not reach back to this place: what follows must be read from the view.
    Gap,
}

/// The store of streams cannot be reached.
#[derive(Debug, thiserror::Error)]
#[error("live streams are not available: {0}")]
pub struct Unavailable(pub String);

/// Streams by name.
#[async_trait]
pub trait Streams: Send + Sync + 'static {
    /// Adds entries, oldest first. One whose id is not larger than the stream's last is there already: a success that
    /// changes nothing.
    async fn append(&self, stream: &str, entries: Vec<Entry>) -> Result<(), Unavailable>;

    /// At most `max` entries after the one with the id `after`, or from the very first. Never waits.
    async fn read(&self, stream: &str, after: Option<u64>, max: usize) -> Result<Page, Unavailable>;

    /// Waits until the stream may hold an entry after `after`, or `patience` is over. Spurious returns are allowed.
    async fn changed(&self, stream: &str, after: Option<u64>, patience: Duration);
}
