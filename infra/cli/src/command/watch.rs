//! Following a campaign on behalf of `query` and `campaign follow`: what to show, when to leave, and what to say then.

use std::time::Duration;

use anyhow::{Result, bail};
use clap::Args;
use serde_json::{Value, json};

use crate::client::{Client, muster};
use crate::exit::Exit;
use crate::follow::{Aim, Ending, Followed, Plan, follow};
use crate::output::rows::Rows;
use crate::output::{Format, Screen, counted, escaped, notice};
use crate::span;

/// Cut answers named at the end; the others are counted.
const NAMED: usize = 5;

#[derive(Args)]
pub struct Watch {
    /// How to write the rows
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// End when every host that is online has answered (this is the default)
    #[arg(long, conflicts_with = "wait")]
    exit: bool,
    /// Go on until every targeted host has answered, those that are offline included
    #[arg(long)]
    wait: bool,
    /// Leave after this time at the latest, such as 30s or 5m
    #[arg(long, value_name = "TIME", value_parser = span::parse)]
    timeout: Option<Duration>,
    /// Stop the campaign when this command ends, also with Ctrl-C, instead of leaving it to hosts that come back
    #[arg(long)]
    stop: bool,
}

impl Watch {
    /// Follows a campaign to the end that was asked for.
    pub async fn run(&self, client: &Client, id: u64) -> Result<Exit> {
        let mut rows = Rows::new(self.format, Screen::stdout());
        let aim = if self.wait { Aim::All } else { Aim::Online };
        let followed = follow(client, id, Plan { aim, timeout: self.timeout }, &mut rows).await;
        let stopped = if self.stop { stop_in_time(client, id).await } else { Ok(()) };
        let followed = followed.inspect_err(|_| self.say_how_to_return(id))?;
        tell(&followed);
        tell_of_missed_columns(&rows, id);
        stopped?;
        match self.stop {
            true => notice(&format!("campaign {id} is stopped")),
            false => self.take_leave(&followed, id),
        }
        Ok(self.verdict(&followed))
    }

    fn say_how_to_return(&self, id: u64) {
        if !self.stop {
            notice(&format!("campaign {id} goes on: `musterctl campaign follow {id}` shows it from the start"));
        }
    }

    fn take_leave(&self, followed: &Followed, id: u64) {
        let back = format!("`musterctl campaign follow {id}`");
        let running = followed.campaign.as_ref().filter(|campaign| campaign.is_running() && campaign.hosts.offline > 0);
        match (followed.ending, running) {
            (Ending::Interrupted, _) => notice(&format!(
                "campaign {id} goes on without you: come back with {back}, or end it with `musterctl campaign stop {id}`"
            )),
            (Ending::TimedOut, _) => notice(&format!("the time is up; campaign {id} goes on: {back}")),
            (Ending::CampaignEnded, _) => {
                let state = followed.campaign.as_ref().map_or("ended", |campaign| &campaign.state);
                notice(&format!("campaign {id} has ended ({})", escaped(state)));
            }
            (Ending::Answered | Ending::Short, Some(campaign)) => {
                let until = campaign.expires_at.as_deref().map(|time| format!(", until {}", escaped(time)));
                let offline = counted(campaign.hosts.offline, "host");
                notice(&format!("{offline} offline, asked when back{}: {back}", until.unwrap_or_default()));
            }
            (Ending::Answered | Ending::Short, None) => {}
        }
    }

    fn verdict(&self, followed: &Followed) -> Exit {
        let open = followed
            .campaign
            .as_ref()
            .is_none_or(|campaign| campaign.hosts.waiting > 0 || (self.wait && campaign.hosts.offline > 0));
        match followed.ending {
            Ending::Interrupted => Exit::Interrupted,
            Ending::TimedOut if open => Exit::HostsFailed,
            Ending::Short => Exit::HostsFailed,
            _ if !followed.errors.is_empty() => Exit::HostsFailed,
            _ => Exit::Success,
        }
    }
}

/// Stops a campaign; one that has ended already is stopped.
pub async fn stop(client: &Client, id: u64) -> Result<()> {
    client.post::<Value>(&muster(["campaigns", &id.to_string(), "stop"]), &json!({})).await?;
    Ok(())
}

/// Ctrl-C ends the asking, since it no longer ends the program by itself.
async fn stop_in_time(client: &Client, id: u64) -> Result<()> {
    tokio::select! {
        stopped = stop(client, id) => stopped,
        _ = tokio::signal::ctrl_c() => bail!("it is not known whether campaign {id} was stopped: `musterctl campaign show {id}`"),
    }
}

fn tell(followed: &Followed) {
    for line in followed.errors.lines() {
        notice(&format!("error on {line}"));
    }
    if !followed.cut.is_empty() {
        let named: Vec<_> = followed.cut.iter().take(NAMED).map(|host| escaped(host)).collect();
        let more = followed.cut.len() - named.len();
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        notice(&format!("rows are missing, cut at the server's limit, from {}{more}", named.join(", ")));
    }
    let rows = counted(followed.rows, "row");
    let Some(campaign) = &followed.campaign else { return notice(&rows) };
    let hosts = &campaign.hosts;
    if followed.ending == Ending::Short {
        notice(&format!("the server counts {} answers, of which only {} came", hosts.answered(), followed.answers));
    }
    // The server's counts may be a moment older than the answers that came.
    let silent = hosts.targeted.saturating_sub(followed.answers);
    let offline = hosts.offline.min(silent);
    notice(&format!(
        "{rows}; of {}: {} answered ({} failed), {} waiting, {} offline",
        counted(hosts.targeted, "host"),
        followed.answers,
        followed.errors.hosts(),
        silent - offline,
        offline
    ));
}

fn tell_of_missed_columns(rows: &Rows, id: u64) {
    let missed = rows.missed_columns();
    if !missed.is_empty() {
        let names: Vec<_> = missed.iter().map(|name| escaped(name)).collect();
        notice(&format!(
            "some hosts have columns that the header, written before, does not: {}; \
             `musterctl campaign answers {id} --format csv` writes all columns",
            names.join(", ")
        ));
    }
}
