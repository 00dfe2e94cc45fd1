//! Text: `split`, `regex_split`, `regex_match`, `concat`, `concat_ws`.
//!
//! Patterns are those of the `regex` crate: linear in time, so no query can hang on one, but without look-around
//! and back references, which are refused as invalid.

use std::cell::RefCell;

use regex::Regex;
use rusqlite::functions::Context;
use rusqlite::{Connection, Result};

use super::{pure, refuse, text};

/// The longest pattern that is taken, in bytes; osquery's own default.
const LONGEST_PATTERN: usize = 256;

pub(super) fn register(connection: &Connection) -> Result<()> {
    connection.create_scalar_function("split", 3, pure(), split)?;
    connection.create_scalar_function("regex_split", 3, pure(), regex_split)?;
    connection.create_scalar_function("regex_match", 3, pure(), regex_match)?;
    connection.create_scalar_function("concat", -1, pure(), |c| Ok(joined(c, "", 0)))?;
    connection.create_scalar_function("concat_ws", -1, pure(), |c| match c.len() {
        0 => Err(refuse("concat_ws: the separator is missing")),
        _ => Ok(joined(c, &text(c, 0).unwrap_or_default(), 1)),
    })
}

/// `split(text, characters, n)`: the n-th piece between any of the characters; empty pieces do not count.
fn split(c: &Context<'_>) -> Result<Option<String>> {
    let (Some(input), Some(ends), Some(n)) = (text(c, 0), text(c, 1), index(c)?) else { return Ok(None) };
    if ends.is_empty() {
        return Err(refuse("split: no character to split at"));
    }
    let pieces = input.split(|ch| ends.contains(ch)).filter(|piece| !piece.is_empty());
    Ok(pieces.map(|piece| piece.trim().to_string()).nth(n))
}

/// `regex_split(text, pattern, n)`: the n-th piece between matches.
fn regex_split(c: &Context<'_>) -> Result<Option<String>> {
    let (Some(input), Some(pattern), Some(n)) = (text(c, 0), text(c, 1), index(c)?) else { return Ok(None) };
    if pattern.is_empty() {
        return Err(refuse("regex_split: no pattern to split at"));
    }
    with_regex(&pattern, |regex| regex.split(&input).nth(n).map(str::to_string))
}

/// `regex_match(text, pattern, n)`: the n-th group of the first match, 0 being the whole of it.
fn regex_match(c: &Context<'_>) -> Result<Option<String>> {
    let (Some(input), Some(pattern), Some(n)) = (text(c, 0), text(c, 1), index(c)?) else { return Ok(None) };
    with_regex(&pattern, |regex| {
        let groups = regex.captures(&input)?;
        // A group that took no part in the match is empty; one that the pattern does not have is nothing.
        (n < groups.len()).then(|| groups.get(n).map(|m| m.as_str().to_string()).unwrap_or_default())
    })
}

fn index(c: &Context<'_>) -> Result<Option<usize>> {
    let number: Option<i64> = c.get(2)?;
    Ok(number.map(|n| usize::try_from(n).unwrap_or(usize::MAX)))
}

/// Uses a compiled pattern; the last one is kept, as a query calls with the same for row after row.
fn with_regex<T>(pattern: &str, work: impl FnOnce(&Regex) -> T) -> Result<T> {
    thread_local! {
        static LAST: RefCell<Option<Regex>> = const { RefCell::new(None) };
    }
    if pattern.len() > LONGEST_PATTERN {
        return Err(refuse(format!("Invalid regex: too big, max size is {LONGEST_PATTERN} bytes")));
    }
    LAST.with_borrow_mut(|last| {
        let kept = last.take().filter(|regex| regex.as_str() == pattern);
        let regex = match kept {
            Some(regex) => regex,
            None => Regex::new(pattern).map_err(|_| refuse(format!("Invalid regex: {pattern}")))?,
        };
        Ok(work(last.insert(regex)))
    })
}

/// NULLs are left out.
fn joined(c: &Context<'_>, between: &str, from: usize) -> Option<String> {
    let pieces: Vec<_> = (from..c.len()).filter_map(|n| text(c, n)).collect();
    (c.len() > from).then(|| pieces.join(between))
}

#[cfg(test)]
mod tests {
    use super::super::tests::value;

    #[test]
    fn split_takes_any_of_the_characters() {
        assert_eq!(value("split('192.168.0.1', '.', 1)").unwrap(), "168");
        assert_eq!(value("split('192.168.0.1', '.0', 0)").unwrap(), "192");
        assert_eq!(value("split('a,,b', ',', 1)").unwrap(), "b");
        assert_eq!(value("split(' a , b ', ',', 1)").unwrap(), "b");
        assert_eq!(value("split('a', ',', 5)").unwrap(), "NULL");
        assert_eq!(value("split('a', ',', -1)").unwrap(), "NULL");
        assert_eq!(value("split(NULL, ',', 0)").unwrap(), "NULL");
        assert!(value("split('a', '', 0)").is_err());
    }

    #[test]
    fn patterns_split_and_match() {
        assert_eq!(value("regex_split('192.168.0.1', '\\.0', 0)").unwrap(), "192.168");
        assert_eq!(value("regex_match('version 1.23', '(\\d+)\\.(\\d+)', 2)").unwrap(), "23");
        assert_eq!(value("regex_match('version 1.23', '\\d+\\.\\d+', 0)").unwrap(), "1.23");
        assert_eq!(value("regex_match('b', '(a)?b', 1)").unwrap(), "");
        assert_eq!(value("regex_match('b', 'b', 1)").unwrap(), "NULL");
        assert_eq!(value("regex_match('x', 'y', 0)").unwrap(), "NULL");
        assert_eq!(value("regex_match('x', '(', 0)").unwrap_err(), "Invalid regex: (");
        let long = "x".repeat(257);
        assert!(value(&format!("regex_match('x', '{long}', 0)")).unwrap_err().contains("256"));
    }

    #[test]
    fn joining_leaves_out_null() {
        assert_eq!(value("concat('a', NULL, 1)").unwrap(), "a1");
        assert_eq!(value("concat_ws('-', 'a', NULL, 'b')").unwrap(), "a-b");
        assert_eq!(value("concat_ws(NULL, 'a', 'b')").unwrap(), "ab");
    }
}
