//! A musterd under test.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use agent::agent::{Agent, Config, Ports, Premises};
use agent::flags::Flags;
use agent::identity::Identifier;
use agent::ports::SystemDice;
use agent::session::Secret;
use agent::state::{Kind, State};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::server::{SECRET, Server};
use crate::tables::Tables;
use crate::time::ManualTime;

pub struct Host {
    pub tables: Arc<Tables>,
    pub time: Arc<ManualTime>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

/// What the command line would say.
pub fn config(server: &Server, data: &Path) -> Config {
    Config {
        server: Url::parse(&format!("https://{}", server.address)).unwrap(),
        ca: Some(server.ca.clone()),
        secret: Secret::Text(SECRET.to_owned()),
        data: data.to_owned(),
        identifier: Identifier::Uuid,
        flags: Flags::default(),
        buffer_bytes: 64 << 20,
    }
}

impl Host {
    pub async fn start(server: &Server, data: &Path) -> Self {
        Self::start_with(config(server, data), Arc::default(), Arc::default()).await
    }

    pub async fn start_with(config: Config, tables: Arc<Tables>, time: Arc<ManualTime>) -> Self {
        let dice = Arc::new(SystemDice);
        let ports = Ports { queries: tables.clone(), time: time.clone(), dice: dice.clone() };
        let premises = Premises::take(&config, &*dice).unwrap();
        let agent = Agent::build(config, premises, ports, "5.16.0").await.unwrap();
        let stop = CancellationToken::new();
        let task = tokio::spawn(agent.run(stop.clone()));
        Host { tables, time, stop, task }
    }

    /// Waits until a status line that `condition` holds of is on disk, moving the clock on meanwhile.
    pub async fn says(&self, data: &Path, condition: impl Fn(&str) -> bool) {
        let state = State::open(data).unwrap();
        let said = || state.oldest_lines(Kind::Status, 1000, 1 << 20).unwrap().iter().any(|line| condition(&line.text));
        let patience = async {
            while !said() {
                self.time.advance_to_next();
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), patience).await.expect("it should be said in the end");
    }

    /// Stops as a signal does.
    pub async fn stop(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }

    /// Ends as `kill -9` does: nothing is sent or put in order.
    pub async fn kill(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}
