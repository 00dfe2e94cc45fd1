//! The push channel: a websocket over which the server says "come", so that a live query need not wait for the poll.
//! Nothing depends on it; when it is away, the poll goes on.

use std::sync::Arc;
use std::time::Duration;

use futures::{SinkExt, StreamExt};
use reqwest::{StatusCode, Upgraded};
use serde::Deserialize;
use tokio::sync::Notify;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use crate::ports::{Dice, Time, between};
use crate::session::Session;
use crate::transport::{ChannelError, DEADLINE};

const PATH: &str = "/api/muster/v1/agent/push";

/// The server pings every 25 seconds; one that is silent this long is gone.
const SILENCE: Duration = Duration::from_secs(75);

pub struct Push {
    pub session: Arc<Session>,
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

/// How often in a row the channel could not be opened, and was not known.
#[derive(Default)]
struct Failures {
    unopened: u32,
    unknown: u32,
}

impl Failures {
    /// The longest wait after this end, in ms. A server may not serve the channel only for the moment, while it is
    /// replaced by another release, so that is believed slowly.
    fn longest_wait_ms(&mut self, end: &End) -> u64 {
        let doubled = |first: u64, failures: u32, most: u64| first.saturating_mul(1 << failures.min(16)).min(most);
        let Failures { unopened, unknown } = std::mem::take(self);
        match end {
            End::Closed(_) => 5_000,
            End::Unopened(_) => {
                self.unopened = unopened.saturating_add(1);
                doubled(4_000, unopened, 60_000)
            }
            End::Unknown => {
                self.unknown = unknown.saturating_add(1);
                doubled(60_000, unknown, 3_600_000)
            }
        }
    }
}

#[derive(Deserialize)]
struct FromServer {
    #[serde(rename = "type", default)]
    kind: String,
    error: Option<String>,
}

type Channel = WebSocketStream<Upgraded>;

impl Push {
    /// Keeps the channel open for ever. All waits are drawn from zero up, so that a fleet cut off by one restart
    /// comes back spread out.
    pub async fn run(&self) {
        let mut failures = Failures::default();
        loop {
            let end = self.follow().await;
            match &end {
                End::Closed(why) => tracing::debug!("the push channel closed: {why}"),
                End::Unopened(why) => tracing::debug!("no push channel: {why}"),
                End::Unknown => tracing::debug!("the server has no push channel; polling alone"),
            }
            let wait_ms = between(&*self.dice, 0, failures.longest_wait_ms(&end));
            self.time.sleep(Duration::from_millis(wait_ms)).await;
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
        let key = self.session.key().await;
        let wire = self.session.transport().websocket(PATH).await.map_err(|cause| match cause {
            ChannelError::Status(StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED) => End::Unknown,
            cause => End::Unopened(cause.to_string()),
        })?;
        let mut channel = Channel::from_raw_socket(wire, Role::Client, Some(small())).await;
        let hello = serde_json::json!({ "node_key": key }).to_string();
        channel.send(Message::text(hello)).await.map_err(|cause| End::Unopened(cause.to_string()))?;
        Ok(channel)
    }
}

/// The server says a word at a time; whatever is long does not come from it.
fn small() -> WebSocketConfig {
    WebSocketConfig::default().max_message_size(Some(64 << 10)).max_frame_size(Some(64 << 10))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_without_the_channel_is_asked_soon_and_then_ever_later() {
        let mut failures = Failures::default();
        let mut wait = |end| failures.longest_wait_ms(&end);
        let unopened = || End::Unopened(String::new());
        assert_eq!([wait(unopened()), wait(unopened())], [4_000, 8_000]);
        assert_eq!([wait(End::Unknown), wait(End::Unknown)], [60_000, 120_000]);
        assert_eq!((0..20).map(|_| wait(End::Unknown)).last(), Some(3_600_000));
        assert_eq!((0..20).map(|_| wait(unopened())).last(), Some(60_000));
        assert_eq!([wait(End::Unknown), wait(End::Closed(String::new())), wait(End::Unknown)], [60_000, 5_000, 60_000]);
    }
}
