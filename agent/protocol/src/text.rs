//! From the bytes of a body to text that a strict JSON parser can take.
//!
//! osquery rows may hold raw invalid UTF-8 and broken surrogate escapes; refusing them would lose the whole batch.
//! What is nested too deep is refused before anything parses it, since a raw value is copied without being looked into.

use std::borrow::Cow;

use crate::BadBody;

/// Levels of arrays and objects that a body may nest. osquery's own documents use at most seven; its config allows 32.
pub const MAX_DEPTH: usize = 100;

const REPLACEMENT: &str = "\\ufffd";

/// Makes text of a body: invalid UTF-8 becomes U+FFFD. Bytes that are valid are returned as they came, not copied.
pub fn repair(body: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(body)
}

/// The first JSON array or object of `text`, without what follows it, with lone surrogate escapes replaced.
///
/// A text that does not start with an array or object is returned whole: the parser will say what is wrong with it.
/// Errors: nested deeper than [`MAX_DEPTH`].
pub(crate) fn first_value(text: Cow<'_, str>) -> Result<Cow<'_, str>, BadBody> {
    let (end, lone) = scan(text.as_bytes())?;
    let mut text = match text {
        Cow::Borrowed(text) => Cow::Borrowed(&text[..end]),
        Cow::Owned(mut text) => {
            text.truncate(end);
            Cow::Owned(text)
        }
    };
    for at in lone {
        text.to_mut().replace_range(at..at + REPLACEMENT.len(), REPLACEMENT);
    }
    Ok(text)
}

/// Where the first value ends, and where escapes stand that are half of a surrogate pair.
fn scan(bytes: &[u8]) -> Result<(usize, Vec<usize>), BadBody> {
    let mut depth = 0_usize;
    let mut lone = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'{' | b'[' => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return Err(BadBody::TooDeep);
                }
            }
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return Ok((at + 1, lone));
                }
            }
            b'"' => {
                at = skip_string(bytes, at + 1, &mut lone);
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    Ok((bytes.len(), lone))
}

/// The place after the closing quote of a string whose first byte is at `at`.
fn skip_string(bytes: &[u8], mut at: usize, lone: &mut Vec<usize>) -> usize {
    while at < bytes.len() {
        match bytes[at] {
            b'"' => return at + 1,
            b'\\' => match surrogate(bytes, at) {
                Some(Half::High) if surrogate(bytes, at + 6) == Some(Half::Low) => at += 12,
                Some(_) => {
                    lone.push(at);
                    at += 6;
                }
                None => at += 2,
            },
            _ => at += 1,
        }
    }
    bytes.len()
}

#[derive(PartialEq)]
enum Half {
    High,
    Low,
}

/// Which half of a pair the escape at `at` is, if it is one.
fn surrogate(bytes: &[u8], at: usize) -> Option<Half> {
    let escape = bytes.get(at..at + 6)?;
    let is_half = escape[0] == b'\\' && escape[1] == b'u' && escape[2].eq_ignore_ascii_case(&b'd');
    if !is_half || !escape[3..].iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    match escape[3].to_ascii_lowercase() {
        b'8'..=b'9' | b'a'..=b'b' => Some(Half::High),
        b'c'..=b'f' => Some(Half::Low),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(body: &str) -> String {
        first_value(repair(body.as_bytes())).unwrap().into_owned()
    }

    #[test]
    fn valid_bytes_are_not_copied() {
        assert!(matches!(repair("naïve".as_bytes()), Cow::Borrowed("naïve")));
        assert_eq!(repair(b"a\xffb"), "a\u{fffd}b");
    }

    #[test]
    fn only_the_first_value_remains() {
        assert_eq!(first(r#" {"a":"}\"]"} trailing ["#), r#" {"a":"}\"]"}"#);
        assert_eq!(first("[1][2]"), "[1]");
        assert_eq!(first("null x"), "null x");
    }

    #[test]
    fn half_a_surrogate_pair_is_replaced() {
        assert_eq!(first(r#"["\ud83d\ude00"]"#), r#"["\ud83d\ude00"]"#);
        assert_eq!(first(r#"["\ud83dx"]"#), r#"["\ufffdx"]"#);
        assert_eq!(first(r#"["\uDE00\ud83d"]"#), r#"["\ufffd\ufffd"]"#);
        assert_eq!(first(r#"["\\ud83d"]"#), r#"["\\ud83d"]"#);
        assert_eq!(first(r#"["\ud7ff"]"#), r#"["\ud7ff"]"#);
    }

    #[test]
    fn depth_is_limited_before_anything_parses() {
        let deep = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
        assert_eq!(first(&deep(MAX_DEPTH)), deep(MAX_DEPTH));
        for levels in [MAX_DEPTH + 1, 10_000] {
            assert!(matches!(first_value(deep(levels).into()), Err(BadBody::TooDeep)));
        }
    }
}
