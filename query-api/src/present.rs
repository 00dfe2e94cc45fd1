//! Reads that know the present only.

use std::sync::LazyLock;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ResourceDef, ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::middleware::Next;
use actix_web::{Error, ResponseError};
use infra_http::{Params, Problem, path};

use crate::ROUTES;

/// What can be read as of a time.
pub const PAST: [&str; 7] = [
    "~/hosts",
    "~/hosts/count",
    "~/hosts/{id}",
    "~/hosts/identifier/{identifier}",
    "~/labels",
    "~/labels/{id}",
    "~/labels/{id}/hosts",
];

static PRESENT: LazyLock<Vec<ResourceDef>> = LazyLock::new(|| {
    let present = ROUTES.iter().map(|route| route.path).filter(|path| !PAST.contains(path));
    present.map(|pattern| ResourceDef::new(path(pattern))).collect()
});

/// Middleware (`actix_web::middleware::from_fn`): refuses `as_of` where it would be passed over in silence, since an
/// answer about now would be taken for one about then. 400.
pub async fn present_only(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let asks_for_past = request.method() == Method::GET
        && !request.query_string().is_empty()
        && Params::parse(request.query_string()).get("as_of").is_some()
        && PRESENT.iter().any(|shape| shape.is_match(request.path()));
    if asks_for_past {
        let problem = Problem::bad_request("as_of is not known here: this can be read for the present only");
        return Ok(request.into_response(problem.error_response()));
    }
    Ok(next.call(request).await?.map_into_boxed_body())
}
