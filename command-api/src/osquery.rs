//! The osquery remote API: what hosts call.
//!
//! osqueryd looks at the body of an answer alone. Whatever lacks a top-level `error` is success to it: it deletes what it
//! sent, or applies an empty configuration. So every failure here has an `error`, whatever its status, and
//! `node_invalid`, after which a host throws its key away, is said only when it is surely true.

mod address;
mod body;
mod caller;
mod carve;
mod config;
mod enroll;
mod log;
mod read;
mod refusal;
mod said;
mod salvage;
mod weigh;
mod write;
mod yara;

use actix_web::http::StatusCode;
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, Resource};

pub use body::Intake;
pub use caller::Caller;
pub use refusal::Refused;

use crate::App;

/// Both spellings of every path.
const PREFIXES: [&str; 2] = ["/api/osquery", "/api/v1/osquery"];

pub fn routes(config: &mut ServiceConfig) {
    for prefix in PREFIXES {
        let scope = web::scope(prefix)
            .service(post("/enroll").route(web::post().to(enroll::enroll)))
            .service(post("/config").route(web::post().to(config::config)))
            .service(post("/distributed/read").route(web::post().to(read::read)))
            .service(post("/distributed/write").route(web::post().to(write::write)))
            .service(post("/log").route(web::post().to(log::log)))
            .service(post("/carve/begin").route(web::post().to(carve::begin)))
            .service(post("/carve/block").route(web::post().to(carve::block)))
            .service(post("/yara/{name}").route(web::post().to(yara::rule)));
        config.service(scope.default_service(web::to(not_found)));
    }
}

/// A path that takes nothing but POST.
fn post(path: &str) -> Resource {
    web::resource(path).default_service(web::to(wrong_method))
}

/// 405 with a reason: an empty body would be a success to osqueryd.
async fn wrong_method(app: Data<App>, request: HttpRequest) -> HttpResponse {
    let error = format!("{} is not taken here, only POST is", request.method());
    Refused::new(StatusCode::METHOD_NOT_ALLOWED, error).response(&app.world)
}

/// No JSON, so that a host whose paths are misspelt takes it for a failure: an empty body would be an empty configuration.
pub async fn not_found() -> HttpResponse {
    HttpResponse::NotFound().content_type("text/plain; charset=utf-8").body("404 page not found\n")
}
