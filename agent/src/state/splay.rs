//! The interval that was drawn for a scheduled query, so that a restart does not draw again.

use rusqlite::{OptionalExtension, params};

use super::{Result, State};

impl State {
    /// The interval drawn for `name` while `wished` was wished, else the one that `draw` gives, which is then kept.
    pub fn splayed(&self, name: &str, wished: u64, draw: impl FnOnce() -> u64) -> Result<u64> {
        let connection = self.connection();
        let find = "SELECT drawn FROM splay WHERE name = ? AND wished = ?";
        let kept: Option<i64> =
            connection.query_row(find, params![name, wished.cast_signed()], |row| row.get(0)).optional()?;
        if let Some(drawn) = kept {
            return Ok(drawn.cast_unsigned());
        }
        let drawn = draw();
        let keep = "INSERT OR REPLACE INTO splay (name, wished, drawn) VALUES (?, ?, ?)";
        connection.execute(keep, params![name, wished.cast_signed(), drawn.cast_signed()])?;
        Ok(drawn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draw_lasts_while_the_wish_stays_the_same() {
        let state = State::in_memory().unwrap();
        assert_eq!(state.splayed("q", 60, || 57).unwrap(), 57);
        assert_eq!(state.splayed("q", 60, || 63).unwrap(), 57);
        assert_eq!(state.splayed("q", 90, || 91).unwrap(), 91);
        assert_eq!(state.splayed("q", 60, || 63).unwrap(), 63);
    }
}
