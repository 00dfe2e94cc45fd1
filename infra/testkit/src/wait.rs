//! Waiting for a condition, never for a time.

use std::time::{Duration, Instant};

/// How often a condition is looked at.
const STEP: Duration = Duration::from_millis(20);

/// Looks again and again until `probe` gives something, and panics with `what` if that takes longer than `bound`.
pub async fn until<T>(what: &str, bound: Duration, mut probe: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + bound;
    loop {
        if let Some(found) = probe().await {
            return found;
        }
        assert!(Instant::now() < deadline, "waited {bound:?} in vain: {what}");
        tokio::time::sleep(STEP).await;
    }
}

/// As [`until`], for a yes.
pub async fn holds(what: &str, bound: Duration, mut probe: impl AsyncFnMut() -> bool) {
    until(what, bound, async || probe().await.then_some(())).await;
}
