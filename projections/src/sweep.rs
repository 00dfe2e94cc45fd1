//! Drops rows that nobody can see any more: of versions that are not served, and results that no query stands behind.

use std::time::Duration;

use domain::campaign::Campaign;
use domain::query::{Logging, Query};
use domain::{QueryId, Timestamp};
use infra_stores::{Statement, StoreError, Views};

use crate::projection::{FoldError, Projection, view};
use crate::tables::SUBJECT;

/// Ordinals or positions in one transaction, so that other writers get their turns in between.
const STRIDE: i64 = 2000;

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
            false => rows(views, table.name, table.key[0], old).await?,
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

/// A stretch of the key at a time.
async fn rows(views: &Views, table: &'static str, column: &'static str, old: Old) -> Result<(), StoreError> {
    let of = |what| Statement::new(what).push(column).push(") FROM ").push(table).push(" WHERE 1 = 1");
    let Some(last) = bound(views, old.bind(of("SELECT MAX("))).await? else { return Ok(()) };
    let mut from = bound(views, old.bind(of("SELECT MIN("))).await?.unwrap_or(0);
    while from <= last {
        let until = from.saturating_add(STRIDE);
        let delete = Statement::new("DELETE FROM ").push(table).push(" WHERE ").push(column).push(" >= ? AND ");
        let delete = delete.push(column).push(" < ?").bind(from).bind(until);
        let mut write = views.write().await?;
        write.execute(old.bind(delete)).await?;
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
pub async fn answers(views: &Views, now: Timestamp) -> Result<(), FoldError> {
    let size = u64::try_from(STRIDE).expect("a stride is small");
    for number in 0.. {
        let page = crate::read::Page { number, size: Some(size), ..crate::read::Page::default() };
        let campaigns = crate::read::campaign_page(views, &page).await?;
        let over = |campaign: &&Campaign| campaign.ended.is_some_and(|(at, _)| now.since(at) >= ANSWERS_KEPT);
        for campaign in campaigns.iter().filter(over) {
            let held = Statement::new("SELECT host FROM answer WHERE campaign = ? LIMIT 1").bind(campaign.id.0);
            if views.first(held).await?.is_some() {
                let mut write = views.write().await?;
                let delete = Statement::new("DELETE FROM answer WHERE campaign = ?").bind(campaign.id.0);
                write.execute(delete).await?;
                write.commit().await?;
            }
        }
        if (campaigns.len() as u64) < size {
            return Ok(());
        }
    }
    Ok(())
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
