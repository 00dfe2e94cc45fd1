//! Appends of everything that is not decided, and the word whether the log takes them at all.

use std::sync::atomic::Ordering;

use infra_log::{AppendError, Draft, Partition, Position};

use super::Registry;

/// The log did not take what was to be kept, or did not say so. Whoever sent it sends it again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the server cannot keep this now, send it again: {0}")]
pub struct AppendFailed(pub String);

impl Registry {
    /// Appends to one partition; nothing to append is no append.
    pub async fn append(&self, partition: Partition, drafts: Vec<Draft>) -> Result<Vec<Position>, AppendFailed> {
        if drafts.is_empty() {
            return Ok(vec![]);
        }
        let outcome = self.0.log.append(partition, drafts).await;
        match &outcome {
            Ok(_) => self.writable(true),
            // A draft that is too large says nothing about the log.
            Err(AppendError::TooLarge { .. }) => {}
            Err(AppendError::Failed(_) | AppendError::Unknown(_)) => self.writable(false),
        }
        outcome.map_err(|error| {
            tracing::warn!(%partition, "append failed: {error}");
            AppendFailed(error.to_string())
        })
    }

    /// Whether the log took the last append. While it does not, hosts are asked nothing.
    pub fn is_writable(&self) -> bool {
        self.0.writable.load(Ordering::Relaxed)
    }

    fn writable(&self, now: bool) {
        let before = self.0.writable.swap(now, Ordering::Relaxed);
        if before != now {
            match now {
                true => tracing::info!("the log takes appends again, hosts are asked again"),
                false => tracing::error!("the log takes no appends, hosts are asked nothing until it does"),
            }
        }
    }
}
