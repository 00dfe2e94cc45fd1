//! Sending a carved file.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::{Reply, TestHost};

impl TestHost {
    /// Announces a carve of so many bytes.
    pub async fn carve_begin(&self, size: usize, block_size: usize, request_id: &str) -> Reply {
        let body = json!({"node_key": self.key(), "block_count": size.div_ceil(block_size), "block_size": block_size,
            "carve_size": size, "carve_id": format!("carve-{request_id}"), "request_id": request_id});
        self.post("carve/begin", &body).await
    }

    /// Sends one block; without a node key, as osqueryd does.
    pub async fn carve_block(&self, session: &str, request_id: &str, number: usize, data: &[u8]) -> Reply {
        let data = STANDARD.encode(data);
        let body = json!({"block_id": number, "session_id": session, "request_id": request_id, "data": data});
        self.post("carve/block", &body).await
    }

    /// Sends a whole file. Gives the session.
    pub async fn carve(&self, bytes: &[u8], block_size: usize, request_id: &str) -> String {
        let begun = self.carve_begin(bytes.len(), block_size, request_id).await.done();
        let session = begun["session_id"].as_str().expect("a carve has a session").to_owned();
        for (number, block) in bytes.chunks(block_size).enumerate() {
            self.carve_block(&session, request_id, number, block).await.done();
        }
        session
    }
}
