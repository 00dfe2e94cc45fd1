//! What a differential query returned last, kept in one step with the lines that told the server of it.

use agent_protocol::Row;
use rusqlite::{OptionalExtension, params};

use super::lines::{self, Kind, Limits};
use super::{Result, State, StateError};

/// The last result of a differential query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Memory {
    pub sql: String,
    pub epoch: u64,
    /// Runs since the first of its epoch and text.
    pub counter: u64,
    pub rows: Vec<Row>,
}

/// What a run leaves behind.
pub struct Outcome<'a> {
    pub name: &'a str,
    pub sql: &'a str,
    pub epoch: u64,
    pub counter: u64,
    /// Seconds since 1970.
    pub ran_at: u64,
    /// The whole result, unless it is the one remembered.
    pub rows: Option<&'a [Row]>,
}

impl State {
    /// The last result of the query of that name, if it ever ran.
    pub fn memory(&self, name: &str) -> Result<Option<Memory>> {
        let connection = self.connection();
        let mut select = connection.prepare_cached("SELECT sql, epoch, counter, rows FROM outcome WHERE name = ?")?;
        let found: Option<(String, i64, i64, String)> =
            select.query_row([name], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))).optional()?;
        let Some((sql, epoch, counter, rows)) = found else { return Ok(None) };
        let rows = serde_json::from_str(&rows).map_err(|cause| StateError::Rows { name: name.to_owned(), cause })?;
        Ok(Some(Memory { sql, epoch: epoch.cast_unsigned(), counter: counter.cast_unsigned(), rows }))
    }

    /// Remembers a run and buffers its lines, both or neither. Returns how many of the oldest lines were dropped.
    pub fn remember(&self, outcome: &Outcome<'_>, lines: &[String], limits: Limits) -> Result<u64> {
        let mut connection = self.connection();
        let transaction = connection.transaction()?;
        let numbers = [outcome.epoch, outcome.counter, outcome.ran_at].map(u64::cast_signed);
        match outcome.rows {
            Some(rows) => {
                let rows = serde_json::to_string(rows)
                    .map_err(|cause| StateError::Rows { name: outcome.name.to_owned(), cause })?;
                let keep = "INSERT OR REPLACE INTO outcome (name, sql, epoch, counter, ran_at, rows) VALUES (?, ?, ?, ?, ?, ?)";
                let [epoch, counter, ran_at] = numbers;
                transaction.prepare_cached(keep)?.execute(params![
                    outcome.name,
                    outcome.sql,
                    epoch,
                    counter,
                    ran_at,
                    rows
                ])?;
            }
            None => {
                let keep = "UPDATE outcome SET epoch = ?, counter = ?, ran_at = ?, sql = ? WHERE name = ?";
                let [epoch, counter, ran_at] = numbers;
                transaction.prepare_cached(keep)?.execute(params![
                    epoch,
                    counter,
                    ran_at,
                    outcome.sql,
                    outcome.name
                ])?;
            }
        }
        let mut held = self.held()[Kind::Result as usize];
        lines::insert(&transaction, Kind::Result, lines, &mut held)?;
        let dropped = lines::drop_oldest(&transaction, Kind::Result, limits, &mut held)?;
        transaction.commit()?;
        self.held()[Kind::Result as usize] = held;
        Ok(dropped)
    }

    /// Forgets the results of queries that are not in `scheduled` and have not run since `before` (seconds since 1970).
    pub fn forget_unscheduled(&self, scheduled: &[&str], before: u64) -> Result<()> {
        let mut connection = self.connection();
        let transaction = connection.transaction()?;
        let old: Vec<String> = {
            let mut select = transaction.prepare("SELECT name FROM outcome WHERE ran_at < ?")?;
            let names = select.query_map([before.cast_signed()], |row| row.get(0))?;
            names.collect::<rusqlite::Result<_>>()?
        };
        for name in old.iter().filter(|name| !scheduled.contains(&name.as_str())) {
            transaction.execute("DELETE FROM outcome WHERE name = ?", [name])?;
            transaction.execute("DELETE FROM splay WHERE name = ?", [name])?;
        }
        Ok(transaction.commit()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queries::scripted::row_of;

    const WIDE: Limits = Limits { lines: 1000, bytes: 1 << 20 };

    fn outcome<'a>(name: &'a str, counter: u64, rows: Option<&'a [Row]>) -> Outcome<'a> {
        Outcome { name, sql: "SELECT 1", epoch: 7, counter, ran_at: 100, rows }
    }

    #[test]
    fn a_run_and_its_lines_are_kept_together() {
        let state = State::in_memory().unwrap();
        assert_eq!(state.memory("q").unwrap(), None);
        let rows = [row_of(&[("b", "1"), ("a", "é")])];
        state.remember(&outcome("q", 0, Some(&rows)), &["line".to_owned()], WIDE).unwrap();
        state.remember(&outcome("q", 1, None), &[], WIDE).unwrap();
        let expected = Memory { sql: "SELECT 1".into(), epoch: 7, counter: 1, rows: rows.to_vec() };
        assert_eq!(state.memory("q").unwrap(), Some(expected));
        assert_eq!(state.waiting_lines(Kind::Result), 1);
    }

    #[test]
    fn old_results_of_queries_no_longer_scheduled_are_forgotten() {
        let state = State::in_memory().unwrap();
        for name in ["gone", "kept"] {
            state.remember(&outcome(name, 0, Some(&[])), &[], WIDE).unwrap();
        }
        state.forget_unscheduled(&["kept"], 100).unwrap();
        assert!(state.memory("gone").unwrap().is_some());
        state.forget_unscheduled(&["kept"], 101).unwrap();
        assert!(state.memory("gone").unwrap().is_none());
        assert!(state.memory("kept").unwrap().is_some());
    }
}
