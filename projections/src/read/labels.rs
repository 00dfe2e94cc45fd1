//! Labels and their members: what hosts answered, what admins chose, and for "All Hosts" whatever exists.

use std::collections::{BTreeMap, BTreeSet};

use domain::label::{Label, Membership};
use domain::{HostId, LabelId, Members, Timestamp};
use infra_stores::{Statement, Views};

use super::filter::LabelKind;
use super::{HostFilter, TeamScope, host_ids, serving, subjects};
use crate::projection::{FoldError, view};

/// All labels, by id, without their members. One statement.
pub async fn labels(views: &Views, as_of: Timestamp) -> Result<Vec<Label>, FoldError> {
    subjects::subjects(views, view::LABELS, as_of).await
}

/// One statement.
pub async fn label_one(views: &Views, as_of: Timestamp, id: LabelId) -> Result<Option<Label>, FoldError> {
    subjects::subject(views, view::LABELS, as_of, id.0).await
}

/// The members of a label that the user may see; none of a label that did not exist. Two statements.
pub async fn label_hosts(
    views: &Views,
    as_of: Timestamp,
    scope: &TeamScope,
    id: LabelId,
) -> Result<Members, FoldError> {
    let filter = HostFilter { scope: scope.clone(), label: Some(id), ..HostFilter::default() };
    host_ids(views, as_of, &filter).await
}

/// How many members each label has among the hosts that the user may see; labels without any are left out.
/// Always as many as [`label_hosts`] gives. Four statements.
pub async fn label_counts(
    views: &Views,
    as_of: Timestamp,
    scope: &TeamScope,
) -> Result<BTreeMap<LabelId, u64>, FoldError> {
    let labels = labels(views, as_of).await?;
    let mut counts = BTreeMap::new();
    let tables =
        [(Membership::Dynamic, "label_host", serving::FACTS), (Membership::Manual, "label_manual", serving::LABELS)];
    for (membership, table, version) in tables {
        let told: BTreeSet<LabelId> =
            labels.iter().filter(|label| label.membership == membership).map(|one| one.id).collect();
        let members =
            Statement::new("SELECT m.label, COUNT(*) FROM ").push(table).push(" m JOIN host h ON h.host = m.host");
        let members = members.push(" WHERE m.version = ").push(version).push(" AND m.since <= ? AND m.until > ?");
        let members = members.bind(as_of).bind(as_of).push(" AND h.version = ").push(serving::HOSTS);
        let members = members.push(" AND h.since <= ? AND h.until > ?").bind(as_of).bind(as_of);
        for mut row in views.fetch(scope.narrow(members, as_of).push(" GROUP BY m.label")).await? {
            let label = LabelId(row.take()?);
            if told.contains(&label) {
                counts.insert(label, row.take()?);
            }
        }
    }
    let all = Statement::new("SELECT COUNT(*) FROM host h WHERE h.version = ").push(serving::HOSTS);
    let all = all.push(" AND h.since <= ? AND h.until > ?").bind(as_of).bind(as_of);
    let all: u64 = views.first(scope.narrow(all, as_of)).await?.map(|mut row| row.take()).transpose()?.unwrap_or(0);
    for label in labels.iter().filter(|label| label.is_all_hosts()) {
        counts.insert(label.id, all);
    }
    counts.retain(|_, count| *count > 0);
    Ok(counts)
}

/// The labels that a host had, by id. It is the caller's to know that the host existed. Two statements.
pub async fn host_labels(views: &Views, as_of: Timestamp, host: HostId) -> Result<Vec<Label>, FoldError> {
    let mut all = labels(views, as_of).await?;
    let member = |statement: Statement, table, version| {
        let statement = statement.push(table).push(" WHERE version = ").push(version);
        statement.push(" AND host = ? AND since <= ? AND until > ?").bind(host.0).bind(as_of).bind(as_of)
    };
    let told = member(Statement::new("SELECT 'dynamic', label FROM "), "label_host", serving::FACTS);
    let told = member(told.push(" UNION ALL SELECT 'manual', label FROM "), "label_manual", serving::LABELS);
    let mut told_of = BTreeSet::new();
    for mut row in views.fetch(told).await? {
        let is_dynamic = row.take::<String>()? == "dynamic";
        told_of.insert((is_dynamic, LabelId(row.take()?)));
    }
    all.retain(|label| label.is_all_hosts() || told_of.contains(&(label.membership == Membership::Dynamic, label.id)));
    Ok(all)
}

/// How a label's members are told; `None` when there is no such label.
pub(super) async fn label_kind(views: &Views, as_of: Timestamp, id: LabelId) -> Result<Option<LabelKind>, FoldError> {
    Ok(label_one(views, as_of, id).await?.map(|label| match label.membership {
        _ if label.is_all_hosts() => LabelKind::All,
        Membership::Dynamic => LabelKind::Dynamic,
        Membership::Manual => LabelKind::Manual,
    }))
}
