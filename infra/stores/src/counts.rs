//! What was asked of the store so far, for telemetry and for tests that bound it.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counters since the store was opened; they only grow.
#[derive(Debug, Default)]
pub struct Counts {
    statements: AtomicU64,
    writes: AtomicU64,
}

impl Counts {
    /// Statements that were sent, in and outside of transactions.
    pub fn statements(&self) -> u64 {
        self.statements.load(Ordering::Relaxed)
    }

    /// Write transactions that were begun.
    pub fn writes(&self) -> u64 {
        self.writes.load(Ordering::Relaxed)
    }

    pub(crate) fn statement(&self) {
        self.statements.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn write(&self) {
        self.writes.fetch_add(1, Ordering::Relaxed);
    }
}
