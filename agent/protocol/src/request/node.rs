//! Requests that carry the node key and little else.

use crate::BadBody;
use crate::members;

/// `distributed/read` and `yara/{name}`: the key alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeRequest {
    /// Empty when absent.
    pub node_key: String,
}

impl NodeRequest {
    pub fn parse(body: &[u8]) -> Result<Self, BadBody> {
        members::parse(body, |members| Ok(NodeRequest { node_key: members.text("node_key")? }))
    }
}

/// `config`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigRequest {
    /// Empty when absent.
    pub node_key: String,
    /// The hash of the document that the host holds: hex SHA-256 of the body bytes it last received.
    /// Equal to the present one, the answer is [`crate::reply::UNCHANGED`].
    pub etag: Option<String>,
}

impl ConfigRequest {
    /// An `etag` that is no string is taken for absent: the worst that follows is a full document.
    pub fn parse(body: &[u8]) -> Result<Self, BadBody> {
        members::parse(body, |members| {
            let etag = members.typed("etag", "a string").unwrap_or(None);
            Ok(ConfigRequest { node_key: members.text("node_key")?, etag })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_etag_is_optional_and_never_refused() {
        let parse = |body: &str| ConfigRequest::parse(body.as_bytes()).unwrap();
        assert_eq!(
            parse(r#"{"node_key":"k","etag":"ab"}"#),
            ConfigRequest { node_key: "k".into(), etag: Some("ab".into()) }
        );
        assert_eq!(parse(r#"{"node_key":"k"}"#).etag, None);
        assert_eq!(parse(r#"{"node_key":"k","etag":7}"#).etag, None);
        assert_eq!(parse("null").node_key, "");
    }

    #[test]
    fn a_key_of_another_type_is_refused() {
        assert_eq!(NodeRequest::parse(br#"{"node_key":[]}"#), Err(BadBody::Member("node_key", "a string")));
        assert_eq!(NodeRequest::parse(br#"{"node_key":"k","x":{}}"#).unwrap().node_key, "k");
    }
}
