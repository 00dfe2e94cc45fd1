//! The domain saying no. What a machine could not do is a failure, and lives elsewhere.

/// Why a command was refused. The API maps each kind to a status and a body.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// `Host 12 was not found`: kind and what was asked for (empty when the id was 0 or missing).
    #[error("{kind} {what} was not found")]
    NotFound { kind: &'static str, what: String },
    /// A name, e-mail or secret that something else has.
    #[error("{kind} {what:?} already exists")]
    Taken { kind: &'static str, what: String },
    /// A field whose value cannot be.
    #[error("{field}: {reason}")]
    Invalid { field: &'static str, reason: String },
    /// A request that makes no sense as a whole.
    #[error("{0}")]
    Malformed(String),
    /// A numbered rule about roles.
    #[error("{message}")]
    Rule { code: u32, message: String },
    /// Not allowed for this caller.
    #[error("forbidden")]
    Forbidden,
    /// As many of a thing as there may be; the text names the limit.
    #[error("{0}")]
    TooMany(String),
    /// Switched off by an admin; the text says what.
    #[error("{0}")]
    Disabled(String),
    /// An enrolment with a secret that nobody gave out.
    #[error("enroll failed: the enroll secret is not valid")]
    BadEnrollSecret,
    /// An enrolment inside the cooldown; the key in use stays valid.
    #[error("enroll failed: the host enrolled less than {seconds} s ago, try again later")]
    Cooldown { seconds: u64 },
    /// Several machines enrol under one identifier (clones of one image).
    #[error(
        "enroll failed: several machines use the identifier {identifier:?}; give each its own, or use the instance identifier"
    )]
    Contested { identifier: String },
    /// The log holds something that this release does not know, or was cut: nothing may be decided.
    #[error("{0}")]
    Halted(String),
}

impl Refusal {
    pub fn not_found(kind: &'static str, what: impl ToString) -> Self {
        Refusal::NotFound { kind, what: what.to_string() }
    }

    pub fn taken(kind: &'static str, what: impl Into<String>) -> Self {
        Refusal::Taken { kind, what: what.into() }
    }

    pub fn invalid(field: &'static str, reason: impl Into<String>) -> Self {
        Refusal::Invalid { field, reason: reason.into() }
    }
}
