//! Starting a campaign. Source: live-query §2.1, rest-api §13.1.

use std::time::Duration;

use domain::campaign::{Campaign, Command, DEFAULT_LIFE, LONGEST_LIFE};
use domain::{Event, Members, Refusal, State};
use infra_http::shape::campaign::{self as shape, Answered, Presence};
use infra_http::{Body, Problem, Reply};
use infra_ledger::CommandError;
use serde::Deserialize;
use serde_json::json;

use super::selected::{ByIds, ByNames, Question};
use crate::admin::Call;
use crate::{App, sql};

/// Unseen for so long, a host is missing in action.
const MISSING_AFTER: Duration = Duration::from_secs(30 * 86_400);

#[derive(Deserialize)]
pub struct RunByIds {
    query: Option<String>,
    query_id: Option<u32>,
    #[serde(default)]
    selected: Option<ByIds>,
}

#[derive(Deserialize)]
pub struct RunByNames {
    query: Option<String>,
    query_id: Option<u32>,
    #[serde(default)]
    selected: Option<ByNames>,
    /// Ours alone: hours of life.
    hours: Option<u64>,
}

/// `POST ~/queries/run` `{query?, query_id?, selected}` → 200 `{campaign}`.
///
/// 422 without a question · 404 unknown query · 400 `no hosts targeted`, unknown label · 403 not allowed or switched off.
pub async fn by_ids(call: Call, body: Body<RunByIds>) -> Result<Reply, Problem> {
    let question = Question::parse(call.state(), body.0.query, body.0.query_id)?;
    let selection = body.0.selected.unwrap_or_default().selection();
    let targets = question.targets(&call, &selection)?;
    fleet_reply(&call.app, start(&call, &question, targets, true, DEFAULT_LIFE).await?)
}

/// `POST ~/queries/run_by_identifiers` `{query?, query_id?, selected: {hosts: [text], labels: [name]}}` → as by ids.
pub async fn by_identifiers(call: Call, body: Body<RunByNames>) -> Result<Reply, Problem> {
    let question = Question::parse(call.state(), body.0.query, body.0.query_id)?;
    let selection = body.0.selected.unwrap_or_default().selection(&call.app, call.state())?;
    let targets = question.targets(&call, &selection)?;
    fleet_reply(&call.app, start(&call, &question, targets, true, DEFAULT_LIFE).await?)
}

/// `POST /api/muster/v1/campaigns`, as by identifiers with `teams` by name and `hours` (1 to 168, default 24) → 200
/// `{campaign}` in our own form. Lives without a reader.
pub async fn ours(call: Call, body: Body<RunByNames>) -> Result<Reply, Problem> {
    let life = life(body.0.hours)?;
    let question = Question::parse(call.state(), body.0.query, body.0.query_id)?;
    let selection = body.0.selected.unwrap_or_default().selection(&call.app, call.state())?;
    let targets = question.targets(&call, &selection)?;
    let (state, campaign) = start(&call, &question, targets, false, life).await?;
    Ok(Reply::ok(json!({"campaign": show(&call.app, &state, &campaign)})))
}

/// Hours of life, checked.
pub fn life(hours: Option<u64>) -> Result<Duration, Problem> {
    let longest = LONGEST_LIFE.as_secs() / 3_600;
    match hours {
        None => Ok(DEFAULT_LIFE),
        Some(hours) if (1..=longest).contains(&hours) => Ok(Duration::from_secs(hours * 3_600)),
        Some(hours) => Err(Problem::bad_request(format!("hours must be between 1 and {longest}, not {hours}"))),
    }
}

/// Commits the campaign and calls the connected hosts. Gives the state that includes it.
///
/// A call that asks several queries starts a campaign for each, under a key of its own.
///
/// 422 for an SQL over the limit · 429 when as many run as may · 403 when live queries are switched off.
pub async fn start(
    call: &Call,
    question: &Question,
    targets: Members,
    attended: bool,
    life: Duration,
) -> Result<(State, Campaign), Problem> {
    sql::check(&call.app, &question.sql)?;
    let command = Command::Start {
        sql: question.sql.clone(),
        query: question.query,
        by: Some(call.user.user),
        targets,
        attended,
        life,
        most: call.app.settings.limits.campaigns,
    };
    let part = question.query.map_or_else(String::new, |query| query.to_string());
    let executed = call.execute_part(&part, command).await.map_err(|error| match error {
        CommandError::Refused(Refusal::Disabled(_)) => Problem::permission_denied(),
        other => other.into(),
    })?;
    let events = executed.outcome.as_ref().map_or(&[][..], |outcome| &outcome.events);
    let started = events.iter().find_map(|event| match event {
        Event::CampaignStarted(started) => Some(started.campaign),
        _ => None,
    });
    let state = executed.fold.state.clone();
    let campaign = started.and_then(|id| state.campaigns.get(id)).cloned();
    let campaign = campaign.ok_or_else(|| Problem::failure("a campaign was committed and is not in the fold"))?;
    Ok((state, campaign))
}

/// Our form of a campaign that has just begun, when nobody has answered.
pub fn show(app: &App, state: &State, campaign: &Campaign) -> serde_json::Value {
    let silent = campaign.targets.without(&app.registry.answers_of(campaign.id));
    let waiting = silent.and(&app.registry.online(app.world.now())).len();
    shape::campaign(state, &app.vault, campaign, Answered::default(), waiting)
}

fn fleet_reply(app: &App, (state, campaign): (State, Campaign)) -> Result<Reply, Problem> {
    let now = app.world.now();
    let missing = |id: &domain::HostId| {
        let enrolled = state.hosts.get(*id).map_or(domain::Timestamp::EPOCH, |host| host.last_enrolled_at);
        now.since(app.registry.seen_at(*id).max(enrolled)) >= MISSING_AFTER
    };
    let presence = Presence {
        online: campaign.targets.and(&app.registry.online(now)).len(),
        missing: campaign.targets.iter().filter(missing).count() as u64,
        new: shape::new_hosts(&state, &campaign.targets, now),
    };
    Ok(Reply::ok(json!({"campaign": shape::fleet(&campaign, presence)})))
}
