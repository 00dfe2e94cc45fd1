//! The root of a body, cut into its members without parsing them.
//!
//! As Fleet's decoder does: names match in any letter case, the last of equal names wins, `null` is the same as absent,
//! a root `null` is an empty object, and text after the first value is not looked at.

use std::fmt;

use serde::de::{DeserializeOwned, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::text::{first_value, repair};

/// Why a body cannot be read. The server answers it with an `error` member, so that the host keeps what it sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BadBody {
    /// No bytes but blanks.
    Empty,
    /// Not JSON: what the parser says, with line and column.
    Json(String),
    /// Nested deeper than [`crate::MAX_DEPTH`].
    TooDeep,
    /// The root is an array, a string, a number or a boolean.
    NotAnObject,
    /// A member has a type that says nothing: its name, and what is expected of it.
    Member(&'static str, &'static str),
}

impl fmt::Display for BadBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BadBody::Empty => f.write_str("expected a JSON body"),
            BadBody::Json(cause) => write!(f, "the body is not JSON: {cause}"),
            BadBody::TooDeep => write!(f, "the body is nested deeper than {} levels", crate::MAX_DEPTH),
            BadBody::NotAnObject => f.write_str("the body must be a JSON object"),
            BadBody::Member(name, expected) => write!(f, "{name} must be {expected}"),
        }
    }
}

impl std::error::Error for BadBody {}

/// Reads the root object of `body` and gives its members to `read`.
pub(crate) fn parse<T>(body: &[u8], read: impl FnOnce(&Members<'_>) -> Result<T, BadBody>) -> Result<T, BadBody> {
    let text = first_value(repair(body))?;
    let text = text.trim_ascii();
    if text.is_empty() {
        return Err(BadBody::Empty);
    }
    read(&Members::of_root(text)?)
}

/// The most members that a root has: known ones are few, and each costs many times what it takes to send it.
const MOST: usize = 1_000;

/// Members by lower-case name, in document order.
pub(crate) struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'a> Members<'a> {
    fn of_root(text: &'a str) -> Result<Self, BadBody> {
        if text.starts_with('{') {
            let mut members =
                object_of(text, MOST).ok_or(BadBody::NotAnObject)?.map_err(|cause| BadBody::Json(cause.to_string()))?;
            members.iter_mut().for_each(|(name, _)| name.make_ascii_lowercase());
            return Ok(Members(members));
        }
        // Only the first value counts, so a scalar is read alone and then judged.
        let root = serde_json::Deserializer::from_str(text).into_iter::<&RawValue>().next();
        match root.transpose().map_err(|cause| BadBody::Json(cause.to_string()))? {
            Some(value) if value.get() == "null" => Ok(Members(Vec::new())),
            Some(_) => Err(BadBody::NotAnObject),
            None => Err(BadBody::Empty),
        }
    }

    /// The member of that (lower-case) name, unless it is absent or `null`.
    pub fn raw(&self, name: &str) -> Option<&'a RawValue> {
        let (_, value) = self.0.iter().rev().find(|(member, _)| member == name)?;
        (value.get() != "null").then_some(*value)
    }

    /// A member that must have one type.
    pub fn typed<T: DeserializeOwned>(&self, name: &'static str, expected: &'static str) -> Result<Option<T>, BadBody> {
        self.raw(name)
            .map(|value| serde_json::from_str(value.get()).map_err(|_| BadBody::Member(name, expected)))
            .transpose()
    }

    /// A text, empty when absent.
    pub fn text(&self, name: &'static str) -> Result<String, BadBody> {
        Ok(self.typed(name, "a string")?.unwrap_or_default())
    }

    /// The members of a member that must be an object; empty when absent. Their names keep their letter case.
    pub fn object(&self, name: &'static str) -> Result<Vec<(String, &'a RawValue)>, BadBody> {
        let Some(value) = self.raw(name) else { return Ok(Vec::new()) };
        match object(value.get()) {
            Some(Ok(members)) => Ok(members),
            Some(Err(_)) | None => Err(BadBody::Member(name, "an object")),
        }
    }
}

/// The members of an object in document order; none if `json` is something else.
pub(crate) fn object(json: &str) -> Option<serde_json::Result<Vec<(String, &RawValue)>>> {
    object_of(json, usize::MAX)
}

/// As [`object`], and an error if it has more members than `most`.
fn object_of(json: &str, most: usize) -> Option<serde_json::Result<Vec<(String, &RawValue)>>> {
    let visitor = ObjectVisitor { most };
    json.starts_with('{').then(|| serde_json::Deserializer::from_str(json).deserialize_map(visitor))
}

/// The items of an array; none if `json` is something else.
pub(crate) fn array(json: &str) -> Option<serde_json::Result<Vec<&RawValue>>> {
    json.starts_with('[').then(|| serde_json::Deserializer::from_str(json).deserialize_seq(ArrayVisitor))
}

struct ObjectVisitor {
    most: usize,
}

impl<'de> Visitor<'de> for ObjectVisitor {
    type Value = Vec<(String, &'de RawValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            if members.len() == self.most {
                return Err(serde::de::Error::custom(format_args!("more than {} members", self.most)));
            }
            members.push(member);
        }
        Ok(members)
    }
}

struct ArrayVisitor;

impl<'de> Visitor<'de> for ArrayVisitor {
    type Value = Vec<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(items)
    }
}

/// A scalar as text: numbers and booleans as they are written, `null` empty. Arrays and objects are no scalars.
pub(crate) fn scalar(value: &RawValue) -> Option<String> {
    match value.get().as_bytes().first()? {
        b'"' => serde_json::from_str(value.get()).ok(),
        b'n' => Some(String::new()),
        b'[' | b'{' => None,
        _ => Some(value.get().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node_key(body: &[u8]) -> Result<String, BadBody> {
        parse(body, |members| members.text("node_key"))
    }

    #[test]
    fn check_38_null_is_an_empty_object_and_only_the_first_value_counts() {
        assert_eq!(node_key(b"null"), Ok(String::new()));
        assert_eq!(node_key(b" null and more"), Ok(String::new()));
        assert_eq!(node_key(br#"{"node_key":"k"} trailing {"#), Ok("k".into()));
        for other in ["[]", "\"x\"", "7", "true", "[1] {}"] {
            assert_eq!(node_key(other.as_bytes()), Err(BadBody::NotAnObject), "{other}");
        }
    }

    #[test]
    fn names_match_in_any_case_and_the_last_wins() {
        assert_eq!(node_key(br#"{"Node_Key":"k"}"#), Ok("k".into()));
        assert_eq!(node_key(br#"{"node_key":"a","NODE_KEY":"b"}"#), Ok("b".into()));
    }

    #[test]
    fn a_null_member_is_absent() {
        assert_eq!(node_key(br#"{"node_key":null}"#), Ok(String::new()));
    }

    #[test]
    fn what_is_not_json_is_said() {
        assert_eq!(node_key(b""), Err(BadBody::Empty));
        assert_eq!(node_key(b" \n"), Err(BadBody::Empty));
        assert_eq!(node_key(br#"{"node_key":3}"#), Err(BadBody::Member("node_key", "a string")));
        for broken in [&b"{"[..], b"{\"node_key\":\"k\"", b"{\"node_key\":\"a\nb\"}", b"<html>", b"}", b"{]"] {
            assert!(matches!(node_key(broken), Err(BadBody::Json(_))), "{broken:?}");
        }
    }

    #[test]
    fn ten_thousand_levels_are_a_clean_refusal() {
        let deep = format!("{{\"node_key\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000));
        assert_eq!(node_key(deep.as_bytes()), Err(BadBody::TooDeep));
    }
}
