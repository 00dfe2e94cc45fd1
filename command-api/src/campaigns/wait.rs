//! The forms that start a campaign and wait for its answers. They read the log, never a view.
//!
//! An answer that is not whole, because it or the call is over its limit, has a member `cut`, which others leave out.
//!
//! Source: live-query §2.3.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use actix_web::web::{Data, Path};
use domain::campaign::{Campaign, DEFAULT_LIFE};
use domain::records::{Answer, AnswerState};
use domain::role::Action;
use domain::targets::{Selection, visible};
use domain::{HostId, Members, QueryId};
use infra_http::{Body, Problem, Reply, SignedIn};
use infra_log::parts::{Joined, Joiner};
use infra_log::{Log, Position, ReadError, Topic};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::time::{Instant, timeout_at};

use super::end;
use super::room::Room;
use super::selected::Question;
use super::start::{fresh, start};
use crate::App;

const BATCH_RECORDS: usize = 200;
/// Queries of one call: each is a campaign of its own.
const QUERIES: usize = 50;
const BATCH_BYTES: usize = 8 * 1024 * 1024;

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
pub async fn one_query(
    app: Data<App>,
    user: SignedIn,
    id: Path<(String, u32)>,
    body: Body<OneQuery>,
) -> Result<Reply, Problem> {
    let hosts = distinct(body.0.host_ids);
    if hosts.is_empty() {
        return Err(Problem::bad_request("query_ids and host_ids are required"));
    }
    if id.1 == 0 {
        return Err(Problem::invalid("id", "a query id is larger than 0"));
    }
    let query = QueryId(id.1);
    let app = app.into_inner();
    let room = Room::of(&app);
    let answers = ask(&app, &user, query, &hosts, &room).await?;
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
pub async fn several_queries(app: Data<App>, user: SignedIn, body: Body<SeveralQueries>) -> Result<Reply, Problem> {
    let (queries, hosts) = (distinct(body.0.query_ids), distinct(body.0.host_ids));
    if queries.is_empty() || hosts.is_empty() {
        return Err(Problem::bad_request("query_ids and host_ids are required"));
    }
    if queries.len() > QUERIES {
        return Err(Problem::bad_request(format!("at most {QUERIES} queries at once, not {}", queries.len())));
    }
    let app = app.into_inner();
    let room = Room::of(&app);
    let asked = queries.iter().map(|id| ask(&app, &user, QueryId(id.0), &hosts, &room));
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
pub async fn one_host(
    app: Data<App>,
    user: SignedIn,
    id: Path<(String, u32)>,
    body: Body<OneHost>,
) -> Result<Reply, Problem> {
    let host = HostId(id.1);
    ask_host(&app.into_inner(), &user, Some(host), &host.to_string(), &body.0.query).await
}

/// `POST ~/hosts/identifier/{identifier}/query`, by hostname, UUID or serial.
pub async fn one_host_by_identifier(
    app: Data<App>,
    user: SignedIn,
    path: Path<(String, String)>,
    body: Body<OneHost>,
) -> Result<Reply, Problem> {
    let app = app.into_inner();
    let host = app.registry.find(&path.1).first().copied();
    ask_host(&app, &user, host, &path.1, &body.0.query).await
}

async fn ask_host(
    app: &Arc<App>,
    user: &SignedIn,
    host: Option<HostId>,
    asked: &str,
    sql: &str,
) -> Result<Reply, Problem> {
    let sql = sql.trim();
    if sql.is_empty() {
        return Err(Problem::bad_request("query is required"));
    }
    let fold = fresh(app).await?;
    let question = Question::parse(&fold.state, Some(sql.to_owned()), None)?;
    // Who may not read hosts learns no more than that there is none.
    let readable = visible(&fold.state, &user.roles, Action::ReadHosts);
    let Some(host) = host.filter(|host| readable.contains(*host)) else {
        return Err(Problem::bad_request(format!("host not found: {asked}: no such host that you may see")));
    };
    if !question.askable(&fold.state, user)?.contains(host) {
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
        match run(app, user, &question, targets, 1, &room).await {
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
async fn ask(
    app: &Arc<App>,
    user: &SignedIn,
    query: QueryId,
    hosts: &[HostId],
    room: &Room,
) -> Result<BTreeMap<HostId, Answer>, Problem> {
    let fold = fresh(app).await?;
    let found = fold.state.queries.get(query).ok_or_else(|| Problem::not_found("Query", query))?;
    let question = Question::saved(found);
    let selection = Selection { hosts: hosts.iter().copied().collect(), ..Selection::default() };
    let targets = question.targets(app, &fold.state, user, &selection)?;
    run(app, user, &question, targets, hosts.len(), room).await
}

/// Starts a campaign, waits for `expected` answers or the period, and ends it, also when the client goes away.
async fn run(
    app: &Arc<App>,
    user: &SignedIn,
    question: &Question,
    targets: Members,
    expected: usize,
    room: &Room,
) -> Result<BTreeMap<HostId, Answer>, Problem> {
    let unreadable = |error: ReadError| Problem::unavailable("the log cannot be read", error);
    // Taken before the start: an answer may be in the log before the commit's own outcome is known here.
    let mut ends = BTreeMap::new();
    for partition in Topic::Live.every() {
        ends.insert(partition, app.log.end(partition).await.map_err(unreadable)?);
    }
    let (_, campaign) = start(app, user, question, targets, true, DEFAULT_LIFE).await?;
    app.registry.attended(campaign.id);
    let guard = EndsWhenDropped { app: app.clone(), campaign: campaign.id };
    let partition = Topic::Live.partition_of(Answer::partition_key(campaign.id));
    let from = ends.get(&partition).copied().unwrap_or(0);
    let wait = Wait { from, expected, patience: app.settings.live_query_wait, room };
    let answers = collect(&*app.log, &campaign, wait).await.map_err(unreadable)?;
    drop(guard);
    Ok(answers)
}

/// What is waited for: so many answers, from a position of the campaign's partition on.
struct Wait<'a> {
    from: Position,
    expected: usize,
    patience: Duration,
    room: &'a Room,
}

/// The first answer of each target, until there are as many as expected or the period is over.
async fn collect(
    log: &dyn Log,
    campaign: &Campaign,
    Wait { from, expected, patience, room }: Wait<'_>,
) -> Result<BTreeMap<HostId, Answer>, ReadError> {
    let partition = Topic::Live.partition_of(Answer::partition_key(campaign.id));
    let deadline = Instant::now() + patience;
    let (mut next, mut joiner, mut answers) = (from, Joiner::new(), BTreeMap::new());
    loop {
        let records = log.read(partition, next, BATCH_RECORDS, BATCH_BYTES).await?;
        if records.is_empty() && timeout_at(deadline, log.changed(partition, next, patience)).await.is_err() {
            return Ok(answers);
        }
        for record in records {
            next = record.position + 1;
            let Joined::Whole(whole) = joiner.push(record) else { continue };
            match Answer::decode(&whole.headers, &whole.value) {
                Ok(answer) if answer.campaign == campaign.id && campaign.targets.contains(answer.host) => {
                    answers.entry(answer.host).or_insert_with(|| room.fit(answer));
                }
                _ => {}
            }
        }
        if answers.len() >= expected || Instant::now() >= deadline {
            return Ok(answers);
        }
    }
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
