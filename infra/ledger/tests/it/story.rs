//! A story: several writers on one log, waves of commands that meet, writers that die in the midst, and what came of it.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use domain::ledger::Fold;
use domain::role::{Role, Roles};
use domain::user::Profile;
use domain::{Command, Digest, QueryId, Sealed, UserId, query, settings, user};
use infra_ledger::{CommandError, Executed, Ledger, Timing};
use infra_log::{Log, Partition, Record, Topic, read_to_end};
use infra_world::{ManualClock, World};
use proptest::prelude::*;
use serde_json::json;
use tokio::task::{JoinHandle, yield_now};

use crate::fixture::{SECRET, by, create_query, enrol, set_secrets, world};

/// Something somebody wants. Few names, so that they meet.
#[derive(Clone, Copy, Debug)]
pub enum Want {
    Query(u8),
    DropQuery(u8),
    User(u8),
    DropUser(u8),
    Interval(u8),
    Secrets(u8),
    Enrol(u8, u8),
}

impl Want {
    pub fn any() -> impl Strategy<Value = Want> {
        prop_oneof![
            (0..3u8).prop_map(Want::Query),
            (1..7u8).prop_map(Want::DropQuery),
            (0..3u8).prop_map(Want::User),
            (1..6u8).prop_map(Want::DropUser),
            (0..2u8).prop_map(Want::Interval),
            (0..2u8).prop_map(Want::Secrets),
            (0..3u8, 0..3u8).prop_map(|(host, key)| Want::Enrol(host, key)),
        ]
    }

    pub fn command(self) -> Command {
        match self {
            Want::Query(name) => create_query(&format!("query {name}")),
            Want::DropQuery(id) => query::Command::Delete { queries: vec![QueryId(u32::from(id))] }.into(),
            Want::User(name) => create_user(&format!("{name}@example.org")),
            Want::DropUser(id) => user::Command::Delete { user: UserId(u32::from(id)) }.into(),
            Want::Interval(value) => {
                let section = Arc::new(json!({ "host_expiry_window": value }));
                let sections = [("host_expiry_settings".to_owned(), section)].into();
                settings::Command::Change { sections }.into()
            }
            Want::Secrets(0) => set_secrets(&[]),
            Want::Secrets(_) => set_secrets(&[SECRET]),
            Want::Enrol(host, key) => enrol(&format!("host {host}"), &format!("key {key} of host {host}")),
        }
    }
}

pub fn create_user(email: &str) -> Command {
    let sealed = |text: &str| Sealed { key: "person/1".to_owned(), text: text.to_owned() };
    let profile =
        Profile { name: sealed("name"), email: sealed(email), email_digest: Digest::of(email), position: None };
    user::Command::Create {
        profile,
        password: "$argon2id$".to_owned(),
        roles: Roles::Global(Role::Observer),
        api_only: false,
        must_reset_password: false,
    }
    .into()
}

/// A command at one of the writers, perhaps under the key of an earlier one: a client that asks again.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    pub writer: usize,
    pub want: Want,
    /// Asks for what this many calls before was asked for, under the same key.
    pub repeats: Option<usize>,
}

/// Calls that are under way together, and a writer that dies after some steps of the scheduler.
#[derive(Clone, Debug)]
pub struct Wave {
    pub steps: Vec<Step>,
    pub crash: Option<(usize, u8)>,
    /// A new start begins with a snapshot of the fold that somebody had.
    pub from_snapshot: bool,
}

pub fn waves(writers: usize) -> impl Strategy<Value = Vec<Wave>> {
    let step = (0..writers, Want::any(), prop::option::weighted(0.2, 1..6usize));
    let step = step.prop_map(|(writer, want, repeats)| Step { writer, want, repeats });
    let wave = (prop::collection::vec(step, 1..7), prop::option::weighted(0.4, (0..writers, 0..60u8)), any::<bool>());
    let wave = wave.prop_map(|(steps, crash, from_snapshot)| Wave { steps, crash, from_snapshot });
    prop::collection::vec(wave, 1..6)
}

/// A call and what became of it.
#[derive(Clone)]
pub struct Call {
    pub id: String,
    pub want: Want,
    /// Commits that were acknowledged to anyone before it began.
    pub began_after: u64,
    /// The log's end when it was answered.
    pub end: u64,
    pub answer: Result<Executed, CommandError>,
}

pub const LEDGER: Partition = Partition { topic: Topic::Ledger, index: 0 };

/// Where a story takes place.
pub struct Stage<'a> {
    pub writers: usize,
    pub world: World,
    /// A process's way to the log.
    pub open: &'a dyn Fn() -> Arc<dyn Log>,
    /// The log as it really is.
    pub truth: Arc<dyn Log>,
    /// Lets time pass between two waves.
    pub tick: &'a dyn Fn(),
}

/// Runs the waves. Returns the calls, and the writers as they are in the end.
pub async fn play(stage: &Stage<'_>, waves: &[Wave]) -> Played {
    let mut played = Played { calls: vec![], ledgers: vec![] };
    for writer in 0..stage.writers {
        played.ledgers.push(open(stage, writer, None).await);
    }
    let acknowledged = Arc::new(AtomicU64::new(0));
    for wave in waves {
        let steps = wave.steps.iter().enumerate();
        let running: Vec<Running> =
            steps.map(|(index, step)| played.begin(index, step, &acknowledged, &stage.truth)).collect();
        if let Some((writer, steps)) = wave.crash {
            for _ in 0..steps {
                yield_now().await;
            }
            running.iter().filter(|one| one.writer == writer).for_each(|one| one.task.abort());
        }
        for one in running {
            // A caller that died with its server knows nothing.
            let (answer, end) = one.task.await.unwrap_or((Err(CommandError::Unknown), 0));
            played.calls.push(Call { answer, end, ..one.call });
        }
        if let Some((writer, _)) = wave.crash {
            let snapshot = wave.from_snapshot.then(|| restored(&played.ledgers[(writer + 1) % stage.writers]));
            // The old one is dropped before the new one starts, whatever it was doing.
            drop(played.ledgers.remove(writer));
            played.ledgers.insert(writer, open(stage, writer, snapshot).await);
        }
        (stage.tick)();
    }
    played
}

async fn open(stage: &Stage<'_>, writer: usize, from: Option<(Fold, u64)>) -> Ledger {
    start_in((stage.open)(), stage.world.clone(), writer, from).await
}

pub struct Played {
    pub calls: Vec<Call>,
    pub ledgers: Vec<Ledger>,
}

struct Running {
    writer: usize,
    call: Call,
    task: JoinHandle<(Result<Executed, CommandError>, u64)>,
}

impl Played {
    fn begin(&self, index: usize, step: &Step, acknowledged: &Arc<AtomicU64>, truth: &Arc<dyn Log>) -> Running {
        let number = self.calls.len() + index;
        let earlier = step.repeats.and_then(|back| self.calls.len().checked_sub(back)).map(|at| &self.calls[at]);
        let (id, want) = earlier.map_or((format!("command {number}"), step.want), |call| (call.id.clone(), call.want));
        let began_after = acknowledged.load(SeqCst);
        let (ledger, truth, acknowledged) = (self.ledgers[step.writer].clone(), truth.clone(), acknowledged.clone());
        let key = by(&id);
        let task = tokio::spawn(async move {
            let answer = ledger.execute(want.command(), key).await;
            if let Some(outcome) = answer.as_ref().ok().and_then(|executed| executed.outcome.as_ref()) {
                acknowledged.fetch_max(outcome.sequence, SeqCst);
            }
            (answer, truth.end(LEDGER).await.unwrap())
        });
        let answer = Err(CommandError::Unknown);
        Running { writer: step.writer, call: Call { id, want, began_after, end: 0, answer }, task }
    }
}

/// A snapshot of what a writer has, through its bytes.
fn restored(ledger: &Ledger) -> (Fold, u64) {
    let seen = ledger.seen();
    (Fold::restore(&seen.fold.snapshot().unwrap()).unwrap(), seen.next)
}

/// Opens a writer, trying again where the log fails.
pub async fn start(log: Arc<dyn Log>, clock: &ManualClock, writer: usize) -> Ledger {
    start_in(log, world(clock), writer, None).await
}

pub async fn start_in(log: Arc<dyn Log>, world: World, writer: usize, from: Option<(Fold, u64)>) -> Ledger {
    // No pauses: under one thread the scheduler interleaves enough, and no time passes.
    let timing = Timing { jitter: Duration::ZERO, ..Timing::default() };
    loop {
        let node = format!("node-{writer}");
        match Ledger::open_with(log.clone(), world.clone(), node, from.clone(), timing.clone()).await {
            Ok(ledger) => return ledger,
            Err(_) => yield_now().await,
        }
    }
}

/// Everything in the ledger of a log that fails nobody.
pub async fn all_records(log: &dyn Log) -> Vec<Record> {
    read_to_end(log, LEDGER, 0).await.unwrap().0
}

/// Which command each key stands for.
pub fn wants(calls: &[Call]) -> HashMap<String, Want> {
    calls.iter().map(|call| (call.id.clone(), call.want)).collect()
}
