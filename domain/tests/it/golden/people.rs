//! What the golden commits about accounts and sessions fold to.

use std::collections::BTreeMap;

use domain::role::{Role, Roles};
use domain::{Digest, SessionId, TeamId, UserId};

use super::ledger::Step;
use super::minute;

const ALEX: UserId = UserId(1);
const CI: UserId = UserId(2);

pub fn expect(name: &str, Step { before, after, at }: &Step<'_>) -> bool {
    let alex = after.users.get(ALEX);
    let ci = after.users.get(CI);
    let token = Digest::of("token-1");
    let live = |now| after.sessions.live(&token, now, |_| false).cloned();
    match name {
        "user.created.v1" => {
            let alex = alex.unwrap();
            assert_eq!((alex.id, &alex.roles), (ALEX, &Roles::Global(Role::Admin)));
            assert_eq!((alex.api_only, alex.must_reset_password), (false, false));
            assert!(alex.password.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
            assert_eq!((alex.profile.name.key.as_str(), alex.profile.position.as_ref()), ("person/1", None));
            assert_eq!(after.users.by_email(&Digest::of("email:alex")), Some(alex));
            assert_eq!((alex.created_at, alex.updated_at), (*at, *at));
            assert_eq!(at.micros(), minute(0).micros() + 125_000);
        }
        "user.changed.v1" => {
            let (alex, earlier) = (alex.unwrap(), before.users.get(ALEX).unwrap());
            assert_ne!(alex.profile.name, earlier.profile.name);
            assert!(alex.profile.position.is_some());
            assert_eq!(after.users.by_email(&Digest::of("email:alexandra")), Some(alex));
            assert_eq!(after.users.by_email(&Digest::of("email:alex")), None, "the old address is free");
            assert_eq!((&alex.roles, alex.must_reset_password), (&earlier.roles, false), "what is null stays");
            assert_eq!((alex.created_at, alex.updated_at), (earlier.created_at, minute(66)));
        }
        "user.password_changed.v1" => {
            let alex = alex.unwrap();
            assert_ne!(alex.password, before.users.get(ALEX).unwrap().password);
            assert!(alex.must_reset_password);
        }
        "user.created.v1.in-teams" => {
            let ci = ci.unwrap();
            let teams = BTreeMap::from([(TeamId(1), Role::ObserverPlus), (TeamId(2), Role::Gitops)]);
            assert_eq!(ci.roles, Roles::Teams(teams));
            assert!(ci.api_only);
        }
        "user.changed.v1.roles" => {
            let (ci, earlier) = (ci.unwrap(), before.users.get(CI).unwrap());
            let teams = BTreeMap::from([(TeamId(1), Role::Maintainer), (TeamId(2), Role::Observer)]);
            assert_eq!(ci.roles, Roles::Teams(teams));
            assert!(ci.must_reset_password);
            assert_eq!(ci.profile, earlier.profile, "what is null stays");
        }
        "person.erased.v1" => {
            assert_eq!(before.users.erased_keys().count(), 0);
            assert_eq!(after.users.erased_keys().collect::<Vec<_>>(), ["person/2"]);
            assert_eq!(
                before.users.departed(CI).map(|one| one.key.as_str()),
                Some("person/2"),
                "known since the deletion"
            );
        }
        "user.deleted.v1" => {
            assert_eq!(ci, None);
            assert_eq!(after.users.by_email(&Digest::of("email:ci")), None);
            assert!(alex.is_some());
        }
        "session.started.v1" => {
            let session = live(*at).unwrap();
            assert_eq!((session.id, session.user), (SessionId(1), ALEX));
            assert_eq!((session.created_at, session.used_at), (minute(1), minute(1)));
        }
        "session.used.v1" => {
            let session = live(*at).unwrap();
            assert_eq!((session.created_at, session.used_at), (minute(1), minute(65)));
        }
        "session.ended.v1" => {
            assert_eq!(after.sessions.of_user(ALEX).count(), 0);
            assert_eq!(live(*at), None);
        }
        _ => return false,
    }
    true
}
