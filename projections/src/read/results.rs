//! Latest results of scheduled queries.

use domain::{HostId, QueryId, Timestamp};
use infra_stores::{Row, Statement, Views};
use serde_json::Value;

use crate::packed::unpack;
use crate::projection::FoldError;

/// The newest snapshot of a query on a host.
#[derive(Clone, Debug, PartialEq)]
pub struct LatestResult {
    pub query: QueryId,
    pub host: HostId,
    /// When it arrived. Of a result that stays the same this may lie up to a day behind.
    pub recorded: Timestamp,
    /// How many rows the host gave, kept or not.
    pub row_count: u64,
    /// Rows were left out, because they were too many or too large.
    pub cut: bool,
    /// Objects; values are as the host sent them.
    pub rows: Vec<Value>,
}

const COLUMNS: &str =
    "SELECT query, host, recorded, row_count, cut, data FROM latest_result WHERE query = ? AND recorded >= ?";

impl LatestResult {
    fn read(mut row: Row) -> Result<LatestResult, FoldError> {
        let (query, host) = (QueryId(row.take()?), HostId(row.take()?));
        let (recorded, row_count, cut) = (row.take()?, row.take()?, row.take()?);
        let json = unpack(&row.take::<Vec<u8>>()?).ok_or_else(|| FoldError::row("packed rows of a result"))?;
        let rows = serde_json::from_slice(&json).map_err(FoldError::row)?;
        Ok(LatestResult { query, host, recorded, row_count, cut, rows })
    }
}

/// The result of a query on one host; `since` is the query's `results_since`, before which results say nothing about
/// it. One statement.
pub async fn result_of(
    views: &Views,
    query: QueryId,
    host: HostId,
    since: Timestamp,
) -> Result<Option<LatestResult>, FoldError> {
    let one = Statement::new(COLUMNS).bind(query.0).bind(since).push(" AND host = ?").bind(host.0);
    views.first(one).await?.map(LatestResult::read).transpose()
}

/// Results of a query by host, after a host. One statement.
pub async fn result_page(
    views: &Views,
    query: QueryId,
    since: Timestamp,
    after: Option<HostId>,
    limit: u64,
) -> Result<Vec<LatestResult>, FoldError> {
    let page = Statement::new(COLUMNS).bind(query.0).bind(since).push(" AND host > ? ORDER BY host LIMIT ?");
    let page = page.bind(after.map_or(0, |host| host.0)).bind(limit);
    views.fetch(page).await?.into_iter().map(LatestResult::read).collect()
}
