//! A server of one process, and hosts that talk to it.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServiceResponse;
use actix_web::http::{Method, StatusCode, header::HeaderMap};
use actix_web::test::{self, TestRequest};
use actix_web::web::Data;
use command_api::App;
use command_api::registry::Registry;
use command_api::settings::Settings;
use domain::ledger::Fold;
use domain::records::{Answer, Line, Report, Section, Signal};
use domain::{Actor, Command, CommandId, HostId, Timestamp, label, team};
use futures::future::LocalBoxFuture;
use infra_blobs::{Folder, Purpose, Vault};
use infra_ledger::snapshot::Snapshots;
use infra_ledger::{By, Ledger};
use infra_log::memory::Memory;
use infra_log::parts::{Joined, Joiner};
use infra_log::{Log, Record, Topic};
use infra_world::{Clock as _, ManualClock, SystemRandom, World};
use serde_json::{Value, json};

pub const START: Timestamp = Timestamp::from_secs(1_790_000_000);
/// The global enroll secret of every site.
pub const SECRET: &str = "global-secret";

type Call = Rc<dyn Fn(TestRequest) -> LocalBoxFuture<'static, ServiceResponse>>;

pub struct Site {
    pub app: Data<App>,
    pub log: Memory,
    pub clock: ManualClock,
    call: Call,
    folder: Rc<tempfile::TempDir>,
}

/// What a host hears.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A failure as osqueryd knows it, whatever the status: JSON with a top-level `error`.
    pub fn error(&self) -> String {
        let json = self.json();
        let error = json.get("error").unwrap_or_else(|| panic!("no error in {json}"));
        assert!(self.status >= 400, "{} {json}", self.status);
        error.as_str().unwrap().to_owned()
    }

    pub fn is_node_invalid(&self) -> bool {
        self.json().get("node_invalid") == Some(&json!(true))
    }

    pub fn done(&self) {
        assert_eq!((self.status, self.text().as_str()), (200, "{}"));
    }
}

impl Site {
    pub async fn new() -> Site {
        Site::with(Settings::default()).await
    }

    pub async fn with(settings: Settings) -> Site {
        let clock = ManualClock::at(START);
        let ticking = clock.clone();
        let log = Memory::new(Arc::new(move || ticking.now()));
        let folder = Rc::new(tempfile::tempdir().unwrap());
        let world = World::new(Arc::new(clock.clone()), Arc::new(SystemRandom));
        Vault::create(folder.path().join("keys"), world).unwrap();
        let site = Site::start(log, clock, folder, settings).await;
        site.decide(label::Command::Seed).await;
        site.set_secret(None, SECRET).await;
        site
    }

    /// Another process on the same log and blobs.
    pub async fn twin(&self, settings: Settings) -> Site {
        Site::start(self.log.clone(), self.clock.clone(), self.folder.clone(), settings).await
    }

    /// Another process that sees the log through something else.
    pub async fn twin_through(&self, log: Arc<dyn Log>, settings: Settings) -> Site {
        Site::start_through(log, self.log.clone(), self.clock.clone(), self.folder.clone(), settings).await
    }

    /// Another process that starts from the newest snapshots.
    pub async fn restored(&self, settings: Settings) -> Site {
        let mut twin = self.twin(settings.clone()).await;
        let app = &twin.app;
        let (log, follower) = (app.log.clone(), app.ledger.follower().clone());
        let registry = Registry::open_from(&self.snapshots(), log, follower, app.world.clone(), &settings).await;
        registry.ready().await.unwrap();
        twin.app = Data::new(App {
            ledger: app.ledger.clone(),
            registry,
            log: app.log.clone(),
            blobs: app.blobs.clone(),
            vault: app.vault.clone(),
            world: app.world.clone(),
            settings,
            intake: Default::default(),
            waiting: Default::default(),
            carves: Default::default(),
            desk: Default::default(),
        });
        twin.call = service(&twin.app).await;
        twin
    }

    pub fn snapshots(&self) -> Snapshots {
        Snapshots::new(self.app.blobs.clone())
    }

    async fn start(log: Memory, clock: ManualClock, folder: Rc<tempfile::TempDir>, settings: Settings) -> Site {
        let shared: Arc<dyn Log> = Arc::new(log.clone());
        Site::start_through(shared, log, clock, folder, settings).await
    }

    async fn start_through(
        shared: Arc<dyn Log>,
        log: Memory,
        clock: ManualClock,
        folder: Rc<tempfile::TempDir>,
        settings: Settings,
    ) -> Site {
        let world = World::new(Arc::new(clock.clone()), Arc::new(SystemRandom));
        let ledger = Ledger::open(shared.clone(), world.clone(), settings.node.clone(), None).await.unwrap();
        let registry = Registry::open(shared.clone(), ledger.follower().clone(), world.clone(), &settings);
        registry.ready().await.unwrap();
        let app = Data::new(App {
            ledger,
            registry,
            log: shared,
            blobs: Arc::new(Folder::open(folder.path().join("blobs")).unwrap()),
            vault: Vault::load(folder.path().join("keys"), world.clone()).unwrap(),
            world,
            settings,
            intake: Default::default(),
            waiting: Default::default(),
            carves: Default::default(),
            desk: Default::default(),
        });
        let call = service(&app).await;
        Site { app, log, clock, call, folder }
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub fn pass(&self, span: Duration) {
        self.clock.advance(span);
    }

    // Deciding

    pub async fn decide(&self, command: impl Into<Command>) -> Arc<Fold> {
        let by = By { command_id: CommandId(self.app.world.uuid()), actor: Actor::System, traceparent: None };
        self.app.ledger.execute(command.into(), by).await.unwrap().fold
    }

    pub async fn set_secret(&self, team: Option<domain::TeamId>, secret: &str) {
        let (digest, sealed) =
            (self.app.vault.digest(Purpose::EnrollSecret, secret), self.app.vault.seal_server(secret));
        self.decide(team::Command::ReplaceSecrets { team, secrets: vec![(digest, sealed)] }).await;
    }

    pub async fn add_team(&self, name: &str, agent_options: Option<Value>) -> domain::TeamId {
        let command = team::Command::Create {
            name: name.to_owned(),
            description: String::new(),
            agent_options: agent_options.map(Arc::new),
            settings: Arc::new(json!({})),
            secrets: vec![],
        };
        self.decide(command).await.state.teams.by_name(name).unwrap().id
    }

    // Calling

    pub async fn send(&self, request: TestRequest) -> Reply {
        let response = (self.call)(request).await;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = actix_web::body::to_bytes(response.into_body()).await.map_err(|_| "body").unwrap().to_vec();
        Reply { status, headers, body }
    }

    pub fn request(path: &str, body: impl Into<Vec<u8>>) -> TestRequest {
        let body: Vec<u8> = body.into();
        let request = TestRequest::with_uri(path).method(Method::POST).peer_addr("127.0.0.1:50000".parse().unwrap());
        request.set_payload(body)
    }

    pub async fn post_bytes(&self, path: &str, body: impl Into<Vec<u8>>) -> Reply {
        self.send(Site::request(&format!("/api/osquery/{path}"), body)).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Reply {
        self.post_bytes(path, body.to_string()).await
    }

    /// Enrols with full details of a Ubuntu host; its node key.
    pub async fn enroll(&self, identifier: &str) -> String {
        let reply = self.post("enroll", enrolment(SECRET, identifier)).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()["node_key"].as_str().unwrap().to_owned()
    }

    pub async fn config(&self, key: &str) -> Reply {
        self.post("config", json!({"node_key": key})).await
    }

    /// The names and texts of the queries of a read.
    pub async fn read(&self, key: &str) -> serde_json::Map<String, Value> {
        let reply = self.post("distributed/read", json!({"node_key": key})).await;
        assert_eq!(reply.status, StatusCode::OK.as_u16(), "{}", reply.text());
        reply.json()["queries"].as_object().unwrap().clone()
    }

    pub async fn names(&self, key: &str) -> BTreeSet<String> {
        self.read(key).await.keys().cloned().collect()
    }

    /// Answers queries with these rows, all with status 0.
    pub async fn answer(&self, key: &str, queries: Value) -> Reply {
        let statuses: serde_json::Map<_, _> =
            queries.as_object().unwrap().keys().map(|name| (name.clone(), json!(0))).collect();
        self.post("distributed/write", json!({"node_key": key, "queries": queries, "statuses": statuses})).await
    }

    /// Reads, and answers everything as a Ubuntu host does that is up for `uptime` seconds.
    pub async fn report(&self, key: &str, uptime: u64) -> BTreeSet<String> {
        let asked = self.names(key).await;
        if !asked.is_empty() {
            let answers: serde_json::Map<_, _> =
                asked.iter().map(|name| (name.clone(), ubuntu_rows(name, uptime))).collect();
            self.answer(key, answers.into()).await.done();
        }
        asked
    }

    // Looking

    pub fn host(&self, key: &str) -> HostId {
        self.app.ledger.fold().state.hosts.by_key(&domain::Digest::of(key)).unwrap().id
    }

    pub fn appends(&self) -> u64 {
        self.log.counts().appends()
    }

    /// All records of a topic, parts joined, partition by partition.
    pub fn records(&self, topic: Topic) -> Vec<Record> {
        let whole = |partition| {
            let mut joiner = Joiner::new();
            let join = move |record| if let Joined::Whole(record) = joiner.push(record) { Some(record) } else { None };
            self.log.records(partition).into_iter().filter_map(join).collect::<Vec<_>>()
        };
        topic.every().flat_map(whole).collect()
    }

    pub fn reports(&self) -> Vec<Report> {
        self.records(Topic::Hosts)
            .iter()
            .map(|record| Report::decode(&record.headers, &record.value).unwrap())
            .collect()
    }

    /// The newest state of a section of a host.
    pub fn section(&self, host: HostId, name: &str) -> Option<Section> {
        self.reports()
            .into_iter()
            .rfind(|report| report.host == host && report.section.name() == name)
            .map(|report| report.section)
    }

    pub fn lines(&self, topic: Topic) -> Vec<Line> {
        self.records(topic).iter().map(|record| Line::decode(&record.headers, &record.value).unwrap()).collect()
    }

    pub fn answers(&self) -> Vec<Answer> {
        self.records(Topic::Live).iter().map(|record| Answer::decode(&record.headers, &record.value).unwrap()).collect()
    }

    pub fn signals(&self) -> Vec<Signal> {
        self.records(Topic::Signals).iter().map(|record| Signal::decode(&record.value).unwrap()).collect()
    }
}

async fn service(app: &Data<App>) -> Call {
    let service = actix_web::App::new().app_data(app.clone()).configure(command_api::routes);
    let service = Rc::new(RefCell::new(test::init_service(service).await));
    Rc::new(move |request: TestRequest| {
        let service = service.clone();
        Box::pin(async move {
            let answer = actix_web::dev::Service::call(&*service.borrow(), request.to_request());
            answer.await.unwrap().map_into_boxed_body()
        })
    })
}

/// Waits for something that happens soon, without guessing when.
pub async fn until(what: &str, condition: impl Fn() -> bool) {
    for _ in 0..10_000 {
        if condition() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    panic!("it did not come to pass that {what}");
}

pub fn enrolment(secret: &str, identifier: &str) -> Value {
    json!({
        "enroll_secret": secret, "host_identifier": identifier, "platform_type": "9",
        "host_details": {
            "os_version": ubuntu(),
            "osquery_info": {"version": "5.16.0", "instance_id": format!("instance-of-{identifier}"), "uuid": format!("info-uuid-of-{identifier}")},
            "system_info": system(identifier),
            "platform_info": {"vendor": "Dell Inc."}
        }
    })
}

pub fn ubuntu() -> Value {
    json!({"name": "Ubuntu", "version": "22.04.4 LTS (Jammy Jellyfish)", "major": "22", "minor": "4", "patch": "0", "build": "",
        "platform": "ubuntu", "platform_like": "debian", "codename": "jammy", "arch": "x86_64"})
}

pub fn system(identifier: &str) -> Value {
    json!({"hostname": format!("name-of-{identifier}"), "uuid": format!("uuid-of-{identifier}"), "computer_name": "c",
        "hardware_serial": format!("sn-of-{identifier}"), "cpu_type": "x86_64", "cpu_subtype": "158", "cpu_brand": "Intel",
        "cpu_physical_cores": "4", "cpu_logical_cores": "8", "physical_memory": "16777216000", "hardware_vendor": "Dell Inc.",
        "hardware_model": "XPS", "hardware_version": "1"})
}

/// What a Ubuntu host answers to a query of that name.
pub fn ubuntu_rows(name: &str, uptime: u64) -> Value {
    let mut os = ubuntu();
    match name.strip_prefix("fleet_detail_query_").unwrap_or(name) {
        "os_version" => json!([os]),
        "osquery_info" => json!([{"version": "5.16.0"}]),
        "system_info" => json!([system("a")]),
        "osquery_flags" => {
            json!([{"name": "distributed_interval", "value": "10"}, {"name": "config_refresh", "value": "60"}, {"name": "logger_tls_period", "value": "10"}])
        }
        "uptime" => json!([{"total_seconds": uptime.to_string()}]),
        "network_interface_unix" => json!([{"address": "10.0.0.7", "mac": "aa:bb:cc:00:11:22"}]),
        "network_addresses_unix" => json!([{"interface": "eth0", "address": "10.0.0.7", "mac": "aa:bb:cc:00:11:22"}]),
        "disk_space_unix" => {
            json!([{"percent_disk_space_available": "40.5", "gigs_disk_space_available": "200.25", "gigs_total_disk_space": "494.0"}])
        }
        "users" => {
            let user = |uid: &str, name: &str| json!({"uid": uid, "username": name, "type": "", "groupname": name, "shell": "/bin/bash"});
            json!([user("0", "root"), user("1000", "ann")])
        }
        "os_unix_like" => {
            os["kernel_version"] = json!("6.8.0-31-generic");
            json!([os])
        }
        other if other.starts_with("fleet_label_query_") => json!([]),
        "fleet_no_policies_wildcard" => json!([{"1": "1"}]),
        other => panic!("a Ubuntu host knows no {other}"),
    }
}
