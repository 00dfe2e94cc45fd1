//! Distributed queries: read what is asked, run it, and send all answers in one write.
//!
//! The poll goes by its interval; the push channel only makes it come sooner. Answers that the server has not taken are
//! kept and go out with the next write.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use agent_protocol::reply::Work;
use agent_protocol::{Row, body};
use sha2::{Digest, Sha256};
use tokio::sync::{Notify, watch};

use crate::config::InForce;
use crate::logger::Logger;
use crate::ports::{Dice, Time, backoff, jittered};
use crate::queries::Queries;
use crate::session::{CallError, Reply, Session, to_json};
use crate::state::State;
use crate::transport::Encoding;

const READ: &str = "/api/osquery/distributed/read";
const WRITE: &str = "/api/osquery/distributed/write";

/// The poll while the server wishes it accelerated, and where that wish is kept.
const ACCELERATED: Duration = Duration::from_secs(5);
const ACCELERATE_UNTIL: &str = "accelerate_until";

/// How long an answer is kept that the server does not take. It asks again for what it still wants.
const KEEP_SECONDS: u64 = 3600;

/// What osqueryd says of a query that broke its limits before.
const DENYLISTED: &str = "distributed query is denylisted";

pub struct Distributed {
    pub state: Arc<State>,
    pub session: Arc<Session>,
    pub queries: Arc<dyn Queries>,
    pub time: Arc<dyn Time>,
    pub dice: Arc<dyn Dice>,
    pub logger: Logger,
    pub in_force: watch::Receiver<InForce>,
    /// Told when the push channel says "come".
    pub come: Arc<Notify>,
}

/// What one query gave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Given {
    rows: Vec<Row>,
    status: i64,
    message: String,
    stats: body::Stats,
}

/// Answers that the server has not taken, by name.
#[derive(Default)]
struct Kept {
    answers: BTreeMap<String, (Given, u64)>,
    /// The server refused them together, so each goes alone: one that it cannot take must not hold the others.
    one_by_one: bool,
}

impl Distributed {
    /// Polls for ever.
    pub async fn run(&self) {
        let mut kept = Kept::default();
        loop {
            self.wait(self.interval()).await;
            if !self.in_force.borrow().flags.is_on("disable_distributed") {
                self.poll(&mut kept).await;
            }
        }
    }

    async fn poll(&self, kept: &mut Kept) {
        let asked = match self.insist(|| self.read(), |span| self.wait(span)).await {
            Ok(reply) => Work::read(&reply.document),
            Err(why) => {
                return self.logger.warn(format!("distributed queries cannot be read: {why}"));
            }
        };
        if let Some(seconds) = asked.accelerate {
            let until = self.time.now().saturating_add(seconds);
            self.logger.forgive(self.state.set(&[(ACCELERATE_UNTIL, &until.to_string())]));
        }
        // Run in the order of their names, as osqueryd does; of equal names the last counts.
        let queries: BTreeMap<String, String> = asked.queries.into_iter().collect();
        for name in self.discovered(&queries, &asked.discovery).await {
            let given = self.answer(&queries[name]).await;
            kept.answers.insert(name.to_owned(), (given, self.time.now()));
        }
        self.flush(kept).await;
    }

    /// The names of the queries to run: all without a discovery query, and those whose discovery query returned rows.
    /// One that fails rejects the whole reply.
    async fn discovered<'a>(
        &self,
        queries: &'a BTreeMap<String, String>,
        discovery: &BTreeMap<String, String>,
    ) -> Vec<&'a str> {
        let mut found: HashMap<&str, bool> = HashMap::new();
        let mut names = Vec::new();
        for name in queries.keys() {
            let Some(sql) = discovery.get(name) else {
                names.push(name.as_str());
                continue;
            };
            let has_rows = match found.get(sql.as_str()) {
                Some(&known) => known,
                None => match self.queries.query(sql).await {
                    Ok(answer) => *found.entry(sql).or_insert(!answer.rows.is_empty()),
                    Err(why) => {
                        self.logger
                            .error(format!("no distributed query is run: the discovery query of {name} failed: {why}"));
                        return Vec::new();
                    }
                },
            };
            if has_rows {
                names.push(name.as_str());
            }
        }
        names
    }

    async fn answer(&self, sql: &str) -> Given {
        let denial = format!("distributed {:x}", Sha256::digest(sql.as_bytes()));
        if self.logger.forgive(self.state.is_denied(&denial, self.time.now())) {
            return Given { status: 1, message: DENYLISTED.to_owned(), ..Given::default() };
        }
        match self.queries.query(sql).await {
            Ok(answer) => Given { rows: answer.rows, stats: answer.stats, ..Given::default() },
            Err(why) => {
                if why.over_limit {
                    let rest = self.in_force.borrow().flags.number("distributed_denylist_duration");
                    self.logger.forgive(self.state.deny(&denial, self.time.now().saturating_add(rest)));
                    self.logger.error(format!(
                        "a distributed query went over its limits and is not run again for {rest} seconds: {why}"
                    ));
                }
                Given { status: 1, message: why.message, ..Given::default() }
            }
        }
    }

    /// Sends what is kept; what the server does not take stays.
    async fn flush(&self, kept: &mut Kept) {
        let too_old = self.time.now().saturating_sub(KEEP_SECONDS);
        kept.answers.retain(|_, (_, since)| *since >= too_old);
        if kept.answers.is_empty() {
            return;
        }
        let names: Vec<String> = kept.answers.keys().cloned().collect();
        let posts: Vec<&[String]> = if kept.one_by_one { names.chunks(1).collect() } else { vec![&names] };
        let mut outcome = Ok(());
        for names in posts {
            match self.insist(|| self.write(names, &kept.answers), |span| self.time.sleep(span)).await {
                Ok(_) => kept.answers.retain(|name, _| !names.contains(name)),
                Err(why) => outcome = Err(why),
            }
        }
        kept.one_by_one = matches!(outcome, Err(CallError::Refused(_)));
        if let Err(why) = outcome {
            self.logger.warn(format!("{} answers to distributed queries are kept: {why}", kept.answers.len()));
        }
    }

    async fn read(&self) -> Result<Reply, CallError> {
        self.session.call(READ, Encoding::Plain, |node_key| to_json(&body::DistributedRead { node_key })).await
    }

    async fn write(&self, names: &[String], answers: &BTreeMap<String, (Given, u64)>) -> Result<Reply, CallError> {
        let body = |node_key: &str| {
            let mut write = body::DistributedWrite { node_key, ..body::DistributedWrite::default() };
            for name in names {
                let (given, _) = &answers[name];
                write.queries.insert(name, &given.rows);
                write.statuses.insert(name, given.status);
                write.messages.insert(name, &given.message);
                write.stats.insert(name, given.stats);
            }
            to_json(&write)
        };
        self.session.call(WRITE, Encoding::Plain, body).await
    }

    /// Tries a call as often as `distributed_tls_max_attempts` says. Only the waits of a read may be cut short by a
    /// "come": one that a write's wait took up would be lost to the read that it asks for.
    async fn insist<Call, Wait>(
        &self,
        call: impl Fn() -> Call,
        wait: impl Fn(Duration) -> Wait,
    ) -> Result<Reply, CallError>
    where
        Call: Future<Output = Result<Reply, CallError>>,
        Wait: Future<Output = ()>,
    {
        let attempts = self.in_force.borrow().flags.number("distributed_tls_max_attempts").max(1);
        let mut attempt = 1;
        loop {
            match call().await {
                Err(_) if u64::from(attempt) < attempts => wait(backoff(&*self.dice, attempt, Duration::MAX)).await,
                outcome => return outcome,
            }
            attempt += 1;
        }
    }

    /// Waits, but not past a "come".
    async fn wait(&self, span: Duration) {
        tokio::select! {
            () = self.time.sleep(span) => {}
            () = self.come.notified() => {}
        }
    }

    fn interval(&self) -> Duration {
        let seconds = self.in_force.borrow().flags.number("distributed_interval").max(1);
        let interval = jittered(&*self.dice, Duration::from_secs(seconds));
        let until = self
            .logger
            .forgive(self.state.get(ACCELERATE_UNTIL))
            .and_then(|until| until.parse::<u64>().ok())
            .unwrap_or(0);
        if self.time.now() < until { interval.min(ACCELERATED) } else { interval }
    }
}
