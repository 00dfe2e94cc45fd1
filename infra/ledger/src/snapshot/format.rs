//! The bytes of a snapshot: a line that says what it is, a line of JSON, the body in zstd, and SHA-256 of all before.

use domain::Digest;
use infra_log::{Partition, Topic};
use serde::{Deserialize, Serialize};

use super::{Snapshot, Unusable};

const MAGIC: &[u8] = b"muster snapshot 1\n";
const CHECKSUM: usize = 32;
/// Fast; folds are JSON and shrink to a tenth all the same.
const LEVEL: i32 = 3;

#[derive(Serialize, Deserialize)]
struct Head {
    kind: String,
    fold_version: u32,
    topic: String,
    partition: u32,
    position: u64,
    last_record_id: Digest,
}

impl Snapshot {
    /// The bytes to store.
    pub fn encode(&self) -> Vec<u8> {
        let head = Head {
            kind: self.kind.clone(),
            fold_version: self.fold_version,
            topic: self.partition.topic.name().to_owned(),
            partition: self.partition.index,
            position: self.position,
            last_record_id: self.last_record_id,
        };
        let mut bytes = MAGIC.to_vec();
        serde_json::to_writer(&mut bytes, &head).expect("plain data with text keys, into memory");
        bytes.push(b'\n');
        bytes.extend(zstd::bulk::compress(&self.body, LEVEL).expect("memory to memory cannot fail"));
        let checksum = Digest::of(&bytes);
        bytes.extend(checksum.0);
        bytes
    }

    /// Reads stored bytes; the text of the error says what is wrong with them.
    pub fn decode(bytes: &[u8]) -> Result<Snapshot, Unusable> {
        let torn = || Unusable("it is torn".to_owned());
        if !bytes.starts_with(MAGIC) {
            return Err(Unusable("it is no snapshot of this format".to_owned()));
        }
        let (content, checksum) = bytes.split_last_chunk::<CHECKSUM>().ok_or_else(torn)?;
        if Digest::of(content).0 != *checksum {
            return Err(torn());
        }
        let content = content.get(MAGIC.len()..).ok_or_else(torn)?;
        let line = content.iter().position(|byte| *byte == b'\n').ok_or_else(torn)?;
        let head: Head = serde_json::from_slice(&content[..line]).map_err(|error| Unusable(error.to_string()))?;
        let topic = Topic::ALL.into_iter().find(|topic| topic.name() == head.topic);
        let topic = topic.ok_or_else(|| Unusable(format!("it is of an unknown topic {:?}", head.topic)))?;
        let body = zstd::stream::decode_all(&content[line + 1..]).map_err(|error| Unusable(error.to_string()))?;
        Ok(Snapshot {
            kind: head.kind,
            fold_version: head.fold_version,
            partition: Partition { topic, index: head.partition },
            position: head.position,
            last_record_id: head.last_record_id,
            body: body.into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot() -> Snapshot {
        Snapshot {
            kind: "hosts".to_owned(),
            fold_version: 3,
            partition: Partition { topic: Topic::Hosts, index: 7 },
            position: 41,
            last_record_id: Digest::of("record"),
            body: "a fold\nof several lines".into(),
        }
    }

    #[test]
    fn what_was_encoded_decodes() {
        assert_eq!(Snapshot::decode(&snapshot().encode()), Ok(snapshot()));
        let empty = Snapshot { body: "".into(), ..snapshot() };
        assert_eq!(Snapshot::decode(&empty.encode()), Ok(empty));
    }

    #[test]
    fn no_torn_or_bent_snapshot_is_taken_for_a_whole_one() {
        let bytes = snapshot().encode();
        for length in 0..bytes.len() {
            assert!(Snapshot::decode(&bytes[..length]).is_err(), "cut at {length}");
        }
        for at in 0..bytes.len() {
            let mut bent = bytes.clone();
            bent[at] ^= 1;
            assert!(Snapshot::decode(&bent).is_err(), "bent at {at}");
        }
    }
}
