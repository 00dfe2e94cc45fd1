//! A log, a store and streams, with an engine between them that can be stopped, killed and started again.

use std::sync::Arc;
use std::time::Duration;

use domain::Timestamp;
use infra_live::Process;
use infra_log::memory::Memory;
use infra_log::{Draft, Log, Partition};
use infra_stores::{Statement, Value, Views};
use infra_world::{ManualClock, SystemRandom, World};
use projections::{Engine, Progress, Rebuilds, StartError, view};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub const PATIENCE: Duration = Duration::from_secs(60);

pub const ALL: [&str; 11] = [
    view::HOSTS,
    view::TEAMS,
    view::LABELS,
    view::QUERIES,
    view::USERS,
    view::CAMPAIGNS,
    view::FACTS,
    view::SEEN,
    view::ACTIVITIES,
    view::ANSWERS,
    view::RESULTS,
];

/// The present of every rig, until a test moves it.
pub const PRESENT: Timestamp = Timestamp::from_secs(1_800_000_000);

pub struct Rig {
    pub log: Memory,
    pub views: Views,
    pub streams: Process,
    pub clock: ManualClock,
    pub folder: tempfile::TempDir,
}

/// Tables with their rows.
pub type Dump = Vec<(&'static str, Vec<Vec<Value>>)>;

pub struct Running {
    pub progress: Progress,
    pub rebuilds: Rebuilds,
    stop: CancellationToken,
    task: JoinHandle<Result<(), StartError>>,
}

impl Rig {
    pub async fn new() -> Rig {
        Rig::on(Memory::new(Arc::new(|| Timestamp::from_secs(1_790_000_000)))).await
    }

    /// Another store on the same log.
    pub async fn on(log: Memory) -> Rig {
        let folder = tempfile::tempdir().unwrap();
        let views = Views::open(&folder.path().join("views.db")).await.unwrap();
        Rig { log, views, streams: Process::default(), clock: ManualClock::at(PRESENT), folder }
    }

    pub fn world(&self) -> World {
        World::new(Arc::new(self.clock.clone()), Arc::new(SystemRandom))
    }

    pub async fn engine(&self) -> Running {
        self.try_engine().await.unwrap()
    }

    pub async fn try_engine(&self) -> Result<Running, StartError> {
        let (log, streams) = (Arc::new(self.log.clone()), Arc::new(self.streams.clone()));
        let gathering = Duration::from_millis(1);
        let engine = Engine::open_gathering(log, self.views.clone(), streams, self.world(), gathering).await?;
        let (progress, rebuilds, stop) = (engine.progress(), engine.rebuilds(), CancellationToken::new());
        let task = tokio::spawn(engine.run(stop.clone()));
        Ok(Running { progress, rebuilds, stop, task })
    }

    pub async fn append(&self, writes: &[(Partition, Draft)]) {
        for (partition, draft) in writes {
            self.log.append(*partition, vec![draft.clone()]).await.unwrap();
        }
    }

    /// Folds everything that is in the log, and stops.
    pub async fn fold(&self) {
        let running = self.engine().await;
        running.settled().await;
        running.stop().await;
    }

    /// Every row of every view, but not what depends on how often something was folded.
    pub async fn dump(&self) -> Dump {
        let mut all = vec![];
        for (name, statement) in TABLES {
            let rows = self.views.fetch(Statement::new(statement)).await.unwrap();
            all.push((*name, rows.into_iter().map(|row| row.rest()).collect()));
        }
        all
    }

    /// Of it, what is written from the ledger.
    pub async fn ledger_rows(&self) -> Dump {
        let is_ledger = |name: &str| ["host", "subject", "label_manual"].contains(&name);
        self.dump().await.into_iter().filter(|(name, _)| is_ledger(name)).collect()
    }
}

impl Running {
    pub async fn settled(&self) {
        let settled = self.progress.settle(&ALL, None, PATIENCE).await.unwrap();
        assert!(!settled.behind, "the views did not get to the log's end: {:?}", self.progress.halted());
    }

    pub async fn stop(self) {
        self.stop.cancel();
        self.task.await.unwrap().unwrap();
    }

    /// Dies wherever it is, with transactions open.
    pub async fn crash(self) {
        self.task.abort();
        assert!(self.task.await.unwrap_err().is_cancelled());
    }
}

/// Rows of what is served, in the order of their keys.
pub const TABLES: &[(&str, &str)] = &[
    (
        "host",
        "SELECT host, since, until, team, identifier, called, platform, created_at, enrolled_at, contested_until, succeeds FROM host \
         WHERE version = (SELECT serving FROM view_version WHERE name = 'hosts') ORDER BY host, since",
    ),
    (
        "subject",
        "SELECT kind, id, since, until, data FROM subject \
         WHERE version = (SELECT serving FROM view_version WHERE name = kind) ORDER BY kind, id, since",
    ),
    (
        "label_manual",
        "SELECT host, label, since, until FROM label_manual \
         WHERE version = (SELECT serving FROM view_version WHERE name = 'labels') ORDER BY host, label, since",
    ),
    (
        "label_host",
        "SELECT host, label, since, until FROM label_host \
         WHERE version = (SELECT serving FROM view_version WHERE name = 'facts') ORDER BY host, label, since",
    ),
    (
        "host_section",
        "SELECT host, section, since, until, reported, data FROM host_section \
         WHERE version = (SELECT serving FROM view_version WHERE name = 'facts') ORDER BY host, section, since",
    ),
    (
        "host_index",
        "SELECT host, since, until, hostname, computer_name, display_name, uuid, hardware_serial, osquery_version, platform, \
         os_version, os_name, os_number, cpu_type, hardware_vendor, hardware_model, memory, primary_ip, primary_mac, \
         public_ip, disk_available, disk_percent, disk_total, booted_at FROM host_index \
         WHERE version = (SELECT serving FROM view_version WHERE name = 'facts') ORDER BY host, since",
    ),
    (
        "host_seen",
        "SELECT host, seen, detailed, labelled, judged FROM host_seen \
         WHERE version = (SELECT serving FROM view_version WHERE name = 'seen') ORDER BY host",
    ),
    (
        "activity",
        "SELECT position, sequence, number, recorded, kind, actor, details FROM activity \
         WHERE version = (SELECT serving FROM view_version WHERE name = 'activities') ORDER BY position",
    ),
    (
        "answer",
        "SELECT campaign, host, position, recorded, state, error, stats, row_count, cut, data FROM answer ORDER BY campaign, host",
    ),
    (
        "campaign_total",
        "SELECT campaign, last, with_rows, without_rows, failed, row_total, bytes, answered FROM campaign_total ORDER BY campaign",
    ),
    (
        "latest_result",
        "SELECT query, host, taken, recorded, position, gathered, row_count, cut, digest, data FROM latest_result ORDER BY query, host",
    ),
    ("dead_record", "SELECT topic, part, position, appended, reason FROM dead_record ORDER BY topic, part, position"),
];
