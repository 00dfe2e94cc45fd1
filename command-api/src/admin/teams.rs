//! Teams. Source: rest-api §5.

use std::sync::Arc;

use domain::role::{Action, Scope};
use domain::settings::agent_options;
use domain::team::{self, Change, Team};
use domain::{Command, Event, State, TeamId};
use infra_http::{Body, Problem, Reply, shape};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::admin::agent_options::wrong_options;
use crate::admin::call::made;
use crate::admin::secrets::{self, Secret};
use crate::admin::{Call, team_settings};

#[derive(Deserialize)]
pub struct CreateTeam {
    #[serde(default)]
    name: String,
    #[serde(default)]
    description: String,
    secrets: Option<Vec<Secret>>,
}

/// `POST ~/teams` `{name, description?, secrets?}` → `{team}`. A copy of the global agent options and features, and one
/// random secret if none is given.
///
/// 409 for a name or secret that is taken · 422 for a blank or reserved name, or too many secrets.
pub async fn create(call: Call, body: Body<CreateTeam>) -> Result<Reply, Problem> {
    call.may(Action::WriteTeam, Scope::Global)?;
    let CreateTeam { name, description, secrets } = body.0;
    let command = create_command(&call, name, description, secrets)?;
    let executed = call.execute(command).await?;
    let id = made(&executed, |event| match event {
        Event::TeamCreated(created) => Some(created.team),
        _ => None,
    })?;
    shown(&call, &executed.fold.state, id)
}

/// The command that makes a team as every new one is made.
pub fn create_command(
    call: &Call,
    name: String,
    description: String,
    secrets: Option<Vec<Secret>>,
) -> Result<team::Command, Problem> {
    let secrets = secrets.filter(|secrets| !secrets.is_empty());
    let secrets = secrets.unwrap_or_else(|| vec![Secret { secret: call.app.world.key() }]);
    let global = &call.state().settings;
    Ok(team::Command::Create {
        name,
        description,
        agent_options: Some(Arc::new(global.agent_options().clone())),
        settings: Arc::new(team::default_settings(global)),
        secrets: secrets::sealed(&call.app.vault, &secrets)?,
    })
}

/// `PATCH ~/teams/{id}` → `{team}`; any of `name, description, secrets` and the sections of settings.
pub async fn change(call: Call, body: Body<Map<String, Value>>) -> Result<Reply, Problem> {
    let id: TeamId = call.id("Team")?;
    call.may(Action::WriteTeam, Scope::Team(id))?;
    let (held, request) = (find(call.state(), id)?, body.0);
    team_settings::refuse_mdm(request.get("mdm"))?;
    let text = |name: &str| match request.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(Problem::bad_request("json decoder error")),
    };
    let change = team::Command::Change {
        team: id,
        name: text("name")?,
        description: text("description")?,
        agent_options: Change::Keep,
        settings: Some(team_settings::changed(&call.state().settings, &held.settings, &request, "")?.into()),
    };
    let mut commands: Vec<Command> = vec![change.into()];
    if let Some(secrets) = request.get("secrets").filter(|secrets| !secrets.is_null()) {
        let secrets: Vec<Secret> =
            serde_json::from_value(secrets.clone()).map_err(|_| Problem::bad_request("json decoder error"))?;
        let secrets = secrets::sealed(&call.app.vault, &secrets)?;
        commands.push(team::Command::ReplaceSecrets { team: Some(id), secrets }.into());
    }
    let executed = call.execute(Command::Together(commands)).await?;
    shown(&call, &executed.fold.state, id)
}

/// `DELETE ~/teams/{id}` → `{}`: its hosts belong to no team, its queries and secrets go with it.
pub async fn delete(call: Call) -> Result<Reply, Problem> {
    let id: TeamId = call.id("Team")?;
    call.may(Action::WriteTeam, Scope::Team(id))?;
    call.execute(team::Command::Delete { team: id }).await?;
    Ok(Reply::done())
}

/// `POST ~/teams/{id}/agent_options` with the options as the body → `{team}`; null clears them. `force`, `dry_run`.
pub async fn agent_options(call: Call, body: Body<Value>) -> Result<Reply, Problem> {
    let id: TeamId = call.id("Team")?;
    call.may(Action::WriteTeam, Scope::Team(id))?;
    find(call.state(), id)?;
    let options = parsed_options(body.0, call.params.is_true("force"))?;
    let (name, description, settings) = (None, None, None);
    let command = team::Command::Change { team: id, name, description, agent_options: Change::Set(options), settings };
    if call.is_dry_run() {
        let state = call.imagine(command)?;
        return shown(&call, &state, id);
    }
    let executed = call.execute(command).await?;
    shown(&call, &executed.fold.state, id)
}

/// Options that are checked, with `force` for secrets only; null is none.
pub fn parsed_options(options: Value, force: bool) -> Result<Option<Arc<Value>>, Problem> {
    if options.is_null() {
        return Ok(None);
    }
    let check = if force { agent_options::check_forced } else { agent_options::check };
    check(&options).map_err(wrong_options)?;
    Ok(Some(Arc::new(options)))
}

pub fn find(state: &State, id: TeamId) -> Result<&Team, Problem> {
    state.teams.get(id).ok_or_else(|| Problem::not_found("Team", id))
}

/// `{team}` as the caller sees it.
pub fn shown(call: &Call, state: &State, id: TeamId) -> Result<Reply, Problem> {
    let team = shape::team::team(state, &call.app.vault, find(state, id)?, &call.user.roles);
    Ok(Reply::ok(json!({"team": team})))
}
