//! Teams and enroll secrets. Source: rest-api §5, §6.

use actix_web::HttpRequest;
use actix_web::web::{Data, Path};
use domain::TeamId;
use domain::role::{Action, Roles, Scope};
use infra_http::{ListOptions, Params, Problem, Reply, SignedIn, shape};
use serde_json::{Value, json};

use crate::App;
use crate::users::{arrange, of_team};

/// `GET ~/teams` → `{teams}`; list options, `query` in the name. Team roles see their own.
pub async fn list(app: Data<App>, user: SignedIn, request: HttpRequest) -> Result<Reply, Problem> {
    user.may(Action::ReadTeams, Scope::Any)?;
    let options = ListOptions::parse(&Params::parse(request.query_string()))?;
    let fold = app.fold().await?;
    let visible = |team: &TeamId| match &user.roles {
        Roles::Global(_) => true,
        Roles::Teams(teams) => teams.contains_key(team),
    };
    let teams = fold.state.teams.iter().filter(|team| visible(&team.id));
    let shown = teams.map(|team| shape::team::team(&fold.state, &app.vault, team, &user.roles));
    let teams =
        arrange(shown.collect(), &options, &["name"], &["id", "name", "created_at", "host_count", "user_count"])?;
    Ok(Reply::ok(json!({"teams": options.cut(teams)})))
}

/// `GET ~/teams/{id}` → `{team}`. 403 for other teams' roles and gitops · 404.
pub async fn one(app: Data<App>, user: SignedIn, id: Path<(String, u32)>) -> Result<Reply, Problem> {
    let id = TeamId(id.1);
    user.may(Action::ReadTeam, Scope::Team(id))?;
    let fold = app.fold().await?;
    let team = fold.state.teams.get(id).ok_or_else(|| Problem::not_found("Team", id))?;
    Ok(Reply::ok(json!({"team": shape::team::team(&fold.state, &app.vault, team, &user.roles)})))
}

/// `GET ~/teams/{id}/users` → `{users}`, each with the role in this team. 403 · 404.
pub async fn users(
    app: Data<App>,
    caller: SignedIn,
    id: Path<(String, u32)>,
    request: HttpRequest,
) -> Result<Reply, Problem> {
    let id = TeamId(id.1);
    caller.may(Action::ReadTeam, Scope::Team(id))?;
    let options = ListOptions::parse(&Params::parse(request.query_string()))?;
    let fold = app.fold().await?;
    fold.state.teams.get(id).ok_or_else(|| Problem::not_found("Team", id))?;
    let shown = of_team(&fold.state, id).map(|user| {
        let mut shown = shape::user::user(&fold.state, &app.vault, user);
        if let Roles::Teams(teams) = &user.roles {
            shown["role"] = json!(teams.get(&id).map(|role| role.name()));
        }
        shown
    });
    let users = arrange(shown.collect(), &options, &["name", "email"], &["id", "name", "email", "created_at"])?;
    Ok(Reply::ok(json!({"users": options.cut(users)})))
}

/// `GET ~/teams/{id}/secrets` → `{secrets: [{secret, created_at, team_id}]|null}`; observers see masks.
pub async fn secrets(app: Data<App>, user: SignedIn, id: Path<(String, u32)>) -> Result<Reply, Problem> {
    let id = TeamId(id.1);
    user.may(Action::ReadTeam, Scope::Team(id))?;
    let fold = app.fold().await?;
    let secrets = shape::team::secrets(&fold.state, &app.vault, id, &user.roles);
    let none = secrets.as_array().is_some_and(Vec::is_empty);
    Ok(Reply::ok(json!({"secrets": if none { Value::Null } else { secrets }})))
}

/// `GET ~/spec/enroll_secret` → `{spec: {secrets}}`, those that lead to no team. 403 but for admins and maintainers.
pub async fn global_secrets(app: Data<App>, user: SignedIn) -> Result<Reply, Problem> {
    user.may(Action::ReadSecrets, Scope::Global)?;
    let fold = app.fold().await?;
    Ok(Reply::ok(json!({"spec": {"secrets": shape::team::global_secrets(&fold.state, &app.vault)}})))
}
