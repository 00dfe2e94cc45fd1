//! Enroll secrets: each leads to one scope.

use domain::team::Command;
use domain::{Digest, KeyedDigest, Refusal, Sealed, TeamId};

use super::{Given, START, given, invalid, not_found, sealed, seconds, secrets_kept, taken, team_created};

fn secrets<const N: usize>(texts: [&str; N]) -> Vec<(KeyedDigest, Sealed)> {
    texts.map(|text| (Digest::of(text), sealed(text))).into()
}

fn replace<const N: usize>(team: Option<u32>, texts: [&str; N]) -> Command {
    Command::ReplaceSecrets { team: team.map(TeamId), secrets: secrets(texts) }
}

fn fleet() -> Given {
    given([team_created(1, "Desks"), secrets_kept(None, ["a", "b"], START), secrets_kept(Some(1), ["c"], START)])
}

#[test]
fn the_secrets_of_a_scope_are_replaced_as_a_whole_and_keep_their_age() {
    let later = fleet().after(seconds(60));
    let domain::Event::EnrollSecretsReplaced(mut expected) = secrets_kept(None, ["b", "d"], START) else {
        unreachable!()
    };
    expected.secrets[1].created_at = later.now;
    let then = later.when(replace(None, ["b", "d"])).then([expected.into()]);
    let scope = |text: &str| then.state.teams.scope_of_secret(&Digest::of(text));
    assert_eq!((scope("a"), scope("b"), scope("d"), scope("c")), (None, Some(None), Some(None), Some(Some(TeamId(1)))));
}

#[test]
fn the_same_secrets_are_nothing_new() {
    fleet().when(replace(None, ["a", "b"])).then([]);
    given([]).when(replace(None, [])).then([]);
}

#[test]
fn all_secrets_may_go() {
    let then = fleet().when(replace(Some(1), [])).then([secrets_kept(Some(1), [], START)]);
    assert_eq!(then.state.teams.scope_of_secret(&Digest::of("c")), None);
}

#[test]
fn a_secret_leads_to_one_scope() {
    // The refusal does not tell the secret, which may be somebody else's.
    let refusal = || taken("secret", "********");
    fleet().when(replace(None, ["a", "c"])).refused(refusal());
    fleet().when(replace(Some(1), ["c", "a"])).refused(refusal());
    fleet().when(replace(None, ["d", "d"])).refused(refusal());
    let (name, description, settings) = ("Racks".to_owned(), String::new(), serde_json::json!({}).into());
    let create = Command::Create { name, description, agent_options: None, settings, secrets: secrets(["c"]) };
    fleet().when(create).refused(refusal());
}

#[test]
fn a_secret_that_was_given_up_is_free() {
    fleet()
        .when(replace(Some(1), []))
        .then([secrets_kept(Some(1), [], START)])
        .when(replace(None, ["a", "b", "c"]))
        .then([secrets_kept(None, ["a", "b", "c"], START)]);
}

#[test]
fn a_scope_has_fifty_secrets_at_most() {
    let many = |count: usize| -> Vec<(KeyedDigest, Sealed)> {
        (0..count).map(|number| (Digest::of(format!("s{number}")), sealed(&format!("s{number}")))).collect()
    };
    let replace = |count| Command::ReplaceSecrets { team: None, secrets: many(count) };
    given([]).when(replace(51)).refused(invalid("secrets", "too many secrets"));
    assert!(domain::Command::from(replace(50)).decide(&given([]).state, START).is_ok());
}

#[test]
fn a_team_that_does_not_exist_has_no_secrets() {
    let refusal: Refusal = not_found("Team", "4");
    fleet().when(replace(Some(4), ["d"])).refused(refusal);
}
