//! `musterctl logout`.

use anyhow::Result;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::client::{Client, fleet};
use crate::config::Config;
use crate::connection::Connection;
use crate::exit::Exit;
use crate::output::notice;
use crate::settings::Settings;

/// Ends the session on the server, and forgets its token here, even when the server cannot be asked.
pub async fn run(connection: &Connection) -> Result<Exit> {
    let client = Client::new(Settings::resolve(connection)?)?;
    if !client.has_token() {
        notice("you were not logged in");
        return Ok(Exit::Success);
    }
    let ended = client.post::<Value>(&fleet(["logout"]), &json!({})).await;
    if connection.token.is_none() {
        let path = connection.config_path()?;
        let config = Config::read(&path)?;
        Config { token: None, ..config }.write(&path)?;
    }
    match ended {
        Err(failure) if failure.status() == Some(StatusCode::UNAUTHORIZED) => notice("the session had ended already"),
        Err(failure) => {
            notice("the token is forgotten here, but the session may live on at the server until it expires");
            return Err(failure.into());
        }
        Ok(_) => notice(&format!("logged out of {}", client.address())),
    }
    Ok(Exit::Success)
}
