//! `carve/begin` and `carve/block`: a file of the host, in numbered blocks.

use crate::BadBody;
use crate::members::{self, Members, scalar};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CarveBegin {
    /// Empty when absent.
    pub node_key: String,
    /// Blocks to come.
    pub block_count: u64,
    /// Bytes in every block but the last.
    pub block_size: u64,
    /// Bytes in all.
    pub carve_size: u64,
    /// `carve_guid` of the query's result row; empty when absent.
    pub carve_id: String,
    /// Made by the host; not the name of a query. Empty when absent.
    pub request_id: String,
}

impl CarveBegin {
    /// Errors: a size is absent, negative, fractional or no number. Whether the sizes agree is the caller's question.
    pub fn parse(body: &[u8]) -> Result<Self, BadBody> {
        members::parse(body, |members| {
            Ok(CarveBegin {
                node_key: members.text("node_key")?,
                block_count: whole(members, "block_count")?,
                block_size: whole(members, "block_size")?,
                carve_size: whole(members, "carve_size")?,
                carve_id: members.text("carve_id")?,
                request_id: members.text("request_id")?,
            })
        })
    }
}

/// A block carries no node key, and one that is there is not looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CarveBlock {
    pub session_id: String,
    pub request_id: String,
    /// From 0.
    pub block_id: u64,
    /// Standard base64, not yet decoded; empty when absent.
    pub data: String,
}

impl CarveBlock {
    pub fn parse(body: &[u8]) -> Result<Self, BadBody> {
        members::parse(body, |members| {
            Ok(CarveBlock {
                session_id: members.text("session_id")?,
                request_id: members.text("request_id")?,
                block_id: whole(members, "block_id")?,
                data: members.text("data")?,
            })
        })
    }
}

/// A whole number, written as a number or as text.
fn whole(members: &Members<'_>, name: &'static str) -> Result<u64, BadBody> {
    let number = members.raw(name).and_then(scalar).and_then(|text| text.parse().ok());
    number.ok_or(BadBody::Member(name, "a whole number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_begin_and_its_block() {
        let begin = CarveBegin::parse(br#"{"node_key":"k","block_count":2,"block_size":8192,"carve_size":"10000","carve_id":"c","request_id":"r"}"#).unwrap();
        assert_eq!((begin.block_count, begin.block_size, begin.carve_size), (2, 8192, 10_000));
        assert_eq!((begin.carve_id.as_str(), begin.request_id.as_str()), ("c", "r"));
        let block =
            CarveBlock::parse(br#"{"block_id":1,"session_id":"s","request_id":"r","data":"AAEC","node_key":{}}"#)
                .unwrap();
        assert_eq!((block.block_id, block.session_id.as_str(), block.data.as_str()), (1, "s", "AAEC"));
    }

    #[test]
    fn sizes_must_be_whole() {
        for size in ["-1", "0.5", "null", "\"x\"", "[]", "1e3", "99999999999999999999"] {
            let body = format!(r#"{{"block_count":{size},"block_size":1,"carve_size":1}}"#);
            assert_eq!(
                CarveBegin::parse(body.as_bytes()),
                Err(BadBody::Member("block_count", "a whole number")),
                "{size}"
            );
        }
        assert_eq!(CarveBlock::parse(b"{}"), Err(BadBody::Member("block_id", "a whole number")));
    }
}
