//! The body of a refusal, brought to one line of text.
//!
//! Source: rest-api §1.5: `{message, errors?: [{name, reason}]}`; the router's own answers are plain text.

use serde::Deserialize;

/// Longest part of a foreign body that is shown.
const SHOWN: usize = 200;

#[derive(Deserialize)]
struct Problem {
    message: String,
    #[serde(default)]
    errors: Option<Vec<Reason>>,
}

#[derive(Deserialize)]
struct Reason {
    #[serde(default)]
    name: String,
    reason: String,
}

/// `message: reason; reason`, without what would only be said twice. `None` when the body is not of that form.
pub fn text(body: &[u8]) -> Option<String> {
    let problem: Problem = serde_json::from_slice(body).ok()?;
    let mut reasons: Vec<String> = Vec::new();
    for Reason { name, reason } in problem.errors.unwrap_or_default() {
        let named = !name.is_empty() && name != "base" && !reason.contains(&name);
        let text = if named { format!("{name}: {reason}") } else { reason };
        if text != problem.message && !reasons.contains(&text) {
            reasons.push(text);
        }
    }
    Some(match reasons.is_empty() {
        true => problem.message,
        false => format!("{}: {}", problem.message, reasons.join("; ")),
    })
}

/// The first line of a body that is no problem, for a human to recognise who spoke.
pub fn first_line(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let line = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default().trim();
    line.chars().take(SHOWN).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn message_and_reasons_become_one_line() {
        let body =
            br#"{"message":"Bad request","errors":[{"name":"base","reason":"no hosts targeted"}],"uuid":"4b2c"}"#;
        assert_eq!(text(body).unwrap(), "Bad request: no hosts targeted");
        let body = br#"{"message":"Validation Failed","errors":[{"name":"email","reason":"is empty"},{"name":"query","reason":"one of query or query_id must be specified"}]}"#;
        assert_eq!(
            text(body).unwrap(),
            "Validation Failed: email: is empty; one of query or query_id must be specified"
        );
    }

    #[test]
    fn nothing_is_said_twice() {
        let body = br#"{"message":"forbidden","errors":[{"name":"base","reason":"forbidden"}]}"#;
        assert_eq!(text(body).unwrap(), "forbidden");
        assert_eq!(text(br#"{"message":"Permission Denied","uuid":"1"}"#).unwrap(), "Permission Denied");
        assert_eq!(text(br#"{"message":"m","errors":null}"#).unwrap(), "m");
    }

    #[test]
    fn other_bodies_are_no_problems() {
        assert_eq!(text(b"404 page not found\n"), None);
        assert_eq!(text(br#"{"error":"x"}"#), None);
        assert_eq!(first_line(b"\n  404 page not found\nmore"), "404 page not found");
    }
}
