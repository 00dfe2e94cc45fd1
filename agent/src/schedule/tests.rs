//! The schedule against a clock that the test sets, tables that it writes, and a state in memory.

use std::sync::Arc;

use serde_json::Value;
use tokio::sync::watch;

use super::{Course, Decorations, ScheduleStats, Scheduler};
use crate::config::{Config, InForce, Machine};
use crate::flags::Flags;
use crate::logger::{Logger, Parts};
use crate::ports::fixed::{Fixed, Stopped};
use crate::queries::QueryError;
use crate::queries::scripted::Scripted;
use crate::state::{Kind, State};

/// A scheduler, and hands on everything it uses.
struct Stage {
    scheduler: Scheduler,
    queries: Arc<Scripted>,
    time: Arc<Stopped>,
    state: Arc<State>,
    in_force: watch::Sender<InForce>,
}

/// Splaying is off, so that intervals are what they seem.
fn in_force(config: &str, options: &[(&str, &str)]) -> InForce {
    let config = Config::parse(config).unwrap();
    let mut flags = Flags::default();
    for (name, value) in [("schedule_splay_percent", "0")].iter().chain(options) {
        flags.set(name, &(*value).into()).unwrap();
    }
    InForce { config: Arc::new(config), flags: Arc::new(flags) }
}

impl Stage {
    fn new() -> Self {
        let (queries, time) = (Arc::new(Scripted::default()), Arc::new(Stopped::default()));
        let state = Arc::new(State::in_memory().unwrap());
        let decorations = Decorations::default();
        let in_force = watch::Sender::new(InForce::default());
        let logger = Logger::new(Parts {
            state: state.clone(),
            time: time.clone(),
            in_force: in_force.subscribe(),
            decorations: decorations.clone(),
            host_identifier: "h".into(),
            version: "5.16.0".into(),
            buffer_bytes: 1 << 20,
        });
        let scheduler = Scheduler {
            state: state.clone(),
            queries: queries.clone(),
            time: time.clone(),
            dice: Arc::new(Fixed(0)),
            logger,
            machine: Machine { platform: "debian".into(), version: "5.16.0".into(), hostname: "web-01".into() },
            decorations,
            stats: ScheduleStats::default(),
        };
        Stage { scheduler, queries, time, state, in_force }
    }

    async fn begin(&self, config: &str, options: &[(&str, &str)]) -> Course {
        let in_force = in_force(config, options);
        self.in_force.send_replace(in_force.clone());
        self.scheduler.begin(in_force).await
    }

    async fn tick(&self, course: &mut Course, now: u64) {
        self.time.set(now);
        self.scheduler.tick(course).await;
    }

    /// The result lines since the last call: action, the cell `v` or the snapshot, epoch and counter.
    fn results(&self) -> Vec<(String, String, u64, u64)> {
        let read = |line: Value| {
            let what = if line["columns"].is_null() {
                line["snapshot"].to_string()
            } else {
                line["columns"]["v"].as_str().unwrap().to_owned()
            };
            (
                line["action"].as_str().unwrap().to_owned(),
                what,
                line["epoch"].as_u64().unwrap(),
                line["counter"].as_u64().unwrap(),
            )
        };
        self.lines(Kind::Result).into_iter().map(read).collect()
    }

    fn complaints(&self) -> Vec<String> {
        let serious = |line: &Value| line["severity"].as_u64() > Some(0);
        self.lines(Kind::Status)
            .iter()
            .filter(|line| serious(line))
            .map(|line| line["message"].as_str().unwrap().to_owned())
            .collect()
    }

    fn lines(&self, kind: Kind) -> Vec<Value> {
        let lines = self.state.oldest_lines(kind, 1000, 1 << 30).unwrap();
        if let Some(last) = lines.last() {
            self.state.delete_lines(kind, last.id).unwrap();
        }
        lines.iter().map(|line| serde_json::from_str(&line.text).unwrap()).collect()
    }
}

fn line(action: &str, what: &str, epoch: u64, counter: u64) -> (String, String, u64, u64) {
    (action.to_owned(), what.to_owned(), epoch, counter)
}

const Q: &str = r#"{"schedule":{"q":{"query":"SELECT v","interval":60}}}"#;

#[tokio::test]
async fn a_differential_query_says_what_changed() {
    let stage = Stage::new();
    let mut course = stage.begin(Q, &[]).await;
    stage.queries.set("SELECT v", &[&[("v", "a")], &[("v", "b")]]);
    stage.tick(&mut course, 59).await;
    assert!(stage.queries.asked().is_empty());
    stage.tick(&mut course, 60).await;
    assert_eq!(stage.results(), [line("added", "a", 0, 0), line("added", "b", 0, 0)]);
    stage.tick(&mut course, 120).await;
    assert_eq!(stage.results(), []);
    stage.queries.set("SELECT v", &[&[("v", "b")], &[("v", "c")]]);
    stage.tick(&mut course, 180).await;
    assert_eq!(stage.results(), [line("removed", "a", 0, 2), line("added", "c", 0, 2)]);
}

#[tokio::test]
async fn a_restart_goes_on_where_the_last_run_stopped() {
    let stage = Stage::new();
    let mut course = stage.begin(Q, &[]).await;
    stage.queries.set("SELECT v", &[&[("v", "a")]]);
    stage.tick(&mut course, 60).await;
    stage.results();
    stage.time.set(70);
    let mut course = stage.begin(Q, &[]).await;
    stage.queries.set("SELECT v", &[&[("v", "a")], &[("v", "b")]]);
    stage.tick(&mut course, 120).await;
    assert_eq!(stage.results(), [line("added", "b", 0, 1)]);
}

#[tokio::test]
async fn another_epoch_begins_anew_and_another_text_at_zero() {
    let stage = Stage::new();
    let mut course = stage.begin(Q, &[]).await;
    stage.queries.set("SELECT v", &[&[("v", "a")]]);
    stage.tick(&mut course, 60).await;
    stage.tick(&mut course, 120).await;
    stage.results();
    stage.scheduler.follow(&mut course, in_force(Q, &[("schedule_epoch", "5")])).await;
    stage.tick(&mut course, 180).await;
    assert_eq!(stage.results(), [line("added", "a", 5, 0)]);
    let other = Q.replace("SELECT v", "SELECT w");
    stage.queries.set("SELECT w", &[&[("v", "a")], &[("v", "b")]]);
    stage.scheduler.follow(&mut course, in_force(&other, &[("schedule_epoch", "5")])).await;
    stage.tick(&mut course, 240).await;
    assert_eq!(stage.results(), [line("added", "b", 5, 0)]);
}

#[tokio::test]
async fn removed_rows_may_be_unwanted_but_are_remembered_as_gone() {
    let stage = Stage::new();
    let mut course = stage.begin(&Q.replace("60", r#"60,"removed":false"#), &[]).await;
    for (now, rows) in [(60, &[&[("v", "a")][..]][..]), (120, &[]), (180, &[&[("v", "a")]])] {
        stage.queries.set("SELECT v", rows);
        stage.tick(&mut course, now).await;
    }
    assert_eq!(stage.results(), [line("added", "a", 0, 0), line("added", "a", 0, 2)]);
}

#[tokio::test]
async fn a_snapshot_is_logged_every_time_even_when_empty() {
    let stage = Stage::new();
    let mut course = stage.begin(&Q.replace("60", r#"60,"snapshot":true"#), &[]).await;
    stage.queries.set("SELECT v", &[&[("v", "a")]]);
    stage.tick(&mut course, 60).await;
    stage.tick(&mut course, 120).await;
    stage.queries.set("SELECT v", &[]);
    stage.tick(&mut course, 180).await;
    let full = r#"[{"v":"a"}]"#;
    assert_eq!(
        stage.results(),
        [line("snapshot", full, 0, 0), line("snapshot", full, 0, 0), line("snapshot", "[]", 0, 0)]
    );
}

#[tokio::test]
async fn a_failing_query_keeps_what_it_knew() {
    let stage = Stage::new();
    let mut course = stage.begin(Q, &[]).await;
    stage.queries.set("SELECT v", &[&[("v", "a")]]);
    stage.tick(&mut course, 60).await;
    stage.queries.fail("SELECT v", QueryError::sql("disk I/O error"));
    stage.tick(&mut course, 120).await;
    stage.queries.set("SELECT v", &[&[("v", "a")]]);
    stage.tick(&mut course, 180).await;
    assert_eq!(stage.results(), [line("added", "a", 0, 0)]);
    assert_eq!(stage.complaints(), ["the scheduled query q failed: disk I/O error"]);
}

#[tokio::test]
async fn a_query_over_its_limits_rests_for_a_day_unless_it_may_not() {
    let stage = Stage::new();
    let config = r#"{"schedule":{"q":{"query":"SELECT v","interval":60},"stubborn":{"query":"SELECT w","interval":60,"denylist":false}}}"#;
    let mut course = stage.begin(config, &[]).await;
    for sql in ["SELECT v", "SELECT w"] {
        stage.queries.fail(sql, QueryError::over_limit("over its time limit"));
    }
    stage.tick(&mut course, 60).await;
    assert_eq!(stage.queries.asked(), ["SELECT v", "SELECT w"]);
    stage.tick(&mut course, 120).await;
    assert_eq!(stage.queries.asked(), ["SELECT w"]);
    assert!(stage.scheduler.stats.all()[0].denylisted);
    stage.tick(&mut course, 60 + 86_400).await;
    assert_eq!(stage.queries.asked(), ["SELECT v", "SELECT w"]);
}

#[tokio::test]
async fn another_text_does_not_rest() {
    let stage = Stage::new();
    let mut course = stage.begin(Q, &[]).await;
    stage.queries.fail("SELECT v", QueryError::over_limit("over its time limit"));
    stage.tick(&mut course, 60).await;
    stage.scheduler.follow(&mut course, in_force(&Q.replace("SELECT v", "SELECT w"), &[])).await;
    stage.tick(&mut course, 120).await;
    assert_eq!(stage.queries.asked(), ["SELECT v", "SELECT w"]);
}

#[tokio::test]
async fn a_pack_waits_for_its_discovery() {
    let stage = Stage::new();
    let config = r#"{"packs":{"p":{"discovery":["SELECT d"],"queries":{"q":{"query":"SELECT v","interval":60}}}}}"#;
    let mut course = stage.begin(config, &[("pack_refresh_interval", "100")]).await;
    stage.queries.set("SELECT d", &[]);
    stage.queries.set("SELECT v", &[]);
    stage.tick(&mut course, 60).await;
    assert_eq!(stage.queries.asked(), ["SELECT d"]);
    stage.queries.set("SELECT d", &[&[("x", "1")]]);
    stage.tick(&mut course, 120).await;
    assert!(stage.queries.asked().is_empty());
    stage.tick(&mut course, 180).await;
    assert_eq!(stage.queries.asked(), ["SELECT d", "SELECT v"]);
}

#[tokio::test]
async fn decorations_stand_in_every_line() {
    let stage = Stage::new();
    let config = r#"{"schedule":{"q":{"query":"SELECT v","interval":60,"snapshot":true}},"decorators":{"load":["SELECT l"],"always":["SELECT a"]}}"#;
    stage.queries.set("SELECT l", &[&[("loaded", "1")]]);
    stage.queries.set("SELECT a", &[&[("run", "1")]]);
    stage.queries.set("SELECT v", &[]);
    let mut course = stage.begin(config, &[]).await;
    stage.tick(&mut course, 60).await;
    stage.queries.set("SELECT a", &[&[("run", "2")]]);
    stage.tick(&mut course, 120).await;
    let runs: Vec<_> = stage.lines(Kind::Result).iter().map(|line| line["decorations"].to_string()).collect();
    assert_eq!(runs, [r#"{"loaded":"1","run":"1"}"#, r#"{"loaded":"1","run":"2"}"#]);
    let mut course = stage.begin(config, &[("disable_decorators", "true")]).await;
    stage.tick(&mut course, 180).await;
    assert!(stage.lines(Kind::Result)[0]["decorations"].is_null());
}

#[tokio::test]
async fn a_line_that_is_too_long_is_left_out_and_spoken_of() {
    let stage = Stage::new();
    let options = [("logger_tls_max_linesize", "300")];
    let mut course = stage.begin(Q, &options).await;
    stage.queries.set("SELECT v", &[&[("v", "short")], &[("v", &"x".repeat(300))]]);
    stage.tick(&mut course, 60).await;
    assert_eq!(stage.results(), [line("added", "short", 0, 0)]);
    assert_eq!(stage.complaints(), ["result lines of q lost, each longer than 300 bytes: 1"]);
}

#[tokio::test]
async fn a_full_buffer_drops_the_oldest_and_says_so() {
    let stage = Stage::new();
    let mut course = stage.begin(Q, &[("buffered_log_max", "2")]).await;
    stage.time.set(1000);
    stage.queries.set("SELECT v", &[&[("v", "a")], &[("v", "b")], &[("v", "c")]]);
    stage.tick(&mut course, 1020).await;
    assert_eq!(stage.results(), [line("added", "b", 0, 0), line("added", "c", 0, 0)]);
    assert_eq!(stage.complaints(), ["the buffer is full; result lines lost, the oldest first: 1"]);
}

#[tokio::test]
async fn a_buffer_without_a_limit_of_lines_keeps_them_all() {
    let stage = Stage::new();
    let mut course = stage.begin(Q, &[("buffered_log_max", "0")]).await;
    stage.queries.set("SELECT v", &[&[("v", "a")], &[("v", "b")]]);
    stage.tick(&mut course, 60).await;
    assert_eq!(stage.results(), [line("added", "a", 0, 0), line("added", "b", 0, 0)]);
}

#[tokio::test]
async fn runs_are_counted() {
    let stage = Stage::new();
    let mut course = stage.begin(Q, &[]).await;
    stage.queries.set("SELECT v", &[&[("v", "abc")]]);
    for now in [60, 120, 240] {
        stage.tick(&mut course, now).await;
    }
    let stats = stage.scheduler.stats.all().remove(0);
    assert_eq!((stats.name.as_str(), stats.executions, stats.last_executed, stats.output_size), ("q", 3, 240, 12));
    stage.scheduler.follow(&mut course, in_force("{}", &[])).await;
    assert!(stage.scheduler.stats.all().is_empty());
}

#[tokio::test]
async fn views_stay_until_a_configuration_names_others() {
    let stage = Stage::new();
    let mut course = stage.begin(r#"{"views":{"v":"SELECT 1"}}"#, &[]).await;
    assert_eq!(stage.queries.views(), ["v"]);
    stage.scheduler.follow(&mut course, in_force("{}", &[])).await;
    assert_eq!(stage.queries.views(), ["v"]);
    stage.scheduler.follow(&mut course, in_force(r#"{"views":{}}"#, &[])).await;
    assert!(stage.queries.views().is_empty());
}

#[tokio::test]
async fn a_full_disk_stops_nothing_and_loses_no_change() {
    let stage = Stage::new();
    let mut course = stage.begin(Q, &[]).await;
    stage.queries.set("SELECT v", &[&[("v", "a")]]);
    stage.tick(&mut course, 60).await;
    stage.state.refuse_writes(true);
    stage.queries.set("SELECT v", &[&[("v", "a")], &[("v", "b")]]);
    stage.tick(&mut course, 120).await;
    stage.scheduler.follow(&mut course, in_force(Q, &[])).await;
    stage.state.refuse_writes(false);
    stage.tick(&mut course, 180).await;
    assert_eq!(stage.results(), [line("added", "a", 0, 0), line("added", "b", 0, 1)]);
    assert_eq!(stage.queries.asked().len(), 3);
}
