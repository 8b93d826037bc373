//! A master and agents for one measurement, and the schedulers that work on them.

use std::path::PathBuf;
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use apportion_cluster_tests::{ALLOCATOR, HOOK, ISOLATOR, QOS_CONTROLLER, WITHIN};
use apportion_rig::{Agent, Framework, FrameworkSpec, Master, Rig};
use apportion_scheduler_simulation::{SchedulerSpec, Work, WorkloadSpec};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::books::{Books, Found};
use crate::scheduler::Scheduler;
use crate::{Arguments, Failure};

const AGENT_RESOURCES: &str = "cpus:8;mem:32768;disk:32768";
const ALLOCATION_INTERVAL: Duration = Duration::from_millis(200);

/// A running master with agents that all have our modules.
pub(crate) struct Cluster {
    master: Master,
    /// They end when this is dropped.
    _agents: Vec<Agent>,
    _folder: TempDir,
}

impl Cluster {
    /// Both ways of offering have the same modules; without lending their configuration is empty.
    pub(crate) fn start(rig: &Rig, arguments: &Arguments, lends: bool) -> Result<Cluster, Failure> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("apportion.toml");
        fs::write(&file, if lends { rules(arguments) } else { String::new() })?;
        let file = file.to_str().ok_or("the temporary folder's path is no text")?;
        let modules = modules(arguments, file)?;
        let master = rig
            .master()
            .modules(modules.clone())
            .allocator(ALLOCATOR)
            .allocation_interval(ALLOCATION_INTERVAL)
            .hooks(&[HOOK])
            .agents(0)
            .ready_within(WITHIN)
            .start()?;
        let agent = |number| {
            let agent = rig.agent(master.address()).name(&format!("agent-{number}")).modules(modules.clone());
            let agent = agent.hooks(&[HOOK]).isolation(ISOLATOR).qos_controller(QOS_CONTROLLER);
            agent.resources(AGENT_RESOURCES).ready_within(WITHIN).start()
        };
        let agents = (1..=arguments.agents).map(agent).collect::<Result<Vec<_>, _>>()?;
        master.wait_for_agents(agents.len(), WITHIN)?;
        Ok(Cluster { master, _agents: agents, _folder: folder })
    }

    /// Lets all schedulers work, and adds their books up.
    pub(crate) fn measure(
        self,
        arguments: &Arguments,
        decision_time: Duration,
        round: u32,
    ) -> Result<Found, Failure> {
        let seed = arguments.seed + u64::from(round);
        let mut schedulers = Vec::new();
        for (place, spec) in (0..).zip(specs(arguments, decision_time)) {
            let framework = Framework::subscribe(self.master.address(), described(&spec))?;
            schedulers.push((spec, framework, place));
        }
        let begin = Instant::now();
        let window = (begin + arguments.warm_up, begin + arguments.warm_up + arguments.measured);
        let books = thread::scope(|scope| {
            let threads: Vec<_> = schedulers
                .into_iter()
                .map(|(spec, framework, place)| {
                    scope.spawn(move || Scheduler::new(spec, framework, (seed, place), begin, window).run())
                })
                .collect();
            let ended =
                threads.into_iter().map(|thread| thread.join().map_err(|_| "a scheduler panicked")?);
            ended.collect::<Result<Vec<Books>, Failure>>()
        })?;
        Ok(Found::new(&books, f64::from(arguments.agents) * 8.0, arguments.measured))
    }
}

/// The simulation's schedulers, faster.
fn specs(arguments: &Arguments, decision_time: Duration) -> Vec<SchedulerSpec> {
    let workload = WorkloadSpec {
        load: arguments.load,
        service_part: arguments.service_part,
        service_schedulers: arguments.service_schedulers.into(),
        batch_schedulers: arguments.batch_schedulers.into(),
        service_decision: decision_time,
        batch_decision: arguments.batch_decision_time,
        ..WorkloadSpec::new(arguments.agents.into())
    };
    let faster = |spec: SchedulerSpec| SchedulerSpec {
        between_jobs: spec.between_jobs / arguments.faster,
        task_time: spec.task_time / arguments.faster,
        ..spec
    };
    workload.schedulers().into_iter().map(faster).collect()
}

/// It wants no offers until it has work.
fn described(spec: &SchedulerSpec) -> FrameworkSpec {
    let framework = FrameworkSpec::new(&spec.name)
        .roles(&[&spec.role])
        .subscribe_field("suppressed_roles", json!([spec.role]));
    match spec.work {
        Work::Batch => framework.capabilities(&["REVOCABLE_RESOURCES"]),
        Work::Service => framework,
    }
}

fn rules(arguments: &Arguments) -> String {
    let Arguments { fan_out, min_idle, .. } = arguments;
    format!(
        "[lending]\nfan_out = {fan_out}\nmin_idle = \"{}ms\"\n\n\
         [[lending.lenders]]\nroles = \"service\"\nlend = [\"offered\"]\n\n\
         [[lending.borrowers]]\nroles = \"batch\"\n",
        min_idle.as_millis()
    )
}

fn modules(arguments: &Arguments, configuration: &str) -> Result<Value, Failure> {
    let library = match &arguments.to_load {
        Some(path) => path.clone(),
        None => env::current_exe()?.with_file_name("libapportion.so"),
    };
    let library: PathBuf = library.canonicalize().map_err(|error| {
        let cure = "build it (cargo build -p apportion -p apportion-rig), or name another with --library";
        format!("the library {} cannot be used: {error}; {cure}", library.display())
    })?;
    let module =
        |name: &str| json!({"name": name, "parameters": [{"key": "config", "value": configuration}]});
    let modules = [ALLOCATOR, HOOK, ISOLATOR, QOS_CONTROLLER].map(module);
    Ok(json!({"libraries": [{"file": library, "modules": modules}]}))
}
