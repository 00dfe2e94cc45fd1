//! What runs in the background goes on: a panic is told, and the work begins again after a pause.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt as _;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// The pause after the first panic; each that follows within [`LONGEST_PAUSE`] doubles it.
const PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Runs some work until `stop`, or until it ends by itself. Work that panics is begun anew.
pub fn keep<F>(what: &'static str, stop: CancellationToken, work: impl Fn() -> F + Send + 'static) -> JoinHandle<()>
where
    F: Future<Output = ()> + Send + 'static,
{
    keep_pausing(what, PAUSE, stop, work)
}

fn keep_pausing<F>(
    what: &'static str,
    first_pause: Duration,
    stop: CancellationToken,
    work: impl Fn() -> F + Send + 'static,
) -> JoinHandle<()>
where
    F: Future<Output = ()> + Send + 'static,
{
    let going_on = async move {
        let (mut pause, mut began) = (first_pause, Instant::now());
        while AssertUnwindSafe(work()).catch_unwind().await.is_err() {
            if began.elapsed() > LONGEST_PAUSE {
                pause = first_pause;
            }
            tracing::error!("{what} has panicked and begins again in {pause:?}");
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
            began = Instant::now();
        }
    };
    tokio::spawn(async move {
        tokio::select! {
            () = going_on => {}
            () = stop.cancelled() => {}
        }
    })
}

/// Runs a job every so often until `stop`. One that panics is told, and tried again at its next time.
pub fn every<F>(
    what: &'static str,
    span: Duration,
    stop: CancellationToken,
    job: impl Fn() -> F + Send + 'static,
) -> JoinHandle<()>
where
    F: Future<Output = ()> + Send + 'static,
{
    let ticking = async move {
        let mut clock = tokio::time::interval(span);
        clock.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        clock.tick().await;
        loop {
            clock.tick().await;
            if AssertUnwindSafe(job()).catch_unwind().await.is_err() {
                tracing::error!("{what} has panicked, it is tried again in {} s", span.as_secs());
            }
        }
    };
    tokio::spawn(async move {
        tokio::select! {
            () = ticking => {}
            () = stop.cancelled() => {}
        }
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use futures::future::BoxFuture;

    use super::*;

    const SOON: Duration = Duration::from_millis(1);

    /// Work whose first two rounds panic. `stop` is cancelled by the fifth.
    fn clumsy(rounds: &Arc<AtomicU32>, stop: &CancellationToken) -> impl Fn() -> BoxFuture<'static, ()> + Send + use<> {
        let (rounds, stop) = (rounds.clone(), stop.clone());
        move || {
            let (rounds, stop) = (rounds.clone(), stop.clone());
            Box::pin(async move {
                let round = rounds.fetch_add(1, Ordering::SeqCst) + 1;
                assert!(round > 2, "planted");
                if round == 5 {
                    stop.cancel();
                }
            })
        }
    }

    #[tokio::test]
    async fn work_that_panics_begins_again_until_it_ends() {
        let (rounds, stop) = (Arc::new(AtomicU32::new(0)), CancellationToken::new());
        keep_pausing("some work", SOON, stop.clone(), clumsy(&rounds, &stop))
            .await
            .expect("the task itself does not panic");
        assert_eq!(rounds.load(Ordering::SeqCst), 3);
    }

    #[tokio::test]
    async fn a_job_that_panics_is_tried_at_its_next_time_and_ends_when_it_is_told_to() {
        let (rounds, stop) = (Arc::new(AtomicU32::new(0)), CancellationToken::new());
        every("a job", SOON, stop.clone(), clumsy(&rounds, &stop)).await.expect("the task itself does not panic");
        assert!(rounds.load(Ordering::SeqCst) >= 5);
    }
}
