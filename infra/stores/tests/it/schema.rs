//! Both engines hold the same tables, though each has its own words for them.

use std::collections::BTreeMap;

const SQLITE: &str = include_str!("../../../../migrations/sqlite/0001_views.sql");
const MYSQL: &str = include_str!("../../../../migrations/mysql/0001_views.sql");

/// Words that MySQL or MariaDB reserve and that are easily taken for a column's name.
const RESERVED: &[&str] = &[
    "rows",
    "row",
    "partition",
    "system",
    "groups",
    "key",
    "keys",
    "index",
    "order",
    "group",
    "rank",
    "interval",
    "lead",
    "range",
    "values",
    "condition",
    "change",
    "match",
    "read",
    "write",
    "usage",
    "release",
    "signal",
    "empty",
    "lag",
    "of",
    "over",
    "window",
    "function",
    "recursive",
    "offset",
    "until_",
    "left",
    "right",
    "limit",
    "like",
    "load",
    "lock",
    "long",
];

/// Tables by name, with their columns and primary key; and indexes with what they are on.
fn shape(sql: &str) -> BTreeMap<String, Vec<String>> {
    let code: String = sql.lines().filter(|line| !line.trim_start().starts_with("--")).collect::<Vec<_>>().join("\n");
    code.split(';').filter(|text| !text.trim().is_empty()).map(|text| one(text.trim())).collect()
}

fn one(statement: &str) -> (String, Vec<String>) {
    let (head, body) = statement.split_once('(').unwrap();
    let body = &body[..body.rfind(')').unwrap()];
    if head.starts_with("CREATE INDEX") {
        return (head.trim().to_owned(), body.split(", ").map(|column| cut_prefix(column).to_owned()).collect());
    }
    assert!(head.starts_with("CREATE TABLE"), "{head}");
    let lines = body.lines().map(|line| line.trim().trim_end_matches(',')).filter(|line| !line.is_empty());
    (head.trim().to_owned(), lines.map(portable).collect())
}

/// MySQL indexes the first characters of long text: `hostname(191)`.
fn cut_prefix(column: &str) -> &str {
    column.split('(').next().unwrap()
}

fn portable(line: &str) -> String {
    if line.starts_with("PRIMARY KEY") {
        return line.to_owned();
    }
    let mut words = line.split_whitespace();
    let (name, kind) = (words.next().unwrap(), words.next().unwrap());
    assert!(!RESERVED.contains(&name), "{name} is reserved");
    let kind = match kind {
        "BIGINT" => "integer",
        "TEXT" | "MEDIUMTEXT" | "LONGTEXT" => "text",
        kind if kind.starts_with("VARCHAR(") => "text",
        "BLOB" | "MEDIUMBLOB" | "LONGBLOB" => "blob",
        other => panic!("{other} is not in the portable subset"),
    };
    assert_eq!(words.collect::<Vec<_>>().join(" "), "NOT NULL", "{line}");
    format!("{name} {kind}")
}

#[test]
fn both_engines_hold_the_same_tables() {
    assert_eq!(shape(SQLITE), shape(MYSQL));
    assert!(shape(SQLITE).len() > 15);
}
