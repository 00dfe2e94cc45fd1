//! The one right way to read up to the end, so that nobody mistakes a gap between positions for missing records.

use crate::{Log, Partition, Position, ReadError, Record};

/// Records and bytes asked for at once.
const RECORDS: usize = 1000;
const BYTES: usize = 4 * 1024 * 1024;

/// Asks for the end and reads all that lies between `from` and there.
///
/// Returns the records and the position to read from next; more than the end promised may have come along.
pub async fn read_to_end(
    log: &dyn Log,
    partition: Partition,
    from: Position,
) -> Result<(Vec<Record>, Position), ReadError> {
    let end = log.end(partition).await?;
    let mut records = Vec::new();
    let mut next = from;
    while next < end {
        let batch = log.read(partition, next, RECORDS, BYTES).await?;
        match batch.last() {
            Some(last) => next = last.position + 1,
            None => next = end,
        }
        records.extend(batch);
    }
    Ok((records, next))
}
