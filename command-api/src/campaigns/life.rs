//! What becomes of a campaign that runs.

use actix_web::web::{Data, Path};
use domain::campaign::{Campaign, Command};
use domain::role::{Action, Scope};
use domain::targets::visible;
use domain::{CampaignId, Members, State};
use infra_http::{Body, Problem, Reply, SignedIn};
use serde::Deserialize;
use serde_json::{Value, json};

use super::end;
use super::start::{fresh, life, show};
use crate::{App, by, by_system};

#[derive(Deserialize)]
pub struct Extend {
    hours: u64,
}

/// `POST /api/muster/v1/campaigns/{id}/stop` → `{campaign}`, of whose `hosts` only `targeted`, and while it ran
/// `answered`, `waiting` and `offline`. Stopping a stopped one changes nothing.
/// 400 for one that ended more than a day ago · 403 · 404.
pub async fn stop(app: Data<App>, user: SignedIn, id: Path<u32>) -> Result<Reply, Problem> {
    change(&app, &user, CampaignId(*id), |campaign| Command::Stop { campaign }).await
}

/// `POST /api/muster/v1/campaigns/{id}/extend` `{hours}` → `{campaign}`, as [`stop`] gives it. 400 for one that has ended · 403 · 404.
pub async fn extend(app: Data<App>, user: SignedIn, id: Path<u32>, body: Body<Extend>) -> Result<Reply, Problem> {
    let life = life(Some(body.0.hours))?;
    change(&app, &user, CampaignId(*id), |campaign| Command::Extend { campaign, life }).await
}

async fn change(
    app: &App,
    user: &SignedIn,
    id: CampaignId,
    command: impl Fn(CampaignId) -> Command,
) -> Result<Reply, Problem> {
    let fold = fresh(app).await?;
    let campaign = fold.state.campaigns.get(id);
    if fold.state.campaigns.is_forgotten(id) {
        user.may(Action::RunAnyQuery, Scope::Any)?;
        return Err(Problem::bad_request(format!("campaign {id} ended long ago and cannot be changed")));
    }
    may_change(&fold.state, user, campaign)?;
    let Some(campaign) = campaign else { return Err(Problem::not_found("Campaign", id)) };
    // Who answered is forgotten when a campaign ends.
    let answered = campaign.ended.is_none().then(|| app.registry.answers_of(id));
    let executed = app.ledger.execute(command(id).into(), by(app, user.actor())).await?;
    let state = &executed.fold.state;
    let campaign = state.campaigns.get(id).ok_or_else(|| Problem::not_found("Campaign", id))?;
    Ok(Reply::ok(json!({"campaign": changed(app, state, campaign, answered.as_ref())})))
}

/// Our form of a campaign that was changed. This side knows who answered one that ran, but not what: the counts that
/// only the reading side has are left out rather than wrong.
fn changed(app: &App, state: &State, campaign: &Campaign, answered: Option<&Members>) -> Value {
    let mut shown = show(app, state, campaign);
    let mut hosts = json!({"targeted": campaign.targets.len()});
    if let Some(answered) = answered.map(|hosts| campaign.targets.and(hosts)) {
        let silent = campaign.targets.without(&answered);
        let online = silent.and(&app.registry.online(app.world.now())).len();
        let waiting = if campaign.ended.is_some() { 0 } else { online };
        hosts["answered"] = json!(answered.len());
        hosts["waiting"] = json!(waiting);
        hosts["offline"] = json!(silent.len() - waiting);
    }
    if let Some(members) = shown.as_object_mut() {
        members.insert("hosts".to_owned(), hosts);
        members.remove("rows");
    }
    shown
}

/// Who may ask anything of every host that it asks; for its author it is enough that they may ask what observers may.
fn may_change(state: &State, user: &SignedIn, campaign: Option<&Campaign>) -> Result<(), Problem> {
    let Some(campaign) = campaign else { return user.may(Action::RunAnyQuery, Scope::Any) };
    let needed = if campaign.by == Some(user.user) { Action::RunObserverQuery } else { Action::RunAnyQuery };
    user.may(needed, Scope::Any)?;
    let others = campaign.targets.and(state.hosts.existing()).without(&visible(state, &user.roles, needed));
    if others.is_empty() { Ok(()) } else { Err(Problem::forbidden()) }
}

/// A reader left; an attended campaign ends with its last one.
pub async fn left(app: &App, campaign: CampaignId) {
    app.registry.left(campaign, app.world.now());
    let attended =
        app.ledger.fold().state.campaigns.get(campaign).is_some_and(|one| one.attended && one.ended.is_none());
    if attended && app.registry.readers(campaign) == 0 {
        end(app, campaign).await;
    }
}

/// A job: ends campaigns whose time is over, and attended ones that nobody has read for a minute.
pub async fn expire(app: &App) {
    let now = app.world.now();
    if app.ledger.fold().state.campaigns.open().any(|campaign| campaign.expires_at <= now)
        && let Err(error) = app.ledger.execute(Command::Expire.into(), by_system(app)).await
    {
        tracing::warn!("campaigns could not be ended: {error}");
    }
    for campaign in app.registry.deserted(now) {
        end(app, campaign).await;
    }
}
