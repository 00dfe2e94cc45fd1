//! Users and groups against getent(1).

use crate::support::{row, rows, run, tuples};

fn getent(database: &str, fields: &[usize]) -> Vec<Vec<String>> {
    let text = run("getent", &[database]);
    let line = |line: &str| -> Vec<String> {
        let all: Vec<&str> = line.split(':').collect();
        fields.iter().map(|&n| all[n].to_string()).collect()
    };
    let mut lines: Vec<_> = text.lines().map(line).collect();
    lines.sort();
    lines
}

#[test]
fn users_are_those_of_getent() {
    let ours = tuples("SELECT username, uid, gid, description, directory, shell FROM users");
    assert!(ours.len() > 3);
    assert_eq!(ours, getent("passwd", &[0, 2, 3, 4, 5, 6]));
}

#[test]
fn groups_are_those_of_getent() {
    let ours = tuples("SELECT groupname, gid FROM groups");
    assert!(ours.len() > 3);
    assert_eq!(ours, getent("group", &[0, 2]));
}

#[test]
fn one_account_can_be_asked_for() {
    assert_eq!(&row("SELECT username FROM users WHERE uid = 0")["username"], "root");
    assert_eq!(&row("SELECT uid FROM users WHERE username = 'root'")["uid"], "0");
    assert_eq!(&row("SELECT groupname FROM groups WHERE gid = 0")["groupname"], "root");
    for sql in [
        "SELECT * FROM users WHERE uid = 4000000",
        "SELECT * FROM users WHERE uid = -1",
        "SELECT * FROM users WHERE uid = 'root'",
        "SELECT * FROM users WHERE username = 'no such user'",
        "SELECT * FROM groups WHERE gid = 4000000",
        "SELECT * FROM users WHERE uid IS NULL",
    ] {
        assert_eq!(rows(sql), vec![], "{sql}");
    }
}

#[test]
fn large_ids_have_a_signed_form() {
    let sql = "SELECT uid, uid_signed FROM users WHERE username = 'nobody'";
    let nobody = row(sql);
    let uid: u32 = nobody["uid"].parse().unwrap();
    assert_eq!(&nobody["uid_signed"], (uid as i32).to_string());
}

#[test]
fn each_user_has_its_group() {
    let sql = "SELECT count(*) AS n FROM users u JOIN groups g USING (gid)";
    let expected = getent("passwd", &[3]).into_iter().filter(|gid| getent("group", &[2]).contains(gid)).count();
    assert_eq!(&row(sql)["n"], expected.to_string());
}
