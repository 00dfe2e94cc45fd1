//! Tells a story of a fleet: decisions, reports, signals, answers and results, as records of the log and as what they
//! mean. The same seed tells the same story.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use domain::host::Enrol;
use domain::label::Membership;
use domain::ledger::{Chain, Commit, Decided, Stamp};
use domain::query::{Logging, Spec};
use domain::records::{
    Activity, Answer, AnswerState, Boot, Disks, Encoded, Hardware, Identity, Intervals, LabelAnswers, Line, LineKind,
    Network, Os, Presence, Report, Section, Signal, User, Users,
};
use domain::role::{Role, Roles};
use domain::user::Profile;
use domain::{
    Actor, CampaignId, Command, CommandId, Digest, HostId, LabelId, Members, QueryId, Sealed, State, TeamId, Timestamp,
    UserId,
};
use infra_log::{Draft, Partition, Topic, parts};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::json;

/// When every story begins.
pub const START: Timestamp = Timestamp::from_secs(1_780_000_000);
/// Hosts that report; those of them that the ledger knows exist.
pub const HOSTS: u32 = 12;

pub struct Teller {
    rng: StdRng,
    pub now: Timestamp,
    pub chain: Chain,
    pub state: State,
    /// The ledger after each commit that counts.
    pub history: Vec<(Timestamp, State)>,
    /// In the order of the log.
    pub reports: Vec<Report>,
    pub answers: Vec<Answer>,
    pub lines: Vec<Line>,
    pub windows: Vec<Presence>,
    pub activities: Vec<Activity>,
    pub writes: Vec<(Partition, Draft)>,
    numbers: u64,
    window_from: Timestamp,
    seen: Vec<(HostId, Timestamp)>,
}

impl Teller {
    pub fn new(seed: u64) -> Teller {
        let mut teller = Teller {
            rng: StdRng::seed_from_u64(seed),
            now: START,
            chain: Chain::GENESIS,
            state: State::default(),
            history: vec![(Timestamp::EPOCH, State::default())],
            reports: vec![],
            answers: vec![],
            lines: vec![],
            windows: vec![],
            activities: vec![],
            writes: vec![],
            numbers: 0,
            window_from: START,
            seen: vec![],
        };
        let secrets = vec![(Digest::of("s"), sealed())];
        teller.decide(vec![
            domain::label::Command::Seed.into(),
            domain::team::Command::ReplaceSecrets { team: None, secrets }.into(),
        ]);
        teller
    }

    /// A whole story.
    pub fn story(seed: u64, steps: usize) -> Teller {
        let mut teller = Teller::new(seed);
        (0..steps).for_each(|_| teller.step());
        teller
    }

    pub fn step(&mut self) {
        // Often several things happen in the same microsecond.
        if self.rng.random_bool(0.7) {
            self.now = self.now.plus(Duration::from_micros(self.rng.random_range(1..20_000_000)));
        }
        self.window();
        match self.rng.random_range(0..100) {
            0..30 => self.decision(),
            30..62 => self.report(),
            62..72 => self.seen_hosts(),
            72..84 => self.answer(),
            84..96 => self.line(),
            96..98 => self.rubbish(),
            _ => self.void(),
        }
    }

    // Decisions

    fn decision(&mut self) {
        let commands = (0..self.rng.random_range(1..4)).map(|_| self.command()).collect();
        self.decide(commands);
    }

    /// Commits what the domain decides; commands that it refuses, or that change nothing, are left out.
    pub fn decide(&mut self, commands: Vec<Command>) {
        let at = self.now;
        let mut state = self.state.clone();
        let mut decided = vec![];
        for command in commands {
            let events = command.decide(&state, at).unwrap_or_default();
            events.iter().for_each(|event| state.evolve(event, at));
            if !events.is_empty() {
                let number = self.number();
                let actor = Actor::User(UserId(1));
                decided.push(Decided { command: CommandId(format!("c{number}")), actor, traceparent: None, events });
            }
        }
        if decided.is_empty() {
            return;
        }
        let record = self.commit(decided.clone()).encode();
        self.chain = self.chain.extended_by(&record);
        self.state = state;
        self.history.push((at, self.state.clone()));
        self.write(Topic::Ledger.only(), Encoded { headers: vec![], value: record });
        self.tell_activities(&decided);
    }

    fn commit(&mut self, decided: Vec<Decided>) -> Commit {
        let id = format!("id{}", self.number());
        let (sequence, prev) = (self.chain.sequence + 1, self.chain.head);
        Commit { stamp: Stamp { id, source: "muster/a".into(), sequence, prev, recorded: self.now }, decided }
    }

    fn tell_activities(&mut self, decided: &[Decided]) {
        for (number, one) in (0..).zip(decided) {
            let activity = Activity {
                source: "muster/a".into(),
                sequence: self.chain.sequence,
                number,
                recorded: self.now,
                actor: one.actor,
                command: one.command.clone(),
                kind: one.events[0].name().replace('.', "_"),
                details: json!({"events": one.events.len()}),
            };
            // A writer that starts again writes some twice.
            let times = if self.rng.random_bool(0.2) { 2 } else { 1 };
            (0..times).for_each(|_| self.write(Topic::Activity.only(), activity.encode()));
            self.activities.push(activity);
        }
    }

    fn command(&mut self) -> Command {
        use domain::{campaign, host, label, query, team, user};
        let number = self.number();
        let name = format!("name {number}");
        match self.rng.random_range(0..24) {
            0..6 => self.enrolment(),
            6 => host::Command::Transfer { hosts: self.hosts(), team: self.team() }.into(),
            7 => {
                let hosts = self.hosts().and(self.state.hosts.existing()).iter().take(2).collect();
                host::Command::Delete { hosts }.into()
            }
            8 | 9 => {
                let secrets = vec![(Digest::of(&name), sealed())];
                let (description, settings) = (String::new(), Arc::new(json!({})));
                team::Command::Create { name, description, agent_options: None, settings, secrets }.into()
            }
            10 => match self.team() {
                Some(team) if self.rng.random_bool(0.5) => team::Command::Delete { team }.into(),
                Some(team) => {
                    let (agent_options, settings) = (team::Change::Keep, None);
                    team::Command::Change { team, name: Some(name), description: None, agent_options, settings }.into()
                }
                None => domain::label::Command::Seed.into(),
            },
            11 | 12 => {
                let membership = if self.rng.random_bool(0.5) { Membership::Manual } else { Membership::Dynamic };
                let (description, query, platform) = (String::new(), "SELECT 1".into(), String::new());
                let members = self.hosts();
                label::Command::Create { name, description, query, platform, membership, members, author: None }.into()
            }
            13 | 14 => {
                let (join, leave) = (self.hosts(), self.hosts());
                label::Command::Members { label: self.label(), join, leave }.into()
            }
            15 => {
                let label = self.label();
                if self.rng.random_bool(0.3) {
                    label::Command::Delete { label }.into()
                } else {
                    label::Command::Change { label, name: Some(name), description: None, members: None }.into()
                }
            }
            16 | 17 => query::Command::Create { team: self.team(), spec: self.spec(name), author: None }.into(),
            18 => query::Command::Change { query: self.query(), spec: self.spec(name) }.into(),
            19 if self.rng.random_bool(0.4) => query::Command::Delete { queries: vec![self.query()] }.into(),
            20 => user::Command::Create {
                profile: Profile { name: sealed(), email: sealed(), email_digest: Digest::of(&name), position: None },
                password: "hash".into(),
                roles: self
                    .team()
                    .map_or(Roles::Global(Role::Admin), |team| Roles::Teams([(team, Role::Observer)].into())),
                api_only: false,
                must_reset_password: self.rng.random_bool(0.5),
            }
            .into(),
            21 => {
                let targets = self.hosts();
                let life = Duration::from_secs(self.rng.random_range(10..4000));
                let (sql, query) = (name, self.state.queries.iter().next().map(|query| query.id));
                campaign::Command::Start {
                    sql,
                    query,
                    by: None,
                    targets,
                    attended: false,
                    life,
                    most: Default::default(),
                }
                .into()
            }
            22 => {
                let campaign = self.campaign();
                match self.rng.random_bool(0.5) {
                    true => campaign::Command::Stop { campaign, stats: None }.into(),
                    false => campaign::Command::Extend { campaign, life: Duration::from_secs(9000) }.into(),
                }
            }
            _ => campaign::Command::Expire { stats: Default::default() }.into(),
        }
    }

    fn enrolment(&mut self) -> Command {
        let number = self.rng.random_range(1..=HOSTS);
        let secrets: Vec<_> = self
            .state
            .teams
            .iter()
            .flat_map(|team| self.state.teams.secrets(Some(team.id)))
            .map(|one| one.digest)
            .collect();
        let secret = self.pick(&secrets).filter(|_| self.rng.random_bool(0.5)).unwrap_or(Digest::of("s"));
        let key = self.number();
        domain::host::Command::Enrol(Enrol {
            secret,
            identifier: format!("Host-{number}"),
            node_key: Digest::of(key.to_string()),
            platform: ["ubuntu", "darwin", ""][self.rng.random_range(0..3)].into(),
            cooldown: Duration::ZERO,
        })
        .into()
    }

    fn spec(&mut self, name: String) -> Spec {
        let labels_include_any = if self.rng.random_bool(0.3) { vec![self.label()] } else { vec![] };
        let logging = if self.rng.random_bool(0.7) { Logging::Snapshot } else { Logging::Differential };
        let query = format!("SELECT {}", self.rng.random_range(1..4));
        Spec { name, query, interval: 60, logging, labels_include_any, ..Spec::default() }
    }

    /// A record that was overtaken, or that landed twice.
    fn void(&mut self) {
        if self.chain.sequence == 0 {
            return;
        }
        let deleted = domain::host::Deleted { hosts: self.state.hosts.existing().clone() };
        let (command, actor) = (CommandId("void".into()), Actor::System);
        let mut rival = self.commit(vec![Decided { command, actor, traceparent: None, events: vec![deleted.into()] }]);
        rival.stamp.sequence = self.chain.sequence;
        rival.stamp.prev = Digest::of("what came before");
        self.write(Topic::Ledger.only(), Encoded { headers: vec![], value: rival.encode() });
    }

    // What hosts say

    pub fn report(&mut self) {
        let host = HostId(self.rng.random_range(1..=HOSTS));
        // Mostly when it is told, sometimes long before.
        let late = if self.rng.random_bool(0.3) { self.rng.random_range(0..60_000_000) } else { 0 };
        let recorded = self.now.minus(Duration::from_micros(late));
        let section = self.section(host);
        let report = Report { id: format!("r{}", self.number()), source: "muster/a".into(), host, recorded, section };
        self.write(Topic::Hosts.partition_of(u64::from(host.0)), report.encode());
        self.reports.push(report);
    }

    /// Few values, so that states come back.
    fn section(&mut self, host: HostId) -> Section {
        let few = self.rng.random_range(0..3);
        match self.rng.random_range(0..10) {
            0 | 1 => Identity {
                hostname: ["Web-01", "db_02", "ÄPFEL%"][few].into(),
                computer_name: ["", "Anna's Laptop"][few % 2].into(),
                uuid: format!("UUID-{host}"),
                hardware_serial: format!("SER{few}"),
                osquery_version: "5.12.1".into(),
            }
            .into(),
            2 => Os {
                platform: ["ubuntu", "darwin", "windows"][few].into(),
                os_version: ["Ubuntu 22.04", "macOS 14", "Windows 11"][few].into(),
                name: ["Ubuntu", "macOS", "Windows"][few].into(),
                version: few.to_string(),
                ..Os::default()
            }
            .into(),
            3 => Hardware { memory: few as i64 * 1024, hardware_model: "X1".into(), ..Hardware::default() }.into(),
            4 => Network { primary_ip: format!("10.0.0.{few}"), ..Network::default() }.into(),
            5 => {
                Disks { gigs_disk_space_available: few as f64 * 10.5, gigs_total_disk_space: 100.0, ..Disks::default() }
                    .into()
            }
            6 if few == 0 => Boot { booted_at: Timestamp::from_secs(few as i64) }.into(),
            6 => Intervals { distributed_interval: few as u32, ..Intervals::default() }.into(),
            7 | 8 => self.users(few).into(),
            _ => {
                let newest = self.state.labels.iter().map(|label| label.id.0).max().unwrap_or(0) + 2;
                let answered: BTreeSet<LabelId> = (1..=newest).map(LabelId).collect();
                let members = answered.iter().filter(|_| self.rng.random_bool(0.4)).copied().collect();
                LabelAnswers { answered, members }.into()
            }
        }
    }

    /// The whole, or one of two parts: no user is in two places.
    fn users(&mut self, few: usize) -> Users {
        let part = self.rng.random_range(0..3);
        let name = |number: usize| format!("{}-{number}", ["root", "ann", "bob"][usize::from(part)]);
        let user = |number: usize| User { username: name(number), uid: number as i64, ..User::default() };
        Users { part, ..Users::new((0..few).map(user).collect()) }
    }

    fn seen_hosts(&mut self) {
        for _ in 0..self.rng.random_range(1..6) {
            self.seen.push((HostId(self.rng.random_range(1..=HOSTS)), self.now));
        }
    }

    /// Every thirty seconds, what was seen in them.
    fn window(&mut self) {
        if self.now.since(self.window_from) < Duration::from_secs(30) {
            return;
        }
        let mut latest = std::collections::BTreeMap::new();
        for (host, at) in self.seen.drain(..) {
            latest.insert(host, at);
        }
        let seen: Vec<_> = latest.into_iter().collect();
        if !seen.is_empty() {
            let some = |skip: usize| seen.iter().skip(skip).step_by(2).map(|(host, _)| *host).collect::<Members>();
            let (detailed, labelled) = (some(0), some(1));
            let mut window = Presence::new("a".into(), self.window_from, self.now, seen);
            (window.detailed, window.labelled) = (detailed, labelled);
            self.write(Topic::Signals.only(), Signal::Presence(window.clone()).encode());
            self.write(
                Topic::Signals.only(),
                Signal::RefetchWished { hosts: Members::default(), at: self.now }.encode(),
            );
            self.windows.push(window);
        }
        self.window_from = self.now;
    }

    pub fn answer(&mut self) {
        let (campaign, host) = (self.campaign(), HostId(self.rng.random_range(1..=HOSTS)));
        let state = [AnswerState::Rows, AnswerState::Empty, AnswerState::Error][self.rng.random_range(0..3)];
        let row_count = if state == AnswerState::Rows { self.rng.random_range(1..4) } else { 0 };
        let error = if state == AnswerState::Error {
            format!("no such table: t{}", row_count + host.0 as u64 % 2)
        } else {
            String::new()
        };
        let rows = vec![json!({"n": self.number().to_string()}); row_count as usize];
        let answer = Answer {
            campaign,
            host,
            recorded: self.now,
            state,
            error,
            stats: "null".into(),
            row_count,
            cut: false,
            rows: serde_json::to_vec(&rows).unwrap(),
        };
        self.tell_answer(answer);
    }

    /// Writes an answer, in parts if it must.
    pub fn tell_answer(&mut self, answer: Answer) {
        let partition = Topic::Live.partition_of(Answer::partition_key(answer.campaign));
        let Encoded { headers, value } = answer.encode();
        let draft = Draft { key: Some(answer.key().into()), headers, value: value.into() };
        let id = format!("a{}", self.number());
        for part in parts::split(draft, &id).unwrap() {
            self.writes.push((partition, part));
        }
        self.answers.push(answer);
    }

    fn line(&mut self) {
        let host = HostId(self.rng.random_range(1..=HOSTS));
        let query = QueryId(self.rng.random_range(1..5));
        let clock = self.now.secs() + self.rng.random_range(-90..30);
        let rows: Vec<_> = (0..self.rng.random_range(0..3)).map(|at| json!({"a": at.to_string()})).collect();
        let value = match self.rng.random_range(0..4) {
            0 => json!({"name": "pack/Global/q", "action": "snapshot", "columns": {"a": "1"}, "unixTime": clock}),
            1 => json!({"name": "pack/Global/q", "action": "added", "columns": {"a": "1"}, "unixTime": clock}),
            _ => {
                json!({"name": "pack/Global/q", "action": "snapshot", "snapshot": rows, "unixTime": clock.to_string()})
            }
        };
        self.tell_line(host, Some(query), self.now, value);
    }

    pub fn tell_line(&mut self, host: HostId, query: Option<QueryId>, recorded: Timestamp, value: serde_json::Value) {
        let value = value.to_string().into_bytes();
        let line = Line { kind: LineKind::Result, host, id: Line::id_of(host, &value, 0), recorded, query, value };
        self.write(Topic::Results.partition_of(u64::from(host.0)), line.encode());
        self.lines.push(line);
    }

    /// A record of a host that nobody can read.
    fn rubbish(&mut self) {
        let partition = Topic::Hosts.partition_of(u64::from(self.rng.random_range(1..=HOSTS)));
        self.write(partition, Encoded { headers: vec![("host".into(), "1".into())], value: b"rubbish".to_vec() });
    }

    // Choices

    pub fn write(&mut self, partition: Partition, encoded: Encoded) {
        let draft = Draft { key: None, headers: encoded.headers, value: encoded.value.into() };
        self.writes.push((partition, draft));
    }

    fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    fn pick<T: Clone>(&mut self, all: &[T]) -> Option<T> {
        if all.is_empty() { None } else { Some(all[self.rng.random_range(0..all.len())].clone()) }
    }

    fn hosts(&mut self) -> Members {
        (1..=self.state.hosts.newest().max(1)).filter(|_| self.rng.random_bool(0.4)).map(HostId).collect()
    }

    fn team(&mut self) -> Option<TeamId> {
        let teams: Vec<TeamId> = self.state.teams.iter().map(|team| team.id).collect();
        self.pick(&teams).filter(|_| self.rng.random_bool(0.7))
    }

    fn label(&mut self) -> LabelId {
        let labels: Vec<LabelId> =
            self.state.labels.iter().filter(|label| !label.builtin).map(|label| label.id).collect();
        self.pick(&labels).unwrap_or(LabelId(1))
    }

    fn query(&mut self) -> QueryId {
        let queries: Vec<QueryId> = self.state.queries.iter().map(|query| query.id).collect();
        self.pick(&queries).unwrap_or(QueryId(1))
    }

    fn campaign(&mut self) -> CampaignId {
        let newest = self.state.campaigns.iter().next_back().map_or(1, |campaign| campaign.id.0);
        CampaignId(self.rng.random_range(1..=newest))
    }
}

fn sealed() -> Sealed {
    Sealed { key: "server/1".into(), text: "x".into() }
}
