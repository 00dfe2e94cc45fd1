//! What hosts say to a server, read leniently: `parse(body)` on each type.
//!
//! Every `parse` repairs invalid UTF-8, reads the first JSON value only, matches the names of top-level members in any
//! letter case and takes `null` for absent. An absent or `null` `node_key` is the empty string, which no host has.
//! A refusal ([`crate::BadBody`]) must reach the host with a top-level `error`, else it deletes what it sent.
//!
//! Decompression and the size limit are the caller's: gzip is honoured when `Content-Encoding` is exactly `gzip`.

mod carve;
mod distributed;
mod enroll;
mod log;
mod node;

pub use carve::{CarveBegin, CarveBlock};
pub use distributed::{DistributedWrite, QueryAnswer, Stats};
pub use enroll::{EnrollRequest, HostDetails};
pub use log::LogPost;
pub use node::{ConfigRequest, NodeRequest};
