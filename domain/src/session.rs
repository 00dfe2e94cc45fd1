//! Sign-ins: a token's hash, whose it is, and when it was last known to be used.

mod decide;
mod event;
mod state;

use std::time::Duration;

pub use decide::Command;
pub use event::{Ended, Started, Used};
pub use state::{Session, Sessions};

/// A session ends this long after its last use; tokens of API-only accounts never end.
pub const LIFETIME: Duration = Duration::from_secs(5 * 86_400);
/// A use is written down at most this often.
pub const USE_STEP: Duration = Duration::from_secs(3_600);
