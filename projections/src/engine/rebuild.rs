//! Builds a view anew beside the running one, and lets its rows take the old ones' place when they have caught up.

use std::sync::Arc;

use futures::future::try_join_all;
use infra_log::{Partition, Position};
use infra_stores::{Checkpoint, StoreError};
use tokio::sync::{mpsc, oneshot};

use super::{RETRY, Shared, StartError, Then, versions};
use crate::projection::Projection;
use crate::sweep::{self, Old};

/// Why a view cannot be built anew.
#[derive(Debug, thiserror::Error)]
pub enum RebuildError {
    #[error("there is no view {name:?}; there are: {known}")]
    Unknown { name: String, known: String },
    #[error("{0} holds what the log no longer has, so it cannot be built anew")]
    Kept(String),
    #[error("{view} cannot be built anew: the log of {partition} begins at {start}, what was before is gone")]
    Incomplete { view: String, partition: String, start: Position },
    #[error("{0} is being built anew already")]
    Running(String),
    #[error("the new rows of {view} have stopped: {reason}")]
    Halted { view: String, reason: String },
    #[error("the engine of the views has stopped")]
    Stopped,
    #[error(transparent)]
    Start(#[from] StartError),
}

/// A way to ask the running engine. Cheap to clone.
#[derive(Clone)]
pub struct Rebuilds(mpsc::Sender<Request>);

pub(super) struct Request {
    view: String,
    reply: oneshot::Sender<Result<(), RebuildError>>,
}

/// A version that is being built.
pub(super) struct Begun {
    projection: Arc<dyn Projection>,
    version: i64,
    pub checkpoints: Vec<Checkpoint>,
    reply: oneshot::Sender<Result<(), RebuildError>>,
}

impl Rebuilds {
    pub(super) fn channel() -> (Rebuilds, mpsc::Receiver<Request>) {
        let (sender, receiver) = mpsc::channel(16);
        (Rebuilds(sender), receiver)
    }

    /// Folds a view again from the log's start, under a new version; returns when the new rows are served.
    pub async fn rebuild(&self, view: &str) -> Result<(), RebuildError> {
        let (reply, answer) = oneshot::channel();
        let request = Request { view: view.to_owned(), reply };
        self.0.send(request).await.map_err(|_| RebuildError::Stopped)?;
        answer.await.map_err(|_| RebuildError::Stopped)?
    }

    /// The same, without waiting for it.
    pub(super) fn begin(&self, view: &'static str) {
        let rebuilds = self.clone();
        tokio::spawn(async move {
            match rebuilds.rebuild(view).await {
                Ok(()) => tracing::info!(view, "built anew"),
                Err(error) => tracing::error!(view, "{error}"),
            }
        });
    }
}

/// Begins the new version; answers at once when there can be none.
pub(super) async fn start(shared: &Arc<Shared>, request: Request) -> Option<Begun> {
    let Request { view, reply } = request;
    match begin(shared, &view).await {
        Ok((projection, version, checkpoints)) => Some(Begun { projection, version, checkpoints, reply }),
        Err(error) => {
            let _ = reply.send(Err(error)); // whoever asked may be gone
            None
        }
    }
}

type New = (Arc<dyn Projection>, i64, Vec<Checkpoint>);

async fn begin(shared: &Arc<Shared>, view: &str) -> Result<New, RebuildError> {
    let Some(projection) = shared.projection(view) else {
        let names: Vec<&str> = shared.projections.iter().filter(|one| !one.kept()).map(|one| one.name()).collect();
        return Err(RebuildError::Unknown { name: view.to_owned(), known: names.join(", ") });
    };
    if projection.kept() {
        return Err(RebuildError::Kept(view.to_owned()));
    }
    if shared.progress.is_building(projection.name()) {
        return Err(RebuildError::Running(view.to_owned()));
    }
    for partition in projection.topic().every() {
        let start = shared.log.start(partition).await.map_err(StartError::from)?;
        // What retention removed is only in the rows there are; the first record of a log is at 0 or 1.
        if start > 1 && shared.log.end(partition).await.map_err(StartError::from)? > start {
            let (view, partition) = (view.to_owned(), partition.to_string());
            return Err(RebuildError::Incomplete { view, partition, start });
        }
    }
    let (version, checkpoints) = versions::add(shared, projection).await?;
    for partition in projection.topic().every() {
        shared.progress.begin(projection.name(), version, partition, 0);
    }
    Ok((projection.clone(), version, checkpoints))
}

/// Waits until the new version has caught up, swaps, and drops the old rows.
pub(super) async fn finish(shared: Arc<Shared>, begun: Begun) -> Then {
    let Begun { projection, version, reply, .. } = begun;
    let swapped = tokio::select! {
        () = shared.stop.cancelled() => Err(RebuildError::Stopped),
        swapped = catch_up_and_swap(&shared, &projection, version) => swapped,
    };
    let is_done = swapped.is_ok();
    let _ = reply.send(swapped); // whoever asked may be gone
    if is_done && let Err(error) = sweep::versions(&shared.views, projection.as_ref(), Old::Before(version)).await {
        tracing::warn!(view = projection.name(), "rows of the old version stay until the next start: {error}");
    }
    Then::Nothing
}

async fn catch_up_and_swap(
    shared: &Shared,
    projection: &Arc<dyn Projection>,
    version: i64,
) -> Result<(), RebuildError> {
    let view = projection.name();
    let partitions: Vec<Partition> = projection.topic().every().collect();
    let ends = try_join_all(partitions.iter().map(|partition| shared.log.end(*partition))).await;
    let ends = ends.map_err(StartError::from)?;
    let mut ends: Vec<(Partition, Position)> = partitions.into_iter().zip(ends).collect();
    loop {
        let reached = shared.progress.version_reaches(view, version, &ends).await;
        reached.map_err(|reason| RebuildError::Halted { view: view.to_owned(), reason })?;
        match versions::swap(shared, projection, version).await {
            Ok(true) => return Ok(()),
            Ok(false) => {
                ends = shared.progress.reached(view).into_iter().map(|(at, reached)| (at, reached.position)).collect()
            }
            Err(error @ StoreError::Damaged(_)) => return Err(StartError::from(error).into()),
            Err(error) => tracing::warn!(view, "the new rows cannot be served yet, trying again: {error}"),
        }
        tokio::time::sleep(RETRY).await;
    }
}
