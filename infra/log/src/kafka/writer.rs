//! Appends: one idempotent producer, and what is known when it fails.

use std::sync::{Arc, RwLock};
use std::time::Duration;

use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::future_producer::DeliveryFuture;
use rdkafka::producer::{FutureProducer, FutureRecord, Producer as _};
use tokio::sync::Semaphore;

use super::client::Context;
use super::{Config, OpenError};
use crate::{AppendError, Draft, Position};

pub(super) type Producer = FutureProducer<Context>;

/// KiB under way at most; more wait here, where a caller can give up, and not in librdkafka.
const ROOM: u32 = 64 * 1024;
/// How long to wait for room.
const PATIENCE: Duration = Duration::from_secs(10);
pub(super) struct Writer {
    config: Arc<Config>,
    producer: RwLock<Arc<Producer>>,
    room: Semaphore,
}

impl Writer {
    pub(super) fn connect(config: &Arc<Config>) -> Result<Self, OpenError> {
        let producer = producer(config).map_err(|error| OpenError::Settings(error.to_string()))?;
        Ok(Writer { config: config.clone(), producer: RwLock::new(producer), room: Semaphore::new(ROOM as usize) })
    }

    pub(super) fn producer(&self) -> Arc<Producer> {
        self.producer.read().expect("nothing panics while it holds the producer").clone()
    }

    pub(super) async fn append(
        &self,
        topic: &str,
        partition: u32,
        drafts: Vec<Draft>,
    ) -> Result<Vec<Position>, AppendError> {
        let kib = drafts.iter().map(Draft::size).sum::<usize>() / 1024 + drafts.len();
        let kib = u32::try_from(kib).unwrap_or(ROOM).min(ROOM);
        let room = tokio::time::timeout(PATIENCE, self.room.acquire_many(kib)).await;
        let Ok(Ok(_room)) = room else {
            return Err(AppendError::Failed("too many records are under way to kafka".into()));
        };
        let producer = self.producer();
        let mut sent = Vec::with_capacity(drafts.len());
        for draft in &drafts {
            sent.push(send(&producer, topic, partition, draft));
            if matches!(sent.last(), Some(Err(_))) {
                break; // what would follow must not land without it
            }
        }
        let mut outcome = Outcome::default();
        for delivery in sent {
            outcome.note(match delivery {
                Ok(delivery) => told(delivery).await,
                Err(error) => Err(error),
            });
        }
        if outcome.failure.is_some() {
            self.renew_if_dead(&producer);
        }
        outcome.result()
    }

    /// An idempotent producer that lost its way refuses everything from then on; another takes its place.
    fn renew_if_dead(&self, dead: &Arc<Producer>) {
        let Some((_, why)) = dead.client().fatal_error() else { return };
        let mut current = self.producer.write().expect("nothing panics while it holds the producer");
        if !Arc::ptr_eq(&current, dead) {
            return;
        }
        tracing::error!("kafka: the producer is replaced: {why}");
        match producer(&self.config) {
            Ok(new) => *current = new,
            Err(error) => tracing::error!("kafka: no new producer: {error}"),
        }
    }
}

fn producer(config: &Config) -> Result<Arc<Producer>, KafkaError> {
    Ok(Arc::new(config.producer().create_with_context(Context::default())?))
}

fn send(producer: &Producer, topic: &str, partition: u32, draft: &Draft) -> Result<DeliveryFuture, KafkaError> {
    let mut headers = OwnedHeaders::new_with_capacity(draft.headers.len());
    for (key, value) in &draft.headers {
        headers = headers.insert(Header { key, value: Some(value.as_bytes()) });
    }
    let mut record: FutureRecord<'_, [u8], [u8]> =
        FutureRecord::to(topic).partition(partition as i32).payload(&draft.value);
    if !draft.headers.is_empty() {
        record = record.headers(headers);
    }
    if let Some(key) = &draft.key {
        record = record.key(key);
    }
    producer.send_result(record).map_err(|(error, _)| error)
}

async fn told(delivery: DeliveryFuture) -> Result<Position, KafkaError> {
    match delivery.await {
        Ok(Ok(delivery)) => Ok(delivery.offset as Position),
        Ok(Err((error, _))) => Err(error),
        Err(_) => Err(KafkaError::Canceled),
    }
}

/// What became of one append's records, taken together.
#[derive(Default)]
struct Outcome {
    positions: Vec<Position>,
    failure: Option<KafkaError>,
    unsure: bool,
}

impl Outcome {
    fn note(&mut self, told: Result<Position, KafkaError>) {
        match told {
            Ok(position) => self.positions.push(position),
            Err(error) => {
                self.unsure |= !surely_refused(&error);
                self.failure.get_or_insert(error);
            }
        }
    }

    fn result(self) -> Result<Vec<Position>, AppendError> {
        match self.failure {
            None => Ok(self.positions),
            Some(error) if self.unsure || !self.positions.is_empty() => Err(AppendError::Unknown(error.to_string())),
            Some(error) => Err(AppendError::Failed(error.to_string())),
        }
    }
}

/// Whether an error means that the record was never written: it did not leave us, or the broker turned it away.
fn surely_refused(error: &KafkaError) -> bool {
    use RDKafkaErrorCode::*;
    let KafkaError::MessageProduction(code) = error else { return false };
    matches!(
        code,
        QueueFull
            | UnknownTopic
            | UnknownPartition
            | UnknownTopicOrPartition
            | InvalidTopic
            | TopicAuthorizationFailed
            | ClusterAuthorizationFailed
            | MessageSizeTooLarge
            | InvalidMessageSize
            | NotEnoughReplicas
            | PolicyViolation
            | InvalidRecord
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(told: Vec<Result<Position, RDKafkaErrorCode>>) -> Result<Vec<Position>, AppendError> {
        let mut outcome = Outcome::default();
        told.into_iter().for_each(|told| outcome.note(told.map_err(KafkaError::MessageProduction)));
        outcome.result()
    }

    #[test]
    fn failed_means_that_nothing_landed() {
        use RDKafkaErrorCode::*;
        assert!(matches!(outcome(vec![Ok(4), Ok(5)]), Ok(positions) if positions == [4, 5]));
        assert!(matches!(outcome(vec![Err(MessageSizeTooLarge), Err(NotEnoughReplicas)]), Err(AppendError::Failed(_))));
        assert!(matches!(outcome(vec![Err(MessageTimedOut)]), Err(AppendError::Unknown(_))));
        assert!(matches!(outcome(vec![Err(NotEnoughReplicasAfterAppend)]), Err(AppendError::Unknown(_))));
        assert!(matches!(outcome(vec![Ok(4), Err(MessageSizeTooLarge)]), Err(AppendError::Unknown(_))));
        assert!(matches!(outcome(vec![Err(MessageSizeTooLarge), Err(MessageTimedOut)]), Err(AppendError::Unknown(_))));
    }
}
