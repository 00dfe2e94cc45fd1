//! Is the cluster ready to know producers?
//!
//! One that has just started answers "coordinator load in progress" for some seconds, in which nothing can be appended.
//! librdkafka tells of its own id in its statistics only, so a client without topics is asked, and dropped again.

use std::time::{Duration, Instant};

use super::client::Context;
use super::writer::Producer;
use super::{Config, OpenError};

const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until the cluster gives producers their ids, saying why now and then.
pub(super) async fn wait(config: &Config) -> Result<(), OpenError> {
    let context = Context::default();
    let mut settings = config.producer();
    settings.set("statistics.interval.ms", "50");
    let _asking: Producer =
        settings.create_with_context(context.clone()).map_err(|error| OpenError::Settings(error.to_string()))?;
    let (begin, mut said) = (Instant::now(), 0);
    while !context.identified() {
        let waited = begin.elapsed();
        if waited > PATIENCE {
            let why =
                format!("it gave no producer id in {} s (is its transaction coordinator loading?)", PATIENCE.as_secs());
            return Err(OpenError::Unreachable { brokers: config.brokers.clone(), why });
        }
        if waited.as_secs() / 2 > said {
            said = waited.as_secs() / 2;
            tracing::info!("kafka: waiting for a producer id; a new cluster's coordinator takes some seconds to load");
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(())
}
