//! How many hosts there are of which kind. Source: rest-api §9.4.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use domain::Members;
use domain::role::{Action, Scope};
use infra_http::{Params, Problem, SignedIn, shape};
use projections::read::{self, HostFilter};
use serde_json::{Value, json};

use super::VIEWS;
use super::filter::{Filter, Status};
use super::list::{scope, status_members};
use crate::App;
use crate::reads::unreadable;

/// Platforms that are Linux.
const LINUX: &[&str] = &[
    "linux",
    "ubuntu",
    "debian",
    "rhel",
    "centos",
    "sles",
    "kali",
    "gentoo",
    "amzn",
    "pop",
    "arch",
    "linuxmint",
    "void",
    "nixos",
    "endeavouros",
    "manjaro",
    "opensuse-leap",
    "opensuse-tumbleweed",
    "tuxedo",
    "neon",
    "fedora",
];

/// `GET ~/host_summary` → counts by presence and platform; `team_id`, `platform` (`linux` is every kind of it),
/// `low_disk_space`. Unknown teams and platforms give zeros.
pub async fn summary(app: Data<App>, user: SignedIn, request: HttpRequest) -> Result<HttpResponse, Problem> {
    user.may(Action::ReadHosts, Scope::Any)?;
    let params = Params::parse(request.query_string());
    let filter = Filter::parse(&params)?;
    let as_of = app.reads.as_of(&Params::parse(""), &app.world, VIEWS).await?;
    let platforms = params.text("platform").map(|platform| match platform {
        "linux" => LINUX.iter().map(|name| (*name).to_owned()).collect(),
        one => vec![one.to_owned()],
    });
    let wanted = HostFilter {
        scope: scope(&user.roles, Action::ReadHosts),
        team: filter.team,
        platforms,
        ..HostFilter::default()
    };
    let views = &app.reads.views;
    let hosts = read::host_ids(views, as_of.at, &wanted).await.map_err(unreadable)?;
    let by_platform = read::host_platforms(views, as_of.at, &wanted).await.map_err(unreadable)?;
    let fold = app.ledger.fold();
    let count = |status| status_members(&app, &fold.state, status).and(&hosts).len();
    let online: u64 = count(Status::Online);
    let missing = count(Status::Missing);
    let linux: u64 =
        by_platform.iter().filter(|(name, _)| LINUX.contains(&name.as_str())).map(|(_, count)| count).sum();
    let labels = fold.state.labels.iter().filter(|label| label.builtin).map(shape::label::summary);
    let shown_platforms: Vec<Value> =
        by_platform.iter().map(|(platform, count)| json!({"platform": platform, "hosts_count": count})).collect();
    let mut answer = json!({
        "totals_hosts_count": hosts.len(),
        "online_count": online,
        "offline_count": hosts.len() - online,
        "mia_count": missing,
        "missing_30_days_count": missing,
        "new_count": count(Status::New),
        "all_linux_count": linux,
        "builtin_labels": labels.collect::<Vec<_>>(),
        "platforms": shown_platforms,
    });
    if let Some(team) = filter.team {
        answer["team_id"] = json!(team.map_or(0, |team| team.0));
    }
    if filter.low_disk_space.is_some() {
        let low = HostFilter { low_disk_gigs: filter.low_disk_space, ..wanted };
        let low: Members = read::host_ids(views, as_of.at, &low).await.map_err(unreadable)?;
        answer["low_disk_space_count"] = json!(low.len());
    }
    Ok(as_of.answer(&request, answer))
}
