//! Sign-ins: how they begin, are used and end.

use std::time::Duration;

use domain::session::{Command, Ended, LIFETIME, Started, USE_STEP, Used};
use domain::{Digest, Event, SessionId, UserId, user};

use super::user::{admin, api_only};
use super::{Given, given, not_found, seconds};

fn token(text: &str) -> Digest {
    Digest::of(text)
}

fn started(session: u32, user: u32, text: &str) -> Event {
    Started { session: SessionId(session), user: UserId(user), token: token(text) }.into()
}

fn signed_in() -> Given {
    given([admin(1), started(1, 1, "t1")])
}

fn used(text: &str) -> Event {
    Used { token: token(text) }.into()
}

#[test]
fn a_session_begins_for_an_account_or_for_an_address() {
    let by_address = |name: &str| Command::StartByEmail { email: Digest::of(name), token: token("t2") };
    given([admin(1)])
        .when(Command::Start { user: UserId(1), token: token("t1") })
        .then([started(1, 1, "t1")])
        .when(by_address("admin-1"))
        .then([started(2, 1, "t2")])
        .when(by_address("nobody"))
        .refused(not_found("User", "with this email"))
        .when(Command::Start { user: UserId(9), token: token("t3") })
        .refused(not_found("User", "with id=9"));
}

#[test]
fn a_use_is_written_down_once_an_hour() {
    let touch = || Command::Use { token: token("t1") };
    signed_in()
        .after(USE_STEP - seconds(1))
        .when(touch())
        .then([])
        .after(seconds(1))
        .when(touch())
        .then([used("t1")])
        .when(touch())
        .then([]);
}

#[test]
fn a_session_that_was_not_used_for_its_lifetime_is_over_and_stays_so() {
    let touch = || Command::Use { token: token("t1") };
    let last = signed_in().after(LIFETIME - seconds(1));
    assert!(last.state.sessions.live(&token("t1"), last.now, |_| false).is_some());
    let over = last.clone().after(seconds(1));
    assert_eq!(over.state.sessions.live(&token("t1"), over.now, |_| false), None);
    over.when(touch()).then([]);
    let then = last.when(touch()).then([used("t1")]).after(LIFETIME - seconds(1));
    assert!(then.state.sessions.live(&token("t1"), then.now, |_| false).is_some(), "it counts from its last use");
}

#[test]
fn the_token_of_an_api_only_account_never_ends() {
    let year = Duration::from_secs(365 * 86_400);
    let robot = given([admin(1), api_only(2), started(1, 2, "robot")]).after(year);
    assert!(robot.state.sessions.live(&token("robot"), robot.now, |user| user == UserId(2)).is_some());
    robot.when(Command::Use { token: token("robot") }).then([used("robot")]);
}

#[test]
fn whoever_signs_in_has_those_forgotten_that_ended_by_their_time() {
    let known = given([admin(1), api_only(2), started(1, 1, "old"), started(2, 1, "kept"), started(3, 2, "robot")]);
    let kept = known.after(seconds(1)).and([used("kept")]);
    let sign_in = || Command::Start { user: UserId(1), token: token("new") };
    let tokens = |given: &Given| {
        let of = |user| given.state.sessions.of_user(UserId(user)).map(|session| session.id.0).collect::<Vec<_>>();
        let mut all = [of(1), of(2)].concat();
        all.sort_unstable();
        all
    };
    let early = kept.clone().after(LIFETIME - seconds(2)).when(sign_in()).then([started(4, 1, "new")]);
    assert_eq!(tokens(&early), [1, 2, 3, 4]);
    let then = kept.after(LIFETIME - seconds(1)).when(sign_in()).then([started(4, 1, "new")]);
    assert_eq!(tokens(&then), [2, 3, 4], "the last use counts, and an API-only account's never ends");
    then.when(Command::End { token: token("old") }).then([]);
}

#[test]
fn a_session_ends_once() {
    let ended = |text: &str| Event::from(Ended { token: token(text) });
    signed_in()
        .when(Command::End { token: token("t1") })
        .then([ended("t1")])
        .when(Command::End { token: token("t1") })
        .then([])
        .when(Command::Use { token: token("t1") })
        .then([]);
}

#[test]
fn all_sessions_of_one_account_end_together_and_no_others() {
    let known = signed_in().and([admin(2), started(2, 1, "t2"), started(3, 2, "t3")]);
    // In the order of their hashes, so that every node decides the same.
    let mut tokens = [token("t1"), token("t2")];
    tokens.sort();
    let then = known.when(Command::EndAll { user: UserId(1) }).then(tokens.map(|token| Ended { token }.into()));
    assert_eq!(then.state.sessions.of_user(UserId(2)).count(), 1);
    then.when(Command::EndAll { user: UserId(1) }).then([]);
}

#[test]
fn who_is_deleted_is_signed_out() {
    let deleted = user::Deleted { user: UserId(1) };
    let then = signed_in().and([admin(2)]).when(user::Command::Delete { user: UserId(1) }).then([deleted.into()]);
    assert_eq!(then.state.sessions.live(&token("t1"), then.now, |_| true), None);
}
