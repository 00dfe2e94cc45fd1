//! Drops rows that are not needed any more: of versions that are not served, results that no query stands behind, and
//! answers that were kept for long enough. A stretch of them in each transaction.

use std::time::Duration;

use domain::campaign::Campaign;
use domain::query::{Logging, Query};
use domain::{CampaignId, QueryId, Timestamp};
use infra_stores::{Statement, StoreError, Views};

use crate::projection::{FoldError, Projection, view};
use crate::tables::SUBJECT;

/// Ordinals or positions in one transaction, so that other writers get their turns in between.
const STRIDE: i64 = 2000;
/// The same for hosts whose answers go: these may be megabytes large.
const ANSWER_STRIDE: i64 = 100;

/// Which versions of a view go.
#[derive(Clone, Copy)]
pub(crate) enum Old {
    /// Those before this one, while a newer one may be in the making.
    Before(i64),
    /// All but this one.
    AllBut(i64),
}

impl Old {
    fn bind(self, statement: Statement) -> Statement {
        match self {
            Old::Before(version) => statement.push(" AND version < ?").bind(version),
            Old::AllBut(version) => statement.push(" AND version <> ?").bind(version),
        }
    }
}

/// Drops rows and checkpoints of versions that are not served.
pub(crate) async fn versions(views: &Views, projection: &dyn Projection, old: Old) -> Result<(), StoreError> {
    for table in projection.tables() {
        match *table == SUBJECT {
            true => subjects(views, projection.name(), old).await?,
            false => rows(views, table.name, table.key[0], STRIDE, |among| old.bind(among)).await?,
        }
    }
    let mut write = views.write().await?;
    write.execute(old.bind(Statement::new("DELETE FROM checkpoint WHERE view = ?").bind(projection.name()))).await?;
    write.commit().await
}

async fn subjects(views: &Views, kind: &'static str, old: Old) -> Result<(), StoreError> {
    let mut write = views.write().await?;
    write.execute(old.bind(Statement::new("DELETE FROM subject WHERE kind = ?").bind(kind))).await?;
    write.commit().await
}

/// Drops some rows of a table, `stride` of the values of a column at a time. `only` adds ` AND` a condition.
async fn rows(
    views: &Views,
    table: &'static str,
    column: &'static str,
    stride: i64,
    only: impl Fn(Statement) -> Statement,
) -> Result<(), StoreError> {
    let of = |what| Statement::new(what).push(column).push(") FROM ").push(table).push(" WHERE 1 = 1");
    let Some(last) = bound(views, only(of("SELECT MAX("))).await? else { return Ok(()) };
    let mut from = bound(views, only(of("SELECT MIN("))).await?.unwrap_or(0);
    while from <= last {
        let until = from.saturating_add(stride);
        let delete = Statement::new("DELETE FROM ").push(table).push(" WHERE ").push(column).push(" >= ? AND ");
        let delete = delete.push(column).push(" < ?").bind(from).bind(until);
        let mut write = views.write().await?;
        write.execute(only(delete)).await?;
        write.commit().await?;
        from = until;
    }
    Ok(())
}

async fn bound(views: &Views, select: Statement) -> Result<Option<i64>, StoreError> {
    Ok(views.first(select).await?.map(|mut row| row.take::<Option<i64>>()).transpose()?.flatten())
}

/// How long the answers of a campaign can be read after its end.
const ANSWERS_KEPT: Duration = Duration::from_secs(90 * 86_400);

/// Drops the answers of campaigns that ended 90 days ago. What they added up to stays.
///
/// It asks for campaigns that have answers, one after the other: far fewer than ever were.
pub async fn answers(views: &Views, now: Timestamp) -> Result<(), FoldError> {
    let over = |campaign: Campaign| campaign.ended.is_some_and(|(at, _)| now.since(at) >= ANSWERS_KEPT);
    let mut after = 0;
    loop {
        let next = Statement::new("SELECT MIN(campaign) FROM answer WHERE campaign > ?").bind(after);
        let Some(id) = bound(views, next).await? else { return Ok(()) };
        let known = crate::read::campaign_one(views, CampaignId(u32::try_from(id).map_err(FoldError::row)?)).await?;
        if known.is_some_and(over) {
            rows(views, "answer", "host", ANSWER_STRIDE, |among| among.push(" AND campaign = ?").bind(id)).await?;
        }
        after = id;
    }
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
