//! Fetches the configuration, keeps it on disk, and puts it in force.
//!
//! The request carries the hash of the bytes last received; a server that has nothing new answers `{"etag":"ok"}`.
//! The last good document is in force from the start of the process, so a schedule outlives a restart in an outage.

use std::sync::Arc;
use std::time::Duration;

use agent_protocol::body;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use tokio::sync::watch;

use crate::config::{Config, InForce};
use crate::flags::Flags;
use crate::logger::Logger;
use crate::ports::{Dice, Time, backoff, jittered};
use crate::session::{CallError, Session, to_json};
use crate::state::{self, State};
use crate::transport::Encoding;

const PATH: &str = "/api/osquery/config";

/// Attempts before the next interval is waited for.
const ATTEMPTS: u32 = 3;

/// Names of the document and its hash in the state file.
const DOCUMENT: &str = "config";
const ETAG: &str = "config_etag";

pub struct Configurer {
    pub state: Arc<State>,
    pub session: Arc<Session>,
    pub time: Arc<dyn Time>,
    pub dice: Arc<dyn Dice>,
    pub logger: Logger,
    pub in_force: watch::Sender<InForce>,
}

/// What an earlier run left, applied to the flags of the command line.
pub fn kept(state: &State, flags: Flags) -> state::Result<InForce> {
    let config = state.get(DOCUMENT)?.and_then(|document| Config::parse(&document).ok()).unwrap_or_default();
    let mut flags = flags;
    config.apply_options(&mut flags);
    Ok(InForce { config: Arc::new(config), flags: Arc::new(flags) })
}

impl Configurer {
    /// Fetches for ever. A fetch that fails three times waits for the next interval.
    pub async fn run(&self) {
        loop {
            for attempt in 1..=ATTEMPTS {
                match self.fetch().await {
                    Ok(document) => {
                        self.take(document);
                        break;
                    }
                    Err(why) if attempt == ATTEMPTS => self.logger.warn(format!("no configuration was fetched: {why}")),
                    Err(_) => self.time.sleep(backoff(&*self.dice, attempt, Duration::MAX)).await,
                }
            }
            let refresh = self.in_force.borrow().flags.number("config_refresh").max(1);
            self.time.sleep(jittered(&*self.dice, Duration::from_secs(refresh))).await;
        }
    }

    /// The bytes of a document that is not the one held, or nothing if that one still holds.
    async fn fetch(&self) -> Result<Option<Vec<u8>>, CallError> {
        // A kept document that this release cannot read is not in force, so its etag must not be either.
        let holds_one = !self.in_force.borrow().config.hash.is_empty();
        let etag = self.logger.forgive(self.state.get(ETAG)).filter(|_| holds_one);
        let body = |node_key: &str| to_json(&body::Config { node_key, etag: etag.as_deref() });
        let reply = self.session.call(PATH, Encoding::Plain, body).await?;
        if etag.is_some() && is_unchanged(reply.document.get()) {
            return Ok(None);
        }
        Ok(Some(reply.body))
    }

    /// Puts a document in force. One that cannot be read is complained of, and the earlier one stays.
    fn take(&self, document: Option<Vec<u8>>) {
        let Some(bytes) = document else { return };
        let text = agent_protocol::repair(&bytes);
        if self.in_force.borrow().config.hash == Config::hash(&text) {
            return; // A server that knows nothing of etags sends the same again.
        }
        let config = match Config::parse(&text) {
            Ok(config) => config,
            Err(why) => return self.logger.error(format!("the server's configuration is not taken: {why}")),
        };
        let etag = format!("{:x}", Sha256::digest(&bytes));
        self.logger.forgive(self.state.set(&[(DOCUMENT, &text), (ETAG, &etag)]));
        let mut flags = Flags::clone(&self.in_force.borrow().flags);
        let complaints = config.apply_options(&mut flags);
        self.logger.info("a new configuration is in force");
        complaints.iter().chain(&config.complaints).for_each(|complaint| self.logger.warn(complaint));
        self.in_force.send_replace(InForce { config: Arc::new(config), flags: Arc::new(flags) });
    }
}

/// Whether the answer is `{"etag":"ok"}`, however it is spaced.
fn is_unchanged(answer: &str) -> bool {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Unchanged {
        etag: String,
    }
    serde_json::from_str::<Unchanged>(answer).is_ok_and(|answer| answer.etag == "ok")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_etag_alone_means_unchanged() {
        assert!(is_unchanged(agent_protocol::reply::UNCHANGED));
        assert!(is_unchanged("{\n  \"etag\": \"ok\"\n}\n"));
        for other in ["{}", r#"{"etag":"ok","packs":{}}"#, r#"{"etag":"no"}"#, r#"{"etag":1}"#] {
            assert!(!is_unchanged(other), "{other}");
        }
    }

    #[test]
    fn what_an_earlier_run_left_is_in_force_at_once() {
        let state = State::in_memory().unwrap();
        assert_eq!(*kept(&state, Flags::default()).unwrap().config, Config::default());
        state
            .set(&[(DOCUMENT, r#"{"options":{"pack_delimiter":"/"},"schedule":{"q":{"query":"SELECT 1"}}}"#)])
            .unwrap();
        let kept = kept(&state, Flags::default()).unwrap();
        assert_eq!(kept.config.packs[0].queries[0].name, "q");
        assert_eq!(kept.flags.text("pack_delimiter"), "/");
    }
}
