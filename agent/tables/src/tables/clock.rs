//! `time` and `uptime`.

use std::time::{SystemTime, UNIX_EPOCH};

use chrono::{DateTime, Datelike, Timelike, Utc};

use crate::constraint::Scan;
use crate::error::QueryError;
use crate::row::Rows;
use crate::sys;

/// The time in UTC; only `local_timezone` is the host's.
pub(super) fn time(_: &Scan<'_>, rows: &mut Rows) -> Result<(), QueryError> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() as i64);
    let utc: DateTime<Utc> = DateTime::from_timestamp(now, 0).unwrap_or_default();
    let iso = utc.format("%Y-%m-%dT%H:%M:%SZ").to_string();
    let zone = sys::local_timezone(now).filter(|zone| !zone.is_empty());
    rows.add()
        .text("weekday", utc.format("%A").to_string())
        .int("year", utc.year())
        .int("month", utc.month())
        .int("day", utc.day())
        .int("hour", utc.hour())
        .int("minutes", utc.minute())
        .int("seconds", utc.second())
        .text("timezone", "UTC")
        .text("local_timezone", zone.unwrap_or_else(|| "UTC".into()))
        .int("unix_time", now)
        .text("timestamp", utc.format("%a %b %e %H:%M:%S %Y UTC").to_string())
        .text("datetime", &iso)
        .text("iso_8601", iso);
    Ok(())
}

pub(super) fn uptime(_: &Scan<'_>, rows: &mut Rows) -> Result<(), QueryError> {
    let Some(total) = seconds_up() else { return Ok(()) };
    let [days, hours, minutes, seconds] = parts(total);
    rows.add()
        .int("days", days)
        .int("hours", hours)
        .int("minutes", minutes)
        .int("seconds", seconds)
        .int("total_seconds", total);
    Ok(())
}

/// Days, hours, minutes, seconds.
fn parts(seconds: i64) -> [i64; 4] {
    [seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60]
}

fn seconds_up() -> Option<i64> {
    let text = sys::trimmed("/proc/uptime")?;
    text.split(['.', ' ']).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_taken_apart() {
        assert_eq!(parts(59), [0, 0, 0, 59]);
        assert_eq!(parts(3 * 86_400 + 4 * 3_600 + 5 * 60 + 6), [3, 4, 5, 6]);
    }
}
