//! Live results over a websocket: Fleet's protocol plain and in SockJS framing, and our own.

use std::time::Duration;

use anyhow::{Context, bail};
use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{self, Message};

use crate::admin::TestAdmin;
use crate::door::Door;

pub const RAW: &str = "/api/latest/fleet/results/websocket";
pub const SOCKJS: &str = "/api/v1/fleet/results/000/abc/websocket";
pub const FOLLOW: &str = "/api/muster/v1/campaigns/stream";
/// The channel of agents: its messages have no common shape, so only its frames are for [`Stream`].
pub const PUSH: &str = "/api/muster/v1/agent/push";

/// One websocket. Dropping it cuts the connection without a word.
pub struct Stream {
    socket: WebSocketStream<TlsStream<TcpStream>>,
    sockjs: bool,
    waiting: std::collections::VecDeque<Event>,
}

/// What a client hears.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    Message {
        kind: String,
        data: Value,
    },
    Ping,
    /// SockJS `o`.
    Opened,
    /// SockJS `h`.
    Beat,
    /// SockJS `c[…]`.
    Told(String),
    /// A Close frame, with its code if it has one.
    Closed(Option<u16>),
    /// The connection ended without a Close frame.
    Gone,
    /// Nothing within the bound.
    Silence,
}

impl Event {
    /// The data of a message of one kind.
    pub fn of(&self, wanted: &str) -> Option<&Value> {
        match self {
            Event::Message { kind, data } if kind == wanted => Some(data),
            _ => None,
        }
    }

    /// Nothing comes after this.
    pub fn is_end(&self) -> bool {
        matches!(self, Event::Closed(_) | Event::Gone)
    }
}

/// Why a socket did not open: the status of the answer, 0 for none.
#[derive(Debug)]
pub struct NotOpened(pub u16);

impl Stream {
    /// Opens a socket, from a page of `origin` if there is one.
    pub async fn open(door: &Door, path: &str, origin: Option<&str>) -> Result<Stream, NotOpened> {
        let none = |_| NotOpened(0);
        let url = format!("wss://{}{path}", door.address().await);
        let mut request = url.into_client_request().map_err(|_| NotOpened(0))?;
        if let Some(origin) = origin {
            request.headers_mut().insert("Origin", origin.parse().map_err(|_| NotOpened(0))?);
        }
        let tls = door.connect().await.map_err(none)?;
        match tokio_tungstenite::client_async(request, tls).await {
            Ok((socket, _)) => Ok(Stream { socket, sockjs: path == SOCKJS, waiting: Default::default() }),
            Err(tungstenite::Error::Http(answer)) => Err(NotOpened(answer.status().as_u16())),
            Err(_) => Err(NotOpened(0)),
        }
    }

    /// Opens Fleet's stream of a campaign, plain.
    pub async fn of(admin: &TestAdmin, campaign: u64) -> Stream {
        let mut stream = Stream::open(&admin.door, RAW, None).await.expect("a plain websocket opens");
        stream.select(&admin.token, campaign).await.expect("a new socket takes two messages");
        stream
    }

    /// Opens our own stream, after a position.
    pub async fn follow(admin: &TestAdmin, campaign: u64, after: Option<u64>) -> anyhow::Result<Stream> {
        let opened = Stream::open(&admin.door, FOLLOW, None).await;
        let mut stream = opened.map_err(|NotOpened(status)| anyhow::anyhow!("the stream did not open: {status}"))?;
        stream.send(&json!({"type": "auth", "data": {"token": admin.token}})).await?;
        stream.send(&json!({"type": "follow", "data": {"campaign_id": campaign, "after": after}})).await?;
        Ok(stream)
    }

    /// The two messages of Fleet's clients.
    pub async fn select(&mut self, token: &str, campaign: u64) -> anyhow::Result<()> {
        self.send(&json!({"type": "auth", "data": {"token": token}})).await?;
        self.send(&json!({"type": "select_campaign", "data": {"campaign_id": campaign}})).await
    }

    /// Sends one message in the socket's framing.
    pub async fn send(&mut self, message: &Value) -> anyhow::Result<()> {
        let text = if self.sockjs { json!([message.to_string()]).to_string() } else { message.to_string() };
        self.send_text(&text).await
    }

    /// Sends a frame as it is.
    pub async fn send_text(&mut self, text: &str) -> anyhow::Result<()> {
        Ok(self.socket.send(Message::text(text)).await?)
    }

    /// Sends a binary frame, which some clients do.
    pub async fn send_bytes(&mut self, bytes: Vec<u8>) -> anyhow::Result<()> {
        Ok(self.socket.send(Message::binary(bytes)).await?)
    }

    /// Says goodbye with a Close frame.
    pub async fn close(mut self) {
        let _ = self.socket.close(None).await;
    }

    /// What comes next, within the bound.
    pub async fn next(&mut self, bound: Duration) -> Event {
        if let Some(event) = self.waiting.pop_front() {
            return event;
        }
        loop {
            let Ok(frame) = timeout_at(Instant::now() + bound, self.socket.next()).await else { return Event::Silence };
            let event = match frame {
                Some(Ok(Message::Text(text))) => self.read(&text),
                Some(Ok(Message::Ping(_))) => Ok(Event::Ping),
                Some(Ok(Message::Close(frame))) => Ok(Event::Closed(frame.map(|frame| u16::from(frame.code)))),
                Some(Ok(_)) => continue,
                Some(Err(_)) | None => Ok(Event::Gone),
            };
            return event.unwrap_or_else(|error| panic!("a frame breaks the protocol: {error:#}"));
        }
    }

    /// The data of the next message of a kind; other events are passed over. Panics if the stream ends or is silent.
    pub async fn hear(&mut self, kind: &str, bound: Duration) -> Value {
        let deadline = Instant::now() + bound;
        loop {
            let event = self.next(deadline.saturating_duration_since(Instant::now())).await;
            if let Some(data) = event.of(kind) {
                return data.clone();
            }
            assert!(!event.is_end() && event != Event::Silence, "no {kind} within {bound:?}: {event:?}");
        }
    }

    /// The data of the next message of a kind that fits.
    pub async fn hear_that(&mut self, kind: &str, bound: Duration, fits: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + bound;
        loop {
            let data = self.hear(kind, deadline.saturating_duration_since(Instant::now())).await;
            if fits(&data) {
                return data;
            }
        }
    }

    fn read(&mut self, text: &str) -> anyhow::Result<Event> {
        if !self.sockjs {
            return message(text);
        }
        let Some(rest) = text.get(1..) else { bail!("an empty frame") };
        match &text[..1] {
            "o" => Ok(Event::Opened),
            "h" => Ok(Event::Beat),
            "c" => Ok(Event::Told(rest.to_owned())),
            "a" => {
                let messages: Vec<String> = serde_json::from_str(rest)?;
                for text in &messages {
                    self.waiting.push_back(message(text)?);
                }
                self.waiting.pop_front().context("an array without messages")
            }
            _ => bail!("no SockJS frame: {text}"),
        }
    }
}

fn message(text: &str) -> anyhow::Result<Event> {
    let mut message: Value = serde_json::from_str(text).with_context(|| format!("no JSON: {text}"))?;
    let kind = message["type"].as_str().with_context(|| format!("no type: {text}"))?.to_owned();
    Ok(Event::Message { kind, data: message["data"].take() })
}
