//! When trouble with the audit file is told: at once, and then less and less often.

use std::fmt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Shortest time between two notices.
const INTERVAL_MIN: Duration = Duration::from_secs(10);
/// Longest.
const INTERVAL_MAX: Duration = Duration::from_secs(600);

/// What the owner of an audit log should hear. Its text is for one line of a log; it holds no field of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuditNotice {
    /// Lines cannot be written.
    Failing {
        /// The audit file.
        file: PathBuf,
        /// What was tried: `open` or `write to`.
        action: &'static str,
        /// The system's reason.
        reason: String,
        /// Lines that could not be written since the last notice, this one included.
        lines: u64,
    },
    /// After a notice of the other kind: lines are written again.
    Recovered {
        /// The audit file.
        file: PathBuf,
        /// Lines that could not be written since the last notice.
        lines: u64,
    },
}

impl fmt::Display for AuditNotice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AuditNotice::Failing { file, action, reason, lines } => write!(
                f,
                "cannot {action} the audit file {}: {reason}; lines lost since the last notice: {lines}; \
                 see that there is room and that this process may write there",
                file.display()
            ),
            AuditNotice::Recovered { file, lines } => write!(
                f,
                "the audit file {} is written again; lines lost since the last notice: {lines}",
                file.display()
            ),
        }
    }
}

/// Decides which failures are told. A failure right after a quiet time is told at once; while failures go on, the time
/// between notices doubles from 10 s to 10 min.
#[derive(Debug, Default)]
pub(super) struct Pacing {
    /// Current time between notices, and when the next may be.
    next: Option<(Duration, Instant)>,
    /// Failures not told yet.
    untold: u64,
    /// The last notice was about a failure.
    is_told: bool,
}

impl Pacing {
    /// A line could not be written: how many to tell of, if any.
    pub(super) fn failed(&mut self, now: Instant) -> Option<u64> {
        self.untold += 1;
        let interval = match self.next {
            None => INTERVAL_MIN,
            Some((_, due)) if now < due => return None,
            // Quiet for as long as it may be between two notices: this is a new trouble.
            Some((interval, due)) if now.duration_since(due) >= interval => INTERVAL_MIN,
            Some((interval, _)) => (interval * 2).min(INTERVAL_MAX),
        };
        self.next = Some((interval, now + interval));
        self.is_told = true;
        Some(std::mem::take(&mut self.untold))
    }

    /// A line was written: how many failures to tell of, if the end of the trouble is to be told.
    pub(super) fn written(&mut self) -> Option<u64> {
        std::mem::take(&mut self.is_told).then(|| std::mem::take(&mut self.untold))
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{INTERVAL_MAX, INTERVAL_MIN, Pacing};

    #[test]
    fn the_first_failure_is_told_at_once_and_the_next_ones_together() {
        let start = Instant::now();
        let mut pacing = Pacing::default();
        assert_eq!(pacing.failed(start), Some(1));
        assert_eq!(pacing.failed(start), None);
        assert_eq!(pacing.failed(start + INTERVAL_MIN / 2), None);
        assert_eq!(pacing.failed(start + INTERVAL_MIN), Some(3));
    }

    #[test]
    fn notices_of_a_lasting_failure_become_rarer_up_to_a_limit() {
        let mut now = Instant::now();
        let mut pacing = Pacing::default();
        let mut told = Vec::new();
        for _ in 0..7200 {
            told.extend(pacing.failed(now).map(|_| now));
            now += Duration::from_secs(1);
        }
        let pauses: Vec<u64> = told.windows(2).map(|pair| (pair[1] - pair[0]).as_secs()).collect();
        assert_eq!(pauses.get(..7).unwrap(), [10, 20, 40, 80, 160, 320, 600]);
        assert!(pauses.iter().skip(6).all(|pause| *pause == INTERVAL_MAX.as_secs()), "{pauses:?}");
    }

    #[test]
    fn after_a_quiet_time_a_failure_is_told_at_once_again() {
        let start = Instant::now();
        let mut pacing = Pacing::default();
        assert_eq!(pacing.failed(start), Some(1));
        assert_eq!(pacing.failed(start + INTERVAL_MIN), Some(1));
        let later = start + INTERVAL_MIN * 100;
        assert_eq!(pacing.failed(later), Some(1));
        assert_eq!(pacing.failed(later + INTERVAL_MIN), Some(1), "the pause is short again");
    }

    #[test]
    fn the_end_of_a_trouble_is_told_once_and_only_if_the_trouble_was() {
        let start = Instant::now();
        let mut pacing = Pacing::default();
        assert_eq!(pacing.written(), None);
        pacing.failed(start);
        pacing.failed(start);
        assert_eq!(pacing.written(), Some(1));
        assert_eq!(pacing.written(), None);
        assert_eq!(pacing.failed(start), None, "on and off within the pause is not told again");
        assert_eq!(pacing.written(), None);
        assert_eq!(pacing.failed(start + INTERVAL_MIN), Some(2));
    }
}
