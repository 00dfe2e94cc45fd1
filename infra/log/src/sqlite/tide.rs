//! How far a partition has grown, and who waits for it to grow further.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Notify;

use crate::Position;

/// The end of one partition: everything below it is durable.
#[derive(Default)]
pub(super) struct Tide {
    end: AtomicU64,
    rose: Notify,
}

impl Tide {
    pub(super) fn end(&self) -> Position {
        self.end.load(Ordering::Acquire)
    }

    pub(super) fn rise(&self, end: Position) {
        self.end.store(end, Ordering::Release);
        self.rose.notify_waiters();
    }

    /// Waits until the end lies above `position`, or patience is over.
    pub(super) async fn passed(&self, position: Position, patience: Duration) {
        let waiting = async {
            loop {
                let rose = self.rose.notified();
                tokio::pin!(rose);
                rose.as_mut().enable();
                if self.end() > position {
                    return;
                }
                rose.await;
            }
        };
        // Running out of patience is no error: the caller asks again.
        let _ = tokio::time::timeout(patience, waiting).await;
    }
}
