//! A row, read from left to right.

use std::collections::VecDeque;

use crate::{FromValue, StoreError, Value};

/// The cells of a row, taken one after the other in the order of the statement's columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    cells: VecDeque<Value>,
    taken: usize,
}

impl Row {
    pub(crate) fn new(cells: impl IntoIterator<Item = Value>) -> Self {
        Row { cells: cells.into_iter().collect(), taken: 0 }
    }

    /// The next cell.
    ///
    /// Errors: [`StoreError::Shape`] when there is none, or when it holds another type: the tables are not those that
    /// this release made.
    pub fn take<T: FromValue>(&mut self) -> Result<T, StoreError> {
        self.taken += 1;
        let column = self.taken;
        let cell = self.cells.pop_front().ok_or(StoreError::Shape { column })?;
        T::from_value(cell).ok_or(StoreError::Shape { column })
    }

    /// All cells that were not taken.
    pub fn rest(self) -> Vec<Value> {
        self.cells.into()
    }
}
