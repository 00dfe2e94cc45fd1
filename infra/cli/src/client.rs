//! The server as this program sees it: JSON in and out, streams of lines, and websockets.
//!
//! Every failure leaves here as a sentence that says what to do (`Failure`).

mod failure;
mod pages;
mod problem;
mod socket;
mod tls;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

pub use failure::Failure;
pub use pages::{Pages, Paging};
use reqwest::{Method, Response};
use serde::de::DeserializeOwned;
use serde_json::Value;
pub use socket::{Fault, Incoming, Socket};

pub use crate::address::{Address, Path, fleet, muster};
use crate::output;
use crate::secret::Secret;
use crate::settings::Settings;

/// How long a connection may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a whole answer may take; of an answer without an end, its head.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(120);
/// How long a connection may be silent before TCP asks whether the other end is still there.
const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// Set by the server on an answer from views that lag behind the log.
const BEHIND: &str = "muster-behind";

/// A connection to one server, as one user or as nobody.
pub struct Client {
    http: reqwest::Client,
    tls: Arc<rustls::ClientConfig>,
    address: Address,
    ca: Option<PathBuf>,
    token: Option<Secret>,
    said_behind: AtomicBool,
}

impl Client {
    /// Prepares a connection; nothing is sent yet.
    ///
    /// Errors: when the CA file cannot be read or holds no certificate.
    pub fn new(settings: Settings) -> anyhow::Result<Self> {
        let Settings { address, ca, token } = settings;
        let tls = tls::client_config(ca.as_deref())?;
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls.clone())
            .user_agent(concat!("musterctl/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            // A log that is followed may be silent for hours; a server that is gone must not look like that.
            .tcp_keepalive(KEEP_ALIVE)
            // A redirect would carry the token to whoever it names; websockets take no proxy, so nothing does.
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()?;
        Ok(Self { http, tls: Arc::new(tls), address, ca, token, said_behind: AtomicBool::new(false) })
    }

    /// The server.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Whether there is a token to send.
    pub fn has_token(&self) -> bool {
        self.token.is_some()
    }

    /// `GET`, decoded.
    pub async fn get<T: DeserializeOwned>(&self, path: &Path) -> Result<T, Failure> {
        let request = self.request(Method::GET, path).timeout(ANSWER_TIMEOUT);
        self.decode(self.send(request).await?).await
    }

    /// `POST` of a JSON body, decoded.
    pub async fn post<T: DeserializeOwned>(&self, path: &Path, body: &Value) -> Result<T, Failure> {
        let request = self.request(Method::POST, path).timeout(ANSWER_TIMEOUT).json(body);
        self.decode(self.send(request).await?).await
    }

    /// `GET` of an answer without an end: the head has come, its body is read piece by piece.
    pub async fn open(&self, path: &Path) -> Result<Response, Failure> {
        let head = self.send(self.request(Method::GET, path));
        match tokio::time::timeout(ANSWER_TIMEOUT, head).await {
            Ok(answered) => answered,
            Err(_) => Err(self.explain(&std::io::Error::from(std::io::ErrorKind::TimedOut))),
        }
    }

    /// Opens a websocket.
    pub async fn socket(&self, path: &Path) -> Result<Socket, Failure> {
        Socket::open(&self.address, path, self.tls.clone()).await.map_err(|fault| self.fault(fault))
    }

    /// What went wrong with a websocket.
    pub fn fault(&self, fault: Fault) -> Failure {
        fault.into_failure(&self.address, self.ca.as_deref())
    }

    /// The token, for the first message of a websocket.
    ///
    /// Errors: as the server would say without one.
    pub fn token(&self) -> Result<&Secret, Failure> {
        self.token.as_ref().ok_or_else(|| Failure::not_logged_in(&self.address))
    }

    /// What went wrong while an answer was being read.
    pub fn explain(&self, error: &(dyn std::error::Error + 'static)) -> Failure {
        Failure::of_transport(error, &self.address, self.ca.as_deref())
    }

    fn request(&self, method: Method, path: &Path) -> reqwest::RequestBuilder {
        let request = self.http.request(method, self.address.at(path));
        match &self.token {
            Some(token) => request.bearer_auth(token.reveal()),
            None => request,
        }
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Result<Response, Failure> {
        let response = request.send().await.map_err(|error| self.explain(&error))?;
        self.say_if_behind(&response);
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let body = response.bytes().await.map_err(|error| self.explain(&error))?;
        Err(Failure::refused(status, &body, &self.address))
    }

    async fn decode<T: DeserializeOwned>(&self, response: Response) -> Result<T, Failure> {
        let body = response.bytes().await.map_err(|error| self.explain(&error))?;
        serde_json::from_slice(&body).map_err(|error| Failure::strange(&self.address, &error))
    }

    fn say_if_behind(&self, response: &Response) {
        let Some(behind) = response.headers().get(BEHIND) else { return };
        if !self.said_behind.swap(true, Ordering::Relaxed) {
            let by = output::escaped(&String::from_utf8_lossy(behind.as_bytes())).into_owned();
            output::notice(&format!("note: the server's views are behind ({by}); the newest changes may be missing"));
        }
    }
}
