//! The cluster of a drill: a master with a replicated log, agents and frameworks, each in a process of its own.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Duration;

use apportion_cluster_tests as modules;
use apportion_rig::{Agent, Master, Registry, RigError};
use tempfile::TempDir;

use crate::books;
use crate::error::DrillError;
use crate::framework_process::{Arrival, FrameworkProcess};
use crate::journal::{Micros, now};
use crate::master_log::MasterLog;
use crate::operator::Operator;
use crate::program::{Command, Orders};
use crate::resources::Holdings;
use apportion_cluster_tests::Random;

/// Time between two allocation cycles: short, so that many rounds fit into a test.
pub(crate) const ALLOCATION_INTERVAL: Duration = Duration::from_millis(100);
/// Resources of each agent.
const AGENT: &str = "cpus:4;mem:1024;disk:256;ports:[31000-31031]";
const AGENTS: usize = 3;
/// Two frameworks share a role, and so their reservations.
const FRAMEWORKS: [(&str, &str); 3] = [("one", "red"), ("two", "red"), ("three", "blue")];
/// An agent that is back waits so long for its executors. They try three times a second.
const EXECUTORS_RETURN: &str = "1secs";
/// Disk alone can be offered, as what a task leaves of a reservation may be no more.
const MINIMUM: &str = "cpus:0.01|mem:1|disk:1";

/// A defect of Mesos 1.11.0's agent, which has nothing to do with its modules. It writes its reservations down in two
/// files, one after the other: a kill between the two leaves an agent that does not start, as it wants to rename the
/// second. The first file alone counts; an operator gives it an empty second one to rename.
const UNRENAMED: &str = "Failed to perform recovery: Failed to rename target resources";

/// Everything that runs.
#[derive(Debug)]
pub(crate) struct Cluster {
    pub(crate) master: Master,
    pub(crate) agents: Vec<Agent>,
    pub(crate) agent_ids: Vec<String>,
    frameworks: Vec<(Orders, FrameworkProcess)>,
    pub(crate) log: MasterLog,
    pub(crate) operator: Operator,
    program: PathBuf,
    sender: Sender<Arrival>,
    pub(crate) arrivals: Receiver<Arrival>,
    folder: TempDir,
    /// How often an agent had to be helped, see [`UNRENAMED`].
    pub(crate) cured_agents: usize,
}

impl Cluster {
    /// Starts master, agents and frameworks; the frameworks are quiet.
    pub(crate) fn start(program: &Path, seed: u64) -> Result<Cluster, DrillError> {
        let folder = tempfile::tempdir().map_err(DrillError::io("create", &std::env::temp_dir()))?;
        let master = modules::master(&[])
            .registry(Registry::ReplicatedLog)
            .allocation_interval(ALLOCATION_INTERVAL)
            .flag("min_allocatable_resources", MINIMUM)
            .variable("TZ", "UTC")
            .start()?;
        let log = MasterLog::new(master.folder());
        let mut agents = Vec::new();
        for number in 1..=AGENTS {
            let agent = modules::agent(master.address(), &[])
                .name(&format!("agent {number}"))
                .resources(AGENT)
                .flag("executor_reregistration_timeout", EXECUTORS_RETURN)
                .variable("TZ", "UTC");
            agents.push(agent.start()?);
        }
        let agent_ids: Vec<String> = agents.iter().map(Agent::agent_id).collect::<Result<_, _>>()?;
        let (sender, arrivals) = mpsc::channel();
        let desks = agent_ids.iter().cloned().zip(agents.iter().map(|agent| agent.http().clone())).collect();
        let operator =
            Operator::start(master.address(), desks, Random::part(seed, u64::MAX - 1), sender.clone());
        let program = program.to_owned();
        let mut cluster = Cluster {
            master,
            agents,
            agent_ids,
            frameworks: Vec::new(),
            log,
            operator,
            program,
            sender,
            arrivals,
            folder,
            cured_agents: 0,
        };
        for (number, (name, role)) in (0_u64..).zip(FRAMEWORKS) {
            let orders = Orders {
                master: cluster.master.address().to_owned(),
                name: name.to_owned(),
                role: role.to_owned(),
                seed: seed.wrapping_add(number),
                run: 0,
                framework_id: None,
                tasks_last_while: cluster.folder.path().join("tasks-last"),
            };
            let process = cluster.start_framework(cluster.frameworks.len(), &orders)?;
            cluster.frameworks.push((orders, process));
        }
        Ok(cluster)
    }

    /// How many frameworks there are.
    pub(crate) fn frameworks(&self) -> usize {
        self.frameworks.len()
    }

    /// The role of each framework.
    pub(crate) fn roles(&self) -> impl Iterator<Item = &str> {
        self.frameworks.iter().map(|(orders, _)| orders.role.as_str())
    }

    /// Number of the present run of a framework.
    pub(crate) fn run_of(&self, framework: usize) -> u64 {
        self.frameworks.get(framework).map_or(0, |(orders, _)| orders.run)
    }

    fn start_framework(&self, number: usize, orders: &Orders) -> Result<FrameworkProcess, DrillError> {
        FrameworkProcess::start(&self.program, number, orders, self.folder.path(), self.sender.clone())
    }

    /// Tells all frameworks what to do.
    pub(crate) fn tell_all(&mut self, command: Command) {
        self.frameworks.iter_mut().for_each(|(_, process)| process.tell(command));
    }

    /// While tasks last, none ends by itself.
    pub(crate) fn let_tasks_last(&self, last: bool) -> Result<(), DrillError> {
        let path = self.folder.path().join("tasks-last");
        let outcome = if last { std::fs::write(&path, "") } else { std::fs::remove_file(&path) };
        outcome.map_err(DrillError::io("create or remove", &path))
    }

    /// Kills a framework; the time just before.
    pub(crate) fn kill_framework(&mut self, number: usize) -> Result<Micros, DrillError> {
        let at = now();
        match self.frameworks.get_mut(number) {
            Some((_, process)) => process.kill().map(|()| at),
            None => Ok(at),
        }
    }

    /// Starts a killed framework again, under the id it had.
    pub(crate) fn restart_framework(&mut self, number: usize, id: &str) -> Result<(), DrillError> {
        let Some((orders, _)) = self.frameworks.get(number) else { return Ok(()) };
        let orders = Orders { run: orders.run + 1, framework_id: Some(id.to_owned()), ..orders.clone() };
        let process = self.start_framework(number, &orders)?;
        if let Some(slot) = self.frameworks.get_mut(number) {
            *slot = (orders, process);
        }
        Ok(())
    }

    /// Starts a killed agent again, and waits until the master has it back.
    pub(crate) fn restart_agent(&mut self, number: usize) -> Result<(), DrillError> {
        let Some(agent) = self.agents.get_mut(number) else { return Ok(()) };
        match agent.restart() {
            Err(RigError::EndedEarly { log, .. }) if log.contains(UNRENAMED) => {
                self.cured_agents += 1;
                let missing = agent.work_folder().join("meta/resources/resources.target");
                std::fs::write(&missing, "").map_err(DrillError::io("create", &missing))?;
                Ok(agent.restart()?)
            }
            outcome => Ok(outcome?),
        }
    }

    /// What an agent itself says it has.
    pub(crate) fn own_total(&self, agent: usize) -> Result<Holdings, DrillError> {
        let Some(agent) = self.agents.get(agent) else { return Ok(Holdings::default()) };
        Ok(books::own_total(agent.http())?)
    }

    /// Where an agent keeps the data of a volume.
    pub(crate) fn volume_folder(&self, agent: &str, volume: &str) -> Option<PathBuf> {
        let number = self.agent_ids.iter().position(|id| id == agent)?;
        let roles = self.agents.get(number)?.work_folder().join("volumes/roles");
        let entries = std::fs::read_dir(roles).into_iter().flatten().flatten();
        entries.map(|role| role.path().join(volume)).find(|path| path.is_dir())
    }

    /// The ends of all logs, for a report.
    pub(crate) fn last_lines(&self) -> String {
        let tail = |title: &str, log: &str, count: usize| {
            let lines: Vec<&str> = log.lines().filter(|line| !is_noise(line)).collect();
            let start = lines.len().saturating_sub(count);
            format!("---- end of the log of {title} ----\n{}\n", lines[start..].join("\n"))
        };
        let mut text = tail("the master", &self.master.log(), 400);
        for (number, agent) in self.agents.iter().enumerate() {
            text += &tail(&format!("agent {}", number + 1), &agent.log(), 40);
        }
        for (orders, process) in &self.frameworks {
            text += &tail(&format!("framework {}", orders.name), &process.errors(), 10);
        }
        text
    }
}

/// Lines about our own looks, which would crowd out all others.
fn is_noise(line: &str) -> bool {
    line.contains(" http.cpp:") || line.contains("GET_AGENTS")
}
