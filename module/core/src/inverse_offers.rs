//! Inverse offers: frameworks are asked to leave agents before their maintenance.
//!
//! Each framework that holds or borrows anything on an agent with a maintenance window is asked once, until it answered and the time
//! it asked for has passed. An inverse offer names no resources: everything on the agent is meant.

use std::collections::{BTreeMap, BTreeSet};

use crate::agents::Maintenance;
use crate::allocator::Allocator;
use crate::effect::{Effects, InverseOffer, Violation};
use crate::filters::Refusal;
use crate::ids::{AgentId, FrameworkId};
use crate::notice::Notice;
use crate::options::Instant;

/// Which frameworks are not to be asked about which agents until when. Frameworks and agents by slot.
#[derive(Debug, Clone, Default)]
pub(crate) struct InverseFilters {
    until: BTreeMap<(u32, u32), Instant>,
}

impl InverseFilters {
    /// Do not ask before `until`, nor before an earlier answer allows.
    fn install(&mut self, framework: u32, agent: u32, until: Instant) {
        let pending = self.until.entry((framework, agent)).or_insert(until);
        *pending = until.max(*pending);
    }

    /// Whether the framework is not to be asked now.
    fn hold_back(&self, framework: u32, agent: u32, now: Instant) -> bool {
        self.until.get(&(framework, agent)).is_some_and(|until| now < *until)
    }

    /// A framework may be asked about all agents.
    pub(crate) fn drop_framework(&mut self, framework: u32) {
        self.until.retain(|(slot, _), _| *slot != framework);
    }

    /// All frameworks may be asked about an agent.
    pub(crate) fn drop_agent(&mut self, agent: u32) {
        self.until.retain(|(_, slot), _| *slot != agent);
    }

    /// Forgets what has passed.
    fn expire(&mut self, now: Instant) {
        self.until.retain(|_, until| now < *until);
    }
}

/// An answer to an inverse offer, or its end without one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct InverseAnswer<'a> {
    pub(crate) agent: &'a [u8],
    pub(crate) framework: &'a [u8],
    pub(crate) status: Option<&'a [u8]>,
    pub(crate) refuse_seconds: Option<f64>,
}

impl Allocator {
    /// Asks whoever holds something on the candidates with maintenance and was not asked yet. Agents that are switched
    /// off are left out: the master would drop the inverse offer without a word, and nobody would ever be asked again.
    pub(crate) fn make_inverse_offers(
        &mut self,
        candidates: &[AgentId],
        now: Instant,
        effects: &mut Effects,
    ) {
        self.inverse_filters.expire(now);
        for agent in candidates {
            let record = self.agents.get_mut(*agent);
            let (true, Some(maintenance)) = (record.active, &mut record.maintenance) else { continue };
            let borrowers = self.lending.borrowers_of(agent.index());
            let holders = record.held.iter().map(|held| held.framework).chain(borrowers);
            let holders: BTreeSet<FrameworkId> = holders.collect();
            for holder in holders {
                let framework = self.frameworks.get(holder);
                if !framework.active
                    || maintenance.outstanding.contains(&framework.name)
                    || self.inverse_filters.hold_back(holder.slot(), agent.slot(), now)
                {
                    continue;
                }
                maintenance.outstanding.insert(framework.name.clone());
                let unavailability = maintenance.unavailability;
                effects.inverse_offers.push(InverseOffer {
                    framework: holder,
                    agent: *agent,
                    unavailability,
                });
            }
        }
        effects.inverse_offers.sort_by_key(|offer| (offer.framework, offer.agent));
    }

    /// A maintenance window is set or dropped: nobody was asked about it yet.
    pub(crate) fn set_maintenance(&mut self, agent: AgentId, maintenance: Option<Box<Maintenance>>) {
        self.inverse_filters.drop_agent(agent.slot());
        if maintenance.is_some() {
            self.maintained.insert(agent.index());
        } else {
            self.maintained.remove(agent.index());
        }
        self.agents.get_mut(agent).maintenance = maintenance;
    }

    /// Takes the answer to an inverse offer. One that was not asked for is not kept, but the time it names counts.
    pub(crate) fn update_inverse_offer(
        &mut self,
        call: &'static str,
        answer: InverseAnswer<'_>,
        now: Instant,
        effects: &mut Effects,
    ) -> Result<(), Violation> {
        let framework = self.known_framework(call, answer.framework)?;
        let agent = self.known_agent(call, answer.agent)?;
        let Some(maintenance) = &mut self.agents.get_mut(agent).maintenance else {
            effects.notices.push(Notice::NoMaintenance { agent: answer.agent.into() });
            return Ok(());
        };
        if maintenance.outstanding.remove(answer.framework)
            && let Some(status) = answer.status
        {
            maintenance.statuses.insert(answer.framework.into(), status.into());
        }
        let Some(said) = answer.refuse_seconds else { return Ok(()) };
        let refusal = Refusal::from_seconds(said);
        if refusal.replaced {
            let framework = answer.framework.into();
            effects.notices.push(Notice::RefusalTime { framework, said, used: refusal.time });
        }
        if !refusal.time.is_zero() {
            self.inverse_filters.install(framework.slot(), agent.slot(), now.after(refusal.time));
        }
        Ok(())
    }
}
