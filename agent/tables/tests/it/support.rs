//! Asking the engine, and asking the machine by other means.

use std::collections::BTreeMap;
use std::process::Command;

use agent_tables::{Context, Engine, QueryError, Row};

pub fn engine() -> Engine {
    Engine::new(Context::default()).unwrap()
}

/// The rows of a query that must succeed.
pub fn rows(sql: &str) -> Vec<Row> {
    engine().query(sql).unwrap_or_else(|error| panic!("{sql}: {error}")).rows
}

/// The only row of a query.
pub fn row(sql: &str) -> Row {
    let rows = rows(sql);
    assert_eq!(rows.len(), 1, "{sql}: {rows:?}");
    rows.into_iter().next().unwrap()
}

/// The first column of each row.
pub fn column(sql: &str) -> Vec<String> {
    rows(sql).iter().map(|row| row.values()[0].clone()).collect()
}

/// All values of each row, sorted.
pub fn tuples(sql: &str) -> Vec<Vec<String>> {
    let mut all: Vec<_> = rows(sql).into_iter().map(Row::into_values).collect();
    all.sort();
    all
}

pub fn error(sql: &str) -> String {
    match engine().query(sql) {
        Err(QueryError::Sql(message)) => message,
        other => panic!("{sql}: {other:?}"),
    }
}

/// What a program prints.
pub fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).env("LC_ALL", "C.UTF-8").output();
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}"));
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The lines of `key separator value`.
pub fn pairs(text: &str, separator: char) -> BTreeMap<String, String> {
    let pairs = text.lines().filter_map(|line| line.split_once(separator));
    pairs.map(|(key, value)| (key.trim().to_string(), value.trim().trim_matches('"').to_string())).collect()
}

pub fn strings(values: &[&str]) -> Vec<String> {
    values.iter().map(|value| value.to_string()).collect()
}

/// Takes two looks at something that moves, the other side's between them, until the machine held still for it.
pub fn steady<T: PartialEq + std::fmt::Debug, U>(look: impl Fn() -> T, other: impl Fn() -> U) -> (T, U) {
    for _ in 0..50 {
        let (before, between, after) = (look(), other(), look());
        if before == after {
            return (after, between);
        }
    }
    panic!("it never held still: {:?}", look());
}
