//! Who has to wait for having lost.

use std::collections::BTreeMap;

use super::policy::BackOff;
use crate::ids::FrameworkId;
use crate::options::Instant;

#[derive(Debug, Clone, Copy, Default)]
struct Wait {
    /// Launches turned down in a row.
    lost: u32,
    /// How often it has waited since it last won.
    waited: u32,
    /// When its last wait ends; `None` if it has lost too little to wait.
    until: Option<Instant>,
}

impl Wait {
    fn is_on(&self, now: Instant) -> bool {
        self.until.is_some_and(|until| now < until)
    }
}

/// The frameworks that lost and have not won since.
#[derive(Debug, Clone, Default)]
pub(crate) struct Waits(BTreeMap<FrameworkId, Wait>);

impl Waits {
    /// Launches of a framework were turned down. Says until when it waits, if it does from now on. What it loses while it
    /// waits is of offers that it had before: a scheduler that decided on many agents at once loses all of that at once,
    /// and that is no reason to wait longer.
    pub(crate) fn lost(
        &mut self,
        framework: FrameworkId,
        launches: u32,
        now: Instant,
        terms: BackOff,
    ) -> Option<Instant> {
        if terms.conflicts == 0 || launches == 0 {
            return None;
        }
        let wait = self.0.entry(framework).or_default();
        if wait.is_on(now) {
            return None;
        }
        wait.lost = wait.lost.saturating_add(launches);
        if wait.lost < terms.conflicts {
            return None;
        }
        let time = terms.first.saturating_mul(1 << wait.waited.min(30)).min(terms.most);
        wait.lost = 0;
        wait.waited = wait.waited.saturating_add(1);
        wait.until = Some(now.after(time));
        wait.until
    }

    /// A launch of a framework was admitted: it starts anew. Says whether it may have been waiting.
    pub(crate) fn won(&mut self, framework: FrameworkId) -> bool {
        self.0.remove(&framework).is_some_and(|wait| wait.waited > 0)
    }

    /// Whether a framework has to wait.
    pub(crate) fn must_wait(&self, framework: FrameworkId, now: Instant) -> bool {
        self.0.get(&framework).is_some_and(|wait| wait.is_on(now))
    }

    /// How many frameworks have to wait.
    pub(crate) fn waiting(&self, now: Instant) -> usize {
        self.who_waits(now).count()
    }

    /// The frameworks that have to wait, each with the time until then.
    pub(crate) fn who_waits(&self, now: Instant) -> impl Iterator<Item = (FrameworkId, Instant)> {
        let ends = self.0.iter().filter_map(|(framework, wait)| Some((*framework, wait.until?)));
        ends.filter(move |(_, until)| now < *until)
    }

    /// Whether a wait ended since `then`.
    pub(crate) fn ended_since(&self, then: Instant, now: Instant) -> bool {
        self.0.values().filter_map(|wait| wait.until).any(|until| then < until && until <= now)
    }

    /// The framework is gone.
    pub(crate) fn forget(&mut self, framework: FrameworkId) {
        self.0.remove(&framework);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const TERMS: BackOff =
        BackOff { conflicts: 2, first: Duration::from_secs(1), most: Duration::from_secs(3) };

    #[test]
    fn each_row_of_losses_doubles_the_wait_up_to_a_bound_and_a_win_ends_it() {
        let (framework, now) = (FrameworkId::new(0, 0), Instant::from_nanos(0));
        let mut waits = Waits::default();
        assert_eq!(waits.lost(framework, 1, now, TERMS), None);
        let seconds = |count: u64| Some(now.after(Duration::from_secs(count)));
        assert_eq!(waits.lost(framework, 1, now, TERMS), seconds(1));
        assert!(waits.must_wait(framework, now));
        assert!(!waits.must_wait(framework, now.after(Duration::from_secs(1))));
        let then = now.after(Duration::from_secs(1));
        assert_eq!(waits.lost(framework, 2, then, TERMS), seconds(3));
        let then = now.after(Duration::from_secs(3));
        assert_eq!(waits.lost(framework, 5, then, TERMS), seconds(6));
        waits.won(framework);
        assert!(!waits.must_wait(framework, then));
        assert_eq!(waits.lost(framework, 2, then, TERMS), seconds(4));
    }

    #[test]
    fn who_lost_little_does_not_wait_whatever_the_clock_shows() {
        let (framework, before_the_epoch) = (FrameworkId::new(0, 0), Instant::from_nanos(-5));
        let mut waits = Waits::default();
        assert_eq!(waits.lost(framework, 1, before_the_epoch, TERMS), None);
        assert!(!waits.must_wait(framework, before_the_epoch));
        assert_eq!(waits.waiting(before_the_epoch), 0);
        assert!(!waits.ended_since(before_the_epoch, Instant::from_nanos(0)));
    }

    #[test]
    fn launches_lost_during_a_wait_do_not_prolong_it() {
        let (framework, now) = (FrameworkId::new(0, 0), Instant::from_nanos(0));
        let mut waits = Waits::default();
        let until = waits.lost(framework, 2, now, TERMS).unwrap();
        assert_eq!(waits.lost(framework, 9, now, TERMS), None);
        assert!(!waits.must_wait(framework, until));
        assert_eq!(waits.lost(framework, 2, until, TERMS), Some(until.after(Duration::from_secs(2))));
    }

    #[test]
    fn nobody_waits_where_back_off_is_off() {
        let terms = BackOff { conflicts: 0, ..TERMS };
        assert_eq!(Waits::default().lost(FrameworkId::new(0, 0), 9, Instant::from_nanos(0), terms), None);
    }
}
