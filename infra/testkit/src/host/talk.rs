//! What a host says.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::atomic::Ordering;

use serde_json::{Map, Value, json};

use super::{Outcome, Reply, TestHost};

impl TestHost {
    /// Posts JSON to `/api/osquery/…`; a path that begins with `/` is taken as it is.
    pub async fn post(&self, path: &str, body: &Value) -> Reply {
        self.post_bytes(path, body.to_string().into_bytes(), &[]).await
    }

    /// Posts any bytes.
    pub async fn post_bytes(&self, path: &str, body: Vec<u8>, headers: &[(&str, &str)]) -> Reply {
        let reply = match self.call(reqwest::Method::POST, path, body, headers).await {
            Ok(reply) => reply,
            Err(error) => Reply::unanswered(format!("{error:#}")),
        };
        let counter = match reply.outcome {
            Outcome::Done(_) => &self.told.acknowledged,
            Outcome::Failed(_) | Outcome::NodeInvalid(_) => &self.told.refused,
            Outcome::Unanswered(_) => &self.told.unanswered,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        reply
    }

    /// Any request. The error is one of the connection.
    pub async fn call(
        &self,
        method: reqwest::Method,
        path: &str,
        body: Vec<u8>,
        headers: &[(&str, &str)],
    ) -> anyhow::Result<Reply> {
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/api/osquery/{path}") };
        let url = format!("https://{}{path}", self.door.address().await);
        let mut request = self.http.request(method, url).header("Content-Type", "application/json").body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await?;
        let status = response.status().as_u16();
        let text = |(name, value): (&reqwest::header::HeaderName, &reqwest::header::HeaderValue)| {
            (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        let headers = response.headers().iter().map(text).collect();
        let body = response.bytes().await?.to_vec();
        Ok(Reply { status, headers, outcome: Outcome::of(&body), body })
    }

    pub async fn config(&self, etag: Option<&str>) -> Reply {
        let mut body = json!({"node_key": self.key()});
        if let Some(etag) = etag {
            body["etag"] = etag.into();
        }
        self.post("config", &body).await
    }

    pub async fn read(&self) -> Reply {
        self.post("distributed/read", &json!({"node_key": self.key()})).await
    }

    /// What the server asks now, by name. Panics if it refuses.
    pub async fn asked(&self) -> BTreeMap<String, String> {
        queries(&self.read().await.done())
    }

    /// The live queries among what the server asks, by campaign.
    pub async fn asked_live(&self) -> BTreeMap<u64, String> {
        live(&self.asked().await)
    }

    /// Sends a write; the node key is added.
    pub async fn write(&self, mut body: Value) -> Reply {
        body["node_key"] = self.key().into();
        self.post("distributed/write", &body).await
    }

    /// Answers one query with success.
    pub async fn answer(&self, name: &str, rows: Value) -> Reply {
        let cost = json!({"wall_time_ms": 3, "user_time": 1, "system_time": 0, "memory": 4096});
        let (statuses, messages) = (json!({name: 0}), json!({name: ""}));
        self.write(json!({"queries": {name: rows}, "statuses": statuses, "messages": messages, "stats": {name: cost}}))
            .await
    }

    pub async fn answer_live(&self, campaign: u64, rows: Value) -> Reply {
        self.answer(&live_name(campaign), rows).await
    }

    /// Answers one query with a failure.
    pub async fn fail(&self, name: &str, message: &str) -> Reply {
        self.write(json!({"queries": {name: []}, "statuses": {name: 1}, "messages": {name: message}})).await
    }

    /// Answers everything that is asked once, so that only what is new is asked afterwards: details with what the host
    /// said at enrolment, everything else with no rows.
    pub async fn settle(&self) {
        // A live query comes alone, so a second read may bring the rest.
        for _ in 0..4 {
            let asked = self.asked().await;
            if asked.is_empty() {
                return;
            }
            self.write(self.usual_answers(&asked)).await.done();
        }
        panic!("{} is asked again and again", self.identifier);
    }

    /// A write that answers all that was asked with success.
    pub fn usual_answers(&self, asked: &BTreeMap<String, String>) -> Value {
        let answers: Map<String, Value> = asked.keys().map(|name| (name.clone(), self.usual(name))).collect();
        let statuses: Map<String, Value> = asked.keys().map(|name| (name.clone(), json!(0))).collect();
        json!({"queries": answers, "statuses": statuses})
    }

    fn usual(&self, name: &str) -> Value {
        let details = self.details();
        match name.strip_prefix("fleet_detail_query_").and_then(|table| details.get(table)) {
            Some(row) => json!([row]),
            None if name == "fleet_no_policies_wildcard" => json!([{"1": "1"}]),
            None => json!([]),
        }
    }

    /// Posts log lines of one kind, `result` or `status`.
    pub async fn log(&self, kind: &str, lines: &[Value]) -> Reply {
        self.post("log", &json!({"node_key": self.key(), "log_type": kind, "data": lines})).await
    }

    /// Posts log lines compressed, as `logger_tls_compress` does.
    pub async fn log_gzip(&self, kind: &str, lines: &[Value]) -> Reply {
        let body = json!({"node_key": self.key(), "log_type": kind, "data": lines}).to_string();
        self.post_bytes("log", gzip(body.as_bytes()), &[("Content-Encoding", "gzip")]).await
    }
}

/// The queries of a read's document.
pub fn queries(work: &Value) -> BTreeMap<String, String> {
    let queries = work["queries"].as_object().expect("queries is an object");
    queries.iter().map(|(name, sql)| (name.clone(), sql.as_str().expect("SQL is text").to_owned())).collect()
}

/// `fleet_distributed_query_42`
pub fn live_name(campaign: u64) -> String {
    format!("fleet_distributed_query_{campaign}")
}

/// The live queries of a read, by campaign.
pub fn live(asked: &BTreeMap<String, String>) -> BTreeMap<u64, String> {
    let number = |name: &str| name.strip_prefix("fleet_distributed_query_")?.parse().ok();
    asked.iter().filter_map(|(name, sql)| Some((number(name)?, sql.clone()))).collect()
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).expect("memory takes everything");
    encoder.finish().expect("memory takes everything")
}
