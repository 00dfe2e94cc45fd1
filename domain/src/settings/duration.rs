//! Spans of time as Fleet's clients write them: `24h0m0s`, `90m`, `1.5h`, or integer nanoseconds.

use serde_json::Value;

const UNITS: [(&str, f64); 8] =
    [("ns", 1.0), ("us", 1e3), ("µs", 1e3), ("μs", 1e3), ("ms", 1e6), ("s", 1e9), ("m", 60e9), ("h", 3_600e9)];

/// The normal text of a span that is given as text or as nanoseconds; `None` if it is neither, or negative.
pub fn normal(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => parse(text).map(text_of),
        Value::Number(number) => number.as_u64().map(text_of),
        _ => None,
    }
}

/// Nanoseconds.
fn parse(text: &str) -> Option<u64> {
    let mut rest = text.trim().strip_prefix('+').unwrap_or(text.trim());
    if rest == "0" {
        return Some(0);
    }
    if rest.is_empty() {
        return None;
    }
    let mut total = 0.0;
    while !rest.is_empty() {
        let number = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.')?;
        let amount: f64 = rest[..number].parse().ok()?;
        rest = &rest[number..];
        let unit = rest.find(|letter: char| letter.is_ascii_digit() || letter == '.').unwrap_or(rest.len());
        let (_, size) = UNITS.iter().find(|(name, _)| *name == &rest[..unit])?;
        total += amount * size;
        rest = &rest[unit..];
    }
    (total <= i64::MAX as f64).then_some(total as u64)
}

fn text_of(ns: u64) -> String {
    let (hours, minutes, seconds) =
        (ns / 3_600_000_000_000, ns / 60_000_000_000 % 60, (ns % 60_000_000_000) as f64 / 1e9);
    match (hours, minutes) {
        (0, 0) => format!("{seconds}s"),
        (0, _) => format!("{minutes}m{seconds}s"),
        _ => format!("{hours}h{minutes}m{seconds}s"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn spans_are_brought_to_one_form() {
        let cases = [
            (json!("24h0m0s"), "24h0m0s"),
            (json!("24h"), "24h0m0s"),
            (json!("90m"), "1h30m0s"),
            (json!("1.5h"), "1h30m0s"),
            (json!("1500ms"), "1.5s"),
            (json!("0"), "0s"),
            (json!(86_400_000_000_000_u64), "24h0m0s"),
            (json!(61_000_000_000_u64), "1m1s"),
        ];
        for (given, text) in cases {
            assert_eq!(normal(&given).as_deref(), Some(text), "{given}");
        }
    }

    #[test]
    fn what_is_no_span_is_refused() {
        for bad in [
            json!(""),
            json!("soon"),
            json!("5"),
            json!("5x"),
            json!("h"),
            json!("-5m"),
            json!(-5),
            json!(1.5),
            json!(null),
            json!("1..5h"),
        ] {
            assert_eq!(normal(&bad), None, "{bad}");
        }
    }
}
