//! Every route of the reading side with the action that it needs, so that a test can walk the table.

use actix_web::web::{self, ServiceConfig};
use domain::role::Action;
use infra_http::path;

use crate::{account, campaigns, config, log_tail, queries, stream, system, teams, users};

/// A row of the role table.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    /// As `infra_http::path` spells it out.
    pub path: &'static str,
    /// What somebody must be allowed to do in some scope; `None` is open to all or to everyone signed in.
    pub action: Option<Action>,
}

macro_rules! table {
    ($($path:literal => $handler:path, $action:expr;)*) => {
        /// All GET routes.
        pub const ROUTES: &[Route] = &[$(Route { path: $path, action: $action },)*];

        /// Registers all of them, and the streams.
        pub fn routes(config: &mut ServiceConfig) {
            stream::fleet_routes(config);
            stream::follow_routes(config);
            $(config.route(&path($path), web::get().to($handler));)*
        }
    };
}

table! {
    "/version" => system::version, None;
    "/healthz" => system::health, None;
    "~/version" => system::version_signed_in, Some(Action::ReadVersion);
    "~v1/sso" => account::sso, None;
    "~/me" => account::me, None;
    "~/users" => users::list, Some(Action::ReadUsers);
    "~/users/{id}" => users::one, None;
    "~/teams" => teams::list, Some(Action::ReadTeams);
    "~/teams/{id}" => teams::one, Some(Action::ReadTeam);
    "~/teams/{id}/users" => teams::users, Some(Action::ReadTeam);
    "~/teams/{id}/secrets" => teams::secrets, Some(Action::ReadTeam);
    "~/spec/enroll_secret" => teams::global_secrets, Some(Action::ReadSecrets);
    "~/config" => config::show, Some(Action::ReadConfig);
    "~/config/certificate" => config::certificate, Some(Action::ReadConfig);
    "~/queries" => queries::list, Some(Action::ReadQueries);
    "~/queries/{id}" => queries::one, Some(Action::ReadQueries);
    "~/spec/queries" => queries::specs, Some(Action::ReadQueries);
    "~/spec/queries/{name}" => queries::spec, Some(Action::ReadQueries);
    "~/status/live_query" => system::live_query_status, Some(Action::ReadVersion);
    "~/status/result_store" => system::result_store_status, Some(Action::ReadVersion);
    "/api/muster/v1/campaigns" => campaigns::list, Some(Action::ReadHosts);
    "/api/muster/v1/campaigns/{id}" => campaigns::one, Some(Action::ReadHosts);
    "/api/muster/v1/log/{topic}" => log_tail::tail, Some(Action::ReadLog);
}
