//! The organisation's settings: one JSON tree, as the API shows it, changed by whole top-level sections.
//!
//! Secrets inside (a mail password) are sealed before they come here, as `{"sealed": {key, text}}`.

pub mod agent_options;
mod duration;
pub mod patch;

use std::collections::BTreeMap;
use std::sync::Arc;

use imbl::OrdMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::state::State;
use crate::{Event, Refusal, Timestamp};

/// Sections that changed, each with its whole new value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Changed {
    pub sections: BTreeMap<String, Arc<Value>>,
}

#[derive(Clone, Debug)]
pub enum Command {
    /// The whole new value of some sections; equal ones are nothing new.
    Change { sections: BTreeMap<String, Arc<Value>> },
}

impl Command {
    pub fn decide(&self, state: &State, _now: Timestamp) -> Result<Vec<Event>, Refusal> {
        let Command::Change { sections } = self;
        let mut changed = BTreeMap::new();
        for (name, value) in sections {
            let Some(held) = state.settings.section(name) else {
                return Err(Refusal::Malformed(format!("unsupported key provided: \"{name}\"")));
            };
            if held != &**value {
                changed.insert(name.clone(), value.clone());
            }
        }
        Ok(if changed.is_empty() { vec![] } else { vec![Changed { sections: changed }.into()] })
    }
}

/// All settings, folded from the ledger over the defaults.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    sections: OrdMap<String, Arc<Value>>,
    /// Goes up with every change of settings, teams, queries or labels: what a host's config depends on.
    pub revision: u64,
}

impl Default for Settings {
    fn default() -> Self {
        let Value::Object(defaults) = defaults() else { unreachable!("the defaults are an object") };
        Settings { sections: defaults.into_iter().map(|(name, value)| (name, Arc::new(value))).collect(), revision: 0 }
    }
}

impl Settings {
    /// One top-level section, `server_settings`; `None` if there is no such section.
    pub fn section(&self, name: &str) -> Option<&Value> {
        self.sections.get(name).map(|value| &**value)
    }

    /// A value by path, `/server_settings/live_query_disabled`.
    pub fn at(&self, pointer: &str) -> Option<&Value> {
        let (name, rest) = pointer.strip_prefix('/')?.split_once('/').unwrap_or((pointer.strip_prefix('/')?, ""));
        let section = self.section(name)?;
        if rest.is_empty() { Some(section) } else { section.pointer(&format!("/{rest}")) }
    }

    /// Whether the switch at `pointer` is on.
    pub fn is_on(&self, pointer: &str) -> bool {
        self.at(pointer).and_then(Value::as_bool).unwrap_or(false)
    }

    pub fn sections(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.sections.iter().map(|(name, value)| (name.as_str(), &**value))
    }

    /// Agent options for hosts without a team, and for teams that have none of their own.
    pub fn agent_options(&self) -> &Value {
        self.section("agent_options").unwrap_or(&Value::Null)
    }

    pub(crate) fn changed(&mut self, event: &Changed) {
        for (name, value) in &event.sections {
            self.sections.insert(name.clone(), value.clone());
        }
    }
}

/// Whether an object is a sealed secret.
pub fn is_sealed(object: &serde_json::Map<String, Value>) -> bool {
    object.len() == 1 && object.get("sealed").is_some_and(Value::is_object)
}

/// What holds until an admin says otherwise. Source: `rest-api`, app config and agent options.
pub fn defaults() -> Value {
    json!({
        "org_info": {"org_name": "", "org_logo_url": "", "org_logo_url_light_background": "", "contact_url": ""},
        "server_settings": {
            "server_url": "", "live_query_disabled": false, "enable_analytics": false, "debug_host_ids": [],
            "deferred_save_host": false, "query_reports_disabled": false, "scripts_disabled": false,
            "ai_features_disabled": true, "query_report_cap": 0
        },
        "smtp_settings": {
            "enable_smtp": false, "configured": false, "sender_address": "", "server": "", "port": 587,
            "authentication_type": "authtype_username_password", "user_name": "", "password": "", "enable_ssl_tls": true,
            "authentication_method": "authmethod_plain", "domain": "", "verify_ssl_certs": true, "enable_start_tls": true
        },
        "host_expiry_settings": {"host_expiry_enabled": false, "host_expiry_window": 0},
        "activity_expiry_settings": {"activity_expiry_enabled": false, "activity_expiry_window": 0},
        "features": {"enable_host_users": true, "enable_software_inventory": true},
        "agent_options": {
            "config": {
                "options": {
                    "disable_distributed": false, "distributed_interval": 10, "distributed_plugin": "tls",
                    "distributed_tls_max_attempts": 3, "logger_tls_endpoint": "/api/osquery/log",
                    "logger_tls_period": 10, "pack_delimiter": "/"
                },
                "decorators": {"load": [
                    "SELECT uuid AS host_uuid FROM system_info;",
                    "SELECT hostname AS hostname FROM system_info;"
                ]}
            },
            "overrides": {}
        },
        "sso_settings": {
            "entity_id": "", "issuer_uri": "", "metadata": "", "metadata_url": "", "idp_name": "", "idp_image_url": "",
            "enable_sso": false, "enable_sso_idp_login": false, "enable_jit_provisioning": false, "enable_jit_role_sync": false
        },
        "fleet_desktop": {"transparency_url": ""},
        "vulnerability_settings": {"databases_path": ""},
        "webhook_settings": {
            "activities_webhook": {"enable_activities_webhook": false, "destination_url": ""},
            "host_status_webhook": {"enable_host_status_webhook": false, "destination_url": "", "host_percentage": 0, "days_count": 0},
            "failing_policies_webhook": {"enable_failing_policies_webhook": false, "destination_url": "", "policy_ids": null, "host_batch_size": 0},
            "vulnerabilities_webhook": {"enable_vulnerabilities_webhook": false, "destination_url": "", "host_batch_size": 0},
            "interval": "24h0m0s"
        },
        "integrations": {
            "jira": null, "zendesk": null, "google_calendar": null, "digicert": null, "ndes_scep_proxy": null,
            "custom_scep_proxy": null, "conditional_access_enabled": null
        },
        "gitops": {"gitops_mode_enabled": false, "repository_url": ""},
        "scripts": []
    })
}
