//! Reading views so that nobody misses what they wrote, now or as of a time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::header::{HeaderName, HeaderValue};
use domain::{CampaignId, HostId, Timestamp};
use infra_http::{Params, Problem, Reply};
use infra_live::Streams;
use infra_log::Position;
use infra_stores::Views;
use infra_world::World;
use projections::read::{self, CampaignTotal, NOW, TeamScope};
use projections::{FoldError, Follow, Progress, view};
use serde_json::{Value, json};

use crate::hosts::display_name;

/// How long a read waits for the views to reach the log's end.
const PATIENCE: Duration = Duration::from_secs(2);

/// The views, the live streams, and how far both are.
#[derive(Clone)]
pub struct Reads {
    pub views: Views,
    pub streams: Arc<dyn Streams>,
    pub progress: Progress,
}

/// What a host is called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Name {
    pub hostname: String,
    pub display_name: String,
}

/// The time that a read is about, and how far the views it uses are.
#[derive(Clone, Copy, Debug)]
pub struct AsOf {
    /// What to read at; [`NOW`] for the present.
    pub at: Timestamp,
    /// The time that was asked for, if one was.
    pub past: Option<Timestamp>,
    complete_to: Timestamp,
    behind: bool,
}

impl Reads {
    /// Prepares a read as of the `as_of` parameter, or as of now, and waits until the views have what was acknowledged.
    ///
    /// 400 for a time that is none, has no offset, or lies ahead.
    pub async fn as_of(&self, params: &Params, world: &World, views: &[&str]) -> Result<AsOf, Problem> {
        let past = match params.get("as_of") {
            None => None,
            Some(text) => {
                let time = Timestamp::parse_rfc3339(text).ok_or_else(|| {
                    Problem::bad_request(format!(
                        "as_of {text:?} is not a time with an offset such as 2026-01-31T12:00:00Z"
                    ))
                })?;
                if time > world.now() {
                    return Err(Problem::bad_request(format!("as_of {text} lies in the future")));
                }
                Some(time)
            }
        };
        let settled = self.progress.settle(views, past, PATIENCE).await;
        let settled = settled.map_err(|error| Problem::unavailable("the log cannot be read", error))?;
        Ok(AsOf { at: past.unwrap_or(NOW), past, complete_to: settled.complete_to, behind: settled.behind })
    }

    /// Waits, for two seconds at most, until these views have all that was acknowledged before; says whether they have.
    pub async fn caught_up(&self, views: &[&str]) -> bool {
        match self.progress.settle(views, None, PATIENCE).await {
            Ok(settled) => !settled.behind,
            Err(error) => {
                tracing::warn!("views are read although the log cannot say where it ends: {error}");
                false
            }
        }
    }

    /// When hosts came to these teams, as of what was acknowledged before.
    pub async fn arrivals(&self, scope: &TeamScope) -> Result<Arrivals, FoldError> {
        let known = *scope == TeamScope::All || self.caught_up(&[view::HOSTS]).await;
        Ok(Arrivals { known, came: read::host_arrivals(&self.views, scope).await? })
    }

    /// A reader of a campaign's answers.
    pub fn follow(&self, campaign: CampaignId, after: Option<Position>) -> Follow {
        Follow::new(self.views.clone(), self.streams.clone(), campaign, after)
    }

    /// What a campaign's answers add up to.
    pub async fn totals(&self, campaign: CampaignId) -> Result<CampaignTotal, FoldError> {
        Ok(read::campaign_totals(&self.views, &[campaign]).await?.remove(&campaign).unwrap_or_default())
    }

    /// What hosts are called now, in the order asked.
    pub async fn names(&self, hosts: &[HostId]) -> Result<Vec<Name>, FoldError> {
        let facts = read::host_facts(&self.views, NOW, hosts).await?;
        let name = |host: &HostId| {
            let Some(facts) = facts.get(host) else { return Name::default() };
            let display_name = display_name(&facts.identity, &facts.hardware);
            Name { hostname: facts.identity.hostname.clone(), display_name }
        };
        Ok(hosts.iter().map(name).collect())
    }
}

/// When the hosts of a reader came to the reader's teams: what they said before is not for that reader.
pub struct Arrivals {
    /// False while the view of hosts is behind. A host that just came has no arrival there, as if it had always been there.
    known: bool,
    came: BTreeMap<HostId, Timestamp>,
}

impl Arrivals {
    /// Whether a host was there at a time. While that is not known, nobody was.
    pub fn there(&self, host: HostId, time: Timestamp) -> bool {
        self.known && self.came.get(&host).is_none_or(|came| *came <= time)
    }
}

impl AsOf {
    /// Answers with what was read; tells `complete_to` of a past read, and in a header if the views were behind.
    pub fn answer(&self, request: &actix_web::HttpRequest, mut body: Value) -> HttpResponse {
        use actix_web::Responder;
        if self.past.is_some() {
            body["complete_to"] = json!(self.complete_to.to_rfc3339());
        }
        let mut response = Reply::ok(body).respond_to(request);
        if self.behind
            && let Ok(value) = HeaderValue::from_str(&self.complete_to.to_rfc3339())
        {
            response.headers_mut().insert(HeaderName::from_static("muster-behind"), value);
        }
        response
    }
}

/// A view that cannot be read.
pub fn unreadable(error: impl std::fmt::Display) -> Problem {
    Problem::unavailable("the views cannot be read", error)
}
