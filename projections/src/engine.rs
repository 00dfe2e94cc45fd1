//! Feeds the views: a cursor follows each partition, and writes what its records say, with its checkpoint, in one
//! transaction.
//!
//! Views that stand at the same place of a partition share a cursor, so the log is read once for all of them. On SQLite
//! the store lets one transaction in at a time, so all views write in turn. A view that is built anew has cursors of its
//! own until its rows take the place of the old ones.

mod cursor;
mod feed;
mod rebuild;
mod versions;

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use infra_live::Streams;
use infra_log::{Log, Partition, ReadError};
use infra_stores::{Checkpoint, StoreError, Views};
use infra_world::World;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::activities::Activities;
use crate::answers::Answers;
use crate::facts::Facts;
use crate::ledger::{Campaigns, Hosts, Labels, Queries, Teams, Users};
use crate::progress::Progress;
use crate::projection::Projection;
use crate::results::Results;
use crate::seen::Seen;
use crate::sweep;

use cursor::{Cursor, Held};
pub use rebuild::{RebuildError, Rebuilds};

/// How often rows that nobody can see any more are looked for.
const SWEEP: Duration = Duration::from_secs(600);
/// How long records gather before the next batch of a partition, where nobody waits for them.
const GATHERING: Duration = Duration::from_millis(50);
/// How long to wait after a panic, which is likely to come again.
const AFTER_PANIC: Duration = Duration::from_secs(2);
/// How long to wait before what failed is tried again.
const RETRY: Duration = Duration::from_millis(200);

/// Why views cannot be fed.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Log(#[from] ReadError),
}

/// What all cursors share.
pub(crate) struct Shared {
    pub log: Arc<dyn Log>,
    pub views: Views,
    pub world: World,
    pub progress: Progress,
    pub projections: Vec<Arc<dyn Projection>>,
    pub gathering: Duration,
    pub stop: CancellationToken,
}

impl Shared {
    pub fn projection(&self, name: &str) -> Option<&Arc<dyn Projection>> {
        self.projections.iter().find(|projection| projection.name() == name)
    }
}

/// The engine of all views.
pub struct Engine {
    shared: Arc<Shared>,
    rebuilds: Rebuilds,
    requests: mpsc::Receiver<rebuild::Request>,
    /// Versions whose rows are to be built, from what the store said at the start.
    outdated: Vec<Arc<dyn Projection>>,
}

impl Engine {
    /// Prepares the checkpoints of all views, and drops what an interrupted rebuild left behind.
    pub async fn open(
        log: Arc<dyn Log>,
        views: Views,
        streams: Arc<dyn Streams>,
        world: World,
    ) -> Result<Engine, StartError> {
        Engine::open_gathering(log, views, streams, world, GATHERING).await
    }

    /// The same, with another time in which records of one partition gather before the next batch.
    pub async fn open_gathering(
        log: Arc<dyn Log>,
        views: Views,
        streams: Arc<dyn Streams>,
        world: World,
        gathering: Duration,
    ) -> Result<Engine, StartError> {
        let projections: Vec<Arc<dyn Projection>> = vec![
            Arc::new(Hosts),
            Arc::new(Teams),
            Arc::new(Labels),
            Arc::new(Queries),
            Arc::new(Users),
            Arc::new(Campaigns),
            Arc::new(Facts),
            Arc::new(Seen),
            Arc::new(Activities),
            Arc::new(Answers { streams }),
            Arc::new(Results),
        ];
        let progress = Progress::new(log.clone(), world.clone());
        let stop = CancellationToken::new();
        let shared = Arc::new(Shared { log, views, world, progress, projections, gathering, stop });
        let outdated = versions::open(&shared).await?;
        let (rebuilds, requests) = Rebuilds::channel();
        Ok(Engine { shared, rebuilds, requests, outdated })
    }

    /// How far the views have come.
    pub fn progress(&self) -> Progress {
        self.shared.progress.clone()
    }

    /// For building views anew while the engine runs.
    pub fn rebuilds(&self) -> Rebuilds {
        self.rebuilds.clone()
    }

    /// Feeds the views until `stop` is cancelled; then every transaction has ended.
    pub async fn run(self, stop: CancellationToken) -> Result<(), StartError> {
        let Engine { shared, rebuilds, mut requests, outdated } = self;
        let mut tasks: JoinSet<Then> = JoinSet::new();
        let own = shared.stop.clone();
        let _cancel_on_drop = own.clone().drop_guard();
        for group in groups(shared.views.checkpoints().await?) {
            start(&shared, &mut tasks, group);
        }
        for projection in outdated {
            tracing::info!(view = projection.name(), "its rows have an old shape and are built anew");
            rebuilds.begin(projection.name());
        }
        drop(rebuilds);
        tasks.spawn(sweep_now_and_then(shared.clone()));
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                Some(request) = requests.recv() => {
                    if let Some(begun) = rebuild::start(&shared, request).await {
                        for group in groups(begun.checkpoints.clone()) {
                            start(&shared, &mut tasks, group);
                        }
                        tasks.spawn(rebuild::finish(shared.clone(), begun));
                    }
                }
                Some(ended) = tasks.join_next() => match ended {
                    Ok(Then::Nothing) => {}
                    Ok(Then::Regroup(held)) => regroup(&shared, &mut tasks, held).await,
                    Err(panic) => tracing::error!("a view's cursor has panicked, its partition stands still: {panic}"),
                },
            }
        }
        own.cancel();
        while tasks.join_next().await.is_some() {}
        Ok(())
    }
}

/// What becomes of a task's work when it ends.
pub(crate) enum Then {
    Nothing,
    /// These checkpoints stand elsewhere in the store than the cursor believed.
    Regroup(Vec<Checkpoint>),
}

/// Checkpoints that stand at the same place of the same partition, so that one cursor serves them.
fn groups(checkpoints: impl IntoIterator<Item = Checkpoint>) -> impl Iterator<Item = Vec<Checkpoint>> {
    let mut groups: BTreeMap<_, Vec<Checkpoint>> = BTreeMap::new();
    for one in checkpoints {
        let standing = (one.place.topic.clone(), one.place.part, one.position, one.record.clone(), one.note.clone());
        groups.entry(standing).or_default().push(one);
    }
    groups.into_values()
}

/// Starts a cursor for checkpoints that stand at one place. Those of views that this release does not know stay.
fn start(shared: &Arc<Shared>, tasks: &mut JoinSet<Then>, checkpoints: Vec<Checkpoint>) {
    let serves = |checkpoint: Checkpoint| {
        let projection = shared.projection(&checkpoint.place.view)?.clone();
        (projection.topic().name() == checkpoint.place.topic).then_some(Held { projection, checkpoint })
    };
    let held: Vec<Held> = checkpoints.into_iter().filter_map(serves).collect();
    let Some(first) = held.first() else { return };
    let partition = Partition { topic: first.projection.topic(), index: first.checkpoint.place.part };
    tasks.spawn(follow(shared.clone(), partition, held));
}

/// Runs a cursor. One that panics begins again at its checkpoint: its transaction is undone, and the others go on.
async fn follow(shared: Arc<Shared>, partition: Partition, held: Vec<Held>) -> Then {
    let checkpoints = held.iter().map(|one| one.checkpoint.clone()).collect();
    let cursor = Cursor::new(shared.clone(), partition, held).run();
    match AssertUnwindSafe(cursor).catch_unwind().await {
        Ok(then) => then,
        Err(_) => {
            tracing::error!(%partition, "the views have panicked on this partition, they go on from their checkpoint");
            tokio::select! {
                () = shared.stop.cancelled() => {}
                () = tokio::time::sleep(AFTER_PANIC) => {}
            }
            Then::Regroup(checkpoints)
        }
    }
}

/// Goes on with what is left of a cursor, from where the store says that each of its checkpoints stands.
async fn regroup(shared: &Arc<Shared>, tasks: &mut JoinSet<Then>, held: Vec<Checkpoint>) {
    loop {
        match shared.views.checkpoints().await {
            Ok(all) => {
                let ours = all.into_iter().filter(|one| held.iter().any(|known| known.place == one.place));
                for group in groups(ours) {
                    start(shared, tasks, group);
                }
                return;
            }
            Err(error) => tracing::warn!("checkpoints cannot be read, trying again: {error}"),
        }
        tokio::select! {
            () = shared.stop.cancelled() => return,
            () = tokio::time::sleep(RETRY) => {}
        }
    }
}

async fn sweep_now_and_then(shared: Arc<Shared>) -> Then {
    loop {
        tokio::select! {
            () = shared.stop.cancelled() => return Then::Nothing,
            () = tokio::time::sleep(SWEEP) => {}
        }
        if let Err(error) = sweep::results(&shared.views).await {
            tracing::warn!("old results cannot be swept: {error}");
        }
        if let Err(error) = sweep::answers(&shared.views, shared.world.now()).await {
            tracing::warn!("old answers cannot be swept: {error}");
        }
    }
}
