//! `musterctl version`.

use anyhow::Result;
use serde::Deserialize;

use crate::client::{Client, fleet};
use crate::connection::Connection;
use crate::exit::Exit;
use crate::output::{Screen, escaped, notice};
use crate::settings::Settings;

#[derive(Deserialize)]
struct Version {
    version: String,
}

/// Prints our version, and the server's if there is one to ask.
///
/// A server that cannot be asked is said, and is no failure: the question was about this program first.
pub async fn run(connection: &Connection) -> Result<Exit> {
    let mut screen = Screen::stdout();
    writeln!(screen.out, "musterctl {}", env!("CARGO_PKG_VERSION"))?;
    screen.out.flush()?;
    let Ok(settings) = Settings::resolve(connection) else { return Ok(Exit::Success) };
    let client = Client::new(settings)?;
    match client.get::<Version>(&fleet(["version"])).await {
        Ok(Version { version }) => writeln!(screen.out, "server {} ({})", escaped(&version), client.address())?,
        Err(failure) => notice(&format!("the server's version is not known: {failure}")),
    }
    screen.out.flush()?;
    Ok(Exit::Success)
}
