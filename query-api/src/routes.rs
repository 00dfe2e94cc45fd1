//! Every route of the reading side with the action that it needs, so that a test can walk the table.

use actix_web::web::{self, ServiceConfig};
use domain::role::Action;
use infra_http::path;

use crate::{
    account, activities, campaigns, config, hosts, labels, log_tail, queries, reports, stream, system, targets, teams,
    users,
};

/// A row of the role table.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    /// `get`, or `post` where what is asked for stands in a body.
    pub method: &'static str,
    /// As `infra_http::path` spells it out.
    pub path: &'static str,
    /// What somebody must be allowed to do in some scope; `None` is open to all or to everyone signed in.
    pub action: Option<Action>,
}

macro_rules! table {
    ($($verb:ident $path:literal => $handler:path, $action:expr;)*) => {
        /// All routes but the streams.
        pub const ROUTES: &[Route] = &[$(Route { method: stringify!($verb), path: $path, action: $action },)*];

        /// Registers all of them, and the streams.
        pub fn routes(config: &mut ServiceConfig) {
            stream::fleet_routes(config);
            stream::follow_routes(config);
            $(config.route(&path($path), web::$verb().to($handler));)*
        }
    };
}

table! {
    get "/version" => system::version, None;
    get "/healthz" => system::health, None;
    get "~/version" => system::version_signed_in, Some(Action::ReadVersion);
    get "~v1/sso" => account::sso, None;
    get "~/me" => account::me, None;
    get "~/users" => users::list, Some(Action::ReadUsers);
    get "~/users/{id}" => users::one, None;
    get "~/teams" => teams::list, Some(Action::ReadTeams);
    get "~/teams/{id}" => teams::one, Some(Action::ReadTeam);
    get "~/teams/{id}/users" => teams::users, Some(Action::ReadTeam);
    get "~/teams/{id}/secrets" => teams::secrets, Some(Action::ReadTeam);
    get "~/spec/enroll_secret" => teams::global_secrets, Some(Action::ReadSecrets);
    get "~/config" => config::show, Some(Action::ReadConfig);
    get "~/config/certificate" => config::certificate, Some(Action::ReadConfig);
    get "~/queries" => queries::list, Some(Action::ReadQueries);
    get "~/queries/{id}" => queries::one, Some(Action::ReadQueries);
    get "~/spec/queries" => queries::specs, Some(Action::ReadQueries);
    get "~/spec/queries/{name}" => queries::spec, Some(Action::ReadQueries);
    get "~/status/live_query" => system::live_query_status, Some(Action::ReadVersion);
    get "~/status/result_store" => system::result_store_status, Some(Action::ReadVersion);
    get "/api/muster/v1/campaigns" => campaigns::list, Some(Action::ReadHosts);
    get "/api/muster/v1/campaigns/{id}" => campaigns::one, Some(Action::ReadHosts);
    get "/api/muster/v1/campaigns/{id}/answers" => campaigns::answers, Some(Action::ReadHosts);
    get "/api/muster/v1/campaigns/{id}/errors" => campaigns::errors, Some(Action::ReadHosts);
    get "/api/muster/v1/hosts/{id}/history" => hosts::history, Some(Action::ReadHosts);
    get "~/hosts" => hosts::list, Some(Action::ReadHosts);
    get "~/hosts/count" => hosts::count, Some(Action::ReadHosts);
    post "~/hosts/search" => hosts::search, Some(Action::ReadHosts);
    get "~/hosts/{id}" => hosts::by_id, Some(Action::ReadHosts);
    get "~/hosts/identifier/{identifier}" => hosts::by_identifier, Some(Action::FindHost);
    get "~/hosts/{id}/queries/{query_id}" => reports::of_host, Some(Action::ReadReports);
    get "~/host_summary" => hosts::summary, Some(Action::ReadHosts);
    get "~/queries/{id}/report" => reports::of_query, Some(Action::ReadReports);
    get "~/labels" => labels::list, Some(Action::ReadLabels);
    get "~/labels/summary" => labels::summary, Some(Action::ReadLabels);
    get "~/labels/{id}" => labels::one, Some(Action::ReadLabels);
    get "~/labels/{id}/hosts" => hosts::label_hosts, Some(Action::ReadHosts);
    get "~/spec/labels" => labels::specs, Some(Action::ReadLabels);
    get "~/spec/labels/{name}" => labels::spec, Some(Action::ReadLabels);
    get "~/activities" => activities::list, Some(Action::ReadActivities);
    post "~/targets" => targets::pick, Some(Action::ReadTargets);
    post "~/targets/count" => targets::count, Some(Action::ReadTargets);
    get "/api/muster/v1/log/{topic}" => log_tail::tail, Some(Action::ReadLog);
}
