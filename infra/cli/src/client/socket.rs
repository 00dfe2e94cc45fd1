//! A websocket to the server: text in JSON, both ways.
//!
//! The server pings every 25 s, so a socket that brings nothing at all for a minute is dead, whatever TCP believes.

use std::error::Error;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures::{SinkExt, StreamExt};
use reqwest::StatusCode;
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, Message};

use super::{Address, Failure, Path};

/// How long connecting, with TLS and the upgrade, may take.
const OPEN_TIMEOUT: Duration = Duration::from_secs(15);
/// How long nothing at all may come, pings included.
const SILENCE: Duration = Duration::from_secs(60);
/// The largest message taken: an answer of a host is cut at 16 MiB, and JSON may double it.
const LARGEST: usize = 64 << 20;

trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Duplex for T {}

/// An open websocket.
pub struct Socket(WebSocketStream<Box<dyn Duplex>>);

/// What a socket brings.
#[derive(Debug)]
pub enum Incoming {
    /// A text message.
    Text(String),
    /// The server has closed the socket, perhaps with a reason that forbids coming back.
    Closed { refused: Option<String> },
}

/// Why a socket did not open, or broke.
pub enum Fault {
    /// The connection.
    Transport(Box<dyn Error + Send + Sync>),
    /// An HTTP answer instead of the upgrade.
    Answer(StatusCode, Vec<u8>),
}

impl Fault {
    /// In words.
    pub fn into_failure(self, address: &Address, ca: Option<&std::path::Path>) -> Failure {
        match self {
            Self::Transport(error) => Failure::of_transport(error.as_ref(), address, ca),
            Self::Answer(status, body) => Failure::refused(status, &body, address),
        }
    }
}

impl Socket {
    /// Connects and upgrades.
    pub async fn open(address: &Address, path: &Path, tls: Arc<ClientConfig>) -> Result<Self, Fault> {
        let opening = async {
            let stream = connect(address, tls).await?;
            let mut url = address.at(path);
            let scheme = if address.is_encrypted() { "wss" } else { "ws" };
            url.set_scheme(scheme).map_err(|()| io::Error::other("the address cannot carry a websocket"))?;
            let limits = WebSocketConfig::default().max_message_size(Some(LARGEST)).max_frame_size(Some(LARGEST));
            let (socket, _) = tokio_tungstenite::client_async_with_config(url.as_str(), stream, Some(limits)).await?;
            Ok(Self(socket))
        };
        timeout(OPEN_TIMEOUT, opening).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
    }

    /// Sends one message.
    pub async fn send(&mut self, message: &Value) -> Result<(), Fault> {
        Ok(self.0.send(Message::text(message.to_string())).await?)
    }

    /// The next text message; pings are answered on the way.
    pub async fn next(&mut self) -> Result<Incoming, Fault> {
        loop {
            let frame = timeout(SILENCE, self.0.next()).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?;
            match frame.transpose()? {
                Some(Message::Text(text)) => return Ok(Incoming::Text(text.as_str().to_owned())),
                Some(Message::Close(frame)) => {
                    let refused = frame.filter(|frame| u16::from(frame.code) == 1008);
                    return Ok(Incoming::Closed { refused: refused.map(|frame| frame.reason.to_string()) });
                }
                None => return Ok(Incoming::Closed { refused: None }),
                Some(_) => {}
            }
        }
    }
}

async fn connect(address: &Address, tls: Arc<ClientConfig>) -> Result<Box<dyn Duplex>, Fault> {
    let (host, port) = address.endpoint();
    let stream = TcpStream::connect((host.as_str(), port)).await?;
    stream.set_nodelay(true)?;
    if !address.is_encrypted() {
        return Ok(Box::new(stream));
    }
    let name = ServerName::try_from(host).map_err(io::Error::other)?;
    Ok(Box::new(TlsConnector::from(tls).connect(name, stream).await?))
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Transport(error.into())
    }
}

impl From<tungstenite::Error> for Fault {
    fn from(error: tungstenite::Error) -> Self {
        match error {
            tungstenite::Error::Http(answer) => {
                let (head, body) = answer.into_parts();
                let status = StatusCode::from_u16(head.status.as_u16()).unwrap_or(StatusCode::BAD_GATEWAY);
                Self::Answer(status, body.unwrap_or_default())
            }
            tungstenite::Error::Io(error) => error.into(),
            other => Self::Transport(other.into()),
        }
    }
}
