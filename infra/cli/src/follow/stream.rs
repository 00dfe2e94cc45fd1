//! A campaign's stream that outlives its sockets.
//!
//! A socket that breaks is opened again, after the last position that came, so the server sends only what is missing.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::campaign::{Answer, Campaign};
use crate::client::{Client, Failure, Incoming, Socket, muster};
use crate::output::{escaped, progress::Progress};

/// The wait before the second attempt; it doubles from then on.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// The longest wait between attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How long a server may be away.
const GIVE_UP_AFTER: Duration = Duration::from_secs(120);

/// What a stream brings.
pub enum Event {
    /// The campaign has changed, or is described for the first time.
    Campaign(Campaign),
    /// A host has answered.
    Answer(Answer),
    /// The campaign has ended; all of it has come.
    End(Campaign),
}

#[derive(Deserialize)]
struct Message {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    data: Value,
}

/// The stream of one campaign.
pub struct Stream<'a> {
    client: &'a Client,
    id: u64,
    progress: &'a Progress,
    after: Option<u64>,
    socket: Option<Socket>,
    pause: Duration,
    /// When something came last; `None` until it has worked once.
    alive: Option<Instant>,
}

impl<'a> Stream<'a> {
    /// A stream from the first answer on; nothing is opened yet.
    pub fn new(client: &'a Client, id: u64, progress: &'a Progress) -> Self {
        Self { client, id, progress, after: None, socket: None, pause: FIRST_PAUSE, alive: None }
    }

    /// The next event.
    ///
    /// Errors: when the server refuses, or has been away for too long, or the very first attempt fails.
    pub async fn next(&mut self) -> Result<Event> {
        loop {
            match self.attempt().await {
                Ok(Some(event)) => return Ok(event),
                Ok(None) => {}
                Err(failure) => self.recover(failure).await?,
            }
        }
    }

    /// One message, on a socket that is opened if there is none. `None` is a message to pass over.
    async fn attempt(&mut self) -> Result<Option<Event>, Failure> {
        let socket = match &mut self.socket {
            Some(socket) => socket,
            None => {
                let opened = self.open().await?;
                self.socket.insert(opened)
            }
        };
        let incoming = socket.next().await.map_err(|fault| self.client.fault(fault))?;
        let text = match incoming {
            Incoming::Text(text) => text,
            Incoming::Closed { refused: Some(reason) } => return Err(Failure::Unusable(escaped(&reason).into_owned())),
            Incoming::Closed { refused: None } => {
                return Err(Failure::Unreachable("the server closed the connection".into()));
            }
        };
        let event = self.read(&text)?;
        self.pause = FIRST_PAUSE;
        self.alive = Some(Instant::now());
        if let Some(Event::Answer(answer)) = &event {
            self.after = Some(answer.position);
        }
        Ok(event)
    }

    async fn open(&self) -> Result<Socket, Failure> {
        let token = self.client.token()?.reveal();
        let mut socket = self.client.socket(&muster(["campaigns", "stream"])).await?;
        let auth = json!({"type": "auth", "data": {"token": token}});
        let follow = json!({"type": "follow", "data": {"campaign_id": self.id, "after": self.after}});
        for message in [auth, follow] {
            socket.send(&message).await.map_err(|fault| self.client.fault(fault))?;
        }
        Ok(socket)
    }

    fn read(&self, text: &str) -> Result<Option<Event>, Failure> {
        let strange = |error| Failure::strange(self.client.address(), &error);
        let Message { kind, data } = serde_json::from_str(text).map_err(strange)?;
        Ok(Some(match kind.as_str() {
            "campaign" => Event::Campaign(serde_json::from_value(data).map_err(strange)?),
            "result" => Event::Answer(serde_json::from_value(data).map_err(strange)?),
            "end" => Event::End(serde_json::from_value(data).map_err(strange)?),
            "error" => return Err(self.refusal(data.as_str().unwrap_or_default())),
            // A newer server may say more than this program knows.
            _ => return Ok(None),
        }))
    }

    /// A server that has served this stream before, and says no now, may be able to again, unless the session or the
    /// right to read is gone. One that says no at once means it.
    fn refusal(&self, said: &str) -> Failure {
        match said {
            "unauthorized" => Failure::not_logged_in(self.client.address()),
            "forbidden" => Failure::Unusable("your account may no longer read this campaign".into()),
            _ => Failure::Unreachable(escaped(said).into_owned()),
        }
    }

    /// Waits before another attempt, if one makes sense.
    async fn recover(&mut self, failure: Failure) -> Result<()> {
        self.socket = None;
        let Some(alive) = self.alive.filter(|_| failure.may_pass()) else {
            return Err(failure).context(format!("cannot follow campaign {}", self.id));
        };
        if alive.elapsed() > GIVE_UP_AFTER {
            bail!("the connection was lost {} s ago and does not come back: {failure}", alive.elapsed().as_secs());
        }
        self.progress.say(format!("campaign {}: connection lost, trying again ({failure})", self.id));
        sleep(self.pause).await;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        Ok(())
    }
}
