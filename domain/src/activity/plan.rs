//! Teams, settings and queries.

use serde_json::{Map, Value, json};

use super::{Told, and, blanked, changes, team};
use crate::ledger::Decided;
use crate::settings;
use crate::state::State;
use crate::team::{Change, Changed, Created, Deleted, SecretsReplaced};
use crate::{Event, query};

pub(super) fn team_created(event: &Created) -> Vec<Told> {
    vec![Told::new("created_team", json!({"team_id": event.team, "team_name": event.name}))]
}

pub(super) fn team_changed(before: &State, event: &Changed) -> Vec<Told> {
    let Some(old) = before.teams.get(event.team) else { return vec![] };
    let named = || team(before, Some(event.team));
    let mut told = vec![];
    if let Change::Set(new) = &event.agent_options {
        let change = json!({"old": old.agent_options.as_deref().map(blanked), "new": new.as_deref().map(blanked)});
        told.push(Told::new("edited_agent_options", and(and(json!({"global": false}), named()), change)));
    }
    let (mut left, mut right) = (json!({}), json!({}));
    if let Some(name) = &event.name {
        (left["name"], right["name"]) = (json!(old.name), json!(name));
    }
    if let Some(description) = &event.description {
        (left["description"], right["description"]) = (json!(old.description), json!(description));
    }
    if let Some(settings) = &event.settings {
        (left, right) = (and(left, (*old.settings).clone()), and(right, (**settings).clone()));
    }
    if left != right {
        told.push(Told::new("edited_team", and(named(), changes(&left, &right))));
    }
    told
}

pub(super) fn team_deleted(before: &State, event: &Deleted) -> Vec<Told> {
    vec![Told::new("deleted_team", team(before, Some(event.team)))]
}

/// The secrets that a team is made with are part of its making.
pub(super) fn secrets_replaced(before: &State, event: &SecretsReplaced, decided: &Decided) -> Vec<Told> {
    let is_new = |one: &Event| matches!(one, Event::TeamCreated(created) if Some(created.team) == event.team);
    if decided.events.iter().any(is_new) {
        return vec![];
    }
    let old = before.teams.secrets(event.team);
    let kept = event.secrets.iter().filter(|new| old.iter().any(|old| old.digest == new.digest)).count();
    let change = json!({"added": event.secrets.len() - kept, "removed": old.len() - kept});
    vec![Told::new("edited_enroll_secrets", and(team(before, event.team), change))]
}

pub(super) fn settings_changed(before: &State, event: &settings::Changed) -> Vec<Told> {
    let mut told = vec![];
    let (mut left, mut right) = (Map::new(), Map::new());
    for (name, new) in &event.sections {
        let old = before.settings.section(name).cloned().unwrap_or_default();
        match name.as_str() {
            "agent_options" => {
                let scope = json!({"global": true, "team_id": null, "team_name": null});
                let change = json!({"old": blanked(&old), "new": blanked(new)});
                told.push(Told::new("edited_agent_options", and(scope, change)));
            }
            "gitops" => told.extend(gitops(&old, new)),
            _ => {
                if name == "webhook_settings" {
                    told.extend(automations(&old["activities_webhook"], &new["activities_webhook"]));
                }
                left.insert(name.clone(), old);
                right.insert(name.clone(), (**new).clone());
            }
        }
    }
    if !right.is_empty() {
        told.push(Told::new("edited_settings", changes(&left.into(), &right.into())));
    }
    told
}

fn automations(old: &Value, new: &Value) -> Option<Told> {
    let on = |hook: &Value| hook["enable_activities_webhook"] == true;
    let url = json!({"webhook_url": new["destination_url"]});
    match (on(old), on(new)) {
        (false, true) => Some(Told::new("enabled_activity_automations", url)),
        (true, false) => Some(Told::new("disabled_activity_automations", Value::Null)),
        (true, true) if old["destination_url"] != new["destination_url"] => {
            Some(Told::new("edited_activity_automations", url))
        }
        _ => None,
    }
}

fn gitops(old: &Value, new: &Value) -> Option<Told> {
    let on = |settings: &Value| settings["gitops_mode_enabled"] == true;
    match (on(old), on(new)) {
        (false, true) => Some(Told::new("enabled_gitops_mode", Value::Null)),
        (true, false) => Some(Told::new("disabled_gitops_mode", Value::Null)),
        _ => None,
    }
}

pub(super) fn query_created(before: &State, event: &query::Created) -> Vec<Told> {
    let named = json!({"query_id": event.query, "query_name": event.spec.name});
    vec![Told::new("created_saved_query", and(named, team(before, event.team)))]
}

pub(super) fn query_changed(before: &State, event: &query::Changed) -> Vec<Told> {
    let Some(old) = before.queries.get(event.query) else { return vec![] };
    let named = json!({"query_id": event.query, "query_name": event.spec.name});
    let change = changes(&json!(old.spec), &json!(event.spec));
    vec![Told::new("edited_saved_query", and(and(named, team(before, old.team)), change))]
}

const DELETED_QUERY: &str = "deleted_saved_query";

pub(super) fn query_deleted(before: &State, event: &query::Deleted) -> Vec<Told> {
    let Some(old) = before.queries.get(event.query) else { return vec![] };
    let named = json!({"query_id": event.query, "query_name": old.spec.name});
    vec![Told::new(DELETED_QUERY, and(named, team(before, old.team)))]
}

/// Queries that one command deleted are told together.
pub(super) fn together(told: Vec<Told>) -> Vec<Told> {
    let (deleted, mut others): (Vec<Told>, Vec<Told>) = told.into_iter().partition(|one| one.kind == DELETED_QUERY);
    if deleted.len() < 2 {
        others.extend(deleted);
        return others;
    }
    let all = |member: &str| deleted.iter().map(|one| one.details[member].clone()).collect::<Vec<Value>>();
    let details = json!({"query_ids": all("query_id"), "query_names": all("query_name")});
    others.push(Told::new("deleted_multiple_saved_query", details));
    others
}
