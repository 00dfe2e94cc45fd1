//! What the rest of a process sees of the ledger.

use std::sync::Arc;

use domain::ledger::Fold;
use infra_log::{Log, Position, ReadError};
use tokio::sync::{mpsc, oneshot, watch};

use crate::Timing;
use crate::tail::{Published, Seen, Tail};
use crate::turn::{self, Request, Running};

/// The ledger as this process has folded it so far. Cheap to clone; the task behind it ends with the last clone.
#[derive(Clone)]
pub struct Follower {
    published: Arc<Published>,
    pub(crate) requests: mpsc::Sender<Request>,
    /// Held so that the task ends with the last clone.
    _running: Arc<Running>,
}

impl Follower {
    /// Replays the ledger, from a restored fold and the position to read next if there is one, and follows it from then on.
    pub async fn open(log: Arc<dyn Log>, restored: Option<(Fold, Position)>) -> Result<Follower, ReadError> {
        Follower::start(log, restored, None, Timing::default()).await
    }

    pub(crate) async fn start(
        log: Arc<dyn Log>,
        restored: Option<(Fold, Position)>,
        writer: Option<turn::Writer>,
        timing: Timing,
    ) -> Result<Follower, ReadError> {
        let mut tail = Tail::new(log, restored);
        match tail.read_to_end().await {
            // A ledger that cannot be trusted is served as far as it goes; it only decides nothing.
            Err(_) if tail.fold().halted.is_some() => {}
            other => other?,
        }
        let published = tail.published();
        let (requests, running) = turn::spawn(tail, writer, timing);
        Ok(Follower { published, requests, _running: Arc::new(running) })
    }

    /// The newest fold. Never waits.
    pub fn fold(&self) -> Arc<Fold> {
        self.published.seen.load().fold.clone()
    }

    /// Fold and position, as of one moment.
    pub fn seen(&self) -> Arc<Seen> {
        self.published.seen.load_full()
    }

    /// A fold that has reached an end that was asked for after this call.
    ///
    /// Fails when the log cannot be read, and when the ledger is halted: then nobody can have seen all there is.
    pub async fn read_to_end(&self) -> Result<Arc<Fold>, ReadError> {
        let (reply, answer) = oneshot::channel();
        let closed = || ReadError::Failed("the ledger is closed".to_owned());
        self.requests.send(Request::End(reply)).await.map_err(|_| closed())?;
        answer.await.map_err(|_| closed())?
    }

    /// The sequence of the newest commit that was folded; changes with every one, and when the ledger is halted.
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.published.sequence.subscribe()
    }

    /// The position of `muster.ledger` that is read next.
    pub fn position(&self) -> Position {
        self.published.seen.load().next
    }
}
