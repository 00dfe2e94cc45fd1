//! A process killed at any moment loses nothing that it acknowledged.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use infra_log::sqlite::Sqlite;
use infra_log::suite::{draft, everything};
use infra_log::{Log, Partition, Topic};

use super::{Hand, Place};

const FOLDER: &str = "MUSTER_TEST_CRASH_FOLDER";
const PARTITIONS: [Partition; 3] = [
    Partition { topic: Topic::Ledger, index: 0 },
    Partition { topic: Topic::Results, index: 3 },
    Partition { topic: Topic::Results, index: 4 },
];

/// The victim, when the test below starts this binary anew; nothing otherwise.
#[tokio::test]
async fn victim() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let log = Arc::new(Sqlite::open(Path::new(&folder), Hand::at("2026-11-22T23:00:00Z").clock()).unwrap());
    let mut writers = Vec::new();
    for (index, partition) in PARTITIONS.into_iter().enumerate() {
        let log = log.clone();
        writers.push(tokio::spawn(async move {
            for number in 0.. {
                let position =
                    log.append(partition, vec![draft(format!("{number} {}", "x".repeat(500)))]).await.unwrap()[0];
                println!("\n{index} {position}");
            }
        }));
    }
    for writer in writers {
        writer.await.unwrap();
    }
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_a_kill() {
    let place = Place::new();
    let mut told = [const { Vec::<u64>::new() }; 3];
    for round in 0..4 {
        let mut victim = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "sqlite::crash::victim", "--nocapture"])
            .env(FOLDER, place.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(victim.stdout.take().unwrap()).lines();
        let mut count = 0;
        let mut note = |line: String| {
            if let Some((index, position)) = line.split_once(' ')
                && let (Ok(index), Ok(position)) = (index.parse::<usize>(), position.parse())
            {
                told[index].push(position);
                count += 1;
            }
            count
        };
        while note(lines.next().unwrap().unwrap()) < 100 + 37 * round {}
        victim.kill().unwrap();
        lines.map_while(Result::ok).for_each(|line| {
            note(line);
        });
        victim.wait().unwrap();
    }
    let log = place.open();
    for (partition, told) in PARTITIONS.into_iter().zip(told) {
        let there: Vec<u64> = everything(&log, partition).await.iter().map(|record| record.position).collect();
        assert!(told.len() > 10 && told.iter().all(|position| there.binary_search(position).is_ok()), "{partition}");
        assert!(told.is_sorted_by(|a, b| a < b), "{partition}: a position was given twice");
    }
}
