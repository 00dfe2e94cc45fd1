//! The commands, one file each. A command writes its results and says how it ended; failures travel up as errors.

pub mod campaign;
pub mod get;
pub mod host;
pub mod log;
pub mod login;
mod logout;
pub mod query;
mod resolve;
pub mod time;
mod version;
pub mod watch;

use anyhow::Result;

use crate::arguments::{Arguments, Command};
use crate::client::Client;
use crate::exit::Exit;
use crate::secret::Secret;
use crate::settings::Settings;

/// Runs the command that was asked for.
pub async fn run(arguments: Arguments) -> Result<Exit> {
    let Arguments { mut connection, command } = arguments;
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
