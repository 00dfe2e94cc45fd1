//! What becomes of a campaign that runs.

use std::collections::BTreeMap;

use domain::campaign::{Campaign, Command};
use domain::role::{Action, Scope};
use domain::targets::visible;
use domain::{CampaignId, Members, State};
use infra_http::{Body, Problem, Reply, SignedIn};
use serde::Deserialize;
use serde_json::{Value, json};

use super::start::{life, show};
use super::{cost, end};
use crate::admin::Call;
use crate::{App, by_system};

#[derive(Deserialize)]
pub struct Extend {
    hours: u64,
}

/// `POST /api/muster/v1/campaigns/{id}/stop` → `{campaign}`, of whose `hosts` only `targeted`, and while it ran
/// `answered`, `waiting` and `offline`. Stopping a stopped one changes nothing.
/// 400 for one that ended more than a day ago · 403 · 404.
pub async fn stop(call: Call) -> Result<Reply, Problem> {
    let campaign = changeable(&call)?;
    let stats = cost::of(&call.app, campaign).await;
    change(&call, campaign, Command::Stop { campaign, stats }).await
}

/// `POST /api/muster/v1/campaigns/{id}/extend` `{hours}` → `{campaign}`, as [`stop`] gives it. 400 for one that has ended · 403 · 404.
pub async fn extend(call: Call, body: Body<Extend>) -> Result<Reply, Problem> {
    let life = life(Some(body.0.hours))?;
    let campaign = changeable(&call)?;
    change(&call, campaign, Command::Extend { campaign, life }).await
}

fn changeable(call: &Call) -> Result<CampaignId, Problem> {
    let id = call.id("Campaign")?;
    if call.state().campaigns.is_forgotten(id) {
        call.may(Action::RunAnyQuery, Scope::Any)?;
        return Err(Problem::bad_request(format!("campaign {id} ended long ago and cannot be changed")));
    }
    let campaign = call.state().campaigns.get(id);
    may_change(call.state(), &call.user, campaign)?;
    if campaign.is_some() { Ok(id) } else { Err(Problem::not_found("Campaign", id)) }
}

async fn change(call: &Call, id: CampaignId, command: Command) -> Result<Reply, Problem> {
    // Who answered is forgotten when a campaign ends.
    let ran = call.state().campaigns.get(id).is_some_and(|campaign| campaign.ended.is_none());
    let answered = ran.then(|| call.app.registry.answers_of(id));
    let executed = call.execute(command).await?;
    let state = &executed.fold.state;
    let campaign = state.campaigns.get(id).ok_or_else(|| Problem::not_found("Campaign", id))?;
    Ok(Reply::ok(json!({"campaign": changed(&call.app, state, campaign, answered.as_ref())})))
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
    let fold = app.ledger.fold();
    let expired: Vec<CampaignId> =
        fold.state.campaigns.open().filter(|campaign| campaign.expires_at <= now).map(|campaign| campaign.id).collect();
    if !expired.is_empty() {
        let mut stats = BTreeMap::new();
        for campaign in expired {
            stats.extend(cost::of(app, campaign).await.map(|stats| (campaign, stats)));
        }
        if let Err(error) = app.ledger.execute(Command::Expire { stats }.into(), by_system(app)).await {
            tracing::warn!("campaigns could not be ended: {error}");
        }
    }
    for campaign in app.registry.deserted(now) {
        end(app, campaign).await;
    }
}
