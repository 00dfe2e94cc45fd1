//! The forms that start a campaign and wait for its answers. They read the log, never a view.
//!
//! An answer that is not whole, because it or the call is over its limit, has a member `cut`, which others leave out.
//!
//! Source: live-query §2.3.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::campaign::DEFAULT_LIFE;
use domain::records::{Answer, AnswerState};
use domain::role::Action;
use domain::targets::{Selection, visible};
use domain::{HostId, Members, QueryId};
use infra_http::{Body, Problem, Reply};
use infra_log::{ReadError, Topic};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::answers::{self, Reader};
use super::end;
use super::room::Room;
use super::selected::Question;
use super::start::start;
use crate::App;
use crate::admin::Call;

/// Queries of one call: each is a campaign of its own.
const QUERIES: usize = 50;

#[derive(Deserialize)]
pub struct OneQuery {
    #[serde(default)]
    host_ids: Option<Vec<u32>>,
}

#[derive(Deserialize)]
pub struct SeveralQueries {
    #[serde(default)]
    query_ids: Option<Vec<u32>>,
    #[serde(default)]
    host_ids: Option<Vec<u32>>,
}

#[derive(Deserialize)]
pub struct OneHost {
    #[serde(default)]
    query: String,
}

/// `POST ~/queries/{id}/run` `{host_ids}` → `{query_id, targeted_host_count, responded_host_count, results}`.
///
/// Returns when every host has answered, or after the period. 400 empty list · 403 · 404 unknown query · 422 id 0.
pub async fn one_query(call: Call, body: Body<OneQuery>) -> Result<Reply, Problem> {
    let query: QueryId = call.id("Query")?;
    let hosts = distinct(body.0.host_ids);
    if hosts.is_empty() {
        return Err(Problem::bad_request("query_ids and host_ids are required"));
    }
    if query.0 == 0 {
        return Err(Problem::invalid("id", "a query id is larger than 0"));
    }
    let room = Room::of(&call.app);
    let answers = ask(&call, query, &hosts, &room).await?;
    let results: Vec<Value> = answers.values().map(result).collect();
    Ok(Reply::ok(json!({
        "query_id": query,
        "targeted_host_count": hosts.len(),
        "responded_host_count": results.len(),
        "results": results,
    })))
}

/// `GET ~/queries/run` with a body `{query_ids, host_ids}` → `{summary, live_query_results}`; a query that cannot run is
/// an entry with an `error`. 400 without ids · 403 when every query is forbidden.
pub async fn several_queries(call: Call, body: Body<SeveralQueries>) -> Result<Reply, Problem> {
    let (queries, hosts) = (distinct(body.0.query_ids), distinct(body.0.host_ids));
    if queries.is_empty() || hosts.is_empty() {
        return Err(Problem::bad_request("query_ids and host_ids are required"));
    }
    if queries.len() > QUERIES {
        return Err(Problem::bad_request(format!("at most {QUERIES} queries at once, not {}", queries.len())));
    }
    let room = Room::of(&call.app);
    let asked = queries.iter().map(|id| ask(&call, QueryId(id.0), &hosts, &room));
    let outcomes = futures::future::join_all(asked).await;
    if outcomes.iter().all(|outcome| outcome.as_ref().is_err_and(|problem| *problem == Problem::forbidden())) {
        return Err(Problem::forbidden());
    }
    let responded: Members = outcomes.iter().flatten().flat_map(|answers| answers.keys().copied()).collect();
    let entry = |(id, outcome): (&HostId, Result<BTreeMap<HostId, Answer>, Problem>)| match outcome {
        Ok(answers) => json!({"query_id": id, "results": answers.values().map(result).collect::<Vec<_>>()}),
        Err(problem) => json!({"query_id": id, "error": told(&problem), "results": null}),
    };
    let results: Vec<Value> = queries.iter().zip(outcomes).map(entry).collect();
    Ok(Reply::ok(json!({
        "summary": {"targeted_host_count": hosts.len(), "responded_host_count": responded.len()},
        "live_query_results": results,
    })))
}

/// `POST ~/hosts/{id}/query` `{query}` → `{host_id, rows, query, status, error?}`.
///
/// An offline host is not asked. 400 empty SQL or a host that the user may not see · 403 without the right to new SQL on it.
pub async fn one_host(call: Call, body: Body<OneHost>) -> Result<Reply, Problem> {
    let host: HostId = call.id("Host")?;
    ask_host(&call, Some(host), &host.to_string(), &body.0.query).await
}

/// `POST ~/hosts/identifier/{identifier}/query`, by hostname, UUID or serial.
pub async fn one_host_by_identifier(call: Call, body: Body<OneHost>) -> Result<Reply, Problem> {
    let asked = call.identifier();
    let host = call.app.registry.find(asked).first().copied();
    ask_host(&call, host, asked, &body.0.query).await
}

async fn ask_host(call: &Call, host: Option<HostId>, asked: &str, sql: &str) -> Result<Reply, Problem> {
    let app = &call.app;
    let sql = sql.trim();
    if sql.is_empty() {
        return Err(Problem::bad_request("query is required"));
    }
    let question = Question::parse(call.state(), Some(sql.to_owned()), None)?;
    // Who may not read hosts learns no more than that there is none.
    let readable = visible(call.state(), &call.user.roles, Action::ReadHosts);
    let Some(host) = host.filter(|host| readable.contains(*host)) else {
        return Err(Problem::bad_request(format!("host not found: {asked}: no such host that you may see")));
    };
    if !question.askable(call)?.contains(host) {
        return Err(Problem::forbidden());
    }
    let mut shown = Map::from_iter([
        ("host_id".to_owned(), json!(host)),
        ("rows".to_owned(), Value::Null),
        ("query".to_owned(), json!(sql)),
    ]);
    let online = app.registry.online(app.world.now()).contains(host);
    shown.insert("status".to_owned(), json!(if online { "online" } else { "offline" }));
    if online {
        let targets = [host].into_iter().collect();
        let room = Room::of(app);
        match run(call, &question, targets, 1, &room).await {
            Ok(answers) => match answers.get(&host) {
                Some(answer) => {
                    shown.insert("rows".to_owned(), rows(answer));
                    if answer.cut {
                        shown.insert("cut".to_owned(), json!(true));
                    }
                    if answer.state == AnswerState::Error {
                        shown.insert("error".to_owned(), json!(answer.error));
                    }
                }
                None => {
                    shown.insert("error".to_owned(), json!("timeout waiting for results"));
                }
            },
            Err(problem) if problem == Problem::permission_denied() => {
                shown.insert("error".to_owned(), json!(told(&problem)));
            }
            Err(problem) => return Err(problem),
        }
    }
    Ok(Reply::ok(shown))
}

/// Runs one saved query on hosts by id; unknown ids make the wait last, since nobody answers for them.
async fn ask(call: &Call, query: QueryId, hosts: &[HostId], room: &Room) -> Result<BTreeMap<HostId, Answer>, Problem> {
    let found = call.state().queries.get(query).ok_or_else(|| Problem::not_found("Query", query))?;
    let question = Question::saved(found);
    let selection = Selection { hosts: hosts.iter().copied().collect(), ..Selection::default() };
    let targets = question.targets(call, &selection)?;
    run(call, &question, targets, hosts.len(), room).await
}

/// Starts a campaign, waits for `expected` answers or the period, and ends it, also when the client goes away.
async fn run(
    call: &Call,
    question: &Question,
    targets: Members,
    expected: usize,
    room: &Room,
) -> Result<BTreeMap<HostId, Answer>, Problem> {
    let app = call.app.clone().into_inner();
    let unreadable = |error: ReadError| Problem::unavailable("the log cannot be read", error);
    // Taken before the start: an answer may be in the log before the commit's own outcome is known here.
    let mut ends = BTreeMap::new();
    for partition in Topic::Live.every() {
        ends.insert(partition, app.log.end(partition).await.map_err(unreadable)?);
    }
    let (_, campaign) = start(call, question, targets, true, DEFAULT_LIFE).await?;
    if campaign.ended.is_some() {
        // The same call again, under its own key: what was answered then.
        let reader = Reader::from_the_start(&*app.log, &campaign).await.map_err(unreadable)?;
        return reader.rest(room).await.map_err(unreadable);
    }
    app.registry.attended(campaign.id);
    let _guard = EndsWhenDropped { app: app.clone(), campaign: campaign.id };
    let from = ends.get(&answers::partition(&campaign)).copied().unwrap_or(0);
    let reader = Reader::from(&*app.log, &campaign, from);
    reader.collect(expected, app.settings.live_query_wait, room).await.map_err(unreadable)
}

/// The wait is over, or its client is gone.
struct EndsWhenDropped {
    app: Arc<App>,
    campaign: domain::CampaignId,
}

impl Drop for EndsWhenDropped {
    fn drop(&mut self) {
        let (app, campaign) = (self.app.clone(), self.campaign);
        tokio::spawn(async move {
            app.registry.left(campaign, app.world.now());
            end(&app, campaign).await;
        });
    }
}

fn distinct(ids: Option<Vec<u32>>) -> Vec<HostId> {
    let ids: std::collections::BTreeSet<u32> = ids.unwrap_or_default().into_iter().collect();
    ids.into_iter().map(HostId).collect()
}

fn rows(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.rows).unwrap_or_else(|_| json!([]))
}

fn result(answer: &Answer) -> Value {
    let error = (answer.state == AnswerState::Error).then(|| answer.error.clone());
    let mut shown = json!({"host_id": answer.host, "rows": rows(answer), "error": error});
    if answer.cut {
        shown["cut"] = json!(true);
    }
    shown
}

/// How a query that cannot run says why, inside an answer that is otherwise good.
fn told(problem: &Problem) -> String {
    if *problem == Problem::permission_denied() {
        return ": disabled by administrator".to_owned();
    }
    match problem.status().as_u16() {
        404 => format!(": {}", problem.reason()),
        _ => problem.reason().to_owned(),
    }
}
