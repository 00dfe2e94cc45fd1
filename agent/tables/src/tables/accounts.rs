//! `users` and `groups`, as the C library knows them, so that LDAP and the like count as far as they are configured.

use crate::constraint::Scan;
use crate::error::QueryError;
use crate::row::Rows;
use crate::sys::{User, all_groups, all_users, group_by_id, user_by_id, user_by_name};

/// A constraint on uid or username asks for that account alone: it may exist without being enumerated.
pub(super) fn users(scan: &Scan<'_>, rows: &mut Rows) -> Result<(), QueryError> {
    for user in wanted_users(scan) {
        rows.add()
            .int("uid", user.uid)
            .int("gid", user.gid)
            .int("uid_signed", user.uid as i32)
            .int("gid_signed", user.gid as i32)
            .text("username", user.name)
            .text("description", user.description)
            .text("directory", user.directory)
            .text("shell", user.shell)
            .int("pid_with_namespace", 0)
            .int("include_remote", i64::from(scan.equal_to("include_remote") == Some("1")));
    }
    Ok(())
}

fn wanted_users(scan: &Scan<'_>) -> Vec<User> {
    if let Some(uid) = scan.equal_to("uid") {
        return number(uid).and_then(user_by_id).into_iter().collect();
    }
    match scan.equal_to("username") {
        Some(name) => user_by_name(name).into_iter().collect(),
        None => all_users(),
    }
}

pub(super) fn groups(scan: &Scan<'_>, rows: &mut Rows) -> Result<(), QueryError> {
    let groups = match scan.equal_to("gid") {
        Some(gid) => number(gid).and_then(group_by_id).into_iter().collect(),
        None => all_groups(),
    };
    for group in groups {
        rows.add()
            .int("gid", group.gid)
            .int("gid_signed", group.gid as i32)
            .text("groupname", group.name)
            .int("pid_with_namespace", 0);
    }
    Ok(())
}

/// Ids are unsigned; whole numbers written as such or as `1000.0` are both equal to one in SQL.
fn number(text: &str) -> Option<u32> {
    text.parse().ok().or_else(|| text.parse::<f64>().ok().filter(|n| n.fract() == 0.0).map(|n| n as u32))
}
