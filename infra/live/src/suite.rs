//! What every adapter must do, as checks that any test binary can run against its own.
//!
//! An adapter's tests implement [`Fixture`] and call each check in a test of its own.

mod contents;
mod limits;

use std::sync::Arc;

use async_trait::async_trait;

use crate::{Entry, Page, Streams};

pub use contents::{apart, changed_is_patient, changed_wakes, in_order, repeated};
pub use limits::{capped, expires, holes, lost};

/// New streams of the adapter under test, for one check.
#[async_trait]
pub trait Fixture: Send + Sync {
    /// The most bytes that a stream holds.
    const STREAM_BYTES: usize;

    async fn streams(&self) -> Arc<dyn Streams>;

    /// Empties the store, as a restart does.
    async fn lose(&self);

    /// Lets every stream that exists grow too old.
    async fn age(&self);
}

/// An entry that follows on `prev`.
fn entry(id: u64, prev: Option<u64>) -> Entry {
    Entry { id, prev, value: format!("value {id}").into() }
}

/// Entries with these ids, each following on the one before; the first on nothing.
fn chain(ids: &[u64]) -> Vec<Entry> {
    let before = std::iter::once(None).chain(ids.iter().copied().map(Some));
    ids.iter().zip(before).map(|(id, prev)| entry(*id, prev)).collect()
}

async fn append(streams: &dyn Streams, stream: &str, entries: Vec<Entry>) {
    streams.append(stream, entries).await.expect("append");
}

/// The ids that follow; `None` for a gap.
async fn ids(streams: &dyn Streams, stream: &str, after: Option<u64>) -> Option<Vec<u64>> {
    match streams.read(stream, after, 100).await.expect("read") {
        Page::Entries(entries) => Some(entries.iter().map(|entry| entry.id).collect()),
        Page::Gap => None,
    }
}
