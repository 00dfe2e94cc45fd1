//! How many hosts a minute may be told to throw their key away.
//!
//! A key that is not known may be the host's fault or ours: a wrong log, a restored old one. So the word goes to ten hosts
//! a second or a hundredth of the fleet a minute, whichever is more, and everybody else is told to come back.

use std::sync::Mutex;

use domain::Timestamp;

pub struct Gate(Mutex<Bucket>);

struct Bucket {
    tokens: f64,
    filled: Timestamp,
}

impl Gate {
    pub fn new(now: Timestamp) -> Gate {
        Gate(Mutex::new(Bucket { tokens: 10.0, filled: now }))
    }

    /// Whether one more host may be told, of a fleet of `hosts`.
    pub fn admit(&self, hosts: u64, now: Timestamp) -> bool {
        let mut bucket = self.0.lock().expect("nothing panics while it holds the bucket");
        let minute = hosts as f64 / 100.0;
        let (rate, most) = ((minute / 60.0).max(10.0), minute.max(10.0));
        bucket.tokens = (bucket.tokens + now.since(bucket.filled).as_secs_f64() * rate).min(most);
        bucket.filled = now.max(bucket.filled);
        if bucket.tokens < 1.0 {
            return false;
        }
        bucket.tokens -= 1.0;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_a_second_for_a_small_fleet() {
        let second = |s: i64| Timestamp::from_secs(1_000 + s);
        let gate = Gate::new(second(0));
        let admitted = |s| (0..50).filter(|_| gate.admit(50, second(s))).count();
        assert_eq!((admitted(0), admitted(0), admitted(1), admitted(3)), (10, 0, 10, 10));
    }

    #[test]
    fn a_hundredth_a_minute_for_a_large_one() {
        let gate = Gate::new(Timestamp::from_secs(1_000));
        let admitted = |s: i64| (0..5_000).filter(|_| gate.admit(120_000, Timestamp::from_secs(1_000 + s))).count();
        assert_eq!((admitted(0), admitted(60), admitted(120)), (10, 1_200, 1_200));
    }
}
