//! Queries that went over their limits, and until when they rest.

use rusqlite::{OptionalExtension, params};

use super::{Result, State};

impl State {
    /// Lets `what` rest until then (seconds since 1970).
    pub fn deny(&self, what: &str, until: u64) -> Result<()> {
        let statement = "INSERT OR REPLACE INTO denied (what, until) VALUES (?, ?)";
        self.connection().execute(statement, params![what, until.cast_signed()])?;
        Ok(())
    }

    /// Whether `what` rests at `now`. Those whose rest has ended are forgotten.
    pub fn is_denied(&self, what: &str, now: u64) -> Result<bool> {
        let connection = self.connection();
        connection.prepare_cached("DELETE FROM denied WHERE until <= ?")?.execute([now.cast_signed()])?;
        let mut find = connection.prepare_cached("SELECT 1 FROM denied WHERE what = ?")?;
        Ok(find.query_row([what], |_| Ok(())).optional()?.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rest_ends() {
        let state = State::in_memory().unwrap();
        state.deny("q", 100).unwrap();
        assert!(state.is_denied("q", 99).unwrap());
        assert!(!state.is_denied("other", 99).unwrap());
        assert!(!state.is_denied("q", 100).unwrap());
    }
}
