//! What the tests share: commands by name, a clock that log and nodes agree on, and a runtime.

use std::sync::Arc;

use domain::query::{self, Spec};
use domain::{Actor, Command, CommandId, Digest, Sealed, Timestamp, host, team};
use infra_ledger::{By, Ledger};
use infra_log::Log;
use infra_log::memory::Memory;
use infra_world::{Clock, ManualClock, SystemRandom, World};

pub const START: Timestamp = Timestamp::from_secs(1_790_000_000);

pub fn run<T>(story: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(story)
}

/// A clock that only moves when told to, and a log in memory that keeps its time by it.
pub fn clock_and_log() -> (ManualClock, Memory) {
    let clock = ManualClock::at(START);
    (clock.clone(), log_by(clock))
}

pub fn log_by(clock: ManualClock) -> Memory {
    Memory::new(Arc::new(move || clock.now()))
}

pub fn world(clock: &ManualClock) -> World {
    World::new(Arc::new(clock.clone()), Arc::new(SystemRandom))
}

pub async fn open(log: impl Log, clock: &ManualClock, node: &str) -> Ledger {
    Ledger::open(Arc::new(log), world(clock), node.to_owned(), None).await.unwrap()
}

pub fn by(id: impl Into<String>) -> By {
    By { command_id: CommandId(id.into()), actor: Actor::System, traceparent: None }
}

pub fn create_query(name: &str) -> Command {
    let spec = Spec { name: name.to_owned(), query: "SELECT 1".to_owned(), ..Spec::default() };
    query::Command::Create { team: None, spec, author: None }.into()
}

pub fn secret(text: &str) -> (Digest, Sealed) {
    (Digest::of(text), Sealed { key: "server/1".to_owned(), text: text.to_owned() })
}

pub fn set_secrets(texts: &[&str]) -> Command {
    team::Command::ReplaceSecrets { team: None, secrets: texts.iter().map(|text| secret(text)).collect() }.into()
}

pub fn enrol(identifier: &str, key: &str) -> Command {
    host::Command::Enrol(host::Enrol {
        secret: Digest::of("secret"),
        identifier: identifier.to_owned(),
        node_key: Digest::of(key),
        platform: "ubuntu".to_owned(),
        cooldown: std::time::Duration::ZERO,
    })
    .into()
}

/// The text of the enroll secret that [`enrol`] uses.
pub const SECRET: &str = "secret";
