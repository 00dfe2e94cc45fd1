//! What the golden commits about queries, campaigns and carves fold to.

use domain::campaign::EndReason;
use domain::carve::{Outcome, Plan};
use domain::query::Logging;
use domain::{CampaignId, CarveId, Digest, HostId, LabelId, QueryId, TeamId, UserId};

use super::hosts::members;
use super::ledger::Step;
use super::minute;

pub fn expect(name: &str, Step { before, after, at }: &Step<'_>) -> bool {
    let query = || after.queries.get(QueryId(1)).unwrap();
    let campaign = |id| after.campaigns.get(CampaignId(id)).unwrap();
    let carve = |id| after.carves.get(CarveId(id)).unwrap();
    match name {
        "query.created.v1" => {
            assert_eq!(after.queries.by_name(Some(TeamId(2)), "usb devices"), Some(query()));
            assert_eq!(after.queries.by_name(None, "usb devices"), None);
            let spec = &query().spec;
            assert_eq!(spec.query, "SELECT vendor, model FROM usb_devices;");
            assert_eq!((spec.platform.as_str(), spec.min_osquery_version.as_str()), ("linux,darwin", "5.8.0"));
            assert_eq!((spec.interval, spec.automations_enabled), (3_600, true));
            assert_eq!(spec.logging, Logging::DifferentialIgnoreRemovals);
            assert_eq!((spec.discard_data, spec.observer_can_run), (false, true));
            assert_eq!(spec.labels_include_any, [LabelId(1)]);
            assert_eq!((query().author, query().results_since), (Some(UserId(1)), *at));
        }
        "query.changed.v1" => {
            assert_eq!(query().spec.logging, Logging::Snapshot);
            assert_eq!((query().created_at, query().updated_at), (minute(160), minute(161)));
            assert_eq!(query().results_since, minute(161), "another SQL: older results say nothing about it");
        }
        "query.changed.v1.told-better" => {
            assert_eq!(query().spec.description, "Who plugs in what, with serials");
            assert_eq!(query().updated_at, minute(162));
            assert_eq!(query().results_since, minute(162), "snapshots of before are no differences");
        }
        "query.deleted.v1" => {
            assert_eq!(after.queries.get(QueryId(1)), None);
            assert_eq!(after.queries.by_name(Some(TeamId(2)), "usb devices"), None);
        }
        "campaign.started.v1" => {
            let campaign = campaign(1);
            assert_eq!(campaign.sql, "SELECT * FROM usb_devices;");
            assert_eq!((campaign.query, campaign.query_name.as_deref()), (Some(QueryId(1)), Some("usb devices")));
            assert_eq!((campaign.by, campaign.attended), (Some(UserId(1)), true));
            assert_eq!(campaign.targets, members([2, 3, 4]));
            assert_eq!((campaign.started_at, campaign.expires_at), (*at, minute(230)));
            assert!(campaign.asks(HostId(4), minute(229)) && !campaign.asks(HostId(4), minute(230)));
            assert!(!campaign.asks(HostId(1), minute(229)));
        }
        "campaign.extended.v1" => assert_eq!(campaign(1).expires_at, minute(1_610)),
        "campaign.ended.v1" => {
            assert!(!before.campaigns.none_open());
            assert!(after.campaigns.none_open());
        }
        "campaign.started.v1.nobodys" => {
            let campaign = campaign(2);
            assert_eq!((campaign.query, campaign.query_name.as_deref(), campaign.by), (None, None, None));
            assert_eq!((campaign.attended, campaign.expires_at), (false, minute(183)));
        }
        "campaign.ended.v2" => {
            assert_eq!(campaign(3).ended, Some((*at, EndReason::Stopped)));
            assert_eq!((at, &after.campaigns.newest()), (&minute(220), &CampaignId(3)));
        }
        "campaign.ended.v1.expired" => assert!(after.campaigns.none_open()),
        "carve.begun.v1" => {
            let carve_id = "c0ffee00-0000-4000-8000-000000000001".to_owned();
            let request_id = "fleet_distributed_query_1".to_owned();
            let plan = Plan { block_count: 3, block_size: 300_000, carve_size: 700_001, carve_id, request_id };
            assert_eq!((carve(1).host, &carve(1).plan), (HostId(2), &plan));
            assert_eq!((carve(1).begun_at, &carve(1).ended), (*at, &None));
            assert_eq!(after.carves.by_session(&Digest::of("carve-session-1")), Some(carve(1)));
        }
        "carve.ended.v1" => {
            let sha256 = Digest::of("the carved bytes");
            assert_eq!(carve(1).ended, Some((*at, Outcome::Complete { sha256 })));
        }
        "carve.ended.v1.broken" => {
            let reason = "no block came for 24 h".to_owned();
            assert_eq!(carve(2).ended, Some((*at, Outcome::Broken { reason })));
        }
        _ => return false,
    }
    true
}
