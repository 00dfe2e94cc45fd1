//! The labels that exist from the first start, and the question that each asks a host.

use super::{ALL_HOSTS, Created, Membership};
use crate::LabelId;

/// A built-in label. One without a query is filled by other means.
pub struct Builtin {
    pub name: &'static str,
    pub description: &'static str,
    pub query: &'static str,
    pub platform: &'static str,
}

impl Builtin {
    pub(super) fn created(&self, label: LabelId) -> Created {
        Created {
            label,
            name: self.name.to_owned(),
            description: self.description.to_owned(),
            query: self.query.to_owned(),
            platform: self.platform.to_owned(),
            builtin: true,
            membership: if self.query.is_empty() { Membership::Manual } else { Membership::Dynamic },
            author: None,
        }
    }
}

/// All of them. Clients look them up by name and never by id.
pub const ALL: [Builtin; 13] = [
    Builtin { name: ALL_HOSTS, description: "All hosts which have enrolled", query: "SELECT 1", platform: "" },
    Builtin {
        name: "macOS",
        description: "All macOS hosts",
        query: "SELECT 1 FROM os_version WHERE platform = 'darwin'",
        platform: "darwin",
    },
    Builtin {
        name: "macOS 14+ (Sonoma+)",
        description: "macOS hosts with version 14 and above",
        query: "SELECT 1 FROM os_version WHERE platform = 'darwin' AND major >= 14",
        platform: "darwin",
    },
    Builtin {
        name: "Ubuntu Linux",
        description: "All Ubuntu hosts",
        query: "SELECT 1 FROM os_version WHERE platform = 'ubuntu'",
        platform: "",
    },
    Builtin {
        name: "CentOS Linux",
        description: "All CentOS hosts",
        query: "SELECT 1 FROM os_version WHERE platform = 'centos' OR name LIKE '%centos%'",
        platform: "",
    },
    Builtin {
        name: "Red Hat Linux",
        description: "All Red Hat Enterprise Linux hosts",
        query: "SELECT 1 FROM os_version WHERE name LIKE '%red hat%'",
        platform: "",
    },
    Builtin {
        name: "Fedora Linux",
        description: "All Fedora hosts",
        query: "SELECT 1 FROM os_version WHERE name LIKE '%fedora%'",
        platform: "",
    },
    Builtin {
        name: "All Linux",
        description: "All Linux distributions",
        query: "SELECT 1 FROM osquery_info WHERE build_platform LIKE '%linux%' OR build_distro LIKE '%ubuntu%' OR build_distro LIKE '%centos%'",
        platform: "",
    },
    Builtin {
        name: "MS Windows",
        description: "All Windows hosts",
        query: "SELECT 1 FROM os_version WHERE platform = 'windows'",
        platform: "windows",
    },
    Builtin {
        name: "chrome",
        description: "All ChromeOS hosts",
        query: "SELECT 1 FROM os_version WHERE platform = 'chrome'",
        platform: "chrome",
    },
    Builtin { name: "iOS", description: "All iOS hosts", query: "", platform: "ios" },
    Builtin { name: "iPadOS", description: "All iPadOS hosts", query: "", platform: "ipados" },
    Builtin { name: "Android", description: "All Android hosts", query: "", platform: "android" },
];
