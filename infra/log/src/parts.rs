//! Values larger than a record: cut into numbered parts on the way in, joined on the way out.
//!
//! Parts of one value stand in one partition, each with the headers `part` (from 1), `parts` and `part_of`.
//! Others' records may lie between them, and any part may be there twice; a value whose writer gave up half-way is
//! never complete, and is dropped in the end.

mod joiner;

use crate::{AppendError, Draft, RECORD_LIMIT};

pub use joiner::{Joined, Joiner};

pub const PART: &str = "part";
pub const PARTS: &str = "parts";
pub const PART_OF: &str = "part_of";

/// Cuts a draft into as few records as hold it; one that fits stays as it is.
///
/// `id` names this value among all of its partition; the same value appended again after a lost answer takes the same
/// id, so that its parts are known as duplicates. An envelope's id serves.
/// Every part repeats the key and the headers, so that readers can pick by them.
///
/// Errors: `TooLarge` when key and headers alone leave no room.
pub fn split(draft: Draft, id: &str) -> Result<Vec<Draft>, AppendError> {
    split_at(draft, id, RECORD_LIMIT)
}

fn split_at(draft: Draft, id: &str, limit: usize) -> Result<Vec<Draft>, AppendError> {
    let size = draft.size();
    if size <= limit {
        return Ok(vec![draft]);
    }
    let numbers = 2 * draft.value.len().to_string().len(); // never more parts than bytes
    let overhead = size - draft.value.len() + PART.len() + PARTS.len() + PART_OF.len() + id.len() + numbers;
    let room = limit.saturating_sub(overhead);
    if room == 0 {
        return Err(AppendError::TooLarge { size });
    }
    let parts = draft.value.len().div_ceil(room);
    let part = |number: usize| {
        let until = draft.value.len().min((number + 1) * room);
        let mut headers = draft.headers.clone();
        headers.push((PART.into(), (number + 1).to_string()));
        headers.push((PARTS.into(), parts.to_string()));
        headers.push((PART_OF.into(), id.into()));
        Draft { key: draft.key.clone(), headers, value: draft.value.slice(number * room..until) }
    };
    Ok((0..parts).map(part).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(len: usize) -> Draft {
        let value: Vec<u8> = (0..len).map(|at| (at % 251) as u8).collect();
        Draft { key: Some("k".into()), headers: vec![("host".into(), "7".into())], value: value.into() }
    }

    #[test]
    fn a_draft_that_fits_is_left_alone() {
        assert_eq!(split_at(draft(94), "id", 100).unwrap(), [draft(94)]);
    }

    #[test]
    fn parts_fit_are_numbered_and_hold_the_value() {
        for (len, limit) in [(96, 100), (1000, 60), (5000, 61), (100_000, 1000)] {
            let parts = split_at(draft(len), "id", limit).unwrap();
            assert!(parts.len() > 1);
            assert!(parts.iter().all(|part| part.size() <= limit), "{len} at {limit}");
            let whole: Vec<u8> = parts.iter().flat_map(|part| part.value.to_vec()).collect();
            assert_eq!(whole, draft(len).value);
            for (index, part) in parts.iter().enumerate() {
                assert_eq!(part.key, draft(0).key);
                let names: Vec<_> = part.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
                let (number, count) = ((index + 1).to_string(), parts.len().to_string());
                assert_eq!(
                    names,
                    [("host", "7"), ("part", number.as_str()), ("parts", count.as_str()), ("part_of", "id")]
                );
            }
        }
    }

    #[test]
    fn headers_that_leave_no_room_are_refused() {
        let mut draft = draft(10);
        draft.headers.push(("ce_subject".into(), "s".repeat(100)));
        assert!(matches!(split_at(draft, "id", 100), Err(AppendError::TooLarge { size: 126 })));
    }

    #[test]
    fn the_real_limit_is_used() {
        assert_eq!(split(draft(RECORD_LIMIT), "id").unwrap().len(), 2);
    }
}
