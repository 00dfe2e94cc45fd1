//! Somebody who follows a campaign through every kill, from the position where the stream broke off.

use std::time::Duration;

use super::book::Book;
use crate::admin::TestAdmin;
use crate::stream::{Event, Stream};

/// A stream that says nothing for so long is opened anew.
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(50);

pub struct Follower {
    pub admin: TestAdmin,
    pub campaign: u64,
    pub book: Book,
    /// Forgets once where it was: the planted double.
    pub forgets: bool,
}

impl Follower {
    /// For ever.
    pub async fn run(mut self) {
        let mut after = None;
        loop {
            match Stream::follow(&self.admin, self.campaign, after).await {
                Ok(stream) => {
                    self.book.pages().streams += 1;
                    after = self.listen(stream, after).await;
                }
                Err(_) => tokio::time::sleep(PAUSE).await,
            }
        }
    }

    /// Until the stream breaks off. Gives the position of the last result.
    async fn listen(&mut self, mut stream: Stream, mut after: Option<u64>) -> Option<u64> {
        let resumes = after.is_some();
        loop {
            let event = stream.next(PATIENCE).await;
            if let Some(data) = event.of("result") {
                let position = data["position"].as_u64().expect("a result has a position");
                let host = data["host"]["id"].as_u64().expect("a result has a host");
                let mut pages = self.book.pages();
                pages.followed.entry(self.campaign).or_default().push((position, host));
                if resumes {
                    pages.resumed.insert(self.campaign);
                }
                drop(pages);
                after = Some(position);
                if std::mem::take(&mut self.forgets) {
                    return None;
                }
            }
            if let Some(said) = event.of("error").and_then(|said| said.as_str())
                && said.contains("there is no campaign")
            {
                self.book.surprise(format!("campaign {} is gone: {said}", self.campaign));
            }
            if event.is_end() || event == Event::Silence {
                tokio::time::sleep(PAUSE).await;
                return after;
            }
        }
    }
}
