//! A small osquery server: it does what a test sets, notes what it hears, and can be away.

use std::collections::{HashSet, VecDeque};
use std::io::Read;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::web::{Bytes, Data, Payload};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use agent_protocol::reply::{DONE, Refusal, UNCHANGED, Work};
use agent_protocol::request::{ConfigRequest, DistributedWrite, EnrollRequest, LogPost, NodeRequest};
use futures::StreamExt;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, PKCS_ECDSA_P256_SHA256};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use sha2::{Digest, Sha256};
use tokio::sync::{Notify, mpsc};

use crate::time::ManualTime;

pub const SECRET: &str = "s3cr3t";

/// A name that the certificate is good for, and that nobody but a proxy knows.
pub const NAME: &str = "muster.invalid";

/// What the server is told to do, and what it has heard.
#[derive(Default)]
pub struct World {
    /// Keys that are known.
    pub keys: HashSet<String>,
    pub enrolments: Vec<EnrollRequest>,
    /// The document of `config`.
    pub config: String,
    pub config_requests: Vec<ConfigRequest>,
    /// Times that a document went out, not counting "unchanged".
    pub documents_sent: usize,
    pub reads: usize,
    /// What the next reads are to be told, one each.
    pub work: VecDeque<Work>,
    pub writes: Vec<DistributedWrite>,
    /// A name that no write may hold: the server refuses those that do, and counts them.
    pub indigestible: Option<&'static str>,
    pub refused_writes: usize,
    /// Result lines that were taken.
    pub results: Vec<serde_json::Value>,
    pub statuses: Vec<serde_json::Value>,
    /// Log posts heard, taken or not.
    pub posts: usize,
    /// The most lines of a post that a proxy lets through; all of them when 0.
    pub most_lines: usize,
    /// What the next calls of that path are answered in place of the truth: status and body.
    pub instead: VecDeque<(&'static str, u16, &'static str)>,
    /// Whether enrolment gives keys that are forgotten at once.
    pub forgetful: bool,
    /// Open push channels.
    pub channels: Vec<mpsc::UnboundedSender<String>>,
    pub push_hellos: Vec<String>,
    /// Pings that were answered.
    pub pongs: usize,
}

#[derive(Default)]
pub struct Shared {
    world: Mutex<World>,
    heard: Notify,
}

pub struct Server {
    pub shared: Arc<Shared>,
    pub address: SocketAddr,
    pub ca: PathBuf,
    tls: rustls::ServerConfig,
    handle: Option<ServerHandle>,
    _folder: tempfile::TempDir,
}

impl Server {
    pub async fn start() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        let ca = folder.path().join("ca.pem");
        let tls = certificates(&ca);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let mut server = Server { shared: Arc::default(), address, ca, tls, handle: None, _folder: folder };
        server.world().config = "{}".to_owned();
        server.serve(listener);
        server
    }

    pub fn world(&self) -> MutexGuard<'_, World> {
        self.shared.world.lock().unwrap()
    }

    /// Closes the port and all connections.
    pub async fn go_away(&mut self) {
        self.world().channels.clear();
        self.handle.take().unwrap().stop(false).await;
    }

    /// Opens the port that was closed.
    pub fn come_back(&mut self) {
        let listener = TcpListener::bind(self.address).unwrap();
        self.serve(listener);
    }

    /// Waits until `condition` holds, moving the clock on whenever nothing happens.
    pub async fn until(&self, time: &ManualTime, condition: impl Fn(&World) -> bool) {
        self.wait(Some(time), condition).await;
    }

    /// Waits until `condition` holds, while the clock stands still.
    pub async fn until_standing(&self, condition: impl Fn(&World) -> bool) {
        self.wait(None, condition).await;
    }

    async fn wait(&self, time: Option<&ManualTime>, condition: impl Fn(&World) -> bool) {
        let patience = async {
            while !condition(&self.world()) {
                // The notice is a permit, so none between the look and the wait is missed.
                let quiet = tokio::time::timeout(Duration::from_millis(2), self.shared.heard.notified()).await.is_err();
                if let (true, Some(time)) = (quiet, time) {
                    time.advance_to_next();
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(60), patience).await.expect("the condition should come to hold");
    }

    fn serve(&mut self, listener: TcpListener) {
        let shared = Data::from(self.shared.clone());
        let app = move || {
            App::new()
                .app_data(shared.clone())
                .app_data(web::PayloadConfig::new(64 << 20))
                .route("/api/osquery/{call:.*}", web::post().to(osquery))
                .route("/api/muster/v1/agent/push", web::get().to(push))
        };
        let server = HttpServer::new(app)
            .workers(1)
            .disable_signals()
            .listen_rustls_0_23(listener, self.tls.clone())
            .unwrap()
            .run();
        self.handle = Some(server.handle());
        tokio::spawn(server);
    }
}

/// Makes an authority, whose certificate goes to `file`, and a leaf of it for the loopback address.
fn certificates(file: &std::path::Path) -> rustls::ServerConfig {
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = || KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    let authority = CertifiedIssuer::self_signed(authority, key()).unwrap();
    std::fs::write(file, authority.pem()).unwrap();
    let leaf_key = key();
    let leaf = CertificateParams::new(["127.0.0.1", NAME].map(str::to_owned))
        .unwrap()
        .signed_by(&leaf_key, &authority)
        .unwrap();
    let leaf_key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(leaf_key.serialize_der()));
    let config = rustls::ServerConfig::builder().with_no_client_auth();
    config.with_single_cert(vec![leaf.der().clone()], leaf_key).unwrap()
}

async fn osquery(call: web::Path<String>, request: HttpRequest, body: Bytes, shared: Data<Shared>) -> HttpResponse {
    let body = match request.headers().get("content-encoding") {
        Some(_) => unpack(&body),
        None => body.to_vec(),
    };
    let answer = {
        let mut world = shared.world.lock().unwrap();
        world.posts += usize::from(call.as_str() == "log");
        match world.instead.iter().position(|(path, ..)| *path == call.as_str()) {
            Some(place) => {
                let (_, status, body) = world.instead.remove(place).unwrap();
                (status, body.to_owned())
            }
            None => answer(&mut world, &call, &body),
        }
    };
    shared.heard.notify_one();
    let (status, body) = answer;
    HttpResponse::build(status.try_into().unwrap()).content_type("application/json").body(body)
}

fn answer(world: &mut World, call: &str, body: &[u8]) -> (u16, String) {
    if call == "enroll" {
        return enroll(world, EnrollRequest::parse(body).unwrap());
    }
    let key = NodeRequest::parse(body).unwrap().node_key;
    if !world.keys.contains(&key) {
        return refusal("authentication error: invalid node key", true);
    }
    match call {
        "config" => config(world, ConfigRequest::parse(body).unwrap()),
        "distributed/read" => {
            world.reads += 1;
            let work = world.work.pop_front().unwrap_or_default();
            (200, serde_json::to_string(&work).unwrap())
        }
        "distributed/write" => {
            let write = DistributedWrite::parse(body).unwrap();
            if write.queries.iter().any(|answer| Some(answer.name.as_str()) == world.indigestible) {
                world.refused_writes += 1;
                return refusal("cannot be taken", false);
            }
            world.writes.push(write);
            (200, DONE.to_owned())
        }
        "log" => {
            let post = LogPost::parse(body).unwrap();
            if world.most_lines > 0 && post.data.len() > world.most_lines {
                return (413, "<html>".to_owned());
            }
            let lines = post.data.iter().map(|line| serde_json::from_str(line.get()).unwrap());
            match post.log_type.as_str() {
                "result" => world.results.extend(lines),
                "status" => world.statuses.extend(lines),
                other => panic!("log_type {other}"),
            }
            (200, DONE.to_owned())
        }
        other => panic!("no such call: {other}"),
    }
}

fn enroll(world: &mut World, request: EnrollRequest) -> (u16, String) {
    let good = request.enroll_secret == SECRET;
    world.enrolments.push(request);
    if !good {
        return refusal("enroll failed: invalid secret", true);
    }
    let key = format!("key-{}", world.enrolments.len());
    if !world.forgetful {
        world.keys = HashSet::from([key.clone()]);
    }
    (200, serde_json::json!({ "node_key": key }).to_string())
}

fn config(world: &mut World, request: ConfigRequest) -> (u16, String) {
    let etag = format!("{:x}", Sha256::digest(world.config.as_bytes()));
    let unchanged = request.etag.as_deref() == Some(&etag);
    world.config_requests.push(request);
    if unchanged {
        return (200, UNCHANGED.to_owned());
    }
    world.documents_sent += 1;
    (200, world.config.clone())
}

fn refusal(error: &str, node_invalid: bool) -> (u16, String) {
    let refusal = Refusal { error: error.to_owned(), node_invalid, uuid: None };
    (if node_invalid { 401 } else { 500 }, serde_json::to_string(&refusal).unwrap())
}

async fn push(request: HttpRequest, body: Payload, shared: Data<Shared>) -> actix_web::Result<HttpResponse> {
    let (response, mut session, mut messages) = actix_ws::handle(&request, body)?;
    actix_web::rt::spawn(async move {
        let Some(Ok(actix_ws::Message::Text(hello))) = messages.next().await else { return };
        let (say, mut said) = mpsc::unbounded_channel::<String>();
        session.text(r#"{"type":"ready"}"#).await.unwrap();
        {
            let mut world = shared.world.lock().unwrap();
            world.push_hellos.push(hello.to_string());
            world.channels.push(say);
        }
        shared.heard.notify_one();
        session.ping(b"there?").await.unwrap();
        loop {
            tokio::select! {
                text = said.recv() => match text {
                    Some(text) => session.text(text).await.unwrap(),
                    None => break,
                },
                message = messages.next() => match message {
                    Some(Ok(actix_ws::Message::Pong(bytes))) => {
                        assert_eq!(bytes, "there?");
                        shared.world.lock().unwrap().pongs += 1;
                        shared.heard.notify_one();
                    }
                    Some(Ok(_)) => {}
                    _ => return,
                },
            }
        }
        let _ = session.close(None).await;
    });
    Ok(response)
}

fn unpack(bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    flate2::read::GzDecoder::new(bytes).read_to_end(&mut plain).unwrap();
    plain
}
