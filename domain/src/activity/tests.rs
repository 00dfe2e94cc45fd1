//! What is told of a commit, and what never is.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::of_commit;
use crate::campaign::{self, Stats};
use crate::ledger::{Commit, Decided, Stamp};
use crate::query::{Changed, Created, Deleted, Spec};
use crate::records::Activity;
use crate::{Actor, CampaignId, CommandId, Digest, Event, QueryId, State, Timestamp, UserId, settings};

fn spec(sql: &str) -> Spec {
    Spec { name: "usb".into(), query: sql.into(), ..Spec::default() }
}

fn query(id: u32, sql: &str) -> Event {
    Created { query: QueryId(id), team: None, spec: spec(sql), author: None }.into()
}

fn given(events: impl IntoIterator<Item = Event>) -> State {
    let mut state = State::default();
    events.into_iter().for_each(|event| state.evolve(&event, Timestamp::EPOCH));
    state
}

/// The activities of a commit of several commands.
fn told(before: &State, commands: Vec<Vec<Event>>) -> Vec<Activity> {
    let stamp = Stamp {
        id: "01".into(),
        source: "muster/a".into(),
        sequence: 7,
        prev: Digest([0; 32]),
        recorded: Timestamp::EPOCH,
    };
    let command = |(number, events)| Decided {
        command: CommandId(format!("c{number}")),
        actor: Actor::System,
        traceparent: None,
        events,
    };
    of_commit(before, &Commit { stamp, decided: commands.into_iter().enumerate().map(command).collect() })
}

fn kinds(told: &[Activity]) -> Vec<&str> {
    told.iter().map(|one| one.kind.as_str()).collect()
}

#[test]
fn a_change_tells_what_was_and_what_is_and_nothing_that_stayed() {
    let state = given([query(1, "SELECT 1")]);
    let told = told(&state, vec![vec![Changed { query: QueryId(1), spec: spec("SELECT 2") }.into()]]);
    assert_eq!(kinds(&told), ["edited_saved_query"]);
    let changes = json!({"query": {"old": "SELECT 1", "new": "SELECT 2"}});
    let expected = json!({"query_id": 1, "query_name": "usb", "team_id": null, "team_name": null, "changes": changes});
    assert_eq!(told[0].details, expected);
}

#[test]
fn agent_options_are_an_activity_of_their_own_and_sealed_secrets_stay_out() {
    let mail = json!({"password": {"sealed": {"key": "server/1", "text": "c2VjcmV0"}}, "port": 25});
    let sections = BTreeMap::from([
        ("agent_options".to_owned(), json!({"config": {}}).into()),
        ("smtp_settings".to_owned(), mail.into()),
    ]);
    let told = told(&State::default(), vec![vec![settings::Changed { sections }.into()]]);
    assert_eq!(kinds(&told), ["edited_agent_options", "edited_settings"]);
    let new = &told[1].details["changes"]["smtp_settings"]["new"];
    assert_eq!(*new, json!({"password": "********", "port": 25}));
    assert!(!told[1].details.to_string().contains("c2VjcmV0"));
}

#[test]
fn secret_flags_that_agent_options_had_once_are_not_told() {
    let options = |token: &str| json!({"config": {"options": {"aws_session_token": token, "aws_region": "eu"}}});
    let set = |token: &str| -> Event {
        settings::Changed { sections: [("agent_options".to_owned(), options(token).into())].into() }.into()
    };
    let told = told(&given([set("first-token")]), vec![vec![set("second-token")]]);
    assert_eq!((&told[0].details["old"], &told[0].details["new"]), (&options("********"), &options("********")));
}

#[test]
fn every_event_is_told_from_the_state_that_the_earlier_ones_leave() {
    let change = |sql: &str| -> Event { Changed { query: QueryId(1), spec: spec(sql) }.into() };
    let told = told(&given([query(1, "SELECT 1")]), vec![vec![change("SELECT 2")], vec![change("SELECT 3")]]);
    let sql = |one: &Activity| one.details["changes"]["query"].clone();
    assert_eq!(sql(&told[0]), json!({"old": "SELECT 1", "new": "SELECT 2"}));
    assert_eq!(sql(&told[1]), json!({"old": "SELECT 2", "new": "SELECT 3"}));
    let named: Vec<_> = told.iter().map(|one| (one.sequence, one.number, one.command.0.as_str())).collect();
    assert_eq!(named, [(7, 0, "c0"), (7, 1, "c1")]);
}

#[test]
fn queries_that_one_command_deletes_are_told_together() {
    let state = given([query(1, "SELECT 1"), query(2, "SELECT 2"), query(3, "SELECT 3")]);
    let delete = |id| -> Event { Deleted { query: QueryId(id) }.into() };
    let told = told(&state, vec![vec![delete(1), delete(3)], vec![delete(2)]]);
    assert_eq!(kinds(&told), ["deleted_multiple_saved_query", "deleted_saved_query"]);
    assert_eq!(told[0].details["query_ids"], json!([1, 3]));
    assert_eq!(told[1].details["query_name"], Value::from("usb"));
}

#[test]
fn a_live_query_is_told_by_its_author_and_its_costs_only_when_it_is_saved() {
    let stats = Stats { total_executions: 3, ..Stats::default() };
    let story = |name: Option<&str>| {
        let started = campaign::Started {
            campaign: CampaignId(4),
            sql: "SELECT 1".into(),
            query: name.map(|_| QueryId(1)),
            query_name: name.map(str::to_owned),
            by: Some(UserId(9)),
            targets: [crate::HostId(2), crate::HostId(5)].into_iter().collect(),
            attended: true,
            expires_at: Timestamp::FOREVER,
        };
        let stop = campaign::Command::Stop { campaign: CampaignId(4), stats: Some(stats) };
        let before = given([started.into()]);
        let events = stop.decide(&before, Timestamp::EPOCH).unwrap();
        told(&before, vec![events]).remove(0)
    };
    let saved = story(Some("usb"));
    assert_eq!((saved.kind.as_str(), saved.actor), ("live_query", Actor::User(UserId(9))));
    let expected = json!({
        "campaign_id": 4, "targets_count": 2, "query_sql": "SELECT 1", "reason": "stopped", "query_name": "usb",
        "stats": {
            "system_time_p50": null, "system_time_p95": null, "user_time_p50": null, "user_time_p95": null,
            "total_executions": 3
        }
    });
    assert_eq!(saved.details, expected);
    let unsaved = story(None).details;
    assert_eq!((unsaved.get("query_name"), unsaved.get("stats")), (None, None));
}
