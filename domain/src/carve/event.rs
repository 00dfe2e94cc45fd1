//! What is recorded of a carve.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{BLOCK_LIMIT, SIZE_LIMIT};
use crate::{CarveId, Digest, HostId, Refusal};

/// What the host announced.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    pub block_count: u64,
    pub block_size: u64,
    pub carve_size: u64,
    /// The guid in the host's own `carves` row.
    pub carve_id: String,
    pub request_id: String,
}

impl Plan {
    /// The number of blocks must be the least that holds the size.
    pub fn check(&self) -> Result<(), Refusal> {
        let bad = |reason: &str| Err(Refusal::Malformed(format!("carve refused: {reason}")));
        if self.carve_size == 0 || self.carve_size > SIZE_LIMIT {
            return bad("carve_size must be between 1 byte and 8 GiB");
        }
        if self.block_size == 0 || self.block_size > BLOCK_LIMIT {
            return bad("block_size must be between 1 byte and 256 MiB");
        }
        if self.block_count != self.carve_size.div_ceil(self.block_size) {
            return bad("block_count does not fit carve_size and block_size");
        }
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Outcome {
    /// All blocks are stored; SHA-256 of the whole.
    Complete { sha256: Digest },
    /// It cannot be completed any more; says why.
    Broken { reason: String },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Begun {
    pub carve: CarveId,
    pub host: HostId,
    pub plan: Plan,
    /// SHA-256 of the session id, which is the only proof that a block carries.
    pub session: Digest,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ended {
    pub carve: CarveId,
    pub outcome: Outcome,
}
