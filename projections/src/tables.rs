//! The tables of the views, as `migrations/` makes them.

use infra_stores::Table;

pub static HOST: Table = Table {
    name: "host",
    key: &["host", "since", "version"],
    columns: &[
        "until",
        "team",
        "identifier",
        "called",
        "platform",
        "created_at",
        "enrolled_at",
        "contested_until",
        "succeeds",
    ],
};

pub static SUBJECT: Table =
    Table { name: "subject", key: &["kind", "id", "since", "version"], columns: &["until", "data"] };

pub static LABEL_MANUAL: Table =
    Table { name: "label_manual", key: &["host", "label", "since", "version"], columns: &["until"] };

pub static LABEL_HOST: Table =
    Table { name: "label_host", key: &["host", "label", "since", "version"], columns: &["until"] };

pub static HOST_SECTION: Table = Table {
    name: "host_section",
    key: &["host", "section", "since", "version"],
    columns: &["until", "reported", "data"],
};

pub static HOST_INDEX: Table = Table {
    name: "host_index",
    key: &["host", "since", "version"],
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
    Table { name: "host_seen", key: &["host", "version"], columns: &["seen", "detailed", "labelled", "judged"] };

pub static ACTIVITY: Table = Table {
    name: "activity",
    key: &["position", "version"],
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
