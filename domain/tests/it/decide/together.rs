//! Several commands as one: each is decided on what the earlier ones leave, and all hold or none.

use domain::{Command, Digest, SessionId, UserId, session, user};

use super::{given, not_found, profile};

fn first() -> Command {
    user::Command::First { profile: profile("alex"), password: "hash".to_owned() }.into()
}

fn sign_in(name: &str) -> Command {
    session::Command::StartByEmail { email: Digest::of(name), token: Digest::of("token") }.into()
}

#[test]
fn a_later_command_sees_what_an_earlier_one_decided() {
    let created = user::Created {
        user: UserId(1),
        profile: profile("alex"),
        password: "hash".to_owned(),
        roles: domain::role::Roles::Global(domain::role::Role::Admin),
        api_only: false,
        must_reset_password: false,
    };
    let started = session::Started { session: SessionId(1), user: UserId(1), token: Digest::of("token") };
    given([]).when(Command::Together(vec![first(), sign_in("alex")])).then([created.into(), started.into()]);
}

#[test]
fn when_one_is_refused_nothing_happens() {
    let then =
        given([]).when(Command::Together(vec![first(), sign_in("kim")])).refused(not_found("User", "with this email"));
    assert!(then.state.users.is_empty());
}

#[test]
fn nothing_together_is_nothing_to_do() {
    given([]).when(Command::Together(vec![])).then([]);
    given([]).when(Command::Together(vec![session::Command::End { token: Digest::of("token") }.into()])).then([]);
}
