use serde_json::json;

use super::*;

fn patch(change: Value) -> Result<BTreeMap<String, Value>, PatchError> {
    patch_how(change, How::default())
}

fn patch_how(change: Value, how: How) -> Result<BTreeMap<String, Value>, PatchError> {
    let mut held = Settings::default();
    let sections = [
        (
            "org_info",
            json!({"org_name": "Old", "org_logo_url": "https://x/y.png", "org_logo_url_light_background": "", "contact_url": ""}),
        ),
        ("server_settings", json!({"server_url": "https://old.example", "live_query_disabled": true})),
    ];
    let sections = sections.map(|(name, value)| (name.to_owned(), value.into()));
    held.changed(&super::super::Changed { sections: sections.into() });
    patched(&held, change.as_object().unwrap(), how)
}

#[test]
fn rest_check_29_only_what_is_named_changes() {
    let sections = patch(json!({"org_info": {"org_name": "New"}})).unwrap();
    assert_eq!(sections.len(), 1);
    assert_eq!(sections["org_info"]["org_name"], "New");
    assert_eq!(sections["org_info"]["org_logo_url"], "https://x/y.png");
}

#[test]
fn unknown_keys_are_named_by_their_last_part() {
    let unknown = |key: &str| Err(PatchError::UnsupportedKey(key.to_owned()));
    assert_eq!(patch(json!({"nonsense": 1})), unknown("nonsense"));
    assert_eq!(patch(json!({"org_info": {"org_nme": "x"}})), unknown("org_nme"));
    assert_eq!(patch(json!({"webhook_settings": {"host_status_webhook": {"days": 1}}})), unknown("days"));
}

#[test]
fn types_must_be_those_of_the_settings() {
    for wrong in [
        json!({"org_info": "x"}),
        json!({"org_info": {"org_name": 7}}),
        json!({"server_settings": {"live_query_disabled": "yes"}}),
        json!({"host_expiry_settings": {"host_expiry_window": "7"}}),
        json!({"host_expiry_settings": {"host_expiry_window": -7}}),
        json!({"webhook_settings": {"interval": "soon"}}),
        json!({"server_settings": {"debug_host_ids": ["a"]}}),
        json!({"integrations": {"jira": {}}}),
    ] {
        assert_eq!(patch(wrong.clone()), Err(PatchError::WrongType), "{wrong}");
    }
    let sections = patch(json!({"org_info": {"org_name": null}, "server_settings": null})).unwrap();
    assert_eq!(sections["org_info"]["org_name"], "Old", "null changes nothing");
    assert_eq!(sections["server_settings"]["server_url"], "https://old.example");
}

#[test]
fn parts_without_fixed_keys_are_replaced_whole() {
    let change =
        json!({"features": {"additional_queries": {"a": "SELECT 1"}}, "integrations": {"jira": [{"url": "u"}]}});
    let sections = patch(change).unwrap();
    assert_eq!(sections["features"]["additional_queries"], json!({"a": "SELECT 1"}));
    assert_eq!(sections["features"]["enable_host_users"], true);
    assert_eq!(sections["integrations"]["jira"], json!([{"url": "u"}]));
    assert_eq!(sections["integrations"]["zendesk"], Value::Null);
}

#[test]
fn rest_check_30_overwriting_restores_what_is_left_out() {
    let change = json!({"org_info": {"org_name": "New"}, "server_settings": {"server_url": "https://new.example"}});
    let sections = patch_how(change, How { overwrite: true, force: false }).unwrap();
    assert_eq!(sections["org_info"]["org_logo_url"], "");
    assert_eq!(sections["server_settings"]["live_query_disabled"], false);
    assert_eq!(sections["features"]["enable_software_inventory"], true);
    assert_eq!(sections.len(), defaults().as_object().unwrap().len());
}

#[test]
fn the_old_name_of_features_replaces_them_whole() {
    let sections = patch(json!({"host_settings": {"enable_host_users": true}})).unwrap();
    assert_eq!(sections["features"]["enable_host_users"], true);
    assert_eq!(sections["features"]["enable_software_inventory"], false);
}

#[test]
fn all_broken_rules_are_told() {
    let change = json!({
        "org_info": {"org_name": " "},
        "server_settings": {"server_url": ""},
        "host_expiry_settings": {"host_expiry_enabled": true},
        "webhook_settings": {"host_status_webhook": {"enable_host_status_webhook": true, "host_percentage": 5}},
        "sso_settings": {"enable_sso": true}
    });
    let Err(PatchError::Invalid(wrong)) = patch(change) else { panic!("it was taken") };
    let fields: Vec<&str> = wrong.iter().map(|(field, _)| *field).collect();
    let expected = [
        "org_name",
        "server_url",
        "host_expiry_window",
        "destination_url",
        "days_count",
        "metadata",
        "entity_id",
        "idp_name",
    ];
    assert_eq!(fields, expected);
    assert_eq!(wrong[0].1, "organization name must be present");
    assert_eq!(wrong[1].1, "Fleet server URL must be present");
    let Err(PatchError::Invalid(wrong)) = patch(json!({"server_settings": {"server_url": "ftp://x"}})) else {
        panic!()
    };
    assert_eq!(wrong, [("server_url", "Fleet server URL must use “https” or “http”.".to_owned())]);
}

#[test]
fn the_interval_of_webhooks_is_kept_as_text() {
    for (given, kept) in [(json!("1h30m"), "1h30m0s"), (json!(90_000_000_000_u64), "1m30s")] {
        let sections = patch(json!({"webhook_settings": {"interval": given}})).unwrap();
        assert_eq!(sections["webhook_settings"]["interval"], kept);
    }
}

#[test]
fn agent_options_are_replaced_and_checked_unless_forced() {
    let change = json!({"agent_options": {"confg": {}}});
    let wrong = PatchError::AgentOptions(agent_options::Wrong::UnsupportedKey("confg".to_owned()));
    assert_eq!(patch(change.clone()), Err(wrong));
    let forced = patch_how(change, How { force: true, overwrite: false }).unwrap();
    assert_eq!(forced["agent_options"], json!({"confg": {}}));
    let secret = json!({"agent_options": {"confg": {"aws_proxy_password": "x"}}});
    let wrong = PatchError::AgentOptions(agent_options::Wrong::Secret("aws_proxy_password".to_owned()));
    assert_eq!(patch_how(secret, How { force: true, overwrite: false }), Err(wrong));
    let sections = patch(json!({"agent_options": {"config": {"options": {}}}})).unwrap();
    assert_eq!(sections["agent_options"], json!({"config": {"options": {}}}), "nothing of the old ones is left");
}
