//! Drops rows that nobody can see any more: of versions that are not served, and results that no query stands behind.

use domain::query::{Logging, Query};
use domain::{QueryId, Timestamp};
use infra_stores::{Statement, StoreError, Views};

use crate::projection::{FoldError, Projection, view};
use crate::tables::SUBJECT;

/// Ordinals or positions in one transaction, so that other writers get their turns in between.
const STRIDE: i64 = 2000;

/// Drops all rows of a view but those of one version, and the checkpoints of the others.
pub(crate) async fn versions(views: &Views, projection: &dyn Projection, serving: i64) -> Result<(), StoreError> {
    for table in projection.tables() {
        if *table == SUBJECT {
            let mut write = views.write().await?;
            let old = Statement::new("DELETE FROM subject WHERE kind = ? AND version <> ?");
            write.execute(old.bind(projection.name()).bind(serving)).await?;
            write.commit().await?;
            continue;
        }
        for version in other_versions(views, table.name, serving).await? {
            while drop_some(views, table.name, table.key[1], version).await? {}
        }
    }
    let mut write = views.write().await?;
    let old = Statement::new("DELETE FROM checkpoint WHERE view = ? AND version <> ?");
    write.execute(old.bind(projection.name()).bind(serving)).await?;
    write.commit().await
}

async fn other_versions(views: &Views, table: &'static str, serving: i64) -> Result<Vec<i64>, StoreError> {
    // Each version is found by a jump in the primary key, not by a walk over all rows.
    let mut found = vec![];
    let mut after = i64::MIN;
    loop {
        let next = Statement::new("SELECT MIN(version) FROM ").push(table).push(" WHERE version > ?").bind(after);
        let Some(mut row) = views.first(next).await? else { return Ok(found) };
        let Some(version) = row.take::<Option<i64>>()? else { return Ok(found) };
        if version != serving {
            found.push(version);
        }
        after = version;
    }
}

/// Drops the rows of a stretch of a version; false when there were none.
async fn drop_some(views: &Views, table: &'static str, column: &'static str, version: i64) -> Result<bool, StoreError> {
    let mut write = views.write().await?;
    let first = Statement::new("SELECT MIN(").push(column).push(") FROM ").push(table).push(" WHERE version = ?");
    let first = write.fetch(first.bind(version)).await?.into_iter().next();
    let Some(first) = first.map(|mut row| row.take::<Option<i64>>()).transpose()?.flatten() else { return Ok(false) };
    let delete = Statement::new("DELETE FROM ").push(table).push(" WHERE version = ? AND ").push(column).push(" < ?");
    write.execute(delete.bind(version).bind(first.saturating_add(STRIDE))).await?;
    write.commit().await?;
    Ok(true)
}

/// Drops results that no query stands behind any more: it is gone, says something else since, or keeps no results.
pub async fn results(views: &Views) -> Result<(), FoldError> {
    let queries = crate::read::subjects::<Query>(views, view::QUERIES, crate::read::NOW).await?;
    let since = |id: QueryId| {
        let query = queries.iter().find(|query| query.id == id)?;
        (query.spec.logging == Logging::Snapshot && !query.spec.discard_data).then_some(query.results_since)
    };
    let newest = crate::read::newest_subject(views, view::QUERIES).await?.map_or(QueryId(0), QueryId);
    for mut row in views.fetch(Statement::new("SELECT DISTINCT query FROM latest_result")).await? {
        let query = QueryId(row.take()?);
        if query > newest {
            continue; // its creation is not folded yet
        }
        let mut write = views.write().await?;
        let delete = Statement::new("DELETE FROM latest_result WHERE query = ? AND recorded < ?");
        write.execute(delete.bind(query.0).bind(since(query).unwrap_or(Timestamp::FOREVER))).await?;
        write.commit().await?;
    }
    Ok(())
}
