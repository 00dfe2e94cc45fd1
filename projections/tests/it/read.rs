//! Reads ask a number of statements that does not grow with the fleet.

use std::time::Duration;

use domain::records::{Report, User, Users};
use domain::{CampaignId, HostId, LabelId};
use infra_log::Topic;
use infra_stores::{Statement, Views};
use projections::budget::PAGE_BYTES;
use projections::read::{self, HostFilter, HostOrder, NOW, OrderKey, Page, TeamScope};
use projections::view;
use serde_json::json;

use crate::rig::Rig;
use crate::teller::{START, Teller};

async fn told(seed: u64) -> (Teller, Rig) {
    let story = Teller::story(seed, 500);
    let rig = Rig::new().await;
    rig.append(&story.writes).await;
    rig.fold().await;
    (story, rig)
}

async fn statements<T>(views: &Views, reading: impl Future<Output = T>) -> (u64, T) {
    let before = views.counts().statements();
    let read = reading.await;
    (views.counts().statements() - before, read)
}

#[tokio::test]
async fn every_read_takes_a_bounded_number_of_statements() {
    let (story, rig) = told(101).await;
    let views = &rig.views;
    let filter = HostFilter {
        scope: TeamScope::Teams(vec![None, Some(domain::TeamId(1))]),
        label: Some(LabelId(1)),
        search: Some("web".into()),
        among: Some(story.state.hosts.existing().clone()),
        ..HostFilter::default()
    };
    let everything = HostFilter::default();
    let (id, order, page) = (HostId(1), HostOrder::default(), Page::default());
    for at in [NOW, START, story.now] {
        assert!(statements(views, read::host_page(views, at, &everything, order, &page)).await.0 <= 2);
        assert!(statements(views, read::host_page(views, at, &filter, order, &page)).await.0 <= 3);
        assert!(statements(views, read::host_count(views, at, &everything)).await.0 <= 1);
        assert!(statements(views, read::host_count(views, at, &filter)).await.0 <= 2);
        assert!(statements(views, read::host_platforms(views, at, &filter)).await.0 <= 2);
        assert!(statements(views, read::host_one(views, at, &filter.scope, id)).await.0 <= 2);
        assert!(statements(views, read::host_find(views, at, &filter.scope, "web-01")).await.0 <= 1);
        let ids: Vec<HostId> = (1..=900).map(HostId).collect();
        assert!(statements(views, read::host_facts(views, at, &ids)).await.0 <= 1);
        assert!(statements(views, read::host_users(views, at, &ids)).await.0 <= 2);
        assert!(statements(views, read::host_labels(views, at, id)).await.0 <= 2);
        assert!(statements(views, read::label_counts(views, at, &filter.scope)).await.0 <= 4);
        assert!(statements(views, read::label_hosts(views, at, &filter.scope, LabelId(2))).await.0 <= 2);
    }
    assert!(statements(views, read::host_history(views, &filter.scope, id, None, 50)).await.0 <= 3);
    assert!(statements(views, read::activity_page(views, true, &page)).await.0 <= 1);
    assert!(statements(views, read::campaign_page(views, &page)).await.0 <= 1);
    assert!(statements(views, read::campaign_totals(views, &[CampaignId(1), CampaignId(2)])).await.0 <= 1);
    assert!(statements(views, read::answer_page(views, CampaignId(1), None, None, 10)).await.0 <= 2);
}

#[tokio::test]
async fn hosts_can_be_ordered_by_every_key_both_ways() {
    let (story, rig) = told(102).await;
    let count = story.state.hosts.len();
    assert!(count > 3);
    for key in OrderKey::ALL {
        let mut both = vec![];
        for descending in [false, true] {
            let order = HostOrder { key: *key, descending };
            let all = read::host_page(&rig.views, NOW, &HostFilter::default(), order, &Page::default()).await.unwrap();
            both.push(all.into_iter().map(|host| host.id).collect::<Vec<_>>());
            let after = Page { after: Some("2026-01-01T00:00:00Z".into()), ..Page::default() };
            read::host_page(&rig.views, NOW, &HostFilter::default(), order, &after).await.unwrap();
        }
        both[1].reverse();
        assert_eq!(both[0], both[1], "{key:?}");
        assert_eq!(both[0].len(), count);
    }
}

#[tokio::test]
async fn activities_are_there_once_and_paged_both_ways() {
    let (story, rig) = told(103).await;
    let all = read::activity_page(&rig.views, false, &Page::default()).await.unwrap();
    let told: Vec<_> = all.iter().map(|one| (one.recorded, one.kind.clone(), one.actor, one.details.clone())).collect();
    let expected: Vec<_> =
        story.activities.iter().map(|one| (one.recorded, one.kind.clone(), one.actor, one.details.clone())).collect();
    assert_eq!(told, expected);
    assert_eq!(read::activity_count(&rig.views).await.unwrap(), expected.len() as u64);
    let mut backwards = vec![];
    let mut page = Page { size: Some(7), number: 0, after: None };
    loop {
        let some = read::activity_page(&rig.views, true, &page).await.unwrap();
        let Some(last) = some.last() else { break };
        page.after = Some(last.id.to_string());
        backwards.extend(some);
    }
    backwards.reverse();
    assert_eq!(backwards, all);
}

#[tokio::test]
async fn the_history_of_a_host_is_told_newest_first() {
    let (story, rig) = told(104).await;
    let host = HostId(1);
    let all = read::host_history(&rig.views, &TeamScope::All, host, None, 1000).await.unwrap();
    assert!(!all.more);
    let all = all.rows;
    assert!(all.len() > 8 && all.windows(2).all(|pair| pair[0].since >= pair[1].since));
    let some = read::host_history(&rig.views, &TeamScope::All, host, Some("identity"), 1000).await.unwrap().rows;
    assert!(!some.is_empty() && some.iter().all(|one| one.section == "identity"));
    assert_eq!(some[0].until, None);
    for pair in some.windows(2) {
        assert_eq!(pair[1].until, Some(pair[0].since), "one period follows on the other");
    }
    let model = crate::model::Model::at(&story, some[1].since);
    assert_eq!(some[1].data["hostname"], json!(model.identity(host).hostname));
    let few = read::host_history(&rig.views, &TeamScope::All, host, None, 3).await.unwrap();
    assert_eq!((&few.rows[..], few.more), (&all[..3], true));
    let whole = read::host_history(&rig.views, &TeamScope::All, host, None, all.len() as u64).await.unwrap();
    assert_eq!((whole.rows, whole.more), (all, false));
}

#[tokio::test]
async fn a_history_for_some_teams_is_counted_within_their_time() {
    let (story, rig) = told(109).await;
    let (mut cut, teams) = (0, story.state.teams.iter().map(|team| Some(team.id)).chain([None]));
    for team in teams.collect::<Vec<_>>() {
        let scope = TeamScope::Teams(vec![team]);
        for host in (1..=12).map(HostId) {
            let all = read::host_history(&rig.views, &scope, host, None, 1000).await.unwrap();
            let one = read::host_history(&rig.views, &scope, host, None, 1).await.unwrap();
            assert_eq!(one.rows.is_empty(), all.rows.is_empty(), "{team:?}, {host}");
            cut += u32::from(one.more);
        }
    }
    assert!(cut > 3);
}

#[tokio::test]
async fn a_history_ends_where_its_bytes_are_used_up() {
    let (rig, mut teller) = (Rig::new().await, Teller::new(110));
    (1..=12).for_each(|part| long_name(&mut teller, 1, part, u64::from(part)));
    rig.append(&teller.writes).await;
    rig.fold().await;
    let told = read::host_history(&rig.views, &TeamScope::All, HostId(1), None, 1000).await.unwrap();
    let parts: Vec<u64> = told.rows.iter().map(|period| period.data["part"].as_u64().unwrap()).collect();
    assert_eq!((parts, told.more), ((4..=12).rev().collect(), true));
}

/// A host says that a part of its users is one with a long name: 900 KB, or as long as a record may be.
fn long_name(teller: &mut Teller, host: u32, part: u8, second: u64) {
    let user = User { username: "x".repeat(900_000), ..User::default() };
    let section = Users { part, ..Users::new(vec![user]) }.into();
    let recorded = START.plus(Duration::from_secs(second));
    let report =
        Report { id: format!("{host}-{part}"), source: "muster/a".into(), host: HostId(host), recorded, section };
    teller.write(Topic::Hosts.partition_of(u64::from(host)), report.encode());
}

#[tokio::test]
async fn users_that_are_more_than_a_page_may_hold_are_not_read() {
    let (rig, mut teller) = (Rig::new().await, Teller::new(108));
    // A page has room for nine such names.
    assert_eq!(PAGE_BYTES / 900_000, 9);
    for (host, parts) in [(1, 12), (2, 6), (3, 2), (4, 2)] {
        (1..=parts).for_each(|part| long_name(&mut teller, host, part, 1));
    }
    rig.append(&teller.writes).await;
    rig.fold().await;
    let of = async |hosts: &[u32]| {
        let ids: Vec<HostId> = hosts.iter().copied().map(HostId).collect();
        read::host_users(&rig.views, NOW, &ids).await.unwrap().map(|users| users.len())
    };
    assert_eq!(of(&[1]).await, Some(1), "a single host's always are");
    assert_eq!(of(&[2, 3]).await, Some(2));
    assert_eq!(of(&[2, 3, 4]).await, None);
    assert_eq!(of(&[1, 3]).await, None);
}

#[tokio::test]
async fn campaigns_are_paged_newest_first() {
    let (story, rig) = told(105).await;
    let mut expected: Vec<CampaignId> = story.state.campaigns.iter().map(|campaign| campaign.id).collect();
    expected.reverse();
    assert!(expected.len() > 4);
    let mut paged = vec![];
    for number in 0..expected.len() as u64 {
        let page = Page { size: Some(2), number, after: None };
        paged.extend(read::campaign_page(&rig.views, &page).await.unwrap().into_iter().map(|campaign| campaign.id));
    }
    assert_eq!(paged, expected);
    let after = |id: CampaignId| Page { size: Some(2), number: 0, after: Some(id.to_string()) };
    for (place, id) in expected.iter().enumerate() {
        let page = read::campaign_page(&rig.views, &after(*id)).await.unwrap();
        let rest = &expected[place + 1..];
        assert_eq!(page.iter().map(|campaign| campaign.id).collect::<Vec<_>>(), rest[..rest.len().min(2)]);
    }
    assert_eq!(read::campaign_count(&rig.views).await.unwrap(), expected.len() as u64);
    let one = read::campaign_one(&rig.views, expected[0]).await.unwrap();
    assert_eq!(one.as_ref(), story.state.campaigns.get(expected[0]));
}

#[tokio::test]
async fn a_search_is_a_text_and_never_a_pattern_or_sql() {
    let (_, rig) = told(106).await;
    for text in ["'", "\"; DROP TABLE host; --", "\\", "!", "!%", "__", "\0"] {
        let filter = HostFilter { search: Some(text.into()), ..HostFilter::default() };
        assert_eq!(read::host_count(&rig.views, NOW, &filter).await.unwrap(), 0, "{text:?}");
    }
    assert!(rig.views.fetch(Statement::new("SELECT host FROM host")).await.is_ok());
    let _: Vec<domain::team::Team> = read::subjects(&rig.views, view::TEAMS, NOW).await.unwrap();
}
