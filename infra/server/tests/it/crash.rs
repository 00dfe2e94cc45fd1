//! The server is killed while hosts talk to it, in a short form; `muster-crash` has the long one.

use std::path::Path;
use std::time::Duration;

use infra_testkit::crash::{self, Plan, Plant, Summary};

use crate::house::fresh;

async fn run(name: &str, seed: u64, plant: Option<Plant>) -> Summary {
    let data = fresh(name).join("data");
    let life = Duration::from_millis(2_500);
    let muster = Path::new(env!("CARGO_BIN_EXE_muster")).to_owned();
    crash::run(&Plan { muster, data, rounds: 3, hosts: 12, seed, life, plant }).await.unwrap()
}

#[tokio::test]
async fn nothing_acknowledged_is_lost_or_doubled_when_the_server_is_killed() {
    let summary = run("crash", 11, None).await;
    assert_eq!(summary.problems, Vec::<String>::new(), "{summary}");
    assert_eq!(summary.enrolments, 12, "{summary}");
    assert!(summary.lines > 0 && summary.answers > 0 && summary.snapshots > 0 && summary.followed > 0, "{summary}");
    assert!(summary.streams as u32 >= summary.kills, "the follower came back: {summary}");
}

#[tokio::test]
async fn a_planted_loss_and_a_planted_double_are_found() {
    for (name, plant) in [("crash-loss", Plant::Loss), ("crash-double", Plant::Double)] {
        let summary = run(name, 12, Some(plant)).await;
        assert!(!summary.problems.is_empty(), "{plant:?} was not found: {summary}");
    }
}
