use std::sync::Mutex;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::middleware::from_fn;
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use actix_web::{App, HttpResponse, Responder};
use domain::role::Role;
use domain::user::Profile;
use domain::{Command, CommandId, Digest, Sealed, SessionId, user as users};
use infra_ledger::{By, Ledger};
use infra_log::memory::Memory;
use infra_world::{ManualClock, SystemRandom};

use super::*;
use crate::setup_gate;

struct Bench {
    clock: ManualClock,
    world: World,
    ledger: Ledger,
    used: Arc<Mutex<Vec<Digest>>>,
    log: Arc<Memory>,
}

impl Bench {
    async fn new() -> Self {
        let clock = ManualClock::at(Timestamp::from_secs(1_800_000_000));
        let world = World::new(Arc::new(clock.clone()), Arc::new(SystemRandom));
        let log = memory(&world);
        let ledger = Ledger::open(log.clone(), world.clone(), "test".into(), None).await.unwrap();
        Bench { clock, world, ledger, used: Arc::default(), log }
    }

    fn access(&self) -> Access {
        let used = self.used.clone();
        let access = Access::new(self.ledger.follower().clone(), self.world.clone());
        access.noting_use(move |token| used.lock().unwrap().push(token))
    }

    async fn run(&self, command: impl Into<Command>) {
        run(&self.ledger, &self.world, command).await;
    }

    /// Makes a user and a session for them; the token is the address.
    async fn sign_in(&self, token: &str, api_only: bool, must_reset_password: bool) {
        let sealed = |text: &str| Sealed { key: "person/x".into(), text: text.into() };
        let digest = Digest::of(token);
        let profile = Profile { name: sealed("n"), email: sealed("e"), email_digest: digest, position: None };
        let (password, roles) = (String::new(), Roles::Global(Role::Observer));
        self.run(users::Command::Create { profile, password, roles, api_only, must_reset_password }).await;
        let user = self.ledger.fold().state.users.by_email(&digest).unwrap().id;
        self.run(session::Command::Start { user, token: digest }).await;
    }

    async fn ask(&self, request: TestRequest) -> (StatusCode, String) {
        let app = App::new()
            .app_data(web::Data::new(self.access()))
            .route("/who", web::get().to(who))
            .route("/reset", web::get().to(reset));
        let app = init_service(app).await;
        let response = call_service(&app, request.to_request()).await;
        let status = response.status();
        let body = read_body(response).await;
        let body = String::from_utf8(body.to_vec()).unwrap();
        let json: Option<serde_json::Value> = serde_json::from_str(&body).ok();
        (status, json.and_then(|body| body["message"].as_str().map(str::to_owned)).unwrap_or(body))
    }

    async fn bearer(&self, token: &str) -> (StatusCode, String) {
        self.ask(TestRequest::get().uri("/who").insert_header((AUTHORIZATION, format!("Bearer {token}")))).await
    }
}

fn memory(world: &World) -> Arc<Memory> {
    let world = world.clone();
    Arc::new(Memory::new(Arc::new(move || world.now())))
}

async fn run(ledger: &Ledger, world: &World, command: impl Into<Command>) {
    let by = By { command_id: CommandId(world.uuid()), actor: Actor::System, traceparent: None };
    ledger.execute(command.into(), by).await.unwrap();
}

async fn who(user: SignedIn) -> impl Responder {
    let scope = user.may(Action::ReadHosts, Scope::Global).and_then(|()| user.may(Action::WriteUsers, Scope::Global));
    format!("{} {}", user.actor(), scope.unwrap_err().status().as_u16())
}

async fn reset(caller: Caller) -> impl Responder {
    HttpResponse::Ok().body(caller.must_reset_password.to_string())
}

const OK: StatusCode = StatusCode::OK;
const REFUSED: StatusCode = StatusCode::UNAUTHORIZED;

#[actix_web::test]
async fn rest_check_06_tokens_and_their_refusals() {
    let bench = Bench::new().await;
    bench.sign_in("good", false, false).await;
    assert_eq!(bench.bearer("good").await, (OK, "user/1 403".into()));
    let no_header = (REFUSED, "Authorization header required".to_owned());
    assert_eq!(bench.ask(TestRequest::get().uri("/who")).await, no_header);
    let header = |value: &'static str| bench.ask(TestRequest::get().uri("/who").insert_header((AUTHORIZATION, value)));
    for none in ["", "Bearer ", "Basic good", "good"] {
        assert_eq!(header(none).await, no_header, "{none:?}");
    }
    assert_eq!(bench.bearer("garbage").await, (REFUSED, "Authentication required".into()));
    bench.run(session::Command::End { token: Digest::of("good") }).await;
    assert_eq!(bench.bearer("good").await, (REFUSED, "Authentication required".into()));
}

#[actix_web::test]
async fn a_token_may_stand_in_the_query_string() {
    let bench = Bench::new().await;
    bench.sign_in("good", false, false).await;
    assert_eq!(bench.ask(TestRequest::get().uri("/who?token=good")).await.0, OK);
    assert_eq!(bench.ask(TestRequest::get().uri("/who?token=bad")).await.0, REFUSED);
}

#[actix_web::test]
async fn rest_check_07_idle_sessions_end_but_not_those_of_api_only_users() {
    let bench = Bench::new().await;
    bench.sign_in("person", false, false).await;
    bench.sign_in("robot", true, false).await;
    bench.clock.advance(session::LIFETIME);
    assert_eq!(bench.bearer("person").await, (REFUSED, "Authentication required".into()));
    assert_eq!(bench.bearer("robot").await.0, OK);
}

#[actix_web::test]
async fn a_use_is_noted_once_it_is_an_hour_after_the_last() {
    let bench = Bench::new().await;
    bench.sign_in("person", false, false).await;
    bench.clock.advance(session::USE_STEP - Duration::from_secs(1));
    assert_eq!(bench.bearer("person").await.0, OK);
    assert_eq!(*bench.used.lock().unwrap(), []);
    bench.clock.advance(Duration::from_secs(1));
    assert_eq!(bench.bearer("person").await.0, OK);
    assert_eq!(*bench.used.lock().unwrap(), [Digest::of("person")]);
    // Written down, it lives on from there.
    bench.run(session::Command::Use { token: Digest::of("person") }).await;
    bench.clock.advance(session::LIFETIME - Duration::from_secs(1));
    assert_eq!(bench.bearer("person").await.0, OK);
}

#[actix_web::test]
async fn rest_check_08_a_forced_reset_closes_everything_else() {
    let bench = Bench::new().await;
    bench.sign_in("person", false, true).await;
    assert_eq!(bench.bearer("person").await, (REFUSED, "password reset required".into()));
    assert_eq!(bench.ask(TestRequest::get().uri("/reset?token=person")).await, (OK, "true".into()));
}

#[actix_web::test]
async fn a_session_that_another_node_just_started_is_found() {
    let bench = Bench::new().await;
    let other = Ledger::open(bench.log.clone(), bench.world.clone(), "other".into(), None).await.unwrap();
    let by = |id: &str| By { command_id: CommandId(id.into()), actor: Actor::System, traceparent: None };
    bench.sign_in("first", false, false).await;
    let start = session::Command::Start { user: UserId(1), token: Digest::of("elsewhere") };
    other.execute(start.into(), by("x")).await.unwrap();
    assert_eq!(bench.bearer("elsewhere").await.0, OK);
    assert_eq!(bench.ledger.fold().state.sessions.of_user(UserId(1)).map(|one| one.id).max(), Some(SessionId(2)));
}

#[actix_web::test]
async fn rest_check_01_before_set_up_there_is_nothing_but_set_up() {
    let bench = Bench::new().await;
    let app = App::new()
        .app_data(web::Data::new(bench.access()))
        .wrap(from_fn(setup_gate))
        .default_service(web::to(|| async { HttpResponse::Ok().body("served") }));
    let app = init_service(app).await;
    let ask = async |path: &str| {
        let response = call_service(&app, TestRequest::post().uri(path).to_request()).await;
        (response.status().as_u16(), String::from_utf8(read_body(response).await.to_vec()).unwrap())
    };
    let gone = (404, "404 page not found\n".to_owned());
    let served = (200, "served".to_owned());
    for path in ["/api/latest/fleet/login", "/api/v1/fleet/me", "/api/osquery/enroll", "/api/muster/v1/campaigns"] {
        assert_eq!(ask(path).await, gone, "{path}");
    }
    for path in ["/api/setup", "/api/v1/setup", "/healthz", "/version"] {
        assert_eq!(ask(path).await, served, "{path}");
    }
    bench.sign_in("first", false, false).await;
    for path in ["/api/setup", "/api/v1/setup"] {
        assert_eq!(ask(path).await, gone, "{path}");
    }
    assert_eq!(ask("/api/latest/fleet/login").await, served);
}

#[actix_web::test]
async fn while_the_log_cannot_be_read_an_unknown_token_is_not_called_bad() {
    let bench = Bench::new().await;
    bench.sign_in("good", false, false).await;
    bench.log.stop_reads(true);
    let (status, message) = bench.bearer("unknown").await;
    assert_eq!((status, message.as_str()), (StatusCode::SERVICE_UNAVAILABLE, "the log cannot be read"));
    assert_eq!(bench.bearer("good").await.0, OK, "what is known goes on");
}
