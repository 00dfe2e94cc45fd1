//! The result stream of Fleet's clients, `…/fleet/results/…`.
//!
//! Two messages in, then `totals`, `status` and `result` out. Only the user who started a campaign may read it, as long as
//! they may see its hosts, and an attended campaign ends with its last reader. What answered before the reader came is sent too.
//!
//! Source: live-query §3.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::web::{self, Data, Payload, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use domain::CampaignId;
use domain::campaign::Campaign;
use infra_http::Caller;
use projections::{FoldError, Follow, HostAnswer};
use serde_json::{Value, json};
use tokio::time::{Instant, MissedTickBehavior, interval, interval_at};

use super::frames::Framing;
use super::handshake::{End, Heard, Socket, origin_is_ours, parse, token};
use super::{Counts, Totals, rows};
use crate::app::App;
use crate::campaigns;
use crate::guard::Guard;
use crate::reads::Name;

const TICK: Duration = Duration::from_secs(5);
const KEEP_ALIVE: Duration = Duration::from_secs(25);
const ATTEND_EVERY: Duration = Duration::from_secs(10);
/// A campaign may be known to another node some moments before it is known here.
const FIND_WITHIN: Duration = Duration::from_secs(5);
const BATCH: usize = 64;

/// Registers the stream under every version, in both framings.
pub fn routes(config: &mut ServiceConfig) {
    for version in ["v1", "2022-04", "latest"] {
        let base = format!("/api/{version}/fleet/results");
        config
            .route(&format!("{base}/websocket"), web::get().to(raw))
            .route(&format!("{base}/info"), web::get().to(info))
            .route(&format!("{base}/"), web::get().to(welcome))
            .route(&format!("{base}/{{server:[^/.]+}}/{{session:[^/.]+}}/websocket"), web::get().to(sockjs));
    }
}

async fn raw(app: Data<App>, request: HttpRequest, body: Payload) -> actix_web::Result<HttpResponse> {
    open(app, request, body, Framing::Raw)
}

async fn sockjs(app: Data<App>, request: HttpRequest, body: Payload) -> actix_web::Result<HttpResponse> {
    open(app, request, body, Framing::SockJs)
}

async fn welcome() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; charset=UTF-8").body("Welcome to SockJS!\n")
}

async fn info(app: Data<App>) -> HttpResponse {
    let entropy = u32::from_be_bytes(app.world.bytes());
    HttpResponse::Ok()
        .insert_header(("Access-Control-Allow-Origin", "*"))
        .insert_header(("Cache-Control", "no-store, no-cache, no-transform, must-revalidate, max-age=0"))
        .json(json!({"websocket": true, "cookie_needed": false, "origins": ["*:*"], "entropy": entropy}))
}

fn open(app: Data<App>, request: HttpRequest, body: Payload, framing: Framing) -> actix_web::Result<HttpResponse> {
    if !origin_is_ours(&request) {
        return Ok(HttpResponse::new(StatusCode::FORBIDDEN));
    }
    let Ok((response, session, frames)) = actix_ws::handle(&request, body) else {
        return Ok(HttpResponse::BadRequest()
            .content_type("text/plain; charset=utf-8")
            .body("this path speaks websocket only\n"));
    };
    actix_web::rt::spawn(converse(app.into_inner(), Socket::new(session, frames, framing)));
    Ok(response)
}

async fn converse(app: Arc<App>, mut socket: Socket) {
    let end = tokio::select! {
        read = read(&app, &mut socket) => read.err().unwrap_or(End::Done),
        () = app.closing.cancelled() => End::Stopping,
    };
    socket.close(end).await;
}

async fn read(app: &App, socket: &mut Socket) -> Result<(), End> {
    socket.open().await?;
    let token = socket.hear_soon().await.as_deref().and_then(token).ok_or(End::Done)?;
    let user = sign_in(app, &token).await.ok_or_else(|| End::told("unauthorized"))?;
    let campaign = select(app, socket, &user).await?;
    let (campaign, mut guard) = (campaign.id, campaigns::guard(app, &user, campaign));
    let reader = app.world.uuid();
    app.attendance.attended(campaign, &reader).await;
    let read = Stream::new(app, campaign, &reader).run(socket, &mut guard).await;
    app.attendance.left(campaign, &reader).await;
    read
}

/// Whose token it is; an account that must set a new password is nobody here.
pub async fn sign_in(app: &App, token: &str) -> Option<Caller> {
    app.access.caller(token).await.ok().filter(|caller| !caller.must_reset_password)
}

/// The campaign of a good `select_campaign`.
async fn select(app: &App, socket: &mut Socket, user: &Caller) -> Result<Campaign, End> {
    let message = socket.hear_soon().await.ok_or(End::Done)?;
    let refuse = |text: &str| Err(End::told(text));
    let Some((kind, data)) = parse(&message) else { return refuse("error reading select_campaign") };
    if kind != "select_campaign" {
        return refuse("expected select_campaign");
    }
    let id = match data.get("campaign_id") {
        None if data.is_object() => 0,
        found => match found.and_then(Value::as_u64).and_then(|id| u32::try_from(id).ok()) {
            Some(id) => id,
            None => return refuse("error unmarshaling select_campaign data"),
        },
    };
    if id == 0 {
        return refuse("0 is not a valid campaign ID");
    }
    match find(app, CampaignId(id)).await {
        None => Err(End::Told(format!("timeout: cannot find campaign for ID {id}"))),
        Some(campaign) if campaign.by != Some(user.user) => refuse("forbidden"),
        Some(campaign) => Ok(campaign),
    }
}

async fn find(app: &App, id: CampaignId) -> Option<Campaign> {
    let mut folded = app.ledger.watch();
    let deadline = Instant::now() + FIND_WITHIN;
    loop {
        if let Some(campaign) = app.ledger.fold().state.campaigns.get(id) {
            return Some(campaign.clone());
        }
        tokio::time::timeout_at(deadline, folded.changed()).await.ok()?.ok()?;
    }
}

/// One reader's view of one campaign.
struct Stream<'a> {
    app: &'a App,
    campaign: CampaignId,
    reader: &'a str,
    answers: Follow,
    counts: Counts,
    finished: bool,
    told: (Option<Totals>, Option<Value>),
}

impl<'a> Stream<'a> {
    fn new(app: &'a App, campaign: CampaignId, reader: &'a str) -> Self {
        let answers = app.reads.follow(campaign, None);
        Stream { app, campaign, reader, answers, counts: Counts::default(), finished: false, told: (None, None) }
    }

    /// Until the client leaves, may not read any more, or the server cannot go on.
    async fn run(mut self, socket: &mut Socket, guard: &mut Guard) -> Result<(), End> {
        let mut tick = interval_at(Instant::now() + TICK, TICK);
        let mut keep_alive = interval_at(Instant::now() + KEEP_ALIVE, KEEP_ALIVE);
        let mut attend = interval(ATTEND_EVERY);
        for timer in [&mut tick, &mut keep_alive, &mut attend] {
            timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
        }
        if let Some(lost) = guard.look() {
            return Err(End::Lost(lost));
        }
        self.tell_progress(socket).await?;
        loop {
            tokio::select! {
                // Rights first: whoever lost them is sent nothing more.
                biased;
                lost = guard.lost() => return Err(End::Lost(lost)),
                heard = socket.hear() => match heard {
                    // Clients say nothing after their two messages; what one says all the same changes nothing.
                    Heard::Message(_) => {}
                    Heard::Gone => return Err(End::Done),
                },
                _ = keep_alive.tick() => socket.keep_alive().await?,
                _ = attend.tick() => self.app.attendance.attended(self.campaign, self.reader).await,
                _ = tick.tick() => self.tell_progress(socket).await?,
                found = self.answers.next(BATCH, KEEP_ALIVE) => {
                    let found = found.map_err(|error| unreadable(self.campaign, error))?;
                    self.tell_answers(socket, found).await?;
                }
            }
        }
    }

    async fn tell_answers(&mut self, socket: &mut Socket, found: Vec<HostAnswer>) -> Result<(), actix_ws::Closed> {
        let hosts: Vec<_> = found.iter().map(|one| one.host).collect();
        let names = self.app.reads.names(&hosts).await.unwrap_or_else(|error| {
            tracing::warn!("host names cannot be read: {error}");
            vec![Name::default(); hosts.len()]
        });
        for (one, name) in found.iter().zip(names) {
            self.counts.add(one.state, one.row_count);
            socket.send("result", result(self.campaign, one, &name)).await?;
        }
        Ok(())
    }

    async fn tell_progress(&mut self, socket: &mut Socket) -> Result<(), actix_ws::Closed> {
        let fold = self.app.ledger.fold();
        let Some(campaign) = fold.state.campaigns.get(self.campaign) else { return Ok(()) };
        let totals = Totals::of(campaign, &fold.state, &self.app.presence, self.app.world.now());
        let actual = self.counts.answers();
        self.finished |= actual >= totals.online;
        let status = json!({
            "expected_results": totals.online,
            "actual_results": actual,
            "count_of_hosts_with_results": self.counts.with_rows,
            "count_of_hosts_with_no_results": self.counts.empty,
            "status": if self.finished { "finished" } else { "pending" },
        });
        if self.told.0 != Some(totals) {
            socket.send("totals", serde_json::to_value(totals).unwrap_or_default()).await?;
            self.told.0 = Some(totals);
        }
        if self.told.1.as_ref() != Some(&status) {
            socket.send("status", status.clone()).await?;
            self.told.1 = Some(status);
        }
        Ok(())
    }
}

fn unreadable(campaign: CampaignId, error: FoldError) -> End {
    tracing::warn!(campaign = campaign.0, "answers cannot be read: {error}");
    End::told("results cannot be read at the moment: open the stream again, nothing is lost")
}

fn result(campaign: CampaignId, answer: &HostAnswer, name: &Name) -> Value {
    let mut data = json!({
        "distributed_query_execution_id": campaign,
        "host": {"id": answer.host, "hostname": name.hostname, "display_name": name.display_name},
        "rows": rows::with_host(answer, name),
        "stats": serde_json::from_str::<Value>(&answer.stats).unwrap_or(Value::Null),
    });
    if !answer.error.is_empty() {
        data["error"] = answer.error.clone().into();
    }
    data
}
