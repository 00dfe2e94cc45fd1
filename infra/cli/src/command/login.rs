//! `musterctl login`.

use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use reqwest::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::client::{Client, Failure, fleet};
use crate::config::Config;
use crate::connection::Connection;
use crate::exit::Exit;
use crate::output::{escaped, notice};
use crate::secret::Secret;
use crate::settings::{self, Settings};

/// Log in with e-mail and password
#[derive(Args)]
pub struct Login {
    /// E-mail address of your account [default: the one used last, else asked for]
    #[arg(long, env = "MUSTER_EMAIL")]
    email: Option<String>,
    /// File with the password, or - for standard input [default: asked for without being shown]
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// File with the new password, where an admin wants you to set one [default: asked for without being shown]
    #[arg(long, value_name = "FILE")]
    new_password_file: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Session {
    token: Option<Secret>,
    /// In place of the token when a second factor is asked for.
    message: Option<String>,
    user: Option<User>,
}

#[derive(Deserialize)]
struct User {
    #[serde(default)]
    force_password_reset: bool,
}

impl Login {
    /// Asks the server for a session, and stores it with the server and its CA.
    pub async fn run(self, connection: &Connection) -> Result<Exit> {
        let path = connection.config_path()?;
        let stored = Config::read(&path)?;
        let settings = Settings { token: None, ..Settings::resolve(connection)? };
        let ca = settings.ca.as_deref().map(settings::absolute).transpose()?;
        let server = settings.address.to_string();
        let client = Client::new(settings)?;
        let email = self.email(stored.email)?;
        let password = password(self.password_file.as_deref(), &format!("Password of {email}: "), "--password-file")?;
        let session = ask(&client, &email, &password).await?;
        let Some(token) = session.token else {
            let said = session.message.unwrap_or_else(|| "the server gave no session".into());
            bail!("{}", escaped(&said));
        };
        Config { server: Some(server.clone()), ca, email: Some(email.clone()), token: Some(token) }.write(&path)?;
        notice(&format!("logged in to {server} as {email}; the session is kept in {}", path.display()));
        if session.user.is_some_and(|user| user.force_password_reset) {
            self.set_new_password(connection).await?;
        }
        Ok(Exit::Success)
    }

    fn email(&self, last: Option<String>) -> Result<String> {
        if let Some(email) = self.email.clone().or(last) {
            return Ok(email);
        }
        let terminal = console::Term::stderr();
        if !terminal.is_term() {
            bail!("no e-mail address is known: give it with --email");
        }
        terminal.write_str("E-mail: ")?;
        Ok(terminal.read_line().context("cannot read the e-mail address")?.trim().to_owned())
    }

    /// Until an account has the new password that an admin asked for, the server lets it do nothing else.
    async fn set_new_password(&self, connection: &Connection) -> Result<()> {
        if self.new_password_file.is_none() && !std::io::stdin().is_terminal() {
            bail!("you must set a new password before anything else works: give it with --new-password-file");
        }
        let prompt = "An admin wants you to set a new password: ";
        let new = password(self.new_password_file.as_deref(), prompt, "--new-password-file")?;
        let client = Client::new(Settings::resolve(connection)?)?;
        let body = json!({"new_password": new.reveal()});
        client.post::<Value>(&fleet(["perform_required_password_reset"]), &body).await?;
        notice("the new password is set");
        Ok(())
    }
}

/// From the file, from standard input (`-`, or where nobody can be asked), or from the person at the terminal.
fn password(file: Option<&Path>, prompt: &str, option: &str) -> Result<Secret> {
    let text = match file {
        Some(file) if file.as_os_str() == "-" => from_standard_input()?,
        Some(file) => std::fs::read_to_string(file)
            .with_context(|| format!("cannot read the password from {}", file.display()))?,
        None if !std::io::stdin().is_terminal() => from_standard_input()?,
        None => {
            let terminal = console::Term::stderr();
            terminal.write_str(prompt)?;
            terminal.read_secure_line().context("cannot read the password")?
        }
    };
    // One line end belongs to the file, everything else to the password.
    let password = text.strip_suffix('\n').unwrap_or(&text);
    let password = password.strip_suffix('\r').unwrap_or(password);
    if password.is_empty() {
        bail!("the password is empty: type it, or give it with {option} or on standard input");
    }
    Ok(Secret::new(password))
}

fn from_standard_input() -> Result<String> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).context("cannot read the password from standard input")?;
    Ok(text)
}

async fn ask(client: &Client, email: &str, password: &Secret) -> Result<Session> {
    let body = json!({"email": email, "password": password.reveal()});
    match client.post(&fleet(["login"]), &body).await {
        Err(Failure::Refused { status: StatusCode::UNAUTHORIZED, .. }) => {
            bail!("the server does not know this e-mail address with this password")
        }
        answered => Ok(answered?),
    }
}
