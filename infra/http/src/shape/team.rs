//! `Team` of rest-api §5, and enroll secrets.

use domain::role::{Action, Roles, Scope};
use domain::team::{EnrollSecret, Team};
use domain::{State, TeamId};
use infra_blobs::Vault;
use serde_json::{Map, Value, json};

use super::{MASK, config, opened, time};

/// A team as someone with these roles sees it: secrets are masked for those who may read the team but not them.
pub fn team(state: &State, vault: &Vault, team: &Team, roles: &Roles) -> Value {
    let mut shown = without_options(state, team);
    let options = team.agent_options.as_deref().cloned().unwrap_or(Value::Null);
    shown.insert("agent_options".to_owned(), options);
    shown.insert("secrets".to_owned(), secrets(state, vault, team.id, roles));
    Value::Object(shown)
}

/// The team tree as it stands inside a user.
pub(super) fn without_options(state: &State, team: &Team) -> Map<String, Value> {
    let setting = |name: &str| team.settings.get(name).cloned().unwrap_or(Value::Null);
    let has_role = |roles: &Roles| matches!(roles, Roles::Teams(teams) if teams.contains_key(&team.id));
    let fields = [
        ("id", json!(team.id)),
        ("created_at", time(team.created_at)),
        ("name", json!(team.name)),
        ("description", json!(team.description)),
        ("host_expiry_settings", setting("host_expiry_settings")),
        ("webhook_settings", setting("webhook_settings")),
        ("integrations", setting("integrations")),
        ("features", setting("features")),
        ("mdm", config::team_mdm()),
        ("scripts", setting("scripts")),
        ("user_count", json!(state.users.iter().filter(|user| has_role(&user.roles)).count())),
        ("host_count", json!(state.hosts.of_team(Some(team.id)).len())),
    ];
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// `[{secret, created_at, team_id}]`, masked unless the roles may read them in the clear.
pub fn secrets(state: &State, vault: &Vault, team: TeamId, roles: &Roles) -> Value {
    let masked = !reads_plain(roles, team);
    let shown = |secret: &EnrollSecret| {
        let text = if masked { MASK.to_owned() } else { opened(vault, &secret.sealed) };
        json!({"secret": text, "created_at": time(secret.created_at), "team_id": team})
    };
    state.teams.secrets(Some(team)).iter().map(shown).collect()
}

/// `[{secret, created_at}]` of no team, for those who may read them.
pub fn global_secrets(state: &State, vault: &Vault) -> Value {
    let shown =
        |secret: &EnrollSecret| json!({"secret": opened(vault, &secret.sealed), "created_at": time(secret.created_at)});
    state.teams.secrets(None).iter().map(shown).collect()
}

/// Observers may read a team's secrets, but see masks.
fn reads_plain(roles: &Roles, team: TeamId) -> bool {
    use domain::role::Role::{Observer, ObserverPlus};
    let observes = match roles {
        Roles::Global(role) => matches!(role, Observer | ObserverPlus),
        Roles::Teams(teams) => matches!(teams.get(&team), Some(Observer | ObserverPlus)),
    };
    !observes
        && (roles.may(Action::ReadSecrets, Scope::Team(team)) || roles.may(Action::WriteSecrets, Scope::Team(team)))
}
