//! Teams as documents: made or changed by name, with strict keys. Source: rest-api §5, `POST spec/teams`.

use std::sync::Arc;

use domain::role::{Action, Scope};
use domain::team::{self, Change};
use domain::{Command, State, TeamId};
use infra_http::{Body, Problem, Reply, json_type};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::admin::secrets::{self, Secret};
use crate::admin::{Call, team_settings, teams};

#[derive(Deserialize)]
pub struct Specs {
    #[serde(default)]
    specs: Vec<Map<String, Value>>,
}

const KEYS: [&str; 12] = [
    "name",
    "gitops_filename",
    "agent_options",
    "host_expiry_settings",
    "secrets",
    "features",
    "mdm",
    "scripts",
    "webhook_settings",
    "integrations",
    "software",
    "description",
];

/// `POST ~/spec/teams` `{specs: [TeamSpec]}` → `{team_ids_by_name}`; a team that a dry run would make has id 0.
///
/// 400 for unknown keys and wrong types, by path · 409 · 422 as in `POST teams`. `force`, `dry_run`.
pub async fn apply(call: Call, body: Body<Specs>) -> Result<Reply, Problem> {
    call.may(Action::WriteTeam, Scope::Any)?;
    let specs = body.0.specs;
    if specs.is_empty() {
        return Ok(Reply::done());
    }
    let mut commands = vec![];
    let mut names = vec![];
    for spec in &specs {
        let name = spec.get("name").and_then(Value::as_str).unwrap_or_default().trim().to_owned();
        commands.extend(command(&call, &name, spec)?);
        names.push(name);
    }
    let command = Command::Together(commands);
    if call.is_dry_run() {
        call.imagine(command)?;
        return Ok(ids(call.state(), &names));
    }
    let executed = call.execute(command).await?;
    Ok(ids(&executed.fold.state, &names))
}

fn ids(state: &State, names: &[String]) -> Reply {
    let id = |name: &String| (name.clone(), json!(state.teams.by_name(name).map_or(0, |team| team.id.0)));
    Reply::ok(json!({"team_ids_by_name": names.iter().map(id).collect::<Map<_, _>>()}))
}

fn command(call: &Call, name: &str, spec: &Map<String, Value>) -> Result<Vec<Command>, Problem> {
    check_keys(spec)?;
    team_settings::refuse_mdm(spec.get("mdm"))?;
    let force = call.params.is_true("force");
    let options = match spec.get("agent_options") {
        None => Change::Keep,
        Some(options) => Change::Set(teams::parsed_options(options.clone(), force)?),
    };
    let secrets = spec.get("secrets").filter(|secrets| !secrets.is_null()).map(parsed_secrets).transpose()?;
    let global = &call.state().settings;
    match call.state().teams.by_name(name) {
        Some(held) => {
            call.may(Action::WriteTeam, Scope::Team(held.id))?;
            let settings = team_settings::changed(global, &held.settings, spec, "specs.")?;
            Ok(changes(call, held.id, options, settings, secrets)?)
        }
        None => {
            call.may(Action::WriteTeam, Scope::Global)?;
            let description = spec.get("description").and_then(Value::as_str).unwrap_or_default().to_owned();
            let created = teams::create_command(call, name.to_owned(), description, secrets)?;
            let team::Command::Create { name, description, agent_options, settings, secrets } = created else {
                return Ok(vec![created.into()]);
            };
            let settings = Arc::new(team_settings::changed(global, &settings, spec, "specs.")?);
            let agent_options = match options {
                Change::Keep => agent_options,
                Change::Set(options) => options,
            };
            Ok(vec![team::Command::Create { name, description, agent_options, settings, secrets }.into()])
        }
    }
}

fn changes(
    call: &Call,
    team: TeamId,
    agent_options: Change<Option<Arc<Value>>>,
    settings: Value,
    secrets: Option<Vec<Secret>>,
) -> Result<Vec<Command>, Problem> {
    let settings = Some(Arc::new(settings));
    let mut commands =
        vec![team::Command::Change { team, name: None, description: None, agent_options, settings }.into()];
    if let Some(secrets) = secrets {
        let secrets = secrets::sealed(&call.app.vault, &secrets)?;
        commands.push(team::Command::ReplaceSecrets { team: Some(team), secrets }.into());
    }
    Ok(commands)
}

fn check_keys(spec: &Map<String, Value>) -> Result<(), Problem> {
    if let Some(unknown) = spec.keys().find(|key| !KEYS.contains(&key.as_str())) {
        return Err(Problem::unsupported_key(unknown));
    }
    match spec.get("name") {
        Some(name) if !name.is_string() => Err(Problem::wrong_type("specs.name", "string", json_type(name))),
        _ => Ok(()),
    }
}

fn parsed_secrets(secrets: &Value) -> Result<Vec<Secret>, Problem> {
    serde_json::from_value(secrets.clone())
        .map_err(|_| Problem::wrong_type("specs.secrets", "[]fleet.EnrollSecret", json_type(secrets)))
}
