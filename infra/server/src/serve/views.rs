//! The views of this process and what feeds them.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use infra_live::{Limits, Process, Streams};
use infra_log::Log;
use infra_stores::Views;
use infra_world::World;
use projections::{Engine, Progress, Rebuilds};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::data::Data;

/// After a failure of the store, before the views are fed again.
const PAUSE: Duration = Duration::from_secs(1);

#[derive(Clone)]
pub struct Running {
    pub views: Views,
    pub streams: Arc<dyn Streams>,
    /// The store behind `streams`, which is in this process.
    pub live: Process,
    pub progress: Progress,
    rebuilds: Rebuilds,
    stop: CancellationToken,
    engine: Arc<Mutex<Option<JoinHandle<()>>>>,
}

impl Running {
    /// Opens the store, brings its schema up to date, and begins to feed the views.
    pub async fn open(data: &Data, log: Arc<dyn Log>, world: World) -> anyhow::Result<Running> {
        let views = Views::open(&data.views())
            .await
            .with_context(|| format!("the views in {} cannot be opened", data.views().display()))?;
        let live = Process::new(Limits::default());
        let streams: Arc<dyn Streams> = Arc::new(live.clone());
        let engine = Engine::open(log, views.clone(), streams.clone(), world).await?;
        let (progress, rebuilds, stop) = (engine.progress(), engine.rebuilds(), CancellationToken::new());
        let feeding = tokio::spawn(feed(engine, stop.clone()));
        Ok(Running { views, streams, live, progress, rebuilds, stop, engine: Arc::new(Mutex::new(Some(feeding))) })
    }

    /// Where the reading side reads.
    pub fn reads(&self) -> query_api::Reads {
        query_api::Reads { views: self.views.clone(), streams: self.streams.clone(), progress: self.progress.clone() }
    }

    /// Builds a view anew beside its old rows, and swaps; `all` is every one. Says what was done.
    pub async fn rebuild(&self, view: &str) -> anyhow::Result<String> {
        let names = match view {
            "all" => projections::view::REBUILDABLE.to_vec(),
            one => vec![one],
        };
        for name in &names {
            self.rebuilds.rebuild(name).await?;
        }
        Ok(format!("rebuilt from the log: {}", names.join(", ")))
    }

    /// Ends when every transaction has ended.
    pub async fn close(&self) {
        self.stop.cancel();
        if let Some(feeding) = self.engine.lock().await.take() {
            let _ = feeding.await;
        }
        self.views.close().await;
    }
}

async fn feed(engine: Engine, stop: CancellationToken) {
    if let Err(error) = engine.run(stop.clone()).await {
        tracing::error!("the views are not fed any more, restart the server when this is mended: {error}");
        tokio::time::sleep(PAUSE).await;
    }
}
