//! Runs what is due, one query after another, and buffers what it says.

use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::sync::watch;

use super::diff::Change;
use super::discovery::Discovery;
use super::due::is_due;
use super::line::{Head, Shape};
use super::{Decorations, ScheduleStats};
use crate::config::{InForce, Machine, Plan, Scheduled};
use crate::flags::Flags;
use crate::logger::Logger;
use crate::ports::{Dice, Time};
use crate::queries::{Answer, Queries};
use crate::state::{Outcome, State, StateError};

/// How long a query rests that went over its limits, and how long unscheduled results are kept.
const DENIED_SECONDS: u64 = 86_400;
const FORGET_AFTER_SECONDS: u64 = 7 * 86_400;

pub struct Scheduler {
    pub state: Arc<State>,
    pub queries: Arc<dyn Queries>,
    pub time: Arc<dyn Time>,
    pub dice: Arc<dyn Dice>,
    pub logger: Logger,
    pub machine: Machine,
    pub decorations: Decorations,
    pub stats: ScheduleStats,
}

/// What the scheduler carries from tick to tick.
pub struct Course {
    previous: u64,
    in_force: InForce,
    plan: Plan,
    discovery: Discovery,
}

impl Scheduler {
    /// Ticks every second for ever, following the configuration.
    pub async fn run(&self, mut in_force: watch::Receiver<InForce>) {
        let first = in_force.borrow_and_update().clone();
        let mut course = self.begin(first).await;
        loop {
            self.time.sleep(Duration::from_secs(1)).await;
            if in_force.has_changed().unwrap_or(false) {
                let next = in_force.borrow_and_update().clone();
                self.follow(&mut course, next).await;
            }
            self.tick(&mut course).await;
        }
    }

    /// Begins with a configuration, as of now.
    pub async fn begin(&self, in_force: InForce) -> Course {
        let mut course = Course {
            previous: self.time.now(),
            in_force: InForce::default(),
            plan: Plan::default(),
            discovery: Discovery::default(),
        };
        self.follow(&mut course, in_force).await;
        course
    }

    /// Goes over to another configuration.
    pub async fn follow(&self, course: &mut Course, in_force: InForce) {
        let mut plan = Plan::make(&in_force.config, &in_force.flags, &self.machine, &self.state, &*self.dice);
        self.complain(std::mem::take(&mut plan.complaints));
        self.stats.plan(&plan);
        if let Some(views) = &in_force.config.views {
            self.queries.set_views(views.clone());
        }
        let names: Vec<&str> = plan.queries().map(|query| query.name.as_str()).collect();
        let long_ago = self.time.now().saturating_sub(FORGET_AFTER_SECONDS);
        self.logger.forgive(self.state.forget_unscheduled(&names, long_ago));
        self.logger.info(format!("the schedule has {} queries", names.len()));
        if in_force.flags.is_on("disable_decorators") {
            self.decorations.load(&*self.queries, &Default::default()).await;
        } else {
            self.complain(self.decorations.load(&*self.queries, &in_force.config.decorators).await);
        }
        *course = Course { previous: course.previous, in_force, plan, discovery: Discovery::default() };
    }

    /// Runs all that became due since the last tick.
    pub async fn tick(&self, course: &mut Course) {
        let (previous, now) = (course.previous, self.time.now());
        course.previous = now;
        let InForce { config, flags } = &course.in_force;
        let decorate = !flags.is_on("disable_decorators");
        if decorate {
            self.complain(self.decorations.interval(&*self.queries, &config.decorators, previous, now).await);
        }
        let keep = flags.number("pack_refresh_interval");
        for pack in &course.plan.packs {
            for query in pack.queries.iter().filter(|query| is_due(previous, now, query.splayed)) {
                let (active, complaint) = course.discovery.is_active(&*self.queries, pack, now, keep).await;
                self.complain(complaint);
                if active && !self.rests(query) {
                    if decorate {
                        self.complain(self.decorations.always(&*self.queries, &config.decorators).await);
                    }
                    self.run_query(query, flags).await;
                }
            }
        }
    }

    /// Whether the query went over its limits lately.
    fn rests(&self, query: &Scheduled) -> bool {
        let rests = query.denylist && self.logger.forgive(self.state.is_denied(&denial(query), self.time.now()));
        self.stats.denylisted(query, rests);
        rests
    }

    async fn run_query(&self, query: &Scheduled, flags: &Flags) {
        match self.queries.query(&query.sql).await {
            Ok(answer) => {
                self.stats.ran(query, &answer, self.time.now());
                self.log(query, answer, flags);
            }
            Err(why) if why.over_limit && query.denylist => {
                let until = self.time.now().saturating_add(DENIED_SECONDS);
                self.logger.forgive(self.state.deny(&denial(query), until));
                self.stats.denylisted(query, true);
                self.logger.error(format!("the scheduled query {} rests for a day: {why}", query.name));
            }
            Err(why) => self.logger.error(format!("the scheduled query {} failed: {why}", query.name)),
        }
    }

    /// Buffers the lines of a run: all rows of a snapshot, else what changed.
    fn log(&self, query: &Scheduled, answer: Answer, flags: &Flags) {
        let shape = Shape::from(flags);
        let decorations = self.decorations.present();
        let epoch = flags.number("schedule_epoch");
        let head = |counter| Head {
            name: &query.name,
            host_identifier: self.logger.host_identifier(),
            time: self.time.now(),
            epoch,
            counter,
            decorations: &decorations,
        };
        if query.snapshot {
            self.logger.results(&query.name, shape.snapshot(&head(0), &answer.rows));
            return;
        }
        let Some((counter, mut change)) = self.change(query, epoch, &answer) else { return };
        let rows = (!change.is_empty() || counter == 0).then_some(answer.rows.as_slice());
        if !query.removed {
            change.removed.clear();
        }
        let outcome = Outcome { name: &query.name, sql: &query.sql, epoch, counter, ran_at: self.time.now(), rows };
        self.logger.outcome(&outcome, shape.change(&head(counter), &change));
    }

    /// What changed since the last run, and the number of this one.
    ///
    /// The first run of a name, and of an epoch, is number 0 and adds all its rows. A changed text begins anew at 0 too,
    /// but is still compared with the rows of the earlier text. Nothing when the disk does not give what it keeps.
    fn change(&self, query: &Scheduled, epoch: u64, answer: &Answer) -> Option<(u64, Change)> {
        let all = || Change { added: answer.rows.clone(), removed: Vec::new() };
        let memory = match self.state.memory(&query.name) {
            Err(StateError::Rows { cause, .. }) => {
                self.logger
                    .warn(format!("the last result of {} cannot be read, so it begins anew: {cause}", query.name));
                None
            }
            Err(cause) => {
                self.logger.error(format!("nothing is said of {}: {cause}", query.name));
                return None;
            }
            Ok(memory) => memory,
        };
        Some(match memory {
            Some(memory) if memory.epoch == epoch => {
                let counter = if memory.sql == query.sql { memory.counter + 1 } else { 0 };
                (counter, Change::between(memory.rows, &answer.rows))
            }
            _ => (0, all()),
        })
    }

    fn complain(&self, complaints: impl IntoIterator<Item = String>) {
        complaints.into_iter().for_each(|complaint| self.logger.warn(complaint));
    }
}

/// Under what a query rests: its name and text, so that another text is tried at once.
fn denial(query: &Scheduled) -> String {
    format!("schedule {} {:x}", query.name, Sha256::digest(query.sql.as_bytes()))
}
