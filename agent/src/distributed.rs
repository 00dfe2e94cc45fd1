//! Distributed queries: read what is asked, run it, and send all answers in one write.
//!
//! The poll goes by its interval; the push channel only makes it come sooner. Answers that the server has not taken are
//! kept and go out with the next write.

mod kept;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use agent_protocol::body;
use agent_protocol::reply::{Asked, Work};
use sha2::{Digest, Sha256};
use tokio::sync::{Notify, watch};

use crate::config::InForce;
use crate::logger::Logger;
use crate::ports::{Dice, Time, backoff, jittered};
use crate::queries::{Answer, Queries};
use crate::session::{CallError, Reply, Session, to_json};
use crate::state::State;
use crate::transport::Encoding;
use kept::{Given, Kept};

const READ: &str = "/api/osquery/distributed/read";
const WRITE: &str = "/api/osquery/distributed/write";

/// The poll while the server wishes it accelerated, and where that wish is kept.
const ACCELERATED: Duration = Duration::from_secs(5);
const ACCELERATE_UNTIL: &str = "accelerate_until";

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

    /// What is kept goes out even when the read fails: they fail for reasons of their own.
    async fn poll(&self, kept: &mut Kept) {
        match self.insist(self.attempts(), || self.read(), |span| self.wait(span)).await {
            Ok(reply) => self.work(Work::read(&reply.document), kept).await,
            Err(why) => self.logger.warn(format!("distributed queries cannot be read: {why}")),
        }
        self.flush(kept).await;
    }

    async fn work(&self, asked: Asked, kept: &mut Kept) {
        if let Some(seconds) = asked.accelerate {
            let until = self.time.now().saturating_add(seconds);
            self.logger.forgive(self.state.set(&[(ACCELERATE_UNTIL, &until.to_string())]));
        }
        // Run in the order of their names, as osqueryd does; of equal names the last counts.
        let queries: BTreeMap<String, String> = asked.queries.into_iter().collect();
        for name in self.discovered(&queries, &asked.discovery).await {
            let given = match self.query(&queries[name]).await {
                Ok(answer) => Given::rows(&answer.rows, answer.stats),
                Err(message) => Given::failure(message),
            };
            kept.put(name.to_owned(), given, self.time.now());
            if kept.is_full() {
                self.flush(kept).await;
            }
        }
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
                None => match self.query(sql).await {
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

    /// Runs a query unless it rests. One that goes over its limits rests from then on.
    async fn query(&self, sql: &str) -> Result<Answer, String> {
        let denial = format!("distributed {:x}", Sha256::digest(sql.as_bytes()));
        if self.logger.forgive(self.state.is_denied(&denial, self.time.now())) {
            return Err(DENYLISTED.to_owned());
        }
        self.queries.query(sql).await.map_err(|why| {
            if why.over_limit {
                let rest = self.in_force.borrow().flags.number("distributed_denylist_duration");
                self.logger.forgive(self.state.deny(&denial, self.time.now().saturating_add(rest)));
                self.logger.error(format!(
                    "a distributed query went over its limits and is not run again for {rest} seconds: {why}"
                ));
            }
            why.message
        })
    }

    /// Sends what is kept; what the server does not take stays. After a failure each answer is tried but once a poll,
    /// so that one that is never taken slows no other query.
    async fn flush(&self, kept: &mut Kept) {
        kept.expire(self.time.now());
        let failed_before = kept.apart;
        let attempts = if failed_before { 1 } else { self.attempts() };
        let mut outcome = Ok(());
        for names in kept.writes() {
            match self.insist(attempts, || self.write(&names, kept), |span| self.time.sleep(span)).await {
                Ok(_) => kept.taken(&names),
                Err(why @ CallError::Refused(_)) => outcome = Err(why),
                Err(why) => {
                    outcome = Err(why);
                    break; // The larger ones behind it would fare no better.
                }
            }
        }
        kept.apart = outcome.is_err();
        let dropped = kept.shrink();
        if dropped > 0 {
            self.logger.error(format!("answers to distributed queries lost, too large to be kept: {dropped}"));
        }
        if let (Err(why), false) = (outcome, failed_before) {
            self.logger.warn(format!("{} answers to distributed queries are kept: {why}", kept.len()));
        }
    }

    async fn read(&self) -> Result<Reply, CallError> {
        self.session.call(READ, Encoding::Plain, |node_key| to_json(&body::DistributedRead { node_key })).await
    }

    async fn write(&self, names: &[String], kept: &Kept) -> Result<Reply, CallError> {
        self.session.call(WRITE, Encoding::Plain, |node_key| to_json(&kept.body(names, node_key))).await
    }

    fn attempts(&self) -> u64 {
        self.in_force.borrow().flags.number("distributed_tls_max_attempts").max(1)
    }

    /// Tries a call so many times. Only the waits of a read may be cut short by a "come": one that a write's wait took
    /// up would be lost to the read that it asks for.
    async fn insist<Call, Wait>(
        &self,
        attempts: u64,
        call: impl Fn() -> Call,
        wait: impl Fn(Duration) -> Wait,
    ) -> Result<Reply, CallError>
    where
        Call: Future<Output = Result<Reply, CallError>>,
        Wait: Future<Output = ()>,
    {
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
