//! The buffer of log lines: written before anything is sent, deleted after the server has acknowledged them.

use rusqlite::{Connection, Transaction, params};

use super::{Result, State};

/// What a line is. Results and status lines never wait for each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Result = 0,
    Status = 1,
}

/// A buffered line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Grows with every line; never used again.
    pub id: i64,
    /// One JSON object.
    pub text: String,
}

/// What the buffer may hold of each kind. Above it the oldest lines are dropped.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub lines: u64,
    pub bytes: u64,
}

/// What the buffer holds of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Held {
    lines: u64,
    bytes: u64,
}

impl State {
    /// Appends lines and returns how many of the oldest were dropped to keep the limits.
    pub fn append_lines(&self, kind: Kind, lines: &[String], limits: Limits) -> Result<u64> {
        let mut connection = self.connection();
        let transaction = connection.transaction()?;
        let mut held = self.held()[kind as usize];
        insert(&transaction, kind, lines, &mut held)?;
        let dropped = drop_oldest(&transaction, kind, limits, &mut held)?;
        transaction.commit()?;
        self.held()[kind as usize] = held;
        Ok(dropped)
    }

    /// The oldest lines: at most `max_lines`, and at most `max_bytes` unless the first alone is larger.
    pub fn oldest_lines(&self, kind: Kind, max_lines: u64, max_bytes: u64) -> Result<Vec<Line>> {
        let connection = self.connection();
        let mut select = connection.prepare_cached("SELECT id, text FROM line WHERE kind = ? ORDER BY id LIMIT ?")?;
        let mut rows = select.query(params![kind as i64, max_lines.cast_signed()])?;
        let (mut lines, mut bytes) = (Vec::new(), 0);
        while let Some(row) = rows.next()? {
            let line = Line { id: row.get(0)?, text: row.get(1)? };
            bytes += line.text.len() as u64;
            if bytes > max_bytes && !lines.is_empty() {
                break;
            }
            lines.push(line);
        }
        Ok(lines)
    }

    /// Deletes the lines up to `last`, after the server has acknowledged them.
    pub fn delete_lines(&self, kind: Kind, last: i64) -> Result<()> {
        let mut connection = self.connection();
        let transaction = connection.transaction()?;
        let mut held = self.held()[kind as usize];
        delete_up_to(&transaction, kind, last, &mut held)?;
        transaction.commit()?;
        self.held()[kind as usize] = held;
        Ok(())
    }

    /// How many lines wait.
    pub fn waiting_lines(&self, kind: Kind) -> u64 {
        self.held()[kind as usize].lines
    }
}

/// What each kind holds, by reading all of it.
pub(super) fn count(connection: &Connection) -> Result<[Held; 2]> {
    let mut held = [Held::default(); 2];
    for kind in [Kind::Result, Kind::Status] {
        let sum = "SELECT count(*), coalesce(sum(length(CAST(text AS BLOB))), 0) FROM line WHERE kind = ?";
        held[kind as usize] = connection.query_row(sum, [kind as i64], held_of)?;
    }
    Ok(held)
}

/// Appends lines within somebody's transaction.
pub(super) fn insert(transaction: &Transaction<'_>, kind: Kind, lines: &[String], held: &mut Held) -> Result<()> {
    let mut insert = transaction.prepare_cached("INSERT INTO line (kind, text) VALUES (?, ?)")?;
    for line in lines {
        insert.execute(params![kind as i64, line])?;
        held.lines += 1;
        held.bytes += line.len() as u64;
    }
    Ok(())
}

/// Drops the oldest lines until the limits are kept; the newest line always stays.
pub(super) fn drop_oldest(transaction: &Transaction<'_>, kind: Kind, limits: Limits, held: &mut Held) -> Result<u64> {
    let before = held.lines;
    while held.lines > 1 && (held.lines > limits.lines || held.bytes > limits.bytes) {
        let surplus = held.lines.saturating_sub(limits.lines).clamp(1, held.lines - 1);
        let find = "SELECT id FROM line WHERE kind = ? ORDER BY id LIMIT 1 OFFSET ?";
        let last = transaction
            .prepare_cached(find)?
            .query_row(params![kind as i64, (surplus - 1).cast_signed()], |row| row.get(0))?;
        delete_up_to(transaction, kind, last, held)?;
    }
    Ok(before - held.lines)
}

fn delete_up_to(transaction: &Transaction<'_>, kind: Kind, last: i64, held: &mut Held) -> Result<()> {
    let range = params![kind as i64, last];
    let sum = "SELECT count(*), coalesce(sum(length(CAST(text AS BLOB))), 0) FROM line WHERE kind = ? AND id <= ?";
    let gone = transaction.prepare_cached(sum)?.query_row(range, held_of)?;
    transaction.prepare_cached("DELETE FROM line WHERE kind = ? AND id <= ?")?.execute(range)?;
    held.lines = held.lines.saturating_sub(gone.lines);
    held.bytes = held.bytes.saturating_sub(gone.bytes);
    Ok(())
}

fn held_of(row: &rusqlite::Row<'_>) -> rusqlite::Result<Held> {
    Ok(Held { lines: row.get::<_, i64>(0)?.cast_unsigned(), bytes: row.get::<_, i64>(1)?.cast_unsigned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDE: Limits = Limits { lines: 1000, bytes: 1 << 20 };

    fn texts(lines: &[Line]) -> Vec<&str> {
        lines.iter().map(|line| line.text.as_str()).collect()
    }

    fn append(state: &State, kind: Kind, lines: &[&str], limits: Limits) -> u64 {
        let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        state.append_lines(kind, &lines, limits).unwrap()
    }

    #[test]
    fn lines_wait_over_a_restart_until_they_are_deleted() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::open(folder.path()).unwrap();
        append(&state, Kind::Result, &["a", "b", "c"], WIDE);
        append(&state, Kind::Status, &["s"], WIDE);
        drop(state);
        let state = State::open(folder.path()).unwrap();
        assert_eq!((state.waiting_lines(Kind::Result), state.waiting_lines(Kind::Status)), (3, 1));
        let lines = state.oldest_lines(Kind::Result, 2, 100).unwrap();
        assert_eq!(texts(&lines), ["a", "b"]);
        state.delete_lines(Kind::Result, lines[1].id).unwrap();
        assert_eq!(texts(&state.oldest_lines(Kind::Result, 9, 100).unwrap()), ["c"]);
        assert_eq!(state.waiting_lines(Kind::Status), 1);
    }

    #[test]
    fn a_batch_keeps_its_size_but_is_never_empty() {
        let state = State::in_memory().unwrap();
        append(&state, Kind::Result, &["1234567", "abc", "def"], WIDE);
        assert_eq!(texts(&state.oldest_lines(Kind::Result, 9, 3).unwrap()), ["1234567"]);
        assert_eq!(texts(&state.oldest_lines(Kind::Result, 9, 10).unwrap()), ["1234567", "abc"]);
    }

    #[test]
    fn above_a_limit_the_oldest_go() {
        let state = State::in_memory().unwrap();
        assert_eq!(append(&state, Kind::Result, &["a", "b", "c"], Limits { lines: 2, bytes: 100 }), 1);
        assert_eq!(append(&state, Kind::Result, &["dddd"], Limits { lines: 9, bytes: 5 }), 1);
        assert_eq!(texts(&state.oldest_lines(Kind::Result, 9, 100).unwrap()), ["c", "dddd"]);
        assert_eq!(append(&state, Kind::Result, &["larger than all"], Limits { lines: 9, bytes: 5 }), 2);
        assert_eq!(texts(&state.oldest_lines(Kind::Result, 9, 100).unwrap()), ["larger than all"]);
        assert_eq!(state.waiting_lines(Kind::Result), 1);
        assert_eq!(count(&state.connection()).unwrap(), *state.held());
    }
}
