//! What is in long lists of hosts, wherever the parts of these are kept.

use std::collections::BTreeMap;

use domain::records::{Section, User, Users};
use domain::{HostId, Timestamp};
use infra_stores::{Statement, Views};

use super::{IDS, serving};
use crate::budget::{Budget, PAGE_BYTES};
use crate::projection::FoldError;

/// The users that a host had reported.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HostUsers {
    /// By name, then by id.
    pub users: Vec<User>,
    /// Users that found no room.
    pub left_out: u32,
}

/// The users of these hosts; a host that had reported none is left out. Two statements for each thousand.
///
/// `None` when they are more than a page may hold; those of a single host always fit.
pub async fn host_users(
    views: &Views,
    as_of: Timestamp,
    ids: &[HostId],
) -> Result<Option<BTreeMap<HostId, HostUsers>>, FoldError> {
    let mut room = Budget::new(PAGE_BYTES);
    let mut found: BTreeMap<HostId, Vec<Users>> = BTreeMap::new();
    for some in ids.chunks(IDS) {
        let among = |columns| {
            let rows = Statement::new(columns).push(" FROM host_section WHERE version = ").push(serving::FACTS);
            let rows = rows.push(" AND since <= ? AND until > ?").bind(as_of).bind(as_of);
            let rows = rows.push(" AND host IN ").list(some.iter().map(|id| id.0));
            rows.push(" AND section IN ").list(Section::slots_of("users")).push(" ORDER BY host, since")
        };
        let mut sizes: BTreeMap<u32, usize> = BTreeMap::new();
        for mut row in views.fetch(among("SELECT host, OCTET_LENGTH(data)")).await? {
            let (host, bytes): (u32, u64) = (row.take()?, row.take()?);
            let size = sizes.entry(host).or_default();
            *size = size.saturating_add(usize::try_from(bytes).unwrap_or(usize::MAX));
        }
        if !sizes.into_values().all(|bytes| room.takes(bytes)) {
            return Ok(None);
        }
        for mut row in views.fetch(among("SELECT host, data")).await? {
            let host = HostId(row.take()?);
            let users = serde_json::from_str(&row.take::<String>()?).map_err(FoldError::row)?;
            found.entry(host).or_default().push(users);
        }
    }
    Ok(Some(found.into_iter().map(|(host, states)| (host, joined(states))).collect()))
}

/// Of a user that is told in two places, since a change of parts is half read, the later word counts.
fn joined(states: Vec<Users>) -> HostUsers {
    let left_out = states.iter().map(|state| state.left_out).sum();
    let mut users: BTreeMap<(String, i64), User> = BTreeMap::new();
    for user in states.into_iter().flat_map(|state| state.users) {
        users.insert((user.username.clone(), user.uid), user);
    }
    HostUsers { users: users.into_values().collect(), left_out }
}
