use actix_web::http::Method;
use domain::role::Role;
use serde_json::{Value, json};

use crate::admin_bench::Bench;

#[actix_web::test]
async fn rest_check_29_a_change_is_of_what_it_names() {
    let bench = Bench::new().await;
    let before = bench.state().settings.section("org_info").unwrap().clone();
    let config = bench.patch("~/config", json!({"org_info": {"org_name": "x"}})).await.ok();
    let mut expected = before;
    expected["org_name"] = json!("x");
    assert_eq!(config["org_info"], expected);
    assert_eq!(config["server_settings"]["server_url"], "https://muster.example");
    assert_eq!((&config["update_interval"], &config["license"]["tier"]), (&Value::Null, &json!("premium")));
    let refused = |text: &str, message: &str| (400, message.to_owned(), text.to_owned());
    let unknown = bench.patch("~/config", json!({"org_info": {"org_nme": "x"}})).await.refusal();
    assert_eq!(unknown, refused("unsupported key provided: \"org_nme\"", "Bad Request"));
    for wrong in
        [json!({"org_info": {"org_name": 1}}), json!([]), json!("x"), json!({"webhook_settings": {"interval": "x"}})]
    {
        assert_eq!(
            bench.patch("~/config", wrong).await.refusal(),
            refused("failed to decode app config", "Bad request")
        );
    }
    let invalid = bench.patch("~/config", json!({"org_info": {"org_name": ""}})).await.field();
    assert_eq!(invalid, (422, "org_name".into(), "organization name must be present".into()));
}

#[actix_web::test]
async fn rest_check_30_dry_runs_and_overwriting() {
    let bench = Bench::new().await;
    let change = json!({"server_settings": {"live_query_disabled": true}});
    let would_be = bench.patch("~/config?dry_run=true", change.clone()).await.ok();
    assert_eq!(would_be["server_settings"]["live_query_disabled"], true);
    assert!(!bench.state().settings.is_on("/server_settings/live_query_disabled"));
    bench.patch("~/config", change).await.ok();
    assert!(bench.state().settings.is_on("/server_settings/live_query_disabled"));
    let named = json!({"org_info": {"org_name": "y"}, "server_settings": {"server_url": "https://muster.example"}});
    let config = bench.patch("~/config?overwrite=true", named).await.ok();
    assert_eq!(config["server_settings"]["live_query_disabled"], false, "left out: back to its default");
    assert!(config["sso_settings"].is_object());
}

#[actix_web::test]
async fn rest_check_31_secrets_read_as_masks_which_keep_them() {
    let bench = Bench::new().await;
    let password = || {
        let sealed = bench.state().settings.at("/smtp_settings/password/sealed").cloned();
        sealed.and_then(|sealed| bench.app.vault.open(&serde_json::from_value(sealed).unwrap()))
    };
    let smtp = |value: Value| bench.patch("~/config", json!({"smtp_settings": value}));
    assert_eq!(smtp(json!({"password": "mail-s3cret"})).await.ok()["smtp_settings"]["password"], "********");
    assert_eq!(password().as_deref(), Some("mail-s3cret"));
    let kept = smtp(json!({"password": "********", "server": "mail.example"})).await.ok();
    assert_eq!(
        (&kept["smtp_settings"]["server"], password().as_deref()),
        (&json!("mail.example"), Some("mail-s3cret"))
    );
    let sequence = bench.app.ledger.fold().chain.sequence;
    smtp(json!({"password": "mail-s3cret"})).await.ok();
    assert_eq!(bench.app.ledger.fold().chain.sequence, sequence, "an equal secret is no change");
    assert_eq!(smtp(json!({"password": ""})).await.ok()["smtp_settings"]["password"], "");
    assert_eq!(password(), None);
    assert_eq!(smtp(json!({"password": "********"})).await.ok()["smtp_settings"]["password"], "", "a mask of nothing");
}

#[actix_web::test]
async fn secrets_in_lists_are_kept_by_what_stands_beside_them() {
    let bench = Bench::new().await;
    let item = |url: &str, token: &str| json!({"url": url, "username": "u", "api_token": token, "project_key": "P"});
    let jira = |items: Value| bench.patch("~/config", json!({"integrations": {"jira": items}}));
    jira(json!([item("https://a", "token-a"), item("https://b", "token-b")])).await.ok();
    let shown = jira(json!([item("https://b", "********"), item("https://c", "********")])).await.ok();
    assert_eq!(shown["integrations"]["jira"][0]["api_token"], "********");
    let held = bench.state().settings.at("/integrations/jira").unwrap().clone();
    let open =
        |value: &Value| bench.app.vault.open(&serde_json::from_value(value["api_token"]["sealed"].clone()).unwrap());
    assert_eq!(open(&held[0]).as_deref(), Some("token-b"), "it moved with its item");
    assert_eq!(held[1]["api_token"], "", "a mask does not lend another's secret");
}

#[actix_web::test]
async fn what_clients_send_back_because_they_read_it_is_taken() {
    let bench = Bench::new().await;
    let admin = bench.state().users.get(domain::UserId(1)).unwrap().roles.clone();
    let mut config = infra_http::shape::config::changed(&bench.state(), &admin);
    for key in ["license", "logging", "update_interval", "vulnerabilities"] {
        config.as_object_mut().unwrap().remove(key);
    }
    let sequence = bench.app.ledger.fold().chain.sequence;
    bench.patch("~/config", config).await.ok();
    assert_eq!(bench.app.ledger.fold().chain.sequence, sequence);
    let gitops = json!({"mdm": {"macos_updates": {"deadline": "", "minimum_version": ""}, "macos_setup": null}, "yara_rules": []});
    bench.patch("~/config", gitops).await.ok();
    assert_eq!(
        bench.patch("~/config", json!({"mdm": {"macos_updats": {}}})).await.refusal().2,
        "unsupported key provided: \"macos_updats\""
    );
    assert_eq!(bench.patch("~/config", json!({"mdm": {"enable_disk_encryption": true}})).await.field().1, "mdm");
    bench.patch("~/config", json!({"host_settings": {"enable_host_users": true}})).await.ok();
    assert!(!bench.state().settings.is_on("/features/enable_software_inventory"));
}

#[actix_web::test]
async fn agent_options_in_the_config_are_checked_unless_forced() {
    let bench = Bench::new().await;
    let options = json!({"agent_options": {"config": {"options": {"logger_tls_period": "10"}}}});
    let wrong = "invalid value type at 'options.logger_tls_period': expected uint64 but got string";
    assert_eq!(bench.patch("~/config", options.clone()).await.refusal(), (400, "Bad Request".into(), wrong.into()));
    bench.patch("~/config?force=true", options).await.ok();
    assert_eq!(bench.state().settings.at("/agent_options/config/options/logger_tls_period"), Some(&json!("10")));
    let secret = json!({"agent_options": {"command_line_flags": {"aws_proxy_password": "x"}}});
    assert_eq!(bench.patch("~/config?force=true", secret).await.refusal().0, 400);
    assert_eq!(bench.state().settings.at("/agent_options/command_line_flags"), None);
}

#[actix_web::test]
async fn gitops_writes_the_config_and_others_do_not() {
    let bench = Bench::new().await;
    for (role, status) in
        [(Role::Gitops, 200), (Role::Maintainer, 403), (Role::ObserverPlus, 403), (Role::Observer, 403)]
    {
        let token = bench.global(role).await;
        let answer = bench.send(Method::PATCH, "~/config", &token, json!({"org_info": {"org_name": "z"}})).await;
        assert_eq!(answer.status, status, "{role:?}");
        assert!(status == 403 || answer.json().get("smtp_settings").is_none());
    }
}
