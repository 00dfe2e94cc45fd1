//! Every setting of `muster serve`: its flag, environment variable, default and meaning, in one place.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

/// Settings of a server. The `--help` text is their documentation.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Folder that holds everything: log, views, blobs, keys and certificates. Made if it is missing; one process owns it.
    #[arg(long, env = "MUSTER_DATA", default_value = "muster-data", value_name = "FOLDER")]
    pub data: PathBuf,

    /// Address and port to listen on. Port 0 takes a free one and says which. Use 0.0.0.0:8443 to let other computers in.
    #[arg(long, env = "MUSTER_LISTEN", default_value = "127.0.0.1:8443", value_name = "ADDRESS")]
    pub listen: SocketAddr,

    /// Names and addresses under which hosts reach this server, for the certificate that a first run makes.
    #[arg(long, env = "MUSTER_NAMES", value_delimiter = ',', default_values_t = default_names(), value_name = "NAME,…")]
    pub names: Vec<String>,

    /// Certificate chain (PEM) to serve in place of the one that the server's own CA signs. Read again when it changes.
    #[arg(long, env = "MUSTER_TLS_CERT", requires = "tls_key", value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,

    /// Private key (PEM) of --tls-cert.
    #[arg(long, env = "MUSTER_TLS_KEY", requires = "tls_cert", value_name = "FILE")]
    pub tls_key: Option<PathBuf>,

    /// Serve plain HTTP. Only for a reverse proxy on the same machine that speaks TLS: refused on an address that others can reach.
    #[arg(long, env = "MUSTER_PLAIN_HTTP")]
    pub plain_http: bool,

    /// Name of this node in the log.
    #[arg(long, env = "MUSTER_NODE", default_value = "muster-1", value_name = "NAME")]
    pub node: String,

    /// Worker threads for requests; 0 is one a core.
    #[arg(long, env = "MUSTER_WORKERS", default_value_t = 0, value_name = "N")]
    pub workers: usize,

    /// Connections at once, in all. More wait in the kernel's queue.
    #[arg(long, env = "MUSTER_MAX_CONNECTIONS", default_value_t = 200_000, value_name = "N")]
    pub max_connections: usize,

    /// New TLS connections at once per worker; more wait, so that a herd does not starve those that are connected.
    #[arg(long, env = "MUSTER_MAX_HANDSHAKES", default_value_t = 256, value_name = "N")]
    pub max_handshakes: usize,

    /// Seconds that an idle connection is kept. Hosts that call every minute save a TLS handshake each time above 60.
    #[arg(long, env = "MUSTER_KEEP_ALIVE", default_value_t = 100, value_name = "SECONDS")]
    pub keep_alive_s: u64,

    /// Which value names a host at enrolment.
    #[arg(long, env = "MUSTER_HOST_IDENTIFIER", value_enum, default_value_t = HostIdentifier::Provided)]
    pub host_identifier: HostIdentifier,

    /// Seconds that a host must wait before it may enrol again; 0 is no wait.
    #[arg(long, env = "MUSTER_ENROLL_COOLDOWN", default_value_t = 0, value_name = "SECONDS")]
    pub enroll_cooldown_s: u64,

    /// Seconds between two detail or label reports of a host.
    #[arg(long, env = "MUSTER_DETAIL_INTERVAL", default_value_t = 3_600, value_name = "SECONDS")]
    pub detail_interval_s: u64,

    /// Seconds that a synchronous live query waits for its hosts.
    #[arg(long, env = "MUSTER_LIVE_QUERY_WAIT", default_value_t = 25, value_name = "SECONDS")]
    pub live_query_wait_s: u64,

    /// Bytes that the SQL of a live query, a saved query or a label may have: 1024 to 262144. A longer one is refused (422).
    #[arg(long, env = "MUSTER_MAX_SQL_BYTES", default_value_t = 65_536, value_name = "BYTES")]
    pub max_sql_bytes: usize,

    /// Live queries that may run at once. Each is compared with every host at every call; one more is refused (429).
    #[arg(long, env = "MUSTER_MAX_LIVE_QUERIES", default_value_t = 400, value_name = "N")]
    pub max_live_queries: usize,

    /// Live queries that one user may run at once; one more is refused (429).
    #[arg(long, env = "MUSTER_MAX_LIVE_QUERIES_PER_USER", default_value_t = 100, value_name = "N")]
    pub max_live_queries_per_user: usize,

    /// MiB of memory for what hosts are sending at one moment; beyond, they are told to come again. Half of it is for
    /// callers whose node key was not seen yet.
    #[arg(long, env = "MUSTER_MAX_IN_FLIGHT", default_value_t = 512, value_name = "MIB")]
    pub max_in_flight_mib: usize,

    /// Addresses whose X-Forwarded-For header is believed.
    #[arg(long, env = "MUSTER_TRUSTED_PROXIES", value_delimiter = ',', value_name = "ADDRESS,…")]
    pub trusted_proxies: Vec<std::net::IpAddr>,

    /// What to log, as `info` or `info,command_api=debug`.
    #[arg(long, env = "MUSTER_LOG", default_value = "info", value_name = "FILTER")]
    pub log: String,

    /// How to write log lines.
    #[arg(long, env = "MUSTER_LOG_FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,

    /// Seconds between two snapshots of the folds, which make a start quick.
    #[arg(long, env = "MUSTER_SNAPSHOT_INTERVAL", default_value_t = 60, value_name = "SECONDS")]
    pub snapshot_interval_s: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum HostIdentifier {
    /// What the host sends.
    Provided,
    /// `osquery_info.instance_id`: right for cloned virtual machines.
    Instance,
    /// `osquery_info.uuid`, the hardware's.
    Uuid,
    /// `system_info.hostname`; hosts of one name become one.
    Hostname,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    Text,
    Json,
}

impl Options {
    pub fn keep_alive(&self) -> Duration {
        Duration::from_secs(self.keep_alive_s)
    }

    /// Checks what can be checked without touching anything.
    pub fn validate(&self) -> anyhow::Result<()> {
        if self.plain_http && !self.listen.ip().is_loopback() {
            anyhow::bail!(
                "plain HTTP on {} would send passwords and node keys in the clear: listen on 127.0.0.1, or leave --plain-http out",
                self.listen
            );
        }
        if self.plain_http && self.tls_cert.is_some() {
            anyhow::bail!("--plain-http and --tls-cert contradict each other: leave one out");
        }
        if self.node.is_empty() || !self.node.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)) {
            anyhow::bail!("node name {:?} may only have letters, digits, '-', '_' and '.'", self.node);
        }
        if !(60..=86_400).contains(&self.detail_interval_s) {
            anyhow::bail!("a detail interval of {} s is not between 60 and 86400", self.detail_interval_s);
        }
        if !(1_024..=262_144).contains(&self.max_sql_bytes) {
            anyhow::bail!("a limit of {} bytes of SQL is not between 1024 and 262144", self.max_sql_bytes);
        }
        if self.max_live_queries == 0 || self.max_live_queries_per_user == 0 {
            anyhow::bail!("with a limit of 0 nobody could run a live query: switch them off in the settings instead");
        }
        if !(320..=1_048_576).contains(&self.max_in_flight_mib) {
            anyhow::bail!("{} MiB for what hosts are sending is not between 320 and 1048576", self.max_in_flight_mib);
        }
        if self.names.is_empty() {
            anyhow::bail!("--names needs at least one name or address, such as localhost");
        }
        Ok(())
    }
}

fn default_names() -> Vec<String> {
    vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()]
}
