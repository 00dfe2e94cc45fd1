//! A clock that stands still until a test moves it.

use std::sync::Mutex;
use std::time::Duration;

use agent::ports::Time;
use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::oneshot;

/// Where the clock begins: 2026-11-22T00:00:00Z.
const START: u64 = 1_795_305_600;

pub struct ManualTime(Mutex<Inner>);

struct Inner {
    now: Duration,
    sleepers: Vec<(Duration, oneshot::Sender<()>)>,
}

impl Default for ManualTime {
    fn default() -> Self {
        ManualTime(Mutex::new(Inner { now: Duration::from_secs(START), sleepers: Vec::new() }))
    }
}

impl ManualTime {
    /// Moves the clock and wakes whoever's time has come.
    pub fn advance(&self, span: Duration) {
        let mut inner = self.0.lock().unwrap();
        inner.now += span;
        let now = inner.now;
        let sleepers = std::mem::take(&mut inner.sleepers);
        for (deadline, wake) in sleepers {
            if deadline <= now {
                let _ = wake.send(());
            } else {
                inner.sleepers.push((deadline, wake));
            }
        }
    }

    /// Moves the clock to the first sleeper's time, if anybody sleeps.
    pub fn advance_to_next(&self) {
        let next = {
            let mut inner = self.0.lock().unwrap();
            inner.sleepers.retain(|(_, wake)| !wake.is_closed());
            let first = inner.sleepers.iter().map(|(deadline, _)| *deadline).min();
            first.map(|deadline| deadline.saturating_sub(inner.now))
        };
        if let Some(span) = next {
            self.advance(span);
        }
    }
}

impl Time for ManualTime {
    fn now(&self) -> u64 {
        self.0.lock().unwrap().now.as_secs()
    }

    fn sleep(&self, span: Duration) -> BoxFuture<'static, ()> {
        let mut inner = self.0.lock().unwrap();
        let (wake, woken) = oneshot::channel();
        let deadline = inner.now + span;
        inner.sleepers.push((deadline, wake));
        async { drop(woken.await) }.boxed()
    }
}
