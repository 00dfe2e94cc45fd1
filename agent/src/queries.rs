//! The port to whatever answers SQL about this machine.

use std::collections::BTreeMap;

use agent_protocol::Row;
use agent_protocol::body::Stats;
use futures::future::BoxFuture;

/// Answers SQL about this machine.
pub trait Queries: Send + Sync {
    fn query<'a>(&'a self, sql: &'a str) -> BoxFuture<'a, Result<Answer, QueryError>>;

    /// Makes exactly these views (name → SQL) known to the queries that start from now on.
    fn set_views(&self, views: BTreeMap<String, String>);
}

/// The rows of a query and what they cost.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    pub rows: Vec<Row>,
    pub stats: Stats,
}

/// Why a query has no rows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct QueryError {
    /// In the words of the query engine.
    pub message: String,
    /// Whether the query went over its limits of time or memory, or broke its worker: running it again is unwise.
    pub over_limit: bool,
}

impl QueryError {
    pub fn sql(message: impl Into<String>) -> Self {
        QueryError { message: message.into(), over_limit: false }
    }

    pub fn over_limit(message: impl Into<String>) -> Self {
        QueryError { message: message.into(), over_limit: true }
    }
}

#[cfg(test)]
pub(crate) mod scripted {
    use std::collections::HashMap;
    use std::sync::Mutex;

    use futures::FutureExt;

    use super::*;

    /// Answers from a list; says "no such table" to everything else. Notes what it was asked.
    #[derive(Default)]
    pub struct Scripted {
        answers: Mutex<HashMap<String, Result<Answer, QueryError>>>,
        asked: Mutex<Vec<String>>,
        views: Mutex<BTreeMap<String, String>>,
    }

    impl Scripted {
        pub fn set(&self, sql: &str, rows: &[&[(&str, &str)]]) {
            let rows = rows.iter().map(|row| row_of(row)).collect();
            self.put(sql, Ok(Answer { rows, ..Answer::default() }));
        }

        pub fn fail(&self, sql: &str, error: QueryError) {
            self.put(sql, Err(error));
        }

        /// What was asked since the last call.
        pub fn asked(&self) -> Vec<String> {
            std::mem::take(&mut self.asked.lock().unwrap())
        }

        pub fn views(&self) -> Vec<String> {
            self.views.lock().unwrap().keys().cloned().collect()
        }

        fn put(&self, sql: &str, answer: Result<Answer, QueryError>) {
            self.answers.lock().unwrap().insert(sql.to_owned(), answer);
        }
    }

    impl Queries for Scripted {
        fn query<'a>(&'a self, sql: &'a str) -> BoxFuture<'a, Result<Answer, QueryError>> {
            self.asked.lock().unwrap().push(sql.to_owned());
            let answer = self.answers.lock().unwrap().get(sql).cloned();
            async { answer.unwrap_or_else(|| Err(QueryError::sql("no such table"))) }.boxed()
        }

        fn set_views(&self, views: BTreeMap<String, String>) {
            *self.views.lock().unwrap() = views;
        }
    }

    pub fn row_of(cells: &[(&str, &str)]) -> Row {
        cells.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }
}
