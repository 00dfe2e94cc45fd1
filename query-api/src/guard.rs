//! Whether somebody who reads for hours still may.
//!
//! A stream is opened once and read for as long as it likes; meanwhile its reader may sign out, be deleted, or lose a
//! role. All of that is in the fold of the ledger, so it is looked at again whenever that moves.

use std::time::Duration;

use domain::Digest;
use infra_http::{Access, Caller};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

/// Sessions end by time too, which moves no fold.
const LOOK_AGAIN: Duration = Duration::from_secs(25);

/// Why somebody may read no longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lost {
    /// The session has ended, the account is gone, or it must set a new password.
    SignedOut,
    /// The account may not read this any more.
    Forbidden,
}

impl Lost {
    /// In the words that streams have always refused with, which clients know.
    pub fn word(self) -> &'static str {
        match self {
            Lost::SignedOut => "unauthorized",
            Lost::Forbidden => "forbidden",
        }
    }

    /// For people.
    pub fn reason(self) -> &'static str {
        match self {
            Lost::SignedOut => "your session has ended: sign in again",
            Lost::Forbidden => "your account may no longer read this",
        }
    }
}

/// Watches over one reader.
pub struct Guard {
    access: Access,
    token: Digest,
    moved: watch::Receiver<u64>,
    may: Box<dyn Fn(&Caller) -> bool + Send + Sync>,
}

impl Guard {
    /// `may` says whether somebody may read what is read; the caller's [`state`](Caller::state) is the newest then.
    pub fn new(access: &Access, token: Digest, may: impl Fn(&Caller) -> bool + Send + Sync + 'static) -> Guard {
        Guard { access: access.clone(), token, moved: access.moved(), may: Box::new(may) }
    }

    /// What is lost now, if anything.
    pub fn look(&mut self) -> Option<Lost> {
        self.moved.borrow_and_update();
        match self.access.recall(self.token) {
            None => Some(Lost::SignedOut),
            Some(caller) if caller.must_reset_password => Some(Lost::SignedOut),
            Some(caller) => (!(self.may)(&caller)).then_some(Lost::Forbidden),
        }
    }

    /// Waits until something is lost. May be dropped at any time.
    pub async fn lost(&mut self) -> Lost {
        loop {
            if let Some(lost) = self.look() {
                return lost;
            }
            if let Ok(Err(_)) = timeout(LOOK_AGAIN, self.moved.changed()).await {
                // The ledger is closed, and so will be the server.
                sleep(LOOK_AGAIN).await;
            }
        }
    }
}
