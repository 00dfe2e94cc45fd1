//! The names that osquery gives to scheduled queries in its log.

use crate::TeamId;

/// The team (none for a global one) and name of a scheduled query, from `pack<d>Global<d>NAME` or
/// `pack<d>team-<id><d>NAME`; the delimiter is worked out from the text. `None` for queries of other sources.
pub fn scheduled_name(name: &str) -> Option<(Option<TeamId>, &str)> {
    let rest = name.strip_prefix("pack")?;
    global(rest).or_else(|| of_team(rest))
}

fn global(rest: &str) -> Option<(Option<TeamId>, &str)> {
    let (delimiter, after) = rest.split_once("Global")?;
    Some((None, query(delimiter, after)?))
}

fn of_team(rest: &str) -> Option<(Option<TeamId>, &str)> {
    let (delimiter, after) = rest.split_once("team-")?;
    let digits = after.find(|one: char| !one.is_ascii_digit())?;
    let team = after[..digits].parse().ok()?;
    Some((Some(TeamId(team)), query(delimiter, &after[digits..])?))
}

fn query<'a>(delimiter: &str, after: &'a str) -> Option<&'a str> {
    let name = after.strip_prefix(delimiter)?;
    (!delimiter.is_empty() && !name.is_empty()).then_some(name)
}
