//! `User` of rest-api §4.

use domain::role::Roles;
use domain::user::User;
use domain::{State, UserId};
use infra_blobs::Vault;
use serde_json::{Map, Value, json};

use super::{opened, team, time};

/// One user, with the teams that they have a role in.
pub fn user(state: &State, vault: &Vault, user: &User) -> Value {
    let (global_role, teams) = match &user.roles {
        Roles::Global(role) => (json!(role.name()), vec![]),
        Roles::Teams(roles) => {
            let of_team = roles.iter().filter_map(|(id, role)| {
                let mut shown = team::without_options(state, state.teams.get(*id)?);
                shown.insert("role".to_owned(), json!(role.name()));
                Some(Value::Object(shown))
            });
            (Value::Null, of_team.collect())
        }
    };
    let mut shown = Map::new();
    let mut put = |name: &str, value: Value| shown.insert(name.to_owned(), value);
    put("created_at", time(user.created_at));
    put("updated_at", time(user.updated_at));
    put("id", json!(user.id));
    put("name", json!(opened(vault, &user.profile.name)));
    put("email", json!(opened(vault, &user.profile.email)));
    put("force_password_reset", json!(user.must_reset_password));
    put("gravatar_url", json!(""));
    if let Some(position) = &user.profile.position {
        put("position", json!(opened(vault, position)));
    }
    put("sso_enabled", json!(false));
    put("mfa_enabled", json!(false));
    put("global_role", global_role);
    put("api_only", json!(user.api_only));
    put("teams", json!(teams));
    Value::Object(shown)
}

/// `[{id, name, description}]` of every team that the roles reach; all of them for a global role.
pub fn available_teams(state: &State, roles: &Roles) -> Value {
    let reaches = |id| match roles {
        Roles::Global(_) => true,
        Roles::Teams(teams) => teams.contains_key(&id),
    };
    let teams = state.teams.iter().filter(|team| reaches(team.id));
    teams.map(|team| json!({"id": team.id, "name": team.name, "description": team.description})).collect()
}

/// Name and address of an author, empty when there is none any more.
pub fn author(state: &State, vault: &Vault, id: Option<UserId>) -> (String, String) {
    let found = id.and_then(|id| state.users.get(id));
    found.map_or_else(Default::default, |user| (opened(vault, &user.profile.name), opened(vault, &user.profile.email)))
}
