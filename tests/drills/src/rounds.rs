//! The rounds of a drill: churn, kill at a random moment, restart, come to an agreement, compare.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::books::{self, AgentBooks, Auditor};
use crate::cluster::{ALLOCATION_INTERVAL, Cluster};
use crate::drill::{Summary, Target};
use crate::error::DrillError;
use crate::journal::{Micros, StepKind, now};
use crate::program::Command;
use crate::pulse::Pulse;
use crate::random::Random;
use crate::resources::Holdings;
use crate::witness::{Absence, Victim, Witness};

/// How long anything awaited may take. Far more than it takes, as other programs may load the machine.
const WITHIN: Duration = Duration::from_secs(30);
/// Pause between two looks at what is awaited, in which journals are read.
const PAUSE: Duration = Duration::from_millis(10);
/// Longest churn before a kill is aimed.
const CHURN_MS: u64 = 300;
/// So long it is waited for the step that a kill is aimed at.
const AIM: Duration = Duration::from_millis(150);

/// What a look has found of what is awaited, or what is there instead.
type Look<Found> = Result<Result<Found, String>, DrillError>;
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
            witness: Witness::new(cluster.frameworks()),
            auditor: Auditor::start(cluster.master.address(), target == Target::Agent),
            pulse: Pulse::start(),
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
        self.wait("a first agreement", Rounds::look_at_agreement)?;
        self.cluster.log.follow()?;
        self.witness.check_claims(None, &self.totals, &self.cluster.log)
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
        ];
        let aim = if self.random.percent(60) { self.random.choose(&kinds).copied() } else { None };
        Moment { churn, aim }
    }

    /// One kill, and everything that has to hold after it.
    pub(crate) fn round(&mut self, moment: Moment) -> Result<(), DrillError> {
        self.cluster.tell_all(Command::Churn);
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
        let books = self.wait("an agreement of master, agents and frameworks", |rounds| {
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
        self.compare(books, &absence)?;
        self.cluster.let_tasks_last(false)
    }

    /// The frameworks take no step from here on, and no task ends by itself.
    fn calm(&mut self) -> Result<(), DrillError> {
        self.cluster.tell_all(Command::BeQuiet);
        self.cluster.let_tasks_last(true)
    }

    fn kill_master(&mut self) -> Result<Absence, DrillError> {
        let from = now();
        self.cluster.master.kill()?;
        self.calm()?;
        let to = now();
        self.cluster.master.restart()?;
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
    fn compare(&mut self, books: Books, absence: &Absence) -> Result<(), DrillError> {
        let totals: BTreeMap<String, Holdings> =
            books.into_iter().map(|(id, agent)| (id, agent.total)).collect();
        for (id, total) in &totals {
            let first = self.totals.get(id).map(Holdings::by_name).unwrap_or_default();
            if !total.by_name().equals(&first) {
                return Err(DrillError::finding(format!("agent {id} had {first} in all and has {total}")));
            }
        }
        self.witness.check_assets(&totals)?;
        for (agent, volume) in self.witness.volumes() {
            if self.cluster.volume_folder(agent, volume).is_none() {
                return Err(DrillError::finding(format!(
                    "the data of volume {volume} is gone from agent {agent}"
                )));
            }
        }
        self.cluster.log.follow()?;
        self.witness.check_claims(Some(absence), &self.totals, &self.cluster.log)?;
        self.auditor.verdict()?;
        self.witness.note_extent();
        self.require_convergence(absence.from)
    }

    /// Nothing is free now. What was free at the last return has to have been offered within two allocation intervals,
    /// by the times of the master's log: from the last event that freed something of an agent or let somebody want it (a
    /// registration of the agent, a subscription or revival of a framework, the end of a task on the agent) to the last
    /// of the agent's offers that are out. Only what came after the kill counts. The time in which the machine was busy
    /// with other things, see [`Pulse`], is granted.
    fn require_convergence(&mut self, kill: Micros) -> Result<(), DrillError> {
        let log = &self.cluster.log;
        let frameworks = (0..self.cluster.frameworks()).map(|number| self.witness.framework_id(number));
        let wanted = frameworks.flat_map(|id| [log.activated(id), log.revived(id)]).flatten().max();
        let mut longest = Duration::ZERO;
        for agent in &self.cluster.agent_ids {
            let freed = [log.registered(agent), self.witness.last_end(agent, log)];
            let returned = freed.into_iter().flatten().chain(wanted).max().unwrap_or(0).max(kill);
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

    /// All frameworks quiet, nothing free, and master, agents and frameworks of one opinion.
    fn look_at_agreement(&self) -> Look<Books> {
        if let Some(unrest) = self.witness.unrest() {
            return Ok(Err(unrest));
        }
        let books = match self.look_at_books()? {
            Ok(books) => books,
            Err(there) => return Ok(Err(there)),
        };
        for (number, id) in self.cluster.agent_ids.iter().enumerate() {
            let Some(agent) = books.get(id) else { continue };
            let (offered, used) = (self.witness.offered(id), self.witness.used(id));
            let there = if !agent.free().is_empty() {
                format!("free: {}", agent.free())
            } else if !agent.offered.equals(&offered) {
                format!("offered by the master {}\n  and known to frameworks {offered}", agent.offered)
            } else if !agent.allocated.equals(&used) {
                format!("used by the master's books {}\n  and known to frameworks {used}", agent.allocated)
            } else {
                let own = self.cluster.own_total(number)?;
                if agent.total.equals(&own) {
                    continue;
                }
                format!("a total in the master's books of {}\n  and its own of {own}", agent.total)
            };
            return Ok(Err(format!("on agent {id} {there}")));
        }
        Ok(Ok(books))
    }

    /// Those of these tasks that have not ended and that the master does not know.
    fn lost_tasks(&self, tasks: &[String]) -> Result<Vec<String>, DrillError> {
        let live = books::live_tasks(self.cluster.master.http())?;
        let is_lost = |task: &&String| !live.contains(task) && !self.witness.is_over(task);
        Ok(tasks.iter().filter(is_lost).cloned().collect())
    }

    /// Takes what the journals bring, for so long or until a step of this kind.
    fn listen(&mut self, time: Duration, until: Option<StepKind>) -> Result<(), DrillError> {
        let started = Instant::now();
        loop {
            let Ok(arrival) = self.cluster.arrivals.recv_timeout(time.saturating_sub(started.elapsed()))
            else {
                return Ok(());
            };
            // What a killed run has left behind belongs to it.
            if arrival.run != self.cluster.run_of(arrival.framework) {
                continue;
            }
            let kind = arrival.entry.as_ref().and_then(|entry| entry.step.kind());
            self.witness.take(arrival.framework, arrival.entry)?;
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
        let summary = Summary {
            counts: self.witness.counts(),
            looks: self.auditor.looks(),
            delays: self.delays,
            cured_agents: self.cluster.cured_agents,
        };
        let wanted = usize::try_from(rounds).unwrap_or(usize::MAX);
        let counts = summary.counts;
        let enough = counts.claims >= 4 * wanted
            && counts.finished_tasks >= wanted / 2
            && counts.surviving_tasks >= wanted / 2
            && counts.operations >= wanted / 2
            && counts.reservations >= 2
            && counts.volumes >= 1
            && summary.looks >= wanted;
        // One or two rounds may well see nothing of a kind.
        if enough || rounds < 10 {
            return Ok(summary);
        }
        Err(DrillError::finding(format!("too little has happened in {rounds} rounds: {summary}")))
    }
}
