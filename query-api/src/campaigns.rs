//! Live queries by their address: who was asked what, and how far it is.

use actix_web::HttpRequest;
use actix_web::web::{Data, Path};
use domain::campaign::Campaign;
use domain::role::Action;
use domain::{CampaignId, State};
use infra_http::shape::campaign::Answered;
use infra_http::{Caller, ListOptions, Params, Problem, Reply, SignedIn, shape};
use serde_json::{Value, json};

use crate::App;
use crate::stream::interval_s;

const DEFAULT_PAGE: usize = 20;

/// `GET /api/muster/v1/campaigns` → `{campaigns, count, meta}`, newest first. Team roles see those that asked only hosts
/// of their teams, and their own.
pub async fn list(app: Data<App>, user: SignedIn, request: HttpRequest) -> Result<Reply, Problem> {
    user.may(Action::ReadHosts, domain::role::Scope::Any)?;
    let params = Params::parse(request.query_string());
    let mut options = ListOptions::parse(&params)?;
    if params.text("per_page").is_none() {
        options.per_page = DEFAULT_PAGE as u64;
    }
    let fold = app.fold().await?;
    let visible: Vec<&Campaign> =
        fold.state.campaigns.iter().rev().filter(|campaign| visible(&fold.state, &user, campaign)).collect();
    let count = visible.len() as u64;
    let mut shown = Vec::new();
    for campaign in options.cut(visible) {
        shown.push(show(&app, &fold.state, campaign).await.map_err(unreadable)?);
    }
    Ok(Reply::ok(json!({"campaigns": shown, "count": count, "meta": options.meta(count)})))
}

/// `GET /api/muster/v1/campaigns/{id}` → `{campaign}`. 404 also for one that the caller may not see.
pub async fn one(app: Data<App>, user: SignedIn, id: Path<u32>) -> Result<Reply, Problem> {
    let fold = app.fold().await?;
    let campaign = find(&fold.state, &user, CampaignId(*id))?;
    Ok(Reply::ok(json!({"campaign": show(&app, &fold.state, campaign).await.map_err(unreadable)?})))
}

/// The campaign, if there is one that the caller may see.
pub fn find<'a>(state: &'a State, user: &Caller, id: CampaignId) -> Result<&'a Campaign, Problem> {
    let found = state.campaigns.get(id).filter(|campaign| visible(state, user, campaign));
    found.ok_or_else(|| Problem::not_found("Campaign", id))
}

/// Whether somebody may read a campaign: its author, or who may see every host that it asked.
pub fn visible(state: &State, user: &Caller, campaign: &Campaign) -> bool {
    match user.roles.teams_for(Action::ReadHosts) {
        None => true,
        Some(_) if campaign.by == Some(user.user) => true,
        Some(teams) if teams.is_empty() => false,
        Some(teams) => {
            let seen = teams.iter().map(|team| state.hosts.of_team(Some(*team)));
            let seen = seen.fold(domain::Members::default(), |all, team| all.or(&team));
            campaign.targets.without(&seen).is_empty()
        }
    }
}

/// The API's form of a campaign, with its counts as of now.
pub async fn show(app: &App, state: &State, campaign: &Campaign) -> anyhow::Result<Value> {
    let counts = app.answers.counts(campaign.id).await?;
    let answered =
        Answered { with_rows: counts.with_rows, empty: counts.empty, error: counts.failed, rows: counts.rows };
    let now = app.world.now();
    let silent = campaign.targets.without(&app.presence.answered(campaign.id));
    let online = silent.iter().filter_map(|id| state.hosts.get(id));
    let online = online.filter(|host| app.presence.is_online(host, interval_s(state, host), now)).count() as u64;
    let waiting = if campaign.ended.is_some() { 0 } else { online };
    Ok(shape::campaign::campaign(state, &app.vault, campaign, answered, waiting))
}

fn unreadable(error: anyhow::Error) -> Problem {
    Problem::unavailable("live results cannot be read", format!("{error:#}"))
}
