//! Whether this node's clock may stamp a commit.
//!
//! A commit's time is never before that of the one it extends, so one node with a wrong clock could pin every later
//! commit to next year. The log keeps time too: a node compares the two on its own last record, and before the first
//! commit after a while on a record made for that (a signal that everybody else passes over).

use std::time::Duration;

use domain::Timestamp;
use domain::ledger::Fold;
use domain::records::Signal;
use infra_log::{Draft, Log, Partition, Position, Topic};
use infra_world::World;
use tokio::time::Instant;

use crate::tail::LEDGER;

/// How far the node's clock may be off the log's.
const TOLERANCE: Duration = Duration::from_secs(2);
/// How far ahead the newest commit's time may lie.
const AHEAD: Duration = Duration::from_secs(10);
/// Own records are looked at no more often than this.
const STEP: Duration = Duration::from_secs(1);
/// A comparison older than this says nothing of a clock that may have been set since.
const STALE: Duration = Duration::from_secs(10);
/// A clock that was wrong is looked at again after this.
const AGAIN: Duration = Duration::from_secs(5);

const SIGNALS: Partition = Partition { topic: Topic::Signals, index: 0 };

pub(super) struct ClockGuard {
    node: String,
    /// The node's own time when the two were last compared.
    compared: Option<Timestamp>,
    wrong: Option<Wrong>,
}

struct Wrong {
    reason: String,
    since: Instant,
}

/// When a record was handed to the log and when the log had answered, by the node's clock.
#[derive(Clone, Copy)]
pub(super) struct Sent {
    pub(super) from: Timestamp,
    pub(super) until: Timestamp,
}

/// Why nothing may be decided now.
pub(super) enum Objection {
    /// A clock is wrong.
    Clock(String),
    /// The log does not tell its time.
    Log(String),
}

impl ClockGuard {
    pub(super) fn new(node: String) -> ClockGuard {
        ClockGuard { node, compared: None, wrong: None }
    }

    /// Refuses to go on from a commit that claims to be from the future.
    pub(super) fn check_head(fold: &Fold, now: Timestamp) -> Result<(), Objection> {
        let ahead = fold.recorded.since(now);
        if ahead > AHEAD {
            let seconds = ahead.as_secs();
            let source = &fold.source;
            return Err(Objection::Clock(format!(
                "the newest commit of the ledger was stamped {seconds} s in the future by {source}: set the clock of that node right (or of this one); commands are taken again when that time has come"
            )));
        }
        Ok(())
    }

    /// Compares the clocks if that was not done lately.
    pub(super) async fn check_own(&mut self, log: &dyn Log, world: &World) -> Result<(), Objection> {
        let fresh = self.compared.is_some_and(|at| distance(at, world.now()) <= STALE);
        match &self.wrong {
            None if fresh => return Ok(()),
            Some(wrong) if wrong.since.elapsed() < AGAIN => return Err(Objection::Clock(wrong.reason.clone())),
            _ => {}
        }
        let from = world.now();
        let signal = Signal::Clock { node: self.node.clone() }.encode();
        let draft = Draft { key: None, headers: signal.headers, value: signal.value.into() };
        let positions = log.append(SIGNALS, vec![draft]).await.map_err(|error| Objection::Log(error.to_string()))?;
        let sent = Sent { from, until: world.now() };
        self.compare(log, SIGNALS, positions[0], sent).await.map_err(Objection::Log)?;
        match &self.wrong {
            Some(wrong) => Err(Objection::Clock(wrong.reason.clone())),
            None => Ok(()),
        }
    }

    /// Looks at a commit that was appended just now. A log that cannot be read says nothing.
    pub(super) async fn look_at_own(&mut self, log: &dyn Log, position: Position, sent: Sent) {
        if self.compared.is_some_and(|at| distance(at, sent.until) < STEP) {
            return;
        }
        if let Err(reason) = self.compare(log, LEDGER, position, sent).await {
            tracing::debug!("the log does not tell its time: {reason}");
        }
    }

    async fn compare(
        &mut self,
        log: &dyn Log,
        partition: Partition,
        position: Position,
        sent: Sent,
    ) -> Result<(), String> {
        let records = log.read(partition, position, 1, 1).await.map_err(|error| error.to_string())?;
        let record = records.first().filter(|record| record.position == position);
        let appended = record.ok_or_else(|| format!("no record lies at {position} of {partition}"))?.appended;
        let ahead = sent.from.since(appended);
        let behind = appended.since(sent.until);
        self.wrong = match ahead.max(behind) > TOLERANCE {
            true => Some(self.wrong(ahead, behind)),
            false => None,
        };
        self.compared = Some(sent.until);
        Ok(())
    }

    fn wrong(&self, ahead: Duration, behind: Duration) -> Wrong {
        let (off, way) = if ahead > behind { (ahead, "ahead of") } else { (behind, "behind") };
        let (node, seconds) = (&self.node, off.as_secs_f64());
        let reason = format!("the clock of node {node} is {seconds:.1} s {way} the log's: set it right");
        tracing::error!("{reason}; nothing is decided until then");
        Wrong { reason, since: Instant::now() }
    }
}

fn distance(one: Timestamp, other: Timestamp) -> Duration {
    one.since(other).max(other.since(one))
}
