//! The three frameworks: each takes one task's worth of every offer and gives the rest back, so that the cluster fills
//! task by task and the allocator decides before each.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use apportion_rig::{Framework, FrameworkSpec, Offer, RigError, TaskSpec, TaskState};
use serde::Serialize;

use super::account::{Account, NAME, Step, styled};
use super::cluster::Cluster;
use super::explanation::{Explanation, LogReader};
use super::fairness::FrameworkTasks;
use super::inspection;
use super::interruption::Interruption;
use crate::Failure;

/// Names of the frameworks with their roles, in the order of their arrival.
const TENANTS: [(&str, &str); 3] = [("reports", "analytics"), ("training", "analytics"), ("shop", "web")];
/// The framework whose first task shows its environment.
pub(super) const INSPECTED: &str = "shop";
/// Cpus of a task.
pub(super) const TASK_CPUS: f64 = 0.5;
/// Memory of a task in MB. It is booked, not used.
const TASK_MEM_MB: f64 = 512.0;
/// Disk of a task in MB. It is booked, not used.
const TASK_DISK_MB: f64 = 1024.0;
/// A little work, then waiting.
const WORK: &str =
    "n=0; while [ $n -lt 10000 ]; do n=$((n + 1)); done; echo counted to $n; exec sleep infinity";

/// How long one framework is listened to.
const LISTEN: Duration = Duration::from_millis(20);
/// The rest of an accepted offer may come back in the very next cycle.
const REFUSE_NOT: f64 = 0.0;
/// What is of no use may stay away for longer than the demo lasts.
const REFUSE_LONG: f64 = 24.0 * 3600.0;
const FILL_LIMIT: Duration = Duration::from_secs(60);
const SETTLE_LIMIT: Duration = Duration::from_secs(20);
/// Amounts are exact to a thousandth in Mesos.
const NOTHING: f64 = 0.0005;

/// An offer with its reason.
#[derive(Debug, Clone, Serialize)]
pub(super) struct ExplainedOffer {
    /// Name of the agent.
    pub(super) agent: String,
    /// Name of the framework.
    pub(super) framework: String,
    /// Cpus offered.
    pub(super) cpus: f64,
    /// Memory offered, in MB.
    pub(super) mem_mb: f64,
    /// The allocator's reason.
    pub(super) reason: Explanation,
    /// The same in words.
    pub(super) because: String,
}

/// A framework of the demo.
#[derive(Debug)]
struct Tenant {
    framework: Framework,
    role: &'static str,
    /// Ids of its tasks with the ids of their agents.
    tasks: Vec<(String, String)>,
}

impl Tenant {
    fn subscribe(master: &str, name: &str, role: &'static str) -> Result<Tenant, RigError> {
        let spec = FrameworkSpec::new(name).roles(&[role]);
        Ok(Tenant { framework: Framework::subscribe(master, spec)?, role, tasks: Vec::new() })
    }

    /// Launches one task if the offer holds enough for it. Whether it did.
    fn answer(&mut self, offer: &Offer) -> Result<bool, RigError> {
        if offer.scalar("cpus") + NOTHING < TASK_CPUS || offer.scalar("mem") + NOTHING < TASK_MEM_MB {
            self.framework.decline(std::slice::from_ref(offer), Some(REFUSE_LONG))?;
            return Ok(false);
        }
        let id = format!("{}-{}", self.framework.name(), self.tasks.len() + 1);
        let inspected = self.framework.name() == INSPECTED && self.tasks.is_empty();
        let command = if inspected { inspection::COMMAND } else { WORK };
        let (label, variable) = (inspection::OWN_LABEL, inspection::OWN_VARIABLE);
        let task = TaskSpec::new(&id, command)
            .cpus(TASK_CPUS)
            .mem_mb(TASK_MEM_MB)
            .disk_mb(TASK_DISK_MB)
            .label(label.0, label.1)
            .variable(variable.0, variable.1);
        self.framework.launch(offer, &[task], Some(REFUSE_NOT))?;
        self.tasks.push((id, offer.agent_id.clone()));
        Ok(true)
    }
}

/// All frameworks, and the account of their offers.
#[derive(Debug)]
pub(super) struct Tenants {
    tenants: Vec<Tenant>,
    ledger: Ledger,
    log: LogReader,
}

/// Offers that arrived and reasons that were logged, brought together in their order.
#[derive(Debug, Default)]
struct Ledger {
    /// Offers by framework and agent that wait for their reason.
    arrived: BTreeMap<(String, String), VecDeque<(f64, f64)>>,
    /// Reasons that wait for their offer.
    logged: VecDeque<Explanation>,
    explained: Vec<ExplainedOffer>,
    double_offers: usize,
}

impl Ledger {
    fn note(&mut self, framework_id: &str, offer: &Offer) {
        let key = (framework_id.to_owned(), offer.agent_id.clone());
        self.arrived.entry(key).or_default().push_back((offer.scalar("cpus"), offer.scalar("mem")));
    }

    /// Offers whose reason is known by now. `name` finds the names of framework and agent.
    fn bring_together(
        &mut self,
        name: impl Fn(&Explanation) -> Option<(String, String)>,
    ) -> Vec<ExplainedOffer> {
        let mut together = Vec::new();
        let mut waiting = VecDeque::new();
        for reason in self.logged.drain(..) {
            let key = (reason.framework_id.clone(), reason.agent_id.clone());
            let amounts = self.arrived.get_mut(&key).and_then(VecDeque::pop_front);
            let (Some((cpus, mem_mb)), Some((framework, agent))) = (amounts, name(&reason)) else {
                waiting.push_back(reason);
                continue;
            };
            let because = reason.in_words(&framework);
            together.push(ExplainedOffer { agent, framework, cpus, mem_mb, reason, because });
        }
        self.logged = waiting;
        self.explained.extend(together.iter().cloned());
        together
    }

    /// Offers without a reason, and reasons without an offer.
    fn unmatched(&self) -> (usize, usize) {
        (self.arrived.values().map(VecDeque::len).sum(), self.logged.len())
    }
}

/// What came out of filling the cluster.
#[derive(Debug, Clone)]
pub(super) struct Filled {
    /// Every offer with its reason, in the order of the decisions.
    pub(super) offers: Vec<ExplainedOffer>,
    /// Offers that no line of the log explains.
    pub(super) unexplained: usize,
    /// Explained offers that did not arrive.
    pub(super) not_arrived: usize,
    /// How often an agent had less than what was used and offered of it.
    pub(super) double_offers: usize,
}

impl Tenants {
    /// Nobody yet. Offers are explained from here on.
    pub(super) fn new() -> Tenants {
        Tenants { tenants: Vec::new(), ledger: Ledger::default(), log: LogReader::default() }
    }

    /// Subscribes all frameworks.
    ///
    /// # Errors
    /// When the master refuses one.
    pub(super) fn subscribe(&mut self, cluster: &Cluster) -> Result<(), Failure> {
        for (name, role) in TENANTS {
            self.tenants.push(Tenant::subscribe(cluster.master().address(), name, role)?);
        }
        Ok(())
    }

    /// Takes offers until the cluster is full and all tasks run, telling each offer as it comes: `shown` of them in
    /// full, the others by the moving line only.
    ///
    /// # Errors
    /// When a framework loses its master, a task fails, the cluster does not fill in a minute, or the demo was asked
    /// to stop.
    pub(super) fn fill(
        &mut self,
        cluster: &Cluster,
        shown: usize,
        account: &mut Account,
        interruption: &Interruption,
    ) -> Result<Filled, Failure> {
        let slots = slots(cluster);
        let step = account.begin("filling the cluster", Some(slots));
        let started = Instant::now();
        while self.task_count() < slots {
            interruption.check()?;
            if started.elapsed() > FILL_LIMIT {
                let running = self.task_count();
                return Err(Failure::new(format!(
                    "after {} s only {running} of {slots} tasks found a place",
                    FILL_LIMIT.as_secs()
                )));
            }
            self.answer_offers(cluster)?;
            self.tell_offers(cluster, shown, account);
            self.tell_progress(&step);
        }
        for tenant in &mut self.tenants {
            for (task, _) in &tenant.tasks {
                interruption.check()?;
                tenant.framework.wait_status(task, TaskState::Running, SETTLE_LIMIT)?;
            }
        }
        self.settle(cluster, shown, account)?;
        let (unexplained, not_arrived) = self.ledger.unmatched();
        Ok(Filled {
            offers: self.ledger.explained.clone(),
            unexplained,
            not_arrived,
            double_offers: self.ledger.double_offers,
        })
    }

    /// Offers that are on their way find their reasons, and reasons their offers.
    fn settle(&mut self, cluster: &Cluster, shown: usize, account: &mut Account) -> Result<(), Failure> {
        let started = Instant::now();
        loop {
            self.answer_offers(cluster)?;
            self.tell_offers(cluster, shown, account);
            if self.ledger.unmatched() == (0, 0) || started.elapsed() > SETTLE_LIMIT {
                return Ok(());
            }
        }
    }

    /// Listens to every framework once and answers what came.
    ///
    /// # Errors
    /// When a framework loses its master or the master refuses an answer.
    pub(super) fn answer_offers(&mut self, cluster: &Cluster) -> Result<(), Failure> {
        let mut offers = Vec::new();
        for (number, tenant) in self.tenants.iter_mut().enumerate() {
            for offer in tenant.framework.offers_during(LISTEN)? {
                self.ledger.note(tenant.framework.id(), &offer);
                offers.push((number, offer));
            }
        }
        self.ledger.double_offers += self.count_double_offers(cluster, &offers);
        for (number, offer) in &offers {
            if let Some(tenant) = self.tenants.get_mut(*number) {
                tenant.answer(offer)?;
            }
        }
        Ok(())
    }

    /// Agents that do not have what is used and offered of them at this moment.
    fn count_double_offers(&self, cluster: &Cluster, offers: &[(usize, Offer)]) -> usize {
        let too_much = |id: &str, has: f64| {
            let used = self.tasks().filter(|(_, agent)| agent == id).count();
            let offered = offers.iter().filter(|(_, offer)| offer.agent_id == id);
            let offered: f64 = offered.map(|(_, offer)| offer.scalar("cpus")).sum();
            cpus_of(used) + offered > has + NOTHING
        };
        let members = cluster.members().iter();
        members.filter(|member| too_much(&member.id, f64::from(member.plan.cpus))).count()
    }

    fn tell_offers(&mut self, cluster: &Cluster, shown: usize, account: &mut Account) {
        let log = cluster.master().log();
        let lines = self.log.new_lines(&log);
        self.ledger.logged.extend(lines.into_iter().filter_map(Explanation::parse));
        let told = self.ledger.explained.len();
        let tenants = &self.tenants;
        let fresh = self.ledger.bring_together(|reason| {
            let tenant = tenants.iter().find(|tenant| tenant.framework.id() == reason.framework_id)?;
            let member = cluster.member(&reason.agent_id)?;
            Some((tenant.framework.name().to_owned(), member.plan.name.to_owned()))
        });
        for offer in fresh.iter().take(shown.saturating_sub(told)) {
            tell(offer, account);
        }
    }

    fn tell_progress(&self, step: &Step) {
        step.at(self.task_count());
        let parts: Vec<String> = self
            .tasks_by_framework()
            .into_iter()
            .map(|(_, tasks)| format!("{} {}", tasks.framework, tasks.running))
            .collect();
        step.tell(parts.join("  "));
    }

    fn tasks(&self) -> impl Iterator<Item = &(String, String)> {
        self.tenants.iter().flat_map(|tenant| &tenant.tasks)
    }

    /// How many tasks were launched.
    pub(super) fn task_count(&self) -> usize {
        self.tasks().count()
    }

    /// Tasks of each framework, with its role.
    pub(super) fn tasks_by_framework(&self) -> Vec<(&'static str, FrameworkTasks)> {
        let tasks = |tenant: &Tenant| FrameworkTasks {
            framework: tenant.framework.name().to_owned(),
            running: tenant.tasks.len(),
        };
        self.tenants.iter().map(|tenant| (tenant.role, tasks(tenant))).collect()
    }

    /// The task that shows its environment: ids of its framework, itself and its agent, and its role.
    pub(super) fn inspected(&self) -> Option<(&str, &str, &str, &'static str)> {
        let tenant = self.tenants.iter().find(|tenant| tenant.framework.name() == INSPECTED)?;
        let (task, agent) = tenant.tasks.first()?;
        Some((tenant.framework.id(), task, agent, tenant.role))
    }

    /// Ends the frameworks and with them their tasks. What the master refuses is ended with the cluster.
    pub(super) fn tear_down(self) {
        for tenant in self.tenants {
            // A master that is gone has nothing left to be told.
            let _ = tenant.framework.teardown();
        }
    }
}

fn tell(offer: &ExplainedOffer, account: &mut Account) {
    account.line(format_args!(
        "  {} → {}  {} cpus, {:.1} GB",
        styled(NAME, format_args!("{:<5}", offer.agent)),
        styled(NAME, format_args!("{:<8}", offer.framework)),
        offer.cpus,
        offer.mem_mb / 1024.0,
    ));
    account.aside(format_args!("because {}", offer.because));
}

/// How many tasks fill the cluster.
fn slots(cluster: &Cluster) -> usize {
    let mut slots = 0;
    let mut left = cluster.cpus();
    while left + NOTHING >= TASK_CPUS {
        left -= TASK_CPUS;
        slots += 1;
    }
    slots
}

fn cpus_of(tasks: usize) -> f64 {
    u32::try_from(tasks).map_or(f64::INFINITY, f64::from) * TASK_CPUS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(framework: &str, agent: &str, role_share_permille: i64) -> Explanation {
        Explanation {
            agent_id: agent.into(),
            framework_id: framework.into(),
            role: "web".into(),
            role_share_permille,
            role_weight: 2.0,
            role_position: 1,
            roles: 2,
            framework_share_permille: 0,
            framework_position: 1,
            frameworks: 1,
        }
    }

    fn names(reason: &Explanation) -> Option<(String, String)> {
        Some((reason.framework_id.to_uppercase(), reason.agent_id.to_uppercase()))
    }

    fn ledger(logged: Vec<Explanation>, arrived: &[(&str, &str, f64)]) -> Ledger {
        let mut ledger = Ledger { logged: logged.into(), ..Ledger::default() };
        for &(framework, agent, cpus) in arrived {
            let key = (framework.to_owned(), agent.to_owned());
            ledger.arrived.entry(key).or_default().push_back((cpus, 1024.0));
        }
        ledger
    }

    #[test]
    fn offers_of_one_agent_meet_their_reasons_in_order() {
        let logged = vec![reason("f", "a", 0), reason("f", "a", 41)];
        let mut ledger = ledger(logged, &[("f", "a", 6.0), ("f", "a", 5.5)]);
        let together = ledger.bring_together(names);
        let pairs: Vec<(f64, i64)> =
            together.iter().map(|offer| (offer.cpus, offer.reason.role_share_permille)).collect();
        assert_eq!(pairs, [(6.0, 0), (5.5, 41)]);
        assert_eq!((together[0].framework.as_str(), together[0].agent.as_str()), ("F", "A"));
        assert_eq!(ledger.unmatched(), (0, 0));
    }

    #[test]
    fn reason_without_an_offer_waits_for_it() {
        let mut ledger = ledger(vec![reason("f", "a", 0), reason("g", "a", 0)], &[("g", "a", 1.0)]);
        assert_eq!(ledger.bring_together(names).len(), 1);
        assert_eq!(ledger.unmatched(), (0, 1));
        ledger.arrived.entry(("f".into(), "a".into())).or_default().push_back((2.0, 64.0));
        assert_eq!(ledger.bring_together(names).len(), 1);
        assert_eq!(ledger.explained.len(), 2);
    }

    #[test]
    fn offer_without_a_reason_is_counted() {
        let mut ledger = ledger(vec![], &[("f", "a", 1.0)]);
        assert!(ledger.bring_together(names).is_empty());
        assert_eq!(ledger.unmatched(), (1, 0));
    }
}
