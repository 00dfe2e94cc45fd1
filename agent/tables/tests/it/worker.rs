//! Queries in a worker: what one may not do to the agent, and what the agent is told.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use agent_tables::worker::{Answer, Config, Pool};
use agent_tables::{AgentInfo, Context, QueryError};

const FOR_EVER: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";

fn config() -> Config {
    Config { program: Some(env!("CARGO_BIN_EXE_muster-tables").into()), ..Config::default() }
}

async fn ask(pool: &Pool, sql: &str) -> Answer {
    pool.query(sql, &Context::default()).await
}

async fn value(pool: &Pool, sql: &str) -> String {
    ask(pool, sql).await.result.unwrap().rows[0].values()[0].clone()
}

/// Waits for a condition that must come true soon.
async fn until(mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(30), "it never came true");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn rows_come_back_as_from_the_engine() {
    let pool = Pool::new(config());
    let sql = "SELECT name, version, size FROM deb_packages ORDER BY name; SELECT 1 AS one";
    let expected = crate::support::engine().query(sql).unwrap();
    assert!(expected.rows.len() > 50);
    assert_eq!(ask(&pool, sql).await.result.unwrap(), expected);
}

#[tokio::test]
async fn the_context_and_views_reach_the_worker() {
    let pool = Pool::new(config());
    let context = |version: &str| Context {
        info: AgentInfo { version: version.into(), ..AgentInfo::default() },
        ..Context::default()
    };
    for version in ["1.0", "2.0"] {
        let output = pool.query("SELECT version FROM osquery_info", &context(version)).await.result.unwrap();
        assert_eq!(&output.rows[0]["version"], version);
    }
    pool.set_views(BTreeMap::from([("seven".into(), "SELECT 7 AS n".into()), ("bad".into(), "SELEC".into())]));
    assert_eq!(value(&pool, "SELECT n FROM seven").await, "7");
    pool.set_views(BTreeMap::new());
    assert_eq!(ask(&pool, "SELECT n FROM seven").await.result.unwrap_err().to_string(), "no such table: seven");
}

#[tokio::test]
async fn errors_are_told_in_sqlites_words_and_the_worker_lives_on() {
    let pool = Pool::new(Config { workers: 1, ..config() });
    let pid = value(&pool, "SELECT pid FROM osquery_info").await;
    let wrong_table = ask(&pool, "SELECT * FROM nowhere").await.result.unwrap_err();
    assert_eq!(wrong_table, QueryError::Sql("no such table: nowhere".into()));
    let required = ask(&pool, "SELECT * FROM file").await.result.unwrap_err().to_string();
    assert!(required.contains("table file") && required.contains("path"), "{required}");
    assert_eq!(value(&pool, "SELECT pid FROM osquery_info").await, pid);
}

#[tokio::test]
async fn a_query_that_never_ends_is_ended_and_the_worker_lives_on() {
    let time_limit = Duration::from_millis(500);
    let pool = Pool::new(Config { time_limit, workers: 1, ..config() });
    let pid = value(&pool, "SELECT pid FROM osquery_info").await;
    let start = Instant::now();
    let answer = ask(&pool, FOR_EVER).await;
    assert_eq!(answer.result.unwrap_err().to_string(), "query took longer than 0.5 s and was ended");
    assert!(start.elapsed() < time_limit + Duration::from_secs(10), "{:?}", start.elapsed());
    assert!(answer.stats.wall_time_ms >= 500, "{:?}", answer.stats);
    assert!(answer.stats.user_time_ms > 0, "{:?}", answer.stats);
    assert_eq!(value(&pool, "SELECT pid FROM osquery_info").await, pid, "it gave up by itself");
}

/// A table that hangs cannot be stopped from within: here it waits for a pipe that nobody writes.
#[tokio::test]
async fn a_worker_that_hangs_is_killed_and_replaced() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("status.d")).unwrap();
    crate::support::run("mkfifo", &[folder.path().join("status").to_str().unwrap()]);
    let pool = Pool::new(Config { time_limit: Duration::from_millis(300), workers: 1, ..config() });
    let pid = value(&pool, "SELECT pid FROM osquery_info").await;
    let sql = format!("SELECT * FROM deb_packages WHERE admindir = '{}'", folder.path().display());
    let error = ask(&pool, &sql).await.result.unwrap_err();
    assert_eq!(error.to_string(), "query took longer than 0.3 s and was ended");
    assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists(), "the worker is gone");
    assert_ne!(value(&pool, "SELECT pid FROM osquery_info").await, pid);
}

#[tokio::test]
async fn memory_that_sqlite_takes_is_limited() {
    let pool = Pool::new(Config { memory_mib: 256, workers: 1, ..config() });
    let pid = value(&pool, "SELECT pid FROM osquery_info").await;
    for sql in [
        "SELECT length(group_concat(hex(randomblob(100000)))) FROM (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) SELECT i FROM n)",
        "WITH RECURSIVE n(i, b) AS (SELECT 1, randomblob(10000) UNION ALL SELECT i + 1, randomblob(10000) FROM n WHERE i < 1000000) SELECT count(*) FROM (SELECT b FROM n ORDER BY b)",
        "SELECT length(zeroblob(900000000) || 'x')",
    ] {
        let error = ask(&pool, sql).await.result.unwrap_err();
        assert_eq!(error.to_string(), "query used more than 256 MiB of memory and was ended", "{sql}");
    }
    assert_eq!(value(&pool, "SELECT pid FROM osquery_info").await, pid, "it gave up by itself");
}

/// What the tables themselves hold is not SQLite's to count, so the operating system ends the worker.
#[tokio::test]
async fn memory_that_tables_take_is_limited_by_the_operating_system() {
    let folder = tempfile::tempdir().unwrap();
    let line = format!("Package: p\nVersion: 1\nMaintainer: {}\n\n", "m".repeat(1_000_000));
    std::fs::write(folder.path().join("status"), line.repeat(150)).unwrap();
    let sql = format!("SELECT count(*) FROM deb_packages WHERE admindir = '{}'", folder.path().display());
    // With the smaller limit there is not even room for the file, which must not look like a missing file.
    for memory_mib in [256, 128] {
        let pool = Pool::new(Config { memory_mib, workers: 1, ..config() });
        let pid = value(&pool, "SELECT pid FROM osquery_info").await;
        let error = ask(&pool, &sql).await.result.unwrap_err();
        assert_eq!(error.to_string(), format!("query used more than {memory_mib} MiB of memory and was ended"));
        assert_ne!(value(&pool, "SELECT pid FROM osquery_info").await, pid, "a new worker");
    }
}

#[tokio::test]
async fn an_answer_that_is_too_long_is_refused() {
    let pool = Pool::new(Config { output_mib: 1, workers: 1, ..config() });
    let pid = value(&pool, "SELECT pid FROM osquery_info").await;
    let sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000) SELECT i, hex(zeroblob(50)) AS zeros FROM n";
    // Control characters count as JSON writes them: six bytes each.
    let control = "SELECT replace(hex(zeroblob(100000)), '0', char(1)) AS control";
    for sql in [sql, control] {
        let error = ask(&pool, sql).await.result.unwrap_err();
        assert_eq!(error.to_string(), "query returned more than 1 MiB and was ended");
    }
    assert_eq!(value(&pool, "SELECT pid FROM osquery_info").await, pid, "it gave up by itself");
}

/// A row of one digit takes a few bytes on the wire but hundreds in memory.
#[tokio::test]
async fn rows_and_cells_count_however_small() {
    let pool = Pool::new(Config { output_mib: 1, workers: 1, ..config() });
    let rows = |rows| {
        format!(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows}) SELECT 1 AS a, 2 AS b FROM n"
        )
    };
    // 128 for the row, 64 for each of two cells, and four bytes of text.
    let fitting = 1024 * 1024 / (128 + 2 * 64 + 4);
    assert_eq!(ask(&pool, &rows(fitting)).await.result.unwrap().rows.len(), fitting);
    let error = ask(&pool, &rows(fitting + 1)).await.result.unwrap_err();
    assert_eq!(error, QueryError::TooMuchOutput { mib: 1 });
}

#[tokio::test]
async fn a_query_that_takes_its_worker_with_it_is_told_from_one_that_was_stopped() {
    let pool = Pool::new(Config { workers: 1, ..config() });
    for (signal, expected) in [
        ("KILL", QueryError::Crashed("ended by signal 9".into())),
        ("TERM", QueryError::Worker("ended by signal 15".into())),
    ] {
        let pid = value(&pool, "SELECT pid FROM osquery_info").await;
        let kill = async { crate::support::run("kill", &["-s", signal, &pid]) };
        let (answer, _) = tokio::join!(ask(&pool, FOR_EVER), kill);
        assert_eq!(answer.result.unwrap_err(), expected);
    }
}

#[tokio::test]
async fn a_worker_that_was_killed_between_queries_is_replaced_unseen() {
    let pool = Pool::new(Config { workers: 1, ..config() });
    let pid = value(&pool, "SELECT pid FROM osquery_info").await;
    crate::support::run("kill", &["-9", &pid]);
    let ended = || std::fs::read_to_string(format!("/proc/{pid}/stat")).map_or(true, |stat| stat.contains(") Z"));
    until(ended).await;
    assert_ne!(value(&pool, "SELECT pid FROM osquery_info").await, pid);
}

#[tokio::test]
async fn a_program_that_is_no_worker_is_named_as_the_failure() {
    let pool = Pool::new(Config { program: Some("/no/such/program".into()), ..config() });
    let error = ask(&pool, "SELECT 1").await.result.unwrap_err().to_string();
    assert!(error.starts_with("query worker failed: cannot be started"), "{error}");
    let pool = Pool::new(Config { program: Some("/bin/false".into()), ..config() });
    let error = ask(&pool, "SELECT 1").await.result.unwrap_err().to_string();
    assert!(error.contains("exit status: 1"), "{error}");
}

#[tokio::test]
async fn as_many_queries_run_at_once_as_there_are_workers() {
    let pool = Arc::new(Pool::new(Config { workers: 2, time_limit: Duration::from_secs(2), ..config() }));
    let long = tokio::spawn({
        let pool = pool.clone();
        async move { ask(&pool, FOR_EVER).await }
    });
    assert_eq!(value(&pool, "SELECT 1").await, "1");
    assert!(!long.is_finished(), "the short one did not wait for the long one");
    assert!(matches!(long.await.unwrap().result, Err(QueryError::TooLong(_))));
}

#[tokio::test]
async fn a_query_that_nobody_waits_for_is_ended() {
    let pool = Pool::new(Config { workers: 1, time_limit: Duration::from_secs(600), ..config() });
    let pid = value(&pool, "SELECT pid FROM osquery_info").await;
    let dropped = tokio::time::timeout(Duration::from_millis(100), ask(&pool, FOR_EVER)).await;
    assert!(dropped.is_err());
    until(|| !std::path::Path::new(&format!("/proc/{pid}")).exists()).await;
    assert_ne!(value(&pool, "SELECT pid FROM osquery_info").await, pid);
}

#[tokio::test]
async fn workers_are_nice_and_limited() {
    let pool = Pool::new(Config { memory_mib: 300, nice: 7, ..config() });
    let sql = "SELECT pid, nice FROM processes WHERE pid = (SELECT pid FROM osquery_info)";
    let own = ask(&pool, sql).await.result.unwrap().rows[0].clone();
    let ours = crate::support::run("ps", &["-o", "ni=", "-p", &std::process::id().to_string()]);
    assert_eq!(own["nice"].parse::<i64>().unwrap(), (ours.trim().parse::<i64>().unwrap() + 7).min(19));
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", &own["pid"])).unwrap();
    let address_space = limits.lines().find(|line| line.starts_with("Max address space")).unwrap();
    let limit = (300u64 * 1024 * 1024).to_string();
    assert_eq!(address_space.split_whitespace().skip(3).take(2).collect::<Vec<_>>(), [&limit, &limit]);
}

#[tokio::test]
async fn the_cost_of_a_query_is_measured() {
    let pool = Pool::new(Config { workers: 1, ..config() });
    let cheap = ask(&pool, "SELECT 1").await.stats;
    let costly = ask(&pool, "SELECT length(hex(randomblob(30000000)))").await.stats;
    assert!(costly.memory_bytes > 30_000_000, "{costly:?}");
    assert!(cheap.memory_bytes < 30_000_000, "{cheap:?}");
    assert!(
        costly.user_time_ms + costly.system_time_ms > cheap.user_time_ms + cheap.system_time_ms,
        "{costly:?} {cheap:?}"
    );
    assert!(costly.wall_time_ms > 0);
}
