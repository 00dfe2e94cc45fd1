//! An admin as a small client of the REST API.

use anyhow::{Context, ensure};
use reqwest::Method;
use serde_json::{Value, json};

use crate::door::Door;

/// Somebody who is signed in. Clones share the session.
#[derive(Clone)]
pub struct TestAdmin {
    pub door: Door,
    pub token: String,
    http: reqwest::Client,
}

/// One answer.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    /// `null` if the body is no JSON.
    pub json: Value,
    pub text: String,
    what: String,
}

impl TestAdmin {
    /// Signs in.
    pub async fn login(door: &Door, email: &str, password: &str) -> anyhow::Result<TestAdmin> {
        let nobody = TestAdmin::with_token(door, "");
        let answer = nobody.post("login", json!({"email": email, "password": password})).await;
        ensure!(answer.status == 200, "login of {email}: {} {}", answer.status, answer.text);
        let token = answer.json["token"].as_str().context("a login gives a token")?;
        Ok(TestAdmin { token: token.to_owned(), ..nobody })
    }

    /// Whoever holds a token; the empty one is nobody.
    pub fn with_token(door: &Door, token: &str) -> TestAdmin {
        TestAdmin { door: door.clone(), token: token.to_owned(), http: door.client() }
    }

    /// Any request. A path without a `/` in front is one of `/api/latest/fleet/`.
    pub async fn try_call(&self, method: Method, path: &str, body: Option<Value>) -> anyhow::Result<Answer> {
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/api/latest/fleet/{path}") };
        let what = format!("{method} {path}");
        let mut request = self.http.request(method, format!("https://{}{path}", self.door.address().await));
        if !self.token.is_empty() {
            request = request.bearer_auth(&self.token);
        }
        if let Some(body) = body {
            request = request.header("Content-Type", "application/json").body(body.to_string());
        }
        let response = request.send().await?;
        let status = response.status().as_u16();
        let text = response.text().await?;
        Ok(Answer { status, json: serde_json::from_str(&text).unwrap_or_default(), text, what })
    }

    /// Any request that gets an answer.
    pub async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        self.try_call(method, path, body).await.unwrap_or_else(|error| panic!("{path} got no answer: {error:#}"))
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.call(Method::POST, path, Some(body)).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.call(Method::PATCH, path, Some(body)).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.call(Method::DELETE, path, None).await
    }

    /// The records of a topic, from its start, as the log shows them.
    pub async fn records(&self, topic: &str) -> anyhow::Result<Vec<Value>> {
        let answer = self.try_call(Method::GET, &format!("/api/muster/v1/log/{topic}?from=start"), None).await?;
        ensure!(answer.status == 200, "{topic}: {} {}", answer.status, answer.text);
        let records = answer.text.lines().map(serde_json::from_str).collect::<Result<_, _>>();
        records.with_context(|| format!("a record of {topic} is no JSON"))
    }
}

impl Answer {
    /// The body of a 200.
    #[track_caller]
    pub fn ok(self) -> Value {
        assert_eq!(self.status, 200, "{}: {}", self.what, self.text);
        self.json
    }

    /// `errors[0].reason`; empty if there is none.
    pub fn reason(&self) -> &str {
        self.json["errors"][0]["reason"].as_str().unwrap_or_default()
    }
}
