//! What the journals of all frameworks say together: who holds what now, what was promised, who had what when.

mod allowance;
mod assets;
mod claims;
mod history;
mod sharing;

use std::collections::{BTreeMap, BTreeSet};

use crate::error::DrillError;
use crate::journal::{Entry, Micros, OfferEntry, Step, TaskEntry, micros};
use crate::master_log::MasterLog;
use crate::operator::{Answer, Call, OperatorEntry, OperatorStep};
use crate::quota::{Consumption, NAMES, Quotas};
use crate::resources::Holdings;
use assets::Assets;
pub(crate) use claims::Victim;
use claims::{Claim, Claims};
pub(crate) use sharing::Checks;
use sharing::Sharing;

/// A time in which what a victim was offered is void.
#[derive(Debug, Clone)]
pub(crate) struct Absence {
    pub(crate) victim: Victim,
    /// Just before the kill.
    pub(crate) from: Micros,
    /// When it was back, by the master's log.
    pub(crate) to: Micros,
}

/// A framework as its journal shows it.
#[derive(Debug, Default)]
struct View {
    id: String,
    subscribed: bool,
    quiet: bool,
    ended: bool,
    offers: BTreeMap<String, (String, Holdings)>,
}

/// How far a task is known to have come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Life {
    /// Its launch was asked for.
    Asked,
    /// Its executor has it.
    Started,
    /// It has been reported as running.
    Running,
    /// It has ended, or never began.
    Over,
}

#[derive(Debug)]
struct Task {
    framework: usize,
    agent: String,
    holdings: Holdings,
    life: Life,
    /// It was started, whatever became of it.
    began: bool,
    over: Option<Micros>,
}

/// How much has happened, so that a drill in which little happens fails.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Counts {
    pub(crate) offers: usize,
    pub(crate) finished_tasks: usize,
    /// Tasks that a kill has overtaken before they ran.
    pub(crate) stillborn_tasks: usize,
    /// Tasks that ran at a kill.
    pub(crate) surviving_tasks: usize,
    pub(crate) operations: usize,
    /// Most reservations and volumes at one time.
    pub(crate) reservations: usize,
    pub(crate) volumes: usize,
    pub(crate) claims: usize,
    /// Calls of the operator that were answered with success: quotas, and reservations and volumes.
    pub(crate) quotas: usize,
    pub(crate) changes: usize,
    /// Calls of the operator that were refused, and that were not answered.
    pub(crate) refused: usize,
    pub(crate) unanswered: usize,
    pub(crate) checks: Checks,
    /// Agreements with something free that quotas keep back.
    pub(crate) kept_back: usize,
}

/// Everything the journals have told so far.
#[derive(Debug)]
pub(crate) struct Witness {
    views: Vec<View>,
    tasks: BTreeMap<String, Task>,
    assets: Assets,
    claims: Claims,
    /// Entries since the last agreement.
    recent: Vec<(usize, Entry)>,
    /// Steps of the operator since the last agreement.
    recent_steps: Vec<OperatorEntry>,
    /// The last shift of the operator that is over.
    shift_over: u64,
    counts: Counts,
}

impl Witness {
    /// A witness of frameworks with these roles.
    pub(crate) fn new(roles: Vec<String>) -> Witness {
        Witness {
            views: roles.iter().map(|_| View::default()).collect(),
            tasks: BTreeMap::new(),
            assets: Assets::default(),
            claims: Claims::new(Sharing::new(roles)),
            recent: Vec::new(),
            recent_steps: Vec::new(),
            shift_over: 0,
            counts: Counts::default(),
        }
    }

    /// Takes a line of a journal, or its end.
    pub(crate) fn take(&mut self, framework: usize, entry: Option<Entry>) -> Result<(), DrillError> {
        let Some(view) = self.views.get_mut(framework) else { return Ok(()) };
        let Some(entry) = entry else {
            view.ended = true;
            view.subscribed = false;
            view.offers.clear();
            return Ok(());
        };
        match &entry.step {
            Step::Subscribed { framework_id } => {
                view.id.clone_from(framework_id);
                (view.subscribed, view.quiet) = (true, false);
                view.offers.clear();
            }
            Step::Disconnected { .. } => {
                view.subscribed = false;
                view.offers.clear();
            }
            Step::Offered { offers } => {
                self.counts.offers += offers.len();
                let held = |offer: &OfferEntry| (offer.agent.clone(), Holdings::of(&offer.resources));
                view.offers.extend(offers.iter().map(|offer| (offer.id.clone(), held(offer))));
            }
            Step::Rescinded { offer } => {
                view.offers.remove(offer);
            }
            Step::Declining { offers, .. } => {
                for offer in offers {
                    view.offers.remove(offer);
                }
            }
            Step::Accepting { offer, agent, tasks, .. } => {
                view.offers.remove(offer);
                for task in tasks {
                    self.tasks.insert(task.id.clone(), Task::asked(framework, agent, task));
                }
            }
            Step::TaskUpdate { task, state, reason, text, at } => {
                let over = at.and_then(|at| std::time::Duration::try_from_secs_f64(at).ok()).map(micros);
                // An answer to our own question: the update that ended the task is on its way, and has the time.
                let is_answer = reason == "REASON_RECONCILIATION" && state != "TASK_LOST";
                if !is_answer || !is_end(state) {
                    self.take_task_update(
                        task,
                        state,
                        over.unwrap_or(entry.at),
                        &format!("{reason}: {text}"),
                    )?;
                }
            }
            Step::Quiet => view.quiet = true,
            Step::Churning => view.quiet = false,
            Step::OperationUpdate { .. } | Step::Suppressing | Step::Reviving | Step::Refused { .. } => {}
        }
        self.recent.push((framework, entry));
        Ok(())
    }

    /// Takes a step of the operator.
    pub(crate) fn take_operator(&mut self, entry: OperatorEntry) {
        match &entry.step {
            OperatorStep::Answered { number, answer } => {
                let is_it = |other: &&OperatorEntry| matches!(other.step, OperatorStep::Asking { number: asked, .. } if asked == *number);
                let asked = self.recent_steps.iter().rev().find(is_it).map(|entry| &entry.step);
                let is_quota = matches!(asked, Some(OperatorStep::Asking { call: Call::Quota { .. }, .. }));
                *match answer {
                    Answer::Done if is_quota => &mut self.counts.quotas,
                    Answer::Done => &mut self.counts.changes,
                    Answer::Refused(_) => &mut self.counts.refused,
                    Answer::Lost(_) => &mut self.counts.unanswered,
                } += 1;
            }
            OperatorStep::Idle { shift } => self.shift_over = *shift,
            OperatorStep::Asking { .. } | OperatorStep::Kept { .. } => {}
        }
        self.recent_steps.push(entry);
    }

    /// Whether a shift of the operator is over.
    pub(crate) fn is_shift_over(&self, shift: u64) -> bool {
        self.shift_over >= shift
    }

    fn take_task_update(&mut self, id: &str, state: &str, at: Micros, why: &str) -> Result<(), DrillError> {
        let Some(task) = self.tasks.get_mut(id) else {
            return Err(DrillError::finding(format!("a task {id} that nobody launched became {state}")));
        };
        match state {
            "TASK_STAGING" => {}
            "TASK_STARTING" | "TASK_KILLING" | "TASK_RUNNING" => {
                task.began = true;
                if task.life != Life::Over {
                    let running = state == "TASK_RUNNING" || task.life == Life::Running;
                    task.life = if running { Life::Running } else { Life::Started };
                }
            }
            "TASK_FINISHED" => {
                self.counts.finished_tasks += usize::from(task.life != Life::Over);
                (task.began, task.life) = (true, Life::Over);
                task.over = Some(task.over.map_or(at, |earlier| earlier.min(at)));
            }
            "TASK_ERROR" | "TASK_UNREACHABLE" | "TASK_GONE" => {
                return Err(DrillError::finding(format!("task {id} became {state}: {why}")));
            }
            _ if task.life == Life::Running => {
                return Err(DrillError::finding(format!("task {id} was running and became {state}: {why}")));
            }
            _ => {
                self.counts.stillborn_tasks += usize::from(task.life != Life::Over);
                task.life = Life::Over;
                task.over = Some(task.over.map_or(at, |earlier| earlier.min(at)));
            }
        }
        Ok(())
    }

    /// The id of a framework; empty before its first subscription.
    pub(crate) fn framework_id(&self, framework: usize) -> &str {
        self.views.get(framework).map_or("", |view| &view.id)
    }

    /// A framework is started again: what was seen of its last run is over.
    pub(crate) fn restart(&mut self, framework: usize) {
        if let Some(view) = self.views.get_mut(framework) {
            *view = View { id: std::mem::take(&mut view.id), ..View::default() };
        }
    }

    /// What keeps frameworks from being subscribed and quiet.
    pub(crate) fn unrest(&self) -> Option<String> {
        let restless = |(number, view): (usize, &View)| {
            (!view.subscribed || !view.quiet).then(|| {
                let (subscribed, quiet) = (view.subscribed, view.quiet);
                format!("framework {number}: subscribed {subscribed}, quiet {quiet}")
            })
        };
        self.views.iter().enumerate().find_map(restless)
    }

    /// Whether the program of a framework has ended.
    pub(crate) fn has_ended(&self, framework: usize) -> bool {
        self.views.get(framework).is_some_and(|view| view.ended)
    }

    /// Whether it has lost its connection.
    pub(crate) fn is_disconnected(&self, framework: usize) -> bool {
        self.views.get(framework).is_none_or(|view| !view.subscribed)
    }

    /// What the frameworks hold of an agent in offers.
    pub(crate) fn offered(&self, agent: &str) -> Holdings {
        let mut sum = Holdings::default();
        self.offers_of(agent).for_each(|(_, holdings)| sum.add(holdings));
        sum
    }

    /// What is free of a resource and what each role consumes of it, by totals that all agree on.
    pub(crate) fn consumption(&self, name: &str, totals: &BTreeMap<String, Holdings>) -> Consumption {
        let mut sums = Consumption::default();
        let given = |framework: usize, holdings: &Holdings| {
            (self.claims.sharing.role_of(framework).to_owned(), holdings.unreserved(name))
        };
        let offers = self.views.iter().enumerate().flat_map(|(framework, view)| {
            view.offers.values().map(move |(_, holdings)| given(framework, holdings))
        });
        let live = self.tasks.values().filter(|task| matches!(task.life, Life::Started | Life::Running));
        let tasks = live.map(|task| given(task.framework, &task.holdings));
        for (role, amount) in offers.chain(tasks) {
            *sums.by_role.entry(role).or_default() += amount;
            sums.free -= amount;
        }
        for total in totals.values() {
            sums.free += total.unreserved(name);
            let roles: BTreeSet<String> = total.marks().map(|(_, role)| role).collect();
            for role in roles {
                let reserved = total.reserved_for(&role, name);
                *sums.by_role.entry(role).or_default() += reserved;
            }
        }
        sums
    }

    /// Why something that is free of these totals has to be offered, by the quotas in force. `None` when they explain
    /// all of it.
    pub(crate) fn reason_to_offer(
        &self,
        totals: &BTreeMap<String, Holdings>,
        quotas: &Quotas,
    ) -> Option<String> {
        let wanting: BTreeSet<&str> =
            (0..self.views.len()).map(|number| self.claims.sharing.role_of(number)).collect();
        NAMES.iter().find_map(|name| self.consumption(name, totals).reason_to_offer(name, quotas, &wanting))
    }

    /// Something is free at an agreement, as quotas keep it back.
    pub(crate) fn count_kept_back(&mut self) {
        self.counts.kept_back += 1;
    }

    fn offers_of<'a>(&'a self, agent: &'a str) -> impl Iterator<Item = (&'a str, &'a Holdings)> {
        let all = self.views.iter().flat_map(|view| &view.offers);
        all.filter(move |(_, (of, _))| of == agent).map(|(id, (_, holdings))| (id.as_str(), holdings))
    }

    /// What the tasks on an agent use that are known to have begun.
    pub(crate) fn used(&self, agent: &str) -> Holdings {
        let mut sum = Holdings::default();
        let live = |task: &&Task| task.agent == agent && matches!(task.life, Life::Started | Life::Running);
        self.tasks.values().filter(live).for_each(|task| sum.add(&task.holdings));
        sum
    }

    /// The tasks that are known to run.
    pub(crate) fn running(&self) -> Vec<String> {
        let running = self.tasks.iter().filter(|(_, task)| task.life == Life::Running);
        running.map(|(id, _)| id.clone()).collect()
    }

    /// Whether a task has ended as it should.
    pub(crate) fn is_over(&self, task: &str) -> bool {
        self.tasks.get(task).is_some_and(|task| task.life == Life::Over)
    }

    /// When the last of the outstanding offers of an agent was sent.
    pub(crate) fn last_offer(&self, agent: &str, log: &MasterLog) -> Option<Micros> {
        self.offers_of(agent).filter_map(|(id, _)| log.sent(id)).max()
    }

    /// When the last task on an agent has ended, as the master's log has it.
    pub(crate) fn last_end(&self, agent: &str, log: &MasterLog) -> Option<Micros> {
        let of_agent = self.tasks.iter().filter(|(_, task)| task.agent == agent);
        of_agent.filter_map(|(id, _)| log.ended(id)).max()
    }

    /// Agent and persistence id of every volume that has to be there.
    pub(crate) fn volumes(&self) -> impl Iterator<Item = (&str, &str)> {
        self.assets.volumes()
    }

    /// Some tasks ran at a kill, and all of them were kept.
    pub(crate) fn count_survivors(&mut self, tasks: usize) {
        self.counts.surviving_tasks += tasks;
    }

    /// Remembers how many reservations and volumes there are at most.
    pub(crate) fn note_extent(&mut self) {
        self.counts.reservations = self.counts.reservations.max(self.assets.reservations());
        self.counts.volumes = self.counts.volumes.max(self.assets.volumes().count());
    }

    /// How much has happened.
    pub(crate) fn counts(&self) -> Counts {
        Counts {
            operations: self.assets.acknowledged,
            claims: self.claims.checked,
            checks: self.claims.sharing.checks,
            ..self.counts
        }
    }
}

impl Task {
    fn asked(framework: usize, agent: &str, entry: &TaskEntry) -> Task {
        Task {
            framework,
            agent: agent.to_owned(),
            holdings: Holdings::of(&entry.resources),
            life: Life::Asked,
            began: false,
            over: None,
        }
    }

    fn claim(&self) -> Claim {
        let (agent, holdings) = (self.agent.clone(), self.holdings.clone());
        Claim { framework: self.framework, agent, holdings, is_offer: false }
    }
}

fn is_end(state: &str) -> bool {
    !matches!(state, "TASK_STAGING" | "TASK_STARTING" | "TASK_RUNNING" | "TASK_KILLING")
}
