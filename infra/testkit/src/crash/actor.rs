//! One host: it enrols, and then does at random what hosts do, until it is told to stop.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::book::{Book, Line};
use crate::door::Door;
use crate::host::talk::{live, live_name, queries};
use crate::host::{Outcome, TestHost};

/// Between two tries, as a host's back-off in small.
const PAUSE: Duration = Duration::from_millis(40);

pub struct Actor {
    host: TestHost,
    secret: String,
    book: Book,
    dice: StdRng,
    stop: watch::Receiver<bool>,
    /// Makes every mark of this host another.
    marks: u64,
}

impl Actor {
    pub fn new(door: &Door, number: u32, secret: &str, book: Book, seed: u64, stop: watch::Receiver<bool>) -> Actor {
        Actor {
            host: TestHost::new(door, &format!("crash-{number}")),
            secret: secret.to_owned(),
            book,
            dice: StdRng::seed_from_u64(seed ^ (u64::from(number) << 32)),
            stop,
            marks: 0,
        }
    }

    /// Ends after what is under way is acknowledged.
    pub async fn run(mut self) {
        self.enrol().await;
        while !*self.stop.borrow() {
            match self.dice.random_range(0..10) {
                // Seldom enough that a campaign is always half answered.
                0 => self.answer().await,
                1..4 => self.report("result").await,
                4..6 => self.report("status").await,
                6..8 => self.snapshot().await,
                _ => drop(self.insist("config", json!({"node_key": self.host.key()})).await),
            }
        }
        // An acknowledged key must be good to the end.
        self.insist("distributed/read", json!({"node_key": self.host.key()})).await;
    }

    fn mark(&mut self) -> String {
        self.marks += 1;
        format!("{}#{}", self.host.identifier, self.marks)
    }

    async fn enrol(&mut self) {
        self.book.pages().tried.insert(self.host.identifier.clone());
        let secret = self.secret.clone();
        while self.host.key().is_empty() {
            self.host.enrol(&secret).await;
            tokio::time::sleep(PAUSE).await;
        }
        self.book.pages().enrolled.insert(self.host.identifier.clone());
    }

    /// A key that was acknowledged is good for ever.
    fn disowned(&self, said: &str) {
        self.book.surprise(format!("{} was told that its key is invalid: {said}", self.host.identifier));
    }

    /// Posts until it is acknowledged. False if the key is gone.
    async fn insist(&self, path: &str, body: Value) -> bool {
        loop {
            match self.host.post(path, &body).await.outcome {
                Outcome::Done(_) => return true,
                Outcome::NodeInvalid(said) => {
                    self.disowned(&said);
                    return false;
                }
                Outcome::Failed(_) | Outcome::Unanswered(_) => tokio::time::sleep(PAUSE).await,
            }
        }
    }

    /// Asks what to do, and answers it once; what is not acknowledged is asked again, or was taken.
    async fn answer(&mut self) {
        let asked = match self.host.read().await.outcome {
            Outcome::Done(work) => queries(&work),
            Outcome::NodeInvalid(said) => return self.disowned(&said),
            Outcome::Failed(_) | Outcome::Unanswered(_) => Default::default(),
        };
        if asked.is_empty() {
            return tokio::time::sleep(PAUSE).await;
        }
        let mut body = self.host.usual_answers(&asked);
        let mut answered = Vec::new();
        for campaign in live(&asked).into_keys() {
            let mark = self.mark();
            body["queries"][live_name(campaign)] = json!([{"mark": mark}]);
            let key = (campaign, self.host.identifier.clone());
            self.book.pages().answers.entry(key.clone()).or_default().marks.push(mark);
            answered.push(key);
        }
        match self.host.write(body).await.outcome {
            Outcome::Done(_) => {
                let mut pages = self.book.pages();
                for key in answered {
                    pages.answers.entry(key).or_default().acknowledged = true;
                }
            }
            Outcome::NodeInvalid(said) => self.disowned(&said),
            Outcome::Failed(_) | Outcome::Unanswered(_) => {}
        }
    }

    /// Posts some lines, now and then two that are equal.
    async fn report(&mut self, kind: &'static str) {
        let mut lines: Vec<(Value, u32)> = Vec::new();
        for _ in 0..self.dice.random_range(1..=4) {
            let mark = self.mark();
            let line = json!({"name": "pack/elsewhere/events", "hostIdentifier": self.host.identifier,
                "unixTime": now(), "columns": {"mark": mark}, "action": "added", "severity": "0"});
            lines.push((line.clone(), 1));
            if self.dice.random_range(0..8) == 0 {
                lines.push((line, 2));
            }
        }
        let data: Vec<&Value> = lines.iter().map(|(line, _)| line).collect();
        let body = json!({"node_key": self.host.key(), "log_type": kind, "data": data});
        if self.insist("log", body).await {
            let host = &self.host.identifier;
            let line = |(line, number): (Value, u32)| Line { host: host.clone(), kind, text: line.to_string(), number };
            self.book.pages().lines.extend(lines.into_iter().map(line));
        }
    }

    async fn snapshot(&mut self) {
        let mark = self.mark();
        let line = json!({"name": "pack/Global/crash", "hostIdentifier": self.host.identifier, "unixTime": now(),
            "snapshot": [{"mark": mark}], "action": "snapshot"});
        let body = json!({"node_key": self.host.key(), "log_type": "result", "data": [line]});
        if self.insist("log", body).await {
            let mut pages = self.book.pages();
            let host = self.host.identifier.clone();
            pages.lines.push(Line { host: host.clone(), kind: "result", text: line.to_string(), number: 1 });
            pages.snapshots.insert(host, mark);
            pages.snapshots_sent += 1;
        }
    }
}

fn now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.expect("the clock is past 1970").as_secs()
}
