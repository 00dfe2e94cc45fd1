//! Which rows of a view are served, and which are being built beside them.

use std::sync::Arc;

use futures::future::try_join_all;
use infra_log::{Partition, ReadError};
use infra_stores::{Checkpoint, Place, Statement, StoreError, Views, Write};

use super::{Shared, StartError};
use crate::projection::Projection;
use crate::sweep::{self, Old};

/// What the store says of a view.
struct Stored {
    shape: i64,
    serving: i64,
    newest: i64,
}

/// Sees to it that every view has a version that is served, with checkpoints for all partitions, and no other.
/// Returns the views whose rows have an old shape.
pub(super) async fn open(shared: &Arc<Shared>) -> Result<Vec<Arc<dyn Projection>>, StartError> {
    let mut outdated = vec![];
    for projection in &shared.projections {
        let view = projection.name();
        let serving = if projection.kept() {
            0
        } else {
            match stored(&shared.views, view).await? {
                None => {
                    let mut write = shared.views.write().await?;
                    save(view, &Stored { shape: projection.shape(), serving: 1, newest: 1 }, &mut write).await?;
                    write.commit().await?;
                    1
                }
                Some(stored) => {
                    sweep::versions(&shared.views, projection.as_ref(), Old::AllBut(stored.serving)).await?;
                    if stored.shape != projection.shape() {
                        outdated.push(projection.clone());
                    }
                    stored.serving
                }
            }
        };
        checkpoints(shared, projection, serving).await?;
        for partition in projection.topic().every() {
            shared.progress.begin(view, serving, partition, 0);
        }
        shared.progress.serve(view, serving);
    }
    Ok(outdated)
}

/// Makes the next version of a view; it is served by nobody yet.
pub(super) async fn add(
    shared: &Shared,
    projection: &Arc<dyn Projection>,
) -> Result<(i64, Vec<Checkpoint>), StartError> {
    let view = projection.name();
    let mut write = shared.views.write().await?;
    let mut held =
        read(write.fetch(select(view)).await?)?.ok_or_else(|| StoreError::Failed(format!("{view} has no version")))?;
    held.newest += 1;
    save(view, &held, &mut write).await?;
    write.commit().await?;
    let checkpoints = checkpoints(shared, projection, held.newest).await?;
    Ok((held.newest, checkpoints))
}

/// Lets a version take the place of the one that is served, unless it is behind it. Returns whether it did.
pub(super) async fn swap(shared: &Shared, projection: &Arc<dyn Projection>, version: i64) -> Result<bool, StoreError> {
    let view = projection.name();
    let mut write = shared.views.write().await?;
    let Some(mut held) = read(write.fetch(select(view)).await?)? else { return Ok(false) };
    let behind = Statement::new(
        "SELECT old.part FROM checkpoint old JOIN checkpoint new ON new.view = old.view AND new.topic = old.topic \
         AND new.part = old.part WHERE old.view = ? AND old.version = ? AND new.version = ? AND new.position < old.position",
    );
    // One that has stopped stands where this log perhaps never comes.
    let goes_on = shared.progress.halt_of(view, held.serving).is_none();
    if goes_on && !write.fetch(behind.bind(view).bind(held.serving).bind(version)).await?.is_empty() {
        return Ok(false);
    }
    // Without its checkpoint, whoever still folds the old version writes nothing more.
    let drop_old = Statement::new("DELETE FROM checkpoint WHERE view = ? AND version <> ?");
    write.execute(drop_old.bind(view).bind(version)).await?;
    (held.serving, held.shape) = (version, projection.shape());
    save(view, &held, &mut write).await?;
    write.commit().await?;
    shared.progress.serve(view, version);
    Ok(true)
}

/// The checkpoints of a version; partitions that have none get one at the log's start.
async fn checkpoints(
    shared: &Shared,
    projection: &Arc<dyn Projection>,
    version: i64,
) -> Result<Vec<Checkpoint>, StartError> {
    let topic = projection.topic();
    let place = |part: u32| Place { view: projection.name().to_owned(), version, topic: topic.name().to_owned(), part };
    let mut all: Vec<Checkpoint> = shared.views.checkpoints().await?;
    all.retain(|one| one.place.view == projection.name() && one.place.version == version);
    let missing: Vec<Partition> =
        topic.every().filter(|one| all.iter().all(|held| held.place.part != one.index)).collect();
    if missing.is_empty() {
        return Ok(all);
    }
    let starts = try_join_all(missing.iter().map(|partition| shared.log.start(*partition))).await.map_err(failed)?;
    let mut write = shared.views.write().await?;
    for (partition, position) in missing.into_iter().zip(starts) {
        let place = place(partition.index);
        let begun = Checkpoint { place, position, record: String::new(), note: String::new(), turn: 0 };
        write.begin(&begun).await?;
        all.push(begun);
    }
    write.commit().await?;
    Ok(all)
}

fn failed(error: ReadError) -> StartError {
    StartError::Log(error)
}

async fn stored(views: &Views, view: &str) -> Result<Option<Stored>, StoreError> {
    read(views.fetch(select(view)).await?)
}

fn select(view: &str) -> Statement {
    Statement::new("SELECT shape, serving, newest FROM view_version WHERE name = ?").bind(view)
}

fn read(rows: Vec<infra_stores::Row>) -> Result<Option<Stored>, StoreError> {
    let read =
        |mut row: infra_stores::Row| Ok(Stored { shape: row.take()?, serving: row.take()?, newest: row.take()? });
    rows.into_iter().next().map(read).transpose()
}

async fn save(view: &str, stored: &Stored, write: &mut Write) -> Result<(), StoreError> {
    let key = vec![view.into()];
    write.put(
        &crate::tables::VIEW_VERSION,
        key,
        vec![stored.shape.into(), stored.serving.into(), stored.newest.into()],
    );
    Ok(())
}
