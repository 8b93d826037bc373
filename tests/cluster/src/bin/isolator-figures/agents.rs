//! Two real agents, one with Mesos' own posix isolators and one with ours, that launch the same tasks in turns.

use std::path::PathBuf;
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use apportion_cluster_tests::ISOLATOR_FOR_LIMITS;
use apportion_cluster_tests::scenes::WITHIN;
use apportion_rig::{Agent, AgentBuilder, Framework, FrameworkSpec, Offer, Rig, TaskSpec, TaskState};
use procfs::process::Process;
use serde_json::{Value, json};

use crate::groups::Parent;
use crate::numbers::{median, ms, rounded};
use crate::table::Table;
use crate::{Arguments, Failure};

const STOCK: &str = "posix/cpu,posix/mem";
/// Far more than the tasks take: what is offered is a matter of words, the tasks do nothing.
const RESOURCES: &str = "cpus:1000;mem:1000000;disk:1000000";
/// Least CPUs of an offer that tasks are launched on; what one batch gives back comes in smaller pieces.
const CPUS_LEAST: f64 = 500.0;
const ALLOCATION_INTERVAL: Duration = Duration::from_millis(50);
const POLL: Duration = Duration::from_millis(20);
/// The agent's log says so of an executor when its container is cleaned up.
const ENDED: &str = "exited with status 0";

/// What a round of one agent took, for each container.
#[derive(Debug, Clone, Copy)]
struct Round {
    wall_ms: f64,
    /// Of the agent's own process.
    cpu_ms: f64,
}

/// Figures of both agents.
#[derive(Debug)]
pub(crate) struct Agents {
    containers: u32,
    at_once: u32,
    default_weight: bool,
    stock: Vec<Round>,
    ours: Vec<Round>,
}

/// An agent under measurement.
struct Measured {
    agent: Agent,
    id: String,
    /// Begins the names of its tasks.
    name: &'static str,
    launched: u32,
}

pub(crate) fn measure(arguments: &Arguments) -> Result<Agents, Failure> {
    let library = library(arguments)?;
    let rig = Rig::prepare(|step| eprintln!("{step}"))?;
    let master = rig.master().allocation_interval(ALLOCATION_INTERVAL).ready_within(WITHIN).start()?;
    let parent = Parent::named("agents");
    let configuration = tempfile::NamedTempFile::with_suffix(".toml")?;
    fs::write(configuration.path(), parent.configuration())?;
    let path = configuration.path().to_str().ok_or("the temporary folder's path is no text")?;
    let modules = json!({"libraries": [{"file": library, "modules": [
        {"name": ISOLATOR_FOR_LIMITS, "parameters": [{"key": "config", "value": path}]},
    ]}]});
    let mut stock = Measured::start("stock", rig.agent(master.address()).isolation(STOCK))?;
    let ours = rig.agent(master.address()).modules(modules).isolation(ISOLATOR_FOR_LIMITS);
    let mut ours = Measured::start("ours", ours)?;
    if !arguments.default_weight {
        parent.outweigh()?;
    }
    let mut framework = Framework::subscribe(master.address(), FrameworkSpec::new("figures"))?;

    // What is done once in an agent's life is not measured.
    for agent in [&mut stock, &mut ours] {
        agent.round(&mut framework, arguments.at_once, arguments.at_once)?;
    }
    let mut agents = Agents {
        containers: arguments.containers,
        at_once: arguments.at_once,
        default_weight: arguments.default_weight,
        stock: Vec::new(),
        ours: Vec::new(),
    };
    for number in 0..arguments.rounds {
        let mut turns = [(&mut stock, &mut agents.stock), (&mut ours, &mut agents.ours)];
        if number % 2 == 1 {
            turns.reverse();
        }
        for (agent, rounds) in turns {
            let round = agent.round(&mut framework, arguments.containers, arguments.at_once)?;
            eprintln!(
                "agents: round {} of {}, {}: {:.1} ms of CPU for each container",
                number + 1,
                arguments.rounds,
                agent.name,
                round.cpu_ms
            );
            rounds.push(round);
        }
    }
    framework.teardown()?;
    ours.agent.terminate()?;
    parent.end()?;
    Ok(agents)
}

/// The library: the given one, else that beside this program.
fn library(arguments: &Arguments) -> Result<PathBuf, Failure> {
    let path = match &arguments.to_load {
        Some(path) => path.clone(),
        None => env::current_exe()?.with_file_name("libapportion.so"),
    };
    path.canonicalize().map_err(|error| {
        let cure =
            "build it (cargo build --release -p apportion -p apportion-rig), or name another with --library";
        format!("the library {} cannot be used: {error}; {cure}", path.display()).into()
    })
}

impl Measured {
    fn start(name: &'static str, agent: AgentBuilder<'_>) -> Result<Measured, Failure> {
        let agent = agent.name(name).resources(RESOURCES).ready_within(WITHIN).start()?;
        Ok(Measured { id: agent.agent_id()?, agent, name, launched: 0 })
    }

    /// Launches so many tasks that end at once, and waits until their containers are gone.
    fn round(&mut self, framework: &mut Framework, containers: u32, at_once: u32) -> Result<Round, Failure> {
        let (mut wall, before) = (Duration::ZERO, self.cpu_ms()?);
        let mut left = containers;
        while left > 0 {
            let batch = left.min(at_once);
            let offer = self.offer(framework)?;
            let begun = Instant::now();
            self.batch(framework, &offer, batch)?;
            wall += begun.elapsed();
            left -= batch;
        }
        let count = f64::from(containers);
        Ok(Round { wall_ms: ms(wall) / count, cpu_ms: (self.cpu_ms()? - before) / count })
    }

    /// An offer of this agent with room enough; all others are declined.
    fn offer(&self, framework: &mut Framework) -> Result<Offer, Failure> {
        loop {
            let offers = framework.next_offers(WITHIN)?;
            let (mut fit, others): (Vec<Offer>, Vec<Offer>) =
                offers.into_iter().partition(|offer| offer.agent_id == self.id && cpus(offer) > CPUS_LEAST);
            let chosen = fit.pop();
            let declined: Vec<Offer> = fit.into_iter().chain(others).collect();
            if !declined.is_empty() {
                framework.decline(&declined, Some(0.0))?;
            }
            if let Some(offer) = chosen {
                return Ok(offer);
            }
        }
    }

    fn batch(&mut self, framework: &mut Framework, offer: &Offer, tasks: u32) -> Result<(), Failure> {
        let first = self.launched;
        self.launched += tasks;
        let names: Vec<String> =
            (first..self.launched).map(|number| format!("{}-{number}", self.name)).collect();
        let specs: Vec<TaskSpec> =
            names.iter().map(|name| TaskSpec::new(name, "true").mem_mb(64.0)).collect();
        framework.launch(offer, &specs, Some(0.0))?;
        for name in &names {
            framework.wait_status(name, TaskState::Finished, WITHIN)?;
        }
        // The agent is not asked: answers would cost it time. Its log tells.
        let begun = Instant::now();
        loop {
            let log = self.agent.log();
            let ended =
                log.lines().filter(|line| line.contains("Executor '") && line.contains(ENDED)).count();
            if ended >= usize::try_from(self.launched)? {
                return Ok(());
            }
            if begun.elapsed() > WITHIN {
                return Err(format!("{} of {} containers have ended:\n{log}", ended, self.launched).into());
            }
            thread::sleep(POLL);
        }
    }

    /// CPU time of the agent's process so far.
    fn cpu_ms(&self) -> Result<f64, Failure> {
        let pid = self.agent.process_id().ok_or("the agent has ended")?;
        let stat = Process::new(pid)?.stat()?;
        let ticks = u32::try_from(stat.utime + stat.stime)?;
        Ok(f64::from(ticks) * 1000.0 / f64::from(u32::try_from(procfs::ticks_per_second())?))
    }
}

fn cpus(offer: &Offer) -> f64 {
    let amounts = offer.resources().iter().filter(|resource| resource["name"] == "cpus");
    amounts.filter_map(|resource| resource["scalar"]["value"].as_f64()).sum()
}

/// Median, least and most of a figure.
#[derive(Debug, Clone, Copy)]
struct Spread {
    median: f64,
    least: f64,
    most: f64,
}

impl Spread {
    fn of(rounds: &[Round], figure: impl Fn(&Round) -> f64) -> Spread {
        let figures: Vec<f64> = rounds.iter().map(figure).collect();
        Spread {
            median: median(&figures),
            least: figures.iter().copied().fold(f64::INFINITY, f64::min),
            most: figures.iter().copied().fold(0.0, f64::max),
        }
    }

    fn text(&self) -> String {
        format!("{:.1} ms ({:.1} to {:.1})", self.median, self.least, self.most)
    }

    fn json(&self) -> Value {
        json!({"median": rounded(self.median), "least": rounded(self.least), "most": rounded(self.most)})
    }
}

impl Agents {
    /// Name, key, and the figure of both agents.
    fn figures(&self) -> [(&'static str, &'static str, Spread, Spread); 2] {
        let both =
            |figure: fn(&Round) -> f64| (Spread::of(&self.stock, figure), Spread::of(&self.ours, figure));
        let (stock_cpu, our_cpu) = both(|round| round.cpu_ms);
        let (stock_wall, our_wall) = both(|round| round.wall_ms);
        [
            ("CPU of the agent", "agent_cpu_ms", stock_cpu, our_cpu),
            ("time, executor and all", "wall_ms", stock_wall, our_wall),
        ]
    }

    pub(crate) fn json(&self) -> Value {
        let mut all = json!({
            "rounds": self.stock.len(),
            "containers_in_a_round": self.containers,
            "at_once": self.at_once,
            "default_weight": self.default_weight,
        });
        for (_, key, stock, ours) in self.figures() {
            all[key] = json!({
                "stock": stock.json(),
                "ours": ours.json(),
                "ratio": rounded(ours.median / stock.median),
            });
        }
        all
    }

    pub(crate) fn table(&self) -> Table {
        let title = format!(
            "Real agents, for each container: medians of {} rounds of {} containers, {} at once{}",
            self.stock.len(),
            self.containers,
            self.at_once,
            if self.default_weight { ", with the default weight" } else { "" },
        );
        let mut table = Table::new(title, &["", STOCK, "ours with groups", "ratio"]);
        for (name, _, stock, ours) in self.figures() {
            let ratio = format!("{:.2}", ours.median / stock.median);
            table.line(name, [stock.text(), ours.text(), ratio]);
        }
        table
    }
}
