//! Following a campaign: every answer once, until enough hosts have answered or somebody has had enough.
//!
//! Following does not own the campaign. It may end in many ways, and the campaign lives on in all but one of them.

mod aim;
mod stream;

use std::collections::HashSet;
use std::time::Duration;

pub use aim::Aim;
use aim::{Standing, Watch};
use anyhow::{Context, Result};
use stream::{Event, Stream};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{Instant, sleep_until};

use crate::campaign::{Answer, Campaign};
use crate::client::Client;
use crate::output::errors::Errors;
use crate::output::progress::Progress;
use crate::output::rows::Rows;

/// What to wait for, and how long.
pub struct Plan {
    pub aim: Aim,
    pub timeout: Option<Duration>,
}

/// Why following ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// All hosts that were waited for have answered.
    Answered,
    /// The campaign has ended, and everything of it has come.
    CampaignEnded,
    /// The given time is over.
    TimedOut,
    /// Ctrl-C, or a request to terminate.
    Interrupted,
    /// The server counts more answers than it sends.
    Short,
}

/// What came until then.
pub struct Followed {
    pub ending: Ending,
    /// The campaign as the server described it last.
    pub campaign: Option<Campaign>,
    /// Hosts that have been heard.
    pub answers: u64,
    /// Rows written.
    pub rows: u64,
    pub errors: Errors,
    /// Hosts whose answers were cut at a limit.
    pub cut: Vec<String>,
}

/// Follows a campaign from its first answer on, and writes the rows as they come.
pub async fn follow(client: &Client, id: u64, plan: Plan, rows: &mut Rows) -> Result<Followed> {
    let mut interrupt = listen(SignalKind::interrupt())?;
    let mut terminate = listen(SignalKind::terminate())?;
    let give_up = plan.timeout.map(|timeout| Instant::now() + timeout);
    let progress = Progress::new();
    let mut stream = Stream::new(client, id, &progress);
    let mut following = Following::new(plan.aim);
    let ending = loop {
        let (settled, ending) = match following.watch.standing() {
            Standing::Reached => break Ending::Answered,
            Standing::Open => (None, Ending::Answered),
            Standing::NobodyOnline => (Some(following.quiet_since + aim::NOBODY_ONLINE_GRACE), Ending::Answered),
            Standing::AnswersMissing => (Some(following.quiet_since + aim::MISSING_GRACE), Ending::Short),
        };
        tokio::select! {
            // What has come is taken in before any clock is looked at.
            biased;
            _ = interrupt.recv() => break Ending::Interrupted,
            _ = terminate.recv() => break Ending::Interrupted,
            event = stream.next() => if following.take(event?, rows, &progress)? { break Ending::CampaignEnded },
            () = at(settled) => break ending,
            () = at(give_up) => break Ending::TimedOut,
        }
    };
    Ok(following.finish(ending))
}

struct Following {
    watch: Watch,
    quiet_since: Instant,
    heard: HashSet<u64>,
    followed: Followed,
}

impl Following {
    fn new(aim: Aim) -> Self {
        let followed = Followed {
            ending: Ending::Answered,
            campaign: None,
            answers: 0,
            rows: 0,
            errors: Errors::default(),
            cut: Vec::new(),
        };
        Self { watch: Watch::new(aim), quiet_since: Instant::now(), heard: HashSet::new(), followed }
    }

    /// Takes one event in; true when the campaign has ended.
    fn take(&mut self, event: Event, rows: &mut Rows, progress: &Progress) -> Result<bool> {
        match event {
            Event::Answer(answer) => self.hear(&answer, rows, progress)?,
            Event::Campaign(campaign) => self.see(campaign, progress),
            Event::End(campaign) => {
                self.see(campaign, progress);
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn see(&mut self, campaign: Campaign, progress: &Progress) {
        progress.show(&campaign);
        if self.watch.see(campaign.hosts) {
            self.quiet_since = Instant::now();
        }
        self.followed.campaign = Some(campaign);
    }

    /// The first answer of a host is the one that counts; there is no second, whatever the connection did.
    fn hear(&mut self, answer: &Answer, rows: &mut Rows, progress: &Progress) -> Result<()> {
        if !self.heard.insert(answer.host.id) {
            return Ok(());
        }
        self.quiet_since = Instant::now();
        self.watch.hear();
        self.followed.answers += 1;
        self.followed.rows += answer.rows.len() as u64;
        if let Some(message) = &answer.error {
            self.followed.errors.add(message, answer.host.label());
        }
        if answer.cut {
            self.followed.cut.push(answer.host.label());
        }
        match rows.on_terminal() {
            true => progress.aside(|| rows.write(answer)),
            false => rows.write(answer),
        }
        .context("cannot write the rows")
    }

    fn finish(self, ending: Ending) -> Followed {
        Followed { ending, ..self.followed }
    }
}

fn listen(kind: SignalKind) -> Result<Signal> {
    signal(kind).context("cannot listen for Ctrl-C")
}

/// Waits for a time; for ever, if there is none.
async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}
