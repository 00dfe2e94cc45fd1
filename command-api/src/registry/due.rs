//! When a host is asked again.
//!
//! A host has a place of its own in the interval, by a hash of its ordinal, so that the work of a fleet is flat over the
//! interval whatever happened to it as a whole. The interval is stretched by a tenth for that: a host that answers a
//! little late still finds its next place no sooner than an interval after its last answer.

use std::time::Duration;

use domain::{HostId, Timestamp};

/// What was handed out is not offered again for this long, and twice as long each time it stays unanswered.
const REST: Duration = Duration::from_secs(300);

/// One kind of question to one host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Due {
    /// The last answer; the epoch if there was none.
    pub done: Timestamp,
    /// When the question was last handed out, if it was not answered since.
    handed: Option<Timestamp>,
    /// How often it was handed out since the last answer.
    times: u8,
}

impl Due {
    /// Whether to ask now. `wished` is when somebody asked for fresh answers, if that is still open.
    pub fn is_due(&self, host: HostId, interval: Duration, wished: Option<Timestamp>, now: Timestamp) -> bool {
        let wanted = wished.is_some() || now >= self.next(host, interval);
        wanted && !self.rests(interval, wished, now)
    }

    pub fn hand_out(&mut self, now: Timestamp) {
        self.handed = Some(now);
        self.times = self.times.saturating_add(1);
    }

    pub fn done(&mut self, now: Timestamp) {
        *self = Due { done: now.max(self.done), ..Due::default() };
    }

    /// Another node, or this one before a restart, had an answer by then.
    pub fn heard(&mut self, until: Timestamp) {
        if until > self.done {
            let handed = self.handed.filter(|handed| *handed >= until);
            *self = Due { done: until, handed, times: if handed.is_some() { self.times } else { 0 } };
        }
    }

    /// The answer is worth nothing any more: ask at the next call.
    pub fn forget(&mut self) {
        *self = Due::default();
    }

    /// The host's first place that is at least an interval after its last answer.
    fn next(&self, host: HostId, interval: Duration) -> Timestamp {
        if self.done == Timestamp::EPOCH {
            return Timestamp::EPOCH;
        }
        let earliest = self.done.plus(interval).micros();
        let stretched = i64::try_from((interval + interval / 10).as_micros()).unwrap_or(i64::MAX).max(1);
        let place = i64::try_from(spread(host) % stretched.unsigned_abs()).unwrap_or(0);
        let wait = (place - earliest).rem_euclid(stretched);
        Timestamp::from_micros(earliest.saturating_add(wait))
    }

    fn rests(&self, interval: Duration, wished: Option<Timestamp>, now: Timestamp) -> bool {
        let Some(handed) = self.handed else { return false };
        if wished.is_some_and(|wished| wished > handed) {
            return false;
        }
        let doublings = u32::from(self.times.saturating_sub(1)).min(16);
        let rest = REST.saturating_mul(1 << doublings).min(interval.max(REST));
        now < handed.plus(rest)
    }
}

/// A number that hosts are spread by: neighbours have nothing in common.
pub fn spread(host: HostId) -> u64 {
    let mut mixed = u64::from(host.0).wrapping_add(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);
    const START: Timestamp = Timestamp::from_secs(1_790_000_000);

    fn after(seconds: u64) -> Timestamp {
        START.plus(Duration::from_secs(seconds))
    }

    #[test]
    fn a_new_host_is_asked_at_once() {
        assert!(Due::default().is_due(HostId(1), HOUR, None, START));
    }

    #[test]
    fn an_answered_question_rests_for_the_interval_and_then_waits_for_its_place() {
        for host in 1..500 {
            let mut due = Due::default();
            due.done(START);
            let host = HostId(host);
            assert!(!due.is_due(host, HOUR, None, after(3_599)));
            assert!(due.is_due(host, HOUR, None, after(3_600 + 3_960)));
        }
    }

    #[test]
    fn a_host_that_answers_within_minutes_keeps_its_place() {
        let host = HostId(7);
        let mut due = Due::default();
        due.done(START);
        let first = due.next(host, HOUR);
        for late in [0, 10, 359, 120] {
            let place = due.next(host, HOUR);
            due.done(place.plus(Duration::from_secs(late)));
            assert_eq!(due.next(host, HOUR).since(place), Duration::from_secs(3_960), "{late} s late");
        }
        assert_eq!(due.next(host, HOUR).since(first).as_secs() % 3_960, 0);
    }

    #[test]
    fn a_fleet_that_answered_at_once_is_asked_evenly() {
        let mut minutes = [0; 66];
        for host in 1..=66_000 {
            let mut due = Due::default();
            due.done(START);
            let wait = due.next(HostId(host), HOUR).since(after(3_600));
            minutes[usize::try_from(wait.as_secs() / 60).unwrap()] += 1;
        }
        assert!(minutes.iter().all(|hosts| (850..1_150).contains(hosts)), "{minutes:?}");
    }

    #[test]
    fn what_was_handed_out_rests_ever_longer() {
        let mut due = Due::default();
        let mut now = START;
        for minutes in [5, 10, 20, 40, 60, 60] {
            assert!(due.is_due(HostId(1), HOUR, None, now));
            due.hand_out(now);
            let rest = Duration::from_secs(minutes * 60);
            assert!(!due.is_due(HostId(1), HOUR, None, now.plus(rest - Duration::from_secs(1))), "{minutes}");
            now = now.plus(rest);
        }
        due.done(now);
        assert_eq!((due.handed, due.times), (None, 0));
    }

    #[test]
    fn a_wish_is_granted_at_once_and_rests_like_any_question() {
        let mut due = Due::default();
        due.done(START);
        let (wish, now) = (Some(after(10)), after(20));
        assert!(!due.is_due(HostId(1), HOUR, None, now));
        assert!(due.is_due(HostId(1), HOUR, wish, now));
        due.hand_out(now);
        assert!(!due.is_due(HostId(1), HOUR, wish, after(30)));
        assert!(due.is_due(HostId(1), HOUR, Some(after(25)), after(30)), "a newer wish");
        assert!(due.is_due(HostId(1), HOUR, wish, after(20 + 300)));
    }
}
