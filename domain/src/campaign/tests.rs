use super::*;
use crate::ledger::Fold;
use crate::{CampaignId, Event, HostId, Refusal, Timestamp, UserId};

const HOUR: Duration = Duration::from_secs(3_600);

fn at(hours: u64) -> Timestamp {
    Timestamp::from_secs(1_790_000_000).plus(HOUR * u32::try_from(hours).unwrap())
}

fn started(id: u32) -> Event {
    Started {
        campaign: CampaignId(id),
        sql: "SELECT 1".to_owned(),
        query: None,
        query_name: None,
        by: Some(UserId(id % 2)),
        targets: [HostId(1)].into_iter().collect(),
        attended: false,
        expires_at: at(10_000),
    }
    .into()
}

fn ended(id: u32) -> Event {
    Ended { campaign: CampaignId(id), reason: EndReason::Stopped, stats: None }.into()
}

fn fold(events: &[(u64, Event)]) -> Fold {
    let mut fold = Fold::default();
    for (hours, event) in events {
        fold.with(std::slice::from_ref(event), at(*hours));
    }
    fold
}

fn known(fold: &Fold) -> Vec<u32> {
    fold.state.campaigns.iter().map(|campaign| campaign.id.0).collect()
}

#[test]
fn what_ended_is_forgotten_a_day_later_and_what_runs_never() {
    let mut story =
        vec![(0, started(1)), (0, started(2)), (0, started(3)), (1, ended(3)), (2, ended(1)), (24, started(4))];
    assert_eq!(known(&fold(&story)), [1, 2, 3, 4]);
    story.push((25, started(5)));
    assert_eq!(known(&fold(&story)), [1, 2, 4, 5], "3 ended at 1, a day before");
    story.push((100, ended(5)));
    let fold = fold(&story);
    assert_eq!(known(&fold), [2, 4, 5], "2 has not ended");
    let campaigns = &fold.state.campaigns;
    assert_eq!([1, 2, 5, 6].map(|id| campaigns.is_forgotten(CampaignId(id))), [true, false, false, false]);
    assert_eq!(campaigns.newest(), CampaignId(5), "an id is never given twice");
}

#[test]
fn no_more_than_so_many_are_known_that_have_ended() {
    let most = u32::try_from(MOST_REMEMBERED).unwrap();
    let mut story = vec![(0, started(1)), (0, started(2))];
    for id in 3..most + 10 {
        story.extend([(1, started(id)), (1, ended(id))]);
    }
    let fold = fold(&story);
    let known = known(&fold);
    assert_eq!(known.len(), MOST_REMEMBERED + 2);
    assert_eq!(known[..3], [1, 2, 10], "those that run, and those that ended last");
}

#[test]
fn a_fold_that_was_written_down_in_between_forgets_the_same() {
    let story: Vec<(u64, Event)> =
        (1..60).flat_map(|id: u32| [(u64::from(id), started(id)), (u64::from(id + id % 7), ended(id))]).collect();
    let mut story = story;
    story.sort_by_key(|(hours, event)| (*hours, event.name() != "campaign.started"));
    let whole = fold(&story);
    for cut in 0..story.len() {
        let half = Fold::restore(&fold(&story[..cut]).snapshot().unwrap()).unwrap();
        let mut rest = half;
        for (hours, event) in &story[cut..] {
            rest.with(std::slice::from_ref(event), at(*hours));
        }
        assert_eq!(rest.state, whole.state, "cut at {cut}");
    }
}

#[test]
fn what_is_forgotten_stays_ended() {
    let state = fold(&[(0, started(1)), (0, ended(1)), (30, started(2))]).state;
    assert!(state.campaigns.is_forgotten(CampaignId(1)));
    let decide = |command: Command| command.decide(&state, at(31));
    assert_eq!(decide(Command::Stop { campaign: CampaignId(1), stats: None }), Ok(vec![]));
    let refused = decide(Command::Extend { campaign: CampaignId(1), life: HOUR });
    assert_eq!(refused, Err(Refusal::Malformed("campaign 1 has ended and cannot be extended".to_owned())));
    let unknown = decide(Command::Stop { campaign: CampaignId(3), stats: None });
    assert_eq!(unknown, Err(Refusal::not_found("Campaign", 3)));
}
