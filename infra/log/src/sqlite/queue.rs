//! What waits for a writer thread.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender, SyncSender};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use domain::Timestamp;
use tokio::sync::oneshot;

use super::expire::Expired;
use super::shelf::Shelf;
use crate::{AppendError, Draft, Partition, Position};

/// Bytes that may wait for one writer; more are refused, so that a slow disk cannot eat the memory.
const WAITING: usize = 64 * 1024 * 1024;

pub(super) enum Job {
    Append(Append),
    /// Remove what retention allows; told are the work done, and whether there is more.
    Expire {
        now: Timestamp,
        reply: oneshot::Sender<Result<(Expired, bool), String>>,
    },
    /// To the ledger's writer only: note that another shelf's positions below `upto` may be in use.
    Reserve {
        name: &'static str,
        newest: String,
        upto: Position,
        reply: SyncSender<Result<(), String>>,
    },
}

/// One caller's records.
pub(super) struct Append {
    pub(super) partition: Partition,
    pub(super) drafts: Vec<Draft>,
    pub(super) reply: oneshot::Sender<Result<Vec<Position>, AppendError>>,
    _weight: Weight,
}

/// Bytes that wait, until this is dropped.
struct Weight {
    waiting: Arc<AtomicUsize>,
    bytes: usize,
}

impl Drop for Weight {
    fn drop(&mut self) {
        self.waiting.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// The way to one writer thread.
pub(super) struct Queue {
    shelf: Arc<Shelf>,
    waiting: Arc<AtomicUsize>,
    jobs: Mutex<Option<Sender<Job>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Queue {
    /// A queue, and the end that its writer takes jobs from.
    pub(super) fn new(shelf: Arc<Shelf>) -> (Self, Receiver<Job>) {
        let (sender, receiver) = mpsc::channel();
        let queue = Queue { shelf, waiting: Arc::default(), jobs: Mutex::new(Some(sender)), thread: Mutex::default() };
        (queue, receiver)
    }

    pub(super) fn shelf(&self) -> &Arc<Shelf> {
        &self.shelf
    }

    pub(super) fn sender(&self) -> Option<Sender<Job>> {
        self.jobs.lock().expect("nothing panics while it holds the sender").clone()
    }

    pub(super) fn served_by(&self, thread: JoinHandle<()>) {
        self.thread.lock().expect("nothing panics while it holds the thread").replace(thread);
    }

    pub(super) async fn append(&self, partition: Partition, drafts: Vec<Draft>) -> Result<Vec<Position>, AppendError> {
        let bytes = drafts.iter().map(Draft::size).sum();
        let before = self.waiting.fetch_add(bytes, Ordering::Relaxed);
        let weight = Weight { waiting: self.waiting.clone(), bytes };
        if before > 0 && before + bytes > WAITING {
            return Err(AppendError::Failed(format!("{before} bytes wait for the disk already")));
        }
        let (reply, told) = oneshot::channel();
        let append = Append { partition, drafts, reply, _weight: weight };
        self.send(Job::Append(append)).map_err(AppendError::Failed)?;
        told.await.unwrap_or_else(|_| Err(AppendError::Unknown("the writer stopped".into())))
    }

    pub(super) async fn expire(&self, now: Timestamp) -> Result<(Expired, bool), String> {
        let (reply, told) = oneshot::channel();
        self.send(Job::Expire { now, reply })?;
        told.await.unwrap_or_else(|_| Err("the writer stopped".into()))
    }

    /// Lets the writer finish what waits, and waits for it.
    pub(super) fn stop(&self) {
        self.jobs.lock().expect("nothing panics while it holds the sender").take();
        let thread = self.thread.lock().expect("nothing panics while it holds the thread").take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the writer of {} had panicked", self.shelf.name());
        }
    }

    fn send(&self, job: Job) -> Result<(), String> {
        let sender = self.sender().ok_or("the log is closed")?;
        sender.send(job).map_err(|_| "the writer has stopped".into())
    }
}
