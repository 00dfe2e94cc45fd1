use std::collections::BTreeMap;

use domain::campaign::{self, EndReason};
use domain::label::Membership;
use domain::role::{Role, Roles};
use domain::team as teams;
use domain::user::Profile;
use domain::{
    CampaignId, Command, HostId, LabelId, Members, QueryId, State, TeamId, UserId, label, query, settings,
    user as users,
};
use infra_blobs::Purpose;
use infra_world::World;

use super::*;

struct Bench {
    _folder: tempfile::TempDir,
    vault: Vault,
    state: State,
}

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
const SHOWN_NOW: &str = "2027-01-15T08:00:00Z";

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let vault = Vault::create(folder.path().join("keys"), World::system()).unwrap();
        Bench { _folder: folder, vault, state: State::default() }
    }

    fn run(&mut self, command: impl Into<Command>) {
        for event in command.into().decide(&self.state, NOW).unwrap() {
            self.state.evolve(&event, NOW);
        }
    }

    async fn user(&mut self, email: &str, roles: Roles) -> String {
        let key = self.vault.new_person_key().await.unwrap();
        let profile = Profile {
            name: self.vault.seal(&key, "Ada"),
            email: self.vault.seal(&key, email),
            email_digest: self.vault.digest(Purpose::Email, email),
            position: None,
        };
        let password = "$argon2id$secret".to_owned();
        self.run(users::Command::Create { profile, password, roles, api_only: false, must_reset_password: false });
        key
    }

    fn team(&mut self, name: &str) {
        let secrets = vec![(self.vault.digest(Purpose::EnrollSecret, name), self.vault.seal_server(name))];
        let settings = teams::default_settings(&self.state.settings).into();
        self.run(teams::Command::Create {
            name: name.into(),
            description: "d".into(),
            agent_options: None,
            settings,
            secrets,
        });
    }
}

fn team_role(team: u32, role: Role) -> Roles {
    Roles::Teams(BTreeMap::from([(TeamId(team), role)]))
}

#[actix_web::test]
async fn a_user_shows_their_teams_and_no_password() {
    let mut bench = Bench::new();
    bench.team("ops");
    let key = bench.user("ada@example.com", team_role(1, Role::Maintainer)).await;
    let shown = user::user(&bench.state, &bench.vault, bench.state.users.get(UserId(1)).unwrap());
    assert_eq!(shown["name"], "Ada");
    assert_eq!(shown["email"], "ada@example.com");
    assert_eq!(shown["created_at"], SHOWN_NOW);
    assert_eq!(shown["global_role"], Value::Null);
    assert_eq!((&shown["teams"][0]["name"], &shown["teams"][0]["role"]), (&json!("ops"), &json!("maintainer")));
    assert!(shown["teams"][0].get("secrets").is_none() && shown["teams"][0].get("agent_options").is_none());
    assert!(!shown.to_string().contains("argon2"));
    assert!(shown.get("position").is_none());
    bench.vault.erase(&key).await.unwrap();
    let shown = user::user(&bench.state, &bench.vault, bench.state.users.get(UserId(1)).unwrap());
    assert_eq!((&shown["name"], &shown["email"]), (&json!(""), &json!("")));
}

#[actix_web::test]
async fn available_teams_are_those_that_the_roles_reach() {
    let mut bench = Bench::new();
    bench.team("ops");
    bench.team("dev");
    let names = |roles: &Roles| {
        let teams = user::available_teams(&bench.state, roles);
        teams.as_array().unwrap().iter().map(|team| team["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(&Roles::Global(Role::Observer)), ["ops", "dev"]);
    assert_eq!(names(&team_role(2, Role::Observer)), ["dev"]);
}

#[actix_web::test]
async fn rest_check_36_observers_see_masks() {
    let mut bench = Bench::new();
    bench.team("s3cret-of-ops");
    let shown = |roles: Roles| {
        let shown = team::team(&bench.state, &bench.vault, bench.state.teams.get(TeamId(1)).unwrap(), &roles);
        shown["secrets"][0]["secret"].as_str().unwrap().to_owned()
    };
    for role in [Role::Admin, Role::Maintainer, Role::Gitops] {
        assert_eq!(shown(Roles::Global(role)), "s3cret-of-ops", "{role:?}");
    }
    for role in [Role::Observer, Role::ObserverPlus] {
        assert_eq!(shown(Roles::Global(role)), MASK, "{role:?}");
        assert_eq!(shown(team_role(1, role)), MASK, "{role:?}");
    }
    assert_eq!(shown(team_role(2, Role::Admin)), MASK);
}

#[actix_web::test]
async fn a_query_names_its_author_and_labels() {
    let mut bench = Bench::new();
    bench.user("ada@example.com", Roles::Global(Role::Admin)).await;
    bench.team("ops");
    bench.run(label::Command::Seed);
    let spec = query::Spec {
        name: "uptime".into(),
        query: "SELECT 1".into(),
        labels_include_any: vec![LabelId(2)],
        ..Default::default()
    };
    bench.run(query::Command::Create { team: Some(TeamId(1)), spec: spec.clone(), author: Some(UserId(1)) });
    bench.run(query::Command::Create {
        team: None,
        spec: query::Spec { labels_include_any: vec![], ..spec },
        author: None,
    });
    let shown = |id| super::query::query(&bench.state, &bench.vault, bench.state.queries.get(QueryId(id)).unwrap());
    let one = shown(1);
    assert_eq!((&one["author_name"], &one["author_email"]), (&json!("Ada"), &json!("ada@example.com")));
    assert_eq!((&one["team_id"], &one["logging"]), (&json!(1), &json!("snapshot")));
    assert_eq!(one["labels_include_any"], json!([{"id": 2, "name": "macOS"}]));
    assert_eq!(shown(2)["labels_include_any"], Value::Null);
    assert_eq!(shown(2)["author_id"], Value::Null);
    let spec = super::query::spec(&bench.state, bench.state.queries.get(QueryId(1)).unwrap());
    assert_eq!((&spec["team"], &spec["labels_include_any"]), (&json!("ops"), &json!(["macOS"])));
    let spec = super::query::spec(&bench.state, bench.state.queries.get(QueryId(2)).unwrap());
    assert!(spec.get("labels_include_any").is_none());
}

#[actix_web::test]
async fn a_label_counts_what_the_reader_sees() {
    let mut bench = Bench::new();
    bench.run(label::Command::Seed);
    let none = Members::default();
    let builtin = super::label::detail(bench.state.labels.by_name("iOS").unwrap(), &none);
    assert_eq!((&builtin["label_type"], &builtin["label_membership_type"]), (&json!("builtin"), &json!("manual")));
    assert_eq!(builtin["count"], 0);
    assert!(builtin.get("host_count").is_none() && builtin.get("host_ids").is_none());
    bench.run(label::Command::Create {
        name: "mine".into(),
        description: String::new(),
        query: String::new(),
        platform: String::new(),
        membership: Membership::Manual,
        members: Members::default(),
        author: None,
    });
    let mine = bench.state.labels.by_name("mine").unwrap();
    let members: Members = [HostId(3), HostId(1)].into_iter().collect();
    let shown = super::label::detail(mine, &members);
    assert_eq!((&shown["host_count"], &shown["count"]), (&json!(2), &json!(2)));
    assert_eq!(shown["host_ids"], json!([1, 3]));
    assert!(super::label::label(mine, &members).get("host_ids").is_none());
}

#[test]
fn the_hosts_of_a_campaign_add_up() {
    let bench = Bench::new();
    let started = campaign::Campaign {
        id: CampaignId(42),
        sql: "SELECT 1".into(),
        query: None,
        query_name: None,
        by: None,
        targets: (1..=10).map(HostId).collect(),
        attended: false,
        started_at: NOW,
        expires_at: NOW,
        ended: Some((NOW, EndReason::Stopped)),
    };
    let answered = super::campaign::Answered { with_rows: 3, empty: 1, error: 2, rows: 30 };
    let shown = super::campaign::campaign(&bench.state, &bench.vault, &started, answered, 3);
    let hosts = json!({"targeted": 10, "rows": 3, "empty": 1, "error": 2, "waiting": 3, "offline": 1});
    assert_eq!((&shown["hosts"], &shown["rows"], &shown["state"]), (&hosts, &json!(30), &json!("stopped")));
    assert_eq!((&shown["author"], &shown["ended_at"]), (&Value::Null, &json!(SHOWN_NOW)));
    let over = super::campaign::campaign(&bench.state, &bench.vault, &started, answered, 99);
    assert_eq!((&over["hosts"]["waiting"], &over["hosts"]["offline"]), (&json!(4), &json!(0)));
}

#[test]
fn rest_check_63_the_metrics_of_a_campaign_have_capitals() {
    let started = campaign::Campaign {
        id: CampaignId(42),
        sql: String::new(),
        query: Some(QueryId(9)),
        query_name: None,
        by: Some(UserId(1)),
        targets: (1..=40).map(HostId).collect(),
        attended: true,
        started_at: NOW,
        expires_at: NOW,
        ended: None,
    };
    let presence = super::campaign::Presence { online: 31, missing: 2, new: 5 };
    let metrics =
        json!({"TotalHosts": 40, "OnlineHosts": 31, "OfflineHosts": 9, "MissingInActionHosts": 2, "NewHosts": 5});
    let shown = super::campaign::fleet(&started, presence);
    assert_eq!(shown["Metrics"], metrics);
    assert_eq!(
        (&shown["id"], &shown["query_id"], &shown["status"], &shown["user_id"]),
        (&json!(42), &json!(9), &json!(0), &json!(1))
    );
}

#[test]
fn rest_check_28_the_config_has_what_clients_walk_through() {
    let bench = Bench::new();
    let shown = config::config(&bench.state, &Roles::Global(Role::Admin), &config::Served::default());
    assert_eq!(shown["license"]["tier"], "premium");
    assert_eq!(shown["webhook_settings"]["interval"], "24h0m0s");
    assert_eq!(shown["update_interval"]["osquery_detail"], 3_600_000_000_000_u64);
    assert_eq!(shown["vulnerabilities"]["recent_vulnerability_max_age"], 2_592_000_000_000_000_u64);
    assert_eq!(shown["mdm"]["enabled_and_configured"], false);
    assert_eq!(shown["mdm"]["macos_updates"]["deadline"], Value::Null);
    assert!(shown["integrations"].as_object().unwrap().values().all(Value::is_null));
    let changed = config::changed(&bench.state, &Roles::Global(Role::Admin));
    assert_eq!((&changed["update_interval"], &changed["vulnerabilities"]), (&Value::Null, &Value::Null));
    assert!(changed["license"].is_object());
}

#[test]
fn rest_check_32_what_is_for_admins_is_left_out_for_others() {
    let bench = Bench::new();
    let has = |roles: &Roles| {
        let shown = config::config(&bench.state, roles, &config::Served::default());
        ["smtp_settings", "sso_settings", "agent_options"].map(|key| shown.get(key).is_some())
    };
    assert_eq!(has(&Roles::Global(Role::Admin)), [true, true, true]);
    assert_eq!(has(&team_role(1, Role::Admin)), [true, true, false]);
    for role in [Role::Maintainer, Role::Observer, Role::ObserverPlus, Role::Gitops] {
        assert_eq!(has(&Roles::Global(role)), [false; 3], "{role:?}");
    }
}

#[test]
fn rest_check_31_sealed_values_read_as_masks() {
    let mut bench = Bench::new();
    let mut smtp = bench.state.settings.section("smtp_settings").unwrap().clone();
    smtp["password"] = json!({"sealed": bench.vault.seal_server("mail-password")});
    let sections = [("smtp_settings".to_owned(), smtp.into())].into();
    bench.run(settings::Command::Change { sections });
    let shown = config::config(&bench.state, &Roles::Global(Role::Admin), &config::Served::default());
    assert_eq!(shown["smtp_settings"]["password"], MASK);
    assert_eq!(shown["smtp_settings"]["server"], "");
}
