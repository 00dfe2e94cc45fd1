//! Which status and body each kind of refusal gets.

use actix_web::http::StatusCode;
use domain::Refusal;

use super::Problem;

pub fn problem(refusal: Refusal) -> Problem {
    let text = refusal.to_string();
    match refusal {
        Refusal::NotFound { kind, what } => Problem::not_found(kind, what),
        Refusal::Taken { kind: "secret", what } => Problem::taken(format!("secret {what:?} already exists")),
        Refusal::Taken { kind: "Query", .. } => Problem::taken(text),
        // Other kinds fail in words of validation, without an id, as a database would refuse them.
        Refusal::Taken { .. } => Problem { status: StatusCode::CONFLICT, ..Problem::invalid("base", text) }.untraced(),
        Refusal::Invalid { field, reason } => Problem::invalid(field, reason),
        Refusal::Malformed(reason) => Problem::bad_request(reason),
        Refusal::Rule { code, message } => Problem::rule(code, message),
        Refusal::TooMany(text) => Problem::over_limit(text),
        Refusal::Forbidden => Problem::forbidden(),
        Refusal::Disabled(_) => Problem::permission_denied(),
        Refusal::BadEnrollSecret => Problem::bad_login(),
        Refusal::Cooldown { .. } | Refusal::Contested { .. } => Problem::conflict(text),
        Refusal::Halted(reason) => Problem::unavailable("nothing can be decided at the moment", reason),
    }
}
