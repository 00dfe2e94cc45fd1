//! Every table is as osquery declares it.

use agent_tables::{ColumnType, table_names, table_schema};

use crate::support::{engine, rows};

/// Reads each table once, all columns: a row builder that sets an unknown or mistyped column fails here.
#[test]
fn every_table_can_be_read_and_has_the_columns_of_its_schema() {
    for name in table_names() {
        let schema = table_schema(name).unwrap();
        let shown: Vec<&str> = schema.columns.iter().filter(|c| !c.hidden).map(|c| c.name.as_str()).collect();
        let constraint = if schema.required().count() > 0 { " WHERE path = '/etc/passwd'" } else { "" };
        let output = engine().query(&format!("SELECT * FROM {name}{constraint}")).unwrap();
        assert_eq!(output.columns, shown, "{name}");
        for column in schema.columns.iter().flat_map(|c| c.aliases.iter().chain([&c.name])) {
            let sql = format!("SELECT \"{column}\" FROM \"{name}\"{constraint}");
            assert!(engine().query(&sql).is_ok(), "{sql}");
        }
    }
}

#[test]
fn columns_are_declared_with_their_types() {
    for name in table_names() {
        let declared = rows(&format!("SELECT name, type, hidden FROM pragma_table_xinfo('{name}')"));
        for (column, declared) in table_schema(name).unwrap().columns.iter().zip(declared) {
            assert_eq!(&declared["name"], column.name, "{name}");
            assert_eq!(&declared["type"], column.kind.sql(), "{name}.{}", column.name);
            assert_eq!(&declared["hidden"] == "1", column.hidden, "{name}.{}", column.name);
        }
    }
}

/// Integer columns hold integers or nothing, text columns text.
#[test]
fn values_are_of_their_columns_types() {
    for name in table_names() {
        let schema = table_schema(name).unwrap();
        let constraint = if schema.required().count() > 0 { " WHERE directory = '/etc'" } else { "" };
        for column in &schema.columns {
            let sql = format!("SELECT DISTINCT typeof(\"{0}\") AS t FROM \"{name}\"{constraint}", column.name);
            let expected = if column.kind == ColumnType::Text { "text" } else { "integer" };
            for found in rows(&sql) {
                assert!(["null", expected].contains(&&found["t"]), "{name}.{}: {found:?}", column.name);
            }
        }
    }
}

/// The tables that the issue of this agent's first form names are all there.
#[test]
fn the_tables_of_a_linux_host_are_there() {
    let expected = "deb_packages disk_encryption file groups hash interface_addresses interface_details kernel_info \
                    listening_ports mounts os_version osquery_flags osquery_info osquery_registry osquery_schedule platform_info \
                    processes routes system_info time uptime users";
    assert_eq!(table_names().collect::<Vec<_>>(), expected.split_whitespace().collect::<Vec<_>>());
}
