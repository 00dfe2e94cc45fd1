//! A host answers what it was asked.

mod answer;

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use agent_protocol::Row;
use agent_protocol::request::{DistributedWrite, QueryAnswer};
use domain::detail::{self, Answer, Cells};
use domain::{CampaignId, LabelId};

use super::body::Post;
use super::caller::Caller;
use super::refusal::done;
use super::said::{Said, Shape};
use super::{Refused, address};
use crate::App;
use crate::registry::{Finished, LABEL, LIVE, NO_POLICIES, has_feature};

/// Rows; each of their cells is a name and a text.
const SHAPE: Shape = Shape { levels: 3, member: 128 };

/// Takes the answers to details, labels and live queries; acknowledged when all that is news is durable.
///
/// `POST distributed/write` `{node_key, queries: {name: rows}, statuses?, messages?, stats?}` → 200 `{}`.
/// One odd entry spoils no other; what was not asked is passed over. Of a write that is too large the beginning is taken
/// when the host says it for the third time, with what stands at its end about it. Source: osquery remote API, distributed queries.
pub async fn write(app: Data<App>, request: HttpRequest, payload: Payload) -> HttpResponse {
    Refused::or(serve(&app, &request, payload).await, &app.world)
}

async fn serve(app: &App, request: &HttpRequest, payload: Payload) -> Result<HttpResponse, Refused> {
    let limits = &app.settings.limits;
    let body = app.intake.read(app, request, payload, limits.write).await?;
    let said = Said::of(app, body, SHAPE).await?;
    let caller = Caller::of(app, &said.node_key).await?;
    let cut = said.cut;
    if cut && app.intake.strikes(caller.host().id, Post::Write) {
        return Err(Refused::too_large(limits.write));
    }
    let (write, _body) = said.parse(DistributedWrite::parse).await?;
    let public_ip = address::public_address(request, &app.settings.trusted_proxies);
    take(app, &caller, &write, cut, &public_ip).await?;
    if !cut {
        app.intake.forgive(caller.host().id, Post::Write);
    }
    Ok(done())
}

/// A wire row, for the domain.
struct Wire<'a>(&'a Row);

impl Cells for Wire<'_> {
    fn cell(&self, column: &str) -> Option<&str> {
        self.0.get(column)
    }
}

async fn take(app: &App, caller: &Caller, write: &DistributedWrite, cut: bool, public_ip: &str) -> Result<(), Refused> {
    let (host, state) = (caller.host(), caller.state());
    let registry = &app.registry;
    let had_platform = !registry.platform(host).is_empty();

    // What stood at the cut may lack rows: a live answer is marked so, but a half list would be a wrong fact.
    let last = write.queries.last().map(|answer| answer.name.as_str()).filter(|_| cut);
    let whole = || write.queries.iter().filter(|answer| Some(answer.name.as_str()) != last);
    let rows: Vec<(&str, &QueryAnswer, Vec<Wire<'_>>)> = whole()
        .filter_map(|answer| {
            Some((answer.name.strip_prefix(detail::PREFIX)?, answer, answer.rows.iter().map(Wire).collect()))
        })
        .filter(|(name, ..)| has_feature(state, host, name))
        .collect();
    let details: Vec<_> =
        rows.iter().map(|(name, answer, rows)| Answer { name, rows, failed: answer.failed() }).collect();
    let ingested = detail::ingest(&registry.known(host.id), &details, public_ip, caller.now);

    let labels: Vec<(LabelId, bool)> =
        numbered(whole(), LABEL).map(|(id, answer)| (id, !answer.failed() && !answer.rows.is_empty())).collect();
    let labelled = registry.label_answers(state, host, &labels);
    let finished = Finished {
        detailed: ingested.detailed,
        labelled: labelled.is_some(),
        judged: write.queries.iter().any(|answer| answer.name == NO_POLICIES),
    };
    let sections = ingested.sections.into_iter().chain(labelled).collect();

    let live: Vec<(CampaignId, &QueryAnswer)> = numbered(write.queries.iter(), LIVE).collect();
    futures::try_join!(
        async { registry.report(host.id, sections, caller.now).await.map_err(Refused::from) },
        answer::take(app, caller, &live, last),
    )?;
    registry.finished(host.id, finished, had_platform, caller.now);
    Ok(())
}

/// Answers to queries whose name ends in a number.
fn numbered<'a, Id: std::str::FromStr + 'a>(
    answers: impl Iterator<Item = &'a QueryAnswer>,
    prefix: &'a str,
) -> impl Iterator<Item = (Id, &'a QueryAnswer)> {
    answers.filter_map(move |answer| Some((answer.name.strip_prefix(prefix)?.parse().ok()?, answer)))
}
