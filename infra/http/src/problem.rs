//! Errors as every client of the API reads them.
//!
//! Here alone a refusal's kind becomes a status and a body. A failure shows the client an id; the chain behind it is
//! logged once, with that id.
//!
//! Source: rest-api §1.5.

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, RETRY_AFTER};
use actix_web::{HttpResponse, ResponseError};
use domain::Refusal;
use infra_world::World;
use serde_json::{Map, Value, json};

use crate::reply::{JSON, render};

mod refusal;

/// An answer that says no, or that something broke.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    status: StatusCode,
    message: String,
    /// Field (or `base`) and reason; `None` leaves the key out.
    errors: Option<Vec<(String, String)>>,
    code: Option<u32>,
    traced: bool,
    retry_after: Option<u64>,
    /// What happened, for the log alone.
    cause: Option<String>,
}

impl Problem {
    fn new(status: StatusCode, message: impl Into<String>) -> Self {
        let (errors, code, traced, retry_after, cause) = (None, None, true, None, None);
        Problem { status, message: message.into(), errors, code, traced, retry_after, cause }
    }

    fn because(mut self, field: impl Into<String>, reason: impl Into<String>) -> Self {
        self.errors.get_or_insert_default().push((field.into(), reason.into()));
        self
    }

    fn untraced(mut self) -> Self {
        self.traced = false;
        self
    }

    /// 400: a request that makes no sense as a whole.
    pub fn bad_request(reason: impl Into<String>) -> Self {
        Problem::new(StatusCode::BAD_REQUEST, "Bad request").because("base", reason)
    }

    /// 400: a key that strict endpoints do not know; the bare last key.
    pub fn unsupported_key(key: &str) -> Self {
        let reason = format!("unsupported key provided: \"{key}\"");
        Problem::new(StatusCode::BAD_REQUEST, "Bad Request").because("base", reason)
    }

    /// 400 of endpoints that check types by path: `invalid value type at 'specs.name': expected string but got number`.
    pub fn wrong_type(path: &str, expected: &str, got: &str) -> Self {
        let reason = format!("invalid value type at '{path}': expected {expected} but got {got}");
        Problem::new(StatusCode::BAD_REQUEST, "Bad Request").because("base", reason)
    }

    /// 401: no credentials came.
    pub fn no_token() -> Self {
        let text = "Authorization header required";
        Problem::new(StatusCode::UNAUTHORIZED, text).because("base", text)
    }

    /// 401: the token is bad, expired or unknown.
    pub fn bad_token() -> Self {
        let text = "Authentication required";
        Problem::new(StatusCode::UNAUTHORIZED, text).because("base", text)
    }

    /// 401: wrong address or password; says the same for both.
    pub fn bad_login() -> Self {
        let text = "Authentication failed";
        Problem::new(StatusCode::UNAUTHORIZED, text).because("base", text)
    }

    /// 401: everything but setting a new password is closed.
    pub fn password_reset_required() -> Self {
        let text = "password reset required";
        Problem::new(StatusCode::UNAUTHORIZED, text).because("base", text)
    }

    /// 403: signed in, but the role is not enough.
    pub fn forbidden() -> Self {
        Problem::new(StatusCode::FORBIDDEN, "forbidden").because("base", "forbidden")
    }

    /// 403 of another rule, which is not told.
    pub fn permission_denied() -> Self {
        Problem::new(StatusCode::FORBIDDEN, "Permission Denied")
    }

    /// 404: `Host 12 was not found in the datastore`; `what` is empty for an id of 0.
    pub fn not_found(kind: &str, what: impl fmt::Display) -> Self {
        let what = what.to_string();
        let space = if what.is_empty() || what == "0" { "" } else { " " };
        let what = if what == "0" { "" } else { &what };
        Problem::missing(format!("{kind}{space}{what} was not found in the datastore"))
    }

    /// 404 in words of its own.
    pub fn missing(reason: impl Into<String>) -> Self {
        Problem::new(StatusCode::NOT_FOUND, "Resource Not Found").because("base", reason).untraced()
    }

    /// 409: a name or secret that something else has.
    pub fn taken(reason: impl Into<String>) -> Self {
        Problem::new(StatusCode::CONFLICT, "Resource Already Exists").because("base", reason)
    }

    /// 409: the thing cannot be done in the state that it is in.
    pub fn conflict(reason: impl Into<String>) -> Self {
        Problem::new(StatusCode::CONFLICT, "Conflict").because("base", reason)
    }

    /// 415.
    pub fn unsupported_media_type(field: &str, reason: impl Into<String>) -> Self {
        Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "Unsupported Media Type").because(field, reason)
    }

    /// 422: one field whose value cannot be.
    pub fn invalid(field: &str, reason: impl Into<String>) -> Self {
        Problem::all_invalid([(field, reason)])
    }

    /// 422: every bad field at once.
    pub fn all_invalid<F: Into<String>, R: Into<String>>(fields: impl IntoIterator<Item = (F, R)>) -> Self {
        let problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "Validation Failed");
        fields.into_iter().fold(problem, |problem, (field, reason)| problem.because(field, reason))
    }

    /// 422 of specs, which say it in other words.
    pub fn unprocessable(reason: impl Into<String>) -> Self {
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "Unprocessable Entity").because("base", reason)
    }

    /// 422: a numbered rule about roles.
    pub fn rule(code: u32, message: impl Into<String>) -> Self {
        Problem { code: Some(code), ..Problem::new(StatusCode::UNPROCESSABLE_ENTITY, message) }
    }

    /// 413: a body over the limit.
    pub fn too_large(limit: usize) -> Self {
        let reason = format!("the body is over the limit of {limit} bytes");
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large").because("base", reason)
    }

    /// 408: the body did not come in time.
    pub fn too_slow() -> Self {
        let reason = "the body did not come in time";
        Problem::new(StatusCode::REQUEST_TIMEOUT, "Request Timeout").because("base", reason)
    }

    /// 429.
    pub fn too_many(retry_after_s: u64) -> Self {
        let text = format!("limit exceeded, retry after: {retry_after_s}s");
        let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, text.clone()).because("base", text).untraced();
        Problem { retry_after: Some(retry_after_s), ..problem }
    }

    /// 429: as many of a thing as there may be at once. Nobody knows when there will be fewer.
    pub fn over_limit(reason: impl Into<String>) -> Self {
        Problem::new(StatusCode::TOO_MANY_REQUESTS, "Too Many Requests").because("base", reason)
    }

    /// 503: something that the server needs is away; trying again helps. `told` is for the client, `cause` for the log.
    pub fn unavailable(told: impl Into<String>, cause: impl fmt::Display) -> Self {
        let told = told.into();
        let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, told.clone()).because("base", told);
        Problem { retry_after: Some(1), cause: Some(cause.to_string()), ..problem }
    }

    /// 500: something broke that should not. Only the log tells what.
    pub fn failure(cause: impl fmt::Display) -> Self {
        let text = "internal error";
        let problem = Problem::new(StatusCode::INTERNAL_SERVER_ERROR, text).because("base", text);
        Problem { cause: Some(cause.to_string()), ..problem }
    }

    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The reason that clients print.
    pub fn reason(&self) -> &str {
        self.errors.as_ref().and_then(|all| all.first()).map_or(&self.message, |(_, reason)| reason)
    }

    fn body(&self, id: Option<&str>) -> Value {
        let mut body = Map::new();
        body.insert("message".to_owned(), json!(self.message));
        if let Some(code) = self.code {
            body.insert("code".to_owned(), json!(code));
        }
        if let Some(errors) = &self.errors {
            let errors: Vec<Value> =
                errors.iter().map(|(name, reason)| json!({"name": name, "reason": reason})).collect();
            body.insert("errors".to_owned(), errors.into());
        }
        if let Some(id) = id {
            body.insert("uuid".to_owned(), json!(id));
        }
        Value::Object(body)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.status.as_u16(), self.message, self.reason())
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        // An id for a person to quote; no decision hangs on it.
        let id = (self.traced || self.cause.is_some()).then(|| World::system().uuid());
        if let Some(cause) = &self.cause {
            tracing::error!(uuid = id, status = self.status.as_u16(), "request failed: {cause}");
        }
        let mut response = HttpResponse::build(self.status);
        response.insert_header((CONTENT_TYPE, JSON));
        if let Some(seconds) = self.retry_after {
            response.insert_header((RETRY_AFTER, seconds.to_string()));
        }
        response.body(render(&self.body(id.as_deref())))
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        refusal::problem(refusal)
    }
}

#[cfg(test)]
mod tests;
