//! Teams, labels, queries, users and campaigns, as they stood.

use domain::query::Query;
use domain::team::Team;
use domain::{QueryId, TeamId, Timestamp};
use infra_stores::{Row, Statement, StoreError, Views};
use serde::de::DeserializeOwned;

use crate::projection::{FoldError, view};

/// All subjects of a view, by id. One statement.
pub async fn subjects<S: DeserializeOwned>(
    views: &Views,
    view: &'static str,
    as_of: Timestamp,
) -> Result<Vec<S>, FoldError> {
    let all = held(Statement::new("SELECT data"), view, as_of).push(" ORDER BY id");
    views.fetch(all).await?.into_iter().map(parse).collect()
}

/// One statement.
pub async fn team_one(views: &Views, as_of: Timestamp, id: TeamId) -> Result<Option<Team>, FoldError> {
    subject(views, view::TEAMS, as_of, id.0).await
}

/// One statement.
pub async fn query_one(views: &Views, as_of: Timestamp, id: QueryId) -> Result<Option<Query>, FoldError> {
    subject(views, view::QUERIES, as_of, id.0).await
}

pub(super) async fn subject<S: DeserializeOwned>(
    views: &Views,
    view: &'static str,
    as_of: Timestamp,
    id: u32,
) -> Result<Option<S>, FoldError> {
    let one = held(Statement::new("SELECT data"), view, as_of).push(" AND id = ?").bind(id);
    views.first(one).await?.map(parse).transpose()
}

/// The largest id that a view ever held.
pub(crate) async fn newest_subject(views: &Views, view: &'static str) -> Result<Option<u32>, StoreError> {
    let newest = served(Statement::new("SELECT MAX(id)"), view);
    Ok(views.first(newest).await?.map(|mut row| row.take::<Option<u32>>()).transpose()?.flatten())
}

/// The rows of a view that held at a time.
pub(super) fn held(select: Statement, view: &'static str, as_of: Timestamp) -> Statement {
    served(select, view).push(" AND since <= ? AND until > ?").bind(as_of).bind(as_of)
}

fn served(select: Statement, view: &'static str) -> Statement {
    let version = " FROM subject WHERE version = (SELECT serving FROM view_version WHERE name = ?) AND kind = ?";
    select.push(version).bind(view).bind(view)
}

pub(super) fn parse<S: DeserializeOwned>(mut row: Row) -> Result<S, FoldError> {
    serde_json::from_str(&row.take::<String>()?).map_err(FoldError::row)
}
