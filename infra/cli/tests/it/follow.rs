//! Following a campaign: what is sent, when it ends, and what a broken connection does.

use serde_json::json;

use crate::cli::{Cli, Ran};
use crate::fake::{self, Fake, Step};

fn server() -> Fake {
    let fake = Fake::start();
    fake.answers("POST /api/muster/v1/campaigns", json!({"campaign": fake::campaign("running", [0, 0, 0, 1, 0])}));
    fake
}

fn follow(fake: &Fake, arguments: &[&str]) -> Ran {
    Cli::with_token(&fake.address).run(&[&["campaign", "follow", "42"], arguments].concat())
}

#[test]
fn a_query_names_its_targets_and_follows_from_the_start() {
    let fake = server();
    fake.streams(vec![
        fake::counts([0, 0, 0, 1, 0]),
        fake::rows(8, 1, json!([{"n": "1"}])),
        fake::counts([1, 0, 0, 0, 0]),
    ]);
    let arguments =
        ["query", "SELECT 1 AS n", "--hosts", "a,b,", "--labels", "Ubuntu Linux", "--teams", "x", "--hours", "3"];
    let ran = Cli::with_token(&fake.address).run(&arguments).expect(0).says("1 row; of 1 host: 1 answered (0 failed)");
    assert!(ran.out.contains("build-1  1"), "{ran:?}");
    let asked = &fake.asked("POST /api/muster/v1/campaigns")[0];
    let selected = json!({"hosts": ["a", "b"], "labels": ["Ubuntu Linux"], "teams": ["x"]});
    assert_eq!(asked.body, json!({"selected": selected, "hours": 3, "query": "SELECT 1 AS n"}));
    assert_eq!(asked.token.as_deref(), Some("t0ken"));
    assert_eq!(
        fake.sockets(),
        [[
            json!({"type": "auth", "data": {"token": "t0ken"}}),
            json!({"type": "follow", "data": {"campaign_id": 42, "after": null}})
        ]]
    );
}

#[test]
fn a_saved_query_goes_by_its_exact_name() {
    let fake = server();
    fake.on("GET /api/latest/fleet/queries", |asked| {
        assert_eq!(asked.query["query"], "uptime");
        (200, json!({"queries": [{"id": 3, "name": "uptime of all"}, {"id": 5, "name": "uptime"}]}))
    });
    fake.streams(vec![end(), Step::Close]);
    Cli::with_token(&fake.address).run(&["query", "--name", "uptime", "--all"]).expect(0);
    let asked = &fake.asked("POST /api/muster/v1/campaigns")[0];
    assert_eq!(asked.body["query_id"], 5);
    assert_eq!(asked.body["selected"], json!({"hosts": [], "labels": ["All Hosts"], "teams": []}));
}

fn end() -> Step {
    fake::end("expired", [0, 0, 0, 0, 1])
}

#[test]
fn a_cut_socket_is_resumed_by_position_and_no_row_comes_twice() {
    let fake = server();
    fake.streams(vec![
        fake::counts([0, 0, 0, 3, 0]),
        fake::rows(10, 1, json!([{"n": "1"}])),
        fake::rows(11, 2, json!([{"n": "2"}])),
        Step::Cut,
    ]);
    // A server that sends the last one again does no harm either.
    fake.streams(vec![fake::counts([2, 0, 0, 1, 0]), fake::rows(11, 2, json!([{"n": "2"}])), Step::Close]);
    fake.streams(vec![
        fake::counts([2, 0, 0, 1, 0]),
        fake::rows(15, 3, json!([{"n": "3"}])),
        fake::counts([3, 0, 0, 0, 0]),
    ]);
    let ran = follow(&fake, &["--format", "json"]).expect(0).says("3 rows; of 3 hosts: 3 answered");
    let numbers: Vec<_> = ran
        .out
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["row"]["n"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(numbers, ["1", "2", "3"]);
    let after: Vec<_> = fake.sockets().iter().map(|messages| messages[1]["data"]["after"].clone()).collect();
    assert_eq!(after, [json!(null), json!(11), json!(11)]);
}

#[test]
fn errors_are_grouped_and_make_the_exit_code_1() {
    let fake = server();
    fake.streams(vec![
        fake::counts([0, 0, 0, 4, 0]),
        fake::error(1, 1, "no such table: foo"),
        fake::rows(2, 2, json!([{"n": "1"}])),
        fake::error(3, 3, "near \"x\": syntax error"),
        fake::error(4, 4, "no such table: foo"),
        fake::counts([1, 0, 3, 0, 0]),
    ]);
    let ran = follow(&fake, &[]).expect(1);
    let errors: Vec<_> = ran.err.lines().filter(|line| line.starts_with("error on")).collect();
    assert_eq!(
        errors,
        [
            "error on 2 hosts: no such table: foo (build-1, build-4)",
            "error on 1 host: near \"x\": syntax error (build-3)"
        ]
    );
}

#[test]
fn the_default_ends_when_all_online_hosts_have_answered() {
    let fake = server();
    fake.streams(vec![
        fake::counts([0, 0, 0, 2, 3]),
        fake::rows(1, 1, json!([{"n": "1"}])),
        // Counts may run ahead of the answers; the end is reached when both are here.
        fake::counts([1, 1, 0, 0, 3]),
        fake::rows(2, 2, json!([])),
    ]);
    follow(&fake, &["--exit"])
        .expect(0)
        .says("1 row; of 5 hosts: 2 answered (0 failed), 0 waiting, 3 offline")
        .says("3 hosts offline, asked when back, until 2026-11-23T10:00:00Z: `musterctl campaign follow 42`");
}

#[test]
fn waiting_goes_on_for_the_offline_ones() {
    let fake = server();
    fake.streams(vec![
        fake::counts([0, 0, 0, 1, 1]),
        fake::rows(1, 1, json!([{"n": "1"}])),
        fake::counts([1, 0, 0, 0, 1]),
        fake::rows(2, 2, json!([{"n": "2"}])),
    ]);
    let ran = follow(&fake, &["--wait"]).expect(0).says("2 rows; of 2 hosts: 2 answered");
    assert!(ran.out.contains("build-2  2"), "{ran:?}");
}

#[test]
fn the_end_of_the_campaign_is_the_end() {
    let fake = server();
    fake.streams(vec![fake::counts([0, 0, 0, 1, 0]), fake::end("stopped", [0, 0, 0, 0, 1])]);
    follow(&fake, &["--wait"]).expect(0).says("campaign 42 has ended (stopped)");
}

#[test]
fn nobody_online_ends_soon_and_says_so() {
    let fake = server();
    fake.streams(vec![fake::counts([0, 0, 0, 0, 2])]);
    let ran = follow(&fake, &[]).expect(0).says("2 hosts offline, asked when back");
    assert_eq!(ran.out, "");
}

#[test]
fn an_answer_that_was_cut_is_said() {
    let fake = server();
    fake.streams(vec![
        fake::counts([0, 0, 0, 1, 0]),
        fake::result(1, 1, json!({"state": "rows", "rows": [{"n": "1"}], "cut": true})),
    ]);
    follow(&fake, &[]).expect(0).says("rows are missing, cut at the server's limit, from build-1");
}

#[test]
fn time_that_is_up_is_a_failure_while_hosts_are_waited_for() {
    let fake = server();
    fake.streams(vec![fake::counts([0, 0, 0, 1, 0])]);
    follow(&fake, &["--timeout", "500ms"]).expect(1).says("the time is up; campaign 42 goes on");
}

#[test]
fn what_the_stream_refuses_is_told_and_the_campaign_named() {
    let fake = server();
    fake.streams(vec![Step::Send(json!({"type": "error", "data": "forbidden"})), Step::Close]);
    follow(&fake, &[])
        .expect(2)
        .says("cannot follow campaign 42: your account may no longer read this campaign")
        .says("musterctl campaign follow 42");
    fake.streams(vec![Step::Send(json!({"type": "error", "data": "unauthorized"})), Step::Close]);
    follow(&fake, &[]).expect(2).says("run `musterctl login`");
}

#[test]
fn messages_of_a_newer_server_are_passed_over() {
    let fake = server();
    let news = Step::Send(json!({"type": "weather", "data": {"sun": true}}));
    fake.streams(vec![fake::counts([0, 0, 0, 1, 0]), news, fake::rows(1, 1, json!([{"n": "1"}]))]);
    follow(&fake, &[]).expect(0);
}

#[test]
fn trouble_of_the_server_in_the_middle_is_waited_out() {
    let fake = server();
    let trouble = Step::Send(json!({"type": "error", "data": "results cannot be read at the moment"}));
    fake.streams(vec![fake::counts([0, 0, 0, 1, 0]), trouble, Step::Close]);
    fake.streams(vec![fake::counts([0, 0, 0, 1, 0]), fake::rows(1, 1, json!([{"n": "1"}]))]);
    follow(&fake, &[]).expect(0).says("1 row; of 1 host: 1 answered");
}

#[test]
fn a_session_that_ends_in_the_middle_is_said_at_once() {
    let fake = server();
    fake.streams(vec![fake::counts([0, 0, 0, 1, 0]), Step::Cut]);
    fake.streams(vec![Step::Send(json!({"type": "error", "data": "unauthorized"})), Step::Close]);
    follow(&fake, &[]).expect(2).says("run `musterctl login`").says("musterctl campaign follow 42");
    assert_eq!(fake.sockets().len(), 2);
}
