//! Why each offer was made, in the host's log, and never more lines than a log can take.

use apportion_core::{Allocator, Effects, Instant, Offer};

/// Offers that get a line each within one second of the host's clock. A cycle over ten thousand agents, or ten
/// thousand agents that arrive one by one, must not wait for as many lines.
const LINES_PER_SECOND: usize = 100;

/// The lines of the current second, and what had no room in it.
#[derive(Debug, Default)]
pub(super) struct Explanation {
    enabled: bool,
    second: i64,
    listed: usize,
    silent_offers: usize,
    silent_cycles: usize,
    /// Lines that had no room, ever.
    suppressed: u64,
}

impl Explanation {
    pub(super) fn new(enabled: bool) -> Explanation {
        Explanation { enabled, ..Explanation::default() }
    }

    /// One line for each offer and one for the run that made them, as far as this second has room. A run that finds
    /// none left is counted, and told of with the first run of a later second.
    pub(super) fn tell(&mut self, now: Instant, effects: &Effects, core: &Allocator) {
        let Some(run) = effects.run.as_ref().filter(|run| self.enabled && run.offers > 0) else { return };
        self.turn_to(now);
        let room = LINES_PER_SECOND - self.listed;
        if room == 0 {
            self.silent_offers += effects.offers.len();
            self.silent_cycles += 1;
            // One for each offer and one for the run.
            self.suppressed += effects.offers.len() as u64 + 1;
            return;
        }
        for offer in effects.offers.iter().take(room) {
            tell_offer(offer, core);
        }
        let more = effects.offers.len().saturating_sub(room);
        if more > 0 {
            tracing::info!("{more} more offers in this cycle, not listed");
        }
        self.suppressed += more as u64;
        self.listed += effects.offers.len() - more;
        tracing::info!(
            "cycle {}: {} offers, {} agents visited, {} held back by filters",
            run.run,
            run.offers,
            run.agents_visited,
            run.filtered
        );
    }

    /// How many lines had no room so far.
    pub(super) fn suppressed(&self) -> u64 {
        self.suppressed
    }

    fn turn_to(&mut self, now: Instant) {
        let second = now.nanos().div_euclid(1_000_000_000);
        if second == self.second {
            return;
        }
        if self.silent_cycles > 0 {
            tracing::info!(
                "{} offers in {} earlier cycles, not listed: more than {LINES_PER_SECOND} in one second",
                self.silent_offers,
                self.silent_cycles
            );
        }
        *self = Explanation { second, suppressed: self.suppressed, ..Explanation::new(true) };
    }
}

fn tell_offer(offer: &Offer, core: &Allocator) {
    tracing::info!(
        "offer of agent {} to framework {} in role {}: {}",
        super::text(core.agent_name(offer.agent).unwrap_or_default()),
        super::text(core.framework_name(offer.framework).unwrap_or_default()),
        super::text(core.role_name(offer.role)),
        offer.why
    );
}
