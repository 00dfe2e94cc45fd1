//! Before the first account exists the server offers nothing but to make it.
//!
//! Clients tell a fresh server by its plain 404s, so even agents get them. Source: rest-api §2.

use actix_web::Error;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::web::Data;

use crate::{Access, no_page};

/// Both spellings of set-up.
pub const SETUP: [&str; 2] = ["/api/v1/setup", "/api/setup"];

/// Middleware (`actix_web::middleware::from_fn`): every `/api` path but set-up is a plain 404 until it is done, and
/// set-up is one afterwards.
pub async fn setup_gate(
    access: Data<Access>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let is_setup = SETUP.contains(&request.path());
    let of_api = request.path().starts_with("/api/");
    if of_api && is_setup != access.fold().state.users.is_empty() {
        return Ok(request.into_response(no_page()));
    }
    Ok(next.call(request).await?.map_into_boxed_body())
}
