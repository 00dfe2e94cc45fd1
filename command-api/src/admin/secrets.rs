//! Enroll secrets: kept sealed, found again by a keyed hash. Source: rest-api §5 and §6.

use domain::role::{Action, Scope};
use domain::{KeyedDigest, Sealed, TeamId, team};
use infra_blobs::{Purpose, Vault};
use infra_http::{Body, Problem, Reply, shape};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::admin::Call;

#[derive(Clone, Deserialize)]
pub struct Secret {
    #[serde(default)]
    pub secret: String,
}

#[derive(Deserialize)]
pub struct Spec {
    spec: Option<Secrets>,
}

#[derive(Deserialize)]
pub struct Secrets {
    secrets: Option<Vec<Secret>>,
}

/// `POST ~/spec/enroll_secret` `{spec: {secrets: [{secret}]}}` → `{}`; replaces all global secrets.
///
/// 409 for one that a team has, 422 in a dry run · 422 for more than 50, for an empty one, for none at all.
pub async fn replace_global(call: Call, body: Body<Spec>) -> Result<Reply, Problem> {
    call.may(Action::WriteSecrets, Scope::Global)?;
    let secrets = body.0.spec.and_then(|spec| spec.secrets);
    let secrets = secrets.ok_or_else(|| Problem::invalid("spec", "missing required argument"))?;
    let command = team::Command::ReplaceSecrets { team: None, secrets: sealed(&call.app.vault, &secrets)? };
    if call.is_dry_run() {
        call.imagine(command).map_err(|problem| match problem.status().as_u16() {
            409 => Problem::invalid("secrets", problem.reason()),
            _ => problem,
        })?;
    } else {
        call.execute(command).await?;
    }
    Ok(Reply::done())
}

/// `PATCH ~/teams/{id}/secrets` `{secrets: [{secret}]}` → `{secrets}`; replaces all of the team.
pub async fn replace_of_team(call: Call, body: Body<Secrets>) -> Result<Reply, Problem> {
    let id: TeamId = call.id("Team")?;
    call.may(Action::WriteSecrets, Scope::Team(id))?;
    let secrets = body.0.secrets.ok_or_else(|| Problem::invalid("secrets", "missing required argument"))?;
    let command = team::Command::ReplaceSecrets { team: Some(id), secrets: sealed(&call.app.vault, &secrets)? };
    let executed = call.execute(command).await?;
    let shown = shape::team::secrets(&executed.fold.state, &call.app.vault, id, &call.user.roles);
    let empty = shown.as_array().is_some_and(Vec::is_empty);
    Ok(Reply::ok(json!({"secrets": if empty { Value::Null } else { shown }})))
}

/// Secrets as the ledger may hold them; 422 for an empty one.
pub fn sealed(vault: &Vault, secrets: &[Secret]) -> Result<Vec<(KeyedDigest, Sealed)>, Problem> {
    let seal = |one: &Secret| match one.secret.as_str() {
        "" => Err(Problem::invalid("secrets", "enroll secret must not be empty")),
        text => Ok((vault.digest(Purpose::EnrollSecret, text), vault.seal_server(text))),
    };
    secrets.iter().map(seal).collect()
}
