//! Campaigns, and what hosts answered.

use std::collections::BTreeMap;

use domain::campaign::Campaign;
use domain::records::AnswerState;
use domain::{CampaignId, HostId, Members, Timestamp};
use infra_log::Position;
use infra_stores::{Row, Statement, StoreError, Views};

use super::batch::{Keyed, batch};
use super::{Batch, Page, subjects};
use crate::answers::{HostAnswer, Total};
use crate::packed::unpack;
use crate::projection::{FoldError, view};

/// Groups of errors that are told apart.
const ERROR_GROUPS: i64 = 1000;
/// Hosts that are named in a group.
const ERROR_HOSTS: i64 = 10;

/// What the answers of a campaign add up to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CampaignTotal {
    /// Hosts that answered with rows, without any, and with an error.
    pub rows: u64,
    pub empty: u64,
    pub error: u64,
    /// Rows of all hosts together.
    pub row_total: u64,
    /// Everybody who answered.
    pub answered: Members,
    /// The position of the newest answer.
    pub last: Option<Position>,
}

/// An error that hosts answered with.
#[derive(Clone, Debug, PartialEq)]
pub struct ErrorGroup {
    pub message: String,
    pub hosts: u64,
    pub first_at: Timestamp,
    pub last_at: Timestamp,
    /// At most ten.
    pub host_ids: Vec<HostId>,
}

/// One statement.
pub async fn campaign_one(views: &Views, id: CampaignId) -> Result<Option<Campaign>, FoldError> {
    subjects::subject(views, view::CAMPAIGNS, super::NOW, id.0).await
}

/// A page of campaigns, newest first; those started before the one with the id `after`, if there is one. One statement.
pub async fn campaign_page(views: &Views, page: &Page) -> Result<Vec<Campaign>, FoldError> {
    let rows = subjects::held(Statement::new("SELECT data"), view::CAMPAIGNS, super::NOW);
    let rows = match &page.after {
        Some(after) => rows.push(" AND id < ?").bind(after.trim().parse::<u32>().unwrap_or(0)),
        None => rows,
    };
    let rows = rows.push(" ORDER BY id DESC LIMIT ? OFFSET ?");
    let rows = rows.bind(page.size.unwrap_or(i64::MAX as u64)).bind(page.skip());
    views.fetch(rows).await?.into_iter().map(subjects::parse).collect()
}

/// One statement.
pub async fn campaign_count(views: &Views) -> Result<u64, StoreError> {
    let count = subjects::held(Statement::new("SELECT COUNT(*)"), view::CAMPAIGNS, super::NOW);
    Ok(views.first(count).await?.map(|mut row| row.take()).transpose()?.unwrap_or(0))
}

/// The totals of these campaigns; one that nobody answered is left out. One statement.
pub async fn campaign_totals(
    views: &Views,
    ids: &[CampaignId],
) -> Result<BTreeMap<CampaignId, CampaignTotal>, FoldError> {
    let rows = Statement::new(Total::COLUMNS).push(" WHERE campaign IN ").list(ids.iter().map(|id| id.0));
    let read = |mut row: Row| {
        let (campaign, total) = Total::read(&mut row)?;
        let Total { last, with_rows, without_rows, failed, row_total, answered, .. } = total;
        let total = CampaignTotal { rows: with_rows, empty: without_rows, error: failed, row_total, answered, last };
        Ok((campaign, total))
    };
    views.fetch(rows).await?.into_iter().map(read).collect()
}

const ANSWERS: Keyed = Keyed {
    columns: "SELECT position, host, recorded, state, error, stats, row_count, cut, data",
    sizes: "SELECT position, LENGTH(data)",
    first: " ORDER BY position LIMIT ?",
    up_to: " AND position <= ? ORDER BY position",
};

/// Answers of a campaign after a position, oldest first: at most `limit`, fewer when they are large. Two statements.
pub async fn answer_page(
    views: &Views,
    campaign: CampaignId,
    after: Option<Position>,
    state: Option<AnswerState>,
    limit: u64,
) -> Result<Batch<HostAnswer>, FoldError> {
    let after = after.map_or(-1, |after| i64::try_from(after).unwrap_or(i64::MAX));
    let among = |columns| {
        let rows = Statement::new(columns).push(" FROM answer WHERE campaign = ? AND position > ?");
        let rows = rows.bind(campaign.0).bind(after);
        match state {
            Some(state) => rows.push(" AND state = ?").bind(state.name()),
            None => rows,
        }
    };
    let read = |row| {
        let answer = read_answer(row)?;
        let bytes = answer.bytes();
        Ok((answer, bytes))
    };
    batch(views, &ANSWERS, limit, among, read).await
}

fn read_answer(mut row: Row) -> Result<HostAnswer, FoldError> {
    Ok(HostAnswer {
        position: row.take()?,
        host: HostId(row.take()?),
        recorded: row.take()?,
        state: AnswerState::parse(&row.take::<String>()?).ok_or_else(|| FoldError::row("state of an answer"))?,
        error: row.take()?,
        stats: row.take()?,
        row_count: row.take()?,
        cut: row.take()?,
        rows: unpack(&row.take::<Vec<u8>>()?).ok_or_else(|| FoldError::row("packed rows of an answer"))?,
    })
}

/// The errors of a campaign, grouped by what they say, most hosts first. Two statements.
pub async fn answer_errors(views: &Views, campaign: CampaignId) -> Result<Vec<ErrorGroup>, FoldError> {
    let groups = Statement::new(
        "SELECT error, COUNT(*), MIN(recorded), MAX(recorded) FROM answer WHERE campaign = ? AND state = 'error' \
         GROUP BY error ORDER BY COUNT(*) DESC, MIN(recorded), error LIMIT ?",
    );
    let mut groups: Vec<ErrorGroup> = views
        .fetch(groups.bind(campaign.0).bind(ERROR_GROUPS))
        .await?
        .into_iter()
        .map(|mut row| {
            let (message, hosts, first_at, last_at) = (row.take()?, row.take()?, row.take()?, row.take()?);
            Ok(ErrorGroup { message, hosts, first_at, last_at, host_ids: vec![] })
        })
        .collect::<Result<_, StoreError>>()?;
    let named = Statement::new(
        "SELECT error, host FROM (SELECT error, host, ROW_NUMBER() OVER (PARTITION BY error ORDER BY host) AS place \
         FROM answer WHERE campaign = ? AND state = 'error') AS placed WHERE place <= ? ORDER BY host",
    );
    let mut hosts: BTreeMap<String, Vec<HostId>> = BTreeMap::new();
    for mut row in views.fetch(named.bind(campaign.0).bind(ERROR_HOSTS)).await? {
        hosts.entry(row.take()?).or_default().push(HostId(row.take()?));
    }
    for group in &mut groups {
        group.host_ids = hosts.remove(&group.message).unwrap_or_default();
    }
    Ok(groups)
}
