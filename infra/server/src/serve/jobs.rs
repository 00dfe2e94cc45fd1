//! What runs on a clock. Each is an ordinary command or append, harmless when several nodes try it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::orders::Running;
use super::parts::Parts;
use super::supervise::{every, keep};
use crate::control;
use crate::data::Data;
use crate::options::Options;
use crate::tls::Served;

const PRESENCE: Duration = Duration::from_secs(30);
const ANSWERS: Duration = Duration::from_secs(1);
const CAMPAIGNS: Duration = Duration::from_secs(5);
const CERTIFICATES: Duration = Duration::from_secs(60);
const CARVES: Duration = Duration::from_secs(60);
/// Keys of persons who were erased.
const PERSONS: Duration = Duration::from_secs(60);
const RETENTION: Duration = Duration::from_secs(3_600);

/// Starts them all; they end when `stop` is cancelled.
pub fn start(
    options: &Options,
    data: &Data,
    parts: &Parts,
    served: Arc<Served>,
    stop: CancellationToken,
) -> Vec<JoinHandle<()>> {
    let clock = Clock { parts: parts.clone(), stop: stop.clone() };
    let mut jobs = vec![
        clock.every("writing down who was here", PRESENCE, |parts| async move {
            if let Err(error) = parts.commands.registry.flush(parts.world.now(), false).await {
                tracing::warn!("check-ins could not be written down, they will be told with the next ones: {error}");
            }
        }),
        clock.every("telling other nodes who answered", ANSWERS, |parts| async move {
            if let Err(error) = parts.commands.registry.flush_answers().await {
                tracing::warn!("other nodes could not be told who answered, they will be told again: {error}");
            }
        }),
        clock.every("ending live queries", CAMPAIGNS, |parts| async move {
            command_api::campaigns::expire(&parts.commands).await
        }),
        clock.every("ending carves", CARVES, |parts| async move {
            command_api::carves::sweep(&parts.commands, parts.world.now()).await
        }),
        clock.every("destroying the keys of persons", PERSONS, |parts| async move {
            if let Err(error) = command_api::admin::destroy_keys(&parts.commands).await {
                tracing::error!("the key of a person who was erased could not be destroyed, trying again: {error}");
            }
        }),
        clock.every("removing old records", RETENTION, |parts| async move {
            let now = parts.world.now();
            if let Err(error) = parts.log.expire(now).await {
                tracing::warn!("old records could not be removed, the next hour tries again: {error}");
            }
        }),
        clock.every("reading certificate files again", CERTIFICATES, move |parts| {
            served.refresh(parts.world.now());
            async {}
        }),
    ];
    let interval = Duration::from_secs(options.snapshot_interval_s.max(1));
    let again = |what, work: Box<dyn Fn() -> Endless + Send>| keep(what, stop.clone(), work);
    let (snapshots, follower) = (parts.snapshots.clone(), parts.ledger.follower().clone());
    jobs.push(again(
        "keeping snapshots of the ledger",
        Box::new(move || {
            let (snapshots, follower) = (snapshots.clone(), follower.clone());
            Box::pin(async move { snapshots.keep_ledger(follower, interval).await })
        }),
    ));
    let (registry, snapshots) = (parts.commands.registry.clone(), parts.snapshots.clone());
    jobs.push(again(
        "keeping snapshots of hosts",
        Box::new(move || {
            let (registry, snapshots) = (registry.clone(), snapshots.clone());
            Box::pin(async move { registry.keep_snapshots(snapshots, interval).await })
        }),
    ));
    let (log, node, snapshots) = (parts.reads.log.clone(), options.node.clone(), parts.snapshots.clone());
    jobs.push(again(
        "telling activities",
        Box::new(move || {
            let (log, node, snapshots) = (log.clone(), node.clone(), snapshots.clone());
            Box::pin(async move { infra_ledger::activity::tell(log, &node, &snapshots).await })
        }),
    ));
    let (presence, snapshots) = (parts.presence.clone(), parts.snapshots.clone());
    jobs.push(again(
        "keeping snapshots of presence",
        Box::new(move || Box::pin(presence.clone().keep_snapshots(snapshots.clone(), interval))),
    ));
    let (presence, log, world) = (parts.presence.clone(), parts.reads.log.clone(), parts.world.clone());
    jobs.push(again(
        "following presence",
        Box::new(move || Box::pin(presence.clone().follow(log.clone(), world.clone()))),
    ));
    let (data, orders) = (data.clone(), Arc::new(Running::new(parts.clone())));
    jobs.push(again(
        "taking orders",
        Box::new(move || {
            let (data, orders) = (data.clone(), orders.clone());
            Box::pin(async move {
                if let Err(error) = control::listen(&data, orders).await {
                    tracing::error!("orders such as 'muster rebuild' cannot be taken: {error:#}");
                }
            })
        }),
    ));
    jobs
}

type Endless = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Runs jobs again and again, until it is told to stop.
struct Clock {
    parts: Parts,
    stop: CancellationToken,
}

impl Clock {
    fn every<F>(&self, what: &'static str, span: Duration, job: impl Fn(Parts) -> F + Send + 'static) -> JoinHandle<()>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let parts = self.parts.clone();
        every(what, span, self.stop.clone(), move || job(parts.clone()))
    }
}
