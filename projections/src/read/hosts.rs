//! Hosts: lists, counts, and one by what it is called.

use std::collections::{BTreeMap, HashMap};

use domain::{HostId, Members, TeamId, Timestamp};
use infra_stores::{Row, Statement, StoreError, Views};

use super::filter::{LabelKind, Needs};
use super::labels::label_kind;
use super::{HostFilter, HostOrder, IDS, Page, TeamScope, serving};
use crate::facts::index_key;
use crate::ledger::HostRow;
use crate::projection::FoldError;

/// What the ledger says of a host, and when it was seen. What it reports is in
/// [`host_facts`](super::host_facts).
#[derive(Clone, Debug, PartialEq)]
pub struct Host {
    pub id: HostId,
    pub team: Option<TeamId>,
    pub identifier: String,
    /// `os_version.platform` of the enrolment; empty if it was not told.
    pub platform: String,
    pub created_at: Timestamp,
    pub enrolled_at: Timestamp,
    /// Several machines enrol under its identifier; nobody gets a key until then.
    pub contested_until: Option<Timestamp>,
    /// The deleted host that had the identifier before.
    pub succeeds: Option<HostId>,
    /// Behind by up to five minutes, and never of the past; the epoch for never.
    pub seen_at: Timestamp,
    pub detailed_at: Timestamp,
    pub labelled_at: Timestamp,
    pub judged_at: Timestamp,
}

impl Host {
    fn read(mut row: Row) -> Result<Host, StoreError> {
        let host = HostRow::read(&mut row)?;
        let mut time = || Ok::<_, StoreError>(row.take::<Option<Timestamp>>()?.unwrap_or(Timestamp::EPOCH));
        Ok(Host {
            id: host.host,
            team: (host.team != 0).then_some(TeamId(host.team)),
            identifier: host.identifier,
            platform: host.platform,
            created_at: host.created_at,
            enrolled_at: host.enrolled_at,
            contested_until: (host.contested_until > Timestamp::EPOCH).then_some(host.contested_until),
            succeeds: (host.succeeds != 0).then_some(HostId(host.succeeds)),
            seen_at: time()?,
            detailed_at: time()?,
            labelled_at: time()?,
            judged_at: time()?,
        })
    }
}

/// A page of hosts. At most three statements, and one more for each further thousand hosts on the page.
pub async fn host_page(
    views: &Views,
    as_of: Timestamp,
    filter: &HostFilter,
    order: HostOrder,
    page: &Page,
) -> Result<Vec<Host>, FoldError> {
    let Some(label) = wanted_label(views, as_of, filter).await? else { return Ok(vec![]) };
    let mut ids = filter.from(Statement::new("SELECT h.host"), as_of, label, order.key.needs());
    if let Some(after) = &page.after {
        let beyond = if order.descending { " < ?" } else { " > ?" };
        ids = ids.push(" AND ").push(order.key.sql()).push(beyond).bind(order.key.value(after));
    }
    let direction = if order.descending { " DESC, h.host DESC" } else { " ASC, h.host ASC" };
    ids = ids.push(" ORDER BY ").push(order.key.sql()).push(direction);
    let whole = filter.among.is_some() || page.size.is_none();
    if !whole {
        ids = ids.push(" LIMIT ? OFFSET ?").bind(page.size.unwrap_or_default()).bind(page.skip());
    }
    let mut ids = read_ids(views.fetch(ids).await?)?;
    if let Some(among) = &filter.among {
        ids.retain(|id| among.contains(*id));
    }
    let ids = if whole { page.cut(ids) } else { ids };
    Ok(host_rows(views, as_of, &ids).await?)
}

/// How many hosts a filter lets through: always as many as the list without pages. At most two statements.
pub async fn host_count(views: &Views, as_of: Timestamp, filter: &HostFilter) -> Result<u64, FoldError> {
    if filter.among.is_some() {
        return Ok(host_ids(views, as_of, filter).await?.len());
    }
    let Some(label) = wanted_label(views, as_of, filter).await? else { return Ok(0) };
    let count = filter.from(Statement::new("SELECT COUNT(*)"), as_of, label, Needs::default());
    Ok(views.first(count).await?.map(|mut row| row.take()).transpose()?.unwrap_or(0))
}

/// All hosts that a filter lets through. At most two statements.
pub async fn host_ids(views: &Views, as_of: Timestamp, filter: &HostFilter) -> Result<Members, FoldError> {
    let Some(label) = wanted_label(views, as_of, filter).await? else { return Ok(Members::default()) };
    let ids =
        read_ids(views.fetch(filter.from(Statement::new("SELECT h.host"), as_of, label, Needs::default())).await?)?;
    let all: Members = ids.into_iter().collect();
    Ok(filter.among.as_ref().map_or(all.clone(), |among| all.and(among)))
}

/// How many hosts of each platform a filter lets through; `""` for those that have told none. At most two statements.
pub async fn host_platforms(
    views: &Views,
    as_of: Timestamp,
    filter: &HostFilter,
) -> Result<BTreeMap<String, u64>, FoldError> {
    let Some(label) = wanted_label(views, as_of, filter).await? else { return Ok(BTreeMap::new()) };
    let platforms = Statement::new("SELECT h.host, COALESCE(NULLIF(i.platform, ''), LOWER(h.platform))");
    let mut counts = BTreeMap::new();
    for mut row in views.fetch(filter.from(platforms, as_of, label, Needs { index: true, seen: false })).await? {
        let host = HostId(row.take()?);
        if filter.among.as_ref().is_none_or(|among| among.contains(host)) {
            *counts.entry(row.take()?).or_default() += 1;
        }
    }
    Ok(counts)
}

/// These hosts, in this order; those that did not exist are left out. One statement for each thousand.
pub async fn host_rows(views: &Views, as_of: Timestamp, ids: &[HostId]) -> Result<Vec<Host>, StoreError> {
    let mut found = HashMap::with_capacity(ids.len());
    for some in ids.chunks(IDS) {
        let rows = Statement::new(HostRow::COLUMNS).push(", s.seen, s.detailed, s.labelled, s.judged FROM host h");
        let rows = rows.push(" LEFT JOIN host_seen s ON s.version = ").push(serving::SEEN).push(" AND s.host = h.host");
        let rows = rows.push(" WHERE h.version = ").push(serving::HOSTS).push(" AND h.since <= ? AND h.until > ?");
        let rows = rows.bind(as_of).bind(as_of).push(" AND h.host IN ").list(some.iter().map(|id| id.0));
        for row in views.fetch(rows).await? {
            let host = Host::read(row)?;
            found.insert(host.id, host);
        }
    }
    Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
}

/// One host, if it existed and the user may see it. One statement, or two for a user of some teams.
pub async fn host_one(
    views: &Views,
    as_of: Timestamp,
    scope: &TeamScope,
    id: HostId,
) -> Result<Option<Host>, StoreError> {
    if *scope != TeamScope::All {
        let seen = Statement::new("SELECT h.host FROM host h WHERE h.version = ").push(serving::HOSTS);
        let seen = seen.push(" AND h.host = ? AND h.since <= ? AND h.until > ?").bind(id.0).bind(as_of).bind(as_of);
        if views.first(scope.narrow(seen, as_of)).await?.is_none() {
            return Ok(None);
        }
    }
    Ok(host_rows(views, as_of, &[id]).await?.pop())
}

/// When hosts that are in these teams now came there from elsewhere; those that always were there are left out, and so is
/// everyone for somebody who sees all. One statement at most.
pub async fn host_arrivals(views: &Views, scope: &TeamScope) -> Result<BTreeMap<HostId, Timestamp>, StoreError> {
    let TeamScope::Teams(teams) = scope else { return Ok(BTreeMap::new()) };
    let rows = Statement::new("SELECT h.host, MAX(h.until) FROM host h WHERE h.version = ").push(serving::HOSTS);
    let rows = rows.push(" AND h.team NOT IN ").list(TeamScope::numbers(teams));
    let rows = rows.push(" AND h.host IN (SELECT n.host FROM host n WHERE n.version = ").push(serving::HOSTS);
    let rows = rows.push(" AND n.until = ?").bind(Timestamp::FOREVER).push(" AND n.team IN ");
    let rows = rows.list(TeamScope::numbers(teams)).push(") GROUP BY h.host");
    views.fetch(rows).await?.into_iter().map(|mut row| Ok((HostId(row.take()?), row.take()?))).collect()
}

/// Hosts that were called this: hostname, uuid, serial or osquery's own identifier, whatever the case. One statement.
pub async fn host_find(
    views: &Views,
    as_of: Timestamp,
    scope: &TeamScope,
    identifier: &str,
) -> Result<Vec<HostId>, StoreError> {
    let key = index_key(identifier);
    if key.is_empty() {
        return Ok(vec![]);
    }
    let find = Statement::new("SELECT h.host FROM host h WHERE h.version = ").push(serving::HOSTS);
    let find = find.push(" AND h.since <= ? AND h.until > ?").bind(as_of).bind(as_of);
    let find =
        find.push(" AND h.host IN (SELECT c.host FROM host c WHERE c.called = ? AND c.version = ").bind(key.as_str());
    let find = find.push(serving::HOSTS).push(" AND c.since <= ? AND c.until > ?").bind(as_of).bind(as_of);
    let told = |find: Statement, column: &'static str| {
        let find = find.push(" UNION ALL SELECT i.host FROM host_index i WHERE i.version = ").push(serving::FACTS);
        let find = find.push(" AND ").push(column).push(" = ?").bind(key.as_str());
        find.push(" AND i.since <= ? AND i.until > ?").bind(as_of).bind(as_of)
    };
    let find = ["i.hostname", "i.uuid", "i.hardware_serial"].into_iter().fold(find, told);
    let find = scope.narrow(find.push(")"), as_of).push(" ORDER BY h.host");
    read_ids(views.fetch(find).await?)
}

/// The kind of the label that is filtered by; the outer `None` when it does not exist, so that nothing matches.
async fn wanted_label(
    views: &Views,
    as_of: Timestamp,
    filter: &HostFilter,
) -> Result<Option<Option<LabelKind>>, FoldError> {
    match filter.label {
        None => Ok(Some(None)),
        Some(label) => Ok(label_kind(views, as_of, label).await?.map(Some)),
    }
}

pub(super) fn read_ids(rows: Vec<Row>) -> Result<Vec<HostId>, StoreError> {
    rows.into_iter().map(|mut row| row.take().map(HostId)).collect()
}
