//! Live queries: who is asked, for how long, and how many may run.

use std::time::Duration;

use domain::campaign::{Command, DEFAULT_LIFE, EndReason, Ended, Extended, LONGEST_LIFE, Most, Started};
use domain::{CampaignId, Event, HostId, Members, QueryId, Refusal, UserId, query, settings};
use serde_json::json;

use super::{Given, enrolled, given, malformed, members, not_found, seconds};

const MOST: Most = Most { of_one_user: 2, in_all: 3 };

fn fleet() -> Given {
    given([enrolled(1), enrolled(2)])
}

fn start(by: Option<u32>, targets: Members, life: Duration) -> Command {
    let sql = "SELECT 1".to_owned();
    Command::Start { sql, query: None, by: by.map(UserId), targets, attended: false, life, most: MOST }
}

fn started(given: &Given, campaign: u32, by: Option<u32>, targets: Members, life: Duration) -> Event {
    Started {
        campaign: CampaignId(campaign),
        sql: "SELECT 1".to_owned(),
        query: None,
        query_name: None,
        by: by.map(UserId),
        targets,
        attended: false,
        expires_at: given.now.plus(life),
    }
    .into()
}

fn ended(campaign: u32, reason: EndReason) -> Event {
    Ended { campaign: CampaignId(campaign), reason, stats: None }.into()
}

/// A campaign that is asked of hosts 1 and 2 for a minute.
fn running() -> Given {
    let fleet = fleet();
    let event = started(&fleet, 1, Some(1), members([1, 2]), seconds(60));
    fleet.and([event])
}

#[test]
fn the_hosts_that_exist_are_asked_until_its_time_is_over() {
    let fleet = fleet();
    let event = started(&fleet, 1, Some(1), members([2]), DEFAULT_LIFE);
    let then = fleet.when(start(Some(1), members([2, 7]), DEFAULT_LIFE)).then([event]);
    let campaign = then.state.campaigns.get(CampaignId(1)).unwrap();
    let last = then.now.plus(DEFAULT_LIFE).minus(seconds(1));
    assert!(campaign.asks(HostId(2), last) && !campaign.asks(HostId(7), last) && !campaign.asks(HostId(1), last));
    assert!(!campaign.asks(HostId(2), last.plus(seconds(1))));
}

#[test]
fn a_saved_query_gives_its_name() {
    let spec = query::Spec { name: "usb".to_owned(), query: "SELECT 1".to_owned(), ..query::Spec::default() };
    let saved = query::Created { query: QueryId(4), team: None, spec, author: None };
    let known = fleet().and([saved.into()]);
    let Event::CampaignStarted(plain) = started(&known, 1, None, members([1]), seconds(1)) else { unreachable!() };
    let named = Started { query: Some(QueryId(4)), query_name: Some("usb".to_owned()), ..plain };
    let Command::Start { sql, by, targets, attended, life, most, .. } = start(None, members([1]), seconds(1)) else {
        unreachable!()
    };
    known.when(Command::Start { sql, query: Some(QueryId(4)), by, targets, attended, life, most }).then([named.into()]);
}

#[test]
fn nobody_is_asked_when_there_is_nobody_or_an_admin_switched_it_off() {
    fleet().when(start(None, members([7]), DEFAULT_LIFE)).refused(malformed("no hosts targeted"));
    let off = json!({"live_query_disabled": true});
    let sections = [("server_settings".to_owned(), off.into())].into();
    let refusal = Refusal::Disabled("live queries are disabled by administrator".to_owned());
    fleet().and([settings::Changed { sections }.into()]).when(start(None, members([1]), DEFAULT_LIFE)).refused(refusal);
}

#[test]
fn no_campaign_lives_longer_than_a_week() {
    let fleet = fleet();
    let event = started(&fleet, 1, None, members([1]), LONGEST_LIFE);
    let then = fleet.when(start(None, members([1]), LONGEST_LIFE + seconds(1))).then([event]).after(seconds(9));
    let extended = Extended { campaign: CampaignId(1), expires_at: then.now.plus(LONGEST_LIFE) };
    then.when(Command::Extend { campaign: CampaignId(1), life: LONGEST_LIFE * 2 }).then([extended.into()]);
}

#[test]
fn an_extension_only_ever_lengthens() {
    let extend = |life| Command::Extend { campaign: CampaignId(1), life };
    let extended =
        |given: &Given, life| Event::from(Extended { campaign: CampaignId(1), expires_at: given.now.plus(life) });
    let running = running();
    let event = extended(&running, seconds(61));
    running.clone().when(extend(seconds(60))).then([]);
    running.clone().when(extend(seconds(5))).then([]);
    running.when(extend(seconds(61))).then([event]);
}

#[test]
fn a_campaign_ends_once() {
    let stop = || Command::Stop { campaign: CampaignId(1), stats: None };
    let text = "campaign 1 has ended and cannot be extended";
    let then = running().when(stop()).then([ended(1, EndReason::Stopped)]);
    assert!(then.state.campaigns.none_open());
    then.when(stop())
        .then([])
        .when(Command::Extend { campaign: CampaignId(1), life: DEFAULT_LIFE })
        .refused(malformed(text))
        .after(seconds(60))
        .when(Command::Expire { stats: Default::default() })
        .then([]);
}

#[test]
fn those_whose_time_is_over_expire_together() {
    let running = running();
    let (two, three) =
        (started(&running, 2, None, members([1]), seconds(90)), started(&running, 3, None, members([1]), seconds(60)));
    running
        .and([two, three])
        .after(seconds(59))
        .when(Command::Expire { stats: Default::default() })
        .then([])
        .after(seconds(1))
        .when(Command::Expire { stats: Default::default() })
        .then([ended(1, EndReason::Expired), ended(3, EndReason::Expired)])
        .when(Command::Expire { stats: Default::default() })
        .then([]);
}

#[test]
fn a_campaign_that_does_not_exist_is_refused() {
    let campaign = CampaignId(5);
    running().when(Command::Stop { campaign, stats: None }).refused(not_found("Campaign", "5"));
    running().when(Command::Extend { campaign, life: DEFAULT_LIFE }).refused(not_found("Campaign", "5"));
}

#[test]
fn so_many_run_at_once_and_no_more() {
    let running = running();
    let event = |campaign, by| started(&running, campaign, by, members([1]), seconds(60));
    let (second, of_another) = (event(2, Some(1)), event(3, Some(2)));
    let own = "you run 2 live queries already, which is the limit of one user";
    let all = "3 live queries run already, which is the limit: wait, or stop some";
    let wish = |by| start(by, members([1]), seconds(60));
    running
        .clone()
        .and([second])
        .when(wish(Some(1)))
        .refused(Refusal::TooMany(own.to_owned()))
        .when(wish(Some(2)))
        .then([of_another])
        .when(wish(Some(3)))
        .refused(Refusal::TooMany(all.to_owned()))
        .when(Command::Stop { campaign: CampaignId(1), stats: None })
        .then([ended(1, EndReason::Stopped)])
        .when(wish(Some(1)))
        .then([event(4, Some(1))]);
}
