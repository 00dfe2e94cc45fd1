//! A server in this process, and the people in it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use actix_web::rt::System;
use clap::Parser;
use infra_server::options::Options;
use infra_server::serve::parts::Parts;
use infra_testkit::{Door, TestAdmin, TestHost, folder};
use infra_world::{ManualClock, SystemRandom, World};
use serde_json::{Value, json};
use tokio::sync::oneshot;

/// Long enough for anything that should happen at once, on a machine that is busy.
pub const SOON: Duration = Duration::from_secs(15);

/// The settings as the command line has them.
#[derive(Parser)]
struct CommandLine {
    #[command(flatten)]
    options: Options,
}

/// A running server.
pub struct House {
    pub door: Door,
    pub data: PathBuf,
    pub parts: Parts,
    pub secret: String,
    /// Of the first admin.
    pub token: String,
    numbers: AtomicU32,
    end: Option<(oneshot::Sender<()>, std::thread::JoinHandle<()>)>,
}

/// A server whose clock stands still until it is moved.
pub struct Clockwork {
    pub house: House,
    pub clock: ManualClock,
}

struct Started {
    address: SocketAddr,
    ca: PathBuf,
    parts: Parts,
}

impl House {
    /// The server that a module's tests share; it ends with the process.
    pub fn shared(cell: &'static OnceLock<House>, name: &str, settings: &[&str]) -> &'static House {
        cell.get_or_init(|| House::open(name, settings))
    }

    /// A server of its own, on a new data folder.
    pub fn open(name: &str, settings: &[&str]) -> House {
        House::on(&fresh(name), settings, World::system())
    }

    /// A server on a folder that may have been used before.
    pub fn on(data: &Path, settings: &[&str], world: World) -> House {
        infra_testkit::choose_crypto();
        let data = data.to_owned();
        let fixed = ["muster", "--listen", "127.0.0.1:0", "--workers", "2", "--data", data.to_str().unwrap()];
        let options = CommandLine::parse_from(fixed.iter().chain(settings)).options;
        let (tell, told) = std::sync::mpsc::channel();
        let (end, ended) = oneshot::channel::<()>();
        let thread = std::thread::spawn(move || serve(&options, world, &tell, ended));
        let Started { address, ca, parts } = told.recv().unwrap().unwrap();
        let door = Door::to(address, &ca).unwrap();
        let secret = std::fs::read_to_string(data.join("enroll-secret")).unwrap().trim().to_owned();
        let first = std::fs::read_to_string(data.join("admin-password")).unwrap();
        let value = |name: &str| first.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().to_owned();
        let (email, password) = (value("email:"), value("password:"));
        let token = alone(TestAdmin::login(&door, &email, &password)).unwrap().token;
        House { door, data, parts, secret, token, numbers: AtomicU32::new(0), end: Some((end, thread)) }
    }

    /// Stops the server as a signal does, and waits for its end.
    pub fn close(mut self) -> PathBuf {
        let (end, thread) = self.end.take().unwrap();
        end.send(()).unwrap();
        thread.join().unwrap();
        self.data.clone()
    }

    /// The first admin. Connections are the caller's own: they live no longer than a test's runtime.
    pub fn admin(&self) -> TestAdmin {
        TestAdmin::with_token(&self.door, &self.token)
    }

    /// A name that nobody else in this server has.
    pub fn name(&self, what: &str) -> String {
        format!("{what}-{}", self.numbers.fetch_add(1, Ordering::Relaxed))
    }

    /// A host that has enrolled and answered everything that new hosts are asked.
    pub async fn host(&self, name: &str) -> TestHost {
        self.host_with(name, &self.secret).await
    }

    pub async fn host_with(&self, name: &str, secret: &str) -> TestHost {
        let host = TestHost::enrolled(&self.door, &self.name(name), secret).await;
        host.settle().await;
        host
    }

    /// The id of a host, from the API.
    pub async fn id(&self, host: &TestHost) -> u64 {
        let found = self.admin().get(&format!("hosts/identifier/{}", host.hostname)).await.ok();
        found["host"]["id"].as_u64().unwrap()
    }

    /// Somebody with a global role, by a token that does not expire.
    pub async fn user(&self, role: &str) -> TestAdmin {
        self.account(json!({"global_role": role})).await
    }

    /// Somebody with a role in one team.
    pub async fn member(&self, team: u64, role: &str) -> TestAdmin {
        self.account(json!({"teams": [{"id": team, "role": role}]})).await
    }

    async fn account(&self, mut roles: Value) -> TestAdmin {
        let name = self.name("person");
        roles["name"] = name.clone().into();
        roles["email"] = format!("{name}@example.org").into();
        roles["password"] = "correct-horse-7-battery".into();
        roles["api_only"] = true.into();
        roles["admin_forced_password_reset"] = false.into();
        let made = self.admin().post("users/admin", roles).await.ok();
        TestAdmin::with_token(&self.door, made["token"].as_str().unwrap())
    }

    /// A team: its id, and a secret that leads into it.
    pub async fn team(&self, name: &str) -> (u64, String) {
        let made = self.admin().post("teams", json!({"name": self.name(name)})).await.ok();
        let team = &made["team"];
        (team["id"].as_u64().unwrap(), team["secrets"][0]["secret"].as_str().unwrap().to_owned())
    }

    /// A saved query.
    pub async fn query(&self, sql: &str, more: Value) -> u64 {
        let mut body = json!({"name": self.name("query"), "query": sql});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.admin().post("queries", body).await.ok()["query"]["id"].as_u64().unwrap()
    }

    /// A manual label with these hosts: its id and its name.
    pub async fn label(&self, hosts: &[&TestHost]) -> (u64, String) {
        let name = self.name("label");
        let hosts: Vec<&str> = hosts.iter().map(|host| host.hostname.as_str()).collect();
        let made = self.admin().post("labels", json!({"name": name, "hosts": hosts})).await.ok();
        (made["label"]["id"].as_u64().unwrap(), name)
    }

    /// The id of a label by its name.
    pub async fn label_named(&self, name: &str) -> u64 {
        let labels = self.admin().get("labels").await.ok();
        let found = labels["labels"].as_array().unwrap().iter().find(|label| label["name"] == name);
        found.unwrap()["id"].as_u64().unwrap()
    }

    /// Starts a campaign that Fleet's clients would start, on these hosts.
    pub async fn campaign(&self, hosts: &[&TestHost]) -> u64 {
        let hosts: Vec<&str> = hosts.iter().map(|host| host.hostname.as_str()).collect();
        self.start("queries/run_by_identifiers", json!({"query": "SELECT 1", "selected": {"hosts": hosts}})).await
    }

    /// Starts one of ours, which lives without a reader.
    pub async fn own_campaign(&self, hosts: &[&TestHost]) -> u64 {
        let hosts: Vec<&str> = hosts.iter().map(|host| host.hostname.as_str()).collect();
        self.start("/api/muster/v1/campaigns", json!({"query": "SELECT 1", "selected": {"hosts": hosts}})).await
    }

    pub async fn start(&self, path: &str, body: Value) -> u64 {
        let made = self.admin().post(path, body).await.ok();
        made["campaign"]["id"].as_u64().unwrap()
    }
}

impl Clockwork {
    /// A server with a clock of its own, which shows the present at first.
    pub fn open(name: &str, settings: &[&str]) -> Clockwork {
        let clock = ManualClock::at(World::system().now());
        let world = World::new(Arc::new(clock.clone()), Arc::new(SystemRandom));
        Clockwork { house: House::on(&fresh(name), settings, world), clock }
    }

    /// Lets time pass, and tells the reading side who called until now.
    pub async fn pass(&self, span: Duration) {
        self.clock.advance(span);
        self.tell_presence().await;
    }

    /// What a server does every half minute.
    pub async fn tell_presence(&self) {
        let registry = &self.house.parts.commands.registry;
        registry.flush(self.house.parts.world.now(), false).await.unwrap();
    }
}

/// A data folder of this process.
pub fn fresh(name: &str) -> PathBuf {
    folder::fresh(Path::new(env!("CARGO_TARGET_TMPDIR")), name)
}

/// Runs something that must not be left to the runtime of the test that happens to come first.
fn alone<T: Send>(work: impl Future<Output = T> + Send) -> T {
    std::thread::scope(|scope| {
        let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        scope.spawn(move || runtime().block_on(work)).join().unwrap()
    })
}

fn serve(
    options: &Options,
    world: World,
    tell: &std::sync::mpsc::Sender<anyhow::Result<Started>>,
    ended: oneshot::Receiver<()>,
) {
    let system = System::with_tokio_rt(|| {
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
    });
    system.block_on(async {
        match infra_server::serve::start(options, world).await {
            Ok(running) => {
                let (address, ca, parts) = (running.address, running.ca.clone(), running.parts.clone());
                tell.send(Ok(Started { address, ca, parts })).unwrap();
                // A sender that was dropped is no order: the server just ends, as if it were killed.
                if ended.await.is_ok() {
                    running.stop().await;
                }
            }
            Err(error) => tell.send(Err(error)).unwrap(),
        }
    });
}
