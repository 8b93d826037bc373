//! Agents come, go, and change what they have.

use std::collections::{BTreeMap, BTreeSet};

use apportion_core::{AgentCapabilities, Item, ItemSet, Ranges, Unavailability, Value};

use super::dice::Dice;
use super::identity::{Disk, Identity, part_of};
use super::{Agent, Grant, LostAgent, Master, PendingOperation, use_of};
use crate::call::{Call, Use};
use crate::resources::{Resources, is_within};
use crate::{Disagreement, Name};

/// What frameworks use on an agent, framework by framework and role by role.
fn used(grants: &[Grant]) -> Vec<(Name, Vec<Use>)> {
    let mut sums: BTreeMap<Name, BTreeMap<Name, Resources>> = BTreeMap::new();
    for grant in grants {
        let by_role = sums.entry(grant.framework.clone()).or_default();
        by_role.entry(grant.role.clone()).or_default().add(&grant.resources);
    }
    let uses = |by_role: BTreeMap<Name, Resources>| {
        let uses = by_role.into_iter().map(|(role, resources)| Use {
            role: Some(role).filter(|role| !role.is_empty()),
            resources: resources.to_holding(),
        });
        uses.collect()
    };
    sums.into_iter().map(|(framework, by_role)| (framework, uses(by_role))).collect()
}

impl Master {
    /// An agent registers: new, or, as after a failover of the master, with things running on it.
    pub(super) fn add_agent(&mut self, dice: &mut Dice<'_>) -> Result<(), Disagreement> {
        self.receive_offers()?;
        // Whoever ever came is still there, or is lost and may return.
        let ever = self.agents.len() + self.lost.len();
        if ever >= self.cast.agents {
            return Ok(());
        }
        let name = format!("agent{}", ever + 1);
        let agent = Agent {
            hostname: dice.one(["host1", "host2", "host3"]).into(),
            attributes: dice.one(["rack1", "rack2"]).into(),
            region: self.region.clone().and_then(|region| {
                dice.one([None, Some(region.as_slice()), Some(b"there")]).map(<[u8]>::to_vec)
            }),
            registrations: 0,
            capabilities: AgentCapabilities {
                multi_role: !dice.once_in(8),
                hierarchical_role: !dice.once_in(8),
            },
            total: self.some_total(dice),
            connected: true,
            deactivated: false,
            unavailability: dice
                .once_in(8)
                .then_some(Unavailability { start_nanos: 1, duration_nanos: None }),
            inverse_offers: BTreeSet::new(),
        };
        let running =
            if dice.once_in(3) { self.some_running(dice, name.as_bytes(), &agent) } else { Vec::new() };
        self.register(name.as_bytes(), agent, running.clone())?;
        for grant in running.iter().filter(|grant| grant.framework.starts_with(b"prior")) {
            self.add_placeholder(dice, grant)?;
        }
        Ok(())
    }

    /// An agent that was lost comes back with what still runs on it.
    pub(super) fn return_agent(&mut self, dice: &mut Dice<'_>) -> Result<(), Disagreement> {
        self.receive_offers()?;
        if self.lost.is_empty() {
            return Ok(());
        }
        let LostAgent { name, mut agent, mut tasks } = self.lost.remove(dice.below(self.lost.len()));
        agent.total = self.reported_at_registration(&agent.total);
        // Of a framework that was torn down meanwhile only executors are left.
        tasks.retain(|task| self.frameworks.contains_key(&task.framework) || dice.flip());
        self.register(&name, agent, tasks)
    }

    fn register(&mut self, name: &[u8], agent: Agent, running: Vec<Grant>) -> Result<(), Disagreement> {
        self.call(Call::AddAgent {
            agent: name.to_vec(),
            info: self.registration(&agent),
            capabilities: agent.capabilities,
            unavailability: agent.unavailability,
            total: agent.total.to_holding(),
            used: used(&running),
        })?;
        self.agents.insert(name.to_vec(), agent);
        self.tasks.extend(running);
        Ok(())
    }

    fn some_total(&mut self, dice: &mut Dice<'_>) -> Resources {
        let (catalogue, cluster) = (&mut self.catalogue, &mut self.cluster);
        let mut scalar = |identity: &Identity, units: i64| catalogue.scalar(cluster, identity, units);
        let mut total = scalar(&Identity::plain("cpus"), dice.one([4000, 1000, 8000, 500, 2750, 333, 2000]));
        total.add(&scalar(&Identity::plain("mem"), dice.one([1024, 512, 64, 4096, 16]) * 1000));
        total.add(&scalar(&Identity::plain("disk"), dice.one([0, 1000, 100, 50]) * 1000));
        if dice.once_in(6) {
            total.add(&scalar(&Identity::plain("gpus"), dice.one([1000, 2000])));
        }
        if dice.once_in(4) {
            total.add(&scalar(&Identity::disk(Disk::Mount), 100_000));
            total.add(&scalar(&Identity::disk(Disk::Mount), dice.one([0, 100_000, 50_000])));
        }
        if dice.once_in(6) {
            total.add(&scalar(&Identity::disk(Disk::Path), 200_000));
        }
        for one_in in [3, 6] {
            if dice.once_in(one_in) {
                let role = dice.one(["a", "a/x", "b", "c", "a/x/1"]).as_bytes();
                let dynamic = dice.flip();
                total.add(&scalar(&Identity::plain("cpus").pushed(role, dynamic, 0), dice.one([1000, 3000])));
                total.add(&scalar(&Identity::plain("disk").pushed(role, dynamic, 0), dice.one([0, 80_000])));
            }
        }
        if dice.once_in(6) {
            let refined = Identity::plain("cpus").pushed(b"a", false, 0).pushed(b"a/x", true, 0);
            total.add(&scalar(&refined, 1000));
        }
        if dice.once_in(3) {
            let role = dice.one(["a", "b", "a/x"]).as_bytes();
            let reserved =
                Identity::disk(dice.one([Disk::Root, Disk::Root, Disk::Path])).pushed(role, true, 0);
            let id = Some(self.catalogue.new_volume());
            let volume = Identity { volume: id, shared: dice.once_in(3), ..reserved.clone() };
            total.add(&self.catalogue.scalar(&mut self.cluster, &volume, 40_000));
            total.add(&self.catalogue.scalar(&mut self.cluster, &reserved, dice.one([60_000, 0, 1000])));
        }
        if dice.flip() {
            let ports = Value::Ranges(Ranges::new([(31_000, 31_009)]));
            total.add(&self.sized(&Identity::plain("ports"), ports));
        }
        if dice.once_in(6) {
            let zones = Value::Set(ItemSet::new([b"z1".as_slice().into(), b"z2".as_slice().into()]));
            total.add(&self.sized(&Identity::plain("zones"), zones));
        }
        total
    }

    fn sized(&mut self, identity: &Identity, value: Value) -> Resources {
        Resources::from(&Item::new(self.catalogue.id(&mut self.cluster, identity), value))
    }

    /// What runs on an agent already: of frameworks that are known, that will be, or that never will.
    fn some_running(&mut self, dice: &mut Dice<'_>, agent_name: &[u8], agent: &Agent) -> Vec<Grant> {
        let known = self.frameworks_where(|_| true);
        let mut running = Vec::new();
        let mut left = agent.total.clone();
        for _ in 0..=dice.below(2) {
            let known = dice.pick(&known);
            self.frameworks_ever += 1;
            let number = self.frameworks_ever;
            let fresh = |kind: &str| format!("{kind}{number}").into_bytes();
            let framework = match dice.below(4) {
                0 => fresh("prior"),
                1 => fresh("ghost"),
                _ => known.unwrap_or_else(|| fresh("prior")),
            };
            let role = match self.frameworks.get(&framework) {
                Some(known) if !dice.once_in(4) => dice.pick(&known.info.roles).unwrap_or_default(),
                _ if framework.starts_with(b"ghost") && dice.once_in(3) => Name::new(),
                _ => dice.pick(&self.cast.roles).unwrap_or_default(),
            };
            let mut resources = Resources::default();
            for entry in left.entries() {
                let to = self.catalogue.of(entry.kind).reserved_to();
                if to.is_none_or(|to| is_within(&role, to)) && !dice.once_in(3) {
                    resources.add(&Resources::from(&part_of(dice, &entry)));
                }
            }
            // Once in a while the agent has promised more than it has; ports and disks are never given twice.
            let overcommits = dice.once_in(6);
            left.subtract(&resources.only(|kind| {
                let identity = self.catalogue.of(kind);
                !overcommits || kind.is_whole() || matches!(identity.name, "ports" | "zones")
            }));
            if !resources.is_empty() {
                running.push(Grant { framework, role, agent: agent_name.to_vec(), resources });
            }
        }
        running
    }

    /// A framework that is known only by what runs on an agent: its pending operations first, then itself.
    fn add_placeholder(&mut self, dice: &mut Dice<'_>, running: &Grant) -> Result<(), Disagreement> {
        if self.frameworks.contains_key(&running.framework) {
            return Ok(());
        }
        let mut held = vec![running.clone()];
        if dice.once_in(3) {
            let source = self.some_raw_disk(&running.framework, &running.role, &running.agent);
            self.call(Call::AddResourceProvider {
                agent: source.agent.clone(),
                total: source.resources.to_holding(),
                used: used(std::slice::from_ref(&source)),
            })?;
            held.push(source.clone());
            self.pend(source);
        }
        let info = self.some_subscription(dice);
        let used_there = used(&held).remove(0).1;
        self.insert_framework(
            running.framework.clone(),
            info,
            vec![(running.agent.clone(), used_there)],
            false,
        )
    }

    /// A raw disk that a pending operation consumes.
    fn some_raw_disk(&mut self, framework: &[u8], role: &[u8], agent: &[u8]) -> Grant {
        let raw = Identity { provider: Some(9), ..Identity::disk(Disk::Raw) };
        Grant {
            framework: framework.to_vec(),
            role: role.to_vec(),
            agent: agent.to_vec(),
            resources: self.catalogue.scalar(&mut self.cluster, &raw, 70_000),
        }
    }

    /// The agent's total grew by a disk that is in use by an operation.
    fn pend(&mut self, source: Grant) {
        if let Some(agent) = self.agents.get_mut(&source.agent) {
            agent.total.add(&source.resources);
        }
        self.operations.push(PendingOperation { source, converted: Resources::default(), orphaned: false });
    }

    /// What an agent tells when it registers; revocable resources and those of providers follow later.
    fn reported_at_registration(&self, total: &Resources) -> Resources {
        total.only(|kind| {
            let identity = self.catalogue.of(kind);
            !identity.revocable && identity.provider.is_none()
        })
    }

    /// An agent is lost: it goes first, then comes what was held there.
    pub(super) fn lose_agent(&mut self, dice: &mut Dice<'_>) -> Result<(), Disagreement> {
        let Some(name) = dice.pick(&self.agents_where(|_| true)) else { return Ok(()) };
        self.call(Call::RemoveAgent { agent: name.clone() })?;
        let Some(mut agent) = self.agents.remove(&name) else { return Ok(()) };
        agent.inverse_offers.clear();
        agent.unavailability = None;
        agent.connected = true;
        agent.deactivated = false;
        let (tasks, others) =
            std::mem::take(&mut self.tasks).into_iter().partition(|task| task.agent == name);
        self.tasks = others;
        let tasks: Vec<Grant> = tasks;
        for task in tasks.iter().filter(|task| !task.role.is_empty()) {
            self.recover(task, None, true)?;
        }
        self.rescind(None, |offer| offer.agent == name)?;
        let (ended, others): (Vec<_>, Vec<_>) = std::mem::take(&mut self.operations)
            .into_iter()
            .partition(|operation| operation.source.agent == name);
        self.operations = others;
        for operation in ended.iter().filter(|operation| !operation.orphaned) {
            self.recover(&operation.source, None, false)?;
        }
        self.lost.push(LostAgent { name, agent, tasks });
        Ok(())
    }

    pub(super) fn disconnect_agent(&mut self, dice: &mut Dice<'_>) -> Result<(), Disagreement> {
        let Some(name) = dice.pick(&self.agents_where(|agent| agent.connected)) else { return Ok(()) };
        self.set_connected(&name, false);
        self.call(Call::DeactivateAgent { agent: name.clone() })?;
        self.rescind(None, |offer| offer.agent == name)?;
        self.end_inverse_offers(|agent, _| *agent == name)
    }

    pub(super) fn reconnect_agent(&mut self, dice: &mut Dice<'_>) -> Result<(), Disagreement> {
        let Some(name) = dice.pick(&self.agents_where(|agent| !agent.connected)) else { return Ok(()) };
        self.set_connected(&name, true);
        self.reregister(dice, &name)
    }

    /// An agent registers again without having been missed.
    pub(super) fn reregister_agent(&mut self, dice: &mut Dice<'_>) -> Result<(), Disagreement> {
        let Some(name) = dice.pick(&self.agents_where(|agent| agent.connected)) else { return Ok(()) };
        self.reregister(dice, &name)
    }

    fn reregister(&mut self, dice: &mut Dice<'_>, name: &Name) -> Result<(), Disagreement> {
        let Some(mut agent) = self.agents.get(name).cloned() else { return Ok(()) };
        match dice.below(6) {
            0 => {}
            1 => agent.attributes = dice.one(["rack1", "rack2"]).into(),
            2 => agent.hostname = dice.one(["host1", "host2"]).into(),
            3 => agent.capabilities.multi_role = !agent.capabilities.multi_role,
            4 => agent.registrations += 1,
            _ => {
                let cpus = self.catalogue.scalar(&mut self.cluster, &Identity::plain("cpus"), 1000);
                agent.total = if dice.flip() { agent.total.plus(&cpus) } else { agent.total.minus(&cpus) };
            }
        }
        let everything = agent.total.clone();
        agent.total = self.reported_at_registration(&everything);
        let tells_capabilities = dice.flip();
        self.agents.insert(name.clone(), agent.clone());
        self.call(Call::UpdateAgent {
            agent: name.clone(),
            info: self.registration(&agent),
            total: Some(agent.total.to_holding()),
            capabilities: Some(agent.capabilities).filter(|_| tells_capabilities),
        })?;
        if !tells_capabilities {
            self.update_agent(name)?;
        }
        // Some of what ran there is gone.
        if dice.once_in(3) {
            self.end_task(dice)?;
        }
        if !agent.deactivated {
            self.call(Call::ActivateAgent { agent: name.clone() })?;
        }
        self.set_total(name, everything)
    }

    /// The agent reports what it has now.
    pub(super) fn set_total(&mut self, name: &Name, total: Resources) -> Result<(), Disagreement> {
        let Some(agent) = self.agents.get_mut(name).filter(|agent| agent.total != total) else {
            return Ok(());
        };
        agent.total = total;
        self.update_agent(name)
    }

    fn update_agent(&mut self, name: &Name) -> Result<(), Disagreement> {
        let Some(agent) = self.agents.get(name).cloned() else { return Ok(()) };
        self.call(Call::UpdateAgent {
            agent: name.clone(),
            info: self.registration(&agent),
            total: Some(agent.total.to_holding()),
            capabilities: Some(agent.capabilities),
        })?;
        Ok(())
    }

    fn set_connected(&mut self, name: &Name, connected: bool) {
        if let Some(agent) = self.agents.get_mut(name) {
            agent.connected = connected;
        }
    }

    /// The operator deactivates an agent, perhaps once more.
    pub(super) fn deactivate_agent(&mut self, dice: &mut Dice<'_>) -> Result<(), Disagreement> {
        let Some(name) = dice.pick(&self.agents_where(|_| true)) else { return Ok(()) };
        if let Some(agent) = self.agents.get_mut(&name) {
            agent.deactivated = true;
        }
        self.call(Call::DeactivateAgent { agent: name.clone() })?;
        self.rescind(None, |offer| offer.agent == name)?;
        self.end_inverse_offers(|agent, _| *agent == name)
    }

    pub(super) fn activate_agent(&mut self, dice: &mut Dice<'_>) -> Result<(), Disagreement> {
        let Some(name) = dice.pick(&self.agents_where(|agent| agent.deactivated)) else { return Ok(()) };
        let Some(agent) = self.agents.get_mut(&name) else { return Ok(()) };
        agent.deactivated = false;
        if agent.connected {
            self.call(Call::ActivateAgent { agent: name })?;
        }
        Ok(())
    }

    /// An agent has other revocable resources than before; offers with such are taken back.
    pub(super) fn oversubscribe(&mut self, dice: &mut Dice<'_>) -> Result<(), Disagreement> {
        let Some(name) = dice.pick(&self.agents_where(|agent| agent.connected)) else { return Ok(()) };
        let revocable = self.some_revocable(dice);
        let firm = self.agents[&name].total.only(|kind| !self.catalogue.of(kind).revocable);
        self.set_total(&name, firm.plus(&revocable))?;
        self.rescind_offers_with(&name, |identity| identity.revocable)
    }

    /// What an agent lends until it needs it itself, perhaps some of it to one role only. Such reservations are static:
    /// the master lets nobody reserve what is revocable.
    fn some_revocable(&mut self, dice: &mut Dice<'_>) -> Resources {
        let lent = |name| Identity { revocable: true, ..Identity::plain(name) };
        let (catalogue, cluster) = (&mut self.catalogue, &mut self.cluster);
        let mut revocable = catalogue.scalar(cluster, &lent("cpus"), dice.one([2000, 0, 6000, 500]));
        while dice.flip() {
            let role = dice.one(["a", "a/x", "b", "a/x/1"]).as_bytes();
            let (name, amount) = dice.one([("cpus", 1500), ("mem", 512_000), ("disk", 60_000)]);
            revocable.add(&catalogue.scalar(cluster, &lent(name).pushed(role, false, 0), amount));
        }
        if dice.once_in(4) {
            let reserved = lent("ports").pushed(b"a", false, 0);
            revocable.add(&self.sized(&reserved, Value::Ranges(Ranges::new([(32_000, 32_004)]))));
        }
        revocable
    }

    /// An agent gets a resource provider, perhaps with an operation already going on.
    pub(super) fn add_provider(&mut self, dice: &mut Dice<'_>) -> Result<(), Disagreement> {
        let Some(name) = dice.pick(&self.agents_where(|agent| agent.connected)) else { return Ok(()) };
        let provider = Some(dice.below(2));
        if self.has_provider(&name, provider) {
            return Ok(());
        }
        let pool = Identity { provider, ..Identity::disk(Disk::Pool) };
        let mut total = self.catalogue.scalar(&mut self.cluster, &pool, 300_000);
        if dice.once_in(3) {
            let cpus = Identity { provider, ..Identity::plain("cpus") };
            total.add(&self.catalogue.scalar(&mut self.cluster, &cpus, 2000));
        }
        let known = dice.pick(&self.frameworks_where(|_| true)).filter(|_| dice.once_in(3));
        let source = known.and_then(|framework| {
            let role = dice.pick(&self.frameworks[&framework].info.roles)?;
            let resources = self.catalogue.scalar(&mut self.cluster, &pool, 120_000);
            Some(Grant { framework, role, agent: name.clone(), resources })
        });
        let used_by: Vec<(Name, Vec<Use>)> =
            source.iter().map(|source| (source.framework.clone(), vec![use_of(source)])).collect();
        self.call(Call::AddResourceProvider {
            agent: name.clone(),
            total: total.to_holding(),
            used: used_by,
        })?;
        if let Some(agent) = self.agents.get_mut(&name) {
            agent.total.add(&total);
        }
        let converted = Resources::default();
        self.operations.extend(source.map(|source| PendingOperation { source, converted, orphaned: false }));
        self.update_agent(&name)?;
        self.rescind_provided(&name)
    }

    fn has_provider(&self, agent: &Name, provider: Option<usize>) -> bool {
        self.agents[agent].total.kinds().any(|kind| self.catalogue.of(kind).provider == provider)
    }

    /// Offers with resources of providers of an agent are taken back.
    pub(super) fn rescind_provided(&mut self, name: &Name) -> Result<(), Disagreement> {
        self.rescind_offers_with(name, |identity| identity.provider.is_some())
    }

    /// Offers with certain resources of an agent are taken back.
    fn rescind_offers_with(
        &mut self,
        name: &Name,
        which: impl Fn(&Identity) -> bool,
    ) -> Result<(), Disagreement> {
        let offered: BTreeSet<_> = self.offers.iter().flat_map(|offer| offer.resources.kinds()).collect();
        let taken: BTreeSet<_> = offered.into_iter().filter(|kind| which(self.catalogue.of(*kind))).collect();
        self.rescind(None, |offer| {
            offer.agent == *name && offer.resources.kinds().any(|kind| taken.contains(&kind))
        })
    }

    /// A provider vanishes with everything it had, operations included.
    pub(super) fn remove_provider(&mut self, dice: &mut Dice<'_>) -> Result<(), Disagreement> {
        let Some(name) = dice.pick(&self.agents_where(|agent| agent.connected)) else { return Ok(()) };
        let provider = Some(dice.one([0, 1, 9]));
        if !self.has_provider(&name, provider) {
            return Ok(());
        }
        let operations = std::mem::take(&mut self.operations);
        let (ended, others): (Vec<_>, Vec<_>) = operations.into_iter().partition(|operation| {
            let source = &operation.source;
            source.agent == name
                && source.resources.kinds().any(|kind| self.catalogue.of(kind).provider == provider)
        });
        self.operations = others;
        for operation in ended.iter().filter(|operation| !operation.orphaned) {
            self.recover(&operation.source, None, false)?;
        }
        let rest = self.agents[&name].total.only(|kind| self.catalogue.of(kind).provider != provider);
        self.set_total(&name, rest)?;
        self.rescind_provided(&name)
    }
}
