//! `muster.results` and `muster.status`: log lines of hosts, as osquery sent them.

use super::{Encoded, Unreadable, header, parsed};
use crate::{Digest, HostId, QueryId, Timestamp};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineKind {
    /// A row or snapshot of a scheduled query.
    Result,
    Status,
}

/// One line.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    pub kind: LineKind,
    pub host: HostId,
    /// The same line, sent again after a lost reply, has the same id: see [`Line::id_of`].
    pub id: Digest,
    pub recorded: Timestamp,
    /// The saved query that the line's name stands for.
    pub query: Option<QueryId>,
    /// One JSON object.
    pub value: Vec<u8>,
}

impl Line {
    /// SHA-256 of the host, the line's bytes as received, and its number among equal lines of the same post.
    pub fn id_of(host: HostId, line: &[u8], number: u32) -> Digest {
        let mut bytes = Vec::with_capacity(line.len() + 8);
        bytes.extend_from_slice(&host.0.to_be_bytes());
        bytes.extend_from_slice(&number.to_be_bytes());
        bytes.extend_from_slice(line);
        Digest::of(bytes)
    }

    pub fn encode(&self) -> Encoded {
        let header = |name: &str, value: String| (name.to_owned(), value);
        let kind = match self.kind {
            LineKind::Result => "result.logged",
            LineKind::Status => "status.logged",
        };
        let mut headers = vec![
            header("ce_specversion", "1.0".to_owned()),
            header("ce_id", self.id.to_string()),
            header("ce_type", kind.to_owned()),
            header("ce_subject", format!("host/{}", self.host)),
            header("ce_time", self.recorded.to_rfc3339()),
            header("host", self.host.to_string()),
            header("recorded", self.recorded.micros().to_string()),
        ];
        headers.extend(self.query.map(|query| header("query", query.to_string())));
        Encoded { headers, value: self.value.clone() }
    }

    pub fn decode(headers: &[(String, String)], value: &[u8]) -> Result<Line, Unreadable> {
        let id = header(headers, "ce_id")?;
        Ok(Line {
            kind: match header(headers, "ce_type")? {
                "result.logged" => LineKind::Result,
                "status.logged" => LineKind::Status,
                other => return Err(Unreadable(format!("line type {other:?}"))),
            },
            host: parsed(headers, "host")?,
            id: Digest::parse_hex(id).ok_or_else(|| Unreadable(format!("line id {id:?}")))?,
            recorded: Timestamp::from_micros(parsed(headers, "recorded")?),
            query: header(headers, "query")
                .ok()
                .map(str::parse)
                .transpose()
                .map_err(|_| Unreadable("header \"query\"".to_owned()))?,
            value: value.to_vec(),
        })
    }
}
