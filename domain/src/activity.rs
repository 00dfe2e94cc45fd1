//! A decision in the words of an auditor: what was done, to what, and what it was before.
//!
//! People are told by number only; whoever shows an activity looks up who they are, or were.
//! Source: rest-api §15 for the types that Fleet's clients know.

use serde_json::{Map, Value, json};

use crate::role::Roles;
use crate::team::Change;
use crate::{Event, Members, State, TeamId, UserId};

/// An activity's type and details.
pub type Told = (&'static str, Value);

/// What an event means to people, given the state before it. Some events mean nothing to them, some several things.
pub fn told(before: &State, event: &Event) -> Vec<Told> {
    match event {
        Event::HostEnrolled(_)
        | Event::HostKeyReplaced(_)
        | Event::HostContested(_)
        | Event::HostsTransferred(_)
        | Event::HostsDeleted(_) => host(before, event),
        Event::UserCreated(_)
        | Event::UserChanged(_)
        | Event::PasswordChanged(_)
        | Event::UserDeleted(_)
        | Event::SessionStarted(_)
        | Event::SessionEnded(_) => account(before, event),
        Event::TeamCreated(_)
        | Event::TeamChanged(_)
        | Event::TeamDeleted(_)
        | Event::EnrollSecretsReplaced(_)
        | Event::SettingsChanged(_) => organisation(before, event),
        Event::QueryCreated(_) | Event::QueryChanged(_) | Event::QueryDeleted(_) => query(before, event),
        Event::LabelCreated(_)
        | Event::LabelChanged(_)
        | Event::LabelRedefined(_)
        | Event::LabelMembersChanged(_)
        | Event::LabelDeleted(_) => label(before, event),
        Event::CampaignStarted(_) | Event::CampaignExtended(_) | Event::CampaignEnded(_) => campaign(before, event),
        Event::CarveBegun(event) => {
            vec![(
                "began_carve",
                json!({"carve_id": event.carve, "host_id": event.host, "bytes": event.plan.carve_size}),
            )]
        }
        Event::CarveEnded(event) => {
            vec![("ended_carve", json!({"carve_id": event.carve, "outcome": event.outcome}))]
        }
        Event::SessionUsed(_) => vec![],
    }
}

fn host(before: &State, event: &Event) -> Vec<Told> {
    let many = |hosts: &Members| {
        let ids: Vec<Value> = hosts.iter().map(|id| json!(id)).collect();
        let name = |id| before.hosts.get(id).map(|host| host.identifier.clone()).unwrap_or_default();
        (ids, hosts.iter().map(name).collect::<Vec<_>>())
    };
    match event {
        Event::HostEnrolled(event) => vec![(
            "fleet_enrolled",
            json!({
                "host_id": event.host, "host_serial": "", "host_display_name": event.identifier,
                "team_id": event.team, "succeeds_host_id": event.succeeds,
            }),
        )],
        Event::HostKeyReplaced(event) => {
            let old_team = before.hosts.get(event.host).and_then(|host| host.team);
            let details = json!({
                "host_id": event.host, "host_display_name": event.identifier,
                "team_id": event.team, "old_team_id": old_team,
            });
            vec![("re_enrolled_host", details)]
        }
        Event::HostContested(event) => vec![(
            "contested_host_identity",
            json!({"host_id": event.host, "identifier": event.identifier, "until": event.until.to_rfc3339()}),
        )],
        Event::HostsTransferred(event) => {
            let (ids, names) = many(&event.hosts);
            let name = event.team.map(|team| team_name(before, team));
            let details =
                json!({"team_id": event.team, "team_name": name, "host_ids": ids, "host_display_names": names});
            vec![("transferred_hosts", details)]
        }
        Event::HostsDeleted(event) => {
            let (ids, names) = many(&event.hosts);
            vec![("deleted_hosts", json!({"host_ids": ids, "host_display_names": names}))]
        }
        _ => vec![],
    }
}

fn account(before: &State, event: &Event) -> Vec<Told> {
    match event {
        Event::UserCreated(event) => {
            let mut all = vec![("created_user", person(event.user))];
            all.extend(roles(before, event.user, None, &event.roles));
            all
        }
        Event::UserChanged(event) => {
            let held = before.users.get(event.user);
            let mut all = vec![];
            if event.profile.is_some() {
                all.push(("edited_user", person(event.user)));
            }
            if let Some(new) = &event.roles {
                all.extend(roles(before, event.user, held.map(|user| &user.roles), new));
            }
            all
        }
        Event::PasswordChanged(event) => vec![("changed_user_password", person(event.user))],
        Event::UserDeleted(event) => vec![("deleted_user", person(event.user))],
        Event::SessionStarted(event) => vec![("user_logged_in", with(person(event.user), "public_ip", json!("")))],
        Event::SessionEnded(_) => vec![("user_logged_out", json!({}))],
        _ => vec![],
    }
}

fn roles(before: &State, user: UserId, old: Option<&Roles>, new: &Roles) -> Vec<Told> {
    let mut all = vec![];
    let of_team = |team: &TeamId, role: &crate::role::Role| {
        let details = with(person(user), "role", json!(role.name()));
        let details = with(details, "team_id", json!(team));
        with(details, "team_name", json!(team_name(before, *team)))
    };
    match new {
        Roles::Global(role) => {
            if old != Some(new) {
                all.push(("changed_user_global_role", with(person(user), "role", json!(role.name()))));
            }
        }
        Roles::Teams(teams) => {
            let held = |team| match old {
                Some(Roles::Teams(held)) => held.get(team),
                _ => None,
            };
            let changed = teams.iter().filter(|(team, role)| held(*team) != Some(*role));
            all.extend(changed.map(|(team, role)| ("changed_user_team_role", of_team(team, role))));
        }
    }
    match (old, new) {
        (Some(Roles::Global(role)), Roles::Teams(_)) => {
            all.push(("deleted_user_global_role", with(person(user), "role", json!(role.name()))));
        }
        (Some(Roles::Teams(held)), _) => {
            let kept = |team: &TeamId| matches!(new, Roles::Teams(teams) if teams.contains_key(team));
            let gone = held.iter().filter(|(team, _)| !kept(team));
            all.extend(gone.map(|(team, role)| ("deleted_user_team_role", of_team(team, role))));
        }
        _ => {}
    }
    all
}

fn organisation(before: &State, event: &Event) -> Vec<Told> {
    let team = |id: TeamId, name: &str| json!({"team_id": id, "team_name": name});
    match event {
        Event::TeamCreated(event) => vec![("created_team", team(event.team, &event.name))],
        Event::TeamChanged(event) => {
            let held = before.teams.get(event.team);
            let name = event.name.clone().unwrap_or_else(|| team_name(before, event.team));
            let mut changes = Map::new();
            note(&mut changes, "name", held.map(|team| json!(team.name)), event.name.as_ref().map(|name| json!(name)));
            let old = held.map(|team| json!(team.description));
            note(&mut changes, "description", old, event.description.as_ref().map(|text| json!(text)));
            let old = held.map(|team| masked(&team.settings));
            note(&mut changes, "settings", old, event.settings.as_ref().map(|value| masked(value)));
            let mut all = vec![];
            if !changes.is_empty() {
                all.push(("edited_team", with(team(event.team, &name), "changes", Value::Object(changes))));
            }
            if let Change::Set(options) = &event.agent_options {
                let old = held.and_then(|team| team.agent_options.as_deref().cloned());
                let details =
                    json!({"global": false, "team_id": event.team, "team_name": name, "old": old, "new": options});
                all.push(("edited_agent_options", details));
            }
            all
        }
        Event::TeamDeleted(event) => vec![("deleted_team", team(event.team, &team_name(before, event.team)))],
        Event::EnrollSecretsReplaced(event) => {
            let name = event.team.map(|team| team_name(before, team));
            let old = before.teams.secrets(event.team).len();
            let details =
                json!({"team_id": event.team, "team_name": name, "old_count": old, "count": event.secrets.len()});
            vec![("edited_enroll_secrets", details)]
        }
        Event::SettingsChanged(event) => {
            let mut all = vec![];
            let mut changes = Map::new();
            for (section, new) in &event.sections {
                let old = before.settings.section(section).map(masked);
                if section == "agent_options" {
                    let details =
                        json!({"global": true, "team_id": null, "team_name": null, "old": old, "new": masked(new)});
                    all.push(("edited_agent_options", details));
                } else {
                    note(&mut changes, section, old, Some(masked(new)));
                }
            }
            if !changes.is_empty() {
                all.push(("edited_settings", json!({"changes": changes})));
            }
            all
        }
        _ => vec![],
    }
}

fn query(before: &State, event: &Event) -> Vec<Told> {
    match event {
        Event::QueryCreated(event) => {
            let details = json!({"query_id": event.query, "query_name": event.spec.name, "team_id": event.team});
            vec![("created_saved_query", details)]
        }
        Event::QueryChanged(event) => {
            let old = before.queries.get(event.query).map(|query| json!(query.spec)).unwrap_or_default();
            let details = json!({
                "query_id": event.query, "query_name": event.spec.name, "changes": differences(&old, &json!(event.spec)),
            });
            vec![("edited_saved_query", details)]
        }
        Event::QueryDeleted(event) => {
            let name = before.queries.get(event.query).map(|query| query.spec.name.clone());
            vec![("deleted_saved_query", json!({"query_id": event.query, "query_name": name}))]
        }
        _ => vec![],
    }
}

fn label(before: &State, event: &Event) -> Vec<Told> {
    let name = |id| before.labels.get(id).map(|label| label.name.clone()).unwrap_or_default();
    match event {
        Event::LabelCreated(event) if event.builtin => vec![],
        Event::LabelCreated(event) => {
            vec![("created_label", json!({"label_id": event.label, "label_name": event.name}))]
        }
        Event::LabelChanged(event) => {
            let old = before.labels.get(event.label);
            let old =
                old.map(|label| json!({"name": label.name, "description": label.description})).unwrap_or_default();
            let new = json!({"name": event.name, "description": event.description});
            let details =
                json!({"label_id": event.label, "label_name": event.name, "changes": differences(&old, &new)});
            vec![("edited_label", details)]
        }
        Event::LabelRedefined(event) => {
            let old = before.labels.get(event.label);
            let old = old
                .map(|label| json!({"query": label.query, "platform": label.platform, "membership": label.membership}));
            let new = json!({"query": event.query, "platform": event.platform, "membership": event.membership});
            let changes = differences(&old.unwrap_or_default(), &new);
            vec![(
                "edited_label",
                json!({"label_id": event.label, "label_name": name(event.label), "changes": changes}),
            )]
        }
        Event::LabelMembersChanged(event) => {
            let ids = |hosts: &Members| hosts.iter().map(|id| json!(id)).collect::<Vec<_>>();
            let details = json!({
                "label_id": event.label, "label_name": name(event.label),
                "joined_host_ids": ids(&event.joined), "left_host_ids": ids(&event.left),
            });
            vec![("edited_label_members", details)]
        }
        Event::LabelDeleted(event) => {
            vec![("deleted_label", json!({"label_id": event.label, "label_name": name(event.label)}))]
        }
        _ => vec![],
    }
}

fn campaign(before: &State, event: &Event) -> Vec<Told> {
    match event {
        Event::CampaignStarted(event) => {
            let details = json!({
                "campaign_id": event.campaign, "targets_count": event.targets.len(), "query_sql": event.sql,
                "query_name": event.query_name, "expires_at": event.expires_at.to_rfc3339(),
            });
            vec![("started_live_query", details)]
        }
        Event::CampaignExtended(event) => {
            let old = before.campaigns.get(event.campaign).map(|campaign| campaign.expires_at.to_rfc3339());
            let details = json!({"campaign_id": event.campaign, "old_expires_at": old, "expires_at": event.expires_at.to_rfc3339()});
            vec![("extended_live_query", details)]
        }
        Event::CampaignEnded(event) => {
            let Some(held) = before.campaigns.get(event.campaign) else { return vec![] };
            let mut details = json!({
                "campaign_id": event.campaign, "targets_count": held.targets.len(), "query_sql": held.sql,
                "reason": event.reason, "user_id": held.by,
            });
            if let Some(name) = &held.query_name {
                details["query_name"] = json!(name);
            }
            vec![("live_query", details)]
        }
        _ => vec![],
    }
}

fn person(user: UserId) -> Value {
    json!({"user_id": user})
}

fn team_name(state: &State, team: TeamId) -> String {
    state.teams.get(team).map(|team| team.name.clone()).unwrap_or_default()
}

fn with(mut details: Value, name: &str, value: Value) -> Value {
    details[name] = value;
    details
}

fn note(changes: &mut Map<String, Value>, name: &str, old: Option<Value>, new: Option<Value>) {
    if let Some(new) = new.filter(|new| Some(new) != old.as_ref()) {
        changes.insert(name.to_owned(), json!({"old": old, "new": new}));
    }
}

/// The members of two objects that are not equal, each with its old and new value.
fn differences(old: &Value, new: &Value) -> Value {
    let mut changes = Map::new();
    for (name, value) in new.as_object().into_iter().flatten() {
        note(&mut changes, name, old.get(name).cloned(), Some(value.clone()));
    }
    Value::Object(changes)
}

/// The value without the secrets that are sealed in it.
fn masked(value: &Value) -> Value {
    match value {
        Value::Object(members) if members.contains_key("sealed") => json!("********"),
        Value::Object(members) => members.iter().map(|(name, value)| (name.clone(), masked(value))).collect(),
        Value::Array(items) => items.iter().map(masked).collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::query::{Changed, Created, Spec};
    use crate::{QueryId, Timestamp, settings};

    fn spec(sql: &str) -> Spec {
        Spec { name: "usb".into(), query: sql.into(), ..Spec::default() }
    }

    #[test]
    fn a_change_tells_what_was_and_what_is_and_nothing_that_stayed() {
        let mut state = State::default();
        let created = Created { query: QueryId(1), team: None, spec: spec("SELECT 1"), author: None };
        state.evolve(&created.into(), Timestamp::EPOCH);
        let told = told(&state, &Changed { query: QueryId(1), spec: spec("SELECT 2") }.into());
        let changes = json!({"query": {"old": "SELECT 1", "new": "SELECT 2"}});
        assert_eq!(told, [("edited_saved_query", json!({"query_id": 1, "query_name": "usb", "changes": changes}))]);
    }

    #[test]
    fn agent_options_are_an_activity_of_their_own_and_sealed_secrets_stay_out() {
        let mail = json!({"password": {"sealed": {"key": "server/1", "text": "c2VjcmV0"}}, "port": 25});
        let sections = BTreeMap::from([
            ("agent_options".to_owned(), json!({"config": {}}).into()),
            ("smtp_settings".to_owned(), mail.into()),
        ]);
        let told = told(&State::default(), &settings::Changed { sections }.into());
        let kinds: Vec<&str> = told.iter().map(|(kind, _)| *kind).collect();
        assert_eq!(kinds, ["edited_agent_options", "edited_settings"]);
        assert_eq!(told[1].1["changes"]["smtp_settings"]["new"], json!({"password": "********", "port": 25}));
        assert!(!told[1].1.to_string().contains("c2VjcmV0"));
    }
}
