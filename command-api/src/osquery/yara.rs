//! A host asks for the text of a YARA rule.

use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use agent_protocol::request::NodeRequest;

use super::Refused;
use super::caller::Caller;
use crate::App;

/// No rule is stored, so to whoever shows a good key none is found; nobody else learns even that.
///
/// `POST yara/{name}` `{node_key}` → 404. Source: osquery remote API, YARA.
pub async fn rule(app: Data<App>, name: Path<String>, request: HttpRequest, payload: Payload) -> HttpResponse {
    Refused::or(serve(&app, &name, &request, payload).await, &app.world)
}

async fn serve(app: &App, name: &str, request: &HttpRequest, payload: Payload) -> Result<HttpResponse, Refused> {
    let limits = &app.settings.limits;
    let body = app.intake.read(app, request, payload, limits.small).await?;
    Caller::of(app, &NodeRequest::parse(body.whole(limits.small)?)?.node_key).await?;
    Err(Refused::not_found(&format!("YARA rule {name:?}")))
}
