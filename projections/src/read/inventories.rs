//! What is in long lists of hosts, wherever the parts of these are kept.

use std::collections::BTreeMap;

use domain::records::{Section, User, Users};
use domain::{HostId, Timestamp};
use infra_stores::{Statement, Views};

use super::{IDS, serving};
use crate::projection::FoldError;

/// The users that a host had reported.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HostUsers {
    /// By name, then by id.
    pub users: Vec<User>,
    /// Users that found no room.
    pub left_out: u32,
}

/// The users of these hosts; a host that had reported none is left out. One statement for each thousand.
pub async fn host_users(
    views: &Views,
    as_of: Timestamp,
    ids: &[HostId],
) -> Result<BTreeMap<HostId, HostUsers>, FoldError> {
    let mut found: BTreeMap<HostId, Vec<Users>> = BTreeMap::new();
    for some in ids.chunks(IDS) {
        let rows = Statement::new("SELECT host, data FROM host_section WHERE version = ").push(serving::FACTS);
        let rows = rows.push(" AND since <= ? AND until > ?").bind(as_of).bind(as_of);
        let rows = rows.push(" AND host IN ").list(some.iter().map(|id| id.0));
        let rows = rows.push(" AND section IN ").list(Section::slots_of("users")).push(" ORDER BY host, since");
        for mut row in views.fetch(rows).await? {
            let host = HostId(row.take()?);
            let users = serde_json::from_str(&row.take::<String>()?).map_err(FoldError::row)?;
            found.entry(host).or_default().push(users);
        }
    }
    Ok(found.into_iter().map(|(host, states)| (host, joined(states))).collect())
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
