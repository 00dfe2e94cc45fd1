//! Live queries by their address: who was asked what, and how far it is.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use domain::campaign::Campaign;
use domain::records::AnswerState;
use domain::role::Action;
use domain::{CampaignId, Members, State, UserId, targets};
use infra_http::shape::campaign::Answered;
use infra_http::{Caller, ListOptions, Params, Problem, Reply, SignedIn, shape};
use projections::read::TeamScope;
use projections::{FoldError, read, view};
use serde_json::{Value, json};

use crate::App;
use crate::guard::Guard;
use crate::hosts::scope;
use crate::reads::Arrivals;
use crate::stream::{answer, interval_s};

const DEFAULT_PAGE: usize = 20;
/// Campaigns that are looked at together.
const STRIDE: u64 = 500;

/// `GET /api/muster/v1/campaigns` → `{campaigns, count, meta}`, newest first; `page` and `per_page`. Team roles see those
/// that asked only hosts of their teams. 422 for another order.
pub async fn list(app: Data<App>, user: SignedIn, request: HttpRequest) -> Result<HttpResponse, Problem> {
    user.may(Action::ReadHosts, domain::role::Scope::Any)?;
    let params = Params::parse(request.query_string());
    let mut options = ListOptions::parse(&params)?.without_search(&params)?;
    if let Some(key) = options.order_key.as_deref().filter(|key| *key != "id") {
        return Err(Problem::invalid("order_key", format!("unknown order key: {key}")));
    }
    if options.order_key.is_some() && !options.descending {
        return Err(Problem::invalid("order_key", "campaigns are listed newest first"));
    }
    if params.text("per_page").is_none() {
        options.per_page = DEFAULT_PAGE as u64;
    }
    let fold = app.fold().await?;
    let views: &[&str] = match scope(&user.roles, Action::ReadHosts) {
        TeamScope::All => &[view::ANSWERS, view::CAMPAIGNS],
        TeamScope::Teams(_) => &[view::ANSWERS, view::CAMPAIGNS, view::HOSTS],
    };
    let as_of = app.reads.as_of(&Params::parse(""), &app.world, views).await?;
    let (page, count) = page(&app, &fold.state, &user, &options).await.map_err(unreadable)?;
    let mut shown = Vec::new();
    for campaign in &page {
        shown.push(show(&app, &fold.state, campaign).await.map_err(unreadable)?);
    }
    Ok(as_of.answer(&request, json!({"campaigns": shown, "count": count, "meta": options.meta(count)})))
}

/// A page of the campaigns that the caller may see, newest first, and how many they are. The view has those that the
/// fold has forgotten.
async fn page(
    app: &App,
    state: &State,
    user: &Caller,
    options: &ListOptions,
) -> Result<(Vec<Campaign>, u64), FoldError> {
    let asked = read::Page { number: options.page, size: Some(options.per_page), ..read::Page::default() };
    if user.roles.teams_for(Action::ReadHosts).is_none() {
        let page = read::campaign_page(&app.reads.views, &asked).await?;
        return Ok((page, read::campaign_count(&app.reads.views).await?));
    }
    // Whom a campaign asked is no column: what the caller may see is found by looking at each.
    let sight = Sight::of(app, user).await?;
    let hosts = targets::visible(state, &user.roles, Action::ReadHosts);
    let seen = |campaign: &Campaign| within(state, user, &hosts, campaign) && sight.reaches(campaign);
    let (mut found, mut count) = (vec![], 0);
    // By id, since a campaign that starts meanwhile moves all others in the list.
    let mut some = read::Page { size: Some(STRIDE), ..read::Page::default() };
    loop {
        let stride = read::campaign_page(&app.reads.views, &some).await?;
        let last = (stride.len() as u64) < STRIDE;
        some.after = stride.last().map(|campaign| campaign.id.to_string());
        for campaign in stride.into_iter().filter(&seen) {
            if (asked.skip()..asked.skip().saturating_add(options.per_page)).contains(&count) {
                found.push(campaign);
            }
            count += 1;
        }
        if last {
            break;
        }
    }
    Ok((found, count))
}

/// `GET /api/muster/v1/campaigns/{id}` → `{campaign}`. 404 also for one that the caller may not see.
pub async fn one(app: Data<App>, user: SignedIn, id: Path<u32>) -> Result<Reply, Problem> {
    let fold = app.fold().await?;
    let campaign = find(&app, &fold.state, &user, CampaignId(*id)).await?;
    app.reads.caught_up(&[view::ANSWERS]).await;
    Ok(Reply::ok(json!({"campaign": show(&app, &fold.state, &campaign).await.map_err(unreadable)?})))
}

/// The campaign, if there is one that the caller may see.
async fn find(app: &App, state: &State, user: &Caller, id: CampaignId) -> Result<Campaign, Problem> {
    let found = readable(app, state, user, id).await.map_err(unreadable)?;
    found.ok_or_else(|| Problem::not_found("Campaign", id))
}

/// The campaign, if there is one that this reader may see now and could have seen when it began.
pub async fn readable(app: &App, state: &State, user: &Caller, id: CampaignId) -> Result<Option<Campaign>, FoldError> {
    let campaign = known(app, state, id).await?.filter(|campaign| visible(state, user, campaign));
    let Some(campaign) = campaign else { return Ok(None) };
    let sight = Sight::of(app, user).await?;
    Ok(Some(campaign).filter(|campaign| sight.reaches(campaign)))
}

/// What somebody could see in the past. What hosts answered before they came to the teams of a reader is not for them.
struct Sight {
    user: UserId,
    arrivals: Arrivals,
}

impl Sight {
    async fn of(app: &App, user: &Caller) -> Result<Sight, FoldError> {
        let arrivals = app.reads.arrivals(&scope(&user.roles, Action::ReadHosts)).await?;
        Ok(Sight { user: user.user, arrivals })
    }

    /// Whether all hosts of a campaign were in sight when it began; its author saw them.
    fn reaches(&self, campaign: &Campaign) -> bool {
        let there = |host| self.arrivals.there(host, campaign.started_at);
        campaign.by == Some(self.user) || campaign.targets.iter().all(there)
    }
}

/// The campaign, from the fold, or from the view if the fold has forgotten it.
pub async fn known(app: &App, state: &State, id: CampaignId) -> Result<Option<Campaign>, FoldError> {
    match state.campaigns.get(id) {
        Some(campaign) => Ok(Some(campaign.clone())),
        None if state.campaigns.is_forgotten(id) => {
            app.reads.caught_up(&[view::CAMPAIGNS]).await;
            read::campaign_one(&app.reads.views, id).await
        }
        None => Ok(None),
    }
}

/// Whether somebody may read a campaign: who may see every host that it asked.
///
/// For its author the deleted ones of them do not count; but an author who may not see the others any more reads nothing.
pub fn visible(state: &State, user: &Caller, campaign: &Campaign) -> bool {
    within(state, user, &targets::visible(state, &user.roles, Action::ReadHosts), campaign)
}

/// The same, with the hosts that the reader may see.
fn within(state: &State, user: &Caller, hosts: &Members, campaign: &Campaign) -> bool {
    let Some(teams) = user.roles.teams_for(Action::ReadHosts) else { return true };
    let mut hidden = campaign.targets.without(hosts);
    if campaign.by == Some(user.user) {
        hidden = hidden.and(state.hosts.existing());
    }
    !teams.is_empty() && hidden.is_empty()
}

/// Watches over a reader of a campaign.
pub fn guard(app: &App, user: &Caller, campaign: Campaign) -> Guard {
    Guard::new(&app.access, user.token, move |user| visible(user.state(), user, &campaign))
}

/// The API's form of a campaign, with its counts as of now.
pub async fn show(app: &App, state: &State, campaign: &Campaign) -> Result<Value, FoldError> {
    let total = app.reads.totals(campaign.id).await?;
    let answered = Answered { with_rows: total.rows, empty: total.empty, error: total.error, rows: total.row_total };
    let now = app.world.now();
    let silent = campaign.targets.without(&total.answered);
    let online = silent.iter().filter_map(|id| state.hosts.get(id));
    let online = online.filter(|host| app.presence.is_online(host, interval_s(state, host), now)).count() as u64;
    let waiting = if campaign.ended.is_some() { 0 } else { online };
    Ok(shape::campaign::campaign(state, &app.vault, campaign, answered, waiting))
}

/// `GET /api/muster/v1/campaigns/{id}/answers` → `{answers, next}`, oldest first.
///
/// `after` (a position, exclusive) · `per_page` (default 100, at most 1000) · `state` = `rows`, `empty` or `error`.
/// `next` is the position to go on from, `null` at the end. A page of large answers ends early, at
/// [`PAGE_BYTES`](projections::budget::PAGE_BYTES): its `next` is not `null`.
pub async fn answers(app: Data<App>, user: SignedIn, id: Path<u32>, request: HttpRequest) -> Result<Reply, Problem> {
    let fold = app.fold().await?;
    let campaign = find(&app, &fold.state, &user, CampaignId(*id)).await?.id;
    let params = Params::parse(request.query_string());
    let after = params.number("after", |text| format!("after {text:?} is no position"))?;
    let limit: u64 = params.number("per_page", |_| "non-int per_page value".to_owned())?.unwrap_or(100);
    if !(1..=1000).contains(&limit) {
        return Err(Problem::bad_request("per_page must be between 1 and 1000"));
    }
    let state = params.text("state").map(|text| {
        AnswerState::parse(text)
            .ok_or_else(|| Problem::bad_request(format!("state {text:?} is none of rows, empty, error")))
    });
    app.reads.caught_up(&[view::ANSWERS]).await;
    let found =
        read::answer_page(&app.reads.views, campaign, after, state.transpose()?, limit).await.map_err(unreadable)?;
    let hosts: Vec<_> = found.rows.iter().map(|one| one.host).collect();
    let names = app.reads.names(&hosts).await.map_err(unreadable)?;
    let next = found.rows.last().map(|last| last.position).filter(|_| found.more);
    let answers: Vec<Value> = found.rows.iter().zip(&names).map(|(one, name)| answer(one, name)).collect();
    Ok(Reply::ok(json!({"answers": answers, "next": next})))
}

/// `GET /api/muster/v1/campaigns/{id}/errors` → `{errors: [{message, hosts, first_at, last_at, host_ids}]}`, most hosts first.
pub async fn errors(app: Data<App>, user: SignedIn, id: Path<u32>) -> Result<Reply, Problem> {
    let fold = app.fold().await?;
    let campaign = find(&app, &fold.state, &user, CampaignId(*id)).await?.id;
    app.reads.caught_up(&[view::ANSWERS]).await;
    let groups = read::answer_errors(&app.reads.views, campaign).await.map_err(unreadable)?;
    let shown = |group: &read::ErrorGroup| {
        json!({
            "message": group.message,
            "hosts": group.hosts,
            "first_at": group.first_at.to_rfc3339(),
            "last_at": group.last_at.to_rfc3339(),
            "host_ids": group.host_ids,
        })
    };
    Ok(Reply::ok(json!({"errors": groups.iter().map(shown).collect::<Vec<_>>()})))
}

fn unreadable(error: FoldError) -> Problem {
    Problem::unavailable("live results cannot be read", error)
}
