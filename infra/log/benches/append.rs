//! How many appends a second, and how long each takes, against SQLite alone on the same disk.
//!
//! `cargo bench -p infra-log` (a folder as argument chooses the disk). Ratios are safer than values.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use domain::Timestamp;
use infra_log::sqlite::Sqlite;
use infra_log::{Draft, Log, Topic, read_to_end};

const TIME: Duration = Duration::from_secs(3);

fn main() {
    let disk = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let disk = disk.map_or_else(std::env::temp_dir, Into::into);
    println!("records of 500 bytes and five headers, {} s each, on {}", TIME.as_secs(), disk.display());
    let one = bare(&disk, 1);
    let many = bare(&disk, 1000);
    println!("{:<44}{one:>12.0} records/s", "SQLite alone, 1 a transaction");
    println!("{:<44}{many:>12.0} records/s", "SQLite alone, 1000 a transaction");
    for (callers, records, spread) in
        [(1, 1, false), (16, 1, false), (256, 1, false), (256, 1, true), (1, 50, false), (16, 50, true)]
    {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
        let folder = tempfile::tempdir_in(&disk).expect("a folder");
        let log = Arc::new(Sqlite::open(folder.path(), Arc::new(now)).expect("a log"));
        let run = runtime.block_on(load(log, callers, records, spread));
        let name =
            format!("{callers} callers, {records} an append, {}", if spread { "24 partitions" } else { "1 partition" });
        println!(
            "{name:<44}{:>12.0} records/s  = {:>5.2} x alone with 1, {:>4.2} x alone with 1000; p50 {:>6} us, p99 {:>6} us; {:.1} records a transaction",
            run.rate,
            run.rate / one,
            run.rate / many,
            run.p50,
            run.p99,
            run.group
        );
    }
    scan(&disk);
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    Timestamp::from_micros(since.as_micros() as i64)
}

fn draft() -> Draft {
    let names = ["ce_id", "ce_type", "ce_time", "ce_subject", "host"];
    Draft {
        key: Some("host-1234".into()),
        headers: names.map(|name| (name.to_owned(), "0198c7a2-6b1e-7c55-9d34-1f2e3d4c5b6a".to_owned())).into(),
        value: vec![b'x'; 500].into(),
    }
}

/// What one connection does with the same rows, without a log around it.
fn bare(disk: &Path, group: usize) -> f64 {
    let folder = tempfile::tempdir_in(disk).expect("a folder");
    let conn = rusqlite::Connection::open(folder.path().join("bare.db")).expect("a database");
    conn.execute_batch(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;
         CREATE TABLE t (position INTEGER PRIMARY KEY, appended INTEGER NOT NULL, key BLOB, headers TEXT NOT NULL, value BLOB NOT NULL)",
    )
    .expect("a table");
    let draft = draft();
    let headers = serde_json::to_string(&draft.headers).expect("JSON");
    let (start, mut count) = (Instant::now(), 0i64);
    while start.elapsed() < TIME {
        conn.execute_batch("BEGIN IMMEDIATE").expect("begin");
        for _ in 0..group {
            let mut insert = conn.prepare_cached("INSERT INTO t VALUES (?1, ?2, ?3, ?4, ?5)").expect("insert");
            insert.execute((count, 1i64, draft.key.as_deref(), &headers, &draft.value[..])).expect("insert");
            count += 1;
        }
        conn.execute_batch("COMMIT").expect("commit");
    }
    count as f64 / start.elapsed().as_secs_f64()
}

struct Run {
    rate: f64,
    p50: u128,
    p99: u128,
    group: f64,
}

async fn load(log: Arc<Sqlite>, callers: u64, records: usize, spread: bool) -> Run {
    let start = Instant::now();
    let done = Arc::new(AtomicU64::new(0));
    let tasks: Vec<_> = (0..callers)
        .map(|caller| {
            let (log, done) = (log.clone(), done.clone());
            tokio::spawn(async move {
                let mut times = Vec::new();
                while start.elapsed() < TIME {
                    let partition = Topic::Results.partition_of(if spread { caller + times.len() as u64 } else { 1 });
                    let before = Instant::now();
                    log.append(partition, vec![draft(); records]).await.expect("append");
                    times.push(before.elapsed().as_micros());
                    done.fetch_add(records as u64, Ordering::Relaxed);
                }
                times
            })
        })
        .collect();
    let mut times = Vec::new();
    for task in tasks {
        times.extend(task.await.expect("a caller"));
    }
    let rate = done.load(Ordering::Relaxed) as f64 / start.elapsed().as_secs_f64();
    times.sort_unstable();
    let group = log.counts().records() as f64 / log.counts().transactions() as f64;
    Run { rate, p50: times[times.len() / 2], p99: times[times.len() * 99 / 100], group }
}

fn scan(disk: &Path) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let folder = tempfile::tempdir_in(disk).expect("a folder");
    let log = Sqlite::open(folder.path(), Arc::new(now)).expect("a log");
    runtime.block_on(async {
        let partition = Topic::Ledger.only();
        for _ in 0..100 {
            log.append(partition, vec![draft(); 1000]).await.expect("append");
        }
        let start = Instant::now();
        let (records, _) = read_to_end(&log, partition, 0).await.expect("read");
        println!("{:<44}{:>12.0} records/s", "reading all", records.len() as f64 / start.elapsed().as_secs_f64());
        let (start, mut reads) = (Instant::now(), 0);
        while start.elapsed() < Duration::from_secs(1) {
            log.read(partition, 100_000, 500, 1 << 20).await.expect("read");
            reads += 1;
        }
        println!("{:<44}{reads:>12} reads/s", "asking at the end, where nothing is new");
    });
}
