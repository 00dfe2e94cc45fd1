//! What the golden commits about hosts and labels fold to.

use domain::host::{Enrolled, Identity};
use domain::label::Membership;
use domain::ledger::Commit;
use domain::{Digest, Event, HostId, LabelId, Members, TeamId, UserId};

use super::ledger::{Step, chain};
use super::minute;

const UUID: &str = "4C4C4544-0051-3510-8051-B7C04F4E3432";

pub fn members<const N: usize>(ids: [u32; N]) -> Members {
    ids.into_iter().map(HostId).collect()
}

pub fn expect(name: &str, Step { before, after, at }: &Step<'_>) -> bool {
    let host = |id| after.hosts.get(HostId(id)).unwrap();
    let key = |text: &str| after.hosts.by_key(&Digest::of(text)).map(|host| host.id);
    let label = || after.labels.get(LabelId(1)).unwrap();
    match name {
        "host.enrolled.v1" => {
            let host = host(1);
            assert_eq!((host.identifier.as_str(), host.team), (UUID, Some(TeamId(1))));
            assert_eq!((host.platform.as_str(), host.succeeds), ("", None), "what version 1 did not tell");
            assert_eq!((host.created_at, host.last_enrolled_at), (*at, *at));
            assert_eq!(key("node-key-1"), Some(HostId(1)));
            assert_eq!(*after.hosts.existing(), members([1]));
        }
        "muster.commit.v1" => {
            assert_eq!(after.teams.scope_of_secret(&Digest::of("enroll-secret-3")), Some(Some(TeamId(2))));
            assert_eq!((key("node-key-2"), key("node-key-3")), (Some(HostId(2)), Some(HostId(3))));
            assert_eq!((host(2).platform.as_str(), host(3).platform.as_str()), ("debian", "darwin"));
            assert_eq!((host(2).team, host(3).team), (None, Some(TeamId(1))));
            assert_eq!((host(2).created_at, host(3).created_at), (minute(100), minute(100)), "one commit, one time");
        }
        "host.key_replaced.v1" => {
            assert_eq!((key("node-key-2"), key("node-key-2b")), (None, Some(HostId(2))), "the old key is dead");
            assert_eq!((host(2).team, host(2).platform.as_str()), (Some(TeamId(2)), "ubuntu"));
            assert_eq!((host(2).created_at, host(2).last_enrolled_at), (minute(100), minute(110)));
            assert_eq!(after.hosts.len(), 3);
        }
        "host.contested.v1" => {
            assert_eq!(host(2).contested_until, Some(minute(125)));
            assert_eq!(key("node-key-2b"), Some(HostId(2)), "the key in use stays");
        }
        "host.transferred.v1" => {
            assert_eq!(after.hosts.of_team(Some(TeamId(2))), members([1, 2, 3]));
            assert_eq!((host(1).team, host(3).team), (Some(TeamId(2)), Some(TeamId(2))));
        }
        "host.transferred.v1.to-no-team" => {
            assert_eq!(after.hosts.of_team(None), members([3]));
            assert_eq!(after.hosts.of_team(Some(TeamId(2))), members([1, 2]));
        }
        "host.deleted.v1" => {
            assert_eq!(*after.hosts.existing(), members([2, 3]));
            assert_eq!(key("node-key-1"), None);
            assert_eq!(after.hosts.by_identifier(UUID), Identity::Deleted(HostId(1)));
            assert_eq!(label().members, members([3]), "it left its labels");
            assert_eq!(after.hosts.newest(), 3, "its ordinal is never used again");
        }
        "host.enrolled.v2" => {
            let host = host(4);
            assert_eq!((host.platform.as_str(), host.succeeds), ("ubuntu", Some(HostId(1))));
            assert_eq!(after.hosts.by_identifier(UUID), Identity::Live(host), "in whatever case it is written");
            assert_eq!(key("node-key-4"), Some(HostId(4)));
        }
        "label.created.v1" => {
            assert_eq!((label().name.as_str(), label().description.as_str()), ("Standby", "Spare machines"));
            assert_eq!((label().membership, label().builtin), (Membership::Manual, false));
            assert_eq!((label().query.as_str(), label().platform.as_str()), ("", ""));
            assert_eq!((label().author, label().created_at), (Some(UserId(1)), *at));
        }
        "label.members_changed.v1" => assert_eq!(label().members, members([1, 2])),
        "label.members_changed.v1.both" => assert_eq!(label().members, members([1, 3])),
        "label.changed.v1" => {
            assert_eq!((label().name.as_str(), label().description.as_str()), ("Spare", "Machines on the shelf"));
            assert_eq!(after.labels.by_name("Spare").map(|label| label.id), Some(LabelId(1)));
            assert_eq!(after.labels.by_name("Standby"), None, "the old name is free");
            assert_eq!((label().created_at, label().updated_at), (minute(130), minute(133)));
        }
        "label.redefined.v1" => {
            assert_eq!(label().query, "SELECT 1 FROM battery WHERE cycle_count > 500;");
            assert_eq!((label().platform.as_str(), label().membership), ("darwin", Membership::Dynamic));
            assert!(label().members.is_empty(), "nobody is in it by hand");
            assert_eq!(label().name, before.labels.get(LabelId(1)).unwrap().name);
        }
        "label.deleted.v1" => {
            assert_eq!(after.labels.get(LabelId(1)), None);
            assert_eq!(after.labels.by_name("Spare"), None);
            let query = after.queries.get(domain::QueryId(1)).unwrap();
            assert!(query.spec.labels_include_any.is_empty(), "it limits no query");
        }
        _ => return false,
    }
    true
}

#[test]
fn the_first_version_of_an_enrolment_told_no_platform_and_no_predecessor() {
    let sample = chain().into_iter().find(|sample| sample.name == "host.enrolled.v1").unwrap();
    let commit = Commit::decode(sample.text.as_bytes()).unwrap();
    let enrolled = Enrolled {
        host: HostId(1),
        identifier: UUID.to_owned(),
        node_key: Digest::of("node-key-1"),
        team: Some(TeamId(1)),
        platform: String::new(),
        succeeds: None,
    };
    assert_eq!(commit.decided[0].events, [Event::from(enrolled)]);
}
