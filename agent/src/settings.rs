//! The command line and the environment: what musterd is told by whoever starts it.

use std::path::PathBuf;
use std::time::Duration;

use agent_tables::worker;
use clap::Parser;
use url::Url;

use crate::agent::Config;
use crate::flags::Flags;
use crate::identity::Identifier;
use crate::session::Secret;

/// Reports this computer to a Muster server, or to any other that speaks the osquery remote API.
///
/// All connections, the push channel too, go over the proxy that HTTPS_PROXY names, unless NO_PROXY excepts the server.
#[derive(Parser, Debug)]
#[command(name = "musterd", version)]
pub struct Settings {
    /// The server: host:port, or https://host:port/prefix when its endpoints lie behind a prefix
    #[arg(long, env = "MUSTERD_SERVER", value_name = "HOST:PORT", value_parser = server)]
    server: Url,

    /// Certificates (PEM) of the authorities to believe, and of nobody else [default: those of the system]
    #[arg(long, env = "MUSTERD_CA", value_name = "FILE")]
    ca: Option<PathBuf>,

    /// File with the enroll secret; read again at each enrolment
    #[arg(long, env = "MUSTERD_ENROLL_SECRET_FILE", value_name = "FILE", required_unless_present = "enroll_secret")]
    enroll_secret_file: Option<PathBuf>,

    /// The enroll secret itself; better kept in the environment or a file, since arguments can be seen by all
    #[arg(
        long,
        env = "MUSTERD_ENROLL_SECRET",
        value_name = "SECRET",
        hide_env_values = true,
        conflicts_with = "enroll_secret_file"
    )]
    enroll_secret: Option<String>,

    /// Folder for the node key, the lines that wait and what queries returned last
    #[arg(long, env = "MUSTERD_DATA", value_name = "FOLDER", default_value = "/var/lib/musterd")]
    data: PathBuf,

    /// What the server is to know this computer by
    #[arg(long, env = "MUSTERD_HOST_IDENTIFIER", value_enum, default_value_t)]
    host_identifier: Identifier,

    /// Seconds between two looks at the configuration
    #[arg(long, env = "MUSTERD_CONFIG_REFRESH", value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    config_refresh: u64,

    /// Seconds between two looks for distributed queries; the server's configuration may change it
    #[arg(long, env = "MUSTERD_DISTRIBUTED_INTERVAL", value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    distributed_interval: u64,

    /// Seconds between two posts of log lines; the server's configuration may change it
    #[arg(long, env = "MUSTERD_LOGGER_PERIOD", value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    logger_period: u64,

    /// The most that lines may take on disk while the server is away, for results and for status lines each
    #[arg(long, env = "MUSTERD_BUFFER_MIB", value_name = "MIB", default_value_t = 512, value_parser = clap::value_parser!(u64).range(1..=1_048_576))]
    buffer_mib: u64,

    /// The longest a query may run
    #[arg(long, env = "MUSTERD_QUERY_SECONDS", value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    query_seconds: u64,

    /// The most memory the process of a query may have
    #[arg(long, env = "MUSTERD_QUERY_MEMORY_MIB", value_name = "MIB", default_value_t = 512, value_parser = clap::value_parser!(u64).range(64..=1_048_576))]
    query_memory_mib: u64,

    /// What to print: error, warn, info, debug or trace, also by module (agent=debug)
    #[arg(long, env = "MUSTERD_LOG", value_name = "FILTER", default_value = "info")]
    pub log: String,
}

impl Settings {
    /// What the agent is told.
    ///
    /// Errors: a file that is named cannot be read. Nothing is touched.
    pub fn config(&self) -> Result<Config, String> {
        let secret = match (&self.enroll_secret_file, &self.enroll_secret) {
            (Some(file), _) => Secret::File(file.clone()),
            (None, secret) => Secret::Text(secret.clone().unwrap_or_default()),
        };
        for file in [&self.ca, &self.enroll_secret_file].into_iter().flatten() {
            std::fs::File::open(file).map_err(|cause| format!("{} cannot be read: {cause}", file.display()))?;
        }
        let host = self.server.authority().to_owned();
        Ok(Config {
            server: self.server.clone(),
            ca: self.ca.clone(),
            secret,
            data: self.data.clone(),
            identifier: self.host_identifier,
            flags: Flags::default()
                .given("tls_hostname", host)
                .given("host_identifier", self.host_identifier.as_str())
                .given("config_refresh", self.config_refresh)
                .given("distributed_interval", self.distributed_interval)
                .given("logger_tls_period", self.logger_period),
            buffer_bytes: self.buffer_mib << 20,
        })
    }

    /// What a query may take.
    pub fn limits(&self) -> worker::Config {
        worker::Config {
            time_limit: Duration::from_secs(self.query_seconds),
            memory_mib: self.query_memory_mib,
            ..worker::Config::default()
        }
    }
}

/// Reads `host:port` or an https URL.
fn server(text: &str) -> Result<Url, String> {
    let with_scheme = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
    let url = Url::parse(&with_scheme).map_err(|cause| cause.to_string())?;
    match url.scheme() {
        "https" => {}
        other => return Err(format!("{other} is not spoken: secrets and results go over https alone")),
    }
    if url.host_str().is_none_or(str::is_empty)
        || url.query().is_some()
        || url.fragment().is_some()
        || !url.username().is_empty()
    {
        return Err("expected host:port".to_owned());
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_a_host_with_a_port() {
        let url = |text: &str| server(text).map(|url| url.to_string());
        assert_eq!(url("muster.example.org:8443").unwrap(), "https://muster.example.org:8443/");
        assert_eq!(url("[::1]:8443").unwrap(), "https://[::1]:8443/");
        assert_eq!(url("https://example.org/fleet").unwrap(), "https://example.org/fleet");
        for bad in ["http://example.org", "", "https://", "a b", "user@example.org", "example.org?x"] {
            assert!(url(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_secret_is_needed_and_never_shown() {
        let parse =
            |arguments: &[&str]| Settings::try_parse_from([&["musterd", "--server", "h:1"], arguments].concat());
        assert!(parse(&[]).is_err());
        let settings = parse(&["--enroll-secret", "s3cr3t"]).unwrap();
        let config = settings.config().unwrap();
        assert!(!format!("{config:?}").contains("s3cr3t"));
        assert_eq!(config.flags.text("tls_hostname"), "h:1");
        let missing = parse(&["--enroll-secret-file", "/nowhere/secret"]).unwrap();
        assert!(missing.config().unwrap_err().starts_with("/nowhere/secret cannot be read"));
    }
}
