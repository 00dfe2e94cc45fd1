//! A host asks what to do.

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use agent_protocol::reply::Work;
use agent_protocol::request::NodeRequest;

use super::Refused;
use super::caller::Caller;
use crate::App;
use crate::registry::LIVE;

/// A host that nobody knows the name of yet calls again in five seconds, for so long.
const ACCELERATE: u64 = 10;
/// The most of queries in one answer: osqueryd takes 8 MiB, with all that stands around them.
const LARGEST: usize = 7 * 1024 * 1024;

/// The queries that a host is to run now.
///
/// `POST distributed/read` `{node_key}` → 200 `{queries: {name: sql}, discovery: {name: sql}, accelerate?: int}`.
/// Live queries come with a discovery query that always finds something, as Fleet sends one.
/// What does not fit into one answer goes with the next. Idle, `queries` is empty and nothing but memory was looked at. Source: osquery remote API, distributed queries.
pub async fn read(app: Data<App>, request: HttpRequest, payload: Payload) -> HttpResponse {
    Refused::or(serve(&app, &request, payload).await, &app.world)
}

async fn serve(app: &App, request: &HttpRequest, payload: Payload) -> Result<HttpResponse, Refused> {
    let limits = &app.settings.limits;
    let body = app.intake.read(app, request, payload, limits.small).await?;
    let caller = Caller::of(app, &NodeRequest::parse(body.whole(limits.small)?)?.node_key).await?;
    let queries = app.registry.work(caller.state(), caller.host(), caller.now, LARGEST);
    let accelerate = app.registry.is_nameless(caller.host()).then_some(ACCELERATE);
    let live = queries.keys().filter(|name| name.starts_with(LIVE));
    let discovery = live.map(|name| (name.clone(), "SELECT 1".to_owned())).collect();
    Ok(HttpResponse::Ok().json(Work { queries, discovery, accelerate }))
}
