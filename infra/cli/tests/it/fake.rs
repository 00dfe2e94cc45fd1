//! A server that answers as it is told, and remembers what it was asked.

use std::collections::{HashMap, VecDeque};
use std::net::TcpListener;
use std::sync::mpsc;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use actix_ws::{CloseCode, Message};
use futures::StreamExt;
use serde_json::{Value, json};

/// Nothing in these tests takes this long, unless it hangs.
const HANGS: Duration = Duration::from_secs(30);

/// One request.
#[derive(Clone, Debug)]
pub struct Asked {
    pub call: String,
    pub query: HashMap<String, String>,
    pub token: Option<String>,
    pub body: Value,
}

/// What a socket does, in order. After the last step it waits for the client to leave.
#[derive(Clone, Debug)]
pub enum Step {
    Send(Value),
    /// The connection ends without a word.
    Cut,
    /// The server closes, as one that restarts.
    Close,
}

type Handler = Box<dyn Fn(&Asked) -> Reply + Send + Sync>;

/// An answer.
pub struct Reply {
    pub status: u16,
    pub body: String,
    /// A header, by name.
    pub header: Option<(&'static str, &'static str)>,
    /// Whether the connection breaks after the body.
    pub breaks_off: bool,
}

impl Reply {
    pub fn of(status: u16, body: impl ToString) -> Self {
        Self { status, body: body.to_string(), header: None, breaks_off: false }
    }
}

#[derive(Default)]
struct State {
    handlers: HashMap<String, Arc<Handler>>,
    asked: Vec<Asked>,
    scripts: VecDeque<Vec<Step>>,
    sockets: Vec<Vec<Value>>,
    left: usize,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

pub struct Fake {
    shared: Arc<Shared>,
    pub address: String,
    handle: ServerHandle,
}

impl Fake {
    pub fn start() -> Self {
        Self::serve(None)
    }

    /// With TLS, under a leaf for 127.0.0.1.
    pub fn with_tls(config: rustls::ServerConfig) -> Self {
        Self::serve(Some(config))
    }

    fn serve(tls: Option<rustls::ServerConfig>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let address = format!("{scheme}://{}", listener.local_addr().unwrap());
        let shared = Arc::new(Shared::default());
        let (sender, receiver) = mpsc::channel();
        let data = web::Data::from(shared.clone());
        std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let app = move || App::new().app_data(data.clone()).default_service(web::to(answer));
                let server = HttpServer::new(app).workers(1).disable_signals();
                let server = match tls {
                    Some(config) => server.listen_rustls_0_23(listener, config).unwrap(),
                    None => server.listen(listener).unwrap(),
                };
                let server = server.run();
                sender.send(server.handle()).unwrap();
                server.await.unwrap();
            });
        });
        Self { shared, address, handle: receiver.recv().unwrap() }
    }

    /// Answers a call, as `GET /version`, with what a function makes of it.
    pub fn replies(&self, call: &str, handler: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> &Self {
        self.lock().handlers.insert(call.to_owned(), Arc::new(Box::new(handler)));
        self
    }

    /// Answers a call with a status and JSON.
    pub fn on(&self, call: &str, handler: impl Fn(&Asked) -> (u16, Value) + Send + Sync + 'static) -> &Self {
        self.replies(call, move |asked| {
            let (status, body) = handler(asked);
            Reply::of(status, body)
        })
    }

    /// Answers a call with 200 and this JSON.
    pub fn answers(&self, call: &str, body: Value) -> &Self {
        self.on(call, move |_| (200, body.clone()))
    }

    /// Answers a call with 200 and this text.
    pub fn answers_text(&self, call: &str, text: &str) -> &Self {
        let text = text.to_owned();
        self.replies(call, move |_| Reply::of(200, &text))
    }

    /// What the next socket that is opened does.
    pub fn streams(&self, steps: Vec<Step>) -> &Self {
        self.lock().scripts.push_back(steps);
        self
    }

    /// What was asked so far of one call.
    pub fn asked(&self, call: &str) -> Vec<Asked> {
        self.lock().asked.iter().filter(|asked| asked.call == call).cloned().collect()
    }

    /// The messages that clients sent, by socket.
    pub fn sockets(&self) -> Vec<Vec<Value>> {
        self.lock().sockets.clone()
    }

    /// Waits until so many sockets have sent `auth` and `follow` and got all that their script holds.
    pub fn wait_for_followers(&self, count: usize) {
        self.wait("followers", |state| {
            state.scripts.is_empty() && state.sockets.iter().filter(|s| s.len() == 2).count() >= count
        });
    }

    /// Waits until so many clients have left their sockets.
    pub fn wait_for_leavers(&self, count: usize) {
        self.wait("leavers", |state| state.left >= count);
    }

    fn wait(&self, what: &str, reached: impl Fn(&State) -> bool) {
        let state = self.lock();
        let (_state, result) = self.shared.changed.wait_timeout_while(state, HANGS, |state| !reached(state)).unwrap();
        assert!(!result.timed_out(), "no {what} came");
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap()
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        // The future only waits for the end of what has been told to end already.
        drop(self.handle.stop(false));
    }
}

impl Shared {
    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let changed = change(&mut self.state.lock().unwrap());
        self.changed.notify_all();
        changed
    }
}

async fn answer(
    request: HttpRequest,
    payload: web::Payload,
    shared: web::Data<Shared>,
) -> actix_web::Result<HttpResponse> {
    if request.path() == "/api/muster/v1/campaigns/stream" {
        return stream(&request, payload, shared.into_inner());
    }
    let body = payload.to_bytes().await?;
    let query = web::Query::<HashMap<String, String>>::from_query(request.query_string())?.into_inner();
    let token = request.headers().get("Authorization").map(|value| value.to_str().unwrap().to_owned());
    let asked = Asked {
        call: format!("{} {}", request.method(), request.path()),
        query,
        token: token.and_then(|value| value.strip_prefix("Bearer ").map(str::to_owned)),
        body: serde_json::from_slice(&body).unwrap_or(Value::Null),
    };
    let handler = shared.change(|state| {
        state.asked.push(asked.clone());
        state.handlers.get(&asked.call).cloned()
    });
    let Some(handler) = handler else {
        return Ok(HttpResponse::NotFound().content_type("text/plain").body("404 page not found\n"));
    };
    let reply = handler(&asked);
    let mut response = HttpResponse::build(actix_web::http::StatusCode::from_u16(reply.status).unwrap());
    response.content_type("application/json; charset=utf-8");
    if let Some(header) = reply.header {
        response.insert_header(header);
    }
    if !reply.breaks_off {
        return Ok(response.body(reply.body));
    }
    // Between the two the body is sent: a stream that has nothing for the moment makes the server flush.
    let body = futures::stream::iter([Ok(web::Bytes::from(reply.body))]).chain(futures::stream::once(async {
        actix_web::rt::task::yield_now().await;
        Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset))
    }));
    Ok(response.streaming(Box::pin(body)))
}

fn stream(request: &HttpRequest, payload: web::Payload, shared: Arc<Shared>) -> actix_web::Result<HttpResponse> {
    let (response, mut session, mut messages) = actix_ws::handle(request, payload)?;
    let number = shared.change(|state| {
        state.sockets.push(Vec::new());
        state.sockets.len() - 1
    });
    actix_web::rt::spawn(async move {
        for _ in 0..2 {
            let Some(Ok(Message::Text(text))) = messages.recv().await else { return };
            let message = serde_json::from_str(&text).unwrap();
            shared.change(|state| state.sockets[number].push(message));
        }
        let script = shared.change(|state| state.scripts.pop_front()).unwrap_or_default();
        for step in script {
            match step {
                Step::Send(message) => session.text(message.to_string()).await.unwrap(),
                Step::Cut => return,
                Step::Close => {
                    let _ = session.close(Some(CloseCode::Restart.into())).await;
                    return;
                }
            }
        }
        while let Some(Ok(message)) = messages.recv().await {
            if let Message::Close(_) = message {
                break;
            }
        }
        shared.change(|state| state.left += 1);
    });
    Ok(response)
}

/// `[targeted is the sum]: rows, empty, error, waiting, offline`.
pub fn campaign(state: &str, [rows, empty, error, waiting, offline]: [u64; 5]) -> Value {
    json!({
        "id": 42, "query": "SELECT 1", "query_id": null, "name": null, "author": {"id": 1, "name": "Ann"}, "attended": false,
        "started_at": "2026-11-22T10:00:00Z", "expires_at": "2026-11-23T10:00:00Z", "ended_at": null, "state": state, "rows": 3,
        "hosts": {"targeted": rows + empty + error + waiting + offline, "rows": rows, "empty": empty, "error": error,
            "waiting": waiting, "offline": offline},
    })
}

/// The campaign's state now.
pub fn counts(counts: [u64; 5]) -> Step {
    Step::Send(json!({"type": "campaign", "data": campaign("running", counts)}))
}

/// The campaign has ended.
pub fn end(state: &str, counts: [u64; 5]) -> Step {
    Step::Send(json!({"type": "end", "data": campaign(state, counts)}))
}

/// A host's rows; none is an empty answer.
pub fn rows(position: u64, host: u64, rows: Value) -> Step {
    let state = if rows == json!([]) { "empty" } else { "rows" };
    result(position, host, json!({"state": state, "rows": rows}))
}

/// A host's failure.
pub fn error(position: u64, host: u64, message: &str) -> Step {
    result(position, host, json!({"state": "error", "rows": [], "error": message}))
}

pub fn result(position: u64, host: u64, more: Value) -> Step {
    let mut data = json!({
        "position": position, "host": {"id": host, "hostname": format!("build-{host}"), "display_name": format!("build-{host}")},
        "cut": false, "received_at": "2026-11-22T10:00:01Z",
    });
    data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    Step::Send(json!({"type": "result", "data": data}))
}
