//! This host's standing with the server: its node key, how it gets one, and calls made under it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use agent_protocol::body;
use agent_protocol::reply::{Answer, Enrolled};
use serde_json::value::RawValue;
use tokio::sync::Mutex;

use crate::identity::{PLATFORM_TYPE, host_details};
use crate::logger::Logger;
use crate::node_key::KeyFile;
use crate::ports::{Dice, Time, backoff};
use crate::queries::Queries;
use crate::transport::{Encoding, HttpAnswer, Transport, TransportError};

const ENROLL: &str = "/api/osquery/enroll";

/// The longest wait between two attempts to enrol.
const MAX_ENROLL_WAIT: Duration = Duration::from_secs(600);

/// Why a call brought nothing. Whatever it carried is to be kept and sent again.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    #[error("{0}")]
    Transport(#[from] TransportError),
    #[error("the server says: {0}")]
    Refused(String),
    /// The node key is thrown away; the next call enrols.
    #[error("the server no longer knows this host: {0}")]
    NodeInvalid(String),
}

impl CallError {
    /// Whether a smaller request might have succeeded: the server was reached, or may have been.
    pub fn may_lie_in_the_size(&self) -> bool {
        match self {
            CallError::Transport(TransportError::Unreachable(cause)) => !cause.is_connect(),
            CallError::Transport(TransportError::TimedOut) | CallError::Refused(_) => true,
            CallError::Transport(TransportError::TooLarge) | CallError::NodeInvalid(_) => false,
        }
    }
}

/// A successful answer.
pub struct Reply {
    pub document: Box<RawValue>,
    /// The bytes as received.
    pub body: Vec<u8>,
}

/// Where the enroll secret comes from. It is read at each enrolment, so that a file can be replaced.
#[derive(Clone)]
pub enum Secret {
    File(PathBuf),
    Text(String),
}

impl Secret {
    fn read(&self) -> Result<String, String> {
        match self {
            Secret::Text(secret) => Ok(secret.clone()),
            Secret::File(file) => match std::fs::read_to_string(file) {
                Ok(secret) => Ok(secret.trim().to_owned()),
                Err(cause) => Err(format!("the enroll secret file {} cannot be read: {cause}", file.display())),
            },
        }
    }
}

/// Never shows the secret.
impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Secret::File(file) => f.debug_tuple("File").field(file).finish(),
            Secret::Text(_) => f.write_str("Text(…)"),
        }
    }
}

pub struct Session {
    transport: Transport,
    secret: Secret,
    key_file: KeyFile,
    queries: Arc<dyn Queries>,
    time: Arc<dyn Time>,
    dice: Arc<dyn Dice>,
    logger: Logger,
    held: Mutex<Held>,
}

struct Held {
    key: Option<String>,
    /// Whether the key's file says the same.
    is_saved: bool,
    /// Enrolments tried, or thrown away unused, since a call last succeeded: each makes the next one wait longer.
    fruitless: u32,
}

/// What a session is made of.
pub struct Parts {
    pub transport: Transport,
    pub secret: Secret,
    pub key_file: KeyFile,
    pub queries: Arc<dyn Queries>,
    pub time: Arc<dyn Time>,
    pub dice: Arc<dyn Dice>,
    pub logger: Logger,
}

impl Session {
    /// Takes up the key that an earlier run left.
    pub fn new(parts: Parts) -> Result<Self, std::io::Error> {
        let Parts { transport, secret, key_file, queries, time, dice, logger } = parts;
        let held = Mutex::new(Held { key: key_file.read()?, is_saved: true, fruitless: 0 });
        Ok(Session { transport, secret, key_file, queries, time, dice, logger, held })
    }

    pub fn transport(&self) -> &Transport {
        &self.transport
    }

    /// Whether there is a node key to call with right now.
    pub fn is_enrolled(&self) -> bool {
        // A lock that is held is held by an enrolment.
        self.held.try_lock().is_ok_and(|held| held.key.is_some())
    }

    /// The node key; enrols first, for as long as it takes, if there is none.
    ///
    /// A key that the disk does not take is used all the same, and written at a later call: to enrol again for it would
    /// look to the server like two machines of one identity.
    pub async fn key(&self) -> String {
        let mut held = self.held.lock().await;
        while held.key.is_none() {
            if held.fruitless > 0 {
                self.time.sleep(backoff(&*self.dice, held.fruitless, MAX_ENROLL_WAIT)).await;
            }
            held.fruitless = held.fruitless.saturating_add(1);
            match self.enrol().await {
                Ok(key) => {
                    self.logger.info(format!(
                        "enrolled at {} as {}",
                        self.transport.base(),
                        self.logger.host_identifier()
                    ));
                    (held.key, held.is_saved) = (Some(key), false);
                    if let Err(cause) = self.save(&mut held) {
                        self.logger.warn(format!("the node key is not yet on disk; it is tried again: {cause}"));
                    }
                }
                Err(why) => self.logger.warn(format!("cannot enrol at {}: {why}", self.transport.base())),
            }
        }
        if let Err(cause) = self.save(&mut held) {
            tracing::debug!("the node key is not yet on disk: {cause}");
        }
        held.key.clone().expect("the loop ends with a key")
    }

    fn save(&self, held: &mut Held) -> std::io::Result<()> {
        if let (Some(key), false) = (&held.key, held.is_saved) {
            self.key_file.write(key)?;
            held.is_saved = true;
        }
        Ok(())
    }

    /// Posts what `body` makes of the node key.
    ///
    /// Success is an answer of status 2xx without `error` and `node_invalid`, as osqueryd has it but for the status:
    /// the page of a proxy, even an empty one, is never taken for success.
    pub async fn call(
        &self,
        path: &str,
        encoding: Encoding,
        body: impl Fn(&str) -> Vec<u8>,
    ) -> Result<Reply, CallError> {
        let key = self.key().await;
        let answer = self.transport.post(path, &body(&key), encoding).await?;
        match read(&answer) {
            Answer::Done(document) => {
                self.held.lock().await.fruitless = 0;
                Ok(Reply { document, body: answer.body })
            }
            Answer::Failed(said) => Err(CallError::Refused(said)),
            Answer::NodeInvalid(said) => {
                self.forget(&key).await;
                Err(CallError::NodeInvalid(said))
            }
        }
    }

    /// Throws `key` away, unless another call has done so and enrolled meanwhile.
    async fn forget(&self, key: &str) {
        let mut held = self.held.lock().await;
        if held.key.as_deref() != Some(key) {
            return;
        }
        held.key = None;
        self.logger.warn("the server no longer knows this host; it enrols anew");
        // One that stays there is replaced by the next.
        if let Err(cause) = self.key_file.delete() {
            self.logger.warn(format!("the old node key cannot be deleted: {cause}"));
        }
    }

    async fn enrol(&self) -> Result<String, String> {
        let secret = self.secret.read()?;
        let body = to_json(&body::Enroll {
            enroll_secret: &secret,
            host_identifier: self.logger.host_identifier(),
            platform_type: PLATFORM_TYPE,
            host_details: &host_details(&*self.queries).await,
        });
        let answer = self.transport.post(ENROLL, &body, Encoding::Plain).await.map_err(|cause| cause.to_string())?;
        match read(&answer) {
            Answer::Done(document) => match serde_json::from_str::<Enrolled>(document.get()) {
                Ok(Enrolled { node_key }) if !node_key.is_empty() => Ok(node_key),
                _ => Err("the server's answer holds no node key".to_owned()),
            },
            Answer::Failed(said) | Answer::NodeInvalid(said) => Err(said),
        }
    }
}

fn read(answer: &HttpAnswer) -> Answer {
    match Answer::parse(&answer.body) {
        Answer::Done(_) if !answer.status.is_success() => Answer::Failed(format!("HTTP status {}", answer.status)),
        Answer::Failed(said) if said.is_empty() => {
            Answer::Failed(format!("an error without a text (HTTP status {})", answer.status))
        }
        Answer::Failed(said) if !answer.status.is_success() => {
            Answer::Failed(format!("{said} (HTTP status {})", answer.status))
        }
        read => read,
    }
}

/// The bytes of a request.
pub fn to_json(body: &impl serde::Serialize) -> Vec<u8> {
    serde_json::to_vec(body).expect("the bodies of this protocol are maps of text and numbers")
}
