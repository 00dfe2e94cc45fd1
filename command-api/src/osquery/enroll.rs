//! A host asks for a node key.

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use agent_protocol::reply::Enrolled;
use agent_protocol::request::EnrollRequest;
use domain::detail::{self, Answer};
use domain::host::{Command, Enrol};
use domain::{Actor, CommandId, Digest, Refusal};
use infra_blobs::Purpose;
use infra_ledger::{By, CommandError};

use super::Refused;
use crate::App;
use crate::settings::HostIdentifier;

/// The longest identifier, in characters.
const LONGEST: usize = 255;

/// Enrols a host, and takes what it says of itself.
///
/// `POST enroll` `{enroll_secret, host_identifier, platform_type?, host_details?}` → 200 `{node_key}`.
/// 401 `error` and `node_invalid`: bad secret, no or too long an identifier, inside the cooldown, contested identity ·
/// 400 no JSON · 503 the ledger takes no decisions now. Source: osquery remote API, enroll.
pub async fn enroll(app: Data<App>, request: HttpRequest, payload: Payload) -> HttpResponse {
    Refused::or(serve(&app, &request, payload).await, &app.world)
}

async fn serve(app: &App, request: &HttpRequest, payload: Payload) -> Result<HttpResponse, Refused> {
    let limits = &app.settings.limits;
    let body = app.intake.read(app, request, payload, limits.enroll).await?;
    let enroll = EnrollRequest::parse(body.whole(limits.enroll)?)?;
    if !app.registry.is_ready() {
        return Err(Refused::unable("the server is starting"));
    }
    let arrived = app.world.now();
    let node_key = app.world.key();
    let command = Enrol {
        secret: app.vault.digest(Purpose::EnrollSecret, &enroll.enroll_secret),
        identifier: identifier(&enroll, app.settings.host_identifier)?,
        node_key: Digest::of(&node_key),
        platform: enroll.detail("os_version", "platform").unwrap_or_default().chars().take(LONGEST).collect(),
        cooldown: app.settings.enroll_cooldown,
    };
    let (key, identifier) = (command.node_key, command.identifier.clone());
    let by = By { command_id: CommandId(app.world.uuid()), actor: Actor::Anonymous, traceparent: None };
    let executed = app.ledger.execute(Command::Enrol(command).into(), by).await.map_err(refused)?;
    // A contested identity is decided too, but nobody gets a key by it.
    let Some(host) = executed.fold.state.hosts.by_key(&key).map(|host| host.id) else {
        return Err(refused(CommandError::Refused(Refusal::Contested { identifier })));
    };
    app.registry.saw(host, arrived);
    let known = app.registry.known(host);
    let tables: Vec<(&str, [BTreeMap<String, String>; 1])> =
        enroll.host_details.iter().map(|(table, row)| (table.as_str(), [row.clone()])).collect();
    let answers: Vec<_> = tables.iter().map(|(name, rows)| Answer { name, rows, failed: false }).collect();
    let sections = detail::ingest(&known, &answers, "", arrived).sections;
    if let Err(failed) = app.registry.report(host, sections, arrived).await {
        // The host has its key; it is asked for the same again at its first call.
        tracing::warn!(host.id = host.0, "details of an enrolment were lost: {failed}");
    }
    Ok(HttpResponse::Ok().json(Enrolled { node_key }))
}

/// The name that counts, by the operator's choice; what the host gave if the chosen one is missing.
fn identifier(enroll: &EnrollRequest, choice: HostIdentifier) -> Result<String, Refused> {
    let chosen = match choice {
        HostIdentifier::Provided => None,
        HostIdentifier::Instance => enroll.detail("osquery_info", "instance_id"),
        HostIdentifier::Uuid => enroll.detail("osquery_info", "uuid"),
        HostIdentifier::Hostname => enroll.detail("system_info", "hostname"),
    };
    let name = chosen.map(str::trim).filter(|name| !name.is_empty()).unwrap_or(enroll.host_identifier.trim());
    if name.is_empty() {
        return Err(unauthorized("enroll failed: the host identifier is empty"));
    }
    if name.chars().count() > LONGEST {
        return Err(unauthorized(format!("enroll failed: the host identifier has more than {LONGEST} characters")));
    }
    Ok(name.to_owned())
}

fn refused(error: CommandError) -> Refused {
    match error {
        CommandError::Refused(refusal) if !matches!(refusal, Refusal::Halted(_)) => unauthorized(refusal.to_string()),
        other => other.into(),
    }
}

/// `node_invalid` means nothing more at enrolment: there is no key to lose.
fn unauthorized(error: impl Into<String>) -> Refused {
    Refused { node_invalid: true, ..Refused::new(StatusCode::UNAUTHORIZED, error) }
}
