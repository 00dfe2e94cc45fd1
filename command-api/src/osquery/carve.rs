//! A host sends a file that a query carved.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use agent_protocol::reply::CarveBegun;
use agent_protocol::request::{CarveBegin, CarveBlock};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::carve::{Carve, Command, Plan};
use domain::{Actor, CommandId, Digest};
use infra_blobs::Purpose;
use infra_ledger::By;

use super::Refused;
use super::body::aside;
use super::caller::Caller;
use crate::App;
use crate::carves::{self, BlockError};

/// Announces a carve.
///
/// `POST carve/begin` `{node_key, block_count, block_size, carve_size, carve_id?, request_id?}` → 200
/// `{session_id, success: true}`; the same again gives the same session. 400 sizes that do not agree · 401 bad key.
/// Source: osquery remote API, carver.
pub async fn begin(app: Data<App>, request: HttpRequest, payload: Payload) -> HttpResponse {
    Refused::or(serve_begin(&app, &request, payload).await, &app.world)
}

async fn serve_begin(app: &App, request: &HttpRequest, payload: Payload) -> Result<HttpResponse, Refused> {
    let limits = &app.settings.limits;
    let body = app.intake.read(app, request, payload, limits.small).await?;
    let CarveBegin { node_key, block_count, block_size, carve_size, carve_id, request_id } =
        CarveBegin::parse(body.whole(limits.small)?)?;
    let caller = Caller::of(app, &node_key).await?;
    let host = caller.host().id;
    let plan = Plan { block_count, block_size, carve_size, carve_id, request_id };
    plan.check().map_err(|refusal| Refused::bad(refusal.to_string()))?;
    if block_size > limits.carve_block as u64 || block_count > u64::from(u32::MAX) {
        let most = limits.carve_block;
        return Err(Refused::bad(format!("carve refused: set carver_block_size of the host between 8192 and {most}")));
    }
    let session_id = session(app, &format!("{host}\0{plan:?}"), &plan);
    let command = Command::Begin { host, plan, session: Digest::of(&session_id) };
    let by = By { command_id: CommandId(app.world.uuid()), actor: Actor::Host(host), traceparent: None };
    app.ledger.execute(command.into(), by).await?;
    Ok(HttpResponse::Ok().json(CarveBegun { session_id, success: true }))
}

/// The secret that the blocks will carry. A host names each carve anew, so what it says names the session; one that
/// names nothing gets a new one.
fn session(app: &App, said: &str, plan: &Plan) -> String {
    match plan.request_id.is_empty() {
        true => app.world.uuid(),
        false => app.vault.digest(Purpose::CarveSession, said).to_string(),
    }
}

/// Takes one block; durable when it is acknowledged.
///
/// `POST carve/block` `{session_id, request_id, block_id, data: base64}` → 200 `{"success":true}`; no node key. The same
/// block again is harmless. 404 unknown session · 400 wrong request, out of turn, wrong size · 503 not stored.
/// Source: osquery remote API, carver.
pub async fn block(app: Data<App>, request: HttpRequest, payload: Payload) -> HttpResponse {
    Refused::or(serve_block(&app, &request, payload).await, &app.world)
}

async fn serve_block(app: &App, request: &HttpRequest, payload: Payload) -> Result<HttpResponse, Refused> {
    let limits = &app.settings.limits;
    let limit = limits.carve_block.div_ceil(3) * 4 + limits.small;
    let body = app.intake.read(app, request, payload, limit).await?;
    body.whole(limit)?;
    let read = move || {
        let block = CarveBlock::parse(&body.bytes)?;
        let data = STANDARD
            .decode(block.data.as_bytes())
            .map_err(|error| Refused::bad(format!("data is no base64: {error}")))?;
        Ok((CarveBlock { data: String::new(), ..block }, data, body))
    };
    let (block, data, _body) = aside(limit, read).await?;
    let carve = find(app, &Digest::of(&block.session_id)).await?;
    if carve.plan.request_id != block.request_id {
        return Err(Refused::bad("the request id is not that of the carve"));
    }
    carves::store(app, &carve, block.block_id, data.into()).await?;
    Ok(HttpResponse::Ok().json(serde_json::json!({"success": true})))
}

async fn find(app: &App, session: &Digest) -> Result<Carve, Refused> {
    if let Some(carve) = app.ledger.fold().state.carves.by_session(session) {
        return Ok(carve.clone());
    }
    let fold = app.ledger.read_to_end().await.map_err(|error| Refused::unable(error.to_string()))?;
    fold.state.carves.by_session(session).cloned().ok_or_else(|| Refused::not_found("carve session"))
}

impl From<BlockError> for Refused {
    fn from(error: BlockError) -> Self {
        match error {
            BlockError::Blobs(error) => error.into(),
            BlockError::Command(error) => error.into(),
            BlockError::Ended(_) => Refused::new(StatusCode::GONE, error.to_string()),
            BlockError::OutOfTurn { .. } | BlockError::WrongSize { .. } | BlockError::Changed(_) => {
                Refused::bad(error.to_string())
            }
        }
    }
}
