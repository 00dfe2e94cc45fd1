//! Teams, and the enroll secrets that lead into them.

mod decide;
mod event;
mod teams;

pub use decide::{Command, default_settings};
pub use event::{Change, Changed, Created, Deleted, EnrollSecret, SecretsReplaced};
pub use teams::{Team, Teams};
