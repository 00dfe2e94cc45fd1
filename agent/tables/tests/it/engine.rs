//! SQL: what is answered and how, what is refused and in which words.

use std::collections::BTreeMap;

use agent_tables::QueryError;

use crate::support::{column, engine, error, row, rows, strings, tuples};

#[test]
fn values_are_strings_in_the_order_of_the_query() {
    let output = engine().query("SELECT 2 AS zeta, NULL AS alpha, 1.5 AS half, 'x' AS text, 1e100 AS big").unwrap();
    assert_eq!(output.columns, strings(&["zeta", "alpha", "half", "text", "big"]));
    assert_eq!(output.rows[0].values(), strings(&["2", "", "1.5", "x", "1.0e+100"]));
}

#[test]
fn of_columns_with_one_name_the_last_value_counts() {
    let output = engine().query("SELECT 1 AS a, 2 AS b, 3 AS a").unwrap();
    assert_eq!(output.columns, strings(&["a", "b"]));
    assert_eq!(serde_json::to_string(&output.rows).unwrap(), r#"[{"a":"3","b":"2"}]"#);
}

#[test]
fn columns_are_known_without_rows() {
    let output = engine().query("SELECT pid, name FROM processes WHERE pid = -5").unwrap();
    assert_eq!((output.columns, output.rows), (strings(&["pid", "name"]), vec![]));
}

#[test]
fn all_statements_are_run() {
    assert_eq!(column("SELECT 1; SELECT 2;\n -- done\n"), ["1", "2"]);
    assert_eq!(rows("").len(), 0);
    assert_eq!(rows(" ; -- nothing").len(), 0);
    assert_eq!(error("SELECT 1; SELECT * FROM nowhere"), "no such table: nowhere");
}

#[test]
fn bytes_that_are_no_text_are_replaced() {
    assert_eq!(column("SELECT CAST(x'41ff42' AS TEXT)"), ["A\u{fffd}B"]);
    assert_eq!(column("SELECT x'41ff42'"), ["A\u{fffd}B"]);
}

#[test]
fn errors_are_sqlites_words() {
    assert_eq!(error("SELECT * FROM nowhere"), "no such table: nowhere");
    assert_eq!(error("SELECT nowhere FROM users"), "no such column: nowhere");
    assert_eq!(error("SELEC 1"), "near \"SELEC\": syntax error");
    assert_eq!(error("SELECT nowhere()"), "no such function: nowhere");
    assert_eq!(error("SELECT 'abc"), "unrecognized token: \"'abc\"");
}

#[test]
fn a_missing_constraint_names_table_and_column() {
    for sql in
        ["SELECT * FROM file", "SELECT * FROM file WHERE filename = 'passwd'", "SELECT * FROM file WHERE path > '/'"]
    {
        let message = error(sql);
        assert!(message.contains("table file") && message.contains("path or directory"), "{sql}: {message}");
    }
    assert!(error("SELECT md5 FROM hash").contains("table hash"));
    let join = "SELECT f.path FROM file f JOIN hash h USING (path)";
    assert!(error(join).contains("needs a constraint"), "{}", error(join));
}

#[test]
fn a_join_starts_at_the_table_that_can_start() {
    let sql = "SELECT h.sha256 FROM hash h JOIN file f ON f.path = h.path WHERE f.path = '/etc/passwd'";
    assert_eq!(rows(sql).len(), 1);
    let sql = "SELECT h.path FROM hash h JOIN file f USING (path) WHERE f.directory = '/etc' AND f.type = 'regular'";
    let files = "SELECT path FROM file WHERE directory = '/etc' AND type = 'regular'";
    assert_eq!(tuples(sql), tuples(files));
}

#[test]
fn tables_cannot_be_written() {
    for (sql, expected) in [
        ("INSERT INTO users (uid) VALUES (1)", "table users may not be modified"),
        ("DELETE FROM users", "table users may not be modified"),
        ("UPDATE users SET uid = 1", "table users may not be modified"),
        ("DELETE FROM sqlite_master", "table sqlite_master may not be modified"),
    ] {
        assert_eq!(error(sql), expected, "{sql}");
    }
}

#[test]
fn nothing_but_reading_is_allowed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("written.db");
    let file = file.to_str().unwrap();
    for sql in [
        &format!("ATTACH '{file}' AS other"),
        &format!("VACUUM INTO '{file}'"),
        "CREATE TABLE t (x)",
        "CREATE TEMP TABLE t (x)",
        "CREATE VIEW v AS SELECT 1",
        "CREATE VIRTUAL TABLE t USING fts5(x)",
        "BEGIN",
        "SAVEPOINT s",
        "DROP TABLE users",
        "PRAGMA hard_heap_limit = 1000000000",
        "PRAGMA temp_store_directory = '/tmp'",
        "PRAGMA writable_schema = ON",
        "SELECT * FROM pragma_hard_heap_limit",
        "SELECT load_extension('/tmp/x.so')",
        "ANALYZE",
    ] {
        let message = error(sql);
        let refusals = ["not authorized", "authorization denied", "not allowed"];
        assert!(refusals.iter().any(|r| message.contains(r)), "{sql}: {message}");
    }
    assert!(!std::path::Path::new(file).exists());
    assert!(!rows("PRAGMA table_info(users)").is_empty());
    assert_eq!(
        column("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3) SELECT i FROM n"),
        ["1", "2", "3"]
    );
    assert_eq!(column("SELECT value FROM json_each('[7]')"), ["7"]);
}

/// SQLite splits `OR` over two index columns into two scans and drops doubles by row id.
#[test]
fn rows_of_an_or_over_two_columns_are_neither_lost_nor_doubled() {
    let sql = "SELECT path FROM file WHERE path = '/etc/passwd' OR directory = '/etc'";
    let all = "SELECT path FROM file WHERE directory = '/etc'";
    assert_eq!(tuples(sql), tuples(all));
    let sql = "SELECT path FROM file WHERE path IN ('/etc/passwd', '/etc/group') OR path = '/etc/hosts'";
    assert_eq!(tuples(sql).len(), 3);
}

#[test]
fn views_are_made_replaced_and_refused_one_by_one() {
    let engine = engine();
    let views = |views: &[(&str, &str)]| -> BTreeMap<String, String> {
        views.iter().map(|(name, select)| (name.to_string(), select.to_string())).collect()
    };
    let failed = engine.views(&views(&[
        ("root", "SELECT username FROM users WHERE uid = 0"),
        ("users", "SELECT 1"),
        ("broken", "SELEC 1"),
        ("two", "SELECT 1; SELECT 2"),
    ]));
    assert_eq!(failed.keys().collect::<Vec<_>>(), ["broken", "two", "users"]);
    assert_eq!(failed["users"], QueryError::Sql("view users has the name of a table".into()));
    assert_eq!(&engine.query("SELECT * FROM root").unwrap().rows[0]["username"], "root");
    assert_eq!(engine.views(&views(&[("other", "SELECT 1 AS one")])), BTreeMap::new());
    assert_eq!(engine.query("SELECT * FROM root").unwrap_err().to_string(), "no such table: root");
    assert_eq!(&engine.query("SELECT * FROM other").unwrap().rows[0]["one"], "1");
    assert!(engine.query("CREATE TEMP VIEW x AS SELECT 1").is_err(), "a query still cannot");
}

#[test]
fn other_namespaces_are_refused_and_not_answered_wrongly() {
    assert!(error("SELECT * FROM users WHERE pid_with_namespace = 1").contains("namespace"));
    assert!(!rows("SELECT * FROM users WHERE pid_with_namespace = 0").is_empty());
}

#[test]
fn columns_of_other_platforms_can_be_named() {
    assert_eq!(&row("SELECT elevated_token FROM processes WHERE pid = 1")["elevated_token"], "");
}
