//! Every host in memory, folded from the ledger, `muster.hosts` and `muster.signals`, so that a check-in touches neither
//! log nor database.
//!
//! The ledger says which hosts exist; what they reported, when they were seen and which live queries they answered comes
//! from the other two topics, and from this process's own appends as soon as the log acknowledged them.

mod answered;
mod append;
mod attendance;
mod cell;
mod configs;
mod connections;
mod due;
mod fold;
mod gate;
mod labels;
mod lookup;
mod news;
mod presence;
mod snapshot;
mod work;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, RwLock};
use std::time::Duration;

use dashmap::DashMap;
use domain::ledger::Fold;
use domain::{HostId, Timestamp, records};
use infra_ledger::Follower;
use infra_ledger::snapshot::Snapshots;
use infra_log::{Log, ReadError};
use infra_world::World;

use crate::settings::Settings;

pub use append::AppendFailed;
pub use configs::Rendered;
pub use connections::Connection;
pub use work::{Finished, LABEL, LIVE, NO_POLICIES, has_feature};

use answered::Answered;
use attendance::Attendance;
use cell::{Cell, Shared};
use configs::Configs;
use connections::Connections;
use fold::Tails;
use gate::Gate;
use labels::LabelBits;
use presence::Window;

/// The Registry of one process. Cheap to clone.
#[derive(Clone)]
pub struct Registry(Arc<Inner>);

/// How long the questions of each kind rest.
struct Intervals {
    details: Duration,
    labels: Duration,
    policies: Duration,
}

struct Inner {
    log: Arc<dyn Log>,
    ledger: Follower,
    world: World,
    node: String,
    intervals: Intervals,
    cells: DashMap<HostId, Arc<Cell>>,
    shared: Shared,
    labels: LabelBits,
    answered: Answered,
    attendance: Attendance,
    connections: Connections,
    configs: Configs,
    gate: Gate,
    window: Mutex<Window>,
    tails: Tails,
    /// Hosts that existed when the ledger was last looked at, to notice those that are gone.
    existed: RwLock<domain::Members>,
    /// Cleared by an append that failed, set by one that succeeded: nobody is asked what could not be kept.
    writable: AtomicBool,
    ready: AtomicBool,
}

impl Registry {
    /// Starts folding. Hosts are answered once [`ready`](Self::ready) has returned; until then they are told to wait.
    pub fn open(log: Arc<dyn Log>, ledger: Follower, world: World, settings: &Settings) -> Registry {
        Registry::start(Inner::new(log, ledger, world, settings))
    }

    /// Starts folding where the newest snapshots stop.
    pub async fn open_from(
        snapshots: &Snapshots,
        log: Arc<dyn Log>,
        ledger: Follower,
        world: World,
        settings: &Settings,
    ) -> Registry {
        let inner = Inner::new(log, ledger, world, settings);
        inner.restore(snapshots).await;
        Registry::start(inner)
    }

    fn start(inner: Inner) -> Registry {
        let registry = Registry(Arc::new(inner));
        fold::start(&registry);
        registry
    }

    /// Waits until everything that was in the log when this was called is folded.
    pub async fn ready(&self) -> Result<(), ReadError> {
        fold::reach_ends(self).await?;
        self.0.ready.store(true, Ordering::Release);
        Ok(())
    }

    pub fn is_ready(&self) -> bool {
        self.0.ready.load(Ordering::Acquire)
    }

    /// When the host was last heard of, by any node; the epoch if never.
    pub fn seen_at(&self, host: HostId) -> Timestamp {
        self.0.cells.get(&host).map_or(Timestamp::EPOCH, |cell| cell.seen_at())
    }

    /// The host called, just now.
    pub fn saw(&self, host: HostId, now: Timestamp) {
        self.0.cell(host).saw(now);
    }

    /// How often the host calls, as far as it is known.
    pub fn intervals(&self, host: HostId) -> records::Intervals {
        self.0.cells.get(&host).map(|cell| cell.facts().intervals.clone()).unwrap_or_default()
    }

    /// The platform that the host reported last, or enrolled with.
    pub fn platform(&self, host: &domain::host::Host) -> Arc<str> {
        self.0.platform(host)
    }
}

impl Inner {
    fn new(log: Arc<dyn Log>, ledger: Follower, world: World, settings: &Settings) -> Inner {
        let now = world.now();
        Inner {
            log,
            ledger,
            node: settings.node.clone(),
            intervals: Intervals {
                details: settings.detail_interval,
                labels: settings.label_interval,
                policies: settings.policy_interval,
            },
            cells: DashMap::new(),
            shared: Shared::default(),
            labels: LabelBits::default(),
            answered: Answered::default(),
            attendance: Attendance::default(),
            connections: Connections::default(),
            configs: Configs::default(),
            gate: Gate::new(now),
            window: Mutex::new(Window::since(now)),
            tails: Tails::new(),
            existed: RwLock::default(),
            writable: AtomicBool::new(true),
            ready: AtomicBool::new(false),
            world,
        }
    }

    fn cell(&self, host: HostId) -> Arc<Cell> {
        match self.cells.get(&host) {
            Some(cell) => cell.clone(),
            None => self.cells.entry(host).or_default().clone(),
        }
    }

    fn platform(&self, host: &domain::host::Host) -> Arc<str> {
        let reported = self.cells.get(&host.id).and_then(|cell| cell.facts().platform.clone());
        reported.filter(|platform| !platform.is_empty()).unwrap_or_else(|| self.shared.text(&host.platform))
    }

    fn state(&self) -> Arc<Fold> {
        self.ledger.fold()
    }
}
