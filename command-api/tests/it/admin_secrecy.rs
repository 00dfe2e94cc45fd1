//! What must never stand in the log in the clear does not.

use actix_web::http::Method;
use infra_log::Topic;
use serde_json::json;

use crate::admin_bench::{ADMIN, Bench, PASSWORD};

#[actix_web::test]
async fn names_addresses_and_secrets_are_not_in_the_log() {
    let bench = Bench::new().await;
    let secret_of = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let login = bench.send(Method::POST, "~/login", "", json!({"email": ADMIN, "password": PASSWORD})).await.ok();
    let robot = json!({
        "name": "Grace Hopper", "email": "grace@navy.example", "password": "another 1 good!", "position": "Rear Admiral",
        "global_role": "observer", "api_only": true
    });
    let robot = bench.post("~/users/admin", robot).await.ok();
    let team = bench.post("~/teams", json!({"name": "ops"})).await.ok();
    bench.post("~/spec/enroll_secret", json!({"spec": {"secrets": [{"secret": "enroll-in-the-clear"}]}})).await.done();
    bench.patch("~/config", json!({"smtp_settings": {"password": "mail-in-the-clear"}})).await.ok();
    bench.patch("~/users/2", json!({"name": "Amazing Grace", "email": "amazing@navy.example"})).await.ok();
    let enroll = json!({"enroll_secret": team["team"]["secrets"][0]["secret"], "host_identifier": "web-1"});
    let enrolled = bench.send(Method::POST, "/api/osquery/enroll", "", enroll).await.ok();
    let plain = [
        ADMIN.to_owned(),
        "Ada Lovelace".to_owned(),
        PASSWORD.to_owned(),
        "Grace Hopper".to_owned(),
        "grace@navy.example".to_owned(),
        "Rear Admiral".to_owned(),
        "Amazing Grace".to_owned(),
        "amazing@navy.example".to_owned(),
        "another 1 good!".to_owned(),
        "enroll-in-the-clear".to_owned(),
        "mail-in-the-clear".to_owned(),
        bench.admin.clone(),
        secret_of(&login["token"]),
        secret_of(&robot["token"]),
        secret_of(&team["team"]["secrets"][0]["secret"]),
        secret_of(&enrolled["node_key"]),
    ];
    let mut seen = 0;
    for partition in Topic::ALL.into_iter().flat_map(Topic::every) {
        for record in bench.log.records(partition) {
            let text = format!("{:?} {}", record.headers, String::from_utf8_lossy(&record.value));
            for plain in &plain {
                assert!(!text.contains(plain.as_str()), "{plain} stands in {partition}");
            }
            seen += text.matches("user.created").count();
        }
    }
    assert_eq!(seen, 2, "the search looked at the right place");
}
