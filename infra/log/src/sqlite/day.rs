//! UTC days, which name the files.

use std::fmt;
use std::time::Duration;

use domain::Timestamp;

const MICROS: i64 = 86_400_000_000;

/// Days since 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Day(i64);

impl Day {
    pub(super) fn of(time: Timestamp) -> Self {
        Day(time.micros().div_euclid(MICROS))
    }

    /// From `2026-11-22`, and from nothing else.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let day = Day::of(Timestamp::parse_rfc3339(&format!("{text}T00:00:00Z"))?);
        (day.to_string() == text).then_some(day)
    }

    fn begins(self) -> Timestamp {
        Timestamp::from_micros(self.0 * MICROS)
    }

    /// Whether everything from this day is older than `kept` at `now`.
    pub(super) fn is_over(self, kept: Duration, now: Timestamp) -> bool {
        Day(self.0 + 1).begins().plus(kept) <= now
    }
}

/// `2026-11-22`
impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = self.begins().to_rfc3339_secs();
        f.write_str(time.split('T').next().expect("split gives one piece at least"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_named_as_people_write_it() {
        let noon = Timestamp::parse_rfc3339("2026-11-22T23:59:59.999999Z").unwrap();
        assert_eq!(Day::of(noon).to_string(), "2026-11-22");
        assert_eq!(Day::parse("2026-11-22"), Some(Day::of(noon)));
        assert_eq!(Day::parse("2024-02-29").unwrap().to_string(), "2024-02-29");
        for bad in ["2026-11-31", "2026-1-02", "2026-11-22 ", "", "2026-11-22.new"] {
            assert_eq!(Day::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_day_is_over_when_its_last_moment_is_old_enough() {
        let day = Day::parse("2026-11-22").unwrap();
        let kept = Duration::from_secs(86_400);
        assert!(!day.is_over(kept, Timestamp::parse_rfc3339("2026-11-23T23:59:59Z").unwrap()));
        assert!(day.is_over(kept, Timestamp::parse_rfc3339("2026-11-24T00:00:00Z").unwrap()));
    }
}
