//! Rows by an ascending key, as many as fit: some of them are megabytes large.

use infra_stores::{Row, Statement, Views};

use crate::budget::{Budget, PAGE_BYTES};
use crate::projection::FoldError;

/// Rows in the order of their key.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch<T> {
    pub rows: Vec<T>,
    /// There are others after these.
    pub more: bool,
}

/// The SQL of one kind of rows, which hold packed `data` and are ordered by a whole number that no two of them share.
pub(super) struct Keyed {
    /// What a row is read from.
    pub columns: &'static str,
    /// The key and `LENGTH(data)`.
    pub sizes: &'static str,
    /// ` ORDER BY` the key ` LIMIT ?`.
    pub first: &'static str,
    /// ` AND` the key ` <= ? ORDER BY` the key.
    pub up_to: &'static str,
}

/// At most `limit` rows and no more than a page may hold, but one if there is one. Two statements at most.
///
/// `among` makes a statement that ends in its conditions from what it selects; `read` says how many bytes a row has
/// unpacked, which nobody knows before: so packed sizes are asked first, and unpacking ends where the page is full.
pub(super) async fn batch<T>(
    views: &Views,
    keyed: &Keyed,
    limit: u64,
    among: impl Fn(&'static str) -> Statement,
    read: impl Fn(Row) -> Result<(T, usize), FoldError>,
) -> Result<Batch<T>, FoldError> {
    let sizes = among(keyed.sizes).push(keyed.first).bind(limit.saturating_add(1));
    let (mut packed, mut last, mut fitting, mut more) = (Budget::new(PAGE_BYTES), None, 0, false);
    for mut row in views.fetch(sizes).await? {
        let (key, bytes): (u64, u64) = (row.take()?, row.take()?);
        more = fitting == limit || !packed.takes(usize::try_from(bytes).unwrap_or(usize::MAX));
        if more {
            break;
        }
        (last, fitting) = (Some(key), fitting + 1);
    }
    let Some(last) = last else { return Ok(Batch { rows: vec![], more }) };
    let (mut rows, mut unpacked) = (vec![], Budget::new(PAGE_BYTES));
    for row in views.fetch(among(keyed.columns).push(keyed.up_to).bind(last)).await? {
        let (row, bytes) = read(row)?;
        if !unpacked.takes(bytes) {
            return Ok(Batch { rows, more: true });
        }
        rows.push(row);
    }
    Ok(Batch { rows, more })
}
