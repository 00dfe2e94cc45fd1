//! The only place that decides and commits.

use std::sync::Arc;
use std::time::Duration;

use domain::ledger::{Fold, Outcome};
use domain::{Actor, Command, CommandId, Refusal};
use infra_log::{Log, Position, ReadError};
use infra_world::World;
use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, timeout_at};

use crate::follower::Follower;
use crate::tail::Seen;
use crate::turn::{Request, Waiting, Writer};

/// How long a call outlives its deadline, for an append that is still under way.
const GRACE: Duration = Duration::from_secs(3);

/// The writer of the ledger, one a process. Cheap to clone; the task behind it ends with the last clone of it and of its
/// followers.
#[derive(Clone)]
pub struct Ledger {
    follower: Follower,
    deadline: Duration,
}

/// Who asks, and under which idempotency key.
#[derive(Clone, Debug)]
pub struct By {
    pub command_id: CommandId,
    pub actor: Actor,
    /// W3C trace context of the request, if it had one.
    pub traceparent: Option<String>,
}

/// A command that was carried out.
#[derive(Clone, Debug)]
pub struct Executed {
    /// `None`: there was nothing to do.
    pub outcome: Option<Outcome>,
    /// Includes the outcome.
    pub fold: Arc<Fold>,
}

/// Why a command was not carried out, as far as is known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// The domain says no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Other writers were first until the deadline. Nothing was recorded.
    #[error("too many others decide at the same time, try again")]
    Contended,
    /// The log may hold the outcome, now or later.
    #[error("it is not known whether the command was recorded; retry with the same command id")]
    Unknown,
    /// The log failed. Nothing was recorded.
    #[error("{0}")]
    Log(String),
}

/// How long things are tried.
#[derive(Clone, Debug)]
pub struct Timing {
    /// From a call to its answer.
    pub deadline: Duration,
    /// The longest pause after the first lost race; it doubles with each one that follows, up to 16 times.
    pub jitter: Duration,
    /// How long a tail waits for news before it looks for itself.
    pub patience: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Timing { deadline: Duration::from_secs(10), jitter: Duration::from_millis(8), patience: Duration::from_secs(2) }
    }
}

impl Ledger {
    /// Replays the ledger, from a restored fold and the position to read next if there is one, and starts the writer.
    ///
    /// `node` names this process in what it writes (`muster/NAME`). The world's clock must agree with the log's own to
    /// 2 s, or nothing is decided: a log in memory is given the same clock.
    pub async fn open(
        log: Arc<dyn Log>,
        world: World,
        node: String,
        restored: Option<(Fold, Position)>,
    ) -> Result<Ledger, ReadError> {
        Ledger::open_with(log, world, node, restored, Timing::default()).await
    }

    /// [`open`](Self::open) with other times.
    pub async fn open_with(
        log: Arc<dyn Log>,
        world: World,
        node: String,
        restored: Option<(Fold, Position)>,
        timing: Timing,
    ) -> Result<Ledger, ReadError> {
        let deadline = timing.deadline;
        let follower = Follower::start(log, restored, Some(Writer::new(world, node)), timing).await?;
        Ok(Ledger { follower, deadline })
    }

    /// Decides on the head of the ledger and commits the outcome.
    ///
    /// A command id that was committed in the last 24 hours gives the outcome it had. A lost race is decided again until
    /// the deadline. Neither a refusal nor "nothing to do" is believed from a fold that has not read to the log's end
    /// since this call began.
    pub async fn execute(&self, command: Command, by: By) -> Result<Executed, CommandError> {
        let deadline = Instant::now() + self.deadline;
        let (reply, answer) = oneshot::channel();
        let request = Request::Execute(Box::new(Waiting::new(command, by, deadline, reply)));
        match timeout_at(deadline, self.follower.requests.send(request)).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return Err(CommandError::Log("the ledger is closed".to_owned())),
            Err(_) => return Err(CommandError::Contended),
        }
        match timeout_at(deadline + GRACE, answer).await {
            Ok(Ok(answer)) => answer,
            // The task is gone, or an append takes for ever: only reading tells what became of it.
            Ok(Err(_)) | Err(_) => Err(CommandError::Unknown),
        }
    }

    /// The reading half, for those who may not write.
    pub fn follower(&self) -> &Follower {
        &self.follower
    }

    /// See [`Follower::fold`].
    pub fn fold(&self) -> Arc<Fold> {
        self.follower.fold()
    }

    /// See [`Follower::seen`].
    pub fn seen(&self) -> Arc<Seen> {
        self.follower.seen()
    }

    /// See [`Follower::read_to_end`].
    pub async fn read_to_end(&self) -> Result<Arc<Fold>, ReadError> {
        self.follower.read_to_end().await
    }

    /// See [`Follower::watch`].
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.follower.watch()
    }

    /// See [`Follower::position`].
    pub fn position(&self) -> Position {
        self.follower.position()
    }

    /// Ends the task when its turn is over. Who still waits is told that nothing was recorded, or that it is not known.
    pub async fn close(&self) {
        let (reply, closed) = oneshot::channel();
        if self.follower.requests.send(Request::Close(reply)).await.is_ok() {
            // An error means that the task is gone already, which is what was asked for.
            let _ = closed.await;
        }
    }
}
