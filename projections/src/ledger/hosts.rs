//! Which hosts exist, under which identifier, and in which team.

use async_trait::async_trait;
use domain::host::{ContestedIdentity, Deleted, Enrolled, KeyReplaced};
use domain::{Event, HostId, TeamId, Timestamp};
use infra_log::Topic;
use infra_stores::{Row, Statement, StoreError, Table, Value, Write};

use super::decisions;
use crate::facts::index_key;
use crate::projection::{Facts, FoldError, Projection, view};
use crate::read::NOW;
use crate::tables::HOST;

/// One row per host for as long as nothing that the ledger says of it changed; none before its enrolment and after its
/// deletion.
/// Source: `host.*`, `team.deleted`.
pub(crate) struct Hosts;

/// A row, without its interval's end.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct HostRow {
    pub host: HostId,
    pub since: Timestamp,
    /// 0 is no team.
    pub team: u32,
    pub identifier: String,
    /// `os_version.platform` of the enrolment.
    pub platform: String,
    pub created_at: Timestamp,
    pub enrolled_at: Timestamp,
    /// The epoch when it is not contested.
    pub contested_until: Timestamp,
    /// The deleted host that had the identifier before; 0 is none.
    pub succeeds: u32,
}

impl HostRow {
    pub const COLUMNS: &str = "SELECT h.host, h.since, h.team, h.identifier, h.platform, h.created_at, h.enrolled_at, h.contested_until, h.succeeds";

    pub fn read(row: &mut Row) -> Result<HostRow, StoreError> {
        Ok(HostRow {
            host: HostId(row.take()?),
            since: row.take()?,
            team: row.take()?,
            identifier: row.take()?,
            platform: row.take()?,
            created_at: row.take()?,
            enrolled_at: row.take()?,
            contested_until: row.take()?,
            succeeds: row.take()?,
        })
    }

    fn put(&self, version: i64, until: Timestamp, write: &mut Write) {
        let others: Vec<Value> = vec![
            until.into(),
            self.team.into(),
            self.identifier.as_str().into(),
            index_key(&self.identifier).into(),
            self.platform.as_str().into(),
            self.created_at.into(),
            self.enrolled_at.into(),
            self.contested_until.into(),
            self.succeeds.into(),
        ];
        write.put(&HOST, vec![self.host.0.into(), self.since.into(), version.into()], others);
    }

    /// Ends this row at `at`, and lets another follow.
    fn supersede(self, version: i64, at: Timestamp, next: Option<HostRow>, write: &mut Write) {
        if self.since < at {
            self.put(version, at, write);
        } else if next.is_none() {
            write.delete(&HOST, vec![self.host.0.into(), self.since.into(), version.into()]);
        }
        if let Some(next) = next {
            HostRow { since: at, ..next }.put(version, Timestamp::FOREVER, write);
        }
    }
}

#[async_trait]
impl Projection for Hosts {
    fn name(&self) -> &'static str {
        view::HOSTS
    }

    fn shape(&self) -> i64 {
        1
    }

    fn topic(&self) -> Topic {
        Topic::Ledger
    }

    fn tables(&self) -> Vec<&'static Table> {
        vec![&HOST]
    }

    async fn fold(&self, facts: &Facts, version: i64, write: &mut Write) -> Result<(), FoldError> {
        for decision in decisions(facts) {
            let at = decision.at;
            match &decision.event {
                Event::HostEnrolled(event) => enrolled(event, at).put(version, Timestamp::FOREVER, write),
                Event::HostKeyReplaced(KeyReplaced { host, identifier, team, platform, .. }) => {
                    change(version, &[*host], at, write, |row| {
                        let (identifier, platform) = (identifier.clone(), platform.clone());
                        let contested_until = Timestamp::EPOCH;
                        Some(HostRow {
                            identifier,
                            platform,
                            team: number(*team),
                            enrolled_at: at,
                            contested_until,
                            ..row
                        })
                    })
                    .await?;
                }
                Event::HostContested(ContestedIdentity { host, until, .. }) => {
                    change(version, &[*host], at, write, |row| Some(HostRow { contested_until: *until, ..row }))
                        .await?;
                }
                Event::HostsTransferred(event) => {
                    let hosts: Vec<HostId> = event.hosts.iter().collect();
                    change(version, &hosts, at, write, |row| Some(HostRow { team: number(event.team), ..row })).await?;
                }
                Event::HostsDeleted(Deleted { hosts }) => {
                    let hosts: Vec<HostId> = hosts.iter().collect();
                    change(version, &hosts, at, write, |_| None).await?;
                }
                Event::TeamDeleted(event) => {
                    let of_team = open(version).push(" AND h.team = ?").bind(event.team.0);
                    for row in write.fetch(of_team).await? {
                        leave_team(row, version, at, write)?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }
}

fn enrolled(event: &Enrolled, at: Timestamp) -> HostRow {
    HostRow {
        host: event.host,
        since: at,
        team: number(event.team),
        identifier: event.identifier.clone(),
        platform: event.platform.clone(),
        created_at: at,
        enrolled_at: at,
        contested_until: Timestamp::EPOCH,
        succeeds: event.succeeds.map_or(0, |host| host.0),
    }
}

fn leave_team(mut row: Row, version: i64, at: Timestamp, write: &mut Write) -> Result<(), StoreError> {
    let row = HostRow::read(&mut row)?;
    let next = HostRow { team: 0, ..row.clone() };
    row.supersede(version, at, Some(next), write);
    Ok(())
}

/// Supersedes the open rows of these hosts.
async fn change(
    version: i64,
    hosts: &[HostId],
    at: Timestamp,
    write: &mut Write,
    next: impl Fn(HostRow) -> Option<HostRow>,
) -> Result<(), StoreError> {
    for some in hosts.chunks(1000) {
        let these = open(version).push(" AND h.host IN ").list(some.iter().map(|host| host.0));
        for mut row in write.fetch(these).await? {
            let row = HostRow::read(&mut row)?;
            let next = next(row.clone());
            row.supersede(version, at, next, write);
        }
    }
    Ok(())
}

fn open(version: i64) -> Statement {
    // Not "= for ever": engines would take that for the better key, and walk all hosts there are.
    let open = Statement::new(HostRow::COLUMNS).push(" FROM host h WHERE h.version = ? AND h.until > ?");
    open.bind(version).bind(NOW)
}

fn number(team: Option<TeamId>) -> u32 {
    team.map_or(0, |team| team.0)
}
