//! How a host came to be what it is.

use domain::records::Section;
use domain::{HostId, TeamId, Timestamp};
use infra_stores::{Row, Statement, StoreError, Views};
use serde_json::Value;

use super::{Batch, TeamScope, serving};
use crate::budget::{Budget, PAGE_BYTES};
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

/// What a host reported, newest first, of one section or of all; at most `limit` rows, fewer when they are large, but one
/// if there is one. Three statements at most.
///
/// For somebody of some teams alone, it is cut to the time that the host spent in these: nobody learns from a host that
/// came to them what it was elsewhere. Whether they may see the host now is for the caller to know.
pub async fn host_history(
    views: &Views,
    scope: &TeamScope,
    host: HostId,
    section: Option<&str>,
    limit: u64,
) -> Result<Batch<SectionPeriod>, FoldError> {
    let allowed = match scope {
        TeamScope::All => vec![Span { since: Timestamp::from_micros(i64::MIN), until: Timestamp::FOREVER }],
        TeamScope::Teams(teams) => spent_in(views, teams, host).await?,
    };
    let among = |columns| {
        let rows = Statement::new(columns).push(" FROM host_section s WHERE s.version = ").push(serving::FACTS);
        let rows = rows.push(" AND s.host = ?").bind(host.0);
        let rows = match section {
            Some(section) => rows.push(" AND s.section IN ").list(Section::slots_of(section)),
            None => rows,
        };
        let TeamScope::Teams(teams) = scope else { return rows };
        let spent = rows.push(" AND EXISTS (SELECT 1 FROM host h WHERE h.version = ").push(serving::HOSTS);
        let spent = spent.push(" AND h.host = s.host AND h.since < s.until AND h.until > s.since AND h.team IN ");
        spent.list(TeamScope::numbers(teams)).push(")")
    };
    let sizes = among("SELECT s.since, s.until, OCTET_LENGTH(s.data)").push(ORDER).bind(limit.saturating_add(1));
    let (mut room, mut newest, mut fitting, mut more) = (Budget::new(PAGE_BYTES), None, 0, false);
    for mut row in views.fetch(sizes).await? {
        let (span, bytes) = (Span { since: row.take()?, until: row.take()? }, row.take::<u64>()?);
        let parts = allowed.iter().filter(|stretch| span.within(stretch).is_some()).count();
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX).saturating_mul(parts);
        more = fitting == limit || !room.takes(bytes);
        if more {
            break;
        }
        newest.get_or_insert(span.since);
        fitting += 1;
    }
    let mut shown: Vec<SectionPeriod> = vec![];
    let Some(newest) = newest else { return Ok(Batch { rows: shown, more }) };
    // What began since then would push out the last of those that fit.
    let rows = among("SELECT s.section, s.since, s.until, s.data").push(" AND s.since <= ?").bind(newest);
    for row in views.fetch(rows.push(ORDER).bind(fitting)).await? {
        let (section, span, data) = read_period(row)?;
        let parts = allowed.iter().filter_map(|stretch| span.within(stretch));
        shown.extend(parts.map(|part| part.period(section.clone(), data.clone())));
    }
    // Stable: what began together stays in the order of its parts.
    shown.sort_by_key(|period| std::cmp::Reverse(period.since));
    Ok(Batch { rows: shown, more })
}

const ORDER: &str = " ORDER BY s.since DESC, s.section LIMIT ?";

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
