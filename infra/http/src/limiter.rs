//! Rate limits: so many requests in a burst, then one every so often.

use std::sync::Mutex;
use std::time::Duration;

use domain::Timestamp;

use crate::Problem;

/// One bucket shared by all who ask: the time at which it will be empty again is all it holds.
pub struct Limiter {
    /// One request is paid off in this time.
    step: Duration,
    /// Requests beyond the steady rate that are let through at once.
    burst: u32,
    empty_at: Mutex<Timestamp>,
}

impl Limiter {
    pub const fn new(step: Duration, burst: u32) -> Self {
        Limiter { step, burst, empty_at: Mutex::new(Timestamp::EPOCH) }
    }

    /// Ten logins a minute, nine of them at once beyond the first.
    pub const fn logins() -> Self {
        Limiter::new(Duration::from_secs(6), 9)
    }

    /// Takes one request, or says when the next one is due.
    pub fn take(&self, now: Timestamp) -> Result<(), Problem> {
        let mut empty_at = self.empty_at.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let filled = (*empty_at).max(now).plus(self.step);
        let allowed = now.plus(self.step * (self.burst + 1));
        if filled > allowed {
            return Err(Problem::too_many(filled.since(allowed).as_secs_f64().ceil() as u64));
        }
        *empty_at = filled;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rest_check_09_the_eleventh_login_of_a_minute_is_refused() {
        let limiter = Limiter::logins();
        let start = Timestamp::from_secs(1_000);
        for _ in 0..10 {
            assert!(limiter.take(start).is_ok());
        }
        let refused = limiter.take(start).unwrap_err();
        assert_eq!((refused.status().as_u16(), refused.reason()), (429, "limit exceeded, retry after: 6s"));
        let soon = start.plus(Duration::from_millis(4_500));
        assert_eq!(limiter.take(soon).unwrap_err().reason(), "limit exceeded, retry after: 2s");
    }

    #[test]
    fn it_recovers_at_its_rate_and_no_further_than_the_burst() {
        let limiter = Limiter::logins();
        let start = Timestamp::from_secs(1_000);
        while limiter.take(start).is_ok() {}
        let later = start.plus(Duration::from_secs(6));
        assert!(limiter.take(later).is_ok());
        assert!(limiter.take(later).is_err());
        let much_later = start.plus(Duration::from_secs(86_400));
        assert_eq!((0..20).filter(|_| limiter.take(much_later).is_ok()).count(), 10);
    }

    #[test]
    fn a_clock_that_goes_back_locks_nobody_out_for_longer_than_it_went() {
        let limiter = Limiter::logins();
        assert!(limiter.take(Timestamp::from_secs(1_000)).is_ok());
        assert!(limiter.take(Timestamp::from_secs(990)).is_ok());
    }
}
