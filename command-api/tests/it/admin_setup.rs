use actix_web::http::Method;
use base64::Engine as _;
use serde_json::{Value, json};

use crate::admin_bench::{ADMIN, Bench, PASSWORD, set_up_request};

#[actix_web::test]
async fn rest_check_01_a_fresh_server_offers_only_set_up() {
    let bench = Bench::fresh().await;
    for path in [
        "~/login",
        "~/config",
        "~/queries/run",
        "/api/osquery/enroll",
        "/api/osquery/config",
        "/api/muster/v1/campaigns",
    ] {
        let answer = bench.send(Method::POST, path, "", json!({})).await;
        assert_eq!((answer.status, answer.text.as_str()), (404, "404 page not found\n"), "{path}");
        assert_eq!(answer.content_type, "text/plain; charset=utf-8");
    }
}

#[actix_web::test]
async fn rest_check_02_set_up_wants_a_good_password_and_address() {
    let bench = Bench::fresh().await;
    let with = |pointer: &'static str, value: Value| {
        let mut request = set_up_request();
        *request.pointer_mut(pointer).unwrap() = value;
        bench.send(Method::POST, "/api/v1/setup", "", request)
    };
    let weak = with("/admin/password", json!("weak")).await.field();
    let rule = "Password does not meet required criteria: Must include 12 characters, at least 1 number (e.g. 0 - 9), and at least 1 symbol (e.g. &*#).";
    assert_eq!(weak, (422, "password".into(), rule.into()));
    let missing = (422, "server_url".to_owned(), "missing required argument".to_owned());
    assert_eq!(with("/server_url", json!("")).await.field(), missing);
    let scheme = "Fleet server URL must use “https” or “http”.";
    assert_eq!(with("/server_url", json!("muster.example")).await.field(), (422, "server_url".into(), scheme.into()));
    assert_eq!(with("/admin", Value::Null).await.field().2, "setup request must provide admin");
    let set_up = bench.send(Method::POST, "/api/v1/setup", "", set_up_request()).await.ok();
    assert_eq!(set_up["admin"]["global_role"], "admin");
    assert_eq!(set_up["admin"]["email"], ADMIN);
    assert_eq!(set_up["org_info"]["org_name"], "Example");
    assert_eq!(
        (&set_up["server_url"], &set_up["osquery_enroll_secret"]),
        (&json!("https://muster.example"), &Value::Null)
    );
    let token = set_up["token"].as_str().unwrap();
    bench.send(Method::POST, "~/logout", token, Value::Null).await.done();
}

#[actix_web::test]
async fn rest_check_03_set_up_happens_once_under_both_spellings() {
    for (first, second) in [("/api/v1/setup", "/api/setup"), ("/api/setup", "/api/v1/setup")] {
        let bench = Bench::fresh().await;
        bench.send(Method::POST, first, "", set_up_request()).await.ok();
        for again in [first, second] {
            let answer = bench.send(Method::POST, again, "", set_up_request()).await;
            assert_eq!((answer.status, answer.text.as_str()), (404, "404 page not found\n"), "{again}");
        }
        assert_eq!(bench.state().users.iter().count(), 1);
    }
}

#[actix_web::test]
async fn two_set_ups_at_once_leave_one_admin() {
    let bench = Bench::fresh().await;
    let answers = futures::future::join_all((0..4).map(|number| {
        let mut request = set_up_request();
        request["admin"]["email"] = json!(format!("admin-{number}@example.com"));
        bench.send(Method::POST, "/api/v1/setup", "", request)
    }));
    let mut statuses: Vec<u16> = answers.await.iter().map(|answer| answer.status).collect();
    statuses.sort();
    assert_eq!(statuses, [200, 404, 404, 404]);
    assert_eq!((bench.state().users.iter().count(), bench.state().teams.secrets(None).len()), (1, 1));
}

#[actix_web::test]
async fn rest_check_04_after_set_up_the_server_has_its_defaults() {
    let bench = Bench::new().await;
    let state = bench.state();
    let mut labels: Vec<&str> =
        state.labels.iter().filter(|label| label.builtin).map(|label| label.name.as_str()).collect();
    labels.sort();
    let expected = [
        "All Hosts",
        "All Linux",
        "Android",
        "CentOS Linux",
        "Fedora Linux",
        "MS Windows",
        "Red Hat Linux",
        "Ubuntu Linux",
        "chrome",
        "iOS",
        "iPadOS",
        "macOS",
        "macOS 14+ (Sonoma+)",
    ];
    assert_eq!(labels, expected);
    let [secret] = state.teams.secrets(None) else { panic!("there is one secret") };
    let secret = bench.app.vault.open(&secret.sealed).unwrap();
    assert_eq!(secret.len(), 32);
    assert_eq!(base64::engine::general_purpose::STANDARD.decode(secret).unwrap().len(), 24);
    assert_eq!(state.settings.at("/agent_options/config/options/distributed_interval"), Some(&json!(10)));
    assert_eq!(state.settings.at("/features/enable_software_inventory"), Some(&json!(true)));
    assert_eq!(
        bench.send(Method::POST, "~/login", "", json!({"email": ADMIN, "password": PASSWORD})).await.status,
        200
    );
}
