//! The latest result of each scheduled snapshot query on each host.
//!
//! Snapshots of one query on one host are ordered by the smaller of the host's clock and arrival: neither a late post nor
//! a clock in the future freezes them. One that equals what is stored writes nothing, but once a day its times.
//! What a changed or deleted query left behind is passed over by readers and swept later, since the ledger says so and
//! nothing orders it with these partitions.

mod snapshot;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use async_trait::async_trait;
use domain::records::Line;
use domain::{Digest, HostId, QueryId, Timestamp};
use infra_log::{Position, Topic};
use infra_stores::{Statement, StoreError, Table, Value, Write};

use crate::packed::{pack, unpack};
use crate::projection::{Facts, FoldError, Projection, Recorded, view};
use crate::tables::LATEST_RESULT;

use snapshot::{Rows, Snapshot};

/// How far the stored times of an unchanged result may lie behind.
const TOUCH: Duration = Duration::from_secs(86_400);

/// One row per query and host, with the rows of its latest snapshot.
/// Kept: it outlives the topic. Source: `result.logged`, snapshots of saved queries.
pub(crate) struct Results;

type Key = (QueryId, HostId);

/// A stored result. Rows are only there while something may have to be added to them.
#[derive(Clone, Debug)]
struct Latest {
    /// The smaller of the host's clock and arrival.
    taken: Timestamp,
    /// Arrival.
    recorded: Timestamp,
    position: Position,
    /// It is gathered from lines of one row each.
    gathered: bool,
    digest: String,
    rows: Rows,
}

/// What a snapshot does to what is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Effect {
    Nothing,
    /// The same rows, and the stored times lie far behind.
    Touched,
    Replaced,
}

#[async_trait]
impl Projection for Results {
    fn name(&self) -> &'static str {
        view::RESULTS
    }

    fn shape(&self) -> i64 {
        1
    }

    fn topic(&self) -> Topic {
        Topic::Results
    }

    fn tables(&self) -> Vec<&'static Table> {
        vec![&LATEST_RESULT]
    }

    fn kept(&self) -> bool {
        true
    }

    async fn fold(&self, facts: &Facts, _version: i64, write: &mut Write) -> Result<(), FoldError> {
        let Facts::Lines(lines) = facts else { return Ok(()) };
        let snapshot =
            |one: &Recorded<Line>| Some(((one.fact.query?, one.fact.host), Snapshot::parse(&one.fact.value)?));
        let snapshots: Vec<_> = lines.iter().filter_map(|one| snapshot(one).map(|found| (one, found))).collect();
        let keys: BTreeSet<Key> = snapshots.iter().map(|(_, (key, _))| *key).collect();
        let gathers = snapshots.iter().any(|(_, (_, snapshot))| snapshot.is_row);
        let mut held = load(&keys, gathers, write).await?;
        let mut effects: BTreeMap<Key, Effect> = BTreeMap::new();
        for (line, (key, snapshot)) in snapshots {
            let effect = match held.get_mut(&key) {
                Some(latest) => latest.tell(line, snapshot),
                None => {
                    held.insert(key, Latest::of(line, snapshot));
                    Effect::Replaced
                }
            };
            let strongest = effects.entry(key).or_insert(effect);
            *strongest = effect.max(*strongest);
        }
        for (key, effect) in effects {
            match effect {
                Effect::Nothing => {}
                Effect::Touched => held[&key].touch(key, write).await?,
                Effect::Replaced => held[&key].put(key, write),
            }
        }
        Ok(())
    }
}

impl Latest {
    fn of(line: &Recorded<Line>, snapshot: Snapshot) -> Latest {
        Latest {
            taken: taken(&line.fact, &snapshot),
            recorded: line.fact.recorded,
            position: line.position,
            gathered: snapshot.is_row,
            digest: digest(&snapshot.rows),
            rows: snapshot.rows,
        }
    }

    fn tell(&mut self, line: &Recorded<Line>, snapshot: Snapshot) -> Effect {
        let taken = taken(&line.fact, &snapshot);
        if line.position <= self.position || taken < self.taken {
            return Effect::Nothing; // folded before a restart, or late
        }
        if snapshot.is_row && self.gathered && (taken, line.fact.recorded) == (self.taken, self.recorded) {
            self.rows.extend(snapshot.rows);
            self.digest = digest(&self.rows);
            self.position = line.position;
            return Effect::Replaced;
        }
        if snapshot.is_row || self.gathered || digest(&snapshot.rows) != self.digest {
            *self = Latest::of(line, snapshot);
            return Effect::Replaced;
        }
        if taken.since(self.taken) < TOUCH {
            return Effect::Nothing;
        }
        (self.taken, self.recorded, self.position) = (taken, line.fact.recorded, line.position);
        Effect::Touched
    }

    fn put(&self, (query, host): Key, write: &mut Write) {
        let others: Vec<Value> = vec![
            self.taken.into(),
            self.recorded.into(),
            self.position.into(),
            self.gathered.into(),
            self.rows.given.into(),
            self.rows.cut().into(),
            self.digest.as_str().into(),
            pack(&self.rows.json()).into(),
        ];
        write.put(&LATEST_RESULT, vec![query.0.into(), host.0.into()], others);
    }

    async fn touch(&self, (query, host): Key, write: &mut Write) -> Result<(), StoreError> {
        let update = Statement::new(
            "UPDATE latest_result SET taken = ?, recorded = ?, position = ? WHERE query = ? AND host = ?",
        );
        let update = update.bind(self.taken).bind(self.recorded).bind(self.position).bind(query.0).bind(host.0);
        write.execute(update).await.map(drop)
    }
}

fn taken(line: &Line, snapshot: &Snapshot) -> Timestamp {
    snapshot.unix_time.map_or(line.recorded, |told| told.min(line.recorded))
}

fn digest(rows: &Rows) -> String {
    Digest::of(rows.json()).to_string()
}

/// What is stored under these keys; the rows only of what is gathered, and only if they are wanted.
async fn load(keys: &BTreeSet<Key>, rows_too: bool, write: &mut Write) -> Result<BTreeMap<Key, Latest>, FoldError> {
    if keys.is_empty() {
        return Ok(BTreeMap::new());
    }
    let among = |statement: Statement| {
        let statement =
            statement.push(" FROM latest_result WHERE query IN ").list(keys.iter().map(|(query, _)| query.0));
        statement.push(" AND host IN ").list(keys.iter().map(|(_, host)| host.0))
    };
    let heads = among(Statement::new("SELECT query, host, taken, recorded, position, gathered, digest, row_count"));
    let mut held = BTreeMap::new();
    for mut row in write.fetch(heads).await? {
        let key = (QueryId(row.take()?), HostId(row.take()?));
        let (taken, recorded, position) = (row.take()?, row.take()?, row.take()?);
        let (gathered, digest) = (row.take()?, row.take()?);
        let rows = Rows::left_behind(row.take()?);
        held.insert(key, Latest { taken, recorded, position, gathered, digest, rows });
    }
    if rows_too {
        let whole = among(Statement::new("SELECT query, host, data")).push(" AND gathered = 1");
        for mut row in write.fetch(whole).await? {
            let key = (QueryId(row.take()?), HostId(row.take()?));
            let data: Vec<u8> = row.take()?;
            if let Some(latest) = held.get_mut(&key) {
                let json = unpack(&data).ok_or_else(|| FoldError::row("packed rows"))?;
                latest.rows = Rows::stored(&json, latest.rows.given).ok_or_else(|| FoldError::row("rows"))?;
            }
        }
    }
    Ok(held)
}
