//! Teams: their names, what changes, and what goes with them.

use std::sync::Arc;

use domain::team::{Change, Changed, Command, Deleted, default_settings};
use domain::{Event, HostId, Refusal, TeamId, host, query, settings::Settings};
use serde_json::{Value, json};

use super::{START, enrolled, given, invalid, members, not_found, secrets_kept, taken, team_created};

fn create(name: &str) -> Command {
    let (name, description, settings) = (name.to_owned(), String::new(), json!({}).into());
    Command::Create { name, description, agent_options: None, settings, secrets: vec![] }
}

fn change() -> Changed {
    Changed { team: TeamId(1), name: None, description: None, agent_options: Change::Keep, settings: None }
}

fn wish(Changed { team, name, description, agent_options, settings }: Changed) -> Command {
    Command::Change { team, name, description, agent_options, settings }
}

#[test]
fn a_team_comes_with_its_secrets_and_a_name_without_blanks_around() {
    given([])
        .when(create("  Desks "))
        .then([team_created(1, "Desks"), secrets_kept(Some(1), [], START)])
        .when(create("Racks"))
        .then([team_created(2, "Racks"), secrets_kept(Some(2), [], START)]);
}

#[test]
fn a_name_must_be_one_and_free_and_not_mean_something_else() {
    let known = given([team_created(1, "Desks"), team_created(2, "Racks")]);
    let reserved = |name: &str| invalid("name", &format!("{name:?} is a reserved team name"));
    let cases: [(&str, Refusal); 5] = [
        ("  ", invalid("name", "may not be empty")),
        ("All Teams", reserved("All Teams")),
        (" no team ", reserved("no team")),
        ("racks", taken("Team", "racks")),
        (" RACKS", taken("Team", "RACKS")),
    ];
    for (name, refusal) in cases {
        known.clone().when(create(name)).refused(refusal.clone());
        known.clone().when(wish(Changed { name: Some(name.to_owned()), ..change() })).refused(refusal);
    }
    let louder = Changed { name: Some("DESKS".to_owned()), ..change() };
    known.when(wish(louder.clone())).then([louder.into()]);
}

#[test]
fn only_what_changes_is_recorded() {
    let options = |value: Value| Change::Set(Some(Arc::new(value)));
    let known = given([team_created(1, "Desks")]);
    let same = Changed {
        name: Some(" Desks ".to_owned()),
        description: Some(String::new()),
        agent_options: Change::Set(None),
        settings: Some(json!({}).into()),
        ..change()
    };
    known.clone().when(wish(same.clone())).then([]);
    known.clone().when(wish(change())).then([]);
    let described = Changed { description: Some("Under the roof".to_owned()), ..change() };
    known.clone().when(wish(Changed { description: described.description.clone(), ..same })).then([described.into()]);
    let set = Changed { agent_options: options(json!({"config": {}})), ..change() };
    let cleared = Changed { agent_options: Change::Set(None), ..change() };
    known
        .when(wish(set.clone()))
        .then([set.clone().into()])
        .when(wish(set))
        .then([])
        .when(wish(cleared.clone()))
        .then([cleared.into()]);
}

#[test]
fn a_team_that_does_not_exist_is_neither_changed_nor_deleted() {
    given([]).when(wish(change())).refused(not_found("Team", "1"));
    given([]).when(Command::Delete { team: TeamId(3) }).refused(not_found("Team", "3"));
}

#[test]
fn with_a_team_go_its_secrets_and_queries_and_its_hosts_stay() {
    let team = TeamId(1);
    let spec = query::Spec { name: "q".to_owned(), query: "SELECT 1".to_owned(), ..query::Spec::default() };
    let of = |query, team| {
        Event::from(query::Created { query: domain::QueryId(query), team, spec: spec.clone(), author: None })
    };
    let moved = host::Transferred { hosts: members([1]), team: Some(team) };
    let then = given([team_created(1, "Desks"), secrets_kept(Some(1), ["s"], START), enrolled(1), enrolled(2)])
        .and([moved.into(), of(1, Some(team)), of(2, None)])
        .when(Command::Delete { team })
        .then([Deleted { team }.into()]);
    let state = &then.state;
    assert_eq!(state.hosts.get(HostId(1)).unwrap().team, None);
    assert_eq!(state.hosts.of_team(None), members([1, 2]));
    assert_eq!(state.teams.scope_of_secret(&domain::Digest::of("s")), None);
    assert_eq!(state.queries.iter().map(|query| query.id.0).collect::<Vec<_>>(), [2]);
    then.when(create("desks")).then([team_created(2, "desks"), secrets_kept(Some(2), [], START)]);
}

#[test]
fn a_new_team_starts_with_the_features_of_the_organisation() {
    let settings = default_settings(&Settings::default());
    assert_eq!(settings["features"], json!({"enable_host_users": true, "enable_software_inventory": true}));
    assert_eq!(settings["host_expiry_settings"]["host_expiry_enabled"], false);
}
