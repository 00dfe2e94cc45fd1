//! The few filters by which many hosts are deleted or moved at once. Source: rest-api §9.1.

use std::time::Duration;

use domain::{HostId, LabelId, Members, TeamId};
use infra_http::Problem;
use serde_json::{Map, Value};

use crate::admin::Call;

const DAY: Duration = Duration::from_secs(86_400);

/// `{query?, status?, label_id?, team_id?}`, parsed; team `None` inside stands for no team.
#[derive(Debug, Default, PartialEq)]
pub struct HostFilter {
    query: Option<String>,
    status: Option<Status>,
    label: Option<LabelId>,
    team: Option<Option<TeamId>>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Status {
    New,
    Online,
    Offline,
    Missing,
}

impl HostFilter {
    /// 400 for unknown keys, a blank query, an unknown status, and values of the wrong type.
    pub fn parse(filters: &Map<String, Value>) -> Result<Self, Problem> {
        let mut parsed = HostFilter::default();
        for (key, value) in filters {
            match key.as_str() {
                _ if value.is_null() => {}
                "query" => {
                    let query = value.as_str().unwrap_or_default().trim();
                    if query.is_empty() {
                        return Err(Problem::bad_request("query must not be empty"));
                    }
                    parsed.query = Some(query.to_lowercase());
                }
                "status" => parsed.status = Some(status(value)?),
                "label_id" => parsed.label = Some(LabelId(number(value)?)),
                "team_id" => {
                    let team = number(value)?;
                    parsed.team = Some((team != 0).then_some(TeamId(team)));
                }
                _ => return Err(Problem::bad_request(format!("unknown filter key: {key}"))),
            }
        }
        Ok(parsed)
    }

    /// The hosts that match, of these.
    pub fn hosts(&self, call: &Call, mut hosts: Members) -> Members {
        let (state, registry, now) = (call.state(), &call.app.registry, call.app.world.now());
        if let Some(team) = self.team {
            hosts = hosts.and(&state.hosts.of_team(team));
        }
        if let Some(label) = self.label {
            hosts = hosts.and(&registry.label_members(label));
        }
        hosts = match self.status {
            None => hosts,
            Some(Status::Online) => hosts.and(&registry.online(now)),
            Some(Status::Offline) => hosts.without(&registry.online(now)),
            Some(Status::New) => {
                let is_new =
                    |host: &HostId| state.hosts.get(*host).is_some_and(|host| now.since(host.created_at) < DAY);
                hosts.iter().filter(is_new).collect()
            }
            Some(Status::Missing) => hosts.iter().filter(|host| is_missing(call, *host)).collect(),
        };
        match &self.query {
            None => hosts,
            Some(query) => hosts.iter().filter(|host| matches(call, *host, query)).collect(),
        }
    }
}

/// Not heard of for thirty days.
fn is_missing(call: &Call, host: HostId) -> bool {
    let enrolled = call.state().hosts.get(host).map_or(domain::Timestamp::EPOCH, |host| host.last_enrolled_at);
    call.app.world.now().since(call.app.registry.seen_at(host).max(enrolled)) >= 30 * DAY
}

/// Whether a text is part of what the host is called.
fn matches(call: &Call, host: HostId, query: &str) -> bool {
    let identity = call.app.registry.identity(host).unwrap_or_default();
    let names = [identity.hostname, identity.computer_name, identity.uuid, identity.hardware_serial];
    names.iter().any(|name| name.to_lowercase().contains(query))
}

fn status(value: &Value) -> Result<Status, Problem> {
    Ok(match value.as_str().unwrap_or_default() {
        "new" => Status::New,
        "online" => Status::Online,
        "offline" => Status::Offline,
        "missing" | "mia" => Status::Missing,
        _ => return Err(Problem::bad_request("status must be one of: new, online, offline, missing")),
    })
}

/// A number, also as text: clients send both.
fn number(value: &Value) -> Result<u32, Problem> {
    let number = value.as_u64().or_else(|| value.as_str()?.parse().ok());
    let number = number.and_then(|number| u32::try_from(number).ok());
    number.ok_or_else(|| Problem::bad_request("json decoder error"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(filters: Value) -> Result<HostFilter, String> {
        HostFilter::parse(filters.as_object().unwrap()).map_err(|problem| {
            assert_eq!(problem.status().as_u16(), 400);
            problem.reason().to_owned()
        })
    }

    #[test]
    fn rest_check_43_filters_and_their_refusals() {
        assert_eq!(parse(json!({"quer": "x"})), Err("unknown filter key: quer".into()));
        assert_eq!(parse(json!({"query": " "})), Err("query must not be empty".into()));
        let statuses = "status must be one of: new, online, offline, missing";
        assert_eq!(parse(json!({"status": "gone"})), Err(statuses.into()));
        assert_eq!(parse(json!({"label_id": "x"})), Err("json decoder error".into()));
        assert_eq!(parse(json!({})), Ok(HostFilter::default()));
        let all = parse(json!({"query": " A ", "status": "mia", "label_id": 3, "team_id": 0})).unwrap();
        let expected = HostFilter {
            query: Some("a".into()),
            status: Some(Status::Missing),
            label: Some(LabelId(3)),
            team: Some(None),
        };
        assert_eq!(all, expected);
    }
}
