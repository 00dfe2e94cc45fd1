//! Hosts and labels.

use serde_json::{Value, json};

use super::{Told, and, changes, hosts, team};
use crate::host::{ContestedIdentity, Deleted, Enrolled, KeyReplaced, Transferred};
use crate::ledger::Decided;
use crate::state::State;
use crate::{Event, LabelId, TeamId, label};

/// The serial number is not decided but reported, so it is not told here.
pub(super) fn enrolled(before: &State, event: &Enrolled) -> Vec<Told> {
    let details = json!({
        "host_id": event.host, "host_serial": "", "host_display_name": event.identifier,
        "succeeds_host_id": event.succeeds
    });
    vec![Told::new("fleet_enrolled", and(details, team(before, event.team)))]
}

pub(super) fn key_replaced(before: &State, event: &KeyReplaced) -> Vec<Told> {
    let old_team = before.hosts.get(event.host).and_then(|host| host.team);
    let details = json!({
        "host_id": event.host, "host_display_name": event.identifier, "old_team_id": old_team
    });
    vec![Told::new("re_enrolled_host", and(details, team(before, event.team)))]
}

pub(super) fn contested(event: &ContestedIdentity) -> Vec<Told> {
    let details = json!({
        "host_id": event.host, "identifier": event.identifier, "until": event.until.to_rfc3339()
    });
    vec![Told::new("contested_host_identity", details)]
}

pub(super) fn transferred(before: &State, event: &Transferred) -> Vec<Told> {
    let existing = before.hosts.teams();
    let from = existing.into_iter().filter(|old| *old != event.team).filter_map(|old: Option<TeamId>| {
        let moved = event.hosts.and(&before.hosts.of_team(old));
        (!moved.is_empty()).then(|| and(team(before, old), json!({"host_count": moved.len()})))
    });
    let from: Vec<_> = from.collect();
    let details = and(and(team(before, event.team), hosts(before, &event.hosts)), json!({"from": from}));
    vec![Told::new("transferred_hosts", details)]
}

pub(super) fn deleted(before: &State, event: &Deleted) -> Vec<Told> {
    vec![Told::new("deleted_hosts", hosts(before, &event.hosts))]
}

pub(super) fn label_created(event: &label::Created) -> Vec<Told> {
    if event.builtin {
        return vec![];
    }
    vec![Told::new("created_label", json!({"label_id": event.label, "label_name": event.name}))]
}

pub(super) fn label_changed(before: &State, event: &label::Changed) -> Vec<Told> {
    let Some(old) = before.labels.get(event.label) else { return vec![] };
    let old = json!({"name": old.name, "description": old.description});
    let new = json!({"name": event.name, "description": event.description});
    edited_label(before, event.label, changes(&old, &new))
}

pub(super) fn label_redefined(before: &State, event: &label::Redefined) -> Vec<Told> {
    let Some(old) = before.labels.get(event.label) else { return vec![] };
    let old = json!({"query": old.query, "platform": old.platform, "membership": old.membership});
    let new = json!({"query": event.query, "platform": event.platform, "membership": event.membership});
    edited_label(before, event.label, changes(&old, &new))
}

/// The members that a label is made with are part of its making.
pub(super) fn label_members_changed(before: &State, event: &label::MembersChanged, decided: &Decided) -> Vec<Told> {
    let is_new = |one: &Event| matches!(one, Event::LabelCreated(created) if created.label == event.label);
    if decided.events.iter().any(is_new) {
        return vec![];
    }
    let details = json!({"joined": hosts(before, &event.joined), "left": hosts(before, &event.left)});
    vec![Told::new("edited_label_members", and(named_label(before, event.label), details))]
}

pub(super) fn label_deleted(before: &State, event: &label::Deleted) -> Vec<Told> {
    vec![Told::new("deleted_label", named_label(before, event.label))]
}

fn edited_label(before: &State, label: LabelId, change: Value) -> Vec<Told> {
    vec![Told::new("edited_label", and(named_label(before, label), change))]
}

fn named_label(before: &State, label: LabelId) -> Value {
    let name = before.labels.get(label).map_or("", |label| label.name.as_str());
    json!({"label_id": label, "label_name": name})
}
