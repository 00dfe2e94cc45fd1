//! What a writer needs to know of a table.

/// A table: its primary key, and the columns beside it.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Table {
    pub name: &'static str,
    /// In the order of the primary key.
    pub key: &'static [&'static str],
    pub columns: &'static [&'static str],
}

impl Table {
    /// How many values a row has: those of the key, then the others.
    pub fn width(&self) -> usize {
        self.key.len() + self.columns.len()
    }
}
