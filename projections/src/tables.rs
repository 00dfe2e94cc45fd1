//! The tables of the views, as `migrations/` makes them.

use infra_stores::Table;

pub static HOST: Table = Table {
    name: "host",
    key: &["version", "host", "since"],
    columns: &["until", "team", "identifier", "platform", "created_at", "enrolled_at", "contested_until", "succeeds"],
};

pub static SUBJECT: Table =
    Table { name: "subject", key: &["version", "kind", "id", "since"], columns: &["until", "data"] };

pub static LABEL_MANUAL: Table =
    Table { name: "label_manual", key: &["version", "host", "label", "since"], columns: &["until"] };

pub static LABEL_HOST: Table =
    Table { name: "label_host", key: &["version", "host", "label", "since"], columns: &["until"] };

pub static HOST_SECTION: Table = Table {
    name: "host_section",
    key: &["version", "host", "section", "since"],
    columns: &["until", "reported", "data"],
};

pub static HOST_INDEX: Table = Table {
    name: "host_index",
    key: &["version", "host", "since"],
    columns: &[
        "until",
        "hostname",
        "computer_name",
        "display_name",
        "uuid",
        "hardware_serial",
        "osquery_version",
        "platform",
        "os_version",
        "os_name",
        "os_number",
        "cpu_type",
        "hardware_vendor",
        "hardware_model",
        "memory",
        "primary_ip",
        "primary_mac",
        "public_ip",
        "disk_available",
        "disk_percent",
        "disk_total",
        "booted_at",
    ],
};

pub static HOST_SEEN: Table =
    Table { name: "host_seen", key: &["version", "host"], columns: &["seen", "detailed", "labelled", "judged"] };

pub static ACTIVITY: Table = Table {
    name: "activity",
    key: &["version", "position"],
    columns: &["sequence", "number", "recorded", "kind", "actor", "details"],
};

pub static ANSWER: Table = Table {
    name: "answer",
    key: &["campaign", "host"],
    columns: &["position", "recorded", "state", "error", "stats", "row_count", "cut", "data"],
};

pub static CAMPAIGN_TOTAL: Table = Table {
    name: "campaign_total",
    key: &["campaign"],
    columns: &["last", "with_rows", "without_rows", "failed", "row_total", "bytes", "answered"],
};

pub static LATEST_RESULT: Table = Table {
    name: "latest_result",
    key: &["query", "host"],
    columns: &["taken", "recorded", "position", "gathered", "row_count", "cut", "digest", "data"],
};

pub static DEAD_RECORD: Table =
    Table { name: "dead_record", key: &["topic", "part", "position"], columns: &["appended", "reason"] };

pub static VIEW_VERSION: Table =
    Table { name: "view_version", key: &["name"], columns: &["shape", "serving", "newest"] };
