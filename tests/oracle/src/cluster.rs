//! Both allocators side by side: each call goes to both, answers and books are compared.

use std::collections::BTreeMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use apportion_core::{Allocator, Effects, Instant, Kind, KindId, Text};

use crate::call::{Call, Timed, resources_in_words};
use crate::invariants::{self, Before};
use crate::quantities::Quantities;
use crate::resources::Resources;
use crate::{Answer, Headroom, Name, Numbers, Oracle};

/// The allocators disagree, one failed, or an invariant does not hold: what, and the history that led there.
#[derive(Debug, Clone)]
pub struct Disagreement {
    /// What is wrong.
    pub what: String,
    /// The calls in their order, one a line.
    pub history: Vec<String>,
}

impl fmt::Display for Disagreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.what)?;
        writeln!(f, "history:")?;
        self.history.iter().enumerate().try_for_each(|(at, line)| writeln!(f, "{at:4} {line}"))
    }
}

/// So many offers that only one of the two made are shown; large histories have thousands.
const DIFFERENCES_SHOWN: usize = 12;

/// When what is dear to check is checked: books, numbers of roles, and what must hold after a run. Answers are compared
/// after every call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checks {
    /// After every call.
    EachCall,
    /// After one of so many runs.
    OneRunIn(usize),
}

/// Both allocators and what was said to them.
#[derive(Debug)]
pub struct Cluster {
    core: Allocator,
    oracle: Oracle,
    now: Instant,
    said: Vec<Timed>,
    checks: Checks,
    tally: Tally,
}

/// What was compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Calls that were compared.
    pub calls: usize,
    /// Runs among them.
    pub runs: usize,
    /// Runs that had at least half of the agents to look at.
    pub large_runs: usize,
    /// Offers among the answers.
    pub offers: usize,
    /// Inverse offers among the answers.
    pub inverse_offers: usize,
    /// Times that books, numbers and invariants were checked.
    pub checks: usize,
}

impl Tally {
    /// Both together.
    pub fn add(&mut self, other: Tally) {
        self.calls += other.calls;
        self.runs += other.runs;
        self.large_runs += other.large_runs;
        self.offers += other.offers;
        self.inverse_offers += other.inverse_offers;
        self.checks += other.checks;
    }
}

impl Default for Cluster {
    fn default() -> Self {
        Cluster::new(Checks::EachCall)
    }
}

impl Cluster {
    /// Two allocators that nobody has spoken to.
    #[must_use]
    pub fn new(checks: Checks) -> Cluster {
        Cluster {
            core: Allocator::new(),
            oracle: Oracle::new(),
            now: Instant::from_nanos(1_000_000_000_000_000_000),
            said: Vec::new(),
            checks,
            tally: Tally::default(),
        }
    }

    /// The time calls are made at.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.now
    }

    /// Lets time pass until then.
    pub fn wait_until(&mut self, now: Instant) {
        self.now = self.now.max(now);
    }

    /// The slow allocator, whose books are those of both after each call.
    #[must_use]
    pub fn oracle(&self) -> &Oracle {
        &self.oracle
    }

    /// When what is dear is checked.
    #[must_use]
    pub fn checks(&self) -> Checks {
        self.checks
    }

    /// What was compared so far.
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.tally
    }

    /// Makes a kind known to both.
    ///
    /// # Panics
    ///
    /// If the kind contradicts one that is known.
    pub fn intern_kind(&mut self, kind: &Kind) -> KindId {
        let id = self.core.intern_kind(kind.clone()).expect("kinds of histories are consistent");
        self.oracle.learn_kind(id, kind.clone());
        id
    }

    /// Makes a call to both.
    ///
    /// # Errors
    ///
    /// If they answer differently, their books differ afterwards, one fails, or an invariant does not hold.
    pub fn call(&mut self, call: Call) -> Result<Answer, Disagreement> {
        self.said.push(Timed { at: self.now, call: call.clone() });
        let is_run = matches!(call, Call::Cycle);
        let checked = match self.checks {
            Checks::EachCall => true,
            Checks::OneRunIn(runs) => is_run && self.tally.runs.is_multiple_of(runs),
        };
        let before = (is_run && checked).then(|| Before::of(&self.oracle, self.now));
        let candidates = if is_run { self.oracle.candidates().count() } else { 0 };
        let (core, oracle, now) = (&mut self.core, &mut self.oracle, self.now);
        let said = catch_unwind(AssertUnwindSafe(|| call.deliver(|event| core.apply(event, now))));
        let effects = match said {
            Ok(Ok(effects)) => effects,
            Ok(Err(violation)) => return Err(self.disagree(format!("the allocator refuses: {violation}"))),
            Err(_) => return Err(self.disagree("the allocator panics".to_owned())),
        };
        let expected = catch_unwind(AssertUnwindSafe(|| call.deliver(|event| oracle.apply(event, now))));
        let Ok(mut expected) = expected else { return Err(self.disagree("the oracle panics".to_owned())) };
        let answered = answer_of(&self.core, &effects).map_err(|what| self.disagree(what))?;
        // The fast one does not work it out when there is nothing to look at.
        expected.headroom = expected.headroom.filter(|_| answered.headroom.is_some());
        if answered != expected {
            return Err(self.disagree(self.difference(&answered, &expected)));
        }
        if checked {
            self.check(&expected, before.as_ref()).map_err(|what| self.disagree(what))?;
        }
        self.count(&expected, candidates);
        Ok(expected)
    }

    /// Everything but the answer of a call, which was compared already.
    fn check(&mut self, answer: &Answer, before: Option<&Before>) -> Result<(), String> {
        self.tally.checks += 1;
        if let Err(violation) = self.core.check_all() {
            return Err(format!("the allocator's books are broken: {violation}"));
        }
        self.compare_books()?;
        self.compare_numbers()?;
        match before.filter(|_| answer.run.is_some()) {
            Some(before) => invariants::after_run(&self.oracle, before, answer),
            None => Ok(()),
        }
    }

    fn count(&mut self, answer: &Answer, candidates: usize) {
        let tally = &mut self.tally;
        tally.calls += 1;
        if answer.run.is_some() {
            tally.runs += 1;
            tally.large_runs += usize::from(2 * candidates >= self.oracle.agents_len());
        }
        tally.offers += answer.offers.len();
        tally.inverse_offers += answer.inverse_offers.len();
    }

    /// What every agent has and what of it is free, for both.
    fn compare_books(&self) -> Result<(), String> {
        if self.core.agents_len() != self.oracle.agents_len() {
            return Err(format!("the allocator knows {} agents", self.core.agents_len()));
        }
        for agent in self.oracle.agent_names() {
            let (total, available) = (self.core.total(agent), self.core.available(agent));
            let (Some(total), Some(available)) = (total, available) else {
                return Err(format!("the allocator does not know agent {}", Text(agent)));
            };
            let words =
                |resources: &Resources| resources_in_words(&resources.to_holding(), self.oracle.kinds());
            let (total, available) = (Resources::from(total), Resources::from(available));
            let (expected, free) = (self.oracle.total(agent), self.oracle.available(agent));
            if total != *expected {
                let (total, expected) = (words(&total), words(expected));
                return Err(format!("agent {} has {total}, expected {expected}", Text(agent)));
            }
            if available != free {
                let (available, free) = (words(&available), words(&free));
                return Err(format!("of agent {} {available} is free, expected {free}", Text(agent)));
            }
        }
        Ok(())
    }

    /// The numbers of one role, for both: another role after each call.
    fn compare_numbers(&self) -> Result<(), String> {
        let roles = self.oracle.roles();
        let Some(role) = roles.iter().nth(self.said.len() % roles.len().max(1)) else { return Ok(()) };
        let Some(id) = self.core.find_role(role) else { return Ok(()) };
        let numbers = self.core.role_numbers(id);
        let mut expected = self.oracle.numbers(role, self.now);
        let mut refusals = numbers.active_filters.map(|count| (count, count));
        if let (Some((told, _)), Some((least, most))) = (refusals, expected.refusals)
            && (least..=most).contains(&told)
        {
            refusals = expected.refusals;
        }
        if let (Some(told), Some(share)) = (numbers.dominant_share, &mut expected.dominant_share)
            && (told - *share).abs() < 1e-9
        {
            *share = told;
        }
        let told = Numbers {
            dominant_share: numbers.dominant_share,
            refusals,
            held: Quantities::of(&numbers.offered_or_allocated),
            consumed: Quantities::of(&numbers.consumed),
        };
        if told != expected {
            return Err(format!("numbers of role {}: {told:?}, expected {expected:?}", Text(role)));
        }
        Ok(())
    }

    /// Ends a history with what is wrong.
    #[must_use]
    pub fn disagree(&self, what: String) -> Disagreement {
        let line = |timed: &Timed| format!("{} {}", timed.at, timed.call.in_words(self.oracle.kinds()));
        Disagreement { what, history: self.said.iter().map(line).collect() }
    }

    fn difference(&self, answered: &Answer, expected: &Answer) -> String {
        let mut text = String::from("the answers differ");
        for (title, answer, other) in [("allocator", answered, expected), ("expected", expected, answered)] {
            text.push_str(&format!(
                "\n  {title}: run={:?} cycle requested={} available updated={:?} statuses={:?} offers={} inverse offers={}",
                answer.run,
                answer.cycle_requested,
                answer.available_updated,
                answer.statuses,
                answer.offers.len(),
                answer.inverse_offers.len()
            ));
            if let Some(headroom) = &answer.headroom {
                text.push_str(&format!("\n    {headroom:?}"));
            }
            let lines: Vec<String> = self.only_in(answer, other).collect();
            lines.iter().take(DIFFERENCES_SHOWN).for_each(|line| text.push_str(&format!("\n    {line}")));
            if lines.len() > DIFFERENCES_SHOWN {
                text.push_str(&format!("\n    and {} more", lines.len() - DIFFERENCES_SHOWN));
            }
        }
        text
    }

    /// Offers and inverse offers that another answer does not have, or has with something else in them.
    fn only_in<'a>(&'a self, answer: &'a Answer, other: &'a Answer) -> impl Iterator<Item = String> + 'a {
        let offers = answer.offers.iter().filter(|(place, what)| other.offers.get(*place) != Some(*what));
        let offers = offers.map(|((framework, role, agent), resources)| {
            let resources = resources_in_words(&resources.to_holding(), self.oracle.kinds());
            format!("only here: offer {}({})@{} {resources}", Text(framework), Text(role), Text(agent))
        });
        let inverse = answer.inverse_offers.keys().filter(|place| !other.inverse_offers.contains_key(*place));
        let inverse = inverse.map(|(framework, agent)| {
            format!("only here: inverse offer {}@{}", Text(framework), Text(agent))
        });
        offers.chain(inverse)
    }
}

/// What the fast allocator said, in names.
fn answer_of(core: &Allocator, effects: &Effects) -> Result<Answer, String> {
    let framework = |id| core.framework_name(id).map(<[u8]>::to_vec).ok_or("an offer to nobody");
    let agent = |id| core.agent_name(id).map(<[u8]>::to_vec).ok_or("an offer of no agent");
    let mut answer = Answer {
        cycle_requested: effects.cycle_requested,
        run: effects.run.map(|run| run.run),
        headroom: effects.headroom.as_ref().map(|headroom| Headroom {
            required: Quantities::of(&headroom.required),
            available: Quantities::of(&headroom.available),
            still_required: Quantities::of(&headroom.still_required),
        }),
        available_updated: effects.available_updated.as_ref().map(Result::is_ok),
        ..Answer::default()
    };
    for offer in &effects.offers {
        let role = core.role_name(offer.role).to_vec();
        let key = (framework(offer.framework)?, role, agent(offer.agent)?);
        if answer.offers.insert(key, (&offer.resources).into()).is_some() {
            return Err("two offers of one agent to one framework and role".to_owned());
        }
    }
    for inverse in &effects.inverse_offers {
        let key = (framework(inverse.framework)?, agent(inverse.agent)?);
        if answer.inverse_offers.insert(key, inverse.unavailability).is_some() {
            return Err("two inverse offers of one agent to one framework".to_owned());
        }
    }
    answer.statuses = effects.inverse_offer_statuses.as_ref().map(|agents| {
        let statuses = agents.iter().map(|of_agent| {
            let answers = of_agent.statuses.iter();
            let answers: BTreeMap<Name, Name> =
                answers.map(|answer| (answer.framework.to_vec(), answer.status.to_vec())).collect();
            (of_agent.agent.to_vec(), answers)
        });
        statuses.collect()
    });
    Ok(answer)
}
