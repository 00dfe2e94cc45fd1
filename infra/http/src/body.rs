//! Reading a request's body: bounded in size, in inflated size and in time, whoever sends it.

use std::future::Future;
use std::io::Read as _;
use std::pin::Pin;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ORIGIN, REFERER};
use actix_web::{FromRequest, HttpRequest};
use bytes::{Bytes, BytesMut};
use flate2::read::MultiGzDecoder;
use futures::StreamExt as _;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::Problem;

/// How much of a body is taken. As app data it holds for a part of the API; without it the defaults hold.
#[derive(Clone, Copy, Debug)]
pub struct BodyLimits {
    /// Bytes on the wire.
    pub sent: usize,
    /// Bytes after inflating.
    pub inflated: usize,
    /// For the whole body.
    pub patience: Duration,
}

impl Default for BodyLimits {
    fn default() -> Self {
        BodyLimits { sent: 4 * 1024 * 1024, inflated: 32 * 1024 * 1024, patience: Duration::from_secs(30) }
    }
}

/// Why there is no body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    #[error("the body is over the limit of {limit} bytes")]
    TooLarge { limit: usize },
    #[error("the body did not come in time")]
    TooSlow,
    #[error("the connection broke before the body was whole")]
    Broken,
    #[error("the body is not what its content encoding says")]
    NotGzip,
    #[error("the content encoding is not known; send gzip or none")]
    UnknownEncoding,
}

/// Reads the whole body, inflated if it is gzip.
///
/// Stops at the limits: a body that is announced larger is not read at all, and a small one that inflates without end is
/// inflated only up to the limit.
pub async fn read_body(request: &HttpRequest, payload: &mut Payload, limits: BodyLimits) -> Result<Bytes, BodyError> {
    let too_large = BodyError::TooLarge { limit: limits.sent };
    if announced(request).is_some_and(|length| length > limits.sent) {
        return Err(too_large);
    }
    let reading = async {
        let mut body = BytesMut::new();
        while let Some(chunk) = payload.next().await {
            let chunk = chunk.map_err(|_| BodyError::Broken)?;
            if body.len() + chunk.len() > limits.sent {
                return Err(too_large);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    };
    let body = tokio::time::timeout(limits.patience, reading).await.map_err(|_| BodyError::TooSlow)??;
    match header(request, CONTENT_ENCODING.as_str()).map(str::to_ascii_lowercase).as_deref() {
        None | Some("" | "identity") => Ok(body),
        Some("gzip" | "x-gzip") => inflate(&body, limits.inflated),
        Some(_) => Err(BodyError::UnknownEncoding),
    }
}

/// Inflates gzip up to a limit.
pub fn inflate(body: &[u8], limit: usize) -> Result<Bytes, BodyError> {
    let mut inflated = Vec::new();
    let mut reader = MultiGzDecoder::new(body).take(limit as u64 + 1);
    reader.read_to_end(&mut inflated).map_err(|_| BodyError::NotGzip)?;
    if inflated.len() > limit { Err(BodyError::TooLarge { limit }) } else { Ok(inflated.into()) }
}

fn announced(request: &HttpRequest) -> Option<usize> {
    header(request, CONTENT_LENGTH.as_str())?.parse().ok()
}

fn header<'a>(request: &'a HttpRequest, name: &str) -> Option<&'a str> {
    request.headers().get(name)?.to_str().ok()
}

/// A JSON body, decoded.
///
/// 400 `Expected JSON Body` when there is none, 400 `json decoder error` when it is malformed or of another shape,
/// 413 over the limit, 408 when it comes too slowly, 415 from a browser that does not say that it is JSON.
#[derive(Clone, Debug)]
pub struct Body<T>(pub T);

impl<T: DeserializeOwned> FromRequest for Body<T> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, mut payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let body = read_json(&request, &mut payload).await?;
            if body.iter().all(u8::is_ascii_whitespace) {
                return Err(Problem::bad_request("Expected JSON Body"));
            }
            decode(&body).map(Body)
        })
    }
}

/// A JSON body that may be missing: then it counts as `{}`.
#[derive(Clone, Debug)]
pub struct OptionalBody<T>(pub T);

impl<T: DeserializeOwned> FromRequest for OptionalBody<T> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, mut payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let body = read_json(&request, &mut payload).await?;
            decode(if body.iter().all(u8::is_ascii_whitespace) { b"{}" } else { &body }).map(OptionalBody)
        })
    }
}

async fn read_json(request: &HttpRequest, payload: &mut Payload) -> Result<Bytes, Problem> {
    refuse_foreign_forms(request)?;
    let limits = request.app_data::<BodyLimits>().copied().unwrap_or_default();
    Ok(read_body(request, payload, limits).await?)
}

fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(body).map_err(|_| Problem::bad_request("json decoder error"))
}

/// A page of another site can make a browser post text or a form, but not `application/json` without being asked first.
fn refuse_foreign_forms(request: &HttpRequest) -> Result<(), Problem> {
    let from_browser = request.headers().contains_key(ORIGIN) || request.headers().contains_key(REFERER);
    if from_browser && header(request, CONTENT_TYPE.as_str()) != Some("application/json") {
        return Err(Problem::unsupported_media_type("base", r#"Expected Content-Type "application/json""#));
    }
    Ok(())
}

impl From<BodyError> for Problem {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge { limit } => Problem::too_large(limit),
            BodyError::TooSlow => Problem::too_slow(),
            BodyError::Broken => Problem::bad_request("the body is not whole"),
            BodyError::NotGzip => Problem::bad_request("the body is not gzip"),
            BodyError::UnknownEncoding => Problem::unsupported_media_type("base", error.to_string()),
        }
    }
}

/// The name of a JSON value's type, for messages.
pub fn json_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

#[cfg(test)]
mod tests;
