//! The agent's side: keeps workers, hands queries to them, and replaces those that had to be ended.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

use super::config::Config;
use super::process::{Failure, Process};
use super::protocol::{Reply, Request, Set};
use crate::{Context, QueryError, QueryOutput};

/// What a query has cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Stats {
    pub wall_time_ms: u64,
    /// Time on the processor: in the worker, and in the kernel for it. 0 for a query whose worker was ended.
    pub user_time_ms: u64,
    pub system_time_ms: u64,
    /// What the query needed at its peak. 0 for a query whose worker was ended.
    pub memory_bytes: u64,
}

/// The end of a query, good or bad.
#[derive(Debug, Clone)]
pub struct Answer {
    pub result: Result<QueryOutput, QueryError>,
    pub stats: Stats,
}

/// Workers, started when they are first needed.
pub struct Pool {
    config: Config,
    turns: Semaphore,
    idle: Mutex<Vec<Process>>,
    views: Mutex<Arc<BTreeMap<String, String>>>,
}

/// How much longer than the limit a worker may take to give up by itself before it is killed. On a busy machine a nice
/// process waits long for its turn.
const GRACE: Duration = Duration::from_secs(5);
const MIB: u64 = 1024 * 1024;

impl Pool {
    pub fn new(config: Config) -> Self {
        Self { turns: Semaphore::new(config.workers.max(1)), config, idle: Mutex::default(), views: Mutex::default() }
    }

    /// Makes exactly these views known to the queries that start from now on. One that SQLite refuses is left out.
    pub fn set_views(&self, views: BTreeMap<String, String>) {
        *self.views.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = Arc::new(views);
    }

    /// Runs a query. Dropping the future ends the query.
    pub async fn query(&self, sql: &str, context: &Context) -> Answer {
        let turn = self.turns.acquire().await;
        let start = Instant::now();
        let (result, mut stats) = match turn {
            Ok(_turn) => self.run(sql, context).await,
            Err(_) => (Err(QueryError::Worker("pool is closed".into())), Stats::default()),
        };
        stats.wall_time_ms = millis(start.elapsed());
        Answer { result, stats }
    }

    async fn run(&self, sql: &str, context: &Context) -> (Result<QueryOutput, QueryError>, Stats) {
        let mut process = match self.worker().await {
            Ok(process) => process,
            Err(error) => return (Err(error), Stats::default()),
        };
        let request = self.request(sql, context);
        let failed = match tokio::time::timeout(self.config.time_limit + GRACE, process.ask(request)).await {
            Ok(Ok(reply)) => {
                let stats = stats_of(&reply);
                self.keep_or_end(process, &reply).await;
                return (reply.result.map(Set::together), stats);
            }
            Ok(Err(Failure::Gone(error))) => process.explain(error, self.config.memory_mib).await,
            Ok(Err(Failure::TooLong)) => {
                process.end().await;
                QueryError::TooMuchOutput { mib: self.config.output_mib }
            }
            Err(_) => {
                process.end().await;
                QueryError::TooLong(self.config.time_limit)
            }
        };
        tracing::warn!(error = %failed, "a query worker had to be replaced");
        (Err(failed), Stats::default())
    }

    fn request(&self, sql: &str, context: &Context) -> Request {
        let views = self.views.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone();
        Request {
            id: 0,
            sql: sql.to_string(),
            context: context.clone(),
            views: (*views).clone(),
            time_limit: self.config.time_limit,
            output_bytes: self.config.output_mib * MIB,
        }
    }

    async fn worker(&self) -> Result<Process, QueryError> {
        while let Some(mut process) = self.take_idle() {
            if process.is_alive() {
                return Ok(process);
            }
        }
        Process::start(&self.config).await
    }

    fn take_idle(&self) -> Option<Process> {
        self.idle.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).pop()
    }

    /// Keeps a worker for the next query unless the last one has left it fat.
    async fn keep_or_end(&self, process: Process, reply: &Reply) {
        match reply.held_bytes > self.config.memory_mib * MIB / 2 {
            true => process.end().await,
            false => self.idle.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push(process),
        }
    }
}

fn stats_of(reply: &Reply) -> Stats {
    Stats {
        wall_time_ms: 0,
        user_time_ms: millis(reply.user_time),
        system_time_ms: millis(reply.system_time),
        memory_bytes: reply.memory_bytes,
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
