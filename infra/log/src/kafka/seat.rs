//! What is known of one partition, and the places that readers have in it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::Notify;

use super::cursor::Cursor;
use crate::Position;

/// Places that one partition can have at once; readers close together share one.
pub(super) const PLACES: usize = 4;

/// A waiting reader looks again after so long at the latest: another may have taken over its place.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

#[derive(Default)]
pub(super) struct Seat {
    /// By lane.
    pub(super) cursors: Mutex<[Option<Cursor>; PLACES]>,
    /// What was acknowledged, told as an end, or read: reads do not fall behind it.
    known: AtomicU64,
    pub(super) news: Arc<News>,
}

impl Seat {
    pub(super) fn known(&self) -> Position {
        self.known.load(Ordering::Acquire)
    }

    pub(super) fn know(&self, position: Position) {
        if self.known.fetch_max(position, Ordering::AcqRel) < position {
            self.news.rang.notify_waiters();
        }
    }

    pub(super) async fn changed(&self, from: Position, patience: Duration) {
        let waiting = async {
            loop {
                let rang = self.news.rang.notified();
                tokio::pin!(rang);
                rang.as_mut().enable();
                if self.known() > from || self.news.is_there() {
                    return;
                }
                rang.await;
            }
        };
        // Running out of patience is no error: the caller asks again.
        let _ = tokio::time::timeout(patience.min(LOOK_AGAIN), waiting).await;
    }
}

/// Whether something was fetched that nobody has read.
#[derive(Default)]
pub(super) struct News {
    there: AtomicBool,
    rang: Notify,
}

impl News {
    pub(super) fn ring(&self) {
        self.there.store(true, Ordering::Release);
        self.rang.notify_waiters();
    }

    /// To be called before a place is emptied, so that what comes meanwhile rings again.
    pub(super) fn take(&self) {
        self.there.store(false, Ordering::Release);
    }

    fn is_there(&self) -> bool {
        self.there.load(Ordering::Acquire)
    }
}
