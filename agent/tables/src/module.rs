//! The bridge between SQLite and our tables: one virtual-table module for all of them.
//!
//! SQLite asks which constraints a table can use (`best_index`), hands their values over (`filter`) and then
//! walks the rows. The answer to the first question travels to the second as a string, since one prepared
//! statement may hold several of them. Nothing is omitted from SQLite's own checks: a table may give too many
//! rows, never wrong ones.
//!
//! This is one of two modules of the crate that may be unsafe: rusqlite's traits promise a memory layout.
#![allow(unsafe_code)]

use std::cell::OnceCell;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::marker::PhantomData;
use std::os::raw::c_int;
use std::sync::{Arc, RwLock};

use rusqlite::types::{Value, ValueRef};
use rusqlite::vtab::{
    Context as Cell, Filters, IndexConstraintOp, IndexInfo, VTab, VTabConnection, VTabCursor, eponymous_only_module,
    sqlite3_vtab, sqlite3_vtab_cursor,
};
use rusqlite::{Connection, Error, Result};

use crate::constraint::{Constraints, Operator, Scan};
use crate::context::Context;
use crate::row::{Filled, Rows};
use crate::schema::Schema;
use crate::tables::{Generate, TABLES};

/// The context that the next scans see; swapped as a whole between queries.
pub(crate) type SharedContext = Arc<RwLock<Arc<Context>>>;

/// Makes all tables (and the views that stand for their aliases) known to a connection.
pub(crate) fn register_all(connection: &Connection, context: &SharedContext) -> Result<()> {
    for (name, generate) in TABLES {
        let schema = crate::schema::table_schema(name).expect("a test finds each table in schema.json");
        let source = Source { schema, generate: *generate, context: context.clone() };
        connection.create_module(*name, eponymous_only_module::<Table>(), Some(source))?;
        for alias in &schema.aliases {
            connection.execute_batch(&format!("CREATE TEMP VIEW \"{alias}\" AS SELECT * FROM \"{name}\""))?;
        }
    }
    Ok(())
}

#[derive(Clone)]
struct Source {
    schema: &'static Schema,
    generate: Generate,
    context: SharedContext,
}

#[repr(C)]
struct Table {
    /// Must stand first: SQLite sees only this part.
    base: sqlite3_vtab,
    source: Source,
    /// The column behind each declared one (an alias stands for its column).
    declared: Vec<usize>,
}

#[repr(C)]
struct Cursor<'vtab> {
    /// Must stand first: SQLite sees only this part.
    base: sqlite3_vtab_cursor,
    source: Source,
    declared: Vec<usize>,
    rows: Filled,
    /// Made when SQLite first asks for one.
    ids: OnceCell<Vec<i64>>,
    at: usize,
    table: PhantomData<&'vtab Table>,
}

/// What a full reading costs in the planner's eyes, what one with a usable constraint does, and what one does that
/// cannot be answered at all, so that a join starts at the other table.
const COST_OF_ALL: f64 = 1e6;
const COST_OF_SOME: f64 = 1.0;
const COST_OF_IMPOSSIBLE: f64 = 1e12;

// SAFETY: `Table` is `repr(C)` and its first field is the base that SQLite reads and writes.
unsafe impl<'vtab> VTab<'vtab> for Table {
    type Aux = Source;
    type Cursor = Cursor<'vtab>;

    fn connect(_: &mut VTabConnection, source: Option<&Source>, _: &[&[u8]]) -> Result<(String, Self)> {
        let source = source.expect("register_all always gives one").clone();
        let table = Self { base: sqlite3_vtab::default(), declared: source.schema.declared(), source };
        Ok((table.source.schema.ddl(), table))
    }

    fn best_index(&self, info: &mut IndexInfo) -> Result<()> {
        let columns = &self.source.schema.columns;
        let mut plan = Plan { used: self.used(info.col_used()), pushed: Vec::new() };
        let mut required_met = !columns.iter().any(|c| c.required);
        let mut narrowed = false;
        for (constraint, mut usage) in info.constraints_and_usages() {
            let declared = usize::try_from(constraint.column()).ok().and_then(|c| self.declared.get(c));
            let (Some(&at), Some(operator)) = (declared, operator_of(constraint.operator())) else { continue };
            let column = &columns[at];
            if !constraint.is_usable() || !(column.required || column.index || column.additional) {
                continue;
            }
            plan.pushed.push((at, operator));
            usage.set_argv_index(plan.pushed.len() as c_int);
            usage.set_omit(false);
            required_met |= column.required;
            narrowed |= column.required || (column.index && operator == Operator::Equal);
        }
        let (cost, rows) = match (required_met, narrowed) {
            (false, _) => (COST_OF_IMPOSSIBLE, 1_000_000),
            (true, true) => (COST_OF_SOME, 1),
            (true, false) => (COST_OF_ALL, 1_000),
        };
        info.set_estimated_cost(cost);
        info.set_estimated_rows(rows);
        info.set_idx_str(&plan.encode());
        Ok(())
    }

    fn open(&'vtab mut self) -> Result<Cursor<'vtab>> {
        Ok(Cursor {
            base: sqlite3_vtab_cursor::default(),
            source: self.source.clone(),
            declared: self.declared.clone(),
            rows: Filled::default(),
            ids: OnceCell::new(),
            at: 0,
            table: PhantomData,
        })
    }
}

impl Table {
    /// Turns SQLite's mask of declared columns into one of the table's own.
    fn used(&self, declared: u64) -> u64 {
        let bit = |n: usize| 1u64 << n.min(63);
        let read = self.declared.iter().enumerate().filter(|(n, _)| declared & bit(*n) != 0);
        read.fold(0, |mask, (_, &at)| mask | bit(at))
    }
}

fn operator_of(operator: IndexConstraintOp) -> Option<Operator> {
    use IndexConstraintOp::*;
    match operator {
        SQLITE_INDEX_CONSTRAINT_EQ | SQLITE_INDEX_CONSTRAINT_IS => Some(Operator::Equal),
        SQLITE_INDEX_CONSTRAINT_LIKE => Some(Operator::Like),
        SQLITE_INDEX_CONSTRAINT_GLOB => Some(Operator::Glob),
        _ => None,
    }
}

/// What `best_index` tells `filter`: the columns read, and column and operator of each argument.
#[derive(Debug, PartialEq)]
struct Plan {
    used: u64,
    pushed: Vec<(usize, Operator)>,
}

impl Plan {
    fn encode(&self) -> String {
        let pushed = self.pushed.iter().map(|(at, operator)| {
            let sign = match operator {
                Operator::Equal => '=',
                Operator::Like => '%',
                Operator::Glob => '*',
            };
            format!(",{at}{sign}")
        });
        std::iter::once(format!("{:x}", self.used)).chain(pushed).collect()
    }

    fn decode(text: &str) -> Option<Self> {
        let mut parts = text.split(',');
        let used = u64::from_str_radix(parts.next()?, 16).ok()?;
        let pushed = parts.map(|part| {
            let (at, sign) = part.split_at_checked(part.len().checked_sub(1)?)?;
            let operator = match sign {
                "=" => Operator::Equal,
                "%" => Operator::Like,
                "*" => Operator::Glob,
                _ => return None,
            };
            Some((at.parse().ok()?, operator))
        });
        Some(Self { used, pushed: pushed.collect::<Option<_>>()? })
    }
}

// SAFETY: `Cursor` is `repr(C)` and its first field is the base that SQLite reads and writes.
unsafe impl VTabCursor for Cursor<'_> {
    fn filter(&mut self, _: c_int, plan: Option<&str>, args: &Filters<'_>) -> Result<()> {
        let plan = plan.and_then(Plan::decode).ok_or_else(|| Error::ModuleError("no plan for the scan".into()))?;
        let mut constraints = Constraints::default();
        for (&(column, operator), value) in plan.pushed.iter().zip(args.iter()) {
            constraints.add(column, operator, text_of(value));
        }
        let context = self.source.context.read().expect("nobody panics while holding it").clone();
        let scan = Scan { context: &context, schema: self.source.schema, constraints, used: plan.used };
        let failed = |error: crate::QueryError| Error::ModuleError(error.to_string());
        scan.check().map_err(failed)?;
        let mut rows = Rows::new(self.source.schema, plan.used);
        (self.source.generate)(&scan, &mut rows).map_err(failed)?;
        self.rows = rows.finish().map_err(failed)?;
        self.ids = OnceCell::new();
        self.at = 0;
        Ok(())
    }

    fn next(&mut self) -> Result<()> {
        self.at += 1;
        Ok(())
    }

    fn eof(&self) -> bool {
        self.at >= self.rows.len()
    }

    fn column(&self, cell: &mut Cell, n: c_int) -> Result<()> {
        let at = usize::try_from(n).ok().and_then(|n| self.declared.get(n));
        match at {
            Some(&at) => cell.set_result(self.rows.value(self.at, at)),
            None => Err(Error::ModuleError(format!("no column {n}"))),
        }
    }

    /// The same row has the same id in every scan of a query: SQLite drops doubles of `a OR b` by it.
    fn rowid(&self) -> Result<i64> {
        let ids = self.ids.get_or_init(|| row_ids(self.source.schema, &self.rows));
        Ok(ids[self.at])
    }
}

/// Rows of a table with index columns are told apart by these, others by all that is read of them; equal ones by
/// their order.
fn row_ids(schema: &Schema, rows: &Filled) -> Vec<i64> {
    let mut telling: Vec<usize> = (0..schema.columns.len()).filter(|&c| schema.columns[c].index).collect();
    if telling.is_empty() {
        telling = (0..schema.columns.len()).collect();
    }
    let mut seen: HashMap<u64, u64> = HashMap::new();
    let id = |row: usize| {
        let mut hasher = DefaultHasher::new();
        telling.iter().for_each(|&column| hash(rows.value(row, column), &mut hasher));
        let own = hasher.finish();
        let earlier = seen.entry(own).or_default();
        *earlier += 1;
        own.wrapping_add(*earlier) as i64
    };
    (0..rows.len()).map(id).collect()
}

fn hash(value: &Value, hasher: &mut DefaultHasher) {
    match value {
        Value::Null => 0u8.hash(hasher),
        Value::Integer(n) => n.hash(hasher),
        Value::Real(n) => n.to_bits().hash(hasher),
        Value::Text(text) => text.hash(hasher),
        Value::Blob(bytes) => bytes.hash(hasher),
    }
}

fn text_of(value: ValueRef<'_>) -> Option<String> {
    match value {
        ValueRef::Null => None,
        ValueRef::Integer(n) => Some(n.to_string()),
        ValueRef::Real(n) => Some(n.to_string()),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_survives_its_journey_through_sqlite() {
        let pushed = vec![(0, Operator::Equal), (12, Operator::Like), (1, Operator::Glob)];
        let plan = Plan { used: 0x8000_0000_0000_0001, pushed };
        assert_eq!(Plan::decode(&plan.encode()), Some(plan));
        assert_eq!(Plan::decode("0"), Some(Plan { used: 0, pushed: vec![] }));
        assert_eq!(Plan::decode("0,1"), None);
        assert_eq!(Plan::decode("0,"), None);
    }

    #[test]
    fn each_table_has_a_schema_and_each_schema_a_table() {
        let ours: Vec<&str> = TABLES.iter().map(|(name, _)| *name).collect();
        let declared: Vec<&str> = crate::table_names().collect();
        assert_eq!(ours, declared);
    }
}
