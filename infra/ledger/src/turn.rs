//! The one turn of a process: follows the ledger, and decides what waits.
//!
//! Everything happens in one task, so the fold stands still from a decision to its outcome, one record is in flight, and
//! one question for the end serves all who asked before it.

mod batch;
mod clock;
mod request;
mod round;

use std::time::Duration;

use domain::ledger::Fold;
use infra_log::ReadError;
use infra_world::World;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::Timing;
use crate::tail::Tail;
use clock::ClockGuard;
use request::Queue;
use round::Record;

pub(crate) use request::{Request, Waiting};

/// How many requests may wait to be taken by the task, and how many commands for its answer.
const INBOX: usize = 4_096;

/// Who decides; a follower has none.
pub(crate) struct Writer {
    world: World,
    /// `muster/NAME`, as written to the ledger.
    source: String,
    clock: ClockGuard,
}

impl Writer {
    pub(crate) fn new(world: World, node: String) -> Writer {
        Writer { world, clock: ClockGuard::new(node.clone()), source: format!("muster/{node}") }
    }
}

/// The task; ends when this is dropped.
pub(crate) struct Running(JoinHandle<()>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.abort();
    }
}

pub(crate) fn spawn(tail: Tail, writer: Option<Writer>, timing: Timing) -> (mpsc::Sender<Request>, Running) {
    let (requests, inbox) = mpsc::channel(INBOX);
    let turn = Turn {
        tail,
        inbox,
        timing,
        queue: Queue::default(),
        ends: vec![],
        closing: None,
        doubt: None,
        lost_in_a_row: 0,
        failure: None,
        failures: 0,
        lost_sight: false,
    };
    let task = tokio::spawn(turn.run(writer));
    (requests, Running(task))
}

struct Turn {
    tail: Tail,
    inbox: mpsc::Receiver<Request>,
    timing: Timing,
    /// Commands without an answer.
    queue: Queue,
    /// Who wants to know of an end.
    ends: Vec<oneshot::Sender<Result<std::sync::Arc<Fold>, ReadError>>>,
    closing: Option<oneshot::Sender<()>>,
    /// A record of which nobody knows whether it will land.
    doubt: Option<Record>,
    lost_in_a_row: u32,
    /// Why the log last failed, and how often in a row.
    failure: Option<String>,
    failures: u32,
    /// The log could not be read when it was last looked at, which was told.
    lost_sight: bool,
}

impl Turn {
    async fn run(mut self, mut writer: Option<Writer>) {
        loop {
            // While as many wait here, the rest waits in the inbox and then at the callers.
            while self.queue.len() < INBOX
                && let Ok(request) = self.inbox.try_recv()
            {
                self.take(request);
            }
            if let Some(closing) = self.closing.take() {
                self.queue.fail("the ledger is closed");
                // Whoever asked may be gone.
                let _ = closing.send(());
                return;
            }
            if !self.ends.is_empty() {
                self.answer_ends().await;
            }
            match &mut writer {
                Some(writer) if !self.queue.is_empty() => self.round(writer).await,
                _ => {
                    if self.idle().await.is_err() {
                        return;
                    }
                }
            }
        }
    }

    fn take(&mut self, request: Request) {
        match request {
            Request::Execute(waiting) => self.queue.push(*waiting),
            Request::End(reply) => self.ends.push(reply),
            Request::Close(reply) => self.closing = Some(reply),
        }
    }

    /// Follows the log until somebody asks for something. An error means that nobody can any more.
    async fn idle(&mut self) -> Result<(), ()> {
        let Turn { tail, inbox, timing, .. } = self;
        if let Some(request) = until(inbox, news(tail, timing.patience)).await? {
            self.take(request);
            return Ok(());
        }
        let followed = self.tail.follow().await;
        if followed.is_ok() && std::mem::take(&mut self.lost_sight) {
            tracing::info!("the ledger is followed again");
        }
        let pause = match followed {
            Ok(true) => return Ok(()),
            // A log may wake its readers for nothing, but not keep them running.
            Ok(false) => self.timing.patience / 128,
            Err(error) => {
                if !std::mem::replace(&mut self.lost_sight, true) {
                    tracing::warn!("the ledger cannot be followed, and is tried again: {error}");
                }
                self.timing.patience / 8
            }
        };
        if let Some(request) = until(&mut self.inbox, tokio::time::sleep(pause)).await? {
            self.take(request);
        }
        Ok(())
    }

    async fn answer_ends(&mut self) {
        let outcome = self.look().await;
        for reply in self.ends.drain(..) {
            let answer = match &outcome {
                Ok(()) => Ok(self.tail.shared()),
                Err(reason) => Err(ReadError::Failed(reason.clone())),
            };
            // Whoever asked may be gone.
            let _ = reply.send(answer);
        }
    }

    /// Reads to the end on behalf of everything taken so far.
    async fn look(&mut self) -> Result<(), String> {
        self.tail.read_to_end().await.map_err(|error| match error {
            ReadError::Failed(reason) => reason,
            gone => gone.to_string(),
        })?;
        self.queue.at_end();
        Ok(())
    }

    /// A pause that grows with every lost race, so that writers do not meet again and again.
    async fn step_back(&mut self) {
        let most = self.timing.jitter * (1 << self.lost_in_a_row.min(4));
        self.lost_in_a_row += 1;
        let share: f64 = rand::random();
        let pause = most.mul_f64(share);
        match pause {
            Duration::ZERO => tokio::task::yield_now().await,
            pause => tokio::time::sleep(pause).await,
        }
    }
}

/// The next request, or none if `event` comes first. An error means that there will be none.
async fn until(inbox: &mut mpsc::Receiver<Request>, event: impl Future<Output = ()>) -> Result<Option<Request>, ()> {
    tokio::select! {
        biased;
        request = inbox.recv() => request.map(Some).ok_or(()),
        () = event => Ok(None),
    }
}

async fn news(tail: &Tail, patience: Duration) {
    match tail.fold().halted {
        None => tail.changed(patience).await,
        Some(_) => std::future::pending().await,
    }
}
