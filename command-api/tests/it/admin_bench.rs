//! A server that is set up, with people in every role and some hosts.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServiceResponse;
use actix_web::http::Method;
use actix_web::http::header::AUTHORIZATION;
use actix_web::middleware::from_fn;
use actix_web::test::{TestRequest, init_service};
use actix_web::web::{self, Data};
use command_api::App;
use command_api::admin::{Desk, DeskSettings, ROUTES};
use command_api::registry::Registry;
use command_api::settings::{Limits, Settings};
use domain::role::{Role, Roles};
use domain::user::{self, Profile};
use domain::{Actor, Command, CommandId, Digest, HostId, State, TeamId, Timestamp, UserId, session};
use futures::future::LocalBoxFuture;
use infra_blobs::{Folder, Purpose, Vault};
use infra_http::{Access, Unrouted, setup_gate, unrouted};
use infra_ledger::{By, Ledger};
use infra_log::Log;
use infra_log::memory::Memory;
use infra_world::{ManualClock, SystemRandom, World};
use serde_json::{Value, json};

pub const PASSWORD: &str = "correct horse 1!";
pub const ADMIN: &str = "ada@example.com";

/// How long a live query waits for its answers here.
pub const WAIT: Duration = Duration::from_secs(2);

type Serve = Rc<dyn Fn(TestRequest) -> LocalBoxFuture<'static, ServiceResponse>>;

pub struct Bench {
    pub app: Data<App>,
    pub log: Memory,
    pub clock: ManualClock,
    /// The token of the first admin; empty before set-up.
    pub admin: String,
    serve: Serve,
    _folder: tempfile::TempDir,
}

/// Status, headers of interest and body of an answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub content_type: String,
    pub retry_after: Option<String>,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The body of a success.
    #[track_caller]
    pub fn ok(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.text);
        self.json()
    }

    /// 200 and nothing to say.
    #[track_caller]
    pub fn done(&self) {
        assert_eq!((self.status, self.text.as_str()), (200, "{}\n"));
    }

    /// Status, message and first reason of a refusal.
    #[track_caller]
    pub fn refusal(&self) -> (u16, String, String) {
        let body = self.json();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        (self.status, text(&body["message"]), text(&body["errors"][0]["reason"]))
    }

    /// Status, first field and its reason.
    #[track_caller]
    pub fn field(&self) -> (u16, String, String) {
        let error = self.json()["errors"][0].clone();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        (self.status, text(&error["name"]), text(&error["reason"]))
    }
}

impl Bench {
    /// A server where nobody was yet.
    pub async fn fresh() -> Bench {
        Bench::with(desk()).await
    }

    pub async fn with(desk: DeskSettings) -> Bench {
        Bench::limited(desk, Limits::default()).await
    }

    async fn limited(desk: DeskSettings, limits: Limits) -> Bench {
        let clock = ManualClock::at(Timestamp::from_secs(1_790_000_000));
        let world = World::new(Arc::new(clock.clone()), Arc::new(SystemRandom));
        let ticking = world.clone();
        let log = Memory::new(Arc::new(move || ticking.now()));
        let folder = tempfile::tempdir().unwrap();
        let shared: Arc<dyn Log> = Arc::new(log.clone());
        let ledger = Ledger::open(shared.clone(), world.clone(), "test".into(), None).await.unwrap();
        let settings = Settings { live_query_wait: WAIT, limits, ..Settings::default() };
        let registry = Registry::open(shared.clone(), ledger.follower().clone(), world.clone(), &settings);
        registry.ready().await.unwrap();
        let access = Access::new(ledger.follower().clone(), world.clone());
        let app = Data::new(App {
            ledger,
            registry,
            log: shared,
            blobs: Arc::new(Folder::open(folder.path().join("blobs")).unwrap()),
            vault: Vault::create(folder.path().join("keys"), world.clone()).unwrap(),
            world,
            settings,
            intake: Default::default(),
            waiting: Default::default(),
            carves: Default::default(),
            desk: Desk::new(desk),
        });
        let service = actix_web::App::new()
            .app_data(app.clone())
            .app_data(Data::new(access))
            .app_data(Data::new(Unrouted::new(ROUTES.iter().map(|route| route.path))))
            .wrap(from_fn(setup_gate))
            .configure(command_api::routes)
            .default_service(web::to(unrouted));
        let service = Rc::new(RefCell::new(init_service(service).await));
        let serve: Serve = Rc::new(move |request: TestRequest| {
            let service = service.clone();
            Box::pin(async move {
                let answer = actix_web::dev::Service::call(&*service.borrow(), request.to_request());
                answer.await.unwrap_or_else(|error| panic!("{error}")).map_into_boxed_body()
            })
        });
        Bench { app, log, clock, admin: String::new(), serve, _folder: folder }
    }

    /// A server with its first admin.
    pub async fn new() -> Bench {
        Bench::fresh().await.set_up().await
    }

    /// A server with its first admin, and other limits than usual.
    pub async fn within(limits: Limits) -> Bench {
        Bench::limited(desk(), limits).await.set_up().await
    }

    async fn set_up(self) -> Bench {
        let mut bench = self;
        let set_up = bench.send(Method::POST, "/api/v1/setup", "", set_up_request()).await.ok();
        bench.admin = set_up["token"].as_str().unwrap().to_owned();
        bench
    }

    pub fn state(&self) -> State {
        self.app.ledger.fold().state.clone()
    }

    pub async fn serve(&self, request: TestRequest) -> Answer {
        let response = (self.serve)(request).await;
        let header = |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        let (status, content_type) = (response.status().as_u16(), header("content-type").unwrap_or_default());
        let retry_after = header("retry-after");
        let body = actix_web::body::to_bytes(response.into_body()).await.unwrap();
        Answer { status, content_type, retry_after, text: String::from_utf8_lossy(&body).into_owned() }
    }

    /// Sends JSON to a path; `~` stands for the API of the newest version.
    pub async fn send(&self, method: Method, path: &str, token: &str, body: Value) -> Answer {
        let path = path.replacen('~', "/api/latest/fleet", 1);
        let mut request = TestRequest::default().method(method).uri(&path);
        if !token.is_empty() {
            request = request.insert_header((AUTHORIZATION, format!("Bearer {token}")));
        }
        if !body.is_null() {
            request = request.insert_header(("content-type", "application/json")).set_payload(body.to_string());
        }
        self.serve(request).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(Method::POST, path, &self.admin, body).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.send(Method::PATCH, path, &self.admin, body).await
    }

    pub async fn delete(&self, path: &str, body: Value) -> Answer {
        self.send(Method::DELETE, path, &self.admin, body).await
    }

    pub async fn decide(&self, command: impl Into<Command>) {
        let by = By { command_id: CommandId(self.app.world.uuid()), actor: Actor::System, traceparent: None };
        self.app.ledger.execute(command.into(), by).await.unwrap();
    }

    /// Somebody with these roles, and a token of theirs.
    pub async fn person(&self, email: &str, roles: Roles, api_only: bool) -> (UserId, String) {
        let vault = &self.app.vault;
        let key = vault.new_person_key().await.unwrap();
        let email_digest = vault.digest(Purpose::Email, email);
        let (name, sealed) = (vault.seal(&key, "Somebody"), vault.seal(&key, email));
        let profile = Profile { name, email: sealed, email_digest, position: None };
        let password = String::new();
        self.decide(user::Command::Create { profile, password, roles, api_only, must_reset_password: false }).await;
        let id = self.state().users.by_email(&email_digest).unwrap().id;
        let token = self.app.world.token();
        self.decide(session::Command::Start { user: id, token: Digest::of(&token) }).await;
        (id, token)
    }

    /// Somebody with a global role.
    pub async fn global(&self, role: Role) -> String {
        let email = format!("{}@example.com", role.name());
        self.person(&email, Roles::Global(role), role == Role::Gitops).await.1
    }

    /// Somebody with a role in one team.
    pub async fn in_team(&self, team: TeamId, role: Role) -> String {
        let email = format!("{}-{team}@example.com", role.name());
        self.person(&email, Roles::Teams(BTreeMap::from([(team, role)])), role == Role::Gitops).await.1
    }

    pub async fn team(&self, name: &str) -> TeamId {
        let secrets = json!([{"secret": format!("secret of {name}")}]);
        let made = self.post("~/teams", json!({"name": name, "secrets": secrets})).await.ok();
        TeamId(made["team"]["id"].as_u64().unwrap() as u32)
    }

    /// A host that enrolled under that name into a team, or none, and called once: its id and node key.
    pub async fn host(&self, name: &str, team: Option<&str>) -> (HostId, String) {
        let secret = team.map_or("global secret".to_owned(), |team| format!("secret of {team}"));
        if team.is_none() && self.state().teams.secrets(None).len() < 2 {
            let secrets = json!({"spec": {"secrets": [{"secret": "global secret"}]}});
            self.post("~/spec/enroll_secret", secrets).await.done();
        }
        let details = json!({"system_info": {"hostname": name, "uuid": format!("uuid-{name}"), "hardware_serial": format!("sn-{name}")}});
        let enrol =
            json!({"enroll_secret": secret, "host_identifier": format!("uuid-{name}"), "host_details": details});
        let key = self.send(Method::POST, "/api/osquery/enroll", "", enrol).await.ok()["node_key"]
            .as_str()
            .unwrap()
            .to_owned();
        self.check_in(&key).await;
        (self.state().hosts.by_key(&Digest::of(&key)).unwrap().id, key)
    }

    /// One distributed read: what the host is asked.
    pub async fn check_in(&self, key: &str) -> Value {
        self.send(Method::POST, "/api/osquery/distributed/read", "", json!({"node_key": key})).await.ok()
    }
}

impl Bench {
    /// The live queries that a host is asked when it calls, by campaign.
    pub async fn asked(&self, key: &str) -> BTreeMap<u64, String> {
        let queries = self.check_in(key).await["queries"].clone();
        let live = |(name, sql): (&String, &Value)| {
            let campaign = name.strip_prefix("fleet_distributed_query_")?.parse().ok()?;
            Some((campaign, sql.as_str().unwrap().to_owned()))
        };
        queries.as_object().unwrap().iter().filter_map(live).collect()
    }

    /// Waits until the host is asked something, calling again and again.
    pub async fn asked_soon(&self, key: &str) -> BTreeMap<u64, String> {
        loop {
            let asked = self.asked(key).await;
            if !asked.is_empty() {
                return asked;
            }
            tokio::task::yield_now().await;
        }
    }

    /// A host answers a live query with rows, or says what went wrong.
    pub async fn answer(&self, key: &str, campaign: u64, rows: Result<Value, &str>) {
        let name = format!("fleet_distributed_query_{campaign}");
        let (rows, status, message) = match rows {
            Ok(rows) => (rows, 0, ""),
            Err(message) => (json!([]), 1, message),
        };
        let write = json!({
            "node_key": key,
            "queries": {&name: rows}, "statuses": {&name: status}, "messages": {&name: message}
        });
        assert_eq!(self.send(Method::POST, "/api/osquery/distributed/write", "", write).await.status, 200);
    }

    /// Answers everything that a host is asked next.
    pub async fn answer_soon(&self, key: &str, rows: Result<Value, &str>) -> BTreeMap<u64, String> {
        let asked = self.asked_soon(key).await;
        for campaign in asked.keys() {
            self.answer(key, *campaign, rows.clone()).await;
        }
        asked
    }

    /// Waits until a campaign has ended.
    pub async fn ended(&self, campaign: u32) {
        let mut news = self.app.ledger.watch();
        let has_ended = || {
            let campaigns = self.state().campaigns;
            campaigns.get(domain::CampaignId(campaign)).is_some_and(|campaign| campaign.ended.is_some())
        };
        while !has_ended() {
            news.changed().await.unwrap();
        }
    }
}

/// Passwords that are quick to hash, and failed logins that are told at once.
fn desk() -> DeskSettings {
    DeskSettings { failed_login: Duration::ZERO, password_memory_kib: 8, password_passes: 1 }
}

pub fn set_up_request() -> Value {
    json!({
        "admin": {"email": ADMIN, "name": "Ada Lovelace", "password": PASSWORD},
        "org_info": {"org_name": "Example", "org_logo_url": ""},
        "server_url": "https://muster.example",
    })
}
