//! How many lines of a kind get into the host's log.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// Most lines in one second.
const LINES_MAX: u32 = 10;

/// Lets a few lines in each second pass and counts the others.
#[derive(Debug, Default)]
pub(crate) struct Pace(Mutex<Second>);

#[derive(Debug, Default)]
struct Second {
    began: Option<Instant>,
    passed: u32,
    held_back: u64,
}

impl Pace {
    /// Whether a line may be written; if so, how many were held back since the last one.
    pub(crate) fn pass(&self) -> Option<u64> {
        let mut second = self.0.lock();
        if second.began.is_none_or(|began| began.elapsed() >= Duration::from_secs(1)) {
            second.began = Some(Instant::now());
            second.passed = 0;
        }
        if second.passed >= LINES_MAX {
            second.held_back += 1;
            return None;
        }
        second.passed += 1;
        Some(std::mem::take(&mut second.held_back))
    }
}

#[cfg(test)]
mod tests {
    use super::{LINES_MAX, Pace};

    #[test]
    fn lines_beyond_the_limit_are_held_back_and_counted() {
        let pace = Pace::default();
        let passed = (0..LINES_MAX + 5).filter(|_| pace.pass().is_some()).count();
        assert_eq!(passed, LINES_MAX as usize);
        pace.0.lock().began = None;
        assert_eq!(pace.pass(), Some(5));
        assert_eq!(pace.pass(), Some(0));
    }
}
