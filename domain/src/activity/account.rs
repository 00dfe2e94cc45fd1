//! People: accounts, their roles, and sign-ins. Names and addresses are filled in by whoever reads.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Told, and, team};
use crate::role::{Role, Roles};
use crate::session::Started;
use crate::state::State;
use crate::user::{Changed, Created, Deleted, Erased, PasswordChanged, Profile};
use crate::{Actor, TeamId, UserId};

pub(super) fn created(before: &State, event: &Created) -> Vec<Told> {
    let mut told = vec![Told::new("created_user", json!({"user_id": event.user}))];
    told.extend(roles_changed(before, event.user, None, &event.roles));
    told
}

pub(super) fn changed(before: &State, event: &Changed) -> Vec<Told> {
    let Some(old) = before.users.get(event.user) else { return vec![] };
    let mut told = vec![];
    let mut parts = event.profile.as_ref().map(|new| changed_parts(&old.profile, new)).unwrap_or_default();
    parts.extend(event.must_reset_password.map(|_| "must_reset_password"));
    if !parts.is_empty() {
        told.push(Told::new("edited_user", json!({"user_id": event.user, "changed": parts})));
    }
    if let Some(new) = &event.roles {
        told.extend(roles_changed(before, event.user, Some(&old.roles), new));
    }
    told
}

pub(super) fn password_changed(event: &PasswordChanged) -> Vec<Told> {
    vec![Told::new("changed_user_password", json!({"user_id": event.user}))]
}

pub(super) fn deleted(event: &Deleted) -> Vec<Told> {
    vec![Told::new("deleted_user", json!({"user_id": event.user}))]
}

pub(super) fn erased(event: &Erased) -> Vec<Told> {
    vec![Told::new("erased_user", json!({"user_id": event.user}))]
}

/// Told in the name of whoever signed in. The address that they came from is never on the ledger.
pub(super) fn logged_in(event: &Started) -> Vec<Told> {
    let details = json!({"user_id": event.user, "public_ip": ""});
    vec![Told { kind: "user_logged_in", details, actor: Some(Actor::User(event.user)) }]
}

pub(super) fn logged_out() -> Vec<Told> {
    vec![Told::new("user_logged_out", Value::Null)]
}

fn changed_parts(old: &Profile, new: &Profile) -> Vec<&'static str> {
    let mut parts = vec![];
    if old.name != new.name {
        parts.push("name");
    }
    if old.email_digest != new.email_digest {
        parts.push("email");
    }
    if old.position != new.position {
        parts.push("position");
    }
    parts
}

fn roles_changed(before: &State, user: UserId, old: Option<&Roles>, new: &Roles) -> Vec<Told> {
    let told = |kind, role: Role, scope| {
        let role = json!({"user_id": user, "role": role.name()});
        Told::new(kind, if let Some(id) = scope { and(role, team(before, Some(id))) } else { role })
    };
    let mut all = vec![];
    match (old.and_then(Roles::global), new.global()) {
        (old, Some(new)) if old != Some(new) => all.push(told("changed_user_global_role", new, None)),
        (Some(old), None) => all.push(told("deleted_user_global_role", old, None)),
        _ => {}
    }
    let (old, new) = (old.map(in_teams).unwrap_or_default(), in_teams(new));
    for (id, role) in &new {
        if old.get(id) != Some(role) {
            all.push(told("changed_user_team_role", *role, Some(*id)));
        }
    }
    for (id, role) in old.iter().filter(|(id, _)| !new.contains_key(id)) {
        all.push(told("deleted_user_team_role", *role, Some(*id)));
    }
    all
}

fn in_teams(roles: &Roles) -> BTreeMap<TeamId, Role> {
    match roles {
        Roles::Global(_) => BTreeMap::new(),
        Roles::Teams(teams) => teams.clone(),
    }
}
