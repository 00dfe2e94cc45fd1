//! The command line: what all commands share, and the list of commands.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::command::{campaign, get, host, log, login, query};
use crate::secret::Secret;

const AFTER_HELP: &str = "\
Examples:
  musterctl login --server https://muster.example:8080 --ca ca.pem --email ann@example.com
  musterctl query 'SELECT name, version FROM deb_packages' --all
  musterctl query --name uptime --labels 'Ubuntu Linux' --format csv > uptime.csv
  musterctl campaign follow 42
  musterctl get hosts --status online
  musterctl get host build-07 --as-of 2026-11-15T12:00:00Z
  musterctl log tail ledger --from start

Exit codes:
  0    all went well
  1    a host reported an error, or one that was waited for did not answer in time
  2    wrong usage, no connection, or the server refused
  130  ended with Ctrl-C";

/// Command line of a Muster server: ask hosts, follow their answers, read hosts and their past
#[derive(Parser)]
#[command(name = "musterctl", version, after_help = AFTER_HELP, arg_required_else_help = true)]
pub struct Arguments {
    #[command(flatten)]
    pub connection: Connection,
    #[command(subcommand)]
    pub command: Command,
}

/// Where the server is, and as whom to go there.
#[derive(Args, Clone, Debug, Default)]
pub struct Connection {
    /// Configuration file [default: $XDG_CONFIG_HOME/muster/musterctl.toml]
    #[arg(long, global = true, help_heading = "Connection", env = "MUSTER_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Address of the server, instead of the one logged in to
    #[arg(long, global = true, help_heading = "Connection", env = "MUSTER_SERVER", value_name = "URL")]
    pub server: Option<String>,
    /// PEM file of the CA that signed the server's certificate [default: the CAs that this computer trusts]
    #[arg(long, global = true, help_heading = "Connection", env = "MUSTER_CA", value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// From `MUSTER_TOKEN` only: on a command line every user of the computer could read it.
    #[arg(skip)]
    pub token: Option<Secret>,
}

#[derive(Subcommand)]
pub enum Command {
    /// Log in, and remember the server and the session
    Login(login::Login),
    /// End the session, and forget it
    Logout,
    /// Ask hosts a question in SQL, and show their answers as they come
    Query(query::Query),
    /// List, show, follow, stop and read campaigns (live queries)
    #[command(subcommand)]
    Campaign(campaign::Campaign),
    /// Read hosts, queries, labels, teams, activities and users
    #[command(subcommand)]
    Get(get::Get),
    /// Look into the past of a host
    #[command(subcommand)]
    Host(host::Host),
    /// Read the event log
    #[command(subcommand)]
    Log(log::Log),
    /// Show the version of musterctl and of the server
    Version,
}
