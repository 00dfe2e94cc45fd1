use std::time::{Duration, Instant};

use actix_web::http::Method;
use command_api::admin::DeskSettings;
use domain::role::{Role, Roles};
use domain::session::LIFETIME;
use serde_json::{Value, json};

use crate::admin_bench::{ADMIN, Bench, PASSWORD, set_up_request};

impl Bench {
    async fn login(&self, email: &str, password: &str) -> crate::admin_bench::Answer {
        self.send(Method::POST, "~/login", "", json!({"email": email, "password": password})).await
    }

    /// Whether a token opens a command that everyone signed in may give.
    async fn is_signed_in(&self, token: &str) -> bool {
        let list = json!({"list": [{"type": "label", "payload": {"identifier": "All Hosts"}}]});
        let answer = self.send(Method::POST, "~/translate", token, list).await;
        assert!(answer.status == 200 || answer.refusal().1 == "Authentication required", "{answer:?}");
        answer.status == 200
    }
}

#[actix_web::test]
async fn rest_check_05_login_right_and_wrong() {
    let bench = Bench::new().await;
    let right = bench.login(" ADA@Example.com", PASSWORD).await.ok();
    assert_eq!((&right["user"]["email"], &right["available_teams"]), (&json!(ADMIN), &json!([])));
    assert!(bench.is_signed_in(right["token"].as_str().unwrap()).await);
    let (wrong, unknown) = (bench.login(ADMIN, "wrong").await, bench.login("nobody@example.com", PASSWORD).await);
    let without_id = |answer: &crate::admin_bench::Answer| {
        let mut body = answer.json();
        assert!(body.as_object_mut().unwrap().remove("uuid").is_some());
        (answer.status, body)
    };
    let text = "Authentication failed";
    assert_eq!(without_id(&wrong), (401, json!({"message": text, "errors": [{"name": "base", "reason": text}]})));
    assert_eq!(without_id(&wrong), without_id(&unknown), "the two cannot be told apart");
    assert_eq!(bench.send(Method::POST, "~/login", "", json!({})).await.status, 401, "not a validation error");
    assert_eq!(bench.send(Method::POST, "~/login", "", Value::Null).await.refusal().2, "Expected JSON Body");
}

#[actix_web::test]
async fn rest_check_05_a_failed_login_takes_its_time() {
    let settings =
        DeskSettings { failed_login: Duration::from_millis(300), password_memory_kib: 8, password_passes: 1 };
    let bench = Bench::with(settings).await;
    bench.send(Method::POST, "/api/v1/setup", "", set_up_request()).await.ok();
    for email in [ADMIN, "nobody@example.com"] {
        let started = Instant::now();
        assert_eq!(bench.login(email, "wrong").await.status, 401);
        assert!(started.elapsed() >= Duration::from_millis(300), "{email}");
    }
    assert_eq!(DeskSettings::default().failed_login, Duration::from_secs(1));
}

#[actix_web::test]
async fn rest_check_07_a_session_ends_by_logout_and_by_time() {
    let bench = Bench::new().await;
    let token = |answer: crate::admin_bench::Answer| answer.ok()["token"].as_str().unwrap().to_owned();
    let (one, two) = (token(bench.login(ADMIN, PASSWORD).await), token(bench.login(ADMIN, PASSWORD).await));
    bench.send(Method::POST, "~/logout", &one, Value::Null).await.done();
    assert!(!bench.is_signed_in(&one).await);
    assert!(bench.is_signed_in(&two).await, "another session of the same user stays");
    assert_eq!(bench.send(Method::POST, "~/logout", &one, Value::Null).await.status, 401);
    assert_eq!(
        bench.send(Method::POST, "~/logout", "", Value::Null).await.refusal().1,
        "Authorization header required"
    );
    let (_, robot) = bench.person("robot@example.com", Roles::Global(Role::Observer), true).await;
    bench.clock.advance(LIFETIME);
    assert!(!bench.is_signed_in(&two).await);
    assert!(bench.is_signed_in(&robot).await, "tokens of API-only users never end");
}

#[actix_web::test]
async fn rest_check_08_a_forced_reset_closes_all_but_the_way_out() {
    let bench = Bench::new().await;
    let new = json!({"name": "Bob", "email": "bob@example.com", "password": PASSWORD, "global_role": "observer"});
    assert_eq!(bench.post("~/users/admin", new).await.ok()["user"]["force_password_reset"], true, "on by default");
    let signed_in = bench.login("bob@example.com", PASSWORD).await.ok();
    assert_eq!(signed_in["user"]["force_password_reset"], true);
    let bob = signed_in["token"].as_str().unwrap();
    let closed = bench.send(Method::POST, "~/translate", bob, json!({"list": []})).await.refusal();
    assert_eq!(closed, (401, "password reset required".into(), "password reset required".into()));
    let reset = |token: &str, password: &str| {
        let (token, body) = (token.to_owned(), json!({"new_password": password}));
        async {
            let (token, body) = (token, body);
            bench.send(Method::POST, "~/perform_required_password_reset", &token, body).await
        }
    };
    assert_eq!(reset(bob, "weak").await.field().1, "new_password");
    assert_eq!(reset(bob, PASSWORD).await.field(), (422, "new_password".into(), "Cannot reuse old password".into()));
    assert_eq!(reset("", "another 1 good!").await.refusal(), (403, "forbidden".into(), "forbidden".into()));
    assert_eq!(
        reset(&bench.admin, "another 1 good!").await.refusal(),
        (403, "Permission Denied".into(), String::new())
    );
    assert_eq!(reset(bob, "another 1 good!").await.ok()["user"]["force_password_reset"], false);
    assert!(bench.is_signed_in(bob).await, "the token goes on working");
    assert_eq!(bench.login("bob@example.com", PASSWORD).await.status, 401);
    assert_eq!(bench.login("bob@example.com", "another 1 good!").await.status, 200);
}

#[actix_web::test]
async fn rest_check_09_the_eleventh_login_of_a_minute_is_refused_from_anywhere() {
    let bench = Bench::new().await;
    for _ in 0..10 {
        assert_ne!(bench.login("x@example.com", "x").await.status, 429);
    }
    let refused = bench.login(ADMIN, PASSWORD).await;
    assert_eq!((refused.status, refused.retry_after.as_deref()), (429, Some("6")));
    assert_eq!(refused.refusal().1, "limit exceeded, retry after: 6s");
    bench.clock.advance(Duration::from_secs(6));
    assert_eq!(bench.login(ADMIN, PASSWORD).await.status, 200);
}

#[actix_web::test]
async fn a_password_is_changed_by_who_knows_the_old_one() {
    let bench = Bench::new().await;
    let change = |old: &str, new: &str| {
        let body = json!({"old_password": old, "new_password": new});
        bench.post("~/change_password", body)
    };
    let refused = |field: &str, reason: &str| (422, field.to_owned(), reason.to_owned());
    assert_eq!(change("", "x").await.field(), refused("old_password", "Old password cannot be empty"));
    assert_eq!(
        change("wrong", "another 1 good!").await.field(),
        refused("old_password", "old password does not match")
    );
    assert_eq!(change(PASSWORD, "weak").await.field().1, "new_password");
    assert_eq!(change(PASSWORD, PASSWORD).await.field(), refused("new_password", "Cannot reuse old password"));
    change(PASSWORD, "another 1 good!").await.done();
    assert!(bench.is_signed_in(&bench.admin).await);
    assert_eq!(bench.login(ADMIN, PASSWORD).await.status, 401);
    assert_eq!(bench.login(ADMIN, "another 1 good!").await.status, 200);
}
