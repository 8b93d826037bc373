//! Event histories on the pure core, those included that no master would send.
//!
//! An input says what happens next: three agents, three frameworks, six roles, and kinds of every sort. After each
//! event all kept totals are derived anew, what is offered was free and was offered once, and frameworks get what they
//! can take. A refused event has changed nothing. An event that ends the process in earnest ends the history.

mod books;
mod draw;
mod universe;

use std::collections::BTreeMap;

use apportion_core::{Allocator, Effects, Event, Instant, LendingPolicy, Options};

use self::books::Books;
use self::universe::Universe;
use crate::entropy::Entropy;

/// Most events of one history.
const EVENTS_MAX: usize = 200;

/// The history is over: the process would end here.
#[derive(Debug)]
struct Ended;

/// An allocator, and what is known about it from outside.
#[derive(Debug)]
struct World {
    allocator: Allocator,
    universe: Universe,
    books: Books,
    now: Instant,
    /// A run was requested and has not come.
    run_is_due: bool,
    /// How often what happened, for the test of this target.
    counts: BTreeMap<&'static str, usize>,
    /// Whether each event is printed before it is applied.
    aloud: bool,
}

/// Runs the target.
///
/// # Panics
/// If the books are wrong, something is offered twice or to the wrong framework, or a refused event left a trace.
pub fn run(input: &[u8]) {
    World::of_nothing().play(&mut Entropy::new(input));
}

/// Runs the target and prints each event before it is applied.
///
/// # Panics
/// As [`run`].
pub fn run_aloud(input: &[u8]) {
    World { aloud: true, ..World::of_nothing() }.play(&mut Entropy::new(input));
}

impl World {
    fn of_nothing() -> World {
        let mut allocator = Allocator::new();
        let universe = Universe::new(&mut allocator);
        let now = Instant::from_nanos(1_000_000_000);
        let counts = BTreeMap::new();
        World { allocator, universe, books: Books::default(), now, run_is_due: false, counts, aloud: false }
    }

    /// A whole history.
    fn play(&mut self, entropy: &mut Entropy<'_>) {
        let options = draw::options(entropy, &self.universe);
        self.universe.lends = options.lending != LendingPolicy::default();
        let mut going = self.start(&options, entropy);
        for _ in 0..EVENTS_MAX {
            if going.is_err() || entropy.is_used_up() {
                return;
            }
            going = self.step(entropy);
            if going.is_ok() && self.run_is_due && entropy.mostly() {
                going = self.send(&Event::Cycle);
            }
        }
    }

    fn count(&mut self, what: &'static str, times: usize) {
        *self.counts.entry(what).or_default() += times;
    }

    /// The master starts, but for one in sixteen that forgets to.
    fn start(&mut self, options: &Options, entropy: &mut Entropy<'_>) -> Result<(), Ended> {
        if entropy.rarely() {
            return Ok(());
        }
        self.books.note_options(options);
        self.send(&Event::Initialize { options })
    }

    /// Applies an event; then everything must be right.
    fn send(&mut self, event: &Event<'_>) -> Result<(), Ended> {
        if self.aloud {
            eprintln!("{} {event:?}", self.now);
        }
        let before = self.allocator.clone();
        match self.allocator.apply(event, self.now) {
            Ok(effects) => {
                self.tell(&effects);
                self.count(event.name(), 1);
                self.count("offer", effects.offers.len());
                self.count("lent offer", effects.offers.iter().filter(|offer| offer.why.lent).count());
                self.run_is_due |= effects.cycle_requested;
                self.run_is_due &= !matches!(event, Event::Cycle);
                if self.books.is_about_nobody(event) {
                    assert_unchanged(&self.with_time_passed(before.clone()), &self.allocator, "not ours");
                }
                self.books.note(event, &effects, &before, &self.universe);
                if self.books.end_here() {
                    self.check_all(event);
                    return Err(Ended);
                }
                self.books.judge(&effects, (&before, &self.allocator), self.now, &self.universe);
            }
            Err(violation) => {
                assert!(!violation.to_string().is_empty());
                if violation.is_fatal() {
                    self.count("fatal", 1);
                    return Err(Ended);
                }
                self.count("refusal", 1);
                let waiting = self.with_time_passed(before);
                assert_unchanged(&waiting, &self.allocator, &violation.to_string());
            }
        }
        self.check_all(event);
        self.books.compare(&self.allocator, &self.universe);
        Ok(())
    }

    fn check_all(&self, after: &Event<'_>) {
        if let Err(violation) = self.allocator.check_all() {
            panic!("after {}: {violation}", after.name());
        }
    }

    /// Time passes whatever is refused: a wait for agents may be over.
    fn with_time_passed(&self, mut before: Allocator) -> Allocator {
        let _ = before.apply(&Event::GetInverseOfferStatuses, self.now);
        before
    }

    /// Lines for the log, numbers for metrics and reasons of offers can be told at any time.
    fn tell(&self, effects: &Effects) {
        for notice in &effects.notices {
            assert!(!notice.to_string().is_empty());
        }
        for offer in &effects.offers {
            assert!(!offer.why.to_string().is_empty());
            assert!(!self.allocator.describe(&offer.resources).to_string().is_empty());
        }
        for role in universe::ROLES.iter().filter_map(|role| self.allocator.find_role(role)) {
            let lending = self.allocator.lending_numbers(role);
            assert!(lending.lent.iter().chain(&lending.borrowed).all(|(_, amount)| amount.is_positive()));
            let numbers = self.allocator.role_numbers(role);
            assert!(numbers.dominant_share.is_none_or(|share| share >= 0.0), "{numbers:?}");
        }
        for name in universe::NAMES {
            let _ = (self.allocator.total_of(name), self.allocator.held_of(name));
        }
        for framework in universe::FRAMEWORKS {
            for (role, _) in self.allocator.subscriptions(framework) {
                let _ = self.allocator.excluded_agents(framework, role);
            }
        }
    }
}

/// Both are the same to the last number.
fn assert_unchanged(before: &Allocator, after: &Allocator, why: &str) {
    let (before, after) = (format!("{before:?}"), format!("{after:?}"));
    if before != after {
        let at = before.bytes().zip(after.bytes()).take_while(|(left, right)| left == right).count();
        let around = |text: &str| {
            text.bytes().skip(at.saturating_sub(200)).take(400).map(char::from).collect::<String>()
        };
        panic!("refused ({why}), but changed:\n{}\n--- became\n{}", around(&before), around(&after));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawn_histories_really_offer_use_convert_and_refuse() {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for seed in crate::seeds::all().into_iter().filter(|seed| seed.target == "history") {
            let mut world = World::of_nothing();
            world.play(&mut Entropy::new(&seed.bytes));
            for (what, times) in world.counts {
                *counts.entry(what).or_default() += times;
            }
        }
        for what in [
            "offer",
            "refusal",
            "recover resources",
            "transition offered to allocated",
            "lent offer",
            "use lent",
            "lose launches",
        ] {
            assert!(counts.get(what).is_some_and(|times| *times >= 3), "{what}: {counts:?}");
        }
    }
}
