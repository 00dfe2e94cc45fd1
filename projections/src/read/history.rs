//! How a host came to be what it is.

use domain::records::Section;
use domain::{HostId, Timestamp};
use infra_stores::{Statement, Views};
use serde_json::Value;

use super::serving;
use crate::projection::FoldError;

/// A section of a host, or a part of a long inventory (`part` in its data), for as long as it stayed the same.
#[derive(Clone, Debug, PartialEq)]
pub struct SectionPeriod {
    pub section: String,
    pub since: Timestamp,
    /// None while it holds.
    pub until: Option<Timestamp>,
    pub data: Value,
}

/// What a host reported, newest first, of one section or of all. One statement.
pub async fn host_history(
    views: &Views,
    host: HostId,
    section: Option<&str>,
    limit: u64,
) -> Result<Vec<SectionPeriod>, FoldError> {
    let mut rows = Statement::new("SELECT section, since, until, data FROM host_section WHERE version = ");
    rows = rows.push(serving::FACTS).push(" AND host = ?").bind(host.0);
    if let Some(section) = section {
        rows = rows.push(" AND section IN ").list(Section::slots_of(section));
    }
    let rows = rows.push(" ORDER BY since DESC, section LIMIT ?").bind(limit);
    let read = |mut row: infra_stores::Row| {
        let (slot, since, until) = (row.take::<String>()?, row.take()?, row.take::<Timestamp>()?);
        let section = Section::name_of(&slot).to_owned();
        let data = serde_json::from_str(&row.take::<String>()?).map_err(FoldError::row)?;
        Ok(SectionPeriod { section, since, until: (until < Timestamp::FOREVER).then_some(until), data })
    };
    views.fetch(rows).await?.into_iter().map(read).collect()
}
