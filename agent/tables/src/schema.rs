//! What each table looks like: names, types and flags of the columns, in osquery's order.
//!
//! `schema.json` holds osquery's published facts for all platforms. The tables are declared from it, so the file
//! is the one place where a column can be wrong.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::LazyLock;

use serde::Deserialize;

/// One table as osquery publishes it.
#[derive(Debug, Clone, Deserialize)]
pub struct Schema {
    pub name: String,
    /// Other names of the table, offered as views.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// `linux`, `darwin`, `windows`.
    pub platforms: Vec<String>,
    pub columns: Vec<Column>,
}

/// One column. A flag that is not named in the file is false.
#[derive(Debug, Clone, Deserialize)]
pub struct Column {
    pub name: String,
    #[serde(rename = "type")]
    pub kind: ColumnType,
    /// Other names of the column, hidden from `SELECT *`.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// The platforms that fill the column; empty means all of the table's.
    #[serde(default)]
    pub platforms: Vec<String>,
    /// The table answers only with a constraint on one of its required columns.
    #[serde(default)]
    pub required: bool,
    /// The table is quick when this column is constrained.
    #[serde(default)]
    pub index: bool,
    /// Constraining the column changes what the table gives.
    #[serde(default)]
    pub additional: bool,
    /// Left out of `SELECT *`; also every column that this platform does not have.
    #[serde(default)]
    pub hidden: bool,
    #[serde(default)]
    pub collate: Option<String>,
}

/// The types that osquery's columns have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnType {
    Text,
    Integer,
    Bigint,
    UnsignedBigint,
    Double,
    Blob,
}

impl ColumnType {
    /// The type as it is declared to SQLite.
    pub fn sql(self) -> &'static str {
        match self {
            Self::Text => "TEXT",
            Self::Integer => "INTEGER",
            Self::Bigint => "BIGINT",
            Self::UnsignedBigint => "UNSIGNED BIGINT",
            Self::Double => "DOUBLE",
            Self::Blob => "BLOB",
        }
    }
}

/// osquery's word for the system that this is built for.
pub(crate) const PLATFORM: &str = if cfg!(target_os = "macos") {
    "darwin"
} else if cfg!(target_os = "windows") {
    "windows"
} else {
    "linux"
};

static SCHEMAS: LazyLock<BTreeMap<String, Schema>> = LazyLock::new(|| {
    let all: Vec<Schema> = serde_json::from_str(include_str!("../schema.json"))
        .expect("schema.json is part of the program and a test parses it");
    all.into_iter().map(|schema| (schema.name.clone(), schema.on(PLATFORM))).collect()
});

/// The names of all tables that this engine has, sorted.
pub fn table_names() -> impl Iterator<Item = &'static str> {
    SCHEMAS.keys().map(String::as_str)
}

/// The schema of a table on this platform.
pub fn table_schema(name: &str) -> Option<&'static Schema> {
    SCHEMAS.get(name)
}

impl Schema {
    /// Columns of other platforms stay, empty and hidden, as in osquery: a query for a mixed fleet may name them.
    fn on(mut self, platform: &str) -> Self {
        for column in &mut self.columns {
            column.hidden |= !column.platforms.is_empty() && column.platforms.iter().all(|p| p != platform);
        }
        self
    }

    /// The position of a column; aliases are not looked at.
    pub fn position(&self, column: &str) -> Option<usize> {
        self.columns.iter().position(|c| c.name == column)
    }

    /// The columns of which at least one must be constrained.
    pub fn required(&self) -> impl Iterator<Item = &Column> {
        self.columns.iter().filter(|c| c.required)
    }

    /// Which column stands at each position of the declared table: its own columns first, then their aliases.
    pub(crate) fn declared(&self) -> Vec<usize> {
        let own = 0..self.columns.len();
        let aliases = own.clone().flat_map(|at| self.columns[at].aliases.iter().map(move |_| at));
        own.clone().chain(aliases).collect()
    }

    /// The `CREATE TABLE` statement that SQLite gets. Aliases are hidden columns behind all others.
    pub(crate) fn ddl(&self) -> String {
        let mut sql = format!("CREATE TABLE \"{}\" (", self.name);
        let own = self.columns.iter().map(|c| (c, c.name.as_str(), c.hidden));
        let aliases = self.columns.iter().flat_map(|c| c.aliases.iter().map(move |alias| (c, alias.as_str(), true)));
        for (n, (column, name, hidden)) in own.chain(aliases).enumerate() {
            let comma = if n == 0 { "" } else { ", " };
            let collate = column.collate.as_deref().map(|c| format!(" COLLATE {c}")).unwrap_or_default();
            // A word of the type to SQLite, so it cannot stand behind the collation.
            let hidden = if hidden { " HIDDEN" } else { "" };
            write!(sql, "{comma}\"{name}\" {}{hidden}{collate}", column.kind.sql())
                .expect("writing to a string cannot fail");
        }
        sql + ")"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_of_other_platforms_are_hidden() {
        let file = table_schema("file").unwrap();
        let hidden = |name| file.columns[file.position(name).unwrap()].hidden;
        assert!(!hidden("symlink_target_path"));
        assert!(hidden("bsd_flags"), "a column of macOS");
        assert!(hidden("volume_serial"), "a column of Windows");
    }

    #[test]
    fn aliases_and_hidden_columns_stand_hidden_at_the_end() {
        let ddl = table_schema("time").unwrap().ddl();
        assert!(ddl.ends_with("\"date_time\" TEXT HIDDEN)"), "{ddl}");
        let ddl = table_schema("deb_packages").unwrap().ddl();
        assert!(ddl.contains("\"version\" TEXT COLLATE version_dpkg, "), "{ddl}");
        assert!(ddl.contains("\"pid_with_namespace\" INTEGER HIDDEN"), "{ddl}");
    }

    #[test]
    fn required_columns_of_file_are_path_and_directory() {
        let required: Vec<_> = table_schema("file").unwrap().required().map(|c| c.name.as_str()).collect();
        assert_eq!(required, ["path", "directory"]);
    }
}
