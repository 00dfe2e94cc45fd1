//! The push channel of an agent: "come now", so that a live query does not wait for the next call.
//!
//! It carries nothing else, and nothing depends on it: an agent without it calls as often as its configuration says.

use std::time::Duration;

use actix_web::web::{self, Data, Payload, ServiceConfig};
use actix_web::{Error, HttpRequest, HttpResponse};
use actix_ws::{AggregatedMessage, AggregatedMessageStream, CloseCode, CloseReason, Session};
use agent_protocol::request::NodeRequest;
use futures::StreamExt as _;
use serde_json::json;

use crate::App;
use crate::osquery::{Caller, Refused};
use crate::registry::Connection;

/// How long the agent may take to say who it is.
const PATIENCE: Duration = Duration::from_secs(10);
/// Keeps proxies from ending a quiet channel; an agent that is gone is noticed by it.
const PING: Duration = Duration::from_secs(25);
/// The longest message of an agent, in bytes.
const LONGEST: usize = 16 * 1024;

pub fn routes(config: &mut ServiceConfig) {
    config.route("/api/muster/v1/agent/push", web::get().to(push));
}

/// `GET agent/push`, a websocket. The agent says `{"node_key"}` within 10 s and hears `{"type":"ready"}`, then
/// `{"type":"come"}` whenever it should do a distributed read at once.
/// A bad key: `{"error","node_invalid":true}`, close 1008. No key at all, or a server that cannot: `{"error"}`, close 1013;
/// one that stops: close 1001.
async fn push(app: Data<App>, request: HttpRequest, payload: Payload) -> Result<HttpResponse, Error> {
    let (response, session, messages) = actix_ws::handle(&request, payload)?;
    let messages = messages.max_frame_size(LONGEST).aggregate_continuations().max_continuation_size(LONGEST);
    actix_web::rt::spawn(async move {
        let parting = session.clone();
        // Whoever is gone needs no word.
        let _ = tokio::select! {
            said = serve(&app, session, messages) => said,
            () = app.registry.hung_up() => part(parting).await,
        };
    });
    Ok(response)
}

async fn serve(app: &App, mut session: Session, mut messages: AggregatedMessageStream) -> Result<(), actix_ws::Closed> {
    let hello = tokio::time::timeout(PATIENCE, hello(&mut messages)).await.ok().flatten();
    let caller = async {
        // Silence or nonsense says nothing about a key.
        let hello = hello.ok_or_else(|| Refused::bad("expected a node_key as the first message"))?;
        Caller::of(app, &NodeRequest::parse(hello.as_bytes())?.node_key).await
    };
    let connection = match caller.await {
        Ok(caller) => app.registry.connect(caller.host().id),
        Err(refused) => return refuse(session, &refused).await,
    };
    session.text(json!({"type": "ready"}).to_string()).await?;
    call(&mut session, &mut messages, &connection).await?;
    session.close(None).await
}

/// Calls the agent until it is gone.
async fn call(
    session: &mut Session,
    messages: &mut AggregatedMessageStream,
    connection: &Connection,
) -> Result<(), actix_ws::Closed> {
    let mut heard = true;
    let mut ping = tokio::time::interval(PING);
    ping.reset();
    loop {
        tokio::select! {
            () = connection.called() => session.text(json!({"type": "come"}).to_string()).await?,
            _ = ping.tick() => {
                if !heard {
                    return Ok(());
                }
                heard = false;
                session.ping(b"").await?;
            }
            message = messages.next() => match message {
                Some(Ok(AggregatedMessage::Ping(bytes))) => session.pong(&bytes).await?,
                Some(Ok(AggregatedMessage::Close(_)) | Err(_)) | None => return Ok(()),
                Some(Ok(_)) => heard = true,
            },
        }
    }
}

/// The first message; `None` if it is no text, or the agent is gone.
async fn hello(messages: &mut AggregatedMessageStream) -> Option<String> {
    loop {
        match messages.next().await?.ok()? {
            AggregatedMessage::Text(text) => return Some(text.to_string()),
            AggregatedMessage::Ping(_) | AggregatedMessage::Pong(_) => {}
            _ => return None,
        }
    }
}

/// The server stops; the agent comes back when there is one again.
async fn part(session: Session) -> Result<(), actix_ws::Closed> {
    session.close(Some(CloseReason { code: CloseCode::Away, description: None })).await
}

async fn refuse(mut session: Session, refused: &Refused) -> Result<(), actix_ws::Closed> {
    let (said, code) = match refused.node_invalid {
        true => (json!({"error": refused.error, "node_invalid": true}), CloseCode::Policy),
        false => (json!({"error": refused.error}), CloseCode::Again),
    };
    session.text(said.to_string()).await?;
    session.close(Some(CloseReason { code, description: None })).await
}
