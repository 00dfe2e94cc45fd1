//! Times on the command line and in notices.

use chrono::DateTime;

/// Checks a time in RFC 3339 with an offset, and keeps it as it was written.
///
/// Errors: a sentence that shows the form, for the usage message.
pub fn parse(text: &str) -> Result<String, String> {
    match DateTime::parse_from_rfc3339(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err(format!(
            "`{text}` is not a time with an offset; write it as 2026-11-22T10:00:00Z or 2026-11-22T12:00:00+02:00"
        )),
    }
}

/// Says up to when the past is shown: what was asked for, and what the server's views have reached.
pub fn as_known_at(as_of: &str, complete_to: Option<&str>) -> String {
    let Some(complete_to) = complete_to else { return format!("as known at {as_of}") };
    let moment = |text: &str| DateTime::parse_from_rfc3339(text).ok();
    let behind = moment(complete_to).zip(moment(as_of)).is_some_and(|(complete_to, as_of)| complete_to < as_of);
    let warning = if behind { "; what came later may be missing" } else { "" };
    format!("as known at {as_of} (complete to {complete_to}{warning})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_time_with_an_offset_is_taken() {
        for text in ["2026-11-22T10:00:00Z", "2026-11-22T10:00:00.123456+05:30"] {
            assert_eq!(parse(text), Ok(text.to_owned()));
        }
        for text in ["2026-11-22", "2026-11-22T10:00:00", "yesterday", "2026-13-01T00:00:00Z"] {
            assert!(parse(text).expect_err(text).contains("2026-11-22T10:00:00Z"));
        }
    }

    #[test]
    fn a_view_that_has_not_got_there_is_said() {
        assert_eq!(
            as_known_at("2026-11-22T10:00:00Z", Some("2026-11-22T11:00:00+01:00")),
            "as known at 2026-11-22T10:00:00Z (complete to 2026-11-22T11:00:00+01:00)"
        );
        assert!(as_known_at("2026-11-22T10:00:00Z", Some("2026-11-22T09:59:59Z")).contains("may be missing"));
    }
}
