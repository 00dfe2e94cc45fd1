//! Live queries, check 36: the store of live streams starts anew in the midst of a campaign.

use std::time::Duration;

use infra_testkit::{Stream, TestHost};
use serde_json::json;

use crate::house::{House, SOON};

/// A stretch in which something that must not come would have come.
const QUIET: Duration = Duration::from_millis(700);

#[tokio::test]
async fn live_check_36_a_store_of_streams_that_starts_anew_costs_no_answer() {
    let house = House::open("live-faults", &[]);
    let hosts = [house.host("one").await, house.host("two").await, house.host("three").await, house.host("four").await];
    let all: Vec<&TestHost> = hosts.iter().collect();
    let (ours, fleets) = (house.own_campaign(&all).await, house.campaign(&all).await);
    let admin = house.admin();
    let mut follow = Stream::follow(&admin, ours, None).await.unwrap();
    let mut stream = Stream::of(&admin, fleets).await;
    for (number, host) in hosts.iter().enumerate() {
        for (reader, campaign) in [(&mut follow, ours), (&mut stream, fleets)] {
            host.answer_live(campaign, json!([{"n": number.to_string()}])).await.done();
            assert_eq!(reader.hear("result", SOON).await["rows"][0]["n"], number.to_string(), "each once, in order");
        }
        // Both readers wait for what comes next while the store loses everything.
        house.parts.views.live.forget();
    }
    let mut late = Stream::follow(&admin, ours, None).await.unwrap();
    for number in 0..hosts.len() {
        assert_eq!(late.hear("result", SOON).await["rows"][0]["n"], number.to_string(), "from the view");
    }
    for reader in [&mut follow, &mut stream, &mut late] {
        let more = reader.next(QUIET).await;
        assert!(more.of("result").is_none() && !more.is_end(), "{more:?}");
    }
}
