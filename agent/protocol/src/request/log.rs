//! `log`: result and status lines, each kept as it was received.

use serde_json::value::RawValue;

use crate::BadBody;
use crate::members;

#[derive(Clone, Debug)]
pub struct LogPost {
    /// Empty when absent.
    pub node_key: String,
    /// `result` or `status` from a sound host; empty when absent.
    pub log_type: String,
    /// Every item of `data` with its bytes as received, of whatever type it is. Only invalid UTF-8 and lone surrogate
    /// escapes were replaced (by U+FFFD), which is the same at every repeat.
    pub data: Vec<Box<RawValue>>,
}

impl LogPost {
    /// `data` that is absent, `null` or empty is no lines. Errors: `data` is something else than an array.
    pub fn parse(body: &[u8]) -> Result<Self, BadBody> {
        members::parse(body, |members| {
            let data = match members.raw("data").map(|data| members::array(data.get())) {
                None => Vec::new(),
                Some(Some(Ok(items))) => items.into_iter().map(ToOwned::to_owned).collect(),
                Some(Some(Err(_)) | None) => return Err(BadBody::Member("data", "an array")),
            };
            Ok(LogPost { node_key: members.text("node_key")?, log_type: members.text("log_type")?, data })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(body: &[u8]) -> Vec<String> {
        LogPost::parse(body).unwrap().data.iter().map(|line| line.get().to_owned()).collect()
    }

    #[test]
    fn lines_keep_their_bytes() {
        let line = r#"{"name":"pack/Global/usb",  "unixTime":"1748858400","columns":{"b":"\u0041\/","a":1.0}}"#;
        let body = format!(r#"{{"node_key":"k","log_type":"result","data":[ {line} ,{line}, 7, null]}}"#);
        assert_eq!(lines(body.as_bytes()), [line, line, "7", "null"]);
        let post = LogPost::parse(body.as_bytes()).unwrap();
        assert_eq!((post.node_key.as_str(), post.log_type.as_str()), ("k", "result"));
    }

    #[test]
    fn check_17_invalid_utf_8_spoils_only_its_own_value() {
        let body = b"{\"node_key\":\"k\",\"log_type\":\"result\",\"data\":[{\"a\":\"x\xff\xfey\"},{\"a\":\"fine\"}]}";
        assert_eq!(lines(body), ["{\"a\":\"x\u{fffd}\u{fffd}y\"}", r#"{"a":"fine"}"#]);
    }

    #[test]
    fn check_40_no_lines_are_no_error() {
        for body in
            [r#"{"log_type":"result"}"#, r#"{"log_type":"result","data":null}"#, r#"{"log_type":"result","data":[]}"#]
        {
            assert!(lines(body.as_bytes()).is_empty(), "{body}");
        }
        for body in [r#"{"data":{}}"#, r#"{"data":"x"}"#, r#"{"data":3}"#] {
            assert_eq!(LogPost::parse(body.as_bytes()).err(), Some(BadBody::Member("data", "an array")), "{body}");
        }
    }

    #[test]
    fn a_large_line_passes() {
        let line = format!(r#"{{"a":"{}"}}"#, "x".repeat(900 << 10));
        let body = format!(r#"{{"node_key":"k","log_type":"result","data":[{line}]}}"#);
        assert_eq!(lines(body.as_bytes()), [line]);
    }
}
