//! Streams in process, through the suite of all adapters.

#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use infra_live::suite::{self, Fixture};
use infra_live::{Entry, Limits, Page, Process, Streams};

const LIFE: Duration = Duration::from_secs(3_600);

struct InProcess(Process);

impl InProcess {
    fn new() -> Self {
        InProcess(Process::new(Limits { stream_bytes: Self::STREAM_BYTES, total_bytes: 1 << 20, life: LIFE }))
    }
}

#[async_trait]
impl Fixture for InProcess {
    const STREAM_BYTES: usize = 4096;

    async fn streams(&self) -> Arc<dyn Streams> {
        Arc::new(self.0.clone())
    }

    async fn lose(&self) {
        self.0.forget();
    }

    async fn age(&self) {
        tokio::time::pause();
        tokio::time::advance(LIFE).await;
        tokio::time::resume();
    }
}

macro_rules! checks {
    ($($name:ident)*) => {$(
        #[tokio::test]
        async fn $name() {
            suite::$name(&InProcess::new()).await;
        }
    )*};
}

checks! { in_order repeated apart changed_wakes changed_is_patient lost holes capped expires }

#[tokio::test]
async fn all_streams_together_are_bounded() {
    let streams = Process::new(Limits { stream_bytes: 1000, total_bytes: 2500, life: LIFE });
    for name in ["a", "b", "c", "d"] {
        let one = Entry { id: 1, prev: None, value: vec![1; 800].into() };
        streams.append(name, vec![one]).await.unwrap();
    }
    let mut kept = vec![];
    for name in ["a", "b", "c", "d"] {
        kept.push(streams.read(name, None, 1).await.unwrap() != Page::Gap);
    }
    assert_eq!(kept, [false, true, true, true]);
}
