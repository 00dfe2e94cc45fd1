//! From what people type to ids. Source: rest-api §4, translate.

use domain::role::{Action, Scope};
use domain::targets::visible;
use domain::{HostId, Refusal};
use infra_blobs::Purpose;
use infra_http::{Body, Problem, Reply};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::admin::Call;

#[derive(Deserialize)]
pub struct Request {
    #[serde(default)]
    list: Option<Vec<Item>>,
}

#[derive(Deserialize)]
struct Item {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    payload: Payload,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Payload {
    identifier: String,
}

/// `POST ~/translate` `{list: [{type, payload: {identifier}}]}` → the same list with `id` filled.
///
/// 400 for an empty list and an unknown type · 404 for an unknown user, team or host; an unknown label has id 0.
pub async fn translate(call: Call, body: Body<Request>) -> Result<Reply, Problem> {
    let list = body.0.list.filter(|list| !list.is_empty());
    let list = list.ok_or_else(|| Problem::bad_request("payloads must not be empty"))?;
    let translated = list.into_iter().map(|item| {
        let id = id(&call, &item.kind, &item.payload.identifier)?;
        Ok(json!({"type": item.kind, "payload": {"identifier": item.payload.identifier, "id": id}}))
    });
    let translated = translated.collect::<Result<Vec<Value>, Problem>>()?;
    Ok(Reply::ok(json!({"list": translated})))
}

fn id(call: &Call, kind: &str, identifier: &str) -> Result<u32, Problem> {
    let state = call.state();
    match kind {
        "user" => {
            let found = state.users.by_email(&call.app.vault.digest(Purpose::Email, identifier));
            let found = found.map(|user| user.id.0);
            Ok(found.ok_or_else(|| Refusal::not_found("User", format!("email={identifier}")))?)
        }
        "label" => Ok(state.labels.by_name(identifier).map_or(0, |label| label.id.0)),
        "team" => {
            let found = state.teams.by_name(identifier).map(|team| team.id.0);
            found.ok_or_else(|| Problem::not_found("Team", identifier))
        }
        "host" => find_host(call, identifier).map(|host| host.0),
        _ => Err(Problem::bad_request(format!("Type {kind} is unknown. "))),
    }
}

/// A host that the caller sees.
fn find_host(call: &Call, identifier: &str) -> Result<HostId, Problem> {
    call.may(Action::FindHost, Scope::Any)?;
    let seen = visible(call.state(), &call.user.roles, Action::FindHost);
    let found = call.app.registry.find(identifier).into_iter().find(|host| seen.contains(*host));
    found.ok_or_else(|| Problem::not_found("Host", identifier))
}
