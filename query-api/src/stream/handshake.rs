//! The first two messages of a stream: who reads, and what.

use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::http::header::{HOST, ORIGIN};
use actix_ws::{AggregatedMessage, AggregatedMessageStream, CloseCode, CloseReason, Session};
use futures::StreamExt;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout_at};

use super::frames::Framing;
use crate::guard::Lost;

/// How long a client may take for each of its two messages.
pub const PATIENCE: Duration = Duration::from_secs(30);
/// The largest frame of a client: a token and a few words.
pub const FRAME_LIMIT: usize = 64 * 1024;

/// A socket with its framing.
pub struct Socket {
    pub session: Session,
    pub frames: AggregatedMessageStream,
    framing: Framing,
    waiting: std::collections::VecDeque<String>,
}

/// What a client did.
pub enum Heard {
    Message(String),
    /// It closed, broke the framing, or was cut off.
    Gone,
}

impl Socket {
    pub fn new(session: Session, frames: actix_ws::MessageStream, framing: Framing) -> Self {
        let frames = frames.max_frame_size(FRAME_LIMIT).aggregate_continuations().max_continuation_size(FRAME_LIMIT);
        Socket { session, frames, framing, waiting: Default::default() }
    }

    pub async fn open(&mut self) -> Result<(), actix_ws::Closed> {
        match self.framing.open() {
            Some(text) => self.session.text(text).await,
            None => Ok(()),
        }
    }

    /// Sends one message.
    pub async fn send(&mut self, kind: &str, data: impl Into<Value>) -> Result<(), actix_ws::Closed> {
        self.session.text(self.framing.wrap(&json!({"type": kind, "data": data.into()}))).await
    }

    pub async fn keep_alive(&mut self) -> Result<(), actix_ws::Closed> {
        match self.framing.heartbeat() {
            Some(text) => self.session.text(text).await,
            None => self.session.ping(b"").await,
        }
    }

    /// The client's next message; Pings are answered on the way.
    pub async fn hear(&mut self) -> Heard {
        loop {
            if let Some(message) = self.waiting.pop_front() {
                return Heard::Message(message);
            }
            let text = match self.frames.next().await {
                Some(Ok(AggregatedMessage::Text(text))) => text.to_string(),
                Some(Ok(AggregatedMessage::Binary(bytes))) => String::from_utf8_lossy(&bytes).into_owned(),
                Some(Ok(AggregatedMessage::Ping(payload))) => {
                    if self.session.pong(&payload).await.is_err() {
                        return Heard::Gone;
                    }
                    continue;
                }
                Some(Ok(AggregatedMessage::Pong(_))) => continue,
                Some(Ok(AggregatedMessage::Close(_)) | Err(_)) | None => return Heard::Gone,
            };
            match self.framing.unwrap(&text) {
                Some(messages) => self.waiting.extend(messages),
                None => return Heard::Gone,
            }
        }
    }

    /// The next message, or `None` if it does not come in time or the client is gone.
    pub async fn hear_soon(&mut self) -> Option<String> {
        match timeout_at(Instant::now() + PATIENCE, self.hear()).await {
            Ok(Heard::Message(message)) => Some(message),
            _ => None,
        }
    }

    /// Says goodbye in the framing's way, with a valid code.
    pub async fn close(self, end: End) {
        let Socket { mut session, framing, .. } = self;
        let (told, code, reason) = match end {
            End::Done => (None, CloseCode::Normal, None),
            End::Told(told) => (Some(told), CloseCode::Normal, None),
            End::Stopping => (None, CloseCode::Away, Some("the server stops: open the stream again, nothing is lost")),
            End::Lost(lost) => (Some(lost.word().to_owned()), CloseCode::Policy, Some(lost.reason())),
        };
        if let Some(told) = told {
            let _ = session.text(framing.wrap(&json!({"type": "error", "data": told}))).await;
        }
        if let Some(text) = framing.close(u16::from(code), reason.unwrap_or("done")) {
            let _ = session.text(text).await;
        }
        let _ = session.close(Some(CloseReason { code, description: reason.map(str::to_owned) })).await;
    }
}

/// Why a conversation ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// All is said, or the client is gone.
    Done,
    /// With an error to tell.
    Told(String),
    /// The server stops.
    Stopping,
    /// The reader may read no longer.
    Lost(Lost),
}

impl End {
    pub fn told(text: &str) -> End {
        End::Told(text.to_owned())
    }
}

impl From<actix_ws::Closed> for End {
    fn from(_: actix_ws::Closed) -> End {
        End::Done
    }
}

/// A client's message: `{"type": …, "data": …}`.
pub fn parse(message: &str) -> Option<(String, Value)> {
    let mut message: Value = serde_json::from_str(message.trim()).ok()?;
    let kind = message.get("type")?.as_str()?.to_owned();
    Some((kind, message.get_mut("data").map(Value::take).unwrap_or(Value::Null)))
}

/// The token of a well-formed `auth` message.
pub fn token(message: &str) -> Option<String> {
    let (kind, data) = parse(message)?;
    let token = data.as_object()?.get("token");
    (kind == "auth").then(|| token.and_then(Value::as_str).unwrap_or_default().to_owned())
}

/// Whether the page that opens the socket, if a page does, is one of ours: its `Origin` has our host and port.
pub fn origin_is_ours(request: &HttpRequest) -> bool {
    let text =
        |name| request.headers().get(name).and_then(|value: &actix_web::http::header::HeaderValue| value.to_str().ok());
    let Some(origin) = request.headers().get(ORIGIN) else { return true };
    let host = text(HOST).map(str::to_owned).or_else(|| request.uri().authority().map(|it| it.to_string()));
    let theirs = origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|(_, authority)| authority);
    matches!((theirs, host), (Some(theirs), Some(ours)) if theirs.eq_ignore_ascii_case(&ours))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::{origin_is_ours, token};

    #[test]
    fn the_token_is_in_a_message_of_the_right_type_and_shape() {
        assert_eq!(token(r#"{"type":"auth","data":{"token":"t"}}"#).as_deref(), Some("t"));
        assert_eq!(token("{\"type\":\"auth\",\"data\":{\"token\":\"t\"},\"more\":1}\n").as_deref(), Some("t"));
        assert_eq!(token(r#"{"type":"auth","data":{}}"#).as_deref(), Some(""));
        assert_eq!(token(r#"{"type":"auth","data":"t"}"#), None);
        assert_eq!(token(r#"{"type":"select_campaign","data":{"token":"t"}}"#), None);
        assert_eq!(token("nonsense"), None);
    }

    #[test]
    fn a_foreign_page_may_not_open_a_stream() {
        let from = |origin: Option<&str>| {
            let request = TestRequest::default().insert_header(("Host", "muster.example:8443"));
            let request = match origin {
                Some(origin) => request.insert_header(("Origin", origin)),
                None => request,
            };
            origin_is_ours(&request.to_http_request())
        };
        assert!(from(None));
        assert!(from(Some("https://muster.example:8443")));
        assert!(from(Some("http://muster.example:8443")), "the scheme is not compared");
        assert!(!from(Some("https://muster.example")));
        assert!(!from(Some("https://evil.example:8443")));
        assert!(!from(Some("null")));
    }
}
