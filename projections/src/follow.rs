//! Follows the answers of a campaign: from its stream while that reaches back far enough, else from the view.

use std::sync::Arc;
use std::time::Duration;

use domain::CampaignId;
use infra_live::{Page, Streams};
use infra_log::Position;
use infra_stores::Views;
use tokio::time::Instant;

use crate::answers::{HostAnswer, decode, stream_name};
use crate::budget::{Budget, PAGE_BYTES};
use crate::projection::FoldError;
use crate::read::answer_page;

/// How long to wait for a stream to come about before the view is asked again.
const ASK_AGAIN: Duration = Duration::from_millis(500);
/// How long an entry may be ahead of the transaction that has it in the view.
const AHEAD: Duration = Duration::from_millis(10);

/// A reader of one campaign. It neither loses nor repeats an answer, whatever becomes of the stream.
pub struct Follow {
    views: Views,
    streams: Arc<dyn Streams>,
    campaign: CampaignId,
    after: Option<Position>,
}

impl Follow {
    /// A reader that goes on after the answer at `after`, or begins with the first.
    pub fn new(views: Views, streams: Arc<dyn Streams>, campaign: CampaignId, after: Option<Position>) -> Self {
        Follow { views, streams, campaign, after }
    }

    /// The position of the answer that was given out last.
    pub fn after(&self) -> Option<Position> {
        self.after
    }

    /// The next answers, at most `max`, fewer when they are large; none when there were none for as long as `patience`.
    pub async fn next(&mut self, max: usize, patience: Duration) -> Result<Vec<HostAnswer>, FoldError> {
        let deadline = Instant::now() + patience;
        let stream = stream_name(self.campaign);
        loop {
            let page = self.streams.read(&stream, self.after, max).await;
            let entries =
                page.as_ref().map_or(&[][..], |page| if let Page::Entries(entries) = page { entries } else { &[] });
            let mut budget = Budget::new(PAGE_BYTES);
            let answers = entries.iter().map_while(decode).take_while(|answer| budget.takes(answer.bytes()));
            let answers: Vec<HostAnswer> = answers.collect();
            if !answers.is_empty() {
                return Ok(self.give(answers));
            }
            // Nothing new, so the view has nothing either, unless there is a gap or an entry that leaves its rows there.
            let is_end = entries.is_empty() && matches!(page, Ok(Page::Entries(_)));
            if !is_end {
                let found = answer_page(&self.views, self.campaign, self.after, None, max as u64).await?;
                if !found.rows.is_empty() {
                    return Ok(self.give(found.rows));
                }
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(vec![]);
            }
            let wait = if is_end { left } else { left.min(ASK_AGAIN) };
            self.streams.changed(&stream, self.after, wait).await;
            if !is_end {
                tokio::time::sleep(AHEAD.min(left)).await;
            }
        }
    }

    fn give(&mut self, answers: Vec<HostAnswer>) -> Vec<HostAnswer> {
        self.after = answers.last().map(|answer| answer.position).or(self.after);
        answers
    }
}
