//! What is read as of a time equals what the model says of that time, now and long ago.

use std::collections::{BTreeMap, BTreeSet};

use domain::campaign::Campaign;
use domain::label::Label;
use domain::query::Query;
use domain::team::Team;
use domain::{HostId, LabelId, Members, TeamId, Timestamp};
use infra_stores::Views;
use projections::read::{self, Account, HostFilter, HostOrder, NOW, OrderKey, Page, TeamScope};
use projections::view;

use crate::model::{Model, times};
use crate::rig::Rig;
use crate::teller::Teller;

#[tokio::test]
async fn every_time_reads_as_the_model_says() {
    for seed in [11, 12] {
        let story = Teller::story(seed, 700);
        let rig = Rig::new().await;
        rig.append(&story.writes).await;
        rig.fold().await;
        for at in times(&story, 12) {
            check(&rig.views, &story, at).await;
        }
        check(&rig.views, &story, NOW).await;
        check(&rig.views, &story, story.now).await;
    }
}

async fn check(views: &Views, story: &Teller, at: Timestamp) {
    let model = Model::at(story, at);
    hosts(views, &model, at).await;
    facts(views, &model, at).await;
    lists(views, &model, at).await;
    scopes(views, &model, at).await;
    labels(views, &model, at).await;
    subjects(views, &model, at).await;
}

async fn hosts(views: &Views, model: &Model<'_>, at: Timestamp) {
    let all = read::host_page(views, at, &HostFilter::default(), HostOrder::default(), &Page::default()).await.unwrap();
    assert_eq!(all.iter().map(|host| host.id).collect::<Vec<_>>(), Vec::from_iter(model.hosts()), "at {at}");
    for read in all {
        let held = model.state().hosts.get(read.id).unwrap();
        let told = (
            read.team,
            read.identifier,
            read.platform,
            read.created_at,
            read.enrolled_at,
            read.contested_until,
            read.succeeds,
        );
        let platform = held.platform.clone();
        let expected = (
            held.team,
            held.identifier.clone(),
            platform,
            held.created_at,
            held.last_enrolled_at,
            held.contested_until,
            held.succeeds,
        );
        assert_eq!(told, expected, "host {} at {at}", read.id);
    }
    for host in model.everyone() {
        let found = read::host_one(views, at, &TeamScope::All, host).await.unwrap();
        assert_eq!(found.is_some(), model.hosts().contains(&host), "host {host} at {at}");
    }
}

async fn facts(views: &Views, model: &Model<'_>, at: Timestamp) {
    let ids: Vec<HostId> = model.everyone();
    let read = read::host_facts(views, at, &ids).await.unwrap();
    for host in ids {
        let mut expected = read::HostFacts::default();
        for section in model.sections(host).into_values() {
            set(&mut expected, section);
        }
        let mut told = read.get(&host).cloned().unwrap_or_default();
        told.reported.clear();
        assert_eq!(told, expected, "host {host} at {at}");
    }
    users(views, model, at).await;
}

/// The users of all places together.
async fn users(views: &Views, model: &Model<'_>, at: Timestamp) {
    let read = read::host_users(views, at, &model.everyone()).await.unwrap().unwrap();
    for host in model.everyone() {
        let mut expected = None;
        for section in model.sections(host).into_values() {
            if let domain::records::Section::Users(state) = section {
                let all: &mut BTreeSet<_> = expected.get_or_insert_default();
                all.extend(state.users);
            }
        }
        let told = read.get(&host).map(|told| told.users.iter().cloned().collect());
        assert_eq!(told, expected, "users of host {host} at {at}");
    }
}

fn set(facts: &mut read::HostFacts, section: domain::records::Section) {
    use domain::records::Section::*;
    match section {
        Identity(state) => facts.identity = state,
        Os(state) => facts.os = state,
        Hardware(state) => facts.hardware = state,
        Network(state) => facts.network = state,
        Disks(state) => facts.disks = state,
        Boot(state) => facts.boot = state,
        Intervals(state) => facts.intervals = state,
        LabelAnswers(state) => facts.labels = state,
        Users(_) => {}
    }
}

async fn ids(views: &Views, at: Timestamp, filter: &HostFilter) -> BTreeSet<HostId> {
    let ids: BTreeSet<HostId> = read::host_ids(views, at, filter).await.unwrap().iter().collect();
    let count = read::host_count(views, at, filter).await.unwrap();
    assert_eq!(count, ids.len() as u64, "a count equals the list behind it, at {at}: {filter:?}");
    ids
}

async fn lists(views: &Views, model: &Model<'_>, at: Timestamp) {
    for text in ["web", "_", "%", "ä", "anna's", "uuid-1", "10.0.0.2", "nothing", " DB_02 "] {
        let filter = HostFilter { search: Some(text.into()), ..HostFilter::default() };
        assert_eq!(ids(views, at, &filter).await, model.search(text.trim()), "search {text:?} at {at}");
    }
    for identifier in ["web-01", "UUID-3", "uuid-4", "host-2", "ser1", "nobody", ""] {
        let found = read::host_find(views, at, &TeamScope::All, identifier).await.unwrap();
        let expected = if identifier.is_empty() { BTreeSet::new() } else { model.find(identifier) };
        assert_eq!(BTreeSet::from_iter(found), expected, "find {identifier:?} at {at}");
    }
    let mut by_name: Vec<(String, HostId)> =
        model.hosts().into_iter().map(|host| (model.identity(host).hostname.to_lowercase(), host)).collect();
    for descending in [false, true] {
        by_name.sort();
        if descending {
            by_name.reverse();
        }
        let order = HostOrder { key: OrderKey::Hostname, descending };
        let mut paged = vec![];
        for number in 0.. {
            let page = Page { size: Some(3), number, after: None };
            let some = read::host_page(views, at, &HostFilter::default(), order, &page).await.unwrap();
            if some.is_empty() {
                break;
            }
            paged.extend(some.into_iter().map(|host| host.id));
        }
        assert_eq!(paged, by_name.iter().map(|(_, host)| *host).collect::<Vec<_>>(), "by hostname at {at}");
        let after = Page { size: Some(100), number: 9, after: Some("DB_02".into()) };
        let beyond = read::host_page(views, at, &HostFilter::default(), order, &after).await.unwrap();
        let expected =
            by_name.iter().filter(|(name, _)| if descending { &**name < "db_02" } else { &**name > "db_02" });
        assert_eq!(
            beyond.iter().map(|host| host.id).collect::<Vec<_>>(),
            expected.map(|(_, host)| *host).collect::<Vec<_>>()
        );
    }
    let even: Members = model.everyone().into_iter().filter(|host| host.0 % 2 == 0).collect();
    let among = HostFilter { among: Some(even.clone()), ..HostFilter::default() };
    let expected: Vec<HostId> = model.hosts().into_iter().filter(|host| even.contains(*host)).collect();
    let page = Page { size: Some(2), number: 1, after: None };
    let some = read::host_page(views, at, &among, HostOrder::default(), &page).await.unwrap();
    assert_eq!(
        some.iter().map(|host| host.id).collect::<Vec<_>>(),
        expected.iter().skip(2).take(2).copied().collect::<Vec<_>>()
    );
    assert_eq!(ids(views, at, &among).await, BTreeSet::from_iter(expected));
    platforms(views, model, at).await;
}

async fn platforms(views: &Views, model: &Model<'_>, at: Timestamp) {
    let platform = |host: HostId| match model.sections(host).get("os") {
        Some(domain::records::Section::Os(os)) => os.platform.clone(),
        _ => model.state().hosts.get(host).unwrap().platform.clone(),
    };
    let mut expected: BTreeMap<String, u64> = BTreeMap::new();
    model.hosts().into_iter().for_each(|host| *expected.entry(platform(host)).or_default() += 1);
    assert_eq!(read::host_platforms(views, at, &HostFilter::default()).await.unwrap(), expected, "platforms at {at}");
    let filter = HostFilter { platforms: Some(vec!["ubuntu".into(), "Windows".into()]), ..HostFilter::default() };
    let wanted = model.hosts().into_iter().filter(|host| ["ubuntu", "windows"].contains(&&*platform(*host))).collect();
    assert_eq!(ids(views, at, &filter).await, wanted, "platforms at {at}");
    let os = |host: &HostId| match model.sections(*host).get("os") {
        Some(domain::records::Section::Os(os)) => os.name == "macOS" && os.version == "1",
        _ => false,
    };
    let filter = HostFilter { os: Some(("macOS".into(), "1".into())), ..HostFilter::default() };
    assert_eq!(ids(views, at, &filter).await, model.hosts().into_iter().filter(os).collect(), "os at {at}");
    let low = |host: &HostId| match model.sections(*host).get("disks") {
        Some(domain::records::Section::Disks(disks)) => disks.gigs_disk_space_available < 15.0,
        _ => false,
    };
    let filter = HostFilter { low_disk_gigs: Some(15), ..HostFilter::default() };
    assert_eq!(ids(views, at, &filter).await, model.hosts().into_iter().filter(low).collect(), "low disk at {at}");
}

async fn scopes(views: &Views, model: &Model<'_>, at: Timestamp) {
    for teams in [vec![None], vec![Some(TeamId(1))], vec![Some(TeamId(2)), None], vec![]] {
        let scope = TeamScope::Teams(teams.clone());
        let visible: BTreeSet<HostId> =
            model.hosts().into_iter().filter(|host| model.is_visible(*host, &teams)).collect();
        let filter = HostFilter { scope: scope.clone(), ..HostFilter::default() };
        assert_eq!(ids(views, at, &filter).await, visible, "{teams:?} at {at}");
        for host in model.hosts() {
            let one = read::host_one(views, at, &scope, host).await.unwrap();
            assert_eq!(one.is_some(), visible.contains(&host), "host {host} for {teams:?} at {at}");
        }
        let found = BTreeSet::from_iter(read::host_find(views, at, &scope, "web-01").await.unwrap());
        assert_eq!(found, model.find("web-01").intersection(&visible).copied().collect());
        let counts = read::label_counts(views, at, &scope).await.unwrap();
        for label in model.every_label() {
            let members = model.members(label).intersection(&visible).count() as u64;
            assert_eq!(counts.get(&label).copied().unwrap_or(0), members, "label {label} for {teams:?} at {at}");
        }
    }
    for team in [None, Some(TeamId(1)), Some(TeamId(2))] {
        let filter = HostFilter { team: Some(team), ..HostFilter::default() };
        let of_team = model.state().hosts.of_team(team).iter().collect();
        assert_eq!(ids(views, at, &filter).await, of_team, "team {team:?} at {at}");
    }
}

async fn labels(views: &Views, model: &Model<'_>, at: Timestamp) {
    let counts = read::label_counts(views, at, &TeamScope::All).await.unwrap();
    for label in model.every_label() {
        let expected = model.members(label);
        let members: BTreeSet<HostId> =
            read::label_hosts(views, at, &TeamScope::All, label).await.unwrap().iter().collect();
        assert_eq!(members, expected, "label {label} at {at}");
        assert_eq!(counts.get(&label).copied().unwrap_or(0), expected.len() as u64, "label {label} at {at}");
    }
    for host in model.hosts() {
        let labels: Vec<LabelId> =
            read::host_labels(views, at, host).await.unwrap().iter().map(|label| label.id).collect();
        let expected: Vec<LabelId> =
            model.every_label().into_iter().filter(|label| model.members(*label).contains(&host)).collect();
        assert_eq!(labels, expected, "labels of host {host} at {at}");
    }
}

async fn subjects(views: &Views, model: &Model<'_>, at: Timestamp) {
    let state = model.state();
    let teams: Vec<Team> = read::subjects(views, view::TEAMS, at).await.unwrap();
    assert_eq!(teams, state.teams.iter().cloned().collect::<Vec<_>>(), "teams at {at}");
    let queries: Vec<Query> = read::subjects(views, view::QUERIES, at).await.unwrap();
    assert_eq!(queries, state.queries.iter().cloned().collect::<Vec<_>>(), "queries at {at}");
    let campaigns: Vec<Campaign> = read::subjects(views, view::CAMPAIGNS, at).await.unwrap();
    assert_eq!(campaigns, state.campaigns.iter().cloned().collect::<Vec<_>>(), "campaigns at {at}");
    let labels: Vec<Label> = read::labels(views, at).await.unwrap();
    let bare = |label: &Label| Label { members: Members::default(), ..label.clone() };
    assert_eq!(labels, state.labels.iter().map(bare).collect::<Vec<_>>(), "labels at {at}");
    let users: Vec<Account> = read::subjects(views, view::USERS, at).await.unwrap();
    let account = |user: &domain::user::User| Account {
        id: user.id,
        roles: user.roles.clone(),
        api_only: user.api_only,
        must_reset_password: user.must_reset_password,
        created_at: user.created_at,
        updated_at: user.updated_at,
    };
    assert_eq!(users, state.users.iter().map(account).collect::<Vec<_>>(), "users at {at}");
}
