//! The push channel: a websocket over which the server says "come", so that a live query need not wait for the poll.
//! Nothing depends on it; when it is away, the poll goes on.

use std::sync::Arc;
use std::time::Duration;

use futures::{SinkExt, StreamExt};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio_rustls::TlsConnector;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};
use url::Url;

use crate::ports::{Dice, Time, between};
use crate::session::Session;
use crate::transport::DEADLINE;

const PATH: &str = "/api/muster/v1/agent/push";

/// The server pings every 25 seconds; one that is silent this long is gone.
const SILENCE: Duration = Duration::from_secs(75);

/// The longest wait before the channel is opened again: of a server that serves it, and of one that does not.
const MAX_WAIT_MS: u64 = 60_000;
const MAX_WAIT_UNKNOWN_MS: u64 = 3_600_000;

pub struct Push {
    pub session: Arc<Session>,
    pub tls: ClientConfig,
    pub time: Arc<dyn Time>,
    pub dice: Arc<dyn Dice>,
    pub come: Arc<Notify>,
}

/// Why the channel ended.
#[derive(Debug)]
enum End {
    /// It was open before.
    Closed(String),
    /// It could not be opened.
    Unopened(String),
    /// The server does not serve it.
    Unknown,
}

#[derive(Deserialize)]
struct FromServer {
    #[serde(rename = "type", default)]
    kind: String,
    error: Option<String>,
}

trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

type Channel = WebSocketStream<Box<dyn Wire>>;

impl Push {
    /// Keeps the channel open for ever. All waits are drawn from zero up, so that a fleet cut off by one restart
    /// comes back spread out.
    pub async fn run(&self) {
        let mut failures = 0_u32;
        loop {
            let end = self.follow().await;
            let (said, most_ms) = match end {
                End::Closed(why) => {
                    failures = 0;
                    (format!("the push channel closed: {why}"), 5_000)
                }
                End::Unopened(why) => {
                    failures = failures.saturating_add(1);
                    let most_ms = 2_000_u64.saturating_mul(1 << failures.min(10));
                    (format!("no push channel: {why}"), most_ms.min(MAX_WAIT_MS))
                }
                End::Unknown => ("the server has no push channel; polling alone".to_owned(), MAX_WAIT_UNKNOWN_MS),
            };
            tracing::debug!("{said}");
            self.time.sleep(Duration::from_millis(between(&*self.dice, 0, most_ms))).await;
        }
    }

    async fn follow(&self) -> End {
        let opened = match tokio::time::timeout(DEADLINE, self.open()).await {
            Ok(opened) => opened,
            Err(_) => return End::Unopened("the server did not answer in time".to_owned()),
        };
        let mut channel = match opened {
            Ok(channel) => channel,
            Err(end) => return end,
        };
        let mut ready = false;
        loop {
            let closed = |why: String| if ready { End::Closed(why) } else { End::Unopened(why) };
            let text = match tokio::time::timeout(SILENCE, channel.next()).await {
                Ok(Some(Ok(Message::Text(text)))) => text,
                Ok(Some(Ok(Message::Close(frame)))) => return closed(format!("{frame:?}")),
                Ok(Some(Ok(_))) => continue, // Pings are answered by the library.
                Ok(Some(Err(cause))) => return closed(cause.to_string()),
                Ok(None) => return closed("the connection ended".to_owned()),
                Err(_) => return closed("the server is silent".to_owned()),
            };
            match serde_json::from_str::<FromServer>(&text) {
                // A refused key is no reason to throw it away here: the next poll will hear it too.
                Ok(FromServer { error: Some(error), .. }) => return closed(error),
                Ok(FromServer { kind, .. }) if kind == "ready" => {
                    ready = true;
                    tracing::info!("the push channel is open: live queries are answered at once");
                }
                Ok(FromServer { kind, .. }) if kind == "come" => self.come.notify_one(),
                Ok(_) => {}
                Err(cause) => return closed(cause.to_string()),
            }
        }
    }

    async fn open(&self) -> Result<Channel, End> {
        let unopened = |why: String| End::Unopened(why);
        let key = self.session.key().await;
        let base = self.session.transport().base();
        let wire = self.connect(base).await.map_err(|cause| unopened(cause.to_string()))?;
        let url = format!("{}{PATH}", base.as_str().trim_end_matches('/')).replacen("http", "ws", 1);
        let (mut channel, _) =
            client_async_with_config(url, wire, Some(small())).await.map_err(|cause| match cause {
                tokio_tungstenite::tungstenite::Error::Http(answer)
                    if matches!(answer.status().as_u16(), 404 | 405) =>
                {
                    End::Unknown
                }
                cause => unopened(cause.to_string()),
            })?;
        let hello = serde_json::json!({ "node_key": key }).to_string();
        channel.send(Message::text(hello)).await.map_err(|cause| unopened(cause.to_string()))?;
        Ok(channel)
    }

    async fn connect(&self, base: &Url) -> std::io::Result<Box<dyn Wire>> {
        let host = base.host_str().unwrap_or_default();
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let port = base.port_or_known_default().unwrap_or(443);
        let tcp = TcpStream::connect((host, port)).await?;
        tcp.set_nodelay(true)?;
        if base.scheme() == "http" {
            return Ok(Box::new(tcp));
        }
        let name = ServerName::try_from(host.to_owned()).map_err(std::io::Error::other)?;
        let connector = TlsConnector::from(Arc::new(self.tls.clone()));
        Ok(Box::new(connector.connect(name, tcp).await?))
    }
}

/// The server says a word at a time; whatever is long does not come from it.
fn small() -> WebSocketConfig {
    WebSocketConfig::default().max_message_size(Some(64 << 10)).max_frame_size(Some(64 << 10))
}
