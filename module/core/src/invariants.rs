//! Every total that is kept along the way, derived anew from its parts. For tests, simulations, and whenever somebody
//! doubts the books; too slow for every event.

use std::collections::BTreeMap;

use crate::allocator::Allocator;
use crate::allocator::ledger::{held_aggregate, scalars, unreserved_scalars};
use crate::effect::Violation;
use crate::holding::Holding;
use crate::ids::{AgentId, FrameworkId, NameId, RoleId};
use crate::quantities::Quantities;
use crate::roles::{Aggregate, Aggregates};
use crate::text::Text;

impl Allocator {
    /// Derives everything anew and compares.
    ///
    /// # Errors
    ///
    /// [`Violation::Drift`] naming the first total that differs from its parts.
    pub fn check_all(&self) -> Result<(), Violation> {
        for agent in self.agents.ids() {
            self.check_agent(agent)?;
        }
        self.check_pool()?;
        self.check_roles()?;
        self.check_sorters()?;
        self.check_frameworks()?;
        self.check_filters()?;
        self.check_lending()
    }

    fn check_agent(&self, agent: AgentId) -> Result<(), Violation> {
        let record = self.agents.get(agent);
        let name = Text(&record.name);
        let available = record.derive_available();
        expect(record.available == available, format!("available resources of agent {name}"), || {
            (self.describe(&record.available).to_string(), self.describe(&available).to_string())
        })?;
        let normal = |holding: &Holding| holding.is_normal();
        let collections = [&record.total, &record.available].into_iter();
        let collections = collections.chain(record.held.iter().map(|held| &held.resources));
        let mut collections = collections.chain(record.used.values());
        expect(collections.all(normal), format!("order of the resources of agent {name}"), nothing)?;
        let ordered =
            record.held.windows(2).all(|w| (w[0].framework, w[0].role) < (w[1].framework, w[1].role));
        let filled = record.held.iter().all(|held| !held.resources.is_empty());
        expect(ordered && filled, format!("holders of agent {name}"), nothing)?;
        for (role, used) in &record.used {
            let held = self.held_in_role(*role, agent);
            expect(held.contains(used), format!("resources in use on agent {name}"), || {
                (self.describe(used).to_string(), self.describe(&held).to_string())
            })?;
        }
        for absent in &record.absent {
            let unknown = self.frameworks.find(&absent.framework).is_none();
            let indexed =
                self.absent_on.get(&absent.framework).is_some_and(|agents| agents.contains(&agent.index()));
            expect(unknown && indexed, format!("frameworks not added yet on agent {name}"), nothing)?;
        }
        let is_stocked = available.is_empty() || self.candidates.is_stocked(agent.index());
        expect(is_stocked, format!("agent {name} among those with anything left"), nothing)?;
        let missed = !self.candidates.is_open(agent.index()) && self.could_offer(agent);
        expect(!missed, format!("closed agent {name}"), || ("closed".into(), "somebody could take it".into()))
    }

    fn check_pool(&self) -> Result<(), Violation> {
        let mut derived = Quantities::default();
        for agent in self.agents.ids() {
            for (name, amount) in scalars(&self.agents.get(agent).total, &self.kinds) {
                derived.add(name, amount);
            }
        }
        if let Some(free) = &self.free {
            self.compare("what nobody holds", free, &self.derive_free())?;
        }
        self.compare("total of all agents", self.pool.totals(), &derived)
    }

    /// What each framework, and all frameworks of a role together, hold on an agent; shared resources once.
    fn derive_held(&self) -> (BTreeMap<(FrameworkId, RoleId), Quantities>, BTreeMap<RoleId, Quantities>) {
        let mut by_framework: BTreeMap<(FrameworkId, RoleId), Quantities> = BTreeMap::new();
        let mut by_role: BTreeMap<RoleId, Quantities> = BTreeMap::new();
        for agent in self.agents.ids() {
            for held in &self.agents.get(agent).held {
                let row = by_framework.entry((held.framework, held.role)).or_default();
                for (name, amount) in scalars(&held.resources, &self.kinds) {
                    row.add(name, amount);
                }
            }
            for (role, sum) in self.held_by_role(agent) {
                let row = by_role.entry(role).or_default();
                for (name, amount) in scalars(&sum, &self.kinds) {
                    row.add(name, amount);
                }
            }
        }
        (by_framework, by_role)
    }

    fn held_by_role(&self, agent: AgentId) -> BTreeMap<RoleId, Holding> {
        let mut sums: BTreeMap<RoleId, Holding> = BTreeMap::new();
        for held in &self.agents.get(agent).held {
            sums.entry(held.role).or_default().add(&held.resources);
        }
        sums
    }

    fn check_roles(&self) -> Result<(), Violation> {
        let mut derived = vec![Aggregates::default(); self.roles.len()];
        let mut whole = Aggregates::default();
        let mut count = |role: RoleId, aggregate: Aggregate, name: NameId, amount| {
            for at in self.roles.lineage(role) {
                derived[at.index()].of(aggregate).add(name, amount);
            }
            whole.of(aggregate).add(name, amount);
        };
        for agent in self.agents.ids() {
            let record = self.agents.get(agent);
            for item in record.total.items() {
                let traits = self.kinds.traits(item.kind);
                if let (Some(role), Some(name), Some(amount)) =
                    (traits.reserved_to, traits.scalar_name, item.scalar_quantity())
                {
                    count(role, Aggregate::Reservations, name, amount);
                }
            }
            for (role, sum) in self.held_by_role(agent) {
                for item in sum.items() {
                    if let (Some(aggregate), Some(name), Some(amount)) = (
                        held_aggregate(item, &self.kinds),
                        self.kinds.traits(item.kind).scalar_name,
                        item.scalar_quantity(),
                    ) {
                        count(role, aggregate, name, amount);
                    }
                }
            }
            for (role, used) in &record.used {
                for (name, amount) in unreserved_scalars(used, &self.kinds) {
                    count(*role, Aggregate::UsedUnreserved, name, amount);
                }
            }
        }
        for role in self.roles.ids() {
            let (kept, derived) = (self.roles.aggregates(role), &derived[role.index()]);
            expect(kept == derived, format!("aggregates of role {}", Text(self.roles.name(role))), || {
                (format!("{kept:?}"), format!("{derived:?}"))
            })?;
        }
        let kept = self.roles.whole();
        expect(*kept == whole, "aggregates of all roles".into(), || {
            (format!("{kept:?}"), format!("{whole:?}"))
        })
    }

    fn check_sorters(&self) -> Result<(), Violation> {
        let (by_framework, by_role) = self.derive_held();
        let nothing_held = Quantities::default();
        self.check_tree("role sorter", &self.role_sorter)?;
        let mut everything = Quantities::default();
        for role in self.roles.ids() {
            let name = Text(self.roles.name(role));
            let sorter = self.framework_sorters.get(role.index()).and_then(Option::as_ref);
            let in_order = self.role_sorter.contains(role.slot());
            expect(sorter.is_some() == in_order, format!("framework sorter of role {name}"), nothing)?;
            let derived = by_role.get(&role).unwrap_or(&nothing_held);
            let kept = self.role_sorter.held(role.slot()).unwrap_or(&nothing_held);
            self.compare(&format!("holdings of role {name}"), kept, derived)?;
            for (position, amount) in (0_u32..).zip(derived.row()) {
                everything.add(NameId::new(position), *amount);
            }
            let Some(sorter) = sorter else { continue };
            expect(!sorter.is_empty(), format!("members of role {name}"), nothing)?;
            self.check_tree(&format!("framework sorter of role {name}"), sorter)?;
            for id in self.frameworks.ids() {
                let framework = self.frameworks.get(id);
                let what = format!("framework {} in role {name}", Text(&framework.name));
                let member = framework.membership(role).is_some();
                expect(sorter.contains(id.slot()) == member, format!("membership of {what}"), nothing)?;
                let turn = sorter.is_active(id.slot());
                expect(turn == framework.takes_offers_in(role), format!("turn of {what}"), nothing)?;
                let derived = by_framework.get(&(id, role)).unwrap_or(&nothing_held);
                let kept = sorter.held(id.slot()).unwrap_or(&nothing_held);
                self.compare(&format!("holdings of {what}"), kept, derived)?;
            }
        }
        self.compare("holdings of all roles", self.role_sorter.held_by_all(), &everything)
    }

    fn check_tree(&self, what: &str, sorter: &crate::sorter::Sorter) -> Result<(), Violation> {
        match sorter.find_drift() {
            Some((node, kept, derived)) => {
                self.compare(&format!("node {node} of the {what}"), &kept, &derived)
            }
            None => Ok(()),
        }
    }

    fn check_frameworks(&self) -> Result<(), Violation> {
        for id in self.frameworks.ids() {
            let framework = self.frameworks.get(id);
            for member in &framework.memberships {
                let holds = |agent: &AgentId| self.agents.get(*agent).held_by(id, member.role).is_some();
                let derived = self.agents.ids().filter(holds).count();
                let what = || {
                    let role = Text(self.roles.name(member.role));
                    format!("agents held by framework {} in role {role}", Text(&framework.name))
                };
                expect(member.agents_held as usize == derived, what(), || {
                    (member.agents_held.to_string(), derived.to_string())
                })?;
                expect(member.subscribed || derived > 0, what(), nothing)?;
            }
        }
        let known = |agent: AgentId| {
            let held = &self.agents.get(agent).held;
            held.iter().all(|held| self.frameworks.name(held.framework).is_some())
        };
        expect(self.agents.ids().all(known), "holders".into(), nothing)
    }

    fn check_filters(&self) -> Result<(), Violation> {
        expect(self.filters.is_consistent(), "indexes of filters".into(), nothing)?;
        for ((framework, _), agents) in self.filters.parties() {
            let framework_lives = self.frameworks.at(framework).is_some();
            let mut agents = agents;
            let agents_live = agents.all(|agent| self.agents.at(agent as usize).is_some());
            expect(framework_lives && agents_live, "owners of filters".into(), nothing)?;
        }
        Ok(())
    }

    fn compare(&self, what: &str, kept: &Quantities, derived: &Quantities) -> Result<(), Violation> {
        expect(kept == derived, what.into(), || (self.row(kept), self.row(derived)))
    }

    fn row(&self, quantities: &Quantities) -> String {
        let names = (0_u32..).take(self.kinds.names_len()).map(NameId::new);
        let amounts = names.filter(|name| !quantities.get(*name).is_zero());
        let printed: Vec<String> =
            amounts.map(|name| format!("{}:{}", Text(self.kinds.name(name)), quantities.get(name))).collect();
        printed.join("; ")
    }
}

fn expect(holds: bool, what: String, sides: impl FnOnce() -> (String, String)) -> Result<(), Violation> {
    if holds {
        return Ok(());
    }
    let (kept, derived) = sides();
    Err(Violation::Drift { what, kept, derived })
}

fn nothing() -> (String, String) {
    ("something else".into(), "what is expected".into())
}
