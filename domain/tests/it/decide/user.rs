//! Accounts: the first one, addresses, roles, and the last admin.

use std::collections::BTreeMap;

use domain::role::{Role, Roles};
use domain::user::{Changed, Command, Created, Deleted, Erased, PasswordChanged};
use domain::{Event, Refusal, TeamId, UserId, team};

use super::{given, invalid, malformed, not_found, profile, taken, team_created};

fn created(id: u32, name: &str, roles: Roles) -> Created {
    let (profile, password) = (profile(name), "hash".to_owned());
    Created { user: UserId(id), profile, password, roles, api_only: false, must_reset_password: false }
}

pub fn admin(id: u32) -> Event {
    created(id, &format!("admin-{id}"), Roles::Global(Role::Admin)).into()
}

pub fn api_only(id: u32) -> Event {
    Created { api_only: true, ..created(id, &format!("robot-{id}"), Roles::Global(Role::Gitops)) }.into()
}

fn in_teams<const N: usize>(teams: [(u32, Role); N]) -> Roles {
    Roles::Teams(teams.map(|(team, role)| (TeamId(team), role)).into())
}

fn create(name: &str, roles: Roles, api_only: bool) -> Command {
    let (profile, password) = (profile(name), "hash".to_owned());
    Command::Create { profile, password, roles, api_only, must_reset_password: false }
}

fn change(user: u32) -> Changed {
    Changed { user: UserId(user), profile: None, roles: None, must_reset_password: None }
}

fn wish(Changed { user, profile, roles, must_reset_password }: Changed) -> Command {
    Command::Change { user, profile, roles, must_reset_password }
}

fn rule(code: u32, message: &str) -> Refusal {
    Refusal::Rule { code, message: message.to_owned() }
}

fn last_admin() -> Refusal {
    rule(2, "cannot remove the last global admin")
}

fn gitops() -> Refusal {
    rule(4, "role GitOps can only be set for API only users")
}

const NO_SUCH_USER: &str = "with id=9";

#[test]
fn the_first_account_is_an_admin_and_there_is_one_first() {
    let first = || Command::First { profile: profile("alex"), password: "hash".to_owned() };
    let then = given([]).when(first()).then([created(1, "alex", Roles::Global(Role::Admin)).into()]);
    then.when(first()).refused(malformed("set-up is done already"));
    // Nor when all accounts are gone: somebody could take over the server.
    given([admin(1), Deleted { user: UserId(1) }.into()]).when(first()).refused(malformed("set-up is done already"));
}

#[test]
fn an_account_gets_the_next_id_and_an_address_of_its_own() {
    let observer = || Roles::Global(Role::Observer);
    given([admin(1)])
        .when(create("kim", observer(), false))
        .then([created(2, "kim", observer()).into()])
        .when(create("kim", observer(), false))
        .refused(taken("User", "this email address"))
        .when(Command::Delete { user: UserId(2) })
        .then([Deleted { user: UserId(2) }.into()])
        .when(create("kim", observer(), false))
        .then([created(3, "kim", observer()).into()]);
}

#[test]
fn roles_must_fit_together() {
    let known = given([admin(1), team_created(1, "Desks")]);
    let no_role = rule(1, "either global role or team role needs to be defined");
    let no_team = invalid("teams.id", "team with id 5 does not exist");
    for (roles, refusal) in [
        (in_teams([]), no_role),
        (in_teams([(1, Role::Observer), (5, Role::Admin)]), no_team),
        (in_teams([(1, Role::Gitops)]), gitops()),
        (Roles::Global(Role::Gitops), gitops()),
    ] {
        known.clone().when(create("kim", roles.clone(), false)).refused(refusal.clone());
        let changed = Changed { roles: Some(roles), ..change(2) };
        let two = known.clone().and([created(2, "kim", Roles::Global(Role::Observer)).into()]);
        two.when(wish(changed)).refused(refusal);
    }
    let robot = Created { api_only: true, ..created(2, "ci", Roles::Global(Role::Gitops)) };
    known.when(create("ci", Roles::Global(Role::Gitops), true)).then([robot.into()]);
}

#[test]
fn only_what_changes_is_recorded() {
    let kim = created(2, "kim", Roles::Global(Role::Observer));
    let known = given([admin(1), kim.clone().into()]);
    let everything =
        Changed { profile: Some(kim.profile), roles: Some(kim.roles), must_reset_password: Some(false), ..change(2) };
    known.clone().when(wish(everything.clone())).then([]);
    known.clone().when(wish(change(2))).then([]);
    let wanted = Changed { must_reset_password: Some(true), ..everything };
    known.when(wish(wanted)).then([Changed { must_reset_password: Some(true), ..change(2) }.into()]);
}

#[test]
fn an_address_changes_to_one_that_is_free() {
    let known = given([admin(1), created(2, "kim", Roles::Global(Role::Observer)).into()]);
    let to = |name| Changed { profile: Some(profile(name)), ..change(2) };
    known.clone().when(wish(to("admin-1"))).refused(taken("User", "this email address"));
    known
        .when(wish(to("kimberly")))
        .then([to("kimberly").into()])
        .when(create("kim", Roles::Global(Role::Observer), false))
        .then([created(3, "kim", Roles::Global(Role::Observer)).into()]);
}

#[test]
fn somebody_unknown_cannot_be_changed() {
    let known = given([admin(1)]);
    let (user, password) = (UserId(9), "other".to_owned());
    for command in [
        wish(change(9)),
        Command::SetTeams { user, teams: BTreeMap::new() },
        Command::SetPassword { user, password, must_reset_password: false },
        Command::Delete { user },
        Command::Erase { user },
    ] {
        known.clone().when(command).refused(not_found("User", NO_SUCH_USER));
    }
}

#[test]
fn the_last_admin_stays() {
    let demoted = Changed { roles: Some(Roles::Global(Role::Maintainer)), ..change(1) };
    let alone = given([admin(1)]);
    alone.clone().when(wish(demoted.clone())).refused(last_admin());
    alone.clone().when(Command::Delete { user: UserId(1) }).refused(last_admin());
    alone.clone().when(wish(Changed { roles: Some(Roles::Global(Role::Admin)), ..change(1) })).then([]);
    let two = alone.and([admin(2)]);
    two.clone()
        .when(wish(demoted.clone()))
        .then([demoted.into()])
        .when(Command::Delete { user: UserId(2) })
        .refused(last_admin());
    two.when(Command::Delete { user: UserId(1) }).then([Deleted { user: UserId(1) }.into()]);
}

#[test]
fn an_admin_of_a_team_is_no_global_admin() {
    let of_a_team = created(2, "kim", in_teams([(1, Role::Admin)])).into();
    given([admin(1), team_created(1, "Desks"), of_a_team])
        .when(Command::Delete { user: UserId(1) })
        .refused(last_admin());
}

#[test]
fn roles_in_teams_are_set_as_a_whole() {
    let set = |teams: Roles| match teams {
        Roles::Teams(teams) => Command::SetTeams { user: UserId(2), teams },
        Roles::Global(_) => unreachable!("these are in teams"),
    };
    let now = |roles: Roles| Event::from(Changed { roles: Some(roles), ..change(2) });
    let one = in_teams([(1, Role::Observer)]);
    let both = in_teams([(1, Role::Maintainer), (2, Role::Observer)]);
    let kim = created(2, "kim", one.clone()).into();
    let known = given([admin(1), team_created(1, "Desks"), team_created(2, "Racks"), kim]);
    known.clone().when(set(one)).then([]);
    known.clone().when(set(both.clone())).then([now(both)]).when(set(in_teams([]))).then([now(in_teams([]))]);
    known
        .clone()
        .when(set(in_teams([(5, Role::Observer)])))
        .refused(invalid("teams.id", "team with id 5 does not exist"));
    known.when(set(in_teams([(1, Role::Gitops)]))).refused(gitops());
}

#[test]
fn who_has_a_global_role_gets_none_in_a_team() {
    let command = Command::SetTeams { user: UserId(1), teams: BTreeMap::from([(TeamId(1), Role::Observer)]) };
    let refusal = invalid("users", "user 1 has a global role and cannot have one in a team");
    given([admin(1), team_created(1, "Desks")]).when(command).refused(refusal);
}

#[test]
fn a_team_that_is_deleted_leaves_no_role_behind() {
    let both = in_teams([(1, Role::Maintainer), (2, Role::Observer)]);
    let kim = created(2, "kim", both).into();
    let then = given([admin(1), team_created(1, "Desks"), team_created(2, "Racks"), kim])
        .when(team::Command::Delete { team: TeamId(1) })
        .then([team::Deleted { team: TeamId(1) }.into()]);
    assert_eq!(then.state.users.get(UserId(2)).unwrap().roles, in_teams([(2, Role::Observer)]));
}

#[test]
fn a_password_is_recorded_each_time() {
    // Whether it is the same cannot be seen from its hash, which has a salt of its own.
    let (user, password) = (UserId(1), "other".to_owned());
    let changed = PasswordChanged { user, password: password.clone(), must_reset_password: true };
    let then = given([admin(1)])
        .when(Command::SetPassword { user, password, must_reset_password: true })
        .then([changed.into()]);
    assert_eq!(then.state.users.get(user).unwrap().password, "other");
}

#[test]
fn who_was_deleted_can_be_erased_and_once_is_enough() {
    let erase = || Command::Erase { user: UserId(2) };
    let kim: Event = created(2, "kim", Roles::Global(Role::Observer)).into();
    let key = profile("kim").name.key;
    let erased: Event = Erased { user: UserId(2), key }.into();
    let known = given([admin(1), kim]);
    known
        .clone()
        .when(Command::Delete { user: UserId(2) })
        .then([Deleted { user: UserId(2) }.into()])
        .when(erase())
        .then([erased.clone()])
        .when(erase())
        .then([]);
    known.when(erase()).then([Deleted { user: UserId(2) }.into(), erased]);
    given([admin(1)]).when(Command::Erase { user: UserId(1) }).refused(last_admin());
}
