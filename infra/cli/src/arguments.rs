//! The command line: what all commands share, and the list of commands.

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::client::Client;
use crate::command::{campaign, get, host, log, login, logout, query, version};
use crate::connection::Connection;
use crate::exit::Exit;
use crate::secret::Secret;
use crate::settings::Settings;

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

impl Arguments {
    /// Runs the command that was asked for.
    pub async fn run(self) -> Result<Exit> {
        let Arguments { mut connection, command } = self;
        connection.token = std::env::var("MUSTER_TOKEN").ok().filter(|token| !token.is_empty()).map(Secret::new);
        let client = || Client::new(Settings::resolve(&connection)?);
        match command {
            Command::Login(login) => login.run(&connection).await,
            Command::Logout => logout::run(&connection).await,
            Command::Query(query) => query.run(&client()?).await,
            Command::Campaign(campaign) => campaign.run(&client()?).await,
            Command::Get(get) => get.run(&client()?).await,
            Command::Host(host) => host.run(&client()?).await,
            Command::Log(log) => log.run(&client()?).await,
            Command::Version => version::run(&connection).await,
        }
    }
}
