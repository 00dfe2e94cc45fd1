//! What runs on a clock. Each is an ordinary command or append, harmless when several nodes try it.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::orders::Running;
use super::parts::Parts;
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
        clock.every(PRESENCE, |parts| async move {
            if let Err(error) = parts.commands.registry.flush(parts.world.now(), false).await {
                tracing::warn!("check-ins could not be written down, they will be told with the next ones: {error}");
            }
        }),
        clock.every(ANSWERS, |parts| async move {
            if let Err(error) = parts.commands.registry.flush_answers().await {
                tracing::warn!("other nodes could not be told who answered, they will be told again: {error}");
            }
        }),
        clock.every(CAMPAIGNS, |parts| async move { command_api::campaigns::expire(&parts.commands).await }),
        clock
            .every(CARVES, |parts| async move { command_api::carves::sweep(&parts.commands, parts.world.now()).await }),
        clock.every(PERSONS, |parts| async move {
            if let Err(error) = command_api::admin::destroy_keys(&parts.commands).await {
                tracing::error!("the key of a person who was erased could not be destroyed, trying again: {error}");
            }
        }),
        clock.every(RETENTION, |parts| async move {
            let now = parts.world.now();
            if let Err(error) = parts.log.expire(now).await {
                tracing::warn!("old records could not be removed, the next hour tries again: {error}");
            }
        }),
        clock.every(CERTIFICATES, move |parts| {
            served.refresh(parts.world.now());
            async {}
        }),
    ];
    let (snapshots, follower) = (parts.snapshots.clone(), parts.ledger.follower().clone());
    let interval = Duration::from_secs(options.snapshot_interval_s.max(1));
    let (registry, of_hosts) = (parts.commands.registry.clone(), parts.snapshots.clone());
    jobs.push(until(stop.clone(), async move { snapshots.keep_ledger(follower, interval).await }));
    jobs.push(until(stop.clone(), async move { registry.keep_snapshots(of_hosts, interval).await }));
    let (log, node, snapshots) = (parts.reads.log.clone(), options.node.clone(), parts.snapshots.clone());
    jobs.push(until(stop.clone(), async move { infra_ledger::activity::tell(log, &node, &snapshots).await }));
    let (presence, of_presence) = (parts.presence.clone(), parts.snapshots.clone());
    jobs.push(until(stop.clone(), presence.keep_snapshots(of_presence, interval)));
    jobs.push(until(stop.clone(), parts.presence.clone().follow(parts.reads.log.clone(), parts.world.clone())));
    let (data, orders) = (data.clone(), Arc::new(Running::new(parts.clone())));
    jobs.push(until(stop, async move {
        if let Err(error) = control::listen(&data, orders).await {
            tracing::error!("orders such as 'muster rebuild' cannot be taken: {error:#}");
        }
    }));
    jobs
}

/// Runs jobs again and again, until it is told to stop.
struct Clock {
    parts: Parts,
    stop: CancellationToken,
}

impl Clock {
    fn every<F>(&self, span: Duration, job: impl Fn(Parts) -> F + Send + 'static) -> JoinHandle<()>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let parts = self.parts.clone();
        until(self.stop.clone(), async move {
            let mut clock = tokio::time::interval(span);
            clock.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            clock.tick().await;
            loop {
                clock.tick().await;
                job(parts.clone()).await;
            }
        })
    }
}

fn until(stop: CancellationToken, work: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
    tokio::spawn(async move {
        tokio::select! {
            () = work => {}
            () = stop.cancelled() => {}
        }
    })
}
