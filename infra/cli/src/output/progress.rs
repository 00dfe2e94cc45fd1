//! One line on the terminal that says how far a campaign is. Without a terminal there is none.

use std::io::{self, IsTerminal};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::campaign::Campaign;

/// The line; it leaves the screen when dropped.
pub struct Progress(ProgressBar);

impl Progress {
    /// A line on standard error.
    pub fn new() -> Self {
        if !io::stderr().is_terminal() {
            return Self(ProgressBar::hidden());
        }
        let bar = ProgressBar::new_spinner();
        let style =
            ProgressStyle::with_template("{spinner} {wide_msg}").unwrap_or_else(|_| ProgressStyle::default_spinner());
        bar.set_style(style);
        bar.enable_steady_tick(Duration::from_millis(120));
        Self(bar)
    }

    /// Shows where the hosts of a campaign stand.
    pub fn show(&self, campaign: &Campaign) {
        self.0.set_message(line(campaign));
    }

    /// Shows a word about the connection instead.
    pub fn say(&self, text: String) {
        self.0.set_message(text);
    }

    /// Makes room for something that is written to the same terminal.
    pub fn aside<T>(&self, write: impl FnOnce() -> T) -> T {
        self.0.suspend(write)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

fn line(campaign: &Campaign) -> String {
    let hosts = &campaign.hosts;
    format!(
        "{} of {} hosts: {} rows, {} empty, {} error, {} waiting, {} offline",
        hosts.answered(),
        hosts.targeted,
        hosts.rows,
        hosts.empty,
        hosts.error,
        hosts.waiting,
        hosts.offline
    )
}
