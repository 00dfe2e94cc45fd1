//! The SQL functions and collations that osquery adds to SQLite's own, since queries written for it use them.

mod encoding;
mod math;
mod network;
mod strings;
mod version;

use std::borrow::Cow;

use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Error, Result};

pub(crate) fn register_all(connection: &Connection) -> Result<()> {
    encoding::register(connection)?;
    math::register(connection)?;
    network::register(connection)?;
    strings::register(connection)?;
    version::register(connection)
}

/// All of these depend on nothing but their arguments.
fn pure() -> FunctionFlags {
    FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC
}

/// An argument as text; `None` for NULL.
fn text<'a>(context: &'a Context<'_>, n: usize) -> Option<Cow<'a, str>> {
    match context.get_raw(n) {
        ValueRef::Null => None,
        ValueRef::Integer(number) => Some(number.to_string().into()),
        ValueRef::Real(number) => Some(format!("{number:?}").into()),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Some(String::from_utf8_lossy(bytes)),
    }
}

/// An argument's bytes; `None` for NULL.
fn bytes<'a>(context: &'a Context<'_>, n: usize) -> Option<Cow<'a, [u8]>> {
    match context.get_raw(n) {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Some(bytes.into()),
        _ => text(context, n).map(|text| text.into_owned().into_bytes().into()),
    }
}

/// An argument as a number, read as SQLite does: text counts as far as it looks like one.
fn real(context: &Context<'_>, n: usize) -> Option<f64> {
    match context.get_raw(n) {
        ValueRef::Null => None,
        ValueRef::Integer(number) => Some(number as f64),
        ValueRef::Real(number) => Some(number),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Some(leading_number(&String::from_utf8_lossy(bytes))),
    }
}

fn leading_number(text: &str) -> f64 {
    let text = text.trim_start();
    let ends = (1..=text.len()).rev().filter(|&end| text.is_char_boundary(end));
    let looks_like_one =
        |part: &&str| part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-'));
    ends.map(|end| &text[..end]).filter(looks_like_one).find_map(|part| part.parse().ok()).unwrap_or(0.0)
}

fn refuse(message: impl Into<String>) -> Error {
    Error::UserFunctionError(message.into().into())
}

#[cfg(test)]
mod tests {
    /// One value of one query on a fresh engine, or its error.
    pub(super) fn value(sql: &str) -> Result<String, String> {
        let engine = crate::Engine::new(Default::default()).unwrap();
        let output = engine.query(&format!("SELECT {sql} AS it, {sql} IS NULL AS empty")).map_err(|e| e.to_string())?;
        let row = &output.rows[0];
        Ok(if &row["empty"] == "1" { "NULL".into() } else { row["it"].to_string() })
    }

    #[test]
    fn text_counts_as_far_as_it_is_a_number() {
        for (text, number) in [("12abc", 12.0), (" 1.5e1x", 15.0), ("abc", 0.0), ("", 0.0), ("-3", -3.0), ("inf", 0.0)]
        {
            assert_eq!(super::leading_number(text), number, "{text}");
        }
    }
}
