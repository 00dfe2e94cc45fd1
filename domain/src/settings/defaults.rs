//! What holds until an admin says otherwise.

use serde_json::{Value, json};

/// The whole tree. Source: `rest-api`, app config and agent options.
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
