use actix_web::http::Method;
use domain::role::Role;
use serde_json::{Value, json};

use crate::admin_bench::{ADMIN, Answer, Bench, PASSWORD};

fn bob() -> Value {
    json!({"name": "Bob", "email": "bob@example.com", "password": PASSWORD, "global_role": "observer"})
}

fn with(mut body: Value, key: &str, value: Value) -> Value {
    body[key] = value;
    body
}

#[actix_web::test]
async fn a_user_is_made_by_an_admin() {
    let bench = Bench::new().await;
    let user = bench.post("~/users/admin", bob()).await.ok();
    assert_eq!((&user["user"]["name"], &user["user"]["global_role"]), (&json!("Bob"), &json!("observer")));
    assert!(user.get("token").is_none());
    let robot = with(with(bob(), "api_only", json!(true)), "email", json!("robot@example.com"));
    let robot = bench.post("~/users/admin", with(robot, "admin_forced_password_reset", json!(false))).await.ok();
    let token = robot["token"].as_str().unwrap();
    assert_eq!(bench.send(Method::POST, "~/translate", token, json!({"list": []})).await.status, 400, "it is let in");
}

#[actix_web::test]
async fn bad_fields_are_named_all_at_once() {
    let bench = Bench::new().await;
    let answer = bench.post("~/users/admin", json!({"global_role": "observer"})).await;
    let errors =
        answer.json()["errors"].as_array().unwrap().iter().map(|error| error["name"].clone()).collect::<Vec<_>>();
    assert_eq!((answer.status, errors), (422, vec![json!("name"), json!("email"), json!("password")]));
    let taken = bench.post("~/users/admin", with(bob(), "email", json!("ADA@example.com"))).await;
    assert_eq!((taken.status, taken.json()["message"].as_str()), (409, Some("Validation Failed")));
    assert_eq!(bench.post("~/users/admin", with(bob(), "email", json!("no address"))).await.field().1, "email");
}

#[actix_web::test]
async fn the_rules_about_roles_have_numbers() {
    let bench = Bench::new().await;
    let team = bench.team("ops").await;
    let rule = |answer: Answer| {
        let body = answer.json();
        assert_eq!((answer.status, body.get("errors")), (422, None));
        (body["code"].as_u64().unwrap(), body["message"].as_str().unwrap().to_owned())
    };
    let post = |body: Value| bench.post("~/users/admin", body);
    let neither = with(bob(), "global_role", Value::Null);
    assert_eq!(rule(post(neither.clone()).await), (1, "either global role or team role needs to be defined".into()));
    let roles = json!([{"id": team, "role": "observer"}]);
    let both = with(bob(), "teams", roles.clone());
    assert_eq!(rule(post(both).await), (1, "Cannot specify both Global Role and Team Roles".into()));
    assert_eq!(rule(post(with(bob(), "global_role", json!("king"))).await), (1, "invalid global role: king".into()));
    let bad_role = with(neither.clone(), "teams", json!([{"id": team, "role": "king"}]));
    assert_eq!(rule(post(bad_role).await), (1, "invalid team role: king".into()));
    let gitops = (4, "role GitOps can only be set for API only users".to_owned());
    assert_eq!(rule(post(with(bob(), "global_role", json!("gitops"))).await), gitops);
    let unknown = with(neither.clone(), "teams", json!([{"id": 99, "role": "observer"}]));
    assert_eq!(post(unknown).await.field(), (422, "teams.id".into(), "team with id 99 does not exist".into()));
    assert_eq!(post(with(neither, "teams", roles)).await.ok()["user"]["teams"][0]["role"], "observer");
    assert_eq!(rule(bench.delete("~/users/1", Value::Null).await).0, 2, "the last admin stays");
    assert_eq!(rule(bench.patch("~/users/1", json!({"global_role": "observer"})).await).0, 2);
}

#[actix_web::test]
async fn users_change_themselves_and_admins_change_them() {
    let bench = Bench::new().await;
    bench.post("~/users/admin", with(bob(), "admin_forced_password_reset", json!(false))).await.ok();
    let login = json!({"email": "bob@example.com", "password": PASSWORD});
    let bob = bench.send(Method::POST, "~/login", "", login).await.ok()["token"].as_str().unwrap().to_owned();
    let own = |body: Value| bench.send(Method::PATCH, "~/users/2", &bob, body);
    assert_eq!(own(json!({"name": "Robert", "position": "ops"})).await.ok()["user"]["name"], "Robert");
    assert_eq!(
        own(json!({"global_role": "observer", "name": "Bob"})).await.ok()["user"]["position"],
        "ops",
        "an equal role is no change"
    );
    assert_eq!(own(json!({"global_role": "admin"})).await.status, 403);
    assert_eq!(bench.send(Method::PATCH, "~/users/1", &bob, json!({"name": "x"})).await.status, 403);
    assert_eq!(own(json!({"email": "new@example.com"})).await.field().1, "password");
    assert_eq!(own(json!({"email": "new@example.com", "password": "wrong"})).await.field().1, "password");
    assert_eq!(own(json!({"email": ADMIN, "password": PASSWORD})).await.status, 409);
    assert_eq!(
        own(json!({"email": "new@example.com", "password": PASSWORD})).await.ok()["user"]["email"],
        "new@example.com"
    );
    assert_eq!(
        bench.patch("~/users/2", json!({"global_role": "maintainer"})).await.ok()["user"]["global_role"],
        "maintainer"
    );
    assert_eq!(
        bench.patch("~/users/99", json!({})).await.refusal().2,
        "User with id=99 was not found in the datastore"
    );
}

#[actix_web::test]
async fn requiring_a_reset_ends_the_sessions() {
    let bench = Bench::new().await;
    let (id, token) = bench.person("bob@example.com", domain::role::Roles::Global(Role::Observer), false).await;
    let path = format!("~/users/{id}/require_password_reset");
    let user = bench.post(&path, json!({"require": true})).await.ok();
    assert_eq!(user["user"]["force_password_reset"], true);
    let gone = bench.send(Method::POST, "~/translate", &token, json!({"list": []})).await.refusal();
    assert_eq!(gone.1, "Authentication required");
    assert_eq!(bench.post(&path, json!({"require": false})).await.ok()["user"]["force_password_reset"], false);
}

#[actix_web::test]
async fn a_deleted_user_is_signed_out() {
    let bench = Bench::new().await;
    let (id, token) = bench.person("bob@example.com", domain::role::Roles::Global(Role::Admin), false).await;
    bench.delete(&format!("~/users/{id}"), Value::Null).await.done();
    assert_eq!(bench.send(Method::POST, "~/translate", &token, json!({"list": []})).await.status, 401);
    assert_eq!(bench.delete(&format!("~/users/{id}"), Value::Null).await.status, 404);
}

#[actix_web::test]
async fn roles_of_many_are_set_by_address_and_team_name() {
    let bench = Bench::new().await;
    bench.team("ops").await;
    bench.post("~/users/admin", bob()).await.ok();
    let apply = |email: &str, roles: Value| {
        let mut all = serde_json::Map::new();
        all.insert(email.to_owned(), roles);
        bench.post("~/users/roles/spec", json!({"spec": {"roles": all}}))
    };
    apply("bob@example.com", json!({"global_role": null, "teams": [{"team": "ops", "role": "maintainer"}]}))
        .await
        .done();
    let bob = bench.state().users.get(domain::UserId(2)).unwrap().roles.clone();
    assert_eq!(bob, domain::role::Roles::Teams([(domain::TeamId(1), Role::Maintainer)].into()));
    let unknown_team = json!({"global_role": null, "teams": [{"team": "dev", "role": "maintainer"}]});
    assert_eq!(apply("bob@example.com", unknown_team).await.status, 400);
    assert_eq!(
        apply("x@example.com", json!({"global_role": "admin"})).await.refusal().2,
        "User email=x@example.com was not found in the datastore"
    );
    assert_eq!(bench.post("~/users/roles/spec", json!({})).await.status, 422, "no crash on an empty request");
}

#[actix_web::test]
async fn names_are_translated_to_ids() {
    let bench = Bench::new().await;
    bench.team("ops").await;
    let (host, key) = bench.host("web-1", None).await;
    let translate = |kind: &str, identifier: &str| {
        bench.post("~/translate", json!({"list": [{"type": kind, "payload": {"identifier": identifier, "id": 0}}]}))
    };
    let id = |answer: Answer| answer.ok()["list"][0]["payload"]["id"].as_u64().unwrap();
    assert_eq!(id(translate("user", ADMIN).await), 1);
    assert_eq!(id(translate("team", "OPS").await), 1);
    assert_eq!(id(translate("host", "UUID-web-1").await), u64::from(host.0));
    assert_eq!(id(translate("label", "All Hosts").await), 1);
    assert_eq!(id(translate("label", "no such label").await), 0);
    for (kind, name) in
        [("user", "x@example.com"), ("team", "dev"), ("host", "web-2"), ("host", key.as_str()), ("host", "")]
    {
        assert_eq!(translate(kind, name).await.status, 404, "{kind} {name}");
    }
    assert_eq!(translate("pack", "x").await.refusal(), (400, "Bad request".into(), "Type pack is unknown. ".into()));
    for none in [json!({}), json!({"list": []}), json!({"list": null})] {
        assert_eq!(bench.post("~/translate", none).await.refusal().2, "payloads must not be empty");
    }
}

#[actix_web::test]
async fn a_person_who_is_erased_can_be_read_by_nobody() {
    let bench = Bench::new().await;
    let made = bench.post("~/users/admin", bob()).await.ok();
    let id = domain::UserId(made["user"]["id"].as_u64().unwrap() as u32);
    let profile = bench.state().users.get(id).unwrap().profile.clone();
    let vault = &bench.app.vault;
    assert_eq!(vault.open(&profile.email).as_deref(), Some("bob@example.com"));
    bench.delete(&format!("~/users/{id}"), Value::Null).await.done();
    assert!(vault.open(&profile.email).is_some(), "deleted is not erased");
    let path = format!("/api/muster/v1/users/{id}/erase");
    bench.post(&path, Value::Null).await.done();
    assert_eq!((vault.open(&profile.email), vault.open(&profile.name)), (None, None));
    let sequence = bench.app.ledger.fold().chain.sequence;
    bench.post(&path, Value::Null).await.done();
    assert_eq!(bench.app.ledger.fold().chain.sequence, sequence, "once is enough");
    bench.post("~/users/admin", bob()).await.ok();
    assert_eq!(bench.post("/api/muster/v1/users/99/erase", Value::Null).await.status, 404);
    let last = bench.post("/api/muster/v1/users/1/erase", Value::Null).await;
    assert_eq!((last.status, bench.state().users.get(domain::UserId(1)).is_some()), (422, true), "the last admin");
}

#[actix_web::test]
async fn erasing_somebody_ends_their_account_too() {
    let bench = Bench::new().await;
    let (id, token) = bench.person("bob@example.com", domain::role::Roles::Global(Role::Admin), false).await;
    bench.post(&format!("/api/muster/v1/users/{id}/erase"), Value::Null).await.done();
    assert!(bench.state().users.get(id).is_none());
    assert_eq!(bench.send(Method::POST, "~/translate", &token, json!({"list": []})).await.status, 401);
}

#[actix_web::test]
async fn a_key_that_outlived_its_erasure_is_destroyed_by_the_job() {
    let bench = Bench::new().await;
    let (id, _) = bench.person("bob@example.com", domain::role::Roles::Global(Role::Observer), false).await;
    let profile = bench.state().users.get(id).unwrap().profile.clone();
    // As if the process had ended right after the commit.
    bench.decide(domain::user::Command::Erase { user: id }).await;
    assert!(bench.app.vault.open(&profile.name).is_some());
    command_api::admin::destroy_keys(&bench.app).await.unwrap();
    assert_eq!(bench.app.vault.open(&profile.name), None);
}
