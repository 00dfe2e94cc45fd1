//! Who calls: a node key, looked up in memory.

use std::sync::Arc;

use domain::host::Host;
use domain::ledger::Fold;
use domain::{Digest, Timestamp};

use super::Refused;
use crate::App;

/// A host that showed its key, as of one state of the ledger.
pub struct Caller {
    fold: Arc<Fold>,
    key: Digest,
    /// When the request was recognised.
    pub now: Timestamp,
}

impl Caller {
    /// Finds the host of a node key, and notes that it called.
    ///
    /// That a key is invalid is believed only from a ledger that has hosts, read to an end that was asked for after the
    /// request came, and said only to so many hosts a minute. Everybody else is told to come again.
    pub async fn of(app: &App, node_key: &str) -> Result<Caller, Refused> {
        if !app.registry.is_ready() {
            return Err(Refused::unable("the server is starting"));
        }
        if node_key.is_empty() {
            return Err(Refused::node_invalid("authentication error: missing node key"));
        }
        let now = app.world.now();
        let key = Digest::of(node_key);
        let fold = app.ledger.fold();
        if fold.state.hosts.by_key(&key).is_none() {
            return Caller::late(app, key, now).await;
        }
        Ok(Caller::seen(app, fold, key, now))
    }

    /// The key is not known yet, or not any more: reads all there is and looks again.
    async fn late(app: &App, key: Digest, now: Timestamp) -> Result<Caller, Refused> {
        let fold = app
            .ledger
            .read_to_end()
            .await
            .map_err(|error| Refused::unable(format!("the ledger cannot be read: {error}")))?;
        if fold.state.hosts.by_key(&key).is_some() {
            return Ok(Caller::seen(app, fold, key, now));
        }
        if fold.state.hosts.newest() == 0 {
            return Err(Refused::unable("this server knows no hosts at all: is it the right one?"));
        }
        if !app.registry.may_invalidate(&fold.state, now) {
            tracing::error!("too many hosts show a node key that is not known: is this the right ledger?");
            return Err(Refused::unable("too many hosts show a key that is not known, try again later"));
        }
        Err(Refused::node_invalid("authentication error: invalid node key"))
    }

    fn seen(app: &App, fold: Arc<Fold>, key: Digest, now: Timestamp) -> Caller {
        let caller = Caller { fold, key, now };
        app.registry.saw(caller.host().id, now);
        caller
    }

    pub fn host(&self) -> &Host {
        self.fold.state.hosts.by_key(&self.key).expect("the key was found in this fold")
    }

    pub fn state(&self) -> &domain::State {
        &self.fold.state
    }
}
