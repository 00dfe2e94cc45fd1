//! How a host came to be what it is.

use domain::records::Section;
use domain::{HostId, TeamId, Timestamp};
use infra_stores::{Row, Statement, StoreError, Views};
use serde_json::Value;

use super::{TeamScope, serving};
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

/// What a host reported, newest first, of one section or of all. Two statements at most.
///
/// For somebody of some teams alone, it is cut to the time that the host spent in these: nobody learns from a host that
/// came to them what it was elsewhere. Whether they may see the host now is for the caller to know.
pub async fn host_history(
    views: &Views,
    scope: &TeamScope,
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
    let all: Vec<(String, Span, Value)> =
        views.fetch(rows).await?.into_iter().map(read_period).collect::<Result<_, _>>()?;
    let allowed = match scope {
        TeamScope::All => vec![Span { since: Timestamp::from_micros(i64::MIN), until: Timestamp::FOREVER }],
        TeamScope::Teams(teams) => spent_in(views, teams, host).await?,
    };
    let mut shown: Vec<SectionPeriod> = vec![];
    for (section, span, data) in all {
        let parts = allowed.iter().filter_map(|stretch| span.within(stretch));
        shown.extend(parts.map(|part| part.period(section.clone(), data.clone())));
    }
    // Stable: what began together stays in the order of its parts.
    shown.sort_by_key(|period| std::cmp::Reverse(period.since));
    Ok(shown)
}

fn read_period(mut row: Row) -> Result<(String, Span, Value), FoldError> {
    let (slot, span) = (row.take::<String>()?, Span { since: row.take()?, until: row.take()? });
    let section = Section::name_of(&slot).to_owned();
    Ok((section, span, serde_json::from_str(&row.take::<String>()?).map_err(FoldError::row)?))
}

/// A time, without its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    since: Timestamp,
    until: Timestamp,
}

impl Span {
    /// What lies inside the other, too.
    fn within(self, other: &Span) -> Option<Span> {
        let both = Span { since: self.since.max(other.since), until: self.until.min(other.until) };
        (both.since < both.until).then_some(both)
    }

    fn period(self, section: String, data: Value) -> SectionPeriod {
        let until = (self.until < Timestamp::FOREVER).then_some(self.until);
        SectionPeriod { section, since: self.since, until, data }
    }
}

/// When a host was in one of these teams, as long stretches.
async fn spent_in(views: &Views, teams: &[Option<TeamId>], host: HostId) -> Result<Vec<Span>, StoreError> {
    let rows = Statement::new("SELECT since, until FROM host WHERE version = ").push(serving::HOSTS);
    let rows = rows.push(" AND host = ?").bind(host.0).push(" AND team IN ").list(TeamScope::numbers(teams));
    let mut stretches: Vec<Span> = vec![];
    for mut row in views.fetch(rows.push(" ORDER BY since")).await? {
        let next = Span { since: row.take()?, until: row.take()? };
        match stretches.last_mut().filter(|last| last.until == next.since) {
            Some(last) => last.until = next.until,
            None => stretches.push(next),
        }
    }
    Ok(stretches)
}
