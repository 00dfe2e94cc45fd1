//! Hosts that hold a push channel, and the word that they should come.

use std::sync::Arc;

use dashmap::DashMap;
use dashmap::mapref::multiple::RefMulti;
use domain::{HostId, Members};
use tokio::sync::{Notify, watch};

use super::Registry;

#[derive(Default)]
pub struct Connections {
    hosts: DashMap<HostId, Arc<Notify>>,
    hung_up: watch::Sender<bool>,
}

/// A host's push channel. The newest of a host counts; the entry goes with it.
pub struct Connection {
    registry: Registry,
    host: HostId,
    come: Arc<Notify>,
}

impl Connections {
    /// Calls those of the hosts that are connected.
    pub fn call(&self, hosts: &Members) {
        let called = |entry: &RefMulti<'_, HostId, Arc<Notify>>| hosts.contains(*entry.key());
        self.hosts.iter().filter(called).for_each(|entry| entry.value().notify_one());
    }
}

impl Registry {
    /// Registers a channel of the host. If there is work for it already, the first call comes at once.
    pub fn connect(&self, host: HostId) -> Connection {
        let come = Arc::new(Notify::new());
        self.0.connections.hosts.insert(host, come.clone());
        let fold = self.0.state();
        if self.assignments(&fold.state, host, self.0.world.now()).next().is_some() {
            come.notify_one();
        }
        Connection { registry: self.clone(), host, come }
    }

    /// Ends every channel, those that are still to open too: the server stops.
    pub fn hang_up(&self) {
        self.0.connections.hung_up.send_replace(true);
    }

    /// Waits until the channels end.
    pub async fn hung_up(&self) {
        // The sender lives as long as the Registry.
        let _ = self.0.connections.hung_up.subscribe().wait_for(|hung_up| *hung_up).await;
    }

    /// How many hosts hold a channel.
    pub fn connected(&self) -> usize {
        self.0.connections.hosts.len()
    }
}

impl Connection {
    /// Waits for a call; calls that come meanwhile are one.
    pub async fn called(&self) {
        self.come.notified().await;
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.registry.0.connections.hosts.remove_if(&self.host, |_, held| Arc::ptr_eq(held, &self.come));
    }
}
