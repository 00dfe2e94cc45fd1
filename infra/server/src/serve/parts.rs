//! The parts of a server on the embedded stores, in the order in which they need each other.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use actix_web::web::Data as Shared;
use anyhow::Context;
use command_api::admin::{Desk, DeskSettings};
use command_api::campaigns::Waiting;
use command_api::carves::Carves;
use command_api::osquery::Intake;
use command_api::registry::Registry;
use command_api::settings::{HostIdentifier, Limits, Network, Settings};
use domain::campaign::Most;
use infra_blobs::{Blobs, Folder, Vault};
use infra_http::Access;
use infra_http::shape::config::Served;
use infra_ledger::Ledger;
use infra_ledger::snapshot::Snapshots;
use infra_log::Log;
use infra_log::sqlite::Sqlite;
use infra_world::World;
use query_api::presence::Presence;
use tokio_util::sync::CancellationToken;

use super::readers::Readers;
use super::views::Running as Views;
use crate::data::Data;
use crate::options::{self, Options};

/// Everything that runs behind the routes.
#[derive(Clone)]
pub struct Parts {
    pub world: World,
    pub log: Arc<Sqlite>,
    pub ledger: Ledger,
    pub snapshots: Snapshots,
    pub commands: Shared<command_api::App>,
    pub reads: Shared<query_api::App>,
    pub access: Shared<Access>,
    pub presence: Presence,
    pub views: Views,
}

impl Parts {
    /// Opens the stores, replays the folds, and waits until everything that was acknowledged is known again.
    pub async fn open(options: &Options, data: &Data, world: World, ca: PathBuf) -> anyhow::Result<Parts> {
        let (folder, clock) = (data.log(), world.clone());
        let log = tokio::task::spawn_blocking(move || Sqlite::open(&folder, Arc::new(move || clock.now()))).await??;
        let log = Arc::new(log);
        let shared: Arc<dyn Log> = log.clone();
        let blobs = Folder::open(data.blobs()).with_context(|| format!("{} cannot be used", data.blobs().display()))?;
        let blobs: Arc<dyn Blobs> = Arc::new(blobs);
        let vault = match data.vault().exists() {
            true => Vault::load(data.vault(), world.clone())?,
            false => Vault::create(data.vault(), world.clone())?,
        };

        let snapshots = Snapshots::new(blobs.clone());
        let restored = snapshots.ledger(&*log).await;
        let ledger = Ledger::open(shared.clone(), world.clone(), options.node.clone(), restored).await?;
        if let Some(reason) = &ledger.fold().halted {
            tracing::error!("nothing can be decided until this is mended, hosts are served on: {reason}");
        }
        let follower = ledger.follower().clone();

        let settings = settings(options);
        let registry =
            Registry::open_from(&snapshots, shared.clone(), follower.clone(), world.clone(), &settings).await;
        registry.ready().await?;
        let views = Views::open(data, shared.clone(), world.clone()).await?;

        let commands = Shared::new(command_api::App {
            ledger: ledger.clone(),
            registry,
            log: shared.clone(),
            blobs,
            vault: vault.clone(),
            world: world.clone(),
            settings,
            intake: Intake::default(),
            waiting: Waiting::default(),
            carves: Carves::default(),
            desk: Desk::new(DeskSettings::default()),
        });
        let presence = Presence::restored(&*log, &snapshots).await;
        presence.catch_up(&*log, &world).await?;
        let access = Access::new(follower.clone(), world.clone()).noting_use(note_use(commands.clone()));
        let reads = Shared::new(query_api::App {
            ledger: follower,
            access: access.clone(),
            presence: presence.clone(),
            log: shared,
            reads: views.reads(),
            attendance: Arc::new(Readers::new(commands.clone())),
            vault,
            world: world.clone(),
            served: Served {
                detail_interval_s: options.detail_interval_s,
                policy_interval_s: options.detail_interval_s,
            },
            certificate_chain: Arc::new(move || std::fs::read_to_string(&ca).unwrap_or_default()),
            closing: CancellationToken::new(),
        });
        Ok(Parts { world, log, ledger, snapshots, commands, reads, access: Shared::new(access), presence, views })
    }

    /// Writes down who was here, who has answered and where the folds stand, and stops deciding.
    pub async fn close(&self) {
        if let Err(error) = self.commands.registry.flush_answers().await {
            tracing::warn!("some hosts may be asked again what they have answered: {error}");
        }
        if let Err(error) = self.commands.registry.flush(self.world.now(), true).await {
            tracing::warn!("the last check-ins could not be written down: {error}");
        }
        if let Err(error) = self.snapshots.take_ledger(self.ledger.follower()).await {
            tracing::warn!("no snapshot was taken, the next start takes longer: {error}");
        }
        if let Err(error) = self.commands.registry.take_snapshots(&self.snapshots).await {
            tracing::warn!("no snapshot of hosts was taken, the next start takes longer: {error}");
        }
        if let Err(error) = self.presence.keep(&self.snapshots).await {
            tracing::warn!("no snapshot of presence was taken, the next start takes longer: {error}");
        }
        self.views.close().await;
        self.ledger.close().await;
    }
}

fn settings(options: &Options) -> Settings {
    let interval = Duration::from_secs(options.detail_interval_s);
    Settings {
        node: options.node.clone(),
        host_identifier: match options.host_identifier {
            options::HostIdentifier::Provided => HostIdentifier::Provided,
            options::HostIdentifier::Instance => HostIdentifier::Instance,
            options::HostIdentifier::Uuid => HostIdentifier::Uuid,
            options::HostIdentifier::Hostname => HostIdentifier::Hostname,
        },
        enroll_cooldown: Duration::from_secs(options.enroll_cooldown_s),
        detail_interval: interval,
        label_interval: interval,
        policy_interval: interval,
        live_query_wait: Duration::from_secs(options.live_query_wait_s),
        trusted_proxies: options.trusted_proxies.iter().map(|address| exactly(*address)).collect(),
        limits: limits(options),
    }
}

fn limits(options: &Options) -> Limits {
    const MIB: usize = 1024 * 1024;
    Limits {
        sql: options.max_sql_bytes,
        campaigns: Most { of_one_user: options.max_live_queries_per_user, in_all: options.max_live_queries },
        in_flight: options.max_in_flight_mib * MIB,
        ..Limits::default()
    }
}

fn exactly(address: IpAddr) -> Network {
    Network { address, bits: if address.is_ipv4() { 32 } else { 128 } }
}

/// Reading alone keeps a session alive, too.
fn note_use(commands: Shared<command_api::App>) -> impl Fn(domain::Digest) + Send + Sync {
    move |token| {
        let commands = commands.clone();
        tokio::spawn(async move {
            let command = domain::session::Command::Use { token };
            if let Err(error) = commands.ledger.execute(command.into(), command_api::by_system(&commands)).await {
                tracing::debug!("the use of a session could not be noted: {error}");
            }
        });
    }
}
