//! Live queries: starting, extending and ending them, and the forms that wait for their answers.
//!
//! Campaigns that Fleet's clients start are attended: they end with their last reader. Ours live until they expire.

mod answers;
mod cost;
mod life;
mod room;
mod selected;
mod start;
mod wait;

use actix_web::web::{self, ServiceConfig};
use domain::CampaignId;
use domain::campaign::Command;
use domain::role::Action;
use infra_http::path;

use crate::App;

pub use life::{expire, left};
pub use room::Waiting;

/// Routes, each with the least that somebody must be allowed to do somewhere.
pub const ROUTES: &[(&str, &str, Action)] = &[
    ("POST", "~/queries/run", Action::RunObserverQuery),
    ("POST", "~/queries/run_by_identifiers", Action::RunObserverQuery),
    ("POST", "~/queries/run_by_names", Action::RunObserverQuery),
    ("POST", "~/queries/{id}/run", Action::RunObserverQuery),
    ("GET", "~/queries/run", Action::RunObserverQuery),
    ("POST", "~/hosts/{id}/query", Action::RunAnyQuery),
    ("POST", "~/hosts/identifier/{identifier}/query", Action::RunAnyQuery),
    ("POST", "/api/muster/v1/campaigns", Action::RunObserverQuery),
    ("POST", "/api/muster/v1/campaigns/{id}/stop", Action::RunObserverQuery),
    ("POST", "/api/muster/v1/campaigns/{id}/extend", Action::RunObserverQuery),
];

pub fn routes(config: &mut ServiceConfig) {
    config
        .route(&path("~/queries/run"), web::post().to(start::by_ids))
        .route(&path("~/queries/run_by_identifiers"), web::post().to(start::by_identifiers))
        .route(&path("~/queries/run_by_names"), web::post().to(start::by_identifiers))
        .route(&path("~/queries/{id}/run"), web::post().to(wait::one_query))
        .route(&path("~/queries/run"), web::get().to(wait::several_queries))
        .route(&path("~/hosts/{id}/query"), web::post().to(wait::one_host))
        .route(&path("~/hosts/identifier/{identifier}/query"), web::post().to(wait::one_host_by_identifier))
        .route(&path("/api/muster/v1/campaigns"), web::post().to(start::ours))
        .route(&path("/api/muster/v1/campaigns/{id}/stop"), web::post().to(life::stop))
        .route(&path("/api/muster/v1/campaigns/{id}/extend"), web::post().to(life::extend));
}

/// Ends a campaign on behalf of the server itself; a failure is logged, and the next round of jobs tries again.
async fn end(app: &App, campaign: CampaignId) {
    let stats = cost::of(app, campaign).await;
    let command = Command::Stop { campaign, stats };
    if let Err(error) = app.ledger.execute(command.into(), crate::by_system(app)).await {
        tracing::warn!(campaign = campaign.0, "a campaign could not be ended: {error}");
    }
}
