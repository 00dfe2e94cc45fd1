//! A host asks for its configuration.

use actix_web::http::header::{ACCEPT_ENCODING, CONTENT_ENCODING};
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use agent_protocol::reply::UNCHANGED;
use agent_protocol::request::ConfigRequest;
use domain::records::Intervals;

use super::Refused;
use super::caller::Caller;
use crate::App;

const JSON: &str = "application/json; charset=utf-8";

/// The host's configuration, rendered once for all that get the same.
///
/// `POST config` `{node_key, etag?}` → 200 the document; `{"etag":"ok"}` if `etag` is the hex SHA-256 of its bytes.
/// gzip only where `Accept-Encoding` names it. 401 bad key · 500 the document is too large for osqueryd.
/// Source: osquery remote API, config.
pub async fn config(app: Data<App>, request: HttpRequest, payload: Payload) -> HttpResponse {
    Refused::or(serve(&app, &request, payload).await, &app.world)
}

async fn serve(app: &App, request: &HttpRequest, payload: Payload) -> Result<HttpResponse, Refused> {
    let limits = &app.settings.limits;
    let body = app.intake.read(app, request, payload, limits.small).await?;
    let config = ConfigRequest::parse(body.whole(limits.small)?)?;
    let caller = Caller::of(app, &config.node_key).await?;
    let rendered = app.registry.config(caller.state(), caller.host())?;
    learn_intervals(app, &caller, &rendered.intervals).await;
    let mut response = HttpResponse::Ok();
    response.content_type(JSON);
    if config.etag.is_some_and(|etag| etag.eq_ignore_ascii_case(&rendered.etag)) {
        return Ok(response.body(UNCHANGED));
    }
    if accepts_gzip(request) {
        return Ok(response.insert_header((CONTENT_ENCODING, "gzip")).body(rendered.gzip.clone()));
    }
    Ok(response.body(rendered.body.clone()))
}

/// The document tells the host how often to call, so from now on that is what it does; an interval that it leaves out
/// stays as it was. The configuration is served whether or not this can be kept.
async fn learn_intervals(app: &App, caller: &Caller, sent: &Intervals) {
    let host = caller.host().id;
    let held = app.registry.intervals(host);
    let or = |sent: u32, held: u32| if sent == 0 { held } else { sent };
    let now = Intervals {
        distributed_interval: or(sent.distributed_interval, held.distributed_interval),
        config_tls_refresh: or(sent.config_tls_refresh, held.config_tls_refresh),
        logger_tls_period: or(sent.logger_tls_period, held.logger_tls_period),
    };
    if now != held
        && app.registry.is_writable()
        && let Err(failed) = app.registry.report(host, vec![now.into()], caller.now).await
    {
        tracing::warn!(host.id = host.0, "intervals of a host were not kept: {failed}");
    }
}

fn accepts_gzip(request: &HttpRequest) -> bool {
    let accepted = request.headers().get_all(ACCEPT_ENCODING).filter_map(|value| value.to_str().ok());
    accepted.flat_map(|list| list.split(',')).any(|entry| {
        let mut parts = entry.split(';').map(str::trim);
        let named = parts.next().is_some_and(|coding| coding.eq_ignore_ascii_case("gzip"));
        named && !parts.any(|part| matches!(part, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
    })
}
