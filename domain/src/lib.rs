//! What Muster decides, and nothing else: commands, events, the rules between them, and the values they are made of.
//!
//! Pure: no runtime, SQL, HTTP, clock, randomness, environment or log. Time and new ids arrive from outside.

pub mod time;

pub use time::Timestamp;
