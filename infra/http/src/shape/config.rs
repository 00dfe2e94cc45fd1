//! The app config of rest-api §7: stored settings, and what is fixed or comes from how the server runs.

use domain::State;
use domain::role::{Role, Roles};
use serde_json::{Map, Value, json};

use super::MASK;

/// One second in the nanoseconds that clients expect.
const SECOND_NS: u64 = 1_000_000_000;

/// What the config says that no admin sets.
#[derive(Clone, Debug)]
pub struct Served {
    /// Seconds between two questions for a host's details.
    pub detail_interval_s: u64,
    /// Seconds between two questions for a host's policies.
    pub policy_interval_s: u64,
}

impl Default for Served {
    fn default() -> Self {
        Served { detail_interval_s: 3_600, policy_interval_s: 3_600 }
    }
}

/// The config as someone with these roles sees it: mail and sign-on settings for admins, agent options for global ones.
pub fn config(state: &State, roles: &Roles, served: &Served) -> Value {
    let mut shown = settings(state, roles);
    let rest = json!({
        "update_interval": {
            "osquery_detail": served.detail_interval_s * SECOND_NS,
            "osquery_policy": served.policy_interval_s * SECOND_NS,
        },
        "vulnerabilities": {
            "databases_path": "", "periodicity": 3_600 * SECOND_NS, "cpe_database_url": "", "cpe_translations_url": "",
            "cve_feed_prefix_url": "", "current_instance_checks": "auto", "disable_data_sync": false,
            "recent_vulnerability_max_age": 30 * 86_400 * SECOND_NS, "disable_win_os_vulnerabilities": false
        },
    });
    extend(&mut shown, rest);
    extend(&mut shown, fixed());
    Value::Object(shown)
}

/// The answer to a change: the same, but without what only a read tells.
pub fn changed(state: &State, roles: &Roles) -> Value {
    let mut shown = settings(state, roles);
    extend(&mut shown, json!({"update_interval": null, "vulnerabilities": null}));
    extend(&mut shown, fixed());
    Value::Object(shown)
}

fn settings(state: &State, roles: &Roles) -> Map<String, Value> {
    let global_admin = roles.global() == Some(Role::Admin);
    let admin = global_admin || matches!(roles, Roles::Teams(teams) if teams.values().any(|role| *role == Role::Admin));
    let visible = |name: &str| match name {
        "smtp_settings" | "sso_settings" => admin,
        "agent_options" => global_admin,
        _ => true,
    };
    let sections = state.settings.sections().filter(|(name, _)| visible(name));
    let mut shown: Map<String, Value> =
        sections.map(|(name, value)| (name.to_owned(), masked(value.clone()))).collect();
    shown.insert("mdm".to_owned(), mdm());
    shown
}

fn fixed() -> Value {
    json!({
        "license": {
            "tier": "premium", "organization": "", "device_count": 0, "expiration": "2100-01-01T00:00:00Z", "note": "",
            "managed_cloud": false
        },
        "logging": {
            "debug": false, "json": true,
            "result": {"plugin": "log", "config": {}},
            "status": {"plugin": "log", "config": {}},
            "audit": {"plugin": "log", "config": {}}
        },
    })
}

fn extend(shown: &mut Map<String, Value>, more: Value) {
    if let Value::Object(more) = more {
        shown.extend(more);
    }
}

/// Every sealed value inside is shown as a mask; sending the mask back keeps it.
pub fn masked(value: Value) -> Value {
    match value {
        Value::Object(object) if domain::settings::is_sealed(&object) => json!(MASK),
        Value::Object(object) => object.into_iter().map(|(name, value)| (name, masked(value))).collect(),
        Value::Array(items) => items.into_iter().map(masked).collect(),
        other => other,
    }
}

/// The tree that clients walk through even where no mobile device is managed.
pub fn mdm() -> Value {
    let mut tree = team_mdm();
    let more = json!({
        "enabled_and_configured": false,
        "windows_enabled_and_configured": false,
        "android_enabled_and_configured": false,
        "apple_bm_enabled_and_configured": false,
        "apple_bm_terms_expired": false,
        "apple_server_url": "",
        "apple_business_manager": null,
        "volume_purchasing_program": null,
        "macos_migration": {"enable": false, "mode": "", "webhook_url": ""},
        "windows_migration_enabled": false,
        "end_user_authentication": {
            "entity_id": "", "issuer_uri": "", "metadata": "", "metadata_url": "", "idp_name": ""
        },
    });
    if let (Value::Object(tree), Value::Object(more)) = (&mut tree, more) {
        tree.extend(more);
    }
    tree
}

/// The part of it that a team has too.
pub fn team_mdm() -> Value {
    json!({
        "enable_disk_encryption": false,
        "macos_updates": {"minimum_version": null, "deadline": null},
        "ios_updates": {"minimum_version": null, "deadline": null},
        "ipados_updates": {"minimum_version": null, "deadline": null},
        "windows_updates": {"deadline_days": null, "grace_period_days": null},
        "macos_settings": {"custom_settings": null},
        "macos_setup": {
            "bootstrap_package": null, "enable_end_user_authentication": false, "macos_setup_assistant": null,
            "enable_release_device_manually": false, "script": null, "software": null, "manual_agent_install": null
        },
        "windows_settings": {"custom_settings": null}
    })
}
