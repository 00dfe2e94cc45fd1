//! The writer of `muster.activity`: tells every commit of the ledger in the words of people and auditors.
//!
//! Every node that decides runs one. The node that wrote a commit tells of it; the others step in when it has not done
//! so after a while. An activity is named by its commit and its number there, so one that is told twice is one. Before
//! an activity is told, all before it are; a start finds out from the topic itself what is still untold.

mod story;
mod told;

use std::sync::Arc;
use std::time::Duration;

use domain::state::FOLD_VERSION;
use infra_log::{Log, Partition, ReadError, Topic};
use tokio::time::Instant;

use crate::snapshot::{LEDGER_KIND, Snapshot, Snapshots};
use crate::tail::LEDGER;
use story::Story;
use told::Told;

const ACTIVITY: Partition = Partition { topic: Topic::Activity, index: 0 };

/// The kind of snapshot under which this writer keeps its own fold: all that it covers is told.
const KIND: &str = "activity";

/// How long the node that wrote a commit has to tell of it before others do.
const TAKEOVER: Duration = Duration::from_secs(2);
/// How long a tail waits for news before it looks for itself.
const PATIENCE: Duration = Duration::from_secs(2);
/// The pause after each look.
const REST: Duration = Duration::from_millis(10);
/// The pause after a failure of the log.
const PAUSE: Duration = Duration::from_millis(500);
/// How often the writer's own fold is kept.
const KEEP: Duration = Duration::from_secs(600);

/// Tells every commit. Never ends, except when the ledger is halted: then there is nothing more to tell.
///
/// `node` is the name that the [`Ledger`](crate::Ledger) of this process writes under.
pub async fn tell(log: Arc<dyn Log>, node: &str, snapshots: &Snapshots) {
    let source = format!("muster/{node}");
    loop {
        match Teller::start(log.clone(), &source, snapshots).await {
            Ok(teller) => return teller.run(snapshots).await,
            Err(error) => tracing::warn!("activities cannot be told yet: {error}"),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

struct Teller {
    log: Arc<dyn Log>,
    story: Story,
    told: Told,
    kept: Instant,
}

impl Teller {
    async fn start(log: Arc<dyn Log>, source: &str, snapshots: &Snapshots) -> Result<Teller, ReadError> {
        let told = Told::read(&*log).await?;
        let own = snapshots.fold(&*log, KIND).await;
        // A fold of the ledger's says nothing of what was told; it serves where all that it covers is known to be.
        let other = snapshots.fold(&*log, LEDGER_KIND).await;
        let other = other.filter(|(fold, _)| fold.chain.sequence < told.floor());
        let newest = own.into_iter().chain(other).max_by_key(|(fold, _)| fold.chain.sequence);
        let story = Story::new(source.to_owned(), newest.unwrap_or_default());
        Ok(Teller { log, story, told, kept: Instant::now() })
    }

    async fn run(mut self, snapshots: &Snapshots) {
        while !self.story.is_over() {
            if let Err(reason) = self.step().await {
                tracing::warn!("activities are told later: {reason}");
                tokio::time::sleep(PAUSE).await;
            }
            self.keep(snapshots).await;
        }
    }

    /// Reads what is new in both topics, tells what is due, or waits.
    async fn step(&mut self) -> Result<(), String> {
        let read = self.story.read(&*self.log, &self.told).await.map_err(|error| error.to_string())?;
        let heard = self.told.follow(&*self.log).await.map_err(|error| error.to_string())?;
        self.story.forget(&self.told);
        self.told.raise_floor(self.story.floor());
        let drafts = self.story.due(TAKEOVER);
        if !drafts.is_empty() {
            // What became of it is read like everybody else's.
            self.log.append(ACTIVITY, drafts).await.map_err(|error| error.to_string())?;
        } else if !read && !heard {
            self.wait().await;
        }
        Ok(())
    }

    async fn wait(&self) {
        let patience = self.story.waits(TAKEOVER).unwrap_or(PATIENCE).min(PATIENCE);
        tokio::select! {
            biased;
            () = self.log.changed(LEDGER, self.story.next(), patience) => {}
            () = self.log.changed(ACTIVITY, self.told.next(), patience), if self.story.has_untold() => {}
        }
        // A log may wake its readers for nothing, but not keep them running.
        tokio::time::sleep(REST).await;
    }

    async fn keep(&mut self, snapshots: &Snapshots) {
        if self.kept.elapsed() < KEEP || self.story.has_untold() {
            return;
        }
        self.kept = Instant::now();
        let Some((fold, last)) = self.story.as_of() else { return };
        let body = tokio::task::spawn_blocking(move || fold.snapshot()).await.ok().flatten();
        let Some(body) = body else { return };
        let snapshot = Snapshot {
            kind: KIND.to_owned(),
            fold_version: FOLD_VERSION,
            partition: LEDGER,
            position: last.position,
            last_record_id: last.id,
            body: body.into(),
        };
        if let Err(error) = snapshots.store(snapshot).await {
            tracing::warn!("no snapshot of the activities' fold was taken: {error}");
        }
    }
}
