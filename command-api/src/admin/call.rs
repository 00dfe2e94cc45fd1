//! One call of somebody signed in: who asks, under which idempotency key, and what they may do.

use std::future::Future;
use std::pin::Pin;
use std::str::FromStr;

use actix_web::dev::Payload;
use actix_web::web::{Data, Path};
use actix_web::{FromRequest, HttpRequest};
use domain::role::{Action, Scope};
use domain::{Actor, Command, CommandId, Event, State};
use infra_http::{Params, Problem, SignedIn};
use infra_ledger::{By, CommandError, Executed};
use serde::Deserialize;

use crate::App;

/// Extracts what every handler of a command needs; 401 as [`SignedIn`] says.
pub struct Call {
    pub app: Data<App>,
    pub user: SignedIn,
    pub params: Params,
    segments: Segments,
    by: By,
}

/// What stands in paths. Every part that a pattern may have is named here: the router refuses to skip one.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Segments {
    id: String,
    name: String,
    identifier: String,
    #[serde(rename = "version")]
    _version: String,
}

impl Call {
    /// A fold that had read to the log's end after the call came: what another node just decided is in it.
    pub fn state(&self) -> &State {
        self.user.state()
    }

    /// 403 unless the caller may do this there.
    pub fn may(&self, action: Action, scope: impl Into<Scope>) -> Result<(), Problem> {
        self.user.may(action, scope)
    }

    /// `{name}` of the path, decoded.
    pub fn name(&self) -> &str {
        &self.segments.name
    }

    /// `{identifier}` of the path, decoded.
    pub fn identifier(&self) -> &str {
        &self.segments.identifier
    }

    /// `{id}` of the path; 404 for a number that no id can be.
    pub fn id<T: FromStr>(&self, kind: &str) -> Result<T, Problem> {
        let text = &self.segments.id;
        text.parse().map_err(|_| Problem::not_found(kind, text))
    }

    /// Whether the call only asks what would happen.
    pub fn is_dry_run(&self) -> bool {
        self.params.is_true("dry_run")
    }

    /// Decides and commits. A call has one command: several parts go [`Together`](Command::Together), all or none.
    pub async fn execute(&self, command: impl Into<Command>) -> Result<Executed, Problem> {
        Ok(self.app.ledger.execute(command.into(), self.by.clone()).await?)
    }

    /// The same for one of several commands of a call that do not stand and fall together: under a key of its own.
    pub async fn execute_part(&self, part: &str, command: impl Into<Command>) -> Result<Executed, CommandError> {
        let command_id = CommandId(format!("{}/{part}", self.by.command_id.0));
        self.app.ledger.execute(command.into(), By { command_id, ..self.by.clone() }).await
    }

    /// What a dry run says: refusals, and the state as it would be.
    pub fn imagine(&self, command: impl Into<Command>) -> Result<State, Problem> {
        let (mut state, now) = (self.state().clone(), self.app.world.now());
        for event in command.into().decide(&state, now)? {
            state.evolve(&event, now);
        }
        Ok(state)
    }
}

impl FromRequest for Call {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let user = SignedIn::from_request(request, payload);
        let app = request.app_data::<Data<App>>().cloned();
        let request = request.clone();
        Box::pin(async move {
            let app =
                app.ok_or_else(|| Problem::failure("this part of the server was put together without its App"))?;
            // Nobody unknown makes us read; who is known is looked up again in what was read.
            user.await?;
            app.ledger.read_to_end().await.map_err(|error| Problem::unavailable("the log cannot be read", error))?;
            let user = SignedIn::extract(&request).await?;
            let by = by(&app, &request, user.actor());
            let params = Params::parse(request.query_string());
            let segments = Path::<Segments>::extract(&request).await;
            let segments = segments.map_err(|_| Problem::bad_request("the path cannot be decoded"))?.into_inner();
            Ok(Call { app, user, params, segments, by })
        })
    }
}

/// Under which key and trace a request is recorded. A key of the client's own counts for its actor alone, so that nobody
/// is answered with what another one did.
pub fn by(app: &App, request: &HttpRequest, actor: Actor) -> By {
    let header = |name: &str| request.headers().get(name)?.to_str().ok().filter(|value| value.len() <= 128);
    let own_key = header("idempotency-key").filter(|key| !key.is_empty());
    let command_id = own_key.map_or_else(|| app.world.uuid(), |key| format!("{actor}/{key}"));
    By { command_id: CommandId(command_id), actor, traceparent: header("traceparent").map(str::to_owned) }
}

/// What a command made, by its event.
pub fn made<T>(executed: &Executed, pick: impl Fn(&Event) -> Option<T>) -> Result<T, Problem> {
    let events = executed.outcome.iter().flat_map(|outcome| outcome.events.iter());
    events.filter_map(pick).next().ok_or_else(|| Problem::failure("a command was carried out without its event"))
}
