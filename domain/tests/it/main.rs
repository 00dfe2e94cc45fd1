//! The domain from outside: what is published, what was ever written, and what each subject decides.

#![allow(clippy::unwrap_used)]

mod decide;
mod golden;
mod replay;
mod schemas;
mod story;
