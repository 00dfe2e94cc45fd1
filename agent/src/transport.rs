//! The way to the server, one for all: posts within osquery's deadline, and a channel that stays open.
//!
//! Both go over the proxy that `HTTPS_PROXY` names, unless `NO_PROXY` excepts the server.

use std::time::Duration;

use reqwest::{StatusCode, Upgraded, header};
use rustls::ClientConfig;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use url::Url;

/// The whole exchange: connecting, sending, waiting, reading.
pub const DEADLINE: Duration = Duration::from_secs(16);

/// The most bytes of an answer, unpacked.
const MAX_ANSWER: usize = 8 << 20;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    #[error("the server did not answer within {} seconds", DEADLINE.as_secs())]
    TimedOut,
    #[error("the server cannot be reached: {}", innermost(.0))]
    Unreachable(reqwest::Error),
    #[error("the server's answer is larger than {MAX_ANSWER} bytes")]
    TooLarge,
}

/// Why there is no channel.
#[derive(Debug, thiserror::Error)]
pub enum ChannelError {
    #[error("the server cannot be reached: {}", innermost(.0))]
    Unreachable(#[from] reqwest::Error),
    #[error("HTTP status {0}")]
    Status(StatusCode),
    #[error("the server speaks no websocket")]
    NoWebsocket,
}

/// The server's answer. The body counts; the status only tells a proxy's page from the server's own words.
pub struct HttpAnswer {
    pub status: StatusCode,
    pub body: Vec<u8>,
}

#[derive(Clone)]
pub struct Transport {
    client: reqwest::Client,
    base: Url,
}

impl Transport {
    /// Speaks to `base`; its path, if any, is put before every endpoint's.
    pub fn new(base: Url, tls: ClientConfig, version: &str) -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .http1_only()
            .pool_idle_timeout(Duration::from_secs(3600))
            .user_agent(format!("musterd/{version}"))
            // A key is not carried to another place because somebody said so; a redirect is shown as a failure.
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        Ok(Transport { client, base })
    }

    pub fn base(&self) -> &Url {
        &self.base
    }

    /// Posts JSON to `path`. Lost connections are made again once, so the server may see a request twice.
    pub async fn post(&self, path: &str, body: &[u8], encoding: Encoding) -> Result<HttpAnswer, TransportError> {
        let deadline = Instant::now() + DEADLINE;
        let once = || async {
            let exchange = self.exchange(path, body, encoding);
            tokio::time::timeout_at(deadline, exchange).await.map_err(|_| TransportError::TimedOut)?
        };
        match once().await {
            Err(TransportError::Unreachable(cause)) if !cause.is_timeout() => once().await,
            outcome => outcome,
        }
    }

    /// Opens a websocket at `path`, on which nothing has been said yet.
    pub async fn websocket(&self, path: &str) -> Result<Upgraded, ChannelError> {
        let key = generate_key();
        let asked = self
            .client
            .get(self.url(path))
            .header(header::CONNECTION, "Upgrade")
            .header(header::UPGRADE, "websocket")
            .header(header::SEC_WEBSOCKET_VERSION, "13")
            .header(header::SEC_WEBSOCKET_KEY, &key);
        let answer = asked.send().await?;
        if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
            return Err(ChannelError::Status(answer.status()));
        }
        let accepted = answer.headers().get(header::SEC_WEBSOCKET_ACCEPT);
        if accepted.is_none_or(|accepted| accepted != &derive_accept_key(key.as_bytes())) {
            return Err(ChannelError::NoWebsocket);
        }
        Ok(answer.upgrade().await?)
    }

    async fn exchange(&self, path: &str, body: &[u8], encoding: Encoding) -> Result<HttpAnswer, TransportError> {
        let mut request = self
            .client
            .post(self.url(path))
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "application/json");
        if encoding == Encoding::Gzip {
            request = request.header(header::CONTENT_ENCODING, "gzip");
        }
        let mut answer = request.body(body.to_vec()).send().await.map_err(TransportError::Unreachable)?;
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(TransportError::Unreachable)? {
            if body.len() + chunk.len() > MAX_ANSWER {
                return Err(TransportError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(HttpAnswer { status: answer.status(), body })
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base.as_str().trim_end_matches('/'))
    }
}

/// How the bytes of a request are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    Plain,
    Gzip,
}

/// The cause that says what happened: "connection refused", not "error sending request".
fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}
