//! Why each offer was made, in the host's log, and never more lines than a log can take.

use apportion_core::{Allocator, Effects, Headroom, Instant, Offer};

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
    /// What was said last of guarantees; empty before anything was.
    guarantees: String,
}

impl Explanation {
    pub(super) fn new(enabled: bool) -> Explanation {
        Explanation { enabled, ..Explanation::default() }
    }

    /// One line for each offer and one for the run that made them, as far as this second has room. A run that finds
    /// none left is counted, and told of with the first run of a later second.
    pub(super) fn tell(&mut self, now: Instant, effects: &Effects, core: &Allocator) {
        let Some(run) = effects.run.as_ref().filter(|_| self.enabled) else { return };
        self.turn_to(now);
        if let Some(headroom) = &effects.headroom {
            self.tell_guarantees(headroom);
        }
        if run.offers == 0 {
            return;
        }
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

    /// One line when guarantees begin to lack something, when that changes, and when they are met again: whoever wonders
    /// why free resources are offered to nobody finds the reason here.
    fn tell_guarantees(&mut self, headroom: &Headroom) {
        let is_met = headroom.required.is_empty();
        if is_met && self.guarantees.is_empty() {
            return;
        }
        let told = if is_met { "all guarantees are met".to_owned() } else { headroom.to_string() };
        if told == self.guarantees {
            return;
        }
        if self.listed == LINES_PER_SECOND {
            self.suppressed += 1;
            return;
        }
        tracing::info!("{told}");
        self.listed += 1;
        self.guarantees = told;
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
        let guarantees = std::mem::take(&mut self.guarantees);
        *self = Explanation { second, suppressed: self.suppressed, guarantees, ..Explanation::new(true) };
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
