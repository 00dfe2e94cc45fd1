//! The suite on the log in memory, plain and behind a slow adversary.

use std::sync::Arc;

use async_trait::async_trait;
use infra_log::memory::{Adversary, Faults, Memory};
use infra_log::suite::Fixture;
use infra_log::{Log, Partition};

struct Plain(Memory);

#[async_trait]
impl Fixture for Plain {
    async fn handle(&self) -> Arc<dyn Log> {
        Arc::new(self.0.clone())
    }

    async fn restart(&self) -> bool {
        false
    }

    async fn age(&self, partition: Partition) {
        self.0.forget(partition, u64::MAX);
    }
}

async fn plain() -> Option<Plain> {
    Some(Plain(Memory::default()))
}

struct Slow(Adversary);

#[async_trait]
impl Fixture for Slow {
    async fn handle(&self) -> Arc<dyn Log> {
        Arc::new(self.0.handle())
    }

    /// New handles know of no promise.
    async fn restart(&self) -> bool {
        true
    }

    async fn age(&self, partition: Partition) {
        self.0.log().forget(partition, u64::MAX);
    }
}

async fn slow() -> Option<Slow> {
    Some(Slow(Adversary::new(1, Faults::slow())))
}

conforms!(on_plain, plain());
conforms!(on_slow, slow());
