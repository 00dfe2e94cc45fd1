//! What engines say differently.

use crate::{Statement, Table, Value};

/// The SQL that the store speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    Sqlite,
    /// MySQL and MariaDB.
    Mysql,
}

impl Dialect {
    /// Writes rows, each whole: a row with the same primary key is replaced.
    ///
    /// `rows` are the values of key and columns in the order of the table.
    pub fn upsert(self, table: &Table, rows: Vec<Vec<Value>>) -> Statement {
        debug_assert!(rows.iter().all(|row| row.len() == table.width()));
        let names: Vec<&str> = table.key.iter().chain(table.columns).copied().collect();
        let marks = format!("({})", vec!["?"; table.width()].join(", "));
        let mut sql = format!("INSERT INTO {} ({}) VALUES ", table.name, names.join(", "));
        sql.push_str(&vec![marks.as_str(); rows.len()].join(", "));
        sql.push_str(&self.on_conflict(table));
        Statement::made(sql, rows.into_iter().flatten().collect())
    }

    fn on_conflict(self, table: &Table) -> String {
        let assign =
            |how: fn(&str) -> String| table.columns.iter().map(|name| how(name)).collect::<Vec<_>>().join(", ");
        match self {
            Dialect::Sqlite if table.columns.is_empty() => {
                format!(" ON CONFLICT ({}) DO NOTHING", table.key.join(", "))
            }
            Dialect::Sqlite => {
                let assigned = assign(|name| format!("{name} = excluded.{name}"));
                format!(" ON CONFLICT ({}) DO UPDATE SET {assigned}", table.key.join(", "))
            }
            Dialect::Mysql if table.columns.is_empty() => {
                let first = table.key[0];
                format!(" ON DUPLICATE KEY UPDATE {first} = {first}")
            }
            Dialect::Mysql => format!(" ON DUPLICATE KEY UPDATE {}", assign(|name| format!("{name} = VALUES({name})"))),
        }
    }

    /// Deletes rows by their primary keys.
    pub fn delete(self, table: &Table, keys: Vec<Vec<Value>>) -> Statement {
        debug_assert!(keys.iter().all(|key| key.len() == table.key.len()));
        let one = table.key.iter().map(|name| format!("{name} = ?")).collect::<Vec<_>>().join(" AND ");
        let all = vec![format!("({one})"); keys.len()].join(" OR ");
        Statement::made(format!("DELETE FROM {} WHERE {all}", table.name), keys.into_iter().flatten().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PETS: Table = Table { name: "pet", key: &["owner", "name"], columns: &["age"] };
    const PAIRS: Table = Table { name: "pair", key: &["a", "b"], columns: &[] };

    fn sql(statement: Statement) -> String {
        statement.into_parts().0.into_owned()
    }

    #[test]
    fn upserts_differ_by_engine() {
        let row = || vec![vec![Value::Int(1), Value::from("rex"), Value::Int(3)]];
        let start = "INSERT INTO pet (owner, name, age) VALUES (?, ?, ?)";
        let lite = " ON CONFLICT (owner, name) DO UPDATE SET age = excluded.age";
        let mysql = " ON DUPLICATE KEY UPDATE age = VALUES(age)";
        assert_eq!(sql(Dialect::Sqlite.upsert(&PETS, row())), format!("{start}{lite}"));
        assert_eq!(sql(Dialect::Mysql.upsert(&PETS, row())), format!("{start}{mysql}"));
    }

    #[test]
    fn a_row_that_is_all_key_stays_as_it_is() {
        let rows = || vec![vec![Value::Int(1), Value::Int(2)], vec![Value::Int(3), Value::Int(4)]];
        let start = "INSERT INTO pair (a, b) VALUES (?, ?), (?, ?)";
        assert_eq!(sql(Dialect::Sqlite.upsert(&PAIRS, rows())), format!("{start} ON CONFLICT (a, b) DO NOTHING"));
        assert_eq!(sql(Dialect::Mysql.upsert(&PAIRS, rows())), format!("{start} ON DUPLICATE KEY UPDATE a = a"));
    }
}
