//! The rounds of a drill: churn, kill at a random moment, restart, come to an agreement, compare.

mod agreement;

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::books::{self, AgentBooks, Auditor};
use crate::cluster::{ALLOCATION_INTERVAL, Cluster};
use crate::drill::{Summary, Target};
use crate::error::DrillError;
use crate::framework_process::Arrival;
use crate::journal::{Micros, StepKind, now};
use crate::operator::{Answer, OperatorStep};
use crate::program::Command;
use crate::pulse::Pulse;
use crate::quota::Quotas;
use crate::resources::Holdings;
use crate::witness::{Absence, Victim, Witness};
use apportion_cluster_tests::Random;

/// How long anything awaited may take. Far more than it takes, as other programs may load the machine.
const WITHIN: Duration = Duration::from_secs(30);
/// Pause between two looks at what is awaited, in which journals are read.
const PAUSE: Duration = Duration::from_millis(10);
/// Longest churn before a kill is aimed.
const CHURN_MS: u64 = 300;
/// Calls of the operator, at most, while something is away.
const CALLS_AWAY: u64 = 2;
/// So long it is waited for the step that a kill is aimed at.
const AIM: Duration = Duration::from_millis(150);

/// What a look has found of what is awaited, or what is there instead.
type Look<Found> = Result<Result<Found, String>, DrillError>;
/// What all agree on once the cluster is at rest.
#[derive(Debug)]
struct Agreement {
    /// Totals of the agents by their ids.
    totals: BTreeMap<String, Holdings>,
    quotas: Quotas,
    /// Quotas keep back something that is free.
    is_kept_back: bool,
}

/// The master's books by agent.
type Books = BTreeMap<String, AgentBooks>;

/// When a round kills.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    churn: Duration,
    /// After the churn, at the next step of this kind.
    aim: Option<StepKind>,
}

impl fmt::Display for Moment {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "after {:?} of churn", self.churn)?;
        self.aim.iter().try_for_each(|kind| write!(out, ", then at the next step {kind:?}"))
    }
}

/// A drill that is going on.
#[derive(Debug)]
pub(crate) struct Rounds {
    target: Target,
    cluster: Cluster,
    witness: Witness,
    auditor: Auditor,
    pulse: Pulse,
    /// Totals of the agents at the start. Their sums by name never change.
    totals: BTreeMap<String, Holdings>,
    random: Random,
    delays: Vec<Duration>,
}

impl Rounds {
    /// Starts a cluster.
    pub(crate) fn start(target: Target, program: &Path, seed: u64) -> Result<Rounds, DrillError> {
        let cluster = Cluster::start(program, seed)?;
        Ok(Rounds {
            target,
            witness: Witness::new(cluster.roles().map(str::to_owned).collect()),
            auditor: Auditor::start(cluster.master.address(), target == Target::Agent),
            pulse: Pulse::start()?,
            totals: BTreeMap::new(),
            random: Random::part(seed, u64::MAX),
            delays: Vec::new(),
            cluster,
        })
    }

    /// Waits for a first agreement.
    pub(crate) fn begin(&mut self) -> Result<(), DrillError> {
        let books = self.wait("all agents in the master's books", |rounds| rounds.look_at_books())?;
        self.totals = books.into_iter().map(|(id, agent)| (id, agent.total)).collect();
        let Agreement { totals, quotas, .. } = self.wait("a first agreement", Rounds::look_at_agreement)?;
        self.cluster.log.follow()?;
        self.witness.check_claims(None, &totals, &quotas, &self.cluster.log)?;
        self.witness.close_round();
        Ok(())
    }

    /// When to kill next.
    pub(crate) fn choose_moment(&mut self) -> Moment {
        let churn = self.random.millis(0, CHURN_MS);
        let kinds = [
            StepKind::Offered,
            StepKind::Declining,
            StepKind::Accepting,
            StepKind::Accepting,
            StepKind::Suppressing,
            StepKind::TaskUpdate,
            StepKind::OperationUpdate,
            StepKind::OperatorAsks,
            StepKind::OperatorAsks,
            StepKind::OperatorDone,
            StepKind::OperatorKept,
        ];
        let aim = if self.random.percent(60) { self.random.choose(&kinds).copied() } else { None };
        Moment { churn, aim }
    }

    /// One kill, and everything that has to hold after it.
    pub(crate) fn round(&mut self, moment: Moment) -> Result<(), DrillError> {
        self.cluster.tell_all(Command::Churn);
        self.cluster.operator.begin();
        self.listen(moment.churn, None)?;
        if moment.aim.is_some() {
            self.listen(AIM, moment.aim)?;
        }
        let survivors = self.witness.running();
        let absence = match self.target {
            Target::Master => self.kill_master()?,
            Target::Agent => self.kill_agent()?,
            Target::Framework => self.kill_framework()?,
        };
        let agreement = self.wait("an agreement of master, agents and frameworks", |rounds| {
            let agreement = rounds.look_at_agreement()?;
            if agreement.is_err() {
                return Ok(agreement);
            }
            let lost = rounds.lost_tasks(&survivors)?;
            Ok(if lost.is_empty() {
                agreement
            } else {
                Err(format!("no task {lost:?}, which ran at the kill"))
            })
        })?;
        self.witness.count_survivors(survivors.len());
        self.compare(&agreement, &absence)?;
        self.cluster.let_tasks_last(false)
    }

    /// No task ends by itself from here on; the operator makes a few more calls while something is away, and the frameworks
    /// take no step after that. They ask for all offers again then, as an offer that the operator's calls have taken
    /// back is refused for some time in their names.
    fn calm(&mut self) -> Result<(), DrillError> {
        self.cluster.let_tasks_last(true)?;
        let calls = if self.target == Target::Master { 0 } else { self.random.below(CALLS_AWAY + 1) };
        self.let_operator_call(calls)?;
        self.cluster.tell_all(Command::BeQuiet);
        Ok(())
    }

    /// Waits until the operator has finished what it is at, and has made so many more calls.
    fn let_operator_call(&mut self, calls: u64) -> Result<(), DrillError> {
        let shift = self.cluster.operator.finish(calls);
        self.wait("the operator's last answer", |rounds| {
            let is_over = rounds.witness.is_shift_over(shift);
            Ok(if is_over { Ok(()) } else { Err("an open call".to_owned()) })
        })
    }

    fn kill_master(&mut self) -> Result<Absence, DrillError> {
        let from = now();
        self.cluster.master.kill()?;
        self.calm()?;
        let to = now();
        self.cluster.master.restart()?;
        self.wait("the master to have read its log", |rounds| {
            Ok(Quotas::read(rounds.cluster.master.http()).map_err(|error| error.to_string()))
        })?;
        // Before agents and frameworks are back nothing is offered that these calls could take back.
        let calls = self.random.below(CALLS_AWAY + 1);
        self.let_operator_call(calls)?;
        let address = self.cluster.master.address().to_owned();
        let agents_first = self.random.percent(50);
        let one_by_one = self.random.percent(50);
        for agents in [agents_first, !agents_first] {
            if agents {
                for agent in &self.cluster.agents {
                    agent.appoint(&address)?;
                }
                if one_by_one {
                    self.cluster.master.wait_for_agents(self.cluster.agents.len(), WITHIN)?;
                }
            } else {
                self.cluster.tell_all(Command::Subscribe);
                if one_by_one {
                    self.wait("all frameworks to subscribe again", |rounds| {
                        let away =
                            (0..rounds.cluster.frameworks()).find(|one| rounds.witness.is_disconnected(*one));
                        Ok(away.map_or(Ok(()), |one| Err(format!("framework {one} without a subscription"))))
                    })?;
                }
            }
        }
        Ok(Absence { victim: Victim::Master, from, to })
    }

    fn kill_agent(&mut self) -> Result<Absence, DrillError> {
        let number = self.random_number(self.cluster.agents.len());
        let from = now();
        self.cluster.agents[number].kill()?;
        self.calm()?;
        self.cluster.restart_agent(number)?;
        self.cluster.log.follow()?;
        let id = self.cluster.agent_ids[number].clone();
        let to = self.cluster.log.registered(&id).filter(|at| *at > from);
        let to = to.ok_or_else(|| {
            DrillError::finding(format!("agent {id} is active and was not registered again"))
        })?;
        Ok(Absence { victim: Victim::Agent(id), from, to })
    }

    fn kill_framework(&mut self) -> Result<Absence, DrillError> {
        let number = self.random_number(self.cluster.frameworks());
        let from = self.cluster.kill_framework(number)?;
        self.calm()?;
        self.wait("the end of a killed framework's journal", |rounds| {
            Ok(if rounds.witness.has_ended(number) { Ok(()) } else { Err("an open journal".to_owned()) })
        })?;
        let id = self.witness.framework_id(number).to_owned();
        self.witness.restart(number);
        self.cluster.restart_framework(number, &id)?;
        self.wait("a killed framework to be back", |rounds| {
            let away = rounds.witness.is_disconnected(number);
            Ok(if away { Err("no subscription".to_owned()) } else { Ok(()) })
        })?;
        self.cluster.log.follow()?;
        let to = self.cluster.log.activated(&id).filter(|at| *at > from);
        let to =
            to.ok_or_else(|| DrillError::finding(format!("framework {id} is back and was not activated")))?;
        Ok(Absence { victim: Victim::Framework(number), from, to })
    }

    fn random_number(&mut self, count: usize) -> usize {
        let numbers: Vec<usize> = (0..count).collect();
        self.random.choose(&numbers).copied().unwrap_or(0)
    }

    /// Everything that has to hold once all agree.
    fn compare(&mut self, agreement: &Agreement, absence: &Absence) -> Result<(), DrillError> {
        let Agreement { totals, quotas, is_kept_back } = agreement;
        for (id, total) in totals {
            let first = self.totals.get(id).map(Holdings::by_name).unwrap_or_default();
            if !total.by_name().equals(&first) {
                return Err(DrillError::finding(format!("agent {id} had {first} in all and has {total}")));
            }
        }
        self.witness.check_assets(absence, totals)?;
        for (agent, volume) in self.witness.volumes() {
            if self.cluster.volume_folder(agent, volume).is_none() {
                return Err(DrillError::finding(format!(
                    "the data of volume {volume} is gone from agent {agent}"
                )));
            }
        }
        self.cluster.log.follow()?;
        self.witness.check_claims(Some(absence), totals, quotas, &self.cluster.log)?;
        self.auditor.verdict()?;
        self.witness.note_extent();
        if *is_kept_back {
            self.witness.count_kept_back();
        }
        self.require_convergence(absence.from, !quotas.is_empty())?;
        self.witness.close_round();
        Ok(())
    }

    /// Nothing is free now. What was free at the last return has to have been offered within two allocation intervals,
    /// by the times of the master's log: from the last event that freed something of an agent or let somebody want it (a
    /// registration of the agent, a subscription or revival of a framework, the end of a task on the agent) to the last
    /// of the agent's offers that are out. Only what came after the kill counts. With quotas, what is free of one agent may
    /// be kept back until another agent is back or a task on it has ended; then the last such event of all agents counts.
    /// The time in which the machine was busy with other things, see [`Pulse`], is granted.
    fn require_convergence(&mut self, kill: Micros, has_quotas: bool) -> Result<(), DrillError> {
        let log = &self.cluster.log;
        let frameworks = (0..self.cluster.frameworks()).map(|number| self.witness.framework_id(number));
        let wanted = frameworks.flat_map(|id| [log.activated(id), log.revived(id)]).flatten().max();
        let mut longest = Duration::ZERO;
        for agent in &self.cluster.agent_ids {
            let related = self.cluster.agent_ids.iter().filter(|other| has_quotas || *other == agent);
            let freed = related.flat_map(|one| [log.registered(one), self.witness.last_end(one, log)]);
            let returned = freed.flatten().chain(wanted).max().unwrap_or(0).max(kill);
            let offered = self.witness.last_offer(agent, log).unwrap_or(0);
            let delay = Duration::from_micros(offered.saturating_sub(returned));
            let granted = self.pulse.lost(returned, offered);
            let limit = 2 * ALLOCATION_INTERVAL;
            if delay > limit + granted {
                return Err(DrillError::finding(format!(
                    "the last that was free of agent {agent} was offered {delay:?} after the last return; two allocation \
                     intervals are {limit:?}, and the machine was late by {granted:?}"
                )));
            }
            longest = longest.max(delay);
        }
        self.delays.push(longest);
        Ok(())
    }

    /// The master's books when they hold every agent, active.
    fn look_at_books(&self) -> Look<Books> {
        let books = match books::read(self.cluster.master.http()) {
            Ok(books) => books,
            Err(error) => return Ok(Err(error.to_string())),
        };
        let is_active = |id: &&String| books.get(*id).is_some_and(|agent| agent.active);
        let missing = self.cluster.agent_ids.iter().find(|id| !is_active(id));
        Ok(missing.map_or(Ok(books), |id| Err(format!("agent {id} not active in the master's books"))))
    }

    /// Takes what the journals bring, for so long or until a step of this kind.
    fn listen(&mut self, time: Duration, until: Option<StepKind>) -> Result<(), DrillError> {
        let started = Instant::now();
        loop {
            let Ok(arrival) = self.cluster.arrivals.recv_timeout(time.saturating_sub(started.elapsed()))
            else {
                return Ok(());
            };
            let kind = match arrival {
                // What a killed run has left behind belongs to it.
                Arrival::Journal { framework, run, .. } if run != self.cluster.run_of(framework) => continue,
                Arrival::Journal { framework, entry, .. } => {
                    let kind = entry.as_ref().and_then(|entry| entry.step.kind());
                    self.witness.take(framework, entry)?;
                    kind
                }
                Arrival::Operator(entry) => {
                    let kind = match &entry.step {
                        OperatorStep::Asking { .. } => Some(StepKind::OperatorAsks),
                        OperatorStep::Answered { answer: Answer::Done, .. } => Some(StepKind::OperatorDone),
                        OperatorStep::Kept { .. } => Some(StepKind::OperatorKept),
                        OperatorStep::Answered { .. } | OperatorStep::Idle { .. } => None,
                    };
                    self.witness.take_operator(entry);
                    kind
                }
            };
            if until.is_some() && kind == until {
                return Ok(());
            }
        }
    }

    /// Looks again and again until `look` finds what is awaited; it says what is there instead.
    fn wait<T>(&mut self, what: &str, look: impl Fn(&Rounds) -> Look<T>) -> Result<T, DrillError> {
        let started = Instant::now();
        loop {
            let there = match look(self)? {
                Ok(found) => return Ok(found),
                Err(there) => there,
            };
            if started.elapsed() > WITHIN {
                return Err(DrillError::Deadline { what: what.to_owned(), waited: WITHIN, there });
            }
            self.listen(PAUSE, None)?;
        }
    }

    /// A failed round with the journals of all frameworks and the ends of all logs.
    pub(crate) fn report(&self, text: &str) -> String {
        let journals = self.witness.last_entries();
        format!("{text}\n---- journals of the round ----\n{journals}{}", self.cluster.last_lines())
    }

    /// What has happened; too little is a failure, as nothing was proved then.
    pub(crate) fn conclude(self, rounds: u64) -> Result<Summary, DrillError> {
        let summary = self.summary();
        if self.prove_something(rounds) {
            return Ok(summary);
        }
        Err(DrillError::finding(format!("too little has happened in twice {rounds} rounds: {summary}")))
    }

    fn summary(&self) -> Summary {
        Summary {
            counts: self.witness.counts(),
            looks: self.auditor.looks(),
            delays: self.delays.clone(),
            cured_agents: self.cluster.cured_agents,
        }
    }

    /// Whether as much has happened as so many rounds should bring.
    pub(crate) fn prove_something(&self, rounds: u64) -> bool {
        let summary = self.summary();
        let wanted = usize::try_from(rounds).unwrap_or(usize::MAX);
        let counts = summary.counts;
        let enough = counts.claims >= 4 * wanted
            && counts.finished_tasks >= wanted / 2
            && counts.surviving_tasks >= wanted / 2
            && counts.operations >= wanted / 2
            && counts.reservations >= 2
            && counts.volumes >= 1
            && counts.quotas >= wanted / 2
            && counts.changes >= wanted / 2
            && counts.checks.limits >= wanted / 2
            && counts.checks.guarantees >= wanted / 4
            && counts.kept_back >= wanted / 10
            && summary.looks >= wanted;
        // One or two rounds may well see nothing of a kind.
        enough || rounds < 10
    }
}
