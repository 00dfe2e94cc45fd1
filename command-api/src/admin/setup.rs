//! The first run: one command makes the built-in labels, an enroll secret, the first admin, and the settings they named.
//!
//! Source: rest-api §2.

use std::collections::BTreeMap;

use actix_web::web::Data;
use actix_web::{HttpRequest, Responder};
use domain::user::Profile;
use domain::{Actor, Command, Digest, Event, UserId, label, session, settings, team, user};
use infra_blobs::Purpose;
use infra_http::{Body, Problem, Reply, no_page, shape};
use infra_ledger::By;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::App;
use crate::admin::call::{by, made};
use crate::admin::{password, users};

#[derive(Deserialize)]
pub struct Request {
    admin: Option<AdminRequest>,
    #[serde(default)]
    org_info: OrgInfo,
    #[serde(default)]
    server_url: String,
    osquery_enroll_secret: Option<String>,
}

#[derive(Deserialize)]
struct AdminRequest {
    #[serde(default)]
    email: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    password: String,
}

#[derive(Default, Deserialize)]
struct OrgInfo {
    #[serde(default)]
    org_name: String,
    #[serde(default)]
    org_logo_url: String,
    #[serde(default)]
    org_logo_url_light_background: String,
    #[serde(default)]
    contact_url: String,
}

/// Who is to be the first admin, and what they say of the server.
pub struct SetUp {
    pub admin: FirstAdmin,
    pub org_name: String,
    pub org_logo_url: String,
    pub org_logo_url_light_background: String,
    pub contact_url: String,
    /// Where clients and hosts reach the server; http or https.
    pub server_url: String,
    /// The first global enroll secret; a random one is made if there is none.
    pub enroll_secret: Option<String>,
}

pub struct FirstAdmin {
    pub email: String,
    pub name: String,
    pub password: String,
}

/// `POST /api/v1/setup`, `POST /api/setup` → 200 `{admin, org_info, server_url, osquery_enroll_secret: null, token}`.
///
/// 422 for a weak password or a bad address · 404 (plain) once it is done.
pub async fn handle(app: Data<App>, request: HttpRequest, body: Body<Request>) -> Result<impl Responder, Problem> {
    let by = by(&app, &request, Actor::Anonymous);
    let set_up = body.0.parse()?;
    let Some((admin, token)) = self::set_up(&app, set_up, by).await? else {
        return Ok(no_page());
    };
    let state = &app.ledger.fold().state;
    let admin = state.users.get(admin).ok_or_else(|| Problem::failure("the first admin is gone"))?;
    let reply = Reply::ok(json!({
        "admin": shape::user::user(state, &app.vault, admin),
        "org_info": state.settings.section("org_info"),
        "server_url": state.settings.at("/server_settings/server_url"),
        "osquery_enroll_secret": null,
        "token": token,
    }));
    Ok(reply.respond_to(&request))
}

impl Request {
    fn parse(self) -> Result<SetUp, Problem> {
        let admin = self.admin.ok_or_else(|| Problem::invalid("admin", "setup request must provide admin"))?;
        Ok(SetUp {
            admin: FirstAdmin { email: admin.email, name: admin.name, password: admin.password },
            org_name: self.org_info.org_name,
            org_logo_url: self.org_info.org_logo_url,
            org_logo_url_light_background: self.org_info.org_logo_url_light_background,
            contact_url: self.org_info.contact_url,
            server_url: self.server_url,
            enroll_secret: self.osquery_enroll_secret.filter(|secret| !secret.is_empty()),
        })
    }
}

impl SetUp {
    fn check(&self) -> Result<(), Problem> {
        let mut wrong = vec![];
        if self.server_url.trim().is_empty() {
            wrong.push(("server_url", "missing required argument"));
        } else if !settings::patch::is_web(&self.server_url) {
            wrong.push(("server_url", "Fleet server URL must use “https” or “http”."));
        }
        if self.admin.name.trim().is_empty() {
            wrong.push(("name", "missing required argument"));
        }
        if !users::is_email(&self.admin.email) {
            wrong.push(("email", "is not an email address"));
        }
        if password::check("password", &self.admin.password).is_err() {
            wrong.push(("password", password::RULE));
        }
        if wrong.is_empty() { Ok(()) } else { Err(Problem::all_invalid(wrong)) }
    }

    /// The sections that set-up writes.
    fn settings(&self, app: &App) -> BTreeMap<String, std::sync::Arc<Value>> {
        let held = &app.ledger.fold().state.settings;
        let section = |name: &str| held.section(name).cloned().unwrap_or(Value::Null);
        let org_info = json!({
            "org_name": self.org_name,
            "org_logo_url": self.org_logo_url,
            "org_logo_url_light_background": self.org_logo_url_light_background,
            "contact_url": self.contact_url,
        });
        let mut server_settings = section("server_settings");
        server_settings["server_url"] = json!(self.server_url.trim_end_matches('/'));
        let sections = [("org_info", org_info), ("server_settings", server_settings)];
        sections.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect()
    }
}

/// Sets the server up and signs the first admin in: their id and token. `None` when it was done before.
pub async fn set_up(app: &App, set_up: SetUp, by: By) -> Result<Option<(UserId, String)>, Problem> {
    set_up.check()?;
    let fold = app.ledger.read_to_end().await.map_err(|error| Problem::unavailable("the log cannot be read", error))?;
    if !fold.state.users.is_empty() {
        return Ok(None);
    }
    let (vault, world) = (&app.vault, &app.world);
    let hashed = app.desk.hasher.hash(world, &set_up.admin.password).await?;
    let key = vault.new_person_key().await.map_err(Problem::failure)?;
    let profile = Profile {
        name: vault.seal(&key, set_up.admin.name.trim()),
        email: vault.seal(&key, set_up.admin.email.trim()),
        email_digest: vault.digest(Purpose::Email, &set_up.admin.email),
        position: None,
    };
    let email = profile.email_digest;
    let secret = set_up.enroll_secret.clone().unwrap_or_else(|| world.key());
    let secrets = vec![(vault.digest(Purpose::EnrollSecret, &secret), vault.seal_server(&secret))];
    let token = world.token();
    // The account first: it is what two set-ups at once compete for.
    let commands: Vec<Command> = vec![
        user::Command::First { profile, password: hashed }.into(),
        settings::Command::Change { sections: set_up.settings(app) }.into(),
        team::Command::ReplaceSecrets { team: None, secrets }.into(),
        label::Command::Seed.into(),
        session::Command::StartByEmail { email, token: Digest::of(&token) }.into(),
    ];
    let executed = match app.ledger.execute(Command::Together(commands), by).await {
        Err(infra_ledger::CommandError::Refused(_)) if !app.ledger.fold().state.users.is_empty() => return Ok(None),
        other => other?,
    };
    let admin = made(&executed, |event| match event {
        Event::UserCreated(created) => Some(created.user),
        _ => None,
    })?;
    Ok(Some((admin, token)))
}
