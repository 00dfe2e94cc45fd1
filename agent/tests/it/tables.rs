//! Tables whose rows a test writes.

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;

use agent::queries::{Answer, Queries, QueryError};
use agent_protocol::Row;
use futures::FutureExt;
use futures::future::BoxFuture;

pub struct Tables(Mutex<HashMap<String, Result<Answer, QueryError>>>);

impl Default for Tables {
    /// A machine with a name and an operating system.
    fn default() -> Self {
        let tables = Tables(Mutex::default());
        tables.set("SELECT hostname, uuid FROM system_info", &[&[("hostname", "web-01"), ("uuid", "4c4c4544")]]);
        tables.set("SELECT platform FROM os_version", &[&[("platform", "debian")]]);
        tables.set("SELECT * FROM os_version", &[&[("name", "Debian"), ("platform", "debian")]]);
        tables.set("SELECT * FROM system_info", &[&[("hostname", "web-01"), ("uuid", "4c4c4544")]]);
        tables
    }
}

impl Tables {
    pub fn set(&self, sql: &str, rows: &[&[(&str, &str)]]) {
        let row = |cells: &&[(&str, &str)]| -> Row {
            cells.iter().map(|(name, cell)| ((*name).to_owned(), (*cell).to_owned())).collect()
        };
        let answer = Answer { rows: rows.iter().map(row).collect(), ..Answer::default() };
        self.0.lock().unwrap().insert(sql.to_owned(), Ok(answer));
    }

    pub fn fail(&self, sql: &str, error: QueryError) {
        self.0.lock().unwrap().insert(sql.to_owned(), Err(error));
    }
}

impl Queries for Tables {
    fn query<'a>(&'a self, sql: &'a str) -> BoxFuture<'a, Result<Answer, QueryError>> {
        let answer = self.0.lock().unwrap().get(sql).cloned();
        async { answer.unwrap_or_else(|| Err(QueryError::sql("no such table"))) }.boxed()
    }

    fn set_views(&self, _: BTreeMap<String, String>) {}
}
