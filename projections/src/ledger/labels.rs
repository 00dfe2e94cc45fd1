//! Labels, and the members of manual ones. Those of dynamic ones are what hosts answered, and "All Hosts" is existence.

use std::collections::HashMap;

use async_trait::async_trait;
use domain::label::{Label, MembersChanged};
use domain::{Event, HostId, Members, Timestamp};
use infra_log::Topic;
use infra_stores::{Statement, StoreError, Table, Value, Write};

use super::decisions;
use super::subject::Subjects;
use crate::projection::{Facts, FoldError, Projection, view};
use crate::read::NOW;
use crate::tables::{LABEL_MANUAL, SUBJECT};

/// One row per label for as long as it stayed as it was (a [`Label`] without members), and one per member of a manual
/// label for as long as it was one. Members of a deleted label, and deleted hosts, keep their rows: both are joined with
/// what exists.
/// Source: `label.*`.
pub(crate) struct Labels;

#[async_trait]
impl Projection for Labels {
    fn name(&self) -> &'static str {
        view::LABELS
    }

    fn shape(&self) -> i64 {
        1
    }

    fn topic(&self) -> Topic {
        Topic::Ledger
    }

    fn tables(&self) -> Vec<&'static Table> {
        vec![&SUBJECT, &LABEL_MANUAL]
    }

    async fn fold(&self, facts: &Facts, version: i64, write: &mut Write) -> Result<(), FoldError> {
        let labels = Subjects { kind: view::LABELS, version };
        for decision in decisions(facts) {
            let at = decision.at;
            match &decision.event {
                Event::LabelCreated(event) => labels.add(event.label.0, at, &Label::created(event, at), write),
                Event::LabelChanged(event) => {
                    labels.change(event.label.0, at, write, |label: &mut Label| label.change(event, at)).await?;
                }
                Event::LabelMembersChanged(event) => {
                    let change = |label: &mut Label| {
                        label.change_members(event, at);
                        label.members = Members::default();
                    };
                    labels.change(event.label.0, at, write, change).await?;
                    members_changed(event, version, at, write).await?;
                }
                Event::LabelDeleted(event) => labels.end(event.label.0, at, write).await?,
                _ => {}
            }
        }
        Ok(())
    }
}

async fn members_changed(
    event: &MembersChanged,
    version: i64,
    at: Timestamp,
    write: &mut Write,
) -> Result<(), StoreError> {
    let label = event.label.0;
    let key = |host: HostId, since: Timestamp| -> Vec<Value> {
        vec![host.0.into(), label.into(), since.into(), version.into()]
    };
    let touched: Vec<HostId> = event.joined.or(&event.left).iter().collect();
    for some in touched.chunks(1000) {
        let open = Statement::new("SELECT host, since FROM label_manual WHERE version = ? AND label = ? AND until > ?")
            .bind(version)
            .bind(label)
            .bind(NOW)
            .push(" AND host IN ")
            .list(some.iter().map(|host| host.0));
        let mut since = HashMap::new();
        for mut row in write.fetch(open).await? {
            since.insert(HostId(row.take()?), row.take::<Timestamp>()?);
        }
        for host in some {
            match since.get(host) {
                None if event.joined.contains(*host) && !event.left.contains(*host) => {
                    write.put(&LABEL_MANUAL, key(*host, at), vec![Timestamp::FOREVER.into()]);
                }
                Some(since) if event.left.contains(*host) && *since < at => {
                    write.put(&LABEL_MANUAL, key(*host, *since), vec![at.into()]);
                }
                Some(since) if event.left.contains(*host) => write.delete(&LABEL_MANUAL, key(*host, *since)),
                _ => {}
            }
        }
    }
    Ok(())
}
