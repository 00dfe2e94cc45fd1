//! Who asks: from a bearer token to a user and what they may do.
//!
//! Sessions are in the fold of the ledger, so asking costs no store. A token that the fold does not know may be a minute
//! old and from another node: it is refused only from a fold that has read to the log's end since the request came.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::http::header::AUTHORIZATION;
use actix_web::{FromRequest, HttpRequest, web};
use domain::ledger::Fold;
use domain::role::{Action, Roles, Scope};
use domain::user::User;
use domain::{Actor, Digest, State, Timestamp, UserId, session};
use infra_ledger::Follower;
use infra_world::World;
use tokio::sync::watch;

use crate::{Params, Problem};

/// What asking needs; app data (`web::Data`) of every part of the API that knows its callers.
#[derive(Clone)]
pub struct Access {
    follower: Follower,
    world: World,
    on_use: Arc<dyn Fn(Digest) + Send + Sync>,
}

impl Access {
    pub fn new(follower: Follower, world: World) -> Self {
        Access { follower, world, on_use: Arc::new(|_| ()) }
    }

    /// Calls `note` with the token's hash when a session was used again after [`session::USE_STEP`], so that whoever may
    /// write can write it down: else a session that only reads would end early.
    pub fn noting_use(self, note: impl Fn(Digest) + Send + Sync + 'static) -> Self {
        Access { on_use: Arc::new(note), ..self }
    }

    /// The newest fold; never waits.
    pub fn fold(&self) -> Arc<Fold> {
        self.follower.fold()
    }

    pub fn now(&self) -> Timestamp {
        self.world.now()
    }

    /// Whose token it is. Also for those who carry it elsewhere than in a header: the first message of a websocket.
    ///
    /// 401 for an unknown or expired token; a user who must set a new password is let through, and told by
    /// [`Caller::must_reset_password`].
    pub async fn caller(&self, token: &str) -> Result<Caller, Problem> {
        let token = Digest::of(token);
        let known = self.known(self.fold(), token);
        let caller = match known {
            Some(caller) => caller,
            None => {
                let fold = self.follower.read_to_end().await;
                let fold = fold.map_err(|error| Problem::unavailable("the log cannot be read", error))?;
                self.known(fold, token).ok_or_else(Problem::bad_token)?
            }
        };
        if caller.used_long_ago {
            (self.on_use)(token);
        }
        Ok(caller)
    }

    /// Whose token it is as far as the newest fold knows; never waits, and is no use of the session. For those who were let
    /// in a while ago and are still there.
    pub fn recall(&self, token: Digest) -> Option<Caller> {
        self.known(self.fold(), token)
    }

    /// Changes whenever the fold has moved: what somebody may do may be another then.
    pub fn moved(&self) -> watch::Receiver<u64> {
        self.follower.watch()
    }

    fn known(&self, fold: Arc<Fold>, token: Digest) -> Option<Caller> {
        let users = &fold.state.users;
        let api_only = |user| users.get(user).is_some_and(|user| user.api_only);
        let now = self.world.now();
        let session = fold.state.sessions.live(&token, now, api_only)?;
        let used_long_ago = now.since(session.used_at) >= session::USE_STEP;
        let user = users.get(session.user)?;
        Some(Caller {
            token,
            user: user.id,
            roles: user.roles.clone(),
            must_reset_password: user.must_reset_password,
            used_long_ago,
            fold,
        })
    }
}

/// Somebody whose token is good, even if all they may do is to set a new password.
#[derive(Clone)]
pub struct Caller {
    pub token: Digest,
    pub user: UserId,
    pub roles: Roles,
    pub must_reset_password: bool,
    used_long_ago: bool,
    /// The fold that the token was found in.
    fold: Arc<Fold>,
}

impl Caller {
    pub fn state(&self) -> &State {
        &self.fold.state
    }

    /// The account.
    pub fn account(&self) -> &User {
        self.fold.state.users.get(self.user).expect("the caller was found in this very fold")
    }

    pub fn actor(&self) -> Actor {
        Actor::User(self.user)
    }
}

impl FromRequest for Caller {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let access = request.app_data::<web::Data<Access>>().cloned();
        let token = bearer(request);
        Box::pin(async move {
            let access =
                access.ok_or_else(|| Problem::failure("this part of the server was put together without Access"))?;
            let token = token.ok_or_else(Problem::no_token)?;
            access.caller(&token).await
        })
    }
}

/// Somebody who may use the API.
///
/// 401 `Authorization header required` without a token, `Authentication required` for a bad one,
/// `password reset required` until a new password is set.
#[derive(Clone)]
pub struct SignedIn(Caller);

impl SignedIn {
    /// 403 unless the roles allow it there.
    pub fn may(&self, action: Action, scope: impl Into<Scope>) -> Result<(), Problem> {
        if self.roles.may(action, scope.into()) { Ok(()) } else { Err(Problem::forbidden()) }
    }
}

impl TryFrom<Caller> for SignedIn {
    type Error = Problem;

    fn try_from(caller: Caller) -> Result<Self, Problem> {
        if caller.must_reset_password { Err(Problem::password_reset_required()) } else { Ok(SignedIn(caller)) }
    }
}

impl std::ops::Deref for SignedIn {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.0
    }
}

impl FromRequest for SignedIn {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let caller = Caller::from_request(request, payload);
        Box::pin(async move { SignedIn::try_from(caller.await?) })
    }
}

/// The token of the header, else of the query string. A header of another scheme counts as none.
fn bearer(request: &HttpRequest) -> Option<String> {
    let header = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let of_header = header.and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
    });
    let token = of_header.or_else(|| Params::parse(request.query_string()).get("token").map(str::to_owned));
    token.filter(|token| !token.is_empty())
}

#[cfg(test)]
mod tests;
