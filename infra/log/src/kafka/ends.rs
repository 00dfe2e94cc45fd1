//! Ends, asked of the partition's leader through the producer's client: one question in flight for all who wait.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rdkafka::producer::Producer as _;
use tokio::sync::oneshot;

use super::Config;
use super::writer::Writer;
use crate::{Partition, Position};

/// How long a question may take in all; a leader that moves takes some seconds.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) struct Ends {
    config: Arc<Config>,
    writer: Arc<Writer>,
    asked: Mutex<HashMap<Partition, Asked>>,
}

/// Who waits for the next question about a partition; while one is in flight, its answer is too old for them.
#[derive(Default)]
struct Asked {
    in_flight: bool,
    waiting: Vec<oneshot::Sender<Result<Position, String>>>,
}

impl Ends {
    pub(super) fn new(config: Arc<Config>, writer: Arc<Writer>) -> Self {
        Ends { config, writer, asked: Mutex::default() }
    }

    /// The end, from a question that was sent after this call.
    pub(super) async fn ask(self: &Arc<Self>, partition: Partition) -> Result<Position, String> {
        let (tell, told) = oneshot::channel();
        let first = {
            let mut asked = self.asked.lock().expect("nothing panics while it holds the questions");
            let asked = asked.entry(partition).or_default();
            asked.waiting.push(tell);
            !std::mem::replace(&mut asked.in_flight, true)
        };
        if first {
            let ends = self.clone();
            tokio::task::spawn_blocking(move || ends.answer(partition));
        }
        told.await.unwrap_or_else(|_| Err("the question was dropped".into()))
    }

    /// Asks as long as somebody waits.
    fn answer(&self, partition: Partition) {
        loop {
            let waiting = {
                let mut asked = self.asked.lock().expect("nothing panics while it holds the questions");
                let asked = asked.entry(partition).or_default();
                let waiting = std::mem::take(&mut asked.waiting);
                asked.in_flight = !waiting.is_empty();
                waiting
            };
            if waiting.is_empty() {
                return;
            }
            let end = self.watermarks(partition).map(|(_, end)| end);
            waiting.into_iter().for_each(|tell| drop(tell.send(end.clone())));
        }
    }

    /// The first position that is left, and the end. Blocks.
    pub(super) fn watermarks(&self, partition: Partition) -> Result<(Position, Position), String> {
        let topic = self.config.topic(partition.topic);
        let until = Instant::now() + PATIENCE;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let asked = self.writer.producer().client().fetch_watermarks(&topic, partition.index as i32, left);
            match asked {
                Ok((start, end)) => return Ok((start as Position, end as Position)),
                Err(error) if Instant::now() >= until => return Err(format!("{topic}/{}: {error}", partition.index)),
                // A leader that is being elected answers with an error at once.
                Err(_) => std::thread::sleep(Duration::from_millis(100).min(left)),
            }
        }
    }
}
