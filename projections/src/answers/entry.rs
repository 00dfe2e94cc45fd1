//! An answer as an entry of a live stream: a line of JSON, then the packed rows if they are small.

use bytes::Bytes;
use domain::records::AnswerState;
use domain::{HostId, Timestamp};
use infra_live::Entry;
use serde::{Deserialize, Serialize};

use super::HostAnswer;
use crate::packed::unpack;

/// Packed rows over this stay out of the stream: whoever reads it fetches the answer from the view.
const INLINE: usize = 16 * 1024;

#[derive(Serialize, Deserialize)]
struct Head {
    host: HostId,
    recorded: Timestamp,
    state: String,
    error: String,
    stats: String,
    row_count: u64,
    cut: bool,
    inline: bool,
}

pub(crate) fn encode(answer: &HostAnswer, packed: &[u8]) -> Bytes {
    let inline = packed.len() <= INLINE;
    let head = Head {
        host: answer.host,
        recorded: answer.recorded,
        state: answer.state.name().to_owned(),
        error: answer.error.clone(),
        stats: answer.stats.clone(),
        row_count: answer.row_count,
        cut: answer.cut,
        inline,
    };
    let mut value = serde_json::to_vec(&head).expect("a head is plain data with text keys");
    value.push(b'\n');
    if inline {
        value.extend_from_slice(packed);
    }
    value.into()
}

/// `None` when the rows are not in the entry, or when another release wrote it: the view has the answer.
pub(crate) fn decode(entry: &Entry) -> Option<HostAnswer> {
    let end = entry.value.iter().position(|byte| *byte == b'\n')?;
    let head: Head = serde_json::from_slice(&entry.value[..end]).ok()?;
    if !head.inline {
        return None;
    }
    Some(HostAnswer {
        position: entry.id,
        host: head.host,
        recorded: head.recorded,
        state: AnswerState::parse(&head.state)?,
        error: head.error,
        stats: head.stats,
        row_count: head.row_count,
        cut: head.cut,
        rows: unpack(&entry.value[end + 1..])?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packed::pack;

    fn answer(rows: Vec<u8>) -> HostAnswer {
        HostAnswer {
            position: 9,
            host: HostId(4),
            recorded: Timestamp::from_secs(5),
            state: AnswerState::Rows,
            error: "a\nb".into(),
            stats: "null".into(),
            row_count: 1,
            cut: true,
            rows,
        }
    }

    fn through(answer: &HostAnswer) -> Option<HostAnswer> {
        let value = encode(answer, &pack(&answer.rows));
        decode(&Entry { id: answer.position, prev: None, value })
    }

    #[test]
    fn a_small_answer_is_in_the_entry() {
        let small = answer(br#"[{"a":"1\n"}]"#.to_vec());
        assert_eq!(through(&small), Some(small));
    }

    #[test]
    fn a_large_answer_is_left_to_the_view() {
        let noise: Vec<u8> = (0..INLINE as u32 / 16).flat_map(|at| domain::Digest::of(at.to_be_bytes()).0).collect();
        assert_eq!(through(&answer(noise)), None);
    }
}
