//! What the answers of a campaign add up to. All of them are in one partition, so one writer counts them.

use std::collections::{BTreeMap, BTreeSet};

use domain::records::AnswerState;
use domain::{CampaignId, Members};
use infra_log::Position;
use infra_stores::{Row, Statement, Value, Write};
use roaring::RoaringBitmap;

use super::HostAnswer;
use crate::projection::FoldError;
use crate::tables::CAMPAIGN_TOTAL;

/// Counts of answers by what they are, and who gave them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Total {
    /// The position of the newest answer.
    pub last: Option<Position>,
    pub with_rows: u64,
    pub without_rows: u64,
    pub failed: u64,
    pub row_total: u64,
    /// Bytes of the rows that are kept, before they were packed.
    pub bytes: u64,
    pub answered: Members,
}

impl Total {
    pub const COLUMNS: &str =
        "SELECT campaign, last, with_rows, without_rows, failed, row_total, bytes, answered FROM campaign_total";

    /// Those of these campaigns that have answers.
    pub async fn load(
        campaigns: impl Iterator<Item = CampaignId>,
        write: &mut Write,
    ) -> Result<BTreeMap<CampaignId, Total>, FoldError> {
        let campaigns: BTreeSet<u32> = campaigns.map(|campaign| campaign.0).collect();
        let rows = Statement::new(Total::COLUMNS).push(" WHERE campaign IN ").list(campaigns);
        write.fetch(rows).await?.into_iter().map(|mut row| Total::read(&mut row)).collect()
    }

    pub fn read(row: &mut Row) -> Result<(CampaignId, Total), FoldError> {
        let campaign = CampaignId(row.take()?);
        let mut total = Total {
            last: Some(row.take()?),
            with_rows: row.take()?,
            without_rows: row.take()?,
            failed: row.take()?,
            row_total: row.take()?,
            bytes: row.take()?,
            answered: Members::default(),
        };
        let bitmap: Vec<u8> = row.take()?;
        total.answered = RoaringBitmap::deserialize_from(&bitmap[..]).map_err(FoldError::row)?.into();
        Ok((campaign, total))
    }

    pub fn add(&mut self, answer: &HostAnswer) {
        self.last = Some(answer.position);
        match answer.state {
            AnswerState::Rows => self.with_rows += 1,
            AnswerState::Empty => self.without_rows += 1,
            AnswerState::Error => self.failed += 1,
        }
        self.row_total += answer.row_count;
        self.bytes += answer.rows.len() as u64;
        self.answered.insert(answer.host);
    }

    pub fn put(&self, campaign: CampaignId, write: &mut Write) {
        let mut bitmap = vec![];
        self.answered.bitmap().serialize_into(&mut bitmap).expect("writing to memory cannot fail");
        let others: Vec<Value> = vec![
            self.last.unwrap_or_default().into(),
            self.with_rows.into(),
            self.without_rows.into(),
            self.failed.into(),
            self.row_total.into(),
            self.bytes.into(),
            bitmap.into(),
        ];
        write.put(&CAMPAIGN_TOTAL, vec![campaign.0.into()], others);
    }
}
