//! When a query is due: whenever the time passes a multiple of its interval, as osquery has it.
//! So a restart neither hurries nor delays a query, and multiples that pass during a long run count once.

/// Whether a multiple of `interval` lies after `previous` and not after `now` (seconds).
pub fn is_due(previous: u64, now: u64, interval: u64) -> bool {
    interval > 0 && now / interval > previous / interval
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn once_each_interval() {
        let runs = (1..=600).filter(|&now| is_due(now - 1, now, 57)).count();
        assert_eq!(runs, 10);
        assert!(is_due(56, 57, 57) && !is_due(57, 58, 57));
    }

    #[test]
    fn what_passed_meanwhile_counts_once() {
        assert!(is_due(10, 10_000, 60));
        assert!(!is_due(10_000, 10_001, 60));
    }

    #[test]
    fn a_clock_set_back_makes_nothing_due() {
        assert!(!is_due(10_000, 10, 60));
        assert!(!is_due(60, 60, 60));
        assert!(!is_due(0, 60, 0));
    }
}
