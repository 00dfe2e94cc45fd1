//! One POST to the server and what came back, within osquery's deadline.

use std::time::Duration;

use reqwest::{StatusCode, header};
use rustls::ClientConfig;
use tokio::time::Instant;
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

    async fn exchange(&self, path: &str, body: &[u8], encoding: Encoding) -> Result<HttpAnswer, TransportError> {
        let url = format!("{}{path}", self.base.as_str().trim_end_matches('/'));
        let mut request = self
            .client
            .post(url)
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
