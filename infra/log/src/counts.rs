//! What an adapter has written so far, for telemetry and for tests that assert that nothing was.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counters since the log was opened. They only grow, and count what was tried, whatever came of it.
#[derive(Debug, Default)]
pub struct Counts {
    appends: AtomicU64,
    records: AtomicU64,
    transactions: AtomicU64,
}

impl Counts {
    /// Calls of [`append`](crate::Log::append).
    pub fn appends(&self) -> u64 {
        self.appends.load(Ordering::Relaxed)
    }

    /// Records in those calls.
    pub fn records(&self) -> u64 {
        self.records.load(Ordering::Relaxed)
    }

    /// Transactions of the store that wrote them; many appends share one. Zero where the store has none.
    pub fn transactions(&self) -> u64 {
        self.transactions.load(Ordering::Relaxed)
    }

    pub(crate) fn transaction(&self) {
        self.transactions.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn append(&self, records: usize) {
        self.appends.fetch_add(1, Ordering::Relaxed);
        self.records.fetch_add(records as u64, Ordering::Relaxed);
    }
}
