//! Our own stream: any reader with the right, from any position, and nobody's leaving ends anything.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::web::{self, Data, Payload, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use domain::CampaignId;
use infra_log::Position;
use projections::{FoldError, HostAnswer};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::{Instant, MissedTickBehavior, interval, interval_at};

use super::fleet::sign_in;
use super::frames::Framing;
use super::handshake::{End, Heard, Socket, origin_is_ours, parse, token};
use super::rows;
use crate::app::App;
use crate::campaigns;
use crate::guard::Guard;
use crate::reads::Name;

const TICK: Duration = Duration::from_secs(1);
const KEEP_ALIVE: Duration = Duration::from_secs(25);
const BATCH: usize = 64;

pub fn routes(config: &mut ServiceConfig) {
    config.route("/api/muster/v1/campaigns/stream", web::get().to(open));
}

#[derive(Deserialize)]
struct Follow {
    campaign_id: CampaignId,
    #[serde(default)]
    after: Option<Position>,
}

/// The messages are documented with the campaigns API.
async fn open(app: Data<App>, request: HttpRequest, body: Payload) -> actix_web::Result<HttpResponse> {
    if !origin_is_ours(&request) {
        return Ok(HttpResponse::new(StatusCode::FORBIDDEN));
    }
    let (response, session, frames) = actix_ws::handle(&request, body)?;
    actix_web::rt::spawn(converse(app.into_inner(), Socket::new(session, frames, Framing::Raw)));
    Ok(response)
}

async fn converse(app: Arc<App>, mut socket: Socket) {
    let end = tokio::select! {
        followed = follow(&app, &mut socket) => followed.err().unwrap_or(End::Done),
        () = app.closing.cancelled() => End::Stopping,
    };
    socket.close(end).await;
}

/// Ends well when all is sent.
async fn follow(app: &App, socket: &mut Socket) -> Result<(), End> {
    let first = socket.hear_soon().await.ok_or(End::Done)?;
    let token = token(&first).ok_or_else(|| End::told("unauthorized"))?;
    let user = sign_in(app, &token).await.ok_or_else(|| End::told("unauthorized"))?;
    let second = socket.hear_soon().await.ok_or(End::Done)?;
    let Some(("follow", Ok(wanted))) =
        parse(&second).as_ref().map(|(kind, data)| (kind.as_str(), Follow::deserialize(data)))
    else {
        return Err(End::told("expected follow with a campaign_id"));
    };
    let fold = app.ledger.read_to_end().await;
    let fold = fold.map_err(|_| End::told("the log cannot be read at the moment: try again"))?;
    let campaign = campaigns::readable(app, &fold.state, &user, wanted.campaign_id).await.map_err(unreadable)?;
    let Some(campaign) = campaign else {
        return Err(End::Told(format!("there is no campaign {} that you may read", wanted.campaign_id)));
    };
    drop(fold);
    let (id, guard) = (campaign.id, campaigns::guard(app, &user, campaign));
    let answers = app.reads.follow(id, wanted.after);
    Following { app, campaign: id, answers, guard, told: None }.run(socket).await
}

struct Following<'a> {
    app: &'a App,
    campaign: CampaignId,
    answers: projections::Follow,
    guard: Guard,
    told: Option<Value>,
}

impl Following<'_> {
    async fn run(mut self, socket: &mut Socket) -> Result<(), End> {
        let mut tick = interval(TICK);
        let mut keep_alive = interval_at(Instant::now() + KEEP_ALIVE, KEEP_ALIVE);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                // Rights first: whoever lost them is sent nothing more.
                biased;
                lost = self.guard.lost() => return Err(End::Lost(lost)),
                heard = socket.hear() => match heard {
                    Heard::Message(_) => {}
                    Heard::Gone => return Err(End::Done),
                },
                _ = keep_alive.tick() => socket.keep_alive().await?,
                _ = tick.tick() => {
                    if self.tell_campaign(socket).await? {
                        return Ok(());
                    }
                }
                found = self.answers.next(BATCH, KEEP_ALIVE) => self.tell_answers(socket, found.map_err(unreadable)?).await?,
            }
        }
    }

    async fn tell_answers(&mut self, socket: &mut Socket, found: Vec<HostAnswer>) -> Result<(), End> {
        let hosts: Vec<_> = found.iter().map(|one| one.host).collect();
        let names = self.app.reads.names(&hosts).await.map_err(unreadable)?;
        for (one, name) in found.iter().zip(&names) {
            socket.send("result", answer(one, name)).await?;
        }
        Ok(())
    }

    /// Tells the campaign when it changed; true when it has ended and everything is told.
    async fn tell_campaign(&mut self, socket: &mut Socket) -> Result<bool, End> {
        let fold = self.app.ledger.fold();
        let campaign = campaigns::known(self.app, &fold.state, self.campaign).await.map_err(unreadable)?;
        let Some(campaign) = campaign else { return Ok(true) };
        // Until the view has everything the end is not told: a client would leave and miss what is still to come.
        let ended = campaign.ended.is_some() && self.app.reads.caught_up(&[projections::view::ANSWERS]).await;
        if ended {
            self.tell_rest(socket).await?;
        }
        let shown = campaigns::show(self.app, &fold.state, &campaign).await.map_err(unreadable)?;
        if self.told.as_ref() != Some(&shown) {
            socket.send("campaign", shown.clone()).await?;
            self.told = Some(shown.clone());
        }
        if ended {
            socket.send("end", shown).await?;
        }
        Ok(ended)
    }

    /// Everything that the log has, through the view.
    async fn tell_rest(&mut self, socket: &mut Socket) -> Result<(), End> {
        loop {
            if let Some(lost) = self.guard.look() {
                return Err(End::Lost(lost));
            }
            let found = self.answers.next(BATCH, Duration::ZERO).await.map_err(unreadable)?;
            if found.is_empty() {
                return Ok(());
            }
            self.tell_answers(socket, found).await?;
        }
    }
}

fn unreadable(error: FoldError) -> End {
    tracing::warn!("a stream ends, since results cannot be read: {error}");
    End::told("results cannot be read at the moment: follow again from the last position, nothing is lost")
}

/// The shape of one answer, in the stream and in pages.
pub fn answer(answer: &HostAnswer, name: &Name) -> Value {
    let mut data = json!({
        "position": answer.position,
        "host": {"id": answer.host, "hostname": name.hostname, "display_name": name.display_name},
        "state": answer.state.name(),
        "rows": rows::plain(answer),
        "cut": answer.cut,
        "received_at": answer.recorded.to_rfc3339(),
    });
    if !answer.error.is_empty() {
        data["error"] = answer.error.clone().into();
    }
    data
}
