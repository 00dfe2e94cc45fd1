//! musterd's own tables as the port [`Queries`]: every query runs in a worker process with limits.

use std::collections::BTreeMap;

use agent_protocol::body;
use agent_tables::worker::{self, Pool};
use agent_tables::{AgentInfo, Context, ScheduledStat};
use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::watch;

use crate::agent::Premises;
use crate::config::InForce;
use crate::flags::Flag;
use crate::identity::is_placeholder;
use crate::queries::{Answer, Queries, QueryError};
use crate::schedule::{QueryStats, ScheduleStats};

pub struct Tables {
    pool: Pool,
    info: AgentInfo,
    in_force: watch::Receiver<InForce>,
    stats: ScheduleStats,
}

impl Tables {
    /// Tables that show this agent, started at `now` (seconds since 1970). No worker runs before the first query.
    pub fn new(limits: worker::Config, premises: &Premises, now: u64) -> Self {
        let hardware = agent_tables::hardware_uuid().unwrap_or_default();
        let has_own = !hardware.is_empty() && !is_placeholder(&hardware);
        let info = AgentInfo {
            version: crate::OSQUERY_VERSION.to_owned(),
            instance_id: premises.instance_id.clone(),
            uuid: if has_own { hardware } else { premises.instance_id.clone() },
            config_hash: String::new(),
            config_valid: false,
            start_time: now.cast_signed(),
            pid: std::process::id().cast_signed(),
            watcher: None,
            build_platform: std::env::consts::OS.to_owned(),
            build_distro: format!("musterd {}", env!("CARGO_PKG_VERSION")),
        };
        Tables { pool: Pool::new(limits), info, in_force: premises.in_force(), stats: premises.stats.clone() }
    }

    fn context(&self) -> Context {
        let InForce { config, flags } = self.in_force.borrow().clone();
        let config_valid = !config.hash.is_empty();
        Context {
            info: AgentInfo { config_hash: config.hash.clone(), config_valid, ..self.info.clone() },
            schedule: self.stats.all().into_iter().map(scheduled).collect(),
            flags: flags.all().iter().map(flag).collect(),
        }
    }
}

impl Queries for Tables {
    fn query<'a>(&'a self, sql: &'a str) -> BoxFuture<'a, Result<Answer, QueryError>> {
        async move {
            let answer = self.pool.query(sql, &self.context()).await;
            let output = answer.result.map_err(error)?;
            let row =
                |row: agent_tables::Row| row.iter().map(|(name, cell)| (name.to_owned(), cell.to_owned())).collect();
            Ok(Answer { rows: output.rows.into_iter().map(row).collect(), stats: stats(&answer.stats) })
        }
        .boxed()
    }

    fn set_views(&self, views: BTreeMap<String, String>) {
        self.pool.set_views(views);
    }
}

fn stats(cost: &worker::Stats) -> body::Stats {
    body::Stats {
        wall_time_ms: Some(cost.wall_time_ms),
        user_time: Some(cost.user_time_ms),
        system_time: Some(cost.system_time_ms),
        memory: Some(cost.memory_bytes),
    }
}

/// A worker that fails for a reason of its own says nothing about the query.
fn error(error: agent_tables::QueryError) -> QueryError {
    use agent_tables::QueryError::{Crashed, Sql, TooLong, TooMuchMemory, TooMuchOutput, Worker};
    match &error {
        Sql(_) | Worker(_) => QueryError::sql(error.to_string()),
        TooLong(_) | TooMuchMemory { .. } | TooMuchOutput { .. } | Crashed(_) => {
            QueryError::over_limit(error.to_string())
        }
    }
}

fn scheduled(query: QueryStats) -> ScheduledStat {
    ScheduledStat {
        average_memory: query.memory.checked_div(query.executions).unwrap_or(0).cast_signed(),
        name: query.name,
        query: query.sql,
        interval: query.interval.cast_signed(),
        executions: query.executions.cast_signed(),
        last_executed: query.last_executed.cast_signed(),
        denylisted: query.denylisted,
        output_size: query.output_size.cast_signed(),
        wall_time_ms: query.wall_time_ms.cast_signed(),
        user_time: query.user_time_ms.cast_signed(),
        system_time: query.system_time_ms.cast_signed(),
        last_wall_time_ms: query.last_wall_time_ms.cast_signed(),
        last_user_time: query.last_user_time_ms.cast_signed(),
        last_system_time: query.last_system_time_ms.cast_signed(),
        last_memory: query.last_memory.cast_signed(),
    }
}

fn flag(flag: &Flag) -> agent_tables::Flag {
    agent_tables::Flag {
        name: flag.name.to_owned(),
        kind: flag.kind().to_owned(),
        description: String::new(),
        default_value: flag.default.to_owned(),
        value: flag.value.clone(),
        shell_only: flag.is_command_line(),
    }
}
