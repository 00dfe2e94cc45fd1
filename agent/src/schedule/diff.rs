//! What changed between two results of a query. Rows count: of three equal rows that became two, one was removed.
//! A row is its columns and cells, whatever the order of the columns.

use std::collections::BTreeMap;

use agent_protocol::Row;

/// Rows that came and rows that went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// In the order of the present result.
    pub added: Vec<Row>,
    /// In the order of the earlier result.
    pub removed: Vec<Row>,
}

impl Change {
    pub fn between(earlier: Vec<Row>, present: &[Row]) -> Change {
        let mut surplus: BTreeMap<Key<'_>, usize> = BTreeMap::new();
        for row in &earlier {
            *surplus.entry(key(row)).or_default() += 1;
        }
        let mut added = Vec::new();
        for row in present {
            match surplus.get_mut(&key(row)) {
                Some(count) if *count > 0 => *count -= 1,
                _ => added.push(row.clone()),
            }
        }
        let gone: Vec<bool> = earlier.iter().map(|row| is_surplus(&mut surplus, row)).collect();
        let removed = earlier.into_iter().zip(gone).filter_map(|(row, gone)| gone.then_some(row)).collect();
        Change { added, removed }
    }

    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty()
    }
}

type Key<'a> = Vec<(&'a str, &'a str)>;

fn key(row: &Row) -> Key<'_> {
    let mut cells: Key<'_> = row.iter().collect();
    cells.sort_unstable();
    cells
}

fn is_surplus<'a>(surplus: &mut BTreeMap<Key<'a>, usize>, row: &'a Row) -> bool {
    match surplus.get_mut(&key(row)) {
        Some(count) if *count > 0 => {
            *count -= 1;
            true
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queries::scripted::row_of;

    fn rows(values: &[&str]) -> Vec<Row> {
        values.iter().map(|value| row_of(&[("v", value)])).collect()
    }

    fn change(earlier: &[&str], present: &[&str]) -> Change {
        Change::between(rows(earlier), &rows(present))
    }

    #[test]
    fn rows_that_came_and_went() {
        assert_eq!(change(&["a", "b"], &["b", "c"]), Change { added: rows(&["c"]), removed: rows(&["a"]) });
        assert!(change(&["a", "b"], &["b", "a"]).is_empty());
        assert_eq!(change(&[], &["b", "a"]).added, rows(&["b", "a"]));
        assert_eq!(change(&["b", "a"], &[]).removed, rows(&["b", "a"]));
    }

    #[test]
    fn equal_rows_are_counted() {
        assert_eq!(change(&["a", "a", "a"], &["a", "a"]), Change { added: vec![], removed: rows(&["a"]) });
        assert_eq!(change(&["a"], &["a", "a", "a"]), Change { added: rows(&["a", "a"]), removed: vec![] });
    }

    #[test]
    fn the_order_of_columns_is_no_change_but_their_names_are() {
        let earlier = vec![row_of(&[("a", "1"), ("b", "2")])];
        assert!(Change::between(earlier.clone(), &[row_of(&[("b", "2"), ("a", "1")])]).is_empty());
        assert!(!Change::between(earlier.clone(), &[row_of(&[("a", "2"), ("b", "1")])]).is_empty());
        assert!(!Change::between(earlier, &[row_of(&[("a", "1")])]).is_empty());
    }
}
