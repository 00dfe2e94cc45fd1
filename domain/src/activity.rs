//! What decisions mean to people and auditors: the activities of a commit, with old and new values where they matter.
//!
//! Types and details are the API's (rest-api §15); what it has no type for has one of ours, in the same style. An
//! activity is told from the state *before* its event. Persons are in it by id only, sealed values not at all.

mod account;
mod fleet;
mod live;
mod plan;

use serde_json::{Map, Value, json};

use crate::ledger::{Commit, Decided};
use crate::members::Members;
use crate::records::Activity;
use crate::settings::osquery_flags;
use crate::state::State;
use crate::{Actor, Event, TeamId};

/// How many hosts an activity names; it counts them all.
const HOSTS_NAMED: usize = 10_000;

/// The activities of a commit that was decided on `before`, in order.
pub fn of_commit(before: &State, commit: &Commit) -> Vec<Activity> {
    let mut state = before.clone();
    let mut activities: Vec<Activity> = vec![];
    for decided in &commit.decided {
        let mut told = vec![];
        for event in &decided.events {
            told.extend(of_event(&state, event, decided));
            state.evolve(event, commit.stamp.recorded);
        }
        for Told { kind, details, actor } in plan::together(told) {
            activities.push(Activity {
                source: commit.stamp.source.clone(),
                sequence: commit.stamp.sequence,
                number: activities.len() as u32,
                recorded: commit.stamp.recorded,
                actor: actor.unwrap_or(decided.actor),
                command: decided.command.clone(),
                kind: kind.to_owned(),
                details,
            });
        }
    }
    activities
}

/// What stands for a value that is not told.
const STARS: &str = "********";

/// An activity before it has its place.
struct Told {
    kind: &'static str,
    details: Value,
    /// Who is named for it, if that is not who gave the command.
    actor: Option<Actor>,
}

impl Told {
    fn new(kind: &'static str, details: Value) -> Told {
        Told { kind, details, actor: None }
    }
}

fn of_event(before: &State, event: &Event, decided: &Decided) -> Vec<Told> {
    match event {
        Event::HostEnrolled(event) => fleet::enrolled(before, event),
        Event::HostKeyReplaced(event) => fleet::key_replaced(before, event),
        Event::HostContested(event) => fleet::contested(event),
        Event::HostsTransferred(event) => fleet::transferred(before, event),
        Event::HostsDeleted(event) => fleet::deleted(before, event),
        Event::UserCreated(event) => account::created(before, event),
        Event::UserChanged(event) => account::changed(before, event),
        Event::PasswordChanged(event) => account::password_changed(event),
        Event::UserDeleted(event) => account::deleted(event),
        Event::PersonErased(event) => account::erased(event),
        Event::SessionStarted(event) => account::logged_in(event),
        Event::SessionEnded(_) => account::logged_out(),
        Event::TeamCreated(event) => plan::team_created(event),
        Event::TeamChanged(event) => plan::team_changed(before, event),
        Event::TeamDeleted(event) => plan::team_deleted(before, event),
        Event::EnrollSecretsReplaced(event) => plan::secrets_replaced(before, event, decided),
        Event::SettingsChanged(event) => plan::settings_changed(before, event),
        Event::QueryCreated(event) => plan::query_created(before, event),
        Event::QueryChanged(event) => plan::query_changed(before, event),
        Event::QueryDeleted(event) => plan::query_deleted(before, event),
        Event::LabelCreated(event) => fleet::label_created(event),
        Event::LabelChanged(event) => fleet::label_changed(before, event),
        Event::LabelRedefined(event) => fleet::label_redefined(before, event),
        Event::LabelMembersChanged(event) => fleet::label_members_changed(before, event, decided),
        Event::LabelDeleted(event) => fleet::label_deleted(before, event),
        Event::CampaignStarted(event) => live::started(event),
        Event::CampaignExtended(event) => live::extended(before, event),
        Event::CampaignEnded(event) => live::ended(before, event),
        Event::CarveBegun(event) => live::carve_begun(event),
        Event::CarveEnded(event) => live::carve_ended(event),
        // That somebody goes on using what they signed in to is nothing that they decided.
        Event::SessionUsed(_) => vec![],
    }
}

/// `team_id` and `team_name`, both null for no team.
fn team(state: &State, team: Option<TeamId>) -> Value {
    let name = team.and_then(|id| state.teams.get(id)).map(|team| &team.name);
    json!({"team_id": team, "team_name": name})
}

/// `host_ids` and `host_display_names` of the first hosts, and how many there are.
fn hosts(state: &State, hosts: &Members) -> Value {
    let named: Vec<_> = hosts.iter().take(HOSTS_NAMED).collect();
    let names: Vec<_> =
        named.iter().map(|id| state.hosts.get(*id).map_or("", |host| host.identifier.as_str())).collect();
    json!({"host_ids": named, "host_display_names": names, "host_count": hosts.len()})
}

/// The members of both objects.
fn and(one: Value, other: Value) -> Value {
    match (one, other) {
        (Value::Object(mut one), Value::Object(other)) => {
            one.extend(other);
            Value::Object(one)
        }
        (one, _) => one,
    }
}

/// `changes`: the members in which two objects differ, each with its old and new value, sealed ones blanked.
fn changes(old: &Value, new: &Value) -> Value {
    let none = Map::new();
    let (old, new) = (old.as_object().unwrap_or(&none), new.as_object().unwrap_or(&none));
    let mut changes = Map::new();
    for name in old.keys().chain(new.keys().filter(|name| !old.contains_key(*name))) {
        let value = |of: &Map<String, Value>| of.get(name).cloned().unwrap_or_default();
        let (before, after) = (value(old), value(new));
        if before != after {
            changes.insert(name.clone(), json!({"old": blanked(&before), "new": blanked(&after)}));
        }
    }
    json!({"changes": changes})
}

/// The same with stars for every sealed value, and for every flag of osquery that holds a secret: agent options could
/// have one before these were refused.
fn blanked(value: &Value) -> Value {
    match value {
        Value::Object(members) if members.contains_key("sealed") => STARS.into(),
        Value::Object(members) => {
            let starred = |name: &str, value: &Value| match osquery_flags::is_secret(name) && !value.is_null() {
                true => STARS.into(),
                false => blanked(value),
            };
            members.iter().map(|(name, value)| (name.clone(), starred(name, value))).collect()
        }
        Value::Array(items) => items.iter().map(blanked).collect(),
        plain => plain.clone(),
    }
}

#[cfg(test)]
mod tests;
