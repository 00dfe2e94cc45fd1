//! What scheduled queries have cost since the start: the rows of `osquery_schedule`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::config::{Plan, Scheduled};
use crate::queries::Answer;

/// One scheduled query.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueryStats {
    pub name: String,
    pub sql: String,
    /// Seconds, as configured.
    pub interval: u64,
    pub executions: u64,
    /// Seconds since 1970; 0 before the first run.
    pub last_executed: u64,
    pub denylisted: bool,
    /// Bytes of names and cells, all runs.
    pub output_size: u64,
    /// Milliseconds, all runs.
    pub wall_time_ms: u64,
    pub user_time_ms: u64,
    pub system_time_ms: u64,
    /// Bytes, all runs; divide by `executions` for the average.
    pub memory: u64,
    /// The last run alone.
    pub last_wall_time_ms: u64,
    pub last_user_time_ms: u64,
    pub last_system_time_ms: u64,
    pub last_memory: u64,
}

/// All scheduled queries by name, shared with the tables.
#[derive(Clone, Debug, Default)]
pub struct ScheduleStats(Arc<Mutex<BTreeMap<String, QueryStats>>>);

impl ScheduleStats {
    pub fn all(&self) -> Vec<QueryStats> {
        self.rows().values().cloned().collect()
    }

    /// Keeps the figures of queries that stay, forgets the others'.
    pub fn plan(&self, plan: &Plan) {
        let mut rows = self.rows();
        let mut earlier = std::mem::take(&mut *rows);
        for query in plan.queries() {
            let known = earlier.remove(&query.name).filter(|stats| stats.sql == query.sql);
            let stats = QueryStats {
                name: query.name.clone(),
                sql: query.sql.clone(),
                interval: query.interval,
                ..known.unwrap_or_default()
            };
            rows.insert(query.name.clone(), stats);
        }
    }

    pub fn denylisted(&self, query: &Scheduled, denylisted: bool) {
        if let Some(stats) = self.rows().get_mut(&query.name) {
            stats.denylisted = denylisted;
        }
    }

    /// Counts a run that ended at `now`.
    pub fn ran(&self, query: &Scheduled, answer: &Answer, now: u64) {
        let mut rows = self.rows();
        let Some(stats) = rows.get_mut(&query.name) else { return };
        let cost = &answer.stats;
        stats.executions += 1;
        stats.last_executed = now;
        stats.last_wall_time_ms = cost.wall_time_ms.unwrap_or(0);
        stats.last_user_time_ms = cost.user_time.unwrap_or(0);
        stats.last_system_time_ms = cost.system_time.unwrap_or(0);
        stats.last_memory = cost.memory.unwrap_or(0);
        stats.output_size += answer
            .rows
            .iter()
            .flat_map(|row| row.iter())
            .map(|(name, cell)| (name.len() + cell.len()) as u64)
            .sum::<u64>();
        stats.wall_time_ms += stats.last_wall_time_ms;
        stats.user_time_ms += stats.last_user_time_ms;
        stats.system_time_ms += stats.last_system_time_ms;
        stats.memory += stats.last_memory;
    }

    fn rows(&self) -> MutexGuard<'_, BTreeMap<String, QueryStats>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
