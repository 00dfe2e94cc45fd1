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
    assert_eq!(summary.gaps(), Vec::<&str>::new(), "{summary}");
    assert_eq!(summary.enrolments, 12, "{summary}");
    assert!(summary.starts_from_snapshot + summary.starts_without >= 3, "{summary}");
}

#[tokio::test]
async fn a_planted_loss_is_found() {
    let summary = run("crash-loss", 12, Some(Plant::Loss)).await;
    let [problem] = &summary.problems[..] else { panic!("one line was taken away: {summary}") };
    assert!(problem.starts_with("a result line of crash-") && problem.contains("is not in the log"), "{problem}");
}

#[tokio::test]
async fn a_planted_double_is_found() {
    let summary = run("crash-double", 13, Some(Plant::Double)).await;
    let [problem] = &summary.problems[..] else { panic!("one follower went back: {summary}") };
    assert!(problem.contains("saw results out of order, or twice"), "{problem}");
}
