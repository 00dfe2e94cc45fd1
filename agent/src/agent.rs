//! The composition of musterd: builds every part, runs them side by side, and stops them in good order.

use std::fs::{self, File, TryLockError};
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::config::InForce;
use crate::configure::{self, Configurer};
use crate::distributed::Distributed;
use crate::flags::Flags;
use crate::forward::Forwarder;
use crate::identity::{self, Identifier, Identity};
use crate::logger::{self, Logger};
use crate::node_key::KeyFile;
use crate::ports::{Dice, Time};
use crate::push::Push;
use crate::queries::Queries;
use crate::schedule::{Decorations, ScheduleStats, Scheduler};
use crate::session::{self, Secret, Session};
use crate::state::{Kind, State, StateError};
use crate::tls::{self, TlsError};
use crate::transport::Transport;

/// What musterd is told.
#[derive(Clone, Debug)]
pub struct Config {
    /// `https://host:port` with an optional path before the endpoints'. Plain HTTP is for tests: the command line makes
    /// none.
    pub server: Url,
    /// PEM file of the authorities to believe; the system's when absent.
    pub ca: Option<PathBuf>,
    pub secret: Secret,
    /// Folder of the state file and the node key; made when absent.
    pub data: PathBuf,
    pub identifier: Identifier,
    /// Flags as the command line sets them.
    pub flags: Flags,
    /// The most bytes the buffer may hold of results, and of status lines.
    pub buffer_bytes: u64,
}

/// What arrives from outside.
#[derive(Clone)]
pub struct Ports {
    pub queries: Arc<dyn Queries>,
    pub time: Arc<dyn Time>,
    pub dice: Arc<dyn Dice>,
}

/// Why musterd cannot start or go on: one sentence, naming the thing.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    #[error("the data folder {}: {cause}", folder.display())]
    Folder { folder: PathBuf, cause: std::io::Error },
    #[error("the data folder {} is in use by another musterd", .0.display())]
    InUse(PathBuf),
    #[error(transparent)]
    State(#[from] StateError),
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error("the HTTP client cannot be made: {0}")]
    Http(#[from] reqwest::Error),
}

/// What the tables need to know of the agent, and learn before it is built.
#[derive(Clone)]
pub struct Premises {
    pub state: Arc<State>,
    pub instance_id: String,
    pub stats: ScheduleStats,
    in_force: watch::Sender<InForce>,
    _lock: Arc<File>,
}

impl Premises {
    /// Takes the data folder, makes it if it is not there, and reads what an earlier run left.
    pub fn take(config: &Config, dice: &dyn Dice) -> Result<Self, AgentError> {
        let folder = |cause| AgentError::Folder { folder: config.data.clone(), cause };
        make_private(&config.data).map_err(folder)?;
        let lock = File::create(config.data.join("lock")).map_err(folder)?;
        lock.try_lock().map_err(|why| match why {
            TryLockError::WouldBlock => AgentError::InUse(config.data.clone()),
            TryLockError::Error(cause) => folder(cause),
        })?;
        let state = Arc::new(State::open(&config.data)?);
        let instance_id = identity::instance_id(&state, dice)?;
        let in_force = watch::Sender::new(configure::kept(&state, config.flags.clone())?);
        Ok(Premises { state, instance_id, stats: ScheduleStats::default(), in_force, _lock: Arc::new(lock) })
    }

    /// The configuration in force, now and later.
    pub fn in_force(&self) -> watch::Receiver<InForce> {
        self.in_force.subscribe()
    }
}

pub struct Agent {
    configurer: Configurer,
    scheduler: Scheduler,
    distributed: Distributed,
    forwarders: [Forwarder; 2],
    push: Push,
    logger: Logger,
    state: Arc<State>,
    in_force: watch::Receiver<InForce>,
    _premises: Premises,
}

impl Agent {
    /// Builds all parts. Opens no connection yet. `version` is that of the osquery whose tables are spoken.
    pub async fn build(config: Config, premises: Premises, ports: Ports, version: &str) -> Result<Self, AgentError> {
        let Ports { queries, time, dice } = ports;
        let Premises { state, stats, .. } = premises.clone();
        let in_force = premises.in_force();
        let folder = |cause| AgentError::Folder { folder: config.data.clone(), cause };
        let tls = tls::client_config(config.ca.as_deref())?;
        let transport = Transport::new(config.server.clone(), tls, version)?;
        let identity =
            Identity::find(&*queries, &state, config.identifier, premises.instance_id.clone(), version).await;
        let decorations = Decorations::default();
        let logger = Logger::new(logger::Parts {
            state: state.clone(),
            time: time.clone(),
            in_force: in_force.clone(),
            decorations: decorations.clone(),
            host_identifier: identity.identifier,
            version: version.to_owned(),
            buffer_bytes: config.buffer_bytes,
        });
        let session = Arc::new(
            Session::new(session::Parts {
                transport,
                secret: config.secret.clone(),
                key_file: KeyFile::in_folder(&config.data),
                queries: queries.clone(),
                time: time.clone(),
                dice: dice.clone(),
                logger: logger.clone(),
            })
            .map_err(folder)?,
        );
        let come = Arc::new(Notify::new());
        let forwarder = |kind| Forwarder {
            kind,
            state: state.clone(),
            session: session.clone(),
            time: time.clone(),
            dice: dice.clone(),
            logger: logger.clone(),
            in_force: in_force.clone(),
        };
        Ok(Agent {
            forwarders: [forwarder(Kind::Result), forwarder(Kind::Status)],
            configurer: Configurer {
                state: state.clone(),
                session: session.clone(),
                time: time.clone(),
                dice: dice.clone(),
                logger: logger.clone(),
                in_force: premises.in_force.clone(),
            },
            scheduler: Scheduler {
                state: state.clone(),
                queries: queries.clone(),
                time: time.clone(),
                dice: dice.clone(),
                logger: logger.clone(),
                machine: identity.machine,
                decorations,
                stats,
            },
            push: Push { session: session.clone(), time: time.clone(), dice: dice.clone(), come: come.clone() },
            distributed: Distributed {
                state,
                session,
                queries,
                time,
                dice,
                logger: logger.clone(),
                in_force: in_force.clone(),
                come,
            },
            logger,
            state: premises.state.clone(),
            in_force,
            _premises: premises,
        })
    }

    /// Runs until `stop` is cancelled; then sends once more what waits, for at most five seconds. What cannot be sent
    /// stays on disk for the next start.
    pub async fn run(self, stop: CancellationToken) {
        let last_posts = CancellationToken::new();
        let work = async {
            tokio::select! {
                () = self.work() => {}
                () = stop.cancelled() => {}
            }
            self.logger.info("musterd stops");
            last_posts.cancel();
        };
        let [results, statuses] = &self.forwarders;
        tokio::join!(work, results.run(&last_posts), statuses.run(&last_posts));
        match self.state.waiting_lines(Kind::Result) + self.state.waiting_lines(Kind::Status) {
            0 => tracing::info!("all lines are sent"),
            waiting => tracing::info!("lines kept for the next start: {waiting}"),
        }
    }

    /// All that is broken off when musterd stops.
    async fn work(&self) {
        let in_force = self.in_force.clone();
        tokio::join!(self.configurer.run(), self.scheduler.run(in_force), self.distributed.run(), self.push.run());
    }
}

fn make_private(folder: &std::path::Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}
