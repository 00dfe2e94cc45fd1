//! Latest results of scheduled queries.

use domain::{HostId, QueryId, Timestamp};
use infra_stores::{Row, Statement, Views};
use serde_json::Value;

use super::Batch;
use super::batch::{Keyed, batch};
use crate::budget::ROW_BYTES;
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
    /// How large the rows are as JSON.
    pub bytes: usize,
    /// Objects; values are as the host sent them.
    pub rows: Vec<Value>,
}

const RESULTS: Keyed = Keyed {
    columns: "SELECT query, host, recorded, row_count, cut, data",
    sizes: "SELECT host, LENGTH(data)",
    first: " ORDER BY host LIMIT ?",
    up_to: " AND host <= ? ORDER BY host",
};

fn among(columns: &'static str, query: QueryId, since: Timestamp) -> Statement {
    Statement::new(columns).push(" FROM latest_result WHERE query = ? AND recorded >= ?").bind(query.0).bind(since)
}

impl LatestResult {
    /// The result, and about how many bytes its rows take.
    fn read(mut row: Row) -> Result<(LatestResult, usize), FoldError> {
        let (query, host) = (QueryId(row.take()?), HostId(row.take()?));
        let (recorded, row_count, cut) = (row.take()?, row.take()?, row.take()?);
        let json = unpack(&row.take::<Vec<u8>>()?).ok_or_else(|| FoldError::row("packed rows of a result"))?;
        let rows: Vec<Value> = serde_json::from_slice(&json).map_err(FoldError::row)?;
        let taken = json.len() + rows.len() * ROW_BYTES;
        Ok((LatestResult { query, host, recorded, row_count, cut, bytes: json.len(), rows }, taken))
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
    let one = among(RESULTS.columns, query, since).push(" AND host = ?").bind(host.0);
    Ok(views.first(one).await?.map(LatestResult::read).transpose()?.map(|(result, _)| result))
}

/// Results of a query by host, after a host: at most `limit`, fewer when they are large. Two statements.
pub async fn result_page(
    views: &Views,
    query: QueryId,
    since: Timestamp,
    after: Option<HostId>,
    limit: u64,
) -> Result<Batch<LatestResult>, FoldError> {
    let after = after.map_or(0, |host| host.0);
    let among = |columns| among(columns, query, since).push(" AND host > ?").bind(after);
    batch(views, &RESULTS, limit, among, LatestResult::read).await
}
