//! Accounts. Source: rest-api §4.

use domain::role::{Action, Roles, Scope};
use domain::user::{Profile, User};
use domain::{Command, Digest, Event, Refusal, Sealed, State, UserId, session, user};
use infra_blobs::{Purpose, VaultError};
use infra_http::{Body, Problem, Reply, shape};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::App;
use crate::admin::call::made;
use crate::admin::roles::{self, TeamRole};
use crate::admin::{Call, password};

#[derive(Deserialize)]
pub struct CreateUser {
    #[serde(default)]
    name: String,
    #[serde(default)]
    email: String,
    #[serde(default)]
    password: String,
    position: Option<String>,
    global_role: Option<String>,
    teams: Option<Vec<TeamRole>>,
    #[serde(default)]
    api_only: bool,
    admin_forced_password_reset: Option<bool>,
}

/// `POST ~/users/admin` → 200 `{user, token?}`; the token only for an API-only user.
///
/// 422 for missing or bad fields, roles and unknown teams · 409 for an address in use.
pub async fn create(call: Call, body: Body<CreateUser>) -> Result<Reply, Problem> {
    call.may(Action::WriteUsers, Scope::Any)?;
    let request = body.0;
    request.check()?;
    let roles = roles::required(roles::parse(request.global_role.as_deref(), request.teams.as_deref())?)?;
    let unknown = |roles: &Roles| matches!(roles, Roles::Teams(teams) if teams.keys().any(|team| call.state().teams.get(*team).is_none()));
    if !unknown(&roles) {
        roles::may_write(&call.user, &roles)?;
    }
    let vault = &call.app.vault;
    let key = vault.new_person_key().await.map_err(Problem::failure)?;
    let profile = Profile {
        name: vault.seal(&key, request.name.trim()),
        email: vault.seal(&key, request.email.trim()),
        email_digest: vault.digest(Purpose::Email, &request.email),
        position: request.position.as_deref().map(|position| vault.seal(&key, position)),
    };
    let (email, token) = (profile.email_digest, call.app.world.token());
    let create = user::Command::Create {
        profile,
        password: call.app.desk.hasher.hash(&call.app.world, &request.password).await?,
        roles,
        api_only: request.api_only,
        must_reset_password: request.admin_forced_password_reset.unwrap_or(true),
    };
    let mut commands: Vec<Command> = vec![create.into()];
    if request.api_only {
        commands.push(session::Command::StartByEmail { email, token: Digest::of(&token) }.into());
    }
    let executed = call.execute(Command::Together(commands)).await?;
    let id = made(&executed, |event| match event {
        Event::UserCreated(created) => Some(created.user),
        _ => None,
    })?;
    let mut reply = json!({"user": shown(&call, &executed.fold.state, id)?});
    // A repeated call is answered with what the first one did: its token is not known any more.
    let started = |event: &Event| matches!(event, Event::SessionStarted(one) if one.token == Digest::of(&token));
    if executed.outcome.iter().any(|outcome| outcome.events.iter().any(started)) {
        reply["token"] = json!(token);
    }
    Ok(Reply::ok(reply))
}

impl CreateUser {
    fn check(&self) -> Result<(), Problem> {
        let mut wrong = vec![];
        if self.name.trim().is_empty() {
            wrong.push(("name", "Full name missing required argument"));
        }
        if self.email.trim().is_empty() {
            wrong.push(("email", "Email missing required argument"));
        } else if !is_email(&self.email) {
            wrong.push(("email", "is not an email address"));
        }
        if self.password.is_empty() {
            wrong.push(("password", "Password missing required argument"));
        } else if password::check("password", &self.password).is_err() {
            wrong.push(("password", password::RULE));
        }
        if wrong.is_empty() { Ok(()) } else { Err(Problem::all_invalid(wrong)) }
    }
}

/// One `@` with something on both sides, and no blank.
pub fn is_email(text: &str) -> bool {
    let text = text.trim();
    let parts = text.split_once('@');
    parts.is_some_and(|(name, host)| !name.is_empty() && !host.is_empty() && !host.contains('@'))
        && !text.chars().any(char::is_whitespace)
}

#[derive(Deserialize)]
pub struct ChangeUser {
    name: Option<String>,
    email: Option<String>,
    /// The caller's own present password, when they change their address or password.
    password: Option<String>,
    new_password: Option<String>,
    position: Option<String>,
    global_role: Option<String>,
    teams: Option<Vec<TeamRole>>,
}

/// `PATCH ~/users/{id}` → `{user}`, by an admin or the user themself; roles by an admin alone.
///
/// 403 · 404 · 409 for an address in use · 422 for bad fields, the last admin (code 2), a wrong `password`.
pub async fn change(call: Call, body: Body<ChangeUser>) -> Result<Reply, Problem> {
    let (id, request) = (call.id("User")?, body.0);
    let held = find_for(&call, id)?;
    let roles = roles::parse(request.global_role.as_deref(), request.teams.as_deref())?;
    // Clients send back what they read: equal roles are no change.
    let roles = roles.filter(|roles| *roles != held.roles);
    if let Some(roles) = &roles {
        roles::may_write(&call.user, &held.roles)?;
        roles::may_write(&call.user, roles)?;
    }
    request.check(&call, held).await?;
    let mut commands: Vec<Command> = vec![];
    if let Some(new) = &request.new_password {
        let password = call.app.desk.hasher.hash(&call.app.world, new).await?;
        let must_reset_password = held.must_reset_password && call.user.user != id;
        commands.push(user::Command::SetPassword { user: id, password, must_reset_password }.into());
    }
    let profile = request.profile(&call, &held.profile);
    commands.push(user::Command::Change { user: id, profile, roles, must_reset_password: None }.into());
    let executed = call.execute(Command::Together(commands)).await?;
    Ok(Reply::ok(json!({"user": shown(&call, &executed.fold.state, id)?})))
}

impl ChangeUser {
    async fn check(&self, call: &Call, held: &User) -> Result<(), Problem> {
        if self.name.as_ref().is_some_and(|name| name.trim().is_empty()) {
            return Err(Problem::invalid("name", "Full name missing required argument"));
        }
        if self.email.as_ref().is_some_and(|email| !is_email(email)) {
            return Err(Problem::invalid("email", "is not an email address"));
        }
        let is_new = |email: &String| call.app.vault.digest(Purpose::Email, email) != held.profile.email_digest;
        let of_own = call.user.user == held.id;
        let sensitive = self.email.as_ref().is_some_and(is_new) || self.new_password.is_some();
        if of_own && sensitive {
            let given = self.password.as_deref().unwrap_or_default();
            if given.is_empty() {
                return Err(Problem::invalid("password", "cannot be empty if email is changed"));
            }
            if !call.app.desk.hasher.verify(Some(&held.password), given).await? {
                return Err(Problem::invalid("password", "incorrect password"));
            }
        }
        self.new_password.as_deref().map_or(Ok(()), |new| password::check("new_password", new))
    }

    /// The new profile, sealed with the key that the person has; parts that stay equal stay sealed as they are.
    fn profile(&self, call: &Call, held: &Profile) -> Option<Profile> {
        let vault = &call.app.vault;
        let key = &held.name.key;
        let again = |new: &Option<String>, held: &Sealed| match new {
            Some(text) if vault.open(held).as_deref() != Some(text.trim()) => vault.seal(key, text.trim()),
            _ => held.clone(),
        };
        let position = match (&self.position, &held.position) {
            (Some(new), Some(held)) => Some(again(&Some(new.clone()), held)),
            (Some(new), None) => Some(vault.seal(key, new.trim())),
            (None, held) => held.clone(),
        };
        Some(Profile {
            name: again(&self.name, &held.name),
            email: again(&self.email, &held.email),
            email_digest: self.email.as_ref().map_or(held.email_digest, |email| vault.digest(Purpose::Email, email)),
            position,
        })
    }
}

/// `DELETE ~/users/{id}` → `{}`. 422 for the last admin. What they did stays under their name.
pub async fn delete(call: Call) -> Result<Reply, Problem> {
    let id = call.id("User")?;
    call.may(Action::WriteUsers, Scope::Any)?;
    let held = find(call.state(), id)?;
    roles::may_write(&call.user, &held.roles)?;
    call.execute(user::Command::Delete { user: id }).await?;
    Ok(Reply::done())
}

/// `POST /api/muster/v1/users/{id}/erase` → `{}`: makes a person unreadable for ever, in the ledger, in every fold, view,
/// snapshot and activity that was made of it, and in all copies of them. What they did stays, under their number.
///
/// An account that they still have is deleted with it; somebody whose account was deleted is erased all the same. For
/// global admins. 404 · 422 for the last admin. Backups of the vault's key file must be replaced by the operator.
pub async fn erase(call: Call) -> Result<Reply, Problem> {
    let user: UserId = call.id("User")?;
    call.may(Action::WriteUsers, Scope::Global)?;
    call.execute(user::Command::Erase { user }).await?;
    // What is left undone here, the job does.
    destroy_keys(&call.app).await.map_err(Problem::failure)?;
    Ok(Reply::done())
}

/// A job: destroys the keys of persons who were erased, if this vault still holds them: a process may have ended between
/// the commit and this, or an older key file may have been put back.
pub async fn destroy_keys(app: &App) -> Result<(), VaultError> {
    let fold = app.ledger.fold();
    for key in fold.state.users.erased_keys().filter(|key| app.vault.holds(key)) {
        app.vault.erase(key).await?;
        tracing::info!(%key, "the key of a person who was erased is destroyed");
    }
    Ok(())
}

#[derive(Deserialize)]
pub struct RequireReset {
    #[serde(default)]
    require: bool,
}

/// `POST ~/users/{id}/require_password_reset` `{require}` → `{user}`; to require it ends their sessions.
pub async fn require_reset(call: Call, body: Body<RequireReset>) -> Result<Reply, Problem> {
    let (id, require) = (call.id("User")?, body.0.require);
    call.may(Action::WriteUsers, Scope::Any)?;
    roles::may_write(&call.user, &find(call.state(), id)?.roles)?;
    let change = user::Command::Change { user: id, profile: None, roles: None, must_reset_password: Some(require) };
    let mut commands: Vec<Command> = vec![change.into()];
    if require {
        commands.push(session::Command::EndAll { user: id }.into());
    }
    let executed = call.execute(Command::Together(commands)).await?;
    Ok(Reply::ok(json!({"user": shown(&call, &executed.fold.state, id)?})))
}

fn find(state: &State, id: UserId) -> Result<&User, Problem> {
    state.users.get(id).ok_or_else(|| Refusal::not_found("User", format!("with id={id}")).into())
}

/// The account, if the caller is its owner or may write it.
fn find_for(call: &Call, id: UserId) -> Result<&User, Problem> {
    if id != call.user.user {
        call.may(Action::WriteUsers, Scope::Any)?;
    }
    let held = find(call.state(), id)?;
    if id != call.user.user {
        roles::may_write(&call.user, &held.roles)?;
    }
    Ok(held)
}

fn shown(call: &Call, state: &State, id: UserId) -> Result<Value, Problem> {
    Ok(shape::user::user(state, &call.app.vault, find(state, id)?))
}
