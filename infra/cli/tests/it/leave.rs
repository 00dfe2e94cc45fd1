//! Ctrl-C, `--stop`, and a reader that goes away.

use serde_json::json;

use crate::cli::{Cli, Ran, interrupt};
use crate::fake::{self, Fake};

const STOP: &str = "POST /api/muster/v1/campaigns/42/stop";

fn server() -> Fake {
    let fake = Fake::start();
    fake.answers("POST /api/muster/v1/campaigns", json!({"campaign": fake::campaign("running", [0, 0, 0, 1, 0])}));
    fake.answers(STOP, json!({"campaign": fake::campaign("stopped", [0, 0, 0, 1, 0])}));
    fake
}

fn interrupted(fake: &Fake, arguments: &[&str]) -> Ran {
    fake.streams(vec![fake::counts([0, 0, 0, 1, 1])]);
    let child = Cli::with_token(&fake.address).spawn(&[&["query", "SELECT 1", "--all"], arguments].concat());
    fake.wait_for_followers(1);
    interrupt(&child);
    child.wait_with_output().unwrap().into()
}

#[test]
fn ctrl_c_leaves_the_campaign_and_says_how_to_come_back() {
    let fake = server();
    interrupted(&fake, &[]).expect(130).says("`musterctl campaign follow 42`").says("`musterctl campaign stop 42`");
    fake.wait_for_leavers(1);
    assert!(fake.asked(STOP).is_empty());
}

#[test]
fn ctrl_c_stops_the_campaign_if_asked_to() {
    let fake = server();
    interrupted(&fake, &["--stop"]).expect(130).says("campaign 42 is stopped");
    assert_eq!(fake.asked(STOP).len(), 1);
}

#[test]
fn a_campaign_that_is_to_be_stopped_is_stopped_at_every_end() {
    let fake = server();
    fake.streams(vec![
        fake::counts([0, 0, 0, 1, 1]),
        fake::rows(1, 1, json!([{"n": "1"}])),
        fake::counts([1, 0, 0, 0, 1]),
    ]);
    Cli::with_token(&fake.address)
        .run(&["query", "SELECT 1", "--all", "--stop"])
        .expect(0)
        .says("campaign 42 is stopped");
    assert_eq!(fake.asked(STOP).len(), 1);
}

#[test]
fn a_campaign_can_be_stopped_from_elsewhere() {
    let fake = server();
    Cli::with_token(&fake.address).run(&["campaign", "stop", "42"]).expect(0).says("campaign 42 is stopped");
    assert_eq!(fake.asked(STOP).len(), 1);
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let fake = server();
    fake.answers("GET /api/latest/fleet/users", json!({"users": [{"id": 1, "name": "Ann"}]}));
    let mut child = Cli::with_token(&fake.address).spawn(&["get", "users", "--format", "json"]);
    drop(child.stdout.take());
    Ran::from(child.wait_with_output().unwrap()).expect(0).says("");
}
