//! What a call works with: arguments and environment first, then the configuration file.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::address::Address;
use crate::config::{self, Config};
use crate::connection::Connection;
use crate::secret::Secret;

/// Where to go, whom to trust there, and as whom.
#[derive(Debug)]
pub struct Settings {
    /// The server.
    pub address: Address,
    /// PEM file of the CA to trust instead of those that this computer trusts.
    pub ca: Option<PathBuf>,
    /// The session's or API-only user's token.
    pub token: Option<Secret>,
}

impl Settings {
    /// Puts arguments, environment and file together.
    ///
    /// What the file says of one server is not used for another: its token stays with the server that gave it.
    pub fn resolve(connection: &Connection) -> Result<Self> {
        let file = Config::read(&connection.config_path()?)?;
        Self::combine(connection, file)
    }

    fn combine(connection: &Connection, file: Config) -> Result<Self> {
        let given = connection.server.as_deref().filter(|server| !server.is_empty()).map(Address::parse).transpose()?;
        let stored = match file.server.as_deref().map(Address::parse) {
            Some(Err(error)) if given.is_none() => {
                return Err(error.context("the configuration file names a server that cannot be used"));
            }
            stored => stored.and_then(Result::ok),
        };
        let stays = given.is_none() || given == stored;
        let address = given.or(stored).context(
            "no server is known: run `musterctl login --server https://HOST:PORT`, or give --server or MUSTER_SERVER",
        )?;
        Ok(Self {
            address,
            ca: connection.ca.clone().filter(|ca| !ca.as_os_str().is_empty()).or(file.ca.filter(|_| stays)),
            token: connection.token.clone().or(file.token.filter(|_| stays)),
        })
    }
}

impl Connection {
    /// The configuration file of this call.
    pub fn config_path(&self) -> Result<PathBuf> {
        let named = self.config.clone().filter(|file| !file.as_os_str().is_empty());
        named.map_or_else(config::default_path, Ok)
    }
}

/// An absolute form of a path, so that it holds from any folder.
///
/// Errors: when the file is not there.
pub fn absolute(path: &Path) -> Result<PathBuf> {
    std::fs::canonicalize(path).with_context(|| format!("cannot read the file {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored() -> Config {
        Config {
            server: Some("https://a.example".into()),
            ca: Some("/a.pem".into()),
            email: None,
            token: Some(Secret::new("of a")),
        }
    }

    #[test]
    fn the_file_is_used_when_nothing_else_is_said() {
        let settings = Settings::combine(&Connection::default(), stored()).unwrap();
        assert_eq!(settings.address, Address::parse("https://a.example/").unwrap());
        assert_eq!(settings.ca, Some("/a.pem".into()));
        assert_eq!(settings.token, Some(Secret::new("of a")));
    }

    #[test]
    fn a_token_is_never_taken_to_another_server() {
        let elsewhere = Connection { server: Some("https://b.example".into()), ..Connection::default() };
        let settings = Settings::combine(&elsewhere, stored()).unwrap();
        assert_eq!((settings.token, settings.ca), (None, None));
        let same = Connection { server: Some("https://A.example:443/".into()), ..Connection::default() };
        assert_eq!(Settings::combine(&same, stored()).unwrap().token, Some(Secret::new("of a")));
    }

    #[test]
    fn an_empty_variable_is_none_and_a_bad_stored_server_can_be_overruled() {
        let empty = Connection { server: Some(String::new()), ca: Some(PathBuf::new()), ..Connection::default() };
        assert_eq!(Settings::combine(&empty, stored()).unwrap().ca, Some("/a.pem".into()));
        let bad = || Config { server: Some("http://a.example".into()), ..stored() };
        assert!(Settings::combine(&empty, bad()).is_err());
        let other = Connection { server: Some("https://b.example".into()), ..Connection::default() };
        assert_eq!(Settings::combine(&other, bad()).unwrap().token, None);
    }

    #[test]
    fn without_any_server_it_says_how_to_name_one() {
        let said = Settings::combine(&Connection::default(), Config::default()).unwrap_err().to_string();
        assert!(said.contains("musterctl login") && said.contains("MUSTER_SERVER"), "{said}");
    }
}
