//! What librdkafka tells us besides answers: its log, and whether the cluster knows us.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::KafkaError;

/// Shared by a client's threads; clones are one. A client that is not asked for statistics never learns its state.
#[derive(Clone, Default)]
pub(super) struct Context {
    identified: Arc<AtomicBool>,
}

impl Context {
    /// Whether the cluster has given this producer an id, without which nothing is sent.
    pub(super) fn identified(&self) -> bool {
        self.identified.load(Ordering::Relaxed)
    }
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        match level {
            // One set of settings serves both kinds of client; each warns of what is not its own.
            _ if facility == "CONFWARN" => tracing::debug!("kafka: {message}"),
            RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical | RDKafkaLogLevel::Error => {
                tracing::error!("kafka: {message}");
            }
            RDKafkaLogLevel::Warning => tracing::warn!("kafka: {message}"),
            RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info => tracing::info!("kafka: {message}"),
            RDKafkaLogLevel::Debug => tracing::debug!("kafka: {message}"),
        }
    }

    fn stats_raw(&self, statistics: &[u8]) {
        let Ok(statistics) = serde_json::from_slice::<serde_json::Value>(statistics) else { return };
        if statistics["eos"]["idemp_state"] == "Assigned" {
            self.identified.store(true, Ordering::Relaxed);
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::warn!("kafka: {error}: {reason}");
    }
}

impl ConsumerContext for Context {}
