//! What was done by whom.

use domain::{Actor, Timestamp};
use infra_log::Position;
use infra_stores::{Row, Statement, StoreError, Views};
use serde_json::Value;

use super::{Page, serving};
use crate::projection::FoldError;

/// An activity; persons are in it by id.
#[derive(Clone, Debug, PartialEq)]
pub struct ActivityRow {
    /// Grows with time.
    pub id: u64,
    pub recorded: Timestamp,
    /// The API's type, `created_team`.
    pub kind: String,
    pub actor: Actor,
    pub details: Value,
}

impl ActivityRow {
    fn read(mut row: Row) -> Result<ActivityRow, FoldError> {
        Ok(ActivityRow {
            id: row.take::<Position>()? + 1,
            recorded: row.take()?,
            kind: row.take()?,
            actor: row.take::<String>()?.parse().map_err(FoldError::row)?,
            details: serde_json::from_str(&row.take::<String>()?).map_err(FoldError::row)?,
        })
    }
}

/// A page of activities, oldest or newest first; `after` is an id. One statement.
pub async fn activity_page(views: &Views, newest_first: bool, page: &Page) -> Result<Vec<ActivityRow>, FoldError> {
    let mut rows = Statement::new("SELECT position, recorded, kind, actor, details FROM activity WHERE version = ");
    rows = rows.push(serving::ACTIVITIES);
    if let Some(after) = &page.after {
        let beyond = if newest_first { " AND position < ?" } else { " AND position > ?" };
        rows = rows.push(beyond).bind(after.trim().parse::<i64>().unwrap_or(0).saturating_sub(1));
    }
    rows = rows.push(if newest_first { " ORDER BY position DESC" } else { " ORDER BY position" });
    rows = rows.push(" LIMIT ? OFFSET ?").bind(page.size.unwrap_or(i64::MAX as u64)).bind(page.skip());
    views.fetch(rows).await?.into_iter().map(ActivityRow::read).collect()
}

/// One statement.
pub async fn activity_count(views: &Views) -> Result<u64, StoreError> {
    let count = Statement::new("SELECT COUNT(*) FROM activity WHERE version = ").push(serving::ACTIVITIES);
    Ok(views.first(count).await?.map(|mut row| row.take()).transpose()?.unwrap_or(0))
}
