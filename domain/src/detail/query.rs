//! The questions. Names and columns are those that agents and simulators of the field know; the SQL is our own.

/// What stands before a detail query's name on the wire.
pub const PREFIX: &str = "fleet_detail_query_";

/// Kinds of systems that share their tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    Linux,
    Darwin,
    Windows,
    /// Systems that are asked nothing of their own.
    Other,
}

/// The family of an `os_version.platform`; `None` while the platform is not known.
///
/// Linux distributions are too many to list: a name that nobody else has is one.
pub fn family(platform: &str) -> Option<Family> {
    Some(match platform {
        "" => return None,
        "darwin" => Family::Darwin,
        "windows" => Family::Windows,
        "chrome" | "ios" | "ipados" | "android" | "freebsd" => Family::Other,
        _ => Family::Linux,
    })
}

/// A question about a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Query {
    /// Without the prefix.
    pub name: &'static str,
    pub sql: &'static str,
    /// Who is asked; nobody in particular means every host, also one whose platform is not known yet.
    families: &'static [Family],
}

const EVERY: &[Family] = &[];
const UNIX: &[Family] = &[Family::Linux, Family::Darwin];
const SYSTEMS: &[Family] = &[Family::Linux, Family::Darwin, Family::Windows];

/// All of them.
pub const ALL: &[Query] = &[
    Query { name: "os_version", sql: "SELECT * FROM os_version LIMIT 1", families: EVERY },
    Query { name: "osquery_info", sql: "SELECT version FROM osquery_info LIMIT 1", families: EVERY },
    Query {
        name: "system_info",
        sql: "SELECT hostname, computer_name, uuid, cpu_type, cpu_subtype, cpu_brand, cpu_physical_cores, \
              cpu_logical_cores, physical_memory, hardware_vendor, hardware_model, hardware_version, hardware_serial \
              FROM system_info LIMIT 1",
        families: EVERY,
    },
    Query {
        name: "osquery_flags",
        sql: "SELECT name, value FROM osquery_flags WHERE name IN \
              ('distributed_interval', 'config_tls_refresh', 'config_refresh', 'logger_tls_period')",
        families: SYSTEMS,
    },
    Query { name: "uptime", sql: "SELECT total_seconds FROM uptime LIMIT 1", families: SYSTEMS },
    Query { name: "network_interface_unix", sql: PRIMARY_INTERFACE, families: UNIX },
    Query { name: "network_addresses_unix", sql: ADDRESSES, families: UNIX },
    Query {
        name: "disk_space_unix",
        sql: "SELECT round(100.0 * blocks_available / blocks, 2) AS percent_disk_space_available, \
              round(1e-9 * blocks_available * blocks_size, 2) AS gigs_disk_space_available, \
              round(1e-9 * blocks * blocks_size, 2) AS gigs_total_disk_space \
              FROM mounts WHERE path = '/' AND blocks > 0 LIMIT 1",
        families: UNIX,
    },
    Query {
        name: "os_unix_like",
        sql: "SELECT os.*, kernel.version AS kernel_version FROM os_version AS os, kernel_info AS kernel LIMIT 1",
        families: UNIX,
    },
    Query { name: "users", sql: USERS, families: SYSTEMS },
];

/// The interface behind the default route that wins: the least metric, IPv4 before IPv6, private addresses first.
const PRIMARY_INTERFACE: &str = "\
    WITH ways AS (SELECT interface, metric, destination = '::' AS six FROM routes \
    WHERE netmask = 0 AND destination IN ('0.0.0.0', '::')) \
    SELECT own.address AS address, card.mac AS mac FROM ways \
    JOIN interface_addresses AS own ON own.interface = ways.interface \
    JOIN interface_details AS card ON card.interface = ways.interface \
    WHERE (instr(own.address, ':') > 0) = ways.six \
    AND own.address NOT LIKE 'fe80:%' AND own.address NOT LIKE '127.%' AND own.address <> '::1' \
    ORDER BY ways.six, ways.metric, \
    NOT (own.address LIKE '10.%' OR own.address LIKE '192.168.%' OR own.address GLOB '172.1[6-9].*' \
    OR own.address GLOB '172.2[0-9].*' OR own.address GLOB '172.3[01].*' OR own.address GLOB 'f[cd]*'), \
    own.address LIMIT 1";

/// Every address that others can reach the host by.
const ADDRESSES: &str = "\
    SELECT own.interface AS interface, own.address AS address, card.mac AS mac \
    FROM interface_addresses AS own JOIN interface_details AS card ON card.interface = own.interface \
    WHERE own.address NOT LIKE '127.%' AND own.address <> '::1' AND own.address NOT LIKE 'fe80:%' \
    ORDER BY own.interface, own.address";

/// People's accounts: nobody signs in as one without a shell, as a machine (Windows) or as one of macOS's own.
/// On other systems than Windows `type` is there and empty.
const USERS: &str = "\
    SELECT person.uid AS uid, person.username AS username, person.type AS type, own.groupname AS groupname, \
    person.shell AS shell FROM users AS person LEFT JOIN groups AS own ON own.gid = person.gid \
    WHERE person.type IS NOT 'special' AND person.username NOT GLOB '_*' AND person.username NOT GLOB '*$' \
    AND NOT (coalesce(person.shell, '') GLOB '*/nologin' OR coalesce(person.shell, '') GLOB '*/false' \
    OR coalesce(person.shell, '') GLOB '*/sync' OR coalesce(person.shell, '') GLOB '*/shutdown' \
    OR coalesce(person.shell, '') GLOB '*/halt')";

/// The feature without which the query is neither asked nor heard, if it needs one.
pub fn feature(name: &str) -> Option<&'static str> {
    match name {
        "users" => Some("enable_host_users"),
        _ => None,
    }
}

/// What a host of that platform is asked, if all features are on.
pub fn for_platform(platform: &str) -> impl Iterator<Item = &'static Query> {
    let family = family(platform);
    let asked = move |query: &&Query| query.families.is_empty() || family.is_some_and(|f| query.families.contains(&f));
    ALL.iter().filter(asked)
}
