//! Every command of the API, with the right that it needs somewhere. The handlers check the exact scope.

use actix_web::http::Method;
use actix_web::web::{self, ServiceConfig};
use domain::role::Action;
use infra_http::path;

use crate::admin::{
    config, host_labels, hosts, label_specs, labels, queries, query_specs, role_specs, secrets, session, setup,
    team_specs, team_users, teams, translate, users,
};

/// A row of the role table.
#[derive(Clone, Debug)]
pub struct Route {
    pub method: Method,
    /// As [`infra_http::path`] spells it out.
    pub path: &'static str,
    /// What somebody must be allowed to do in some scope; `None` is open to everyone signed in, or to all.
    pub action: Option<Action>,
}

macro_rules! table {
    ($($method:ident $path:literal => $handler:path, $action:expr;)*) => {
        /// All of them.
        pub const ROUTES: &[Route] = &[$(Route { method: Method::$method, path: $path, action: $action },)*];

        /// Registers all of them, verb by verb, so that other APIs may serve other verbs of the same paths.
        pub fn routes(config: &mut ServiceConfig) {
            $(config.route(&path($path), web::method(Method::$method).to($handler));)*
        }
    };
}

table! {
    POST "/api/v1/setup" => setup::handle, None;
    POST "/api/setup" => setup::handle, None;
    POST "~/login" => session::login, None;
    POST "~/logout" => session::logout, None;
    POST "~/change_password" => session::change_password, None;
    POST "~/perform_required_password_reset" => session::reset_password, None;
    POST "~/users/admin" => users::create, Some(Action::WriteUsers);
    PATCH "~/users/{id}" => users::change, None;
    DELETE "~/users/{id}" => users::delete, Some(Action::WriteUsers);
    POST "~/users/{id}/require_password_reset" => users::require_reset, Some(Action::WriteUsers);
    POST "/api/muster/v1/users/{id}/erase" => users::erase, Some(Action::WriteUsers);
    POST "~/users/roles/spec" => role_specs::apply, Some(Action::WriteUsers);
    POST "~/translate" => translate::translate, None;
    POST "~/teams" => teams::create, Some(Action::WriteTeam);
    PATCH "~/teams/{id}" => teams::change, Some(Action::WriteTeam);
    DELETE "~/teams/{id}" => teams::delete, Some(Action::WriteTeam);
    POST "~/teams/{id}/agent_options" => teams::agent_options, Some(Action::WriteTeam);
    PATCH "~/teams/{id}/users" => team_users::add, Some(Action::WriteTeam);
    DELETE "~/teams/{id}/users" => team_users::remove, Some(Action::WriteTeam);
    PATCH "~/teams/{id}/secrets" => secrets::replace_of_team, Some(Action::WriteSecrets);
    POST "~/spec/teams" => team_specs::apply, Some(Action::WriteTeam);
    POST "~/spec/enroll_secret" => secrets::replace_global, Some(Action::WriteSecrets);
    PATCH "~/config" => config::change, Some(Action::WriteConfig);
    DELETE "~/hosts/{id}" => hosts::delete, Some(Action::WriteHosts);
    POST "~/hosts/delete" => hosts::delete_many, Some(Action::WriteHosts);
    POST "~/hosts/transfer" => hosts::transfer, Some(Action::TransferHosts);
    POST "~/hosts/transfer/filter" => hosts::transfer_filtered, Some(Action::TransferHosts);
    POST "~/hosts/{id}/refetch" => hosts::refetch, Some(Action::RefetchHosts);
    POST "~/hosts/{id}/labels" => host_labels::add, Some(Action::LabelHosts);
    DELETE "~/hosts/{id}/labels" => host_labels::remove, Some(Action::LabelHosts);
    POST "~/labels" => labels::create, Some(Action::WriteLabels);
    PATCH "~/labels/{id}" => labels::change, Some(Action::WriteLabels);
    DELETE "~/labels/id/{id}" => labels::delete, Some(Action::WriteLabels);
    DELETE "~/labels/{name}" => labels::delete_named, Some(Action::WriteLabels);
    POST "~/spec/labels" => label_specs::apply, Some(Action::WriteLabels);
    POST "~/queries" => queries::create, Some(Action::WriteQueries);
    PATCH "~/queries/{id}" => queries::change, Some(Action::WriteQueries);
    DELETE "~/queries/id/{id}" => queries::delete, Some(Action::WriteQueries);
    DELETE "~/queries/{name}" => queries::delete_named, Some(Action::WriteQueries);
    POST "~/queries/delete" => queries::delete_many, Some(Action::WriteQueries);
    POST "~/spec/queries" => query_specs::apply, Some(Action::WriteQueries);
}
