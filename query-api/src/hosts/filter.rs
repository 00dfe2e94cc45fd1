//! Which hosts a list is about. Source: rest-api §9.2.

use domain::{LabelId, TeamId};
use infra_http::{Params, Problem};

/// Presence, as lists filter by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Enrolled in the last 24 hours.
    New,
    Online,
    Offline,
    /// Unseen for 30 days.
    Missing,
}

/// Filters of `hosts`, `hosts/count` and `labels/{id}/hosts`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    pub status: Option<Status>,
    /// `Some(None)` is the hosts without a team.
    pub team: Option<Option<TeamId>>,
    pub label: Option<LabelId>,
    /// Name and version of the operating system, both or neither.
    pub os: Option<(String, String)>,
    /// GB: hosts with less than that free.
    pub low_disk_space: Option<u32>,
    /// Software, policies and vulnerabilities are not known to this release: nothing matches them.
    pub nothing: bool,
    pub populate_labels: bool,
    pub populate_users: bool,
    pub device_mapping: bool,
}

impl Filter {
    /// 400 with the texts that clients know.
    pub fn parse(params: &Params) -> Result<Filter, Problem> {
        let number = |name: &str| params.number::<u32>(name, |text| format!("Invalid {name}: {text}"));
        let status = match params.text("status") {
            None => None,
            Some("new") => Some(Status::New),
            Some("online") => Some(Status::Online),
            Some("offline") => Some(Status::Offline),
            Some("missing" | "mia") => Some(Status::Missing),
            Some(other) => return Err(Problem::bad_request(format!("Invalid status: {other}"))),
        };
        let os = match (params.text("os_name"), params.text("os_version")) {
            (None, None) => None,
            (Some(name), Some(version)) => Some((name.to_owned(), version.to_owned())),
            (None, Some(_)) => {
                return Err(Problem::bad_request("Invalid os_name (os_name must be specified with os_version)"));
            }
            (Some(_), None) => {
                return Err(Problem::bad_request("Invalid os_version (os_version must be specified with os_name)"));
            }
        };
        let low_disk_space = number("low_disk_space")?;
        if let Some(wrong) = low_disk_space.filter(|gigs| !(1..=100).contains(gigs)) {
            return Err(Problem::bad_request(format!("Invalid low_disk_space, must be between 1 and 100: {wrong}")));
        }
        let policy = number("policy_id")?;
        check_policy(params, policy)?;
        let software = check_software(params)?;
        let vulnerability = params.text("vulnerability").is_some();
        let os_version = number("os_version_id")?.or(number("os_id")?);
        Ok(Filter {
            status,
            team: number("team_id")?.map(|team| (team != 0).then_some(TeamId(team))),
            label: number("label_id")?.map(LabelId),
            os,
            low_disk_space,
            nothing: policy.is_some() || software || vulnerability || os_version.is_some(),
            populate_labels: params.is_true("populate_labels"),
            populate_users: params.is_true("populate_users"),
            device_mapping: params.is_true("device_mapping"),
        })
    }
}

fn check_policy(params: &Params, policy: Option<u32>) -> Result<(), Problem> {
    match params.text("policy_response") {
        None => Ok(()),
        Some(other) if !["passing", "failing"].contains(&other) => Err(Problem::bad_request(format!(
            "Invalid policy_response: {other} (Valid options are 'passing' or 'failing')"
        ))),
        Some(_) if policy.is_none() => {
            Err(Problem::bad_request("Missing policy_id (it must be present when policy_response is specified)"))
        }
        Some(_) => Ok(()),
    }
}

/// Whether software is asked for.
fn check_software(params: &Params) -> Result<bool, Problem> {
    let given: Vec<&str> = ["software_version_id", "software_title_id", "software_id"]
        .into_iter()
        .filter(|name| params.text(name).is_some())
        .collect();
    for name in &given {
        params.number::<u32>(name, |text| format!("Invalid {name}: {text}"))?;
    }
    if let [one, other, ..] = given[..] {
        return Err(Problem::bad_request(format!(
            "Invalid parameters. The combination of {one} and {other} is not allowed."
        )));
    }
    if params.text("software_status").is_some() && given != ["software_title_id"] {
        let text = "Missing software_title_id (it must be present when software_status is specified)";
        return Err(Problem::bad_request(text));
    }
    Ok(!given.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(query: &str) -> String {
        Filter::parse(&Params::parse(query)).unwrap_err().reason().to_owned()
    }

    #[test]
    fn rest_check_41_filters_that_make_no_sense_are_refused_in_known_words() {
        assert_eq!(refused("status=mai"), "Invalid status: mai");
        assert_eq!(refused("team_id=x"), "Invalid team_id: x");
        assert_eq!(
            refused("policy_response=passing"),
            "Missing policy_id (it must be present when policy_response is specified)"
        );
        assert_eq!(
            refused("software_version_id=1&software_title_id=2"),
            "Invalid parameters. The combination of software_version_id and software_title_id is not allowed."
        );
        assert_eq!(refused("os_name=Ubuntu"), "Invalid os_version (os_version must be specified with os_name)");
        assert_eq!(refused("low_disk_space=0"), "Invalid low_disk_space, must be between 1 and 100: 0");
    }

    #[test]
    fn team_zero_is_no_team() {
        let team = |query: &str| Filter::parse(&Params::parse(query)).unwrap().team;
        assert_eq!(team("team_id=0"), Some(None));
        assert_eq!(team("team_id=7"), Some(Some(TeamId(7))));
        assert_eq!(team(""), None);
    }
}
