//! Time and chance, which arrive from outside so that an hour can pass in a test.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures::FutureExt;
use futures::future::BoxFuture;
use rand::RngCore;

/// The clock that everything planned goes by. Deadlines of the network go by the real one.
pub trait Time: Send + Sync {
    /// Seconds since 1970-01-01T00:00:00Z.
    fn now(&self) -> u64;

    /// Ends when the span has passed on this clock.
    fn sleep(&self, span: Duration) -> BoxFuture<'static, ()>;
}

/// Chance.
pub trait Dice: Send + Sync {
    /// Any number of 64 bits, all equally likely.
    fn roll(&self) -> u64;
}

/// The clock of the machine.
pub struct SystemTimer;

impl Time for SystemTimer {
    fn now(&self) -> u64 {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
    }

    fn sleep(&self, span: Duration) -> BoxFuture<'static, ()> {
        tokio::time::sleep(span).boxed()
    }
}

/// The machine's random numbers.
pub struct SystemDice;

impl Dice for SystemDice {
    fn roll(&self) -> u64 {
        rand::rng().next_u64()
    }
}

/// A number from `low` to `high`, both included.
pub fn between(dice: &dyn Dice, low: u64, high: u64) -> u64 {
    let choices = u128::from(high.saturating_sub(low)) + 1;
    low + u64::try_from(u128::from(dice.roll()) % choices).expect("less than the number of choices, so it fits")
}

/// `span` made up to a tenth shorter or longer, so that a fleet does not move in step.
pub fn jittered(dice: &dyn Dice, span: Duration) -> Duration {
    let tenth = u64::try_from(span.as_micros() / 10).unwrap_or(u64::MAX / 4);
    let shortened = span.saturating_sub(Duration::from_micros(tenth));
    shortened.saturating_add(Duration::from_micros(between(dice, 0, tenth * 2)))
}

/// The wait before attempt `failures` + 1, as osquery waits: the square of the failures in seconds, up to `cap`, jittered.
pub fn backoff(dice: &dyn Dice, failures: u32, cap: Duration) -> Duration {
    let square = u64::from(failures).saturating_mul(u64::from(failures));
    jittered(dice, Duration::from_secs(square).min(cap))
}

#[cfg(test)]
pub(crate) mod fixed {
    /// Dice that always show the same number.
    pub struct Fixed(pub u64);

    impl super::Dice for Fixed {
        fn roll(&self) -> u64 {
            self.0
        }
    }

    /// A clock that stands where it was set; nobody sleeps on it.
    #[derive(Default)]
    pub struct Stopped(std::sync::atomic::AtomicU64);

    impl Stopped {
        pub fn set(&self, now: u64) {
            self.0.store(now, std::sync::atomic::Ordering::SeqCst);
        }
    }

    impl super::Time for Stopped {
        fn now(&self) -> u64 {
            self.0.load(std::sync::atomic::Ordering::SeqCst)
        }

        fn sleep(&self, _: std::time::Duration) -> futures::future::BoxFuture<'static, ()> {
            Box::pin(futures::future::pending())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::fixed::Fixed;
    use super::*;

    #[test]
    fn jitter_stays_within_a_tenth() {
        let span = Duration::from_secs(10);
        assert_eq!(jittered(&Fixed(0), span), Duration::from_secs(9));
        assert_eq!(jittered(&Fixed(2_000_000), span), Duration::from_secs(11));
        assert_eq!(jittered(&Fixed(2_000_001), span), Duration::from_secs(9));
        assert_eq!(jittered(&Fixed(u64::MAX), Duration::ZERO), Duration::ZERO);
    }

    #[test]
    fn backoff_grows_with_the_square_of_the_failures() {
        let middle = |seconds: u64| Fixed(seconds * 100_000);
        let cap = Duration::from_secs(600);
        for (failures, seconds) in [(1, 1), (2, 4), (3, 9), (11, 121), (25, 600), (u32::MAX, 600)] {
            assert_eq!(backoff(&middle(seconds), failures, cap), Duration::from_secs(seconds), "{failures}");
        }
    }

    #[test]
    fn between_includes_both_ends() {
        assert_eq!([0, 1, 2, 3].map(|roll| between(&Fixed(roll), 5, 7)), [5, 6, 7, 5]);
        assert_eq!(between(&Fixed(9), 5, 5), 5);
        assert_eq!(between(&Fixed(u64::MAX), 0, u64::MAX), u64::MAX);
    }
}
