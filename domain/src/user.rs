//! People and API-only accounts. Names and addresses are sealed under a key of their own person.

mod decide;
mod event;
mod users;

pub use decide::Command;
pub use event::{Changed, Created, Deleted, Erased, PasswordChanged, Profile};
pub use users::{Departed, User, Users};
