//! Cells of a row as hosts report them: text, whatever they mean.

use std::collections::{BTreeMap, HashMap};

/// The longest text that is kept of a cell, in characters.
const LONGEST: usize = 255;

/// A row of text by column.
pub trait Cells {
    /// The cell of a column, if the row has it.
    fn cell(&self, column: &str) -> Option<&str>;
}

impl Cells for BTreeMap<String, String> {
    fn cell(&self, column: &str) -> Option<&str> {
        self.get(column).map(String::as_str)
    }
}

impl Cells for HashMap<String, String> {
    fn cell(&self, column: &str) -> Option<&str> {
        self.get(column).map(String::as_str)
    }
}

impl<R: Cells> Cells for &R {
    fn cell(&self, column: &str) -> Option<&str> {
        (*self).cell(column)
    }
}

/// Text as it is kept: without blanks around it and NULs, cut to 255 characters.
pub fn kept(text: &str) -> String {
    text.trim().chars().filter(|one| *one != '\0').take(LONGEST).collect()
}

/// Puts a cell into `field`; a missing one leaves it.
pub fn set(field: &mut String, row: &impl Cells, column: &str) {
    if let Some(text) = row.cell(column) {
        *field = kept(text);
    }
}

/// Text where a number belongs.
#[derive(Debug, PartialEq)]
pub struct NotANumber;

/// A whole number that is not negative; a cell that is missing or empty says nothing.
pub fn whole(row: &impl Cells, column: &str) -> Result<Option<i64>, NotANumber> {
    match row.cell(column).map(str::trim) {
        None | Some("") => Ok(None),
        Some(text) => text.parse().ok().filter(|number| *number >= 0).map(Some).ok_or(NotANumber),
    }
}

/// A number that is neither negative nor endless; a cell that is missing or empty says nothing.
pub fn decimal(row: &impl Cells, column: &str) -> Result<Option<f64>, NotANumber> {
    match row.cell(column).map(str::trim) {
        None | Some("") => Ok(None),
        Some(text) => {
            text.parse().ok().filter(|number: &f64| number.is_finite() && *number >= 0.0).map(Some).ok_or(NotANumber)
        }
    }
}
