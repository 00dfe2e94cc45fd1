//! How far views have come, for those who read them: whoever has just written something waits here until it is seen.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use domain::Timestamp;
use futures::future::try_join_all;
use infra_log::{Log, Partition, Position, ReadError};
use infra_world::World;
use tokio::sync::watch;

/// How far one partition is folded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reached {
    /// Every record below is folded.
    pub position: Position,
    /// Everything that was acknowledged before this time is folded.
    pub at: Timestamp,
}

/// A view that does not go on by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Halt {
    pub view: String,
    pub reason: String,
}

/// What a read may say of the views it is about to use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settled {
    /// The lowest time that all of them have reached.
    pub complete_to: Timestamp,
    /// They have not reached what was asked for: the answer may be older than the caller expects.
    pub behind: bool,
}

/// Cheap to clone; all clones show the same.
#[derive(Clone)]
pub struct Progress(Arc<Inner>);

struct Inner {
    log: Arc<dyn Log>,
    world: World,
    state: Mutex<State>,
    moved: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    serving: BTreeMap<&'static str, i64>,
    reached: BTreeMap<(&'static str, i64), BTreeMap<Partition, Reached>>,
    halted: BTreeMap<(&'static str, i64), String>,
}

impl Progress {
    pub(crate) fn new(log: Arc<dyn Log>, world: World) -> Self {
        Progress(Arc::new(Inner { log, world, state: Mutex::default(), moved: watch::Sender::new(0) }))
    }

    /// How far a view has folded each partition of its topic; empty for an unknown view.
    pub fn reached(&self, view: &str) -> BTreeMap<Partition, Reached> {
        let state = self.state();
        let version = state.serving.get_key_value(view).map(|(name, version)| (*name, *version));
        version.and_then(|place| state.reached.get(&place)).cloned().unwrap_or_default()
    }

    /// The views that have stopped, and why: an alarm.
    pub fn halted(&self) -> Vec<Halt> {
        let state = self.state();
        let halt = |((view, _), reason): (&(&'static str, i64), &String)| Halt {
            view: (*view).to_owned(),
            reason: reason.clone(),
        };
        state.halted.iter().map(halt).collect()
    }

    /// Waits until the views have folded everything below these positions, or `patience` is over; says whether they
    /// have. A position of a topic that a view does not read is nothing to wait for.
    pub async fn wait_for(&self, views: &[&str], ends: &[(Partition, Position)], patience: Duration) -> bool {
        let mut moved = self.0.moved.subscribe();
        let waiting = async {
            loop {
                moved.borrow_and_update();
                if self.have_reached(views, ends) {
                    return true;
                }
                if self.is_halted(views) || moved.changed().await.is_err() {
                    return false;
                }
            }
        };
        tokio::time::timeout(patience, waiting).await.unwrap_or(false)
    }

    /// Prepares a read of the views as of a time, or as of now: waits, if it must, until they hold all that was
    /// acknowledged before.
    ///
    /// Errors when the log cannot say where it ends; what the views hold can be read all the same.
    pub async fn settle(
        &self,
        views: &[&str],
        as_of: Option<Timestamp>,
        patience: Duration,
    ) -> Result<Settled, ReadError> {
        let known = self.complete_to(views);
        if as_of.is_some_and(|asked| asked <= known) {
            return Ok(Settled { complete_to: known, behind: false });
        }
        let now = self.0.world.now();
        let partitions: Vec<Partition> = views.iter().flat_map(|view| self.reached(view).into_keys()).collect();
        let ends = try_join_all(partitions.iter().map(|partition| self.0.log.end(*partition))).await?;
        let ends: Vec<(Partition, Position)> = partitions.into_iter().zip(ends).collect();
        let complete = self.wait_for(views, &ends, patience).await;
        if complete {
            self.note(views, now);
        }
        let complete_to = if complete { now } else { self.complete_to(views) };
        Ok(Settled { complete_to, behind: !complete && as_of.is_none_or(|asked| asked > complete_to) })
    }

    /// The lowest time that all of these views have reached.
    pub fn complete_to(&self, views: &[&str]) -> Timestamp {
        let times = views.iter().map(|view| self.reached(view).values().map(|reached| reached.at).min());
        times.map(|time| time.unwrap_or(Timestamp::EPOCH)).min().unwrap_or(Timestamp::EPOCH)
    }

    /// Waits until one version has folded everything below these positions; the reason when it has stopped before.
    pub(crate) async fn version_reaches(
        &self,
        view: &'static str,
        version: i64,
        ends: &[(Partition, Position)],
    ) -> Result<(), String> {
        let mut moved = self.0.moved.subscribe();
        loop {
            moved.borrow_and_update();
            if let Some(reason) = self.halt_of(view, version) {
                return Err(reason);
            }
            let reached = self.state().reached.get(&(view, version)).is_some_and(|reached| covers(reached, ends));
            if reached || moved.changed().await.is_err() {
                return Ok(());
            }
        }
    }

    /// Why a version has stopped, if it has.
    pub(crate) fn halt_of(&self, view: &'static str, version: i64) -> Option<String> {
        self.state().halted.get(&(view, version)).cloned()
    }

    pub(crate) fn serve(&self, view: &'static str, version: i64) {
        let mut state = self.state();
        if let Some(earlier) = state.serving.insert(view, version).filter(|earlier| *earlier != version) {
            state.reached.remove(&(view, earlier));
            state.halted.remove(&(view, earlier));
        }
        drop(state);
        self.tell();
    }

    pub(crate) fn begin(&self, view: &'static str, version: i64, partition: Partition, position: Position) {
        let mut state = self.state();
        let places = state.reached.entry((view, version)).or_default();
        let reached = places.entry(partition).or_insert(Reached { position, at: Timestamp::EPOCH });
        reached.position = reached.position.max(position);
    }

    /// Whether a view has a version that is not served.
    pub(crate) fn is_building(&self, view: &'static str) -> bool {
        let state = self.state();
        let serving = state.serving.get(view).copied();
        state.reached.keys().any(|(name, version)| *name == view && Some(*version) != serving)
    }

    /// Notes how far versions of views have folded a partition. Never goes back.
    pub(crate) fn reach(
        &self,
        versions: &[(&'static str, i64)],
        partition: Partition,
        position: Position,
        at: Timestamp,
    ) {
        let mut state = self.state();
        for version in versions {
            if let Some(reached) = state.reached.get_mut(version).and_then(|places| places.get_mut(&partition)) {
                reached.position = reached.position.max(position);
                reached.at = reached.at.max(at);
            }
        }
        drop(state);
        self.tell();
    }

    /// All that was acknowledged before `at` is folded into these views.
    fn note(&self, views: &[&str], at: Timestamp) {
        let mut state = self.state();
        for view in views {
            let Some(place) = state.serving.get_key_value(*view).map(|(name, version)| (*name, *version)) else {
                continue;
            };
            let places = state.reached.get_mut(&place).into_iter().flatten();
            places.for_each(|(_, reached)| reached.at = reached.at.max(at));
        }
    }

    pub(crate) fn halt(&self, view: &'static str, version: i64, reason: &str) {
        self.state().halted.insert((view, version), reason.to_owned());
        self.tell();
    }

    fn have_reached(&self, views: &[&str], ends: &[(Partition, Position)]) -> bool {
        views.iter().all(|view| covers(&self.reached(view), ends))
    }

    fn is_halted(&self, views: &[&str]) -> bool {
        let state = self.state();
        views.iter().any(|view| {
            let version = state.serving.get_key_value(view).map(|(name, version)| (*name, *version));
            version.is_some_and(|place| state.halted.contains_key(&place))
        })
    }

    fn tell(&self) {
        self.0.moved.send_modify(|count| *count += 1);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().expect("nothing panics while it holds the progress")
    }
}

fn covers(reached: &BTreeMap<Partition, Reached>, ends: &[(Partition, Position)]) -> bool {
    ends.iter().all(|(partition, end)| reached.get(partition).is_none_or(|reached| reached.position >= *end))
}
