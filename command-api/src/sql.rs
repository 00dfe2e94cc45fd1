//! How long the SQL of people may be, wherever they send some.
//!
//! What is saved or asked is kept in the ledger for ever, in the memory of every node, and goes to every host that it
//! concerns; osqueryd takes 8 MiB at a time.

use infra_http::Problem;

use crate::App;

/// 422, field `query`, for an SQL over the limit.
pub fn check(app: &App, sql: &str) -> Result<(), Problem> {
    let (length, limit) = (sql.len(), app.settings.limits.sql);
    if length <= limit {
        return Ok(());
    }
    Err(Problem::invalid("query", format!("the SQL has {length} bytes, which is over the limit of {limit}")))
}
