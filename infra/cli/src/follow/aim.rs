//! When a campaign has been followed for long enough.

use std::time::Duration;

use crate::campaign::Counts;

/// How long to wait when no targeted host is online: one that has just come may not be counted yet.
pub const NOBODY_ONLINE_GRACE: Duration = Duration::from_secs(3);
/// How long to wait for answers that the server counts and has not sent.
pub const MISSING_GRACE: Duration = Duration::from_secs(15);

/// Which hosts are waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aim {
    /// Those that are online.
    Online,
    /// All targeted ones.
    All,
}

/// Where following stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Hosts are still being waited for.
    Open,
    /// Everything that was waited for is here.
    Reached,
    /// Nobody is online and nobody has answered.
    NobodyOnline,
    /// The server counts answers that have not come.
    AnswersMissing,
}

/// Compares what the server counts with what has come.
pub struct Watch {
    aim: Aim,
    counts: Option<Counts>,
    heard: u64,
}

impl Watch {
    /// Nothing has come yet.
    pub fn new(aim: Aim) -> Self {
        Self { aim, counts: None, heard: 0 }
    }

    /// Takes new counts; true when they differ.
    pub fn see(&mut self, counts: Counts) -> bool {
        self.counts.replace(counts) != Some(counts)
    }

    /// One more host has answered.
    pub fn hear(&mut self) {
        self.heard += 1;
    }

    /// Counts and answers travel apart, so neither alone says that the end is reached.
    pub fn standing(&self) -> Standing {
        let Some(counts) = self.counts else { return Standing::Open };
        if counts.targeted > 0 && self.heard >= counts.targeted {
            return Standing::Reached; // whatever the counts say, which come once a second
        }
        let open = match self.aim {
            Aim::Online => counts.waiting,
            Aim::All => counts.waiting + counts.offline,
        };
        match (open, counts.answered()) {
            (1.., _) => Standing::Open,
            (0, answered) if self.heard < answered => Standing::AnswersMissing,
            (0, 0) if counts.offline > 0 => Standing::NobodyOnline,
            (0, _) => Standing::Reached,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(aim: Aim, heard: u64, [rows, empty, error, waiting, offline]: [u64; 5]) -> Standing {
        let mut watch = Watch::new(aim);
        watch.see(Counts { targeted: rows + empty + error + waiting + offline, rows, empty, error, waiting, offline });
        (0..heard).for_each(|_| watch.hear());
        watch.standing()
    }

    #[test]
    fn nothing_is_decided_before_the_first_counts() {
        let mut watch = Watch::new(Aim::Online);
        watch.hear();
        assert_eq!(watch.standing(), Standing::Open);
    }

    #[test]
    fn online_hosts_are_enough_unless_all_are_asked_for() {
        assert_eq!(standing(Aim::Online, 3, [1, 1, 1, 0, 5]), Standing::Reached);
        assert_eq!(standing(Aim::All, 3, [1, 1, 1, 0, 5]), Standing::Open);
        assert_eq!(standing(Aim::All, 3, [1, 1, 1, 0, 0]), Standing::Reached);
        assert_eq!(standing(Aim::Online, 2, [1, 1, 0, 1, 0]), Standing::Open);
    }

    #[test]
    fn counted_answers_must_have_come() {
        assert_eq!(standing(Aim::Online, 1, [2, 0, 0, 0, 0]), Standing::AnswersMissing);
    }

    #[test]
    fn all_hosts_heard_is_the_end_whatever_the_counts_say() {
        assert_eq!(standing(Aim::Online, 2, [0, 0, 0, 2, 0]), Standing::Reached);
        assert_eq!(standing(Aim::All, 2, [1, 0, 0, 0, 1]), Standing::Reached);
    }

    #[test]
    fn an_answer_ahead_of_the_counts_is_not_taken_for_another_host() {
        // One host came back and answered; the other, online all the time, has not.
        assert_eq!(standing(Aim::Online, 1, [0, 0, 0, 1, 1]), Standing::Open);
    }

    #[test]
    fn nobody_online_is_not_believed_at_once() {
        assert_eq!(standing(Aim::Online, 0, [0, 0, 0, 0, 4]), Standing::NobodyOnline);
        assert_eq!(standing(Aim::All, 0, [0, 0, 0, 0, 4]), Standing::Open);
    }
}
