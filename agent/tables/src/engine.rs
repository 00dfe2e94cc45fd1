//! Runs SQL over the tables, in this process.
//!
//! A query may only read: whatever would write, attach a file or change the connection is refused while it is
//! prepared. The engine keeps nothing between queries but the views of the config.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, RwLock};
use std::time::{Duration, Instant};

use rusqlite::fallible_iterator::FallibleIterator;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::types::ValueRef;
use rusqlite::{Batch, Connection, ErrorCode, Statement};

use crate::context::Context;
use crate::error::QueryError;
use crate::module::{self, SharedContext};
use crate::output::{QueryOutput, Row};

/// An in-memory SQLite with all tables, functions and collations.
pub struct Engine {
    connection: Connection,
    context: SharedContext,
    /// Lets views be made; queries never see it set.
    defining: Arc<AtomicBool>,
}

/// What one query may use. The worker sets all three; nothing is limited by default.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Limits {
    pub time: Option<Duration>,
    /// What the rows of the answer cost, in bytes (see [`cost`]).
    pub output: Option<u64>,
    /// Only named in the message when SQLite runs out of its heap.
    pub memory: Option<u64>,
}

const MIB: u64 = 1024 * 1024;
/// What a row and a cell take in the memory of whoever holds the answer, besides their text.
const ROW_COST: usize = 128;
const CELL_COST: usize = 64;
/// How many instructions of SQLite's machine pass between two looks at the clock.
const STEPS_BETWEEN_LOOKS: i32 = 10_000;

impl Engine {
    /// Opens the database and registers everything. Errors only if SQLite itself is broken or out of memory.
    pub fn new(context: Context) -> Result<Self, QueryError> {
        let context: SharedContext = Arc::new(RwLock::new(Arc::new(context)));
        let defining = Arc::new(AtomicBool::new(false));
        let connection = open(&context, defining.clone()).map_err(QueryError::from_sqlite)?;
        Ok(Self { connection, context, defining })
    }

    /// Replaces what the tables about the agent show from the next scan on.
    pub fn set_context(&self, context: Context) {
        *self.context.write().expect("nobody panics while holding it") = Arc::new(context);
    }

    /// Runs the statements of `sql` and gives the rows of all of them, with the columns of the last that has any.
    pub fn query(&self, sql: &str) -> Result<QueryOutput, QueryError> {
        self.query_within(sql, &Limits::default())
    }

    /// Makes exactly these views, by name and `SELECT` statement, and drops those of an earlier call.
    ///
    /// A view that cannot be made is left out; the answer says which and why.
    pub fn views(&self, views: &BTreeMap<String, String>) -> BTreeMap<String, QueryError> {
        self.defining.store(true, Ordering::Relaxed);
        let dropped = self.drop_views();
        let failed = views.iter().filter_map(|(name, select)| {
            let made = dropped.clone().and_then(|()| self.make_view(name, select));
            made.err().map(|error| (name.clone(), error))
        });
        let failed = failed.collect();
        self.defining.store(false, Ordering::Relaxed);
        failed
    }

    pub(crate) fn query_within(&self, sql: &str, limits: &Limits) -> Result<QueryOutput, QueryError> {
        let start = Instant::now();
        if let Some(time) = limits.time {
            let over = move || start.elapsed() > time;
            self.connection.progress_handler(STEPS_BETWEEN_LOOKS, Some(over)).map_err(QueryError::from_sqlite)?;
        }
        let answer = self.run(sql, limits);
        self.connection.progress_handler(0, None::<fn() -> bool>).map_err(QueryError::from_sqlite)?;
        answer
    }

    /// Makes SQLite give up on a query rather than ask for more than this many bytes in all.
    pub(crate) fn limit_heap(&self, bytes: u64) -> Result<(), QueryError> {
        self.defining.store(true, Ordering::Relaxed);
        let set = self.connection.execute_batch(&format!("PRAGMA hard_heap_limit = {bytes}"));
        self.defining.store(false, Ordering::Relaxed);
        set.map_err(QueryError::from_sqlite)
    }

    fn run(&self, sql: &str, limits: &Limits) -> Result<QueryOutput, QueryError> {
        let mut output = QueryOutput::default();
        let mut bytes = 0;
        let mut statements = Batch::new(&self.connection, sql);
        let explained = |error| explain(error, limits);
        while let Some(mut statement) = statements.next().map_err(explained)? {
            self.read(&mut statement, &mut output, &mut bytes, limits)?;
        }
        Ok(output)
    }

    fn read(
        &self,
        statement: &mut Statement<'_>,
        output: &mut QueryOutput,
        bytes: &mut u64,
        limits: &Limits,
    ) -> Result<(), QueryError> {
        let explained = |error| explain(error, limits);
        let (columns, places) = distinct(&statement.column_names());
        let columns: Arc<[String]> = columns.into();
        if !columns.is_empty() {
            output.columns = columns.to_vec();
        }
        let names = cost(&columns);
        let mut rows = statement.query([]).map_err(explained)?;
        while let Some(row) = rows.next().map_err(explained)? {
            let mut values = vec![String::new(); columns.len()];
            for (n, &place) in places.iter().enumerate() {
                values[place] = self.text(row.get_ref(n).map_err(explained)?)?;
            }
            *bytes += (ROW_COST + names + cost(&values) + CELL_COST * values.len()) as u64;
            if let Some(limit) = limits.output.filter(|limit| *bytes > *limit) {
                return Err(QueryError::TooMuchOutput { mib: limit / MIB });
            }
            output.rows.push(Row::new(columns.clone(), values));
        }
        Ok(())
    }

    /// A value as SQLite would write it; bytes that are not UTF-8 are replaced.
    fn text(&self, value: ValueRef<'_>) -> Result<String, QueryError> {
        Ok(match value {
            ValueRef::Null => String::new(),
            ValueRef::Integer(n) => n.to_string(),
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            ValueRef::Real(n) => self
                .connection
                .prepare_cached("SELECT CAST(?1 AS TEXT)")
                .and_then(|mut cast| cast.query_row([n], |row| row.get(0)))
                .map_err(QueryError::from_sqlite)?,
        })
    }

    fn drop_views(&self) -> Result<(), QueryError> {
        let of_tables = |name: &String| {
            crate::table_names().filter_map(crate::table_schema).any(|schema| schema.aliases.contains(name))
        };
        let drop = || {
            let mut named = self.connection.prepare("SELECT name FROM sqlite_temp_master WHERE type = 'view'")?;
            let names: Vec<String> = named.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
            for name in names.iter().filter(|name| !of_tables(name)) {
                self.connection.execute_batch(&format!("DROP VIEW temp.{}", quoted(name)))?;
            }
            Ok(())
        };
        drop().map_err(QueryError::from_sqlite)
    }

    fn make_view(&self, name: &str, select: &str) -> Result<(), QueryError> {
        if crate::table_schema(name).is_some() {
            return Err(QueryError::Sql(format!("view {name} has the name of a table")));
        }
        let sql = format!("CREATE TEMP VIEW {} AS {select}", quoted(name));
        let mut statements = Batch::new(&self.connection, &sql);
        let (first, more) = (statements.next(), statements.next());
        let Some(mut first) = first.map_err(QueryError::from_sqlite)? else {
            return Err(QueryError::Sql(format!("view {name} has no statement")));
        };
        if !matches!(more, Ok(None)) {
            return Err(QueryError::Sql(format!("view {name} has more than one statement")));
        }
        first.execute([]).map_err(QueryError::from_sqlite)?;
        Ok(())
    }
}

fn open(context: &SharedContext, defining: Arc<AtomicBool>) -> rusqlite::Result<Connection> {
    let connection = Connection::open_in_memory()?;
    // Sorting must not spill files onto the host's disk.
    connection.execute_batch("PRAGMA temp_store = MEMORY")?;
    module::register_all(&connection, context)?;
    crate::functions::register_all(&connection)?;
    connection.authorizer(Some(move |asked: AuthContext<'_>| match asked.action {
        _ if defining.load(Ordering::Relaxed) => Authorization::Allow,
        action if only_reads(&action) => Authorization::Allow,
        _ => Authorization::Deny,
    }))?;
    Ok(connection)
}

/// What a query may do. Writing rows is let through since every table there is refuses it in clearer words.
fn only_reads(action: &AuthAction<'_>) -> bool {
    const PRAGMAS: [&str; 7] = [
        "table_info",
        "table_xinfo",
        "table_list",
        "function_list",
        "module_list",
        "collation_list",
        "compile_options",
    ];
    match action {
        AuthAction::Select | AuthAction::Read { .. } | AuthAction::Recursive => true,
        AuthAction::Function { function_name } => !function_name.eq_ignore_ascii_case("load_extension"),
        AuthAction::Insert { .. } | AuthAction::Update { .. } | AuthAction::Delete { .. } => true,
        AuthAction::Pragma { pragma_name, .. } => PRAGMAS.iter().any(|p| p.eq_ignore_ascii_case(pragma_name)),
        _ => false,
    }
}

/// The bytes of texts in JSON, where a control character takes six.
fn cost(texts: &[String]) -> usize {
    let byte = |byte| match byte {
        ..b' ' => 6,
        b'"' | b'\\' => 2,
        _ => 1,
    };
    texts.iter().flat_map(|text| text.bytes()).map(byte).sum()
}

/// The names without doubles, and for each original column the place of its name.
fn distinct(names: &[&str]) -> (Vec<String>, Vec<usize>) {
    let mut places = HashMap::new();
    let mut kept = Vec::new();
    let place = |name: &&str| {
        *places.entry(name.to_string()).or_insert_with(|| {
            kept.push(name.to_string());
            kept.len() - 1
        })
    };
    let by_column = names.iter().map(place).collect();
    (kept, by_column)
}

fn explain(error: rusqlite::Error, limits: &Limits) -> QueryError {
    match (error.sqlite_error_code(), limits.time, limits.memory) {
        (Some(ErrorCode::OperationInterrupted), Some(time), _) => QueryError::TooLong(time),
        (Some(ErrorCode::OutOfMemory), _, Some(bytes)) => QueryError::TooMuchMemory { mib: bytes / MIB },
        _ => QueryError::from_sqlite(error),
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
