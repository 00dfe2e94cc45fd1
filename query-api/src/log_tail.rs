//! `GET /api/muster/v1/log/{topic}`: the records of a topic as they stand, one JSON object a line.
//!
//! For the auditor who wants to see the log itself, and for whoever mends a broken view. Global admins only.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use actix_web::web::{Bytes, Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use domain::role::{Action, Scope};
use futures::Stream;
use infra_http::{Params, Problem, SignedIn};
use infra_log::{Log, Partition, Position, ReadError, Record, Topic};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::guard::Guard;

const BATCH_RECORDS: usize = 200;
const BATCH_BYTES: usize = 1024 * 1024;
/// How long one partition is waited on before the next is looked at.
const PATIENCE: Duration = Duration::from_millis(500);

/// Where to begin, in every partition that is read.
#[derive(Clone, Copy, Debug, PartialEq)]
enum From {
    Start,
    End,
    At(Position),
}

/// Streams records, oldest first within a partition.
///
/// `from=start|end|<position>` (default `end`) · `partition` (default all) · `follow=true` goes on for ever ·
/// `limit` records at most. A line: `{topic, partition, position, appended, key, headers, value}`; a value that is no
/// JSON is text. A reader who may read no longer gets a last line `{error}`. 400 for a bad parameter · 403 for anybody but a global admin · 404 for an unknown topic.
pub async fn tail(
    app: Data<App>,
    user: SignedIn,
    topic: Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    user.may(Action::ReadLog, Scope::Global)?;
    let topic = Topic::ALL.into_iter().find(|known| known.name().strip_prefix("muster.") == Some(topic.as_str()));
    let topic = topic.ok_or_else(|| Problem::missing("there is no such topic"))?;
    let params = Params::parse(request.query_string());
    let from = parse_from(params.get("from"))?;
    let partition: Option<u32> = params.number("partition", |text| format!("partition {text:?} is no number"))?;
    let limit: Option<u64> = params.number("limit", |text| format!("limit {text:?} is no number"))?;
    if let Some(index) = partition.filter(|index| *index >= topic.partitions()) {
        return Err(Problem::bad_request(format!(
            "{topic} has no partition {index}, only 0 to {}",
            topic.partitions() - 1
        )));
    }
    let follow = params.is_true("follow");

    let log = app.log.clone();
    let mut places = VecDeque::new();
    for partition in topic.every().filter(|one| partition.is_none_or(|index| one.index == index)) {
        places.push_back((
            partition,
            begin(&*log, partition, from)
                .await
                .map_err(|error| Problem::unavailable("the log cannot be read", error))?,
        ));
    }
    let guard = Guard::new(&app.access, user.token, |caller| caller.roles.may(Action::ReadLog, Scope::Global));
    let closing = app.closing.clone();
    let reader = Reader { log, guard, closing, places, follow, left: limit.unwrap_or(u64::MAX), idle: 0 };
    Ok(HttpResponse::Ok().content_type("application/x-ndjson").streaming(lines(reader)))
}

fn parse_from(text: Option<&str>) -> Result<From, Problem> {
    match text.unwrap_or("end") {
        "start" => Ok(From::Start),
        "end" => Ok(From::End),
        text => text
            .parse()
            .map(From::At)
            .map_err(|_| Problem::bad_request(format!("from {text:?} is not start, end or a position"))),
    }
}

async fn begin(log: &dyn Log, partition: Partition, from: From) -> Result<Position, ReadError> {
    match from {
        From::Start => log.start(partition).await,
        From::End => log.end(partition).await,
        From::At(position) => Ok(position.max(log.start(partition).await?)),
    }
}

struct Reader {
    log: Arc<dyn Log>,
    guard: Guard,
    closing: CancellationToken,
    places: VecDeque<(Partition, Position)>,
    follow: bool,
    left: u64,
    /// Partitions looked at since the last record.
    idle: usize,
}

impl Reader {
    /// The next lines; `None` at the end.
    async fn next(&mut self) -> Option<Result<Bytes, std::io::Error>> {
        loop {
            if let Some(lost) = self.guard.look().filter(|_| self.left > 0) {
                self.left = 0;
                return Some(Ok(format!("{}\n", json!({"error": lost.reason()})).into()));
            }
            if self.closing.is_cancelled() || self.left == 0 || (!self.follow && self.idle >= self.places.len()) {
                return None;
            }
            let (partition, from) = self.places.pop_front()?;
            let wanted = usize::try_from(self.left).unwrap_or(usize::MAX).min(BATCH_RECORDS);
            let records = match self.log.read(partition, from, wanted, BATCH_BYTES).await {
                Ok(records) => records,
                Err(ReadError::Gone { start, .. }) => {
                    self.places.push_front((partition, start));
                    continue;
                }
                Err(error) => return Some(Err(std::io::Error::other(error))),
            };
            let next = records.last().map_or(from, |record| record.position + 1);
            self.places.push_back((partition, next));
            if records.is_empty() {
                self.idle += 1;
                if self.follow && self.idle >= self.places.len() {
                    self.wait().await;
                }
                continue;
            }
            self.idle = 0;
            self.left -= records.len() as u64;
            let text: String = records.iter().map(|record| format!("{}\n", line(partition, record))).collect();
            return Some(Ok(text.into()));
        }
    }

    /// Until any partition moves, the reader may read no longer, or the server stops.
    async fn wait(&mut self) {
        let Reader { log, guard, closing, places, .. } = self;
        let waits = places.iter().map(|(partition, next)| log.changed(*partition, *next, PATIENCE));
        tokio::select! {
            _ = futures::future::select_all(waits.map(Box::pin)) => {}
            _ = guard.lost() => {}
            () = closing.cancelled() => {}
        }
        self.idle = 0;
    }
}

fn lines(reader: Reader) -> impl Stream<Item = Result<Bytes, std::io::Error>> {
    futures::stream::unfold(reader, |mut reader| async move { reader.next().await.map(|lines| (lines, reader)) })
}

fn line(partition: Partition, record: &Record) -> Value {
    let value = serde_json::from_slice(&record.value)
        .unwrap_or_else(|_| Value::from(String::from_utf8_lossy(&record.value).into_owned()));
    let headers: serde_json::Map<String, Value> =
        record.headers.iter().map(|(name, value)| (name.clone(), value.clone().into())).collect();
    json!({
        "topic": partition.topic.name(),
        "partition": partition.index,
        "position": record.position,
        "appended": record.appended.to_rfc3339(),
        "key": record.key.as_ref().map(|key| String::from_utf8_lossy(key).into_owned()),
        "headers": headers,
        "value": value,
    })
}
