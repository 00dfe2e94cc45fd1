use actix_web::http::Method;
use domain::role::{Role, Roles};
use domain::{TeamId, UserId};
use serde_json::{Value, json};

use crate::admin_bench::Bench;

#[actix_web::test]
async fn rest_check_33_a_new_team_copies_the_global_options_and_has_a_secret() {
    let bench = Bench::new().await;
    let team = bench.post("~/teams", json!({"name": " Ops ", "description": "d"})).await.ok()["team"].clone();
    assert_eq!((&team["id"], &team["name"], &team["description"]), (&json!(1), &json!("Ops"), &json!("d")));
    assert_eq!(&team["agent_options"], bench.state().settings.agent_options());
    assert_eq!(team["features"], json!({"enable_host_users": true, "enable_software_inventory": true}));
    assert_eq!(team["secrets"][0]["secret"].as_str().unwrap().len(), 32);
    assert_eq!(team["webhook_settings"]["host_status_webhook"], Value::Null);
    for reserved in ["No team", "ALL TEAMS"] {
        let refused = (422, "name".to_owned(), format!("{reserved:?} is a reserved team name"));
        assert_eq!(bench.post("~/teams", json!({"name": reserved})).await.field(), refused);
    }
    assert_eq!(
        bench.post("~/teams", json!({"name": " "})).await.field(),
        (422, "name".into(), "may not be empty".into())
    );
    assert_eq!(bench.post("~/teams", json!({"name": "OPS"})).await.status, 409);
    let secrets: Vec<Value> = (0..51).map(|number| json!({"secret": format!("s{number}")})).collect();
    let many = bench.post("~/teams", json!({"name": "dev", "secrets": secrets})).await.field();
    assert_eq!(many, (422, "secrets".into(), "too many secrets".into()));
}

#[actix_web::test]
async fn rest_check_34_a_deleted_team_leaves_nothing_behind() {
    let bench = Bench::new().await;
    bench.team("ops").await;
    let (host, _) = bench.host("web-1", Some("ops")).await;
    bench.post("~/queries", json!({"name": "q", "query": "SELECT 1", "team_id": 1})).await.ok();
    bench.delete("~/teams/1", Value::Null).await.done();
    let state = bench.state();
    assert_eq!(state.hosts.get(host).unwrap().team, None);
    assert_eq!(state.queries.iter().count(), 0);
    let enrol = json!({"enroll_secret": "secret of ops", "host_identifier": "another"});
    assert_eq!(bench.send(Method::POST, "/api/osquery/enroll", "", enrol).await.json()["node_invalid"], true);
    assert_eq!(bench.delete("~/teams/1", Value::Null).await.refusal().2, "Team 1 was not found in the datastore");
}

#[actix_web::test]
async fn a_team_is_changed_by_parts() {
    let bench = Bench::new().await;
    bench.team("ops").await;
    bench.team("dev").await;
    let patch = |body: Value| bench.patch("~/teams/1", body);
    let hook = json!({"webhook_settings": {"host_status_webhook": {"enable_host_status_webhook": true, "destination_url": "https://x"}}});
    let team = patch(hook).await.ok()["team"].clone();
    assert_eq!(team["webhook_settings"]["host_status_webhook"]["destination_url"], "https://x");
    assert_eq!(team["webhook_settings"]["failing_policies_webhook"]["host_batch_size"], 0, "the rest stays");
    let team = patch(json!({"name": "web", "secrets": [{"secret": "new"}]})).await.ok()["team"].clone();
    assert_eq!((&team["name"], &team["secrets"][0]["secret"]), (&json!("web"), &json!("new")));
    let expiry = json!({"host_expiry_settings": {"host_expiry_enabled": true}});
    assert_eq!(patch(expiry).await.field(), (422, "host_expiry_window".into(), "must be greater than 0".into()));
    assert_eq!(patch(json!({"name": "DEV"})).await.status, 409);
    assert_eq!(bench.state().teams.get(TeamId(1)).unwrap().name, "web");
    assert_eq!(patch(json!({"mdm": {"enable_disk_encryption": true}})).await.field().1, "mdm");
    assert_eq!(
        patch(json!({"mdm": {"enable_disk_encryption": false, "macos_updates": {"deadline": ""}}})).await.status,
        200
    );
    assert_eq!(bench.patch("~/teams/99", json!({})).await.status, 404);
}

#[actix_web::test]
async fn agent_options_of_a_team_are_checked_unless_forced() {
    let bench = Bench::new().await;
    bench.team("ops").await;
    let options = |query: &str, body: Value| {
        let path = format!("~/teams/1/agent_options{query}");
        async {
            let (path, body) = (path, body);
            bench.post(&path, body).await
        }
    };
    let interval = |value: Value| json!({"config": {"options": {"distributed_interval": value}}});
    let wrong = "invalid value type at 'options.distributed_interval': expected uint64 but got string";
    assert_eq!(options("", interval(json!("5"))).await.refusal(), (400, "Bad Request".into(), wrong.into()));
    assert_eq!(options("", json!({"confg": {}})).await.refusal().2, "unsupported key provided: \"confg\"");
    let shown = options("?dry_run=true", interval(json!(7))).await.ok();
    assert_eq!(shown["team"]["agent_options"], interval(json!(7)));
    assert_eq!(
        bench.state().teams.get(TeamId(1)).unwrap().agent_options.as_deref(),
        Some(bench.state().settings.agent_options())
    );
    assert_eq!(options("", interval(json!(7))).await.ok()["team"]["agent_options"], interval(json!(7)));
    assert_eq!(options("?force=true", json!({"confg": {}})).await.ok()["team"]["agent_options"], json!({"confg": {}}));
    let secret = "aws_secret_access_key is a secret, and agent options are kept and shown in the clear: give it in the \
                  host's flag file";
    let flags = json!({"config": {"options": {"aws_secret_access_key": "x"}}});
    for query in ["", "?force=true", "?force=true&dry_run=true"] {
        assert_eq!(options(query, flags.clone()).await.refusal(), (400, "Bad request".into(), secret.into()));
    }
    assert_eq!(options("", json!(null)).await.status, 400, "a body is due");
}

#[actix_web::test]
async fn rest_check_35_a_team_document_is_applied_again_to_no_effect() {
    let bench = Bench::new().await;
    let spec =
        json!({"specs": [{"name": "ops", "features": {"enable_host_users": false}, "secrets": [{"secret": "s1"}]}]});
    assert_eq!(
        bench.post("~/spec/teams?dry_run=true", spec.clone()).await.ok(),
        json!({"team_ids_by_name": {"ops": 0}})
    );
    assert_eq!(bench.state().teams.iter().count(), 0, "a dry run changes nothing");
    for _ in 0..2 {
        assert_eq!(bench.post("~/spec/teams", spec.clone()).await.ok(), json!({"team_ids_by_name": {"ops": 1}}));
    }
    let before = bench.app.ledger.fold().chain.sequence;
    bench.post("~/spec/teams", spec).await.ok();
    assert_eq!(bench.app.ledger.fold().chain.sequence, before, "nothing new is recorded");
    let team = || bench.state().teams.get(TeamId(1)).unwrap().clone();
    assert_eq!(
        (bench.state().teams.iter().count(), &team().settings["features"]["enable_host_users"]),
        (1, &json!(false))
    );
    assert!(team().agent_options.is_some(), "absent options stay");
    bench.post("~/spec/teams", json!({"specs": [{"name": "ops", "agent_options": null}]})).await.ok();
    assert_eq!(team().agent_options, None, "null clears them");
    assert_eq!(bench.state().teams.secrets(Some(TeamId(1))).len(), 1, "absent secrets stay");
    bench.post("~/spec/teams", json!({"specs": [{"name": "ops", "secrets": []}]})).await.ok();
    assert!(bench.state().teams.secrets(Some(TeamId(1))).is_empty());
    bench.post("~/spec/teams", json!({"specs": []})).await.done();
}

#[actix_web::test]
async fn rest_check_29_team_documents_have_strict_keys_and_types() {
    let bench = Bench::new().await;
    let apply = |spec: Value| bench.post("~/spec/teams", json!({"specs": [spec]}));
    let unknown = (400, "Bad Request".to_owned(), "unsupported key provided: \"nam\"".to_owned());
    assert_eq!(apply(json!({"name": "a", "nam": "b"})).await.refusal(), unknown);
    let deep = apply(json!({"name": "a", "host_expiry_settings": {"host_expiry_windw": 1}})).await.refusal();
    assert_eq!(deep.2, "unsupported key provided: \"host_expiry_windw\"");
    let wrong = apply(json!({"name": "a", "host_expiry_settings": {"host_expiry_window": "1"}})).await.refusal();
    let text = "invalid value type at 'specs.host_expiry_settings.host_expiry_window': expected int but got string";
    assert_eq!(wrong, (400, "Bad Request".into(), text.into()));
    assert_eq!(bench.state().teams.iter().count(), 0);
}

#[actix_web::test]
async fn rest_check_36_secrets_of_a_team_are_replaced_and_masked_for_observers() {
    let bench = Bench::new().await;
    let team = bench.team("ops").await;
    let maintainer = bench.in_team(team, Role::Maintainer).await;
    let secrets = |body: Value| bench.send(Method::PATCH, "~/teams/1/secrets", &maintainer, body);
    let shown = secrets(json!({"secrets": [{"secret": "one"}, {"secret": "two"}]})).await.ok();
    assert_eq!((&shown["secrets"][0]["secret"], &shown["secrets"][1]["secret"]), (&json!("one"), &json!("two")));
    assert_eq!(secrets(json!({})).await.status, 422);
    assert_eq!(secrets(json!({"secrets": [{"secret": ""}]})).await.status, 422);
    assert_eq!(secrets(json!({"secrets": []})).await.ok(), json!({"secrets": null}));
    let observer = bench.in_team(team, Role::Observer).await;
    let refused = bench.send(Method::PATCH, "~/teams/1/secrets", &observer, json!({"secrets": []})).await;
    assert_eq!(refused.status, 403);
}

#[actix_web::test]
async fn rest_check_37_one_secret_leads_to_one_place() {
    let bench = Bench::new().await;
    bench.team("ops").await;
    let spec = json!({"spec": {"secrets": [{"secret": "secret of ops"}]}});
    let taken = bench.post("~/spec/enroll_secret", spec.clone()).await.refusal();
    assert_eq!(taken, (409, "Resource Already Exists".into(), r#"secret "********" already exists"#.into()));
    assert_eq!(bench.post("~/spec/enroll_secret?dry_run=true", spec).await.status, 422);
    let good = json!({"spec": {"secrets": [{"secret": "fresh", "created_at": "0001-01-01T00:00:00Z"}]}});
    bench.post("~/spec/enroll_secret?dry_run=true", good.clone()).await.done();
    let has = || {
        bench
            .state()
            .teams
            .secrets(None)
            .iter()
            .map(|one| bench.app.vault.open(&one.sealed).unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(has()[0].len(), 32);
    bench.post("~/spec/enroll_secret", good).await.done();
    assert_eq!(has(), ["fresh"]);
    assert_eq!(bench.post("~/spec/enroll_secret", json!({"spec": {"secrets": [{"secret": ""}]}})).await.status, 422);
    for none in [json!({}), json!({"spec": {}})] {
        assert_eq!(bench.post("~/spec/enroll_secret", none).await.status, 422, "no crash on an empty request");
    }
}

#[actix_web::test]
async fn people_come_into_a_team_and_go() {
    let bench = Bench::new().await;
    let team = bench.team("ops").await;
    bench.team("dev").await;
    let (bob, _) = bench.person("bob@example.com", Roles::Teams([(TeamId(2), Role::Observer)].into()), false).await;
    let roles = |id: UserId| bench.state().users.get(id).unwrap().roles.clone();
    let add = |body: Value| bench.patch("~/teams/1/users", json!({"users": [body]}));
    assert_eq!(add(json!({"id": bob, "role": "maintainer"})).await.ok()["team"]["user_count"], 1);
    assert_eq!(roles(bob), Roles::Teams([(team, Role::Maintainer), (TeamId(2), Role::Observer)].into()));
    assert_eq!(add(json!({"id": bob, "role": "king"})).await.field().1, "users");
    assert_eq!(add(json!({"id": 99, "role": "observer"})).await.status, 404);
    assert_eq!(add(json!({"id": 1, "role": "observer"})).await.field().1, "users", "a global admin has no team role");
    let removed = bench.delete("~/teams/1/users", json!({"users": [{"id": bob}, {"id": 1}]})).await.ok();
    assert_eq!(removed["team"]["user_count"], 0);
    assert_eq!(roles(bob), Roles::Teams([(TeamId(2), Role::Observer)].into()));
}
