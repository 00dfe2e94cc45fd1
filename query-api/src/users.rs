//! Accounts, for those who manage them. Source: rest-api §4.

use actix_web::HttpRequest;
use actix_web::web::{Data, Path};
use domain::role::{Action, Roles, Scope};
use domain::user::User;
use domain::{State, TeamId, UserId};
use infra_http::{ListOptions, Params, Problem, Reply, SignedIn, shape};
use serde_json::{Value, json};

use crate::App;

/// `GET ~/users` → `{users}`; list options, `team_id`, `query` in name and address.
/// 403 but for admins, or a team's admin with its `team_id`.
pub async fn list(app: Data<App>, user: SignedIn, request: HttpRequest) -> Result<Reply, Problem> {
    let params = Params::parse(request.query_string());
    let team = params.number("team_id", |text| format!("Invalid team_id: {text}"))?.map(TeamId);
    user.may(Action::ReadUsers, Scope::from(team))?;
    let options = ListOptions::parse(&params)?;
    let fold = app.fold().await?;
    let wanted = |user: &&User| team.is_none_or(|team| has_role_in(user, team));
    let shown = fold.state.users.iter().filter(wanted).map(|user| shape::user::user(&fold.state, &app.vault, user));
    let users =
        arrange(shown.collect(), &options, &["name", "email"], &["id", "name", "email", "created_at", "updated_at"])?;
    Ok(Reply::ok(json!({"users": options.cut(users)})))
}

/// `GET ~/users/{id}` → `{user, available_teams}`. 403 but for admins and the user themself · 404.
pub async fn one(app: Data<App>, caller: SignedIn, id: Path<(String, u32)>) -> Result<Reply, Problem> {
    let id = UserId(id.1);
    let fold = app.fold().await?;
    let found = fold.state.users.get(id);
    if id != caller.user {
        may_see(&caller, found)?;
    }
    let found = found.ok_or_else(|| Problem::not_found("User", format!("with id={id}")))?;
    Ok(Reply::ok(json!({
        "user": shape::user::user(&fold.state, &app.vault, found),
        "available_teams": shape::user::available_teams(&fold.state, &found.roles),
    })))
}

fn may_see(caller: &SignedIn, found: Option<&User>) -> Result<(), Problem> {
    let shared = match found.map(|user| &user.roles) {
        Some(Roles::Teams(teams)) => teams.keys().any(|team| caller.roles.may(Action::ReadUsers, Scope::Team(*team))),
        _ => false,
    };
    if shared { Ok(()) } else { caller.may(Action::ReadUsers, Scope::Global) }
}

/// Users with a role in a team.
pub fn of_team(state: &State, team: TeamId) -> impl Iterator<Item = &User> {
    state.users.iter().filter(move |user| has_role_in(user, team))
}

fn has_role_in(user: &User, team: TeamId) -> bool {
    matches!(&user.roles, Roles::Teams(teams) if teams.contains_key(&team))
}

/// Searches, orders and moves past a cursor in a list that fits in memory: rows are objects of the API.
///
/// 422 for an order key that the list does not know.
pub fn arrange(
    mut rows: Vec<Value>,
    options: &ListOptions,
    searched: &[&str],
    keys: &[&str],
) -> Result<Vec<Value>, Problem> {
    if let Some(text) = options.query.as_deref().map(str::to_lowercase) {
        let matches = |row: &Value| {
            searched.iter().any(|field| row[*field].as_str().is_some_and(|value| value.to_lowercase().contains(&text)))
        };
        rows.retain(matches);
    }
    let Some(key) = options.order_key.as_deref() else { return Ok(rows) };
    if !keys.contains(&key) {
        return Err(Problem::invalid("order_key", format!("unknown order key: {key}")));
    }
    rows.sort_by(|one, other| {
        let order = compare(&one[key], &other[key]);
        if options.descending { order.reverse() } else { order }
    });
    if let Some(after) = &options.after {
        let cursor = after.parse::<i64>().map_or_else(|_| Value::from(after.as_str()), Value::from);
        let beyond = if options.descending { std::cmp::Ordering::Less } else { std::cmp::Ordering::Greater };
        rows.retain(|row| compare(&row[key], &cursor) == beyond);
    }
    Ok(rows)
}

fn compare(one: &Value, other: &Value) -> std::cmp::Ordering {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => {
            one.as_f64().partial_cmp(&other.as_f64()).unwrap_or(std::cmp::Ordering::Equal)
        }
        (Value::String(one), Value::String(other)) => one.to_lowercase().cmp(&other.to_lowercase()),
        (Value::Null, Value::Null) => std::cmp::Ordering::Equal,
        (Value::Null, _) => std::cmp::Ordering::Less,
        (_, Value::Null) => std::cmp::Ordering::Greater,
        (one, other) => one.to_string().cmp(&other.to_string()),
    }
}
