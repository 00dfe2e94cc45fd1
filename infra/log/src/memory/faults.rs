//! How often what goes wrong.

/// Probabilities from 0 to 1, drawn anew at every call. Of `failed`, `lost_ack`, `late` and `vanished` at most one happens.
#[derive(Clone, Debug, PartialEq)]
pub struct Faults {
    /// An append ends with `Failed`, and nothing lands.
    pub failed: f64,
    /// An append lands, at least its first record, and ends with `Unknown`.
    pub lost_ack: f64,
    /// An append ends with `Unknown`; its records land at later operations of anyone, in any order.
    pub late: f64,
    /// An append ends with `Unknown`, and nothing lands.
    pub vanished: f64,
    /// A record lands twice, the second copy at once or late; either of two that landed at once may be the acknowledged one.
    pub duplicate: f64,
    /// A read stops short of what is there, though never of what was promised; an end leaves out what nobody was told of yet.
    pub lag: f64,
    /// A read or a question for the end fails.
    pub read_failed: f64,
    /// Positions are skipped before or after a record.
    pub gap: f64,
    /// How often a call steps back at most, at each of its steps, so that others run in between.
    pub max_yields: u64,
}

impl Faults {
    /// Nothing goes wrong, and nothing interleaves.
    pub fn none() -> Self {
        Faults {
            failed: 0.0,
            lost_ack: 0.0,
            late: 0.0,
            vanished: 0.0,
            duplicate: 0.0,
            lag: 0.0,
            read_failed: 0.0,
            gap: 0.0,
            max_yields: 0,
        }
    }

    /// All appends succeed, but calls interleave, reads lag and positions have gaps.
    pub fn slow() -> Self {
        Faults { lag: 0.5, gap: 0.2, max_yields: 3, ..Faults::none() }
    }

    /// Everything that may go wrong does, often.
    pub fn wild() -> Self {
        Faults {
            failed: 0.1,
            lost_ack: 0.1,
            late: 0.1,
            vanished: 0.05,
            duplicate: 0.1,
            read_failed: 0.02,
            ..Faults::slow()
        }
    }
}
