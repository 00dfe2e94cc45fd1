//! How a host is told no.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use agent_protocol::BadBody;
use agent_protocol::reply::Refusal;
use domain::config::TooLarge;
use infra_blobs::BlobError;
use infra_ledger::CommandError;
use infra_world::World;

use crate::registry::AppendFailed;

/// A failure that osqueryd takes for one: it keeps what it has and tries again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    pub status: StatusCode,
    pub error: String,
    /// The host throws its key away and enrols anew.
    pub node_invalid: bool,
}

impl Refused {
    pub fn new(status: StatusCode, error: impl Into<String>) -> Refused {
        Refused { status, error: error.into(), node_invalid: false }
    }

    /// What was sent cannot be read, or makes no sense.
    pub fn bad(error: impl Into<String>) -> Refused {
        Refused::new(StatusCode::BAD_REQUEST, error)
    }

    pub fn too_large(limit: usize) -> Refused {
        Refused::new(StatusCode::PAYLOAD_TOO_LARGE, format!("the body has more than {limit} bytes"))
    }

    /// Not now: later, it may do.
    pub fn unable(error: impl Into<String>) -> Refused {
        Refused::new(StatusCode::SERVICE_UNAVAILABLE, error)
    }

    /// Destructive: see [`super`].
    pub fn node_invalid(error: impl Into<String>) -> Refused {
        Refused { node_invalid: true, ..Refused::new(StatusCode::UNAUTHORIZED, error) }
    }

    pub fn not_found(what: &str) -> Refused {
        Refused::new(StatusCode::NOT_FOUND, format!("{what} was not found"))
    }

    /// The answer to whoever called: what came out, or the refusal.
    pub fn or(outcome: Result<HttpResponse, Refused>, world: &World) -> HttpResponse {
        outcome.unwrap_or_else(|refused| refused.response(world))
    }

    /// The answer, with an id of its own that stands in the server's log too.
    pub fn response(&self, world: &World) -> HttpResponse {
        let uuid = world.uuid();
        match self.status.is_server_error() {
            true => tracing::warn!(%uuid, status = self.status.as_u16(), "host refused: {}", self.error),
            false => tracing::debug!(%uuid, status = self.status.as_u16(), "host refused: {}", self.error),
        }
        let body = Refusal { error: self.error.clone(), node_invalid: self.node_invalid, uuid: Some(uuid) };
        HttpResponse::build(self.status).json(body)
    }
}

impl From<BadBody> for Refused {
    fn from(bad: BadBody) -> Self {
        Refused::bad(bad.to_string())
    }
}

impl From<AppendFailed> for Refused {
    fn from(failed: AppendFailed) -> Self {
        Refused::unable(failed.to_string())
    }
}

impl From<BlobError> for Refused {
    fn from(error: BlobError) -> Self {
        Refused::unable(error.to_string())
    }
}

impl From<TooLarge> for Refused {
    fn from(error: TooLarge) -> Self {
        Refused::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
    }
}

/// A refusal of the domain is the host's fault, everything else is ours.
impl From<CommandError> for Refused {
    fn from(error: CommandError) -> Self {
        match error {
            CommandError::Refused(domain::Refusal::Halted(reason)) => Refused::unable(reason),
            CommandError::Refused(refusal) => Refused::bad(refusal.to_string()),
            CommandError::Contended | CommandError::Unknown | CommandError::Log(_) => {
                Refused::unable(error.to_string())
            }
        }
    }
}

/// Success without payload.
pub fn done() -> HttpResponse {
    HttpResponse::Ok().content_type("application/json; charset=utf-8").body(agent_protocol::reply::DONE)
}
