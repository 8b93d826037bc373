//! What has happened since the last agreement, played again in the order of its times.

use std::collections::BTreeMap;

use super::allowance::QuotaTurn;
use super::assets::{Asker, Outcome};
use super::claims::{Claim, Turn};
use super::sharing::Owner;
use super::{Absence, Life, Victim, Witness};
use crate::error::DrillError;
use crate::journal::{Change, Entry, Micros, OfferEntry, OperationEntry, Step, TaskEntry};
use crate::master_log::MasterLog;
use crate::operator::{Answer, Call, OperatorEntry, OperatorStep};
use crate::quota::Quotas;
use crate::resources::Holdings;

/// Something that somebody has told.
#[derive(Debug, Clone, Copy)]
enum Told<'a> {
    Framework(usize, &'a Step),
    Operator(&'a OperatorStep),
}

/// A call of the operator in full.
#[derive(Debug)]
struct AskedCall<'a> {
    call: &'a Call,
    asked: Micros,
    /// When the agent was seen to have it.
    kept: Option<Micros>,
}

impl Witness {
    /// Everything told since the last agreement, in the order of its times: the journals arrive in any order.
    fn told(&self) -> Vec<(Micros, Told<'_>)> {
        let frameworks =
            self.recent.iter().map(|(framework, entry)| (entry.at, Told::Framework(*framework, &entry.step)));
        let operator = self.recent_steps.iter().map(|entry| (entry.at, Told::Operator(&entry.step)));
        let mut told: Vec<(Micros, Told<'_>)> = frameworks.chain(operator).collect();
        told.sort_by_key(|(at, _)| *at);
        told
    }

    fn calls(&self) -> BTreeMap<u64, AskedCall<'_>> {
        let mut calls = BTreeMap::new();
        for OperatorEntry { at, step } in &self.recent_steps {
            match step {
                OperatorStep::Asking { number, call } => {
                    calls.insert(*number, AskedCall { call, asked: *at, kept: None });
                }
                OperatorStep::Kept { number } => {
                    calls.entry(*number).and_modify(|asked| asked.kept = Some(*at));
                }
                OperatorStep::Answered { .. } | OperatorStep::Idle { .. } => {}
            }
        }
        calls
    }

    /// Reservations and volumes against the totals in the master's books.
    ///
    /// The master answers the operator when its allocator has agreed, before it has told the agent: when the master or that
    /// agent is killed, a call is known to be done when the agent itself has shown it.
    pub(crate) fn check_assets(
        &mut self,
        absence: &Absence,
        totals: &BTreeMap<String, Holdings>,
    ) -> Result<(), DrillError> {
        let mut assets = std::mem::take(&mut self.assets);
        let calls = self.calls();
        for (_, told) in self.told() {
            match told {
                Told::Framework(_, Step::Accepting { agent, operations, .. }) => {
                    for operation in operations {
                        assets.ask(agent, operation, Asker::Framework);
                    }
                }
                Told::Framework(_, Step::OperationUpdate { operation, state, text }) => {
                    assets.report(operation, state, text)?;
                }
                Told::Operator(OperatorStep::Asking {
                    number,
                    call: Call::Change { change, agent, mark, .. },
                }) => {
                    let operation =
                        OperationEntry { id: call_id(*number), change: *change, mark: mark.clone() };
                    assets.ask(agent, &operation, Asker::Operator);
                }
                Told::Operator(OperatorStep::Answered { number, answer }) => {
                    let Some(AskedCall { call: Call::Change { agent, .. }, kept, .. }) = calls.get(number)
                    else {
                        continue;
                    };
                    let may_be_lost = match &absence.victim {
                        Victim::Master => true,
                        Victim::Agent(victim) => victim == agent,
                        Victim::Framework(_) => false,
                    };
                    let is_doubtful = may_be_lost && kept.is_none();
                    match answer {
                        Answer::Done if !is_doubtful => assets.close(&call_id(*number), Outcome::Done),
                        Answer::Refused(_) => assets.close(&call_id(*number), Outcome::Refused),
                        Answer::Done | Answer::Lost(_) => {}
                    }
                }
                _ => {}
            }
        }
        let outcome = assets.check(totals);
        self.assets = assets;
        outcome
    }

    /// Plays what has happened since the last agreement, by the master's times where it has them, and requires that
    /// nothing was given away twice, that no offer goes beyond quotas, and that the master has the quotas it was told.
    pub(crate) fn check_claims(
        &mut self,
        absence: Option<&Absence>,
        totals: &BTreeMap<String, Holdings>,
        quotas: &Quotas,
        log: &MasterLog,
    ) -> Result<(), DrillError> {
        let mut turns: Vec<(Micros, Turn)> = Vec::new();
        if let Some(absence) = absence {
            turns.push((absence.from, Turn::Void(absence.victim.clone())));
            let back = |agent: &String| {
                Some((log.registered_after(agent, absence.from)?, Turn::Registered(agent.clone())))
            };
            turns.extend(totals.keys().filter_map(back));
        }
        for (framework, entry) in &self.recent {
            self.turns_of(*framework, entry, absence, log, &mut turns);
        }
        self.turns_of_operations(&mut turns);
        self.claims.play(turns, totals)?;
        self.claims.sharing.allowance.settle(quotas)?;
        let offers = self.views.iter().enumerate().flat_map(|(framework, view)| {
            let claim = move |(agent, holdings): &(String, Holdings)| Claim {
                framework,
                agent: agent.clone(),
                holdings: holdings.clone(),
                is_offer: true,
            };
            view.offers.iter().map(move |(id, held)| (id.clone(), claim(held)))
        });
        let live = self.tasks.iter().filter(|(_, task)| matches!(task.life, Life::Started | Life::Running));
        let tasks = live.map(|(id, task)| (id.clone(), task.claim()));
        self.claims.replace(offers.chain(tasks).collect(), totals);
        Ok(())
    }

    /// All that was told has been looked at.
    pub(crate) fn close_round(&mut self) {
        self.recent.clear();
        self.recent_steps.clear();
    }

    fn turns_of(
        &self,
        framework: usize,
        entry: &Entry,
        absence: Option<&Absence>,
        log: &MasterLog,
        turns: &mut Vec<(Micros, Turn)>,
    ) {
        // The operator's calls take offers back before their framework hears of it.
        let close = |claim: &String| {
            let removed = log.removed(claim).unwrap_or(entry.at);
            (entry.at.min(removed), Turn::Close(claim.clone()))
        };
        match &entry.step {
            Step::Offered { offers } => {
                for offer in offers {
                    let sent = log.sent(&offer.id).unwrap_or(entry.at);
                    let claim = offer_claim(framework, offer);
                    let is_void = absence.is_some_and(|absence| {
                        absence.victim.concerns(&claim) && (absence.from..absence.to).contains(&sent)
                    });
                    if !is_void {
                        turns.push((sent, Turn::Open(offer.id.clone(), claim)));
                        // A framework that is killed, or slow, may never say that it heard of the end.
                        turns.extend(log.removed(&offer.id).map(|at| (at, Turn::Close(offer.id.clone()))));
                    }
                }
            }
            Step::Declining { offers, .. } => turns.extend(offers.iter().map(close)),
            Step::Accepting { offer, tasks, .. } => {
                turns.push(close(offer));
                let begun = |task: &&TaskEntry| self.tasks.get(&task.id).is_some_and(|known| known.began);
                for task in tasks.iter().filter(begun) {
                    if let Some(known) = self.tasks.get(&task.id) {
                        turns.push((entry.at, Turn::Open(task.id.clone(), known.claim())));
                    }
                }
            }
            Step::Rescinded { offer } => turns.push(close(offer)),
            Step::TaskUpdate { task, .. } => {
                let over = self.tasks.get(task).and_then(|known| known.over);
                let over = over.into_iter().chain(log.ended(task)).min();
                turns.extend(over.map(|over| (over, Turn::Close(task.clone()))));
            }
            _ => {}
        }
    }

    /// What happens to reservations and quotas.
    fn turns_of_operations(&self, turns: &mut Vec<(Micros, Turn)>) {
        let mut reserving: BTreeMap<&str, (&str, &str, usize)> = BTreeMap::new();
        let calls = self.calls();
        for (at, told) in self.told() {
            match told {
                Told::Framework(framework, Step::Accepting { agent, operations, .. }) => {
                    for OperationEntry { id, change, mark } in operations {
                        match change {
                            Change::Reserve => {
                                reserving.insert(id, (mark, agent, framework));
                            }
                            Change::Unreserve => turns.push((at, Turn::GivenUp(mark.clone()))),
                            Change::Create | Change::Destroy => {}
                        }
                    }
                }
                Told::Framework(_, Step::OperationUpdate { operation, state, .. })
                    if state == "OPERATION_FINISHED" =>
                {
                    if let Some((mark, agent, framework)) = reserving.get(operation.as_str()) {
                        let owner = Owner::Framework(*framework);
                        turns.push((at, Turn::Reserved((*mark).to_owned(), (*agent).to_owned(), owner)));
                    }
                }
                Told::Operator(OperatorStep::Answered { number, answer }) => {
                    if let Some(AskedCall { call, .. }) = calls.get(number) {
                        match call {
                            Call::Quota { .. } => {
                                turns.push((at, Turn::Quota(QuotaTurn::Answered(answer.clone()))))
                            }
                            Call::Change { .. } => {}
                        }
                    }
                }
                _ => {}
            }
        }
        for AskedCall { call, asked, kept } in calls.into_values() {
            turns.extend(kept.map(|at| (at, Turn::Quota(QuotaTurn::Flushed))));
            match call {
                Call::Quota { update, .. } => {
                    turns.push((asked, Turn::Quota(QuotaTurn::Asked(update.clone()))))
                }
                Call::Change { change: Change::Reserve, agent, role, mark } => {
                    let owner = Owner::Role(role.clone());
                    turns.extend(kept.map(|at| (at, Turn::Reserved(mark.clone(), agent.clone(), owner))));
                }
                Call::Change { change: Change::Unreserve, mark, .. } => {
                    turns.push((asked, Turn::GivenUp(mark.clone())));
                }
                Call::Change { .. } => {}
            }
        }
    }

    /// What has been told since the last agreement, in the order of its times, for a report.
    pub(crate) fn last_entries(&self) -> String {
        let line = |(at, told): (Micros, Told<'_>)| match told {
            Told::Framework(framework, step) => {
                let step = serde_json::to_string(step).unwrap_or_default();
                format!("{at} framework {framework} {step}\n")
            }
            Told::Operator(OperatorStep::Asking { number, call }) => {
                format!("{at} operator asks {number}: {call}\n")
            }
            Told::Operator(step) => format!("{at} operator {step:?}\n"),
        };
        self.told().into_iter().map(line).collect()
    }
}

fn call_id(number: u64) -> String {
    format!("operator-call-{number}")
}

fn offer_claim(framework: usize, offer: &OfferEntry) -> Claim {
    let holdings = Holdings::of(&offer.resources);
    Claim { framework, agent: offer.agent.clone(), holdings, is_offer: true }
}
