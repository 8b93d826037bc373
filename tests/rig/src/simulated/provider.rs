//! Resource providers on simulated agents: what they have, and how they answer operations.

use std::collections::HashMap;

use prost::Message;
use uuid::Uuid;

use super::conversion::{Conversion, Stock};
use super::disk::SimulatedDisk;
use super::messages::{
    ApplyOperation, Id, Operation, OperationInfo, OperationStatus, Operations, Provider, ProviderInfo,
    Providers, Resource, UpdateAgent, UpdateOperation,
};
use super::swarm::Swarm;

/// `ResourceProviderInfo.type` of all of them.
const KIND: &str = "org.apportion.rig.storage";

/// `OperationState` on the wire.
const PENDING: i32 = 1;
const FINISHED: i32 = 2;
const FAILED: i32 = 3;

/// A resource provider on each of the simulated agents, for storage.
#[derive(Debug, Clone, PartialEq)]
pub struct SimulatedProvider {
    /// On agent number n it has this and `-n` as its id.
    pub name: String,
    /// What it has, while no operation makes something else of it.
    pub disks: Vec<SimulatedDisk>,
}

/// What resource providers do with operations on their resources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OperationAnswer {
    /// They carry them out if they can, and say so.
    #[default]
    Finish,
    /// They say that they failed.
    Fail,
    /// They leave them pending until they are to do something else.
    Wait,
}

/// The providers of all agents.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    providers: Vec<SimulatedProvider>,
    answer: OperationAnswer,
    /// What operations did to each provider, by its id; kept while the provider is away.
    ledgers: HashMap<Vec<u8>, Ledger>,
    /// Operations without an answer, in the order in which they came.
    pending: Vec<Pending>,
}

#[derive(Debug, Default)]
struct Ledger {
    conversions: Vec<Conversion>,
    /// How many operations have succeeded: disks are numbered by it.
    finished: usize,
}

#[derive(Debug)]
struct Pending {
    agent: String,
    provider_id: Id,
    operation: ApplyOperation,
}

impl Shelf {
    pub(super) fn new(providers: Vec<SimulatedProvider>) -> Shelf {
        Shelf { providers, ..Shelf::default() }
    }

    /// What a provider has now. Conversions that its disks no longer allow are forgotten.
    fn stock(&mut self, provider: &SimulatedProvider, id: &Id) -> Stock {
        let own = |resource| Resource { provider_id: Some(id.clone()), ..resource };
        let mut stock = Stock::new(provider.disks.iter().map(|disk| own(disk.resource())).collect());
        if let Some(ledger) = self.ledgers.get_mut(&id.value) {
            ledger.conversions.retain(|conversion| match stock.converted(conversion) {
                Some(converted) => {
                    stock = converted;
                    true
                }
                None => false,
            });
        }
        stock
    }

    /// What the providers of an agent report.
    fn report(&mut self, number: usize, agent: &str, agent_id: &Id) -> Providers {
        let providers = self.providers.clone();
        let report = providers.iter().map(|provider| {
            let id = provider_id(provider, number);
            let total = self.stock(provider, &id).resources().to_vec();
            let pending =
                self.pending.iter().filter(|pending| pending.agent == agent && pending.provider_id == id);
            let operations = pending.map(|pending| pending.reported(agent_id)).collect();
            let info = ProviderInfo { id: Some(id), kind: KIND.to_owned(), name: provider.name.clone() };
            let operations = Operations { operations };
            Provider { info: Some(info), total, operations, resource_version: random_id() }
        });
        Providers { providers: report.collect() }
    }

    /// Ends an operation: its last status, and whether the provider's total is not what the master takes it for.
    fn end(&mut self, number: usize, pending: &Pending) -> (OperationStatus, bool) {
        // What cannot be read does nothing, and that succeeds.
        let info = OperationInfo::decode(pending.operation.info.as_slice()).unwrap_or_default();
        let id = &pending.provider_id;
        let finished = self.ledgers.get(&id.value).map_or(0, |ledger| ledger.finished);
        let conversion = Conversion::of(&info, &format!("disk-{}", finished + 1));
        let provider = self.providers.iter().find(|provider| provider_id(provider, number) == *id).cloned();
        let fits = provider.is_some_and(|provider| {
            self.answer == OperationAnswer::Finish
                && self.stock(&provider, id).converted(&conversion).is_some()
        });
        let mut status = pending.status(if fits { FINISHED } else { FAILED });
        // Says that it is to be acknowledged. Real providers repeat it until it is.
        status.uuid = Some(random_id());
        if fits {
            status.converted.clone_from(&conversion.converted);
            let ledger = self.ledgers.entry(id.value.clone()).or_default();
            ledger.conversions.push(conversion);
            ledger.finished += 1;
            return (status, false);
        }
        (status, conversion.is_speculative)
    }
}

impl Pending {
    fn status(&self, state: i32) -> OperationStatus {
        OperationStatus { state, provider_id: Some(self.provider_id.clone()), ..OperationStatus::default() }
    }

    fn reported(&self, agent_id: &Id) -> Operation {
        Operation {
            framework_id: self.operation.framework_id.clone(),
            agent_id: Some(agent_id.clone()),
            info: self.operation.info.clone(),
            status: self.status(PENDING),
            uuid: self.operation.uuid.clone(),
        }
    }
}

impl Swarm {
    /// Each agent has these providers from now on.
    pub(super) fn provide(&self, providers: Vec<SimulatedProvider>) {
        self.state().shelf.providers = providers;
        self.report_all_providers();
    }

    /// Providers answer so from now on, also what is pending.
    pub(super) fn answer_operations(&self, answer: OperationAnswer) {
        self.state().shelf.answer = answer;
        self.answer_pending();
    }

    fn report_all_providers(&self) {
        for number in 1..=self.agents() {
            self.report_providers(number);
        }
    }

    /// Tells the master what the providers of an agent have, if there can be any.
    pub(super) fn report_providers(&self, number: usize) {
        let agent = Swarm::name(number);
        let update = {
            let mut state = self.state();
            let Some(agent_id) = state.ids.get(&agent).cloned() else { return };
            let Some(resource_version) = self.resource_version() else { return };
            let providers = Some(state.shelf.report(number, &agent, &agent_id));
            let resource_version = Some(resource_version);
            UpdateAgent { agent_id, resource_version, providers, ..UpdateAgent::default() }
        };
        self.send("master", "UpdateSlaveMessage", &agent, &update);
    }

    /// Takes an operation on resources of the agent or of one of its providers.
    pub(super) fn apply_operation(&self, agent: &str, operation: ApplyOperation) {
        match operation.resource_version.provider_id.clone() {
            Some(provider_id) => {
                let agent = agent.to_owned();
                self.state().shelf.pending.push(Pending { agent, provider_id, operation });
                self.answer_pending();
            }
            None => self.write_down(agent, &operation),
        }
    }

    /// Operations on an agent's own resources are done by writing the result down.
    fn write_down(&self, agent: &str, operation: &ApplyOperation) {
        let info = OperationInfo::decode(operation.info.as_slice()).unwrap_or_default();
        {
            let mut state = self.state();
            let written = state.checkpointed.entry(agent.to_owned()).or_default();
            let before = written.iter().filter_map(|bytes| Resource::decode(bytes.as_slice()).ok()).collect();
            let after = Stock::new(before).written_down(&Conversion::of(&info, ""));
            *written = after.resources().iter().map(Message::encode_to_vec).collect();
        }
        self.report_operation(
            agent,
            operation,
            OperationStatus { state: FINISHED, ..OperationStatus::default() },
        );
    }

    fn answer_pending(&self) {
        let (pending, ended) = {
            let shelf = &mut self.state().shelf;
            if shelf.answer == OperationAnswer::Wait {
                return;
            }
            let pending = std::mem::take(&mut shelf.pending);
            let number = |pending: &Pending| Swarm::number(&pending.agent).unwrap_or_default();
            let ended: Vec<_> = pending.iter().map(|pending| shelf.end(number(pending), pending)).collect();
            (pending, ended)
        };
        for (pending, (status, is_total_wrong)) in pending.iter().zip(ended) {
            self.report_operation(&pending.agent, &pending.operation, status);
            if let Some(number) = Swarm::number(&pending.agent).filter(|_| is_total_wrong) {
                self.report_providers(number);
            }
        }
    }

    fn report_operation(&self, agent: &str, operation: &ApplyOperation, mut status: OperationStatus) {
        let agent_id = self.state().ids.get(agent).cloned();
        status.agent_id.clone_from(&agent_id);
        let update = UpdateOperation {
            framework_id: operation.framework_id.clone(),
            agent_id,
            latest: Some(status.clone()),
            status,
            uuid: Some(operation.uuid.clone()),
        };
        self.send("master", "UpdateOperationStatusMessage", agent, &update);
    }
}

fn provider_id(provider: &SimulatedProvider, number: usize) -> Id {
    Id { value: format!("{}-{number}", provider.name).into_bytes() }
}

/// The master drops what has an id here that is not a random one.
pub(super) fn random_id() -> Id {
    Id { value: Uuid::new_v4().as_bytes().to_vec() }
}
