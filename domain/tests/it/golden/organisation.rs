//! What the golden commits about settings, teams and enroll secrets fold to.

use domain::{Digest, TeamId};
use serde_json::{Value, json};

use super::ledger::Step;
use super::minute;

const WORKPLACES: TeamId = TeamId(1);
const SERVERS: TeamId = TeamId(2);

pub fn expect(name: &str, Step { before, after, at }: &Step<'_>) -> bool {
    let team = || after.teams.get(WORKPLACES).unwrap();
    let scope = |number: u32| after.teams.scope_of_secret(&Digest::of(format!("enroll-secret-{number}")));
    match name {
        "settings.changed.v1" => {
            assert_eq!(after.settings.at("/org_info/org_name"), Some(&json!("Zoo Berlin")));
            assert_eq!(after.settings.at("/smtp_settings/password/sealed/key"), Some(&json!("server/1")));
            assert_eq!(after.settings.section("features"), before.settings.section("features"), "the others stay");
            assert_eq!(after.settings.revision, before.settings.revision + 1, "hosts get another config");
        }
        "team.created.v1" => {
            assert_eq!((team().name.as_str(), team().description.as_str()), ("Workstations", "Desks and laptops"));
            assert_eq!(team().agent_options, None);
            assert_eq!(*team().settings, json!({"features": features(true), "scripts": null}));
            assert_eq!(team().created_at, *at);
            assert_eq!(after.teams.by_name(" workstations ").map(|team| team.id), Some(WORKPLACES));
        }
        "team.changed.v1" => {
            assert_eq!((team().name.as_str(), team().description.as_str()), ("Arbeitsplätze", "Desks and laptops"));
            let options = team().agent_options.as_deref().unwrap();
            assert_eq!(options["config"]["options"], json!({"distributed_interval": 30}));
            assert_eq!(team().settings["features"], features(false));
            assert_eq!(after.teams.by_name("ARBEITSPLÄTZE").map(|team| team.id), Some(WORKPLACES));
            assert_eq!(after.teams.by_name("Workstations"), None, "the old name is free");
        }
        "team.changed.v1.cleared" => {
            assert_eq!(team().agent_options, None, "set to null: the global ones count again");
            assert_eq!(
                (team().name.as_str(), team().description.as_str()),
                ("Arbeitsplätze", "Desks, laptops and phones")
            );
            assert_eq!(team().settings["features"], features(false));
        }
        "team.changed.v1.kept" => {
            let earlier = before.teams.get(WORKPLACES).unwrap();
            assert_eq!(team().name, "Workplaces");
            assert_eq!((&team().agent_options, &team().description), (&earlier.agent_options, &earlier.description));
        }
        "enroll_secrets.replaced.v1" => {
            assert_eq!((scope(1), scope(2), scope(3)), (Some(Some(WORKPLACES)), Some(Some(WORKPLACES)), None));
            let secrets = after.teams.secrets(Some(WORKPLACES));
            assert_eq!(secrets.len(), 2);
            assert_eq!((secrets[0].created_at, secrets[0].sealed.key.as_str()), (minute(80), "server/1"));
        }
        "enroll_secrets.replaced.v1.global" => {
            assert_eq!(scope(9), Some(None), "it leads to no team");
            assert_eq!(after.teams.secrets(None).len(), 1);
            assert_eq!(scope(1), Some(Some(WORKPLACES)), "those of a team stay");
        }
        "team.deleted.v1" => {
            assert_eq!(after.teams.get(SERVERS), None);
            assert_eq!(scope(3), None, "its secrets let nobody in");
            assert_eq!(after.hosts.get(domain::HostId(2)).unwrap().team, None, "its hosts stay, without a team");
            assert!(after.hosts.of_team(Some(SERVERS)).is_empty());
            let roles = &after.users.get(domain::UserId(2)).unwrap().roles;
            assert_eq!(
                serde_json::to_value(roles).unwrap(),
                json!({"teams": {"1": "maintainer"}}),
                "its roles are gone"
            );
        }
        _ => return false,
    }
    true
}

fn features(users: bool) -> Value {
    json!({"enable_host_users": users, "enable_software_inventory": true})
}
