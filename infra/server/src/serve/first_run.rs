//! The first run: an admin with a password that nobody knows yet, and a secret that lets hosts enrol.

use std::io::IsTerminal;
use std::net::SocketAddr;

use command_api::admin::{FirstAdmin, SetUp, set_up};
use domain::{Actor, CommandId};
use infra_ledger::By;

use super::parts::Parts;
use crate::data::{Data, write_private};

const EMAIL: &str = "admin@localhost";

/// Makes the first admin, if there is no account, and writes their password and the enroll secret into the data folder.
pub async fn first_run(parts: &Parts, data: &Data, address: SocketAddr) -> anyhow::Result<()> {
    if !parts.ledger.read_to_end().await?.state.users.is_empty() {
        return Ok(());
    }
    let password = format!("{}-1!", parts.world.key().replace(['/', '+', '='], "x"));
    let secret = parts.world.key();
    // Both files are there before the account is, so that a crash in between leaves no account without a password.
    write_private(&data.admin_password(), &format!("email: {EMAIL}\npassword: {password}\n"))?;
    write_private(&data.enroll_secret(), &format!("{secret}\n"))?;
    let set = SetUp {
        admin: FirstAdmin { name: "Admin".to_owned(), email: EMAIL.to_owned(), password: password.clone() },
        org_name: "Muster".to_owned(),
        org_logo_url: String::new(),
        org_logo_url_light_background: String::new(),
        contact_url: String::new(),
        server_url: format!("https://{address}"),
        enroll_secret: Some(secret),
    };
    let by = By { command_id: CommandId(parts.world.uuid()), actor: Actor::System, traceparent: None };
    if let Some((_, token)) = set_up(&parts.commands, set, by).await.map_err(|problem| anyhow::anyhow!("{problem}"))? {
        // Nobody asked for the session that set-up opens.
        let token = domain::Digest::of(&token);
        let end = domain::session::Command::End { token };
        parts.ledger.execute(end.into(), command_api::by_system(&parts.commands)).await?;
    }
    // Shown to a person, never to a file: a log outlives the password.
    if std::io::stdout().is_terminal() {
        println!("muster: first run. Sign in as {EMAIL} with the password {password}");
    }
    println!(
        "muster: the first admin is {EMAIL}; the password is in {}, which only you can read",
        data.admin_password().display()
    );
    Ok(())
}
