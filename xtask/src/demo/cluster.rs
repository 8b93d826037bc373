//! The cluster of the demo: one master and three agents, real ones, each a process of its own, with the modules in all
//! of them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use apportion_rig::{Agent, Master, Rig, RigError};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::account::Account;
use super::interruption::Interruption;
use crate::Failure;

/// Symbol of the allocator module.
pub(super) const ALLOCATOR: &str = "org_apportion_Allocator";
/// Symbol of the hook module.
pub(super) const HOOK: &str = "org_apportion_Hook";
/// Symbol of the isolator module.
pub(super) const ISOLATOR: &str = "org_apportion_Isolator";
/// Symbol of the QoS controller module.
pub(super) const QOS_CONTROLLER: &str = "org_apportion_QoSController";

/// The roles with their weights.
pub(super) const WEIGHTS: [(&str, f64); 2] = [("analytics", 1.0), ("web", 2.0)];
/// A cycle as often as this: quick enough for a show, slow enough to be followed.
const CYCLE: Duration = Duration::from_millis(500);

/// Soft limit of open files that the isolator sets: a number that no system has by default.
pub(super) const OPEN_FILES_SOFT: u64 = 768;
/// Hard limit of open files that the isolator sets.
pub(super) const OPEN_FILES_HARD: u64 = 1536;

/// One of the agents, before it is started.
#[derive(Debug, Clone, Copy)]
pub(super) struct AgentPlan {
    /// Its host name.
    pub(super) name: &'static str,
    /// Its cpus. They are only a number to the allocator: no machine has to have them.
    pub(super) cpus: u32,
    /// Its memory in MB.
    pub(super) mem_mb: u32,
    /// Its disk in MB.
    pub(super) disk_mb: u32,
    /// Its rack.
    pub(super) rack: &'static str,
    /// Its zone.
    pub(super) zone: &'static str,
    /// The kind of its disk.
    pub(super) disk: &'static str,
}

/// The agents of the demo. Memory and disk go with the cpus, so that shares are the same whichever resource counts.
pub(super) const AGENTS: [AgentPlan; 3] = [
    AgentPlan { name: "oak", cpus: 6, mem_mb: 6144, disk_mb: 12288, rack: "r1", zone: "north", disk: "ssd" },
    AgentPlan { name: "maple", cpus: 4, mem_mb: 4096, disk_mb: 8192, rack: "r2", zone: "north", disk: "hdd" },
    AgentPlan { name: "birch", cpus: 2, mem_mb: 2048, disk_mb: 4096, rack: "r3", zone: "south", disk: "ssd" },
];

impl AgentPlan {
    fn resources(&self) -> String {
        format!("cpus:{};mem:{};disk:{}", self.cpus, self.mem_mb, self.disk_mb)
    }

    fn attributes(&self) -> String {
        format!("rack:{};zone:{};disk:{}", self.rack, self.zone, self.disk)
    }
}

/// The settings of all four modules, as an operator would write them.
pub(super) fn settings() -> String {
    format!(
        r#"# Settings of the Apportion modules in this demo. One file serves all four of them.

[allocator]
# One log line for each offer, with its reason.
explain_offers = true

# Variables for the tasks. Placeholders are filled in for each task.
[hook.environment]
APPORTION_ROLE = "{{{{ framework.role }}}}"
APPORTION_TASK = "{{{{ task.name }}}}"
ZONE = "{{{{ agent.attributes.zone }}}}"

# Labels for the tasks, beside those they have.
[hook.labels]
rack = "{{{{ agent.attributes.rack }}}}"
origin = "{{{{ framework.name | upper }}}}"

# What the isolator sets for each container.
[isolator.environment]
APPORTION_CONTAINER = "{{{{ container.id }}}}"

[isolator.rlimits]
nofile = {{ soft = {OPEN_FILES_SOFT}, hard = {OPEN_FILES_HARD} }}
"#
    )
}

/// The modules JSON: which library, which modules in it, and where their settings are.
fn modules(library: &Path, settings: &Path) -> Value {
    let parameters = json!([{"key": "config", "value": settings.to_string_lossy()}]);
    let names = [ALLOCATOR, HOOK, ISOLATOR, QOS_CONTROLLER];
    let modules: Vec<Value> =
        names.iter().map(|name| json!({"name": name, "parameters": parameters})).collect();
    json!({"libraries": [{"file": library.to_string_lossy(), "modules": modules}]})
}

/// An agent that runs.
#[derive(Debug)]
pub(super) struct Member {
    /// What it was started with.
    pub(super) plan: AgentPlan,
    /// The id that the master gave it.
    pub(super) id: String,
    /// The process.
    pub(super) agent: Agent,
}

/// The running cluster. Dropping it stops agents, then the master, and removes all folders.
#[derive(Debug)]
pub(super) struct Cluster {
    // The order is the order of stopping.
    members: Vec<Member>,
    master: Master,
    settings: TempDir,
}

impl Cluster {
    /// Starts master and agents and sets the weights.
    ///
    /// # Errors
    /// When a process does not come up (its log is in the error), or the demo was asked to stop.
    pub(super) fn start(
        rig: &Rig,
        library: &Path,
        account: &mut Account,
        interruption: &Interruption,
    ) -> Result<Cluster, Failure> {
        let folder = tempfile::Builder::new()
            .prefix("apportion-demo-")
            .tempdir()
            .map_err(|error| Failure::new(format!("cannot create a temporary folder: {error}")))?;
        let file = folder.path().join("apportion.toml");
        fs::write(&file, settings())
            .map_err(|error| Failure::new(format!("cannot write {}: {error}", file.display())))?;
        let modules = modules(library, &file);

        let step = account.begin("starting", None);
        step.tell("the master");
        let master = rig
            .master()
            .modules(modules.clone())
            .allocator(ALLOCATOR)
            .hooks(&[HOOK])
            .allocation_interval(CYCLE)
            .start()?;
        let mut cluster = Cluster { members: Vec::new(), master, settings: folder };
        for plan in AGENTS {
            interruption.check()?;
            step.tell(format!("agent {}", plan.name));
            let agent = start_agent(rig, &cluster.master, &modules, plan)?;
            let id = agent.agent_id()?;
            cluster.members.push(Member { plan, id, agent });
        }
        let weights: Vec<Value> =
            WEIGHTS.iter().map(|(role, weight)| json!({"role": role, "weight": weight})).collect();
        let call = json!({"type": "UPDATE_WEIGHTS", "update_weights": {"weight_infos": weights}});
        cluster.master.call(&call)?;
        let time = step.elapsed().as_secs_f64();
        drop(step);
        account.tick(true, format_args!("started 1 master and {} agents in {time:.1} s", AGENTS.len()));
        Ok(cluster)
    }

    /// The master.
    pub(super) fn master(&self) -> &Master {
        &self.master
    }

    /// The agents.
    pub(super) fn members(&self) -> &[Member] {
        &self.members
    }

    /// The agent with that id.
    pub(super) fn member(&self, id: &str) -> Option<&Member> {
        self.members.iter().find(|member| member.id == id)
    }

    /// Cpus of all agents.
    pub(super) fn cpus(&self) -> f64 {
        self.members.iter().map(|member| f64::from(member.plan.cpus)).sum()
    }

    /// The file with the settings of the modules.
    pub(super) fn settings_file(&self) -> PathBuf {
        self.settings.path().join("apportion.toml")
    }

    /// The weights as the master has them.
    ///
    /// # Errors
    /// When the master does not answer.
    pub(super) fn weights(&self) -> Result<BTreeMap<String, f64>, RigError> {
        let answer = self.master.call(&json!({"type": "GET_WEIGHTS"}))?;
        let infos = answer["get_weights"]["weight_infos"].as_array().cloned().unwrap_or_default();
        let pairs = infos
            .iter()
            .filter_map(|info| Some((info["role"].as_str()?.to_owned(), info["weight"].as_f64()?)));
        Ok(pairs.collect())
    }

    /// Copies logs and settings into a folder, which is created.
    ///
    /// # Errors
    /// When that fails, with the path.
    pub(super) fn keep(&self, folder: &Path) -> Result<(), Failure> {
        let failed = |path: &Path, error: &std::io::Error| {
            Failure::new(format!("cannot keep {}: {error}", path.display()))
        };
        fs::create_dir_all(folder).map_err(|error| failed(folder, &error))?;
        let logs = self.members.iter().map(|member| (member.plan.name, member.agent.log()));
        let files = logs
            .map(|(name, log)| (format!("{name}.log"), log))
            .chain([("master.log".to_owned(), self.master.log()), ("apportion.toml".to_owned(), settings())]);
        for (name, text) in files {
            let path = folder.join(name);
            fs::write(&path, text).map_err(|error| failed(&path, &error))?;
        }
        Ok(())
    }

    /// What has to be gone after the cluster is stopped.
    pub(super) fn traces(&self) -> Traces {
        let agents = self.members.iter().map(|member| (member.agent.process_id(), member.agent.folder()));
        let (ids, folders): (Vec<_>, Vec<_>) =
            agents.chain([(self.master.process_id(), self.master.folder())]).unzip();
        let mut folders: Vec<PathBuf> = folders.into_iter().map(Path::to_owned).collect();
        folders.push(self.settings.path().to_owned());
        Traces { processes: ids.into_iter().flatten().collect(), folders }
    }
}

fn start_agent(rig: &Rig, master: &Master, modules: &Value, plan: AgentPlan) -> Result<Agent, RigError> {
    rig.agent(master.address())
        .name(&format!("agent {}", plan.name))
        .modules(modules.clone())
        .hooks(&[HOOK])
        .isolation(&format!("posix/cpu,posix/mem,{ISOLATOR}"))
        .qos_controller(QOS_CONTROLLER)
        .flag("hostname", plan.name)
        .attributes(&plan.attributes())
        .resources(&plan.resources())
        .start()
}

/// Processes and folders of a cluster.
#[derive(Debug, Clone)]
pub(super) struct Traces {
    processes: Vec<i32>,
    folders: Vec<PathBuf>,
}

impl Traces {
    /// How many processes there were.
    pub(super) fn processes(&self) -> usize {
        self.processes.len()
    }

    /// What is still there: processes, also those that were given a path in one of the folders, and the folders.
    pub(super) fn left(&self) -> Vec<String> {
        let mut left: Vec<String> = self
            .processes
            .iter()
            .filter(|id| Path::new(&format!("/proc/{id}")).exists())
            .map(|id| format!("process {id}"))
            .collect();
        // Who wants to keep the folders has asked the rig for it with this variable.
        if std::env::var_os("APPORTION_RIG_KEEP").is_none() {
            let present = self.folders.iter().filter(|folder| folder.exists());
            left.extend(present.map(|folder| format!("folder {}", folder.display())));
        }
        left.extend(self.processes_inside());
        left
    }

    /// Processes whose working directory is in one of the folders: those of tasks.
    fn processes_inside(&self) -> Vec<String> {
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
        let inside = |id: &i32| {
            fs::read_link(format!("/proc/{id}/cwd"))
                .is_ok_and(|path| self.folders.iter().any(|folder| path.starts_with(folder)))
        };
        ids.filter(inside).map(|id| format!("process {id} of a task")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_keep_their_placeholders() {
        let text = settings();
        assert!(text.contains(r#"APPORTION_ROLE = "{{ framework.role }}""#), "{text}");
        assert!(text.contains("nofile = { soft = 768, hard = 1536 }"), "{text}");
    }

    #[test]
    fn modules_json_names_all_four_modules_with_the_settings() {
        let document = modules(Path::new("/l.so"), Path::new("/s.toml"));
        let listed = document["libraries"][0]["modules"].as_array().unwrap();
        let names: Vec<&str> = listed.iter().map(|module| module["name"].as_str().unwrap()).collect();
        assert_eq!(names, [ALLOCATOR, HOOK, ISOLATOR, QOS_CONTROLLER]);
        assert!(listed.iter().all(|module| module["parameters"][0]["value"] == "/s.toml"));
    }

    #[test]
    fn living_process_and_existing_folder_are_left() {
        let folder = tempfile::tempdir().unwrap();
        let own = std::process::id().cast_signed();
        let traces = Traces { processes: vec![own], folders: vec![folder.path().to_owned()] };
        let left = traces.left();
        assert_eq!(left, [format!("process {own}"), format!("folder {}", folder.path().display())]);
        drop(folder);
        let gone = Traces { processes: vec![], folders: traces.folders };
        assert!(gone.left().is_empty());
    }
}
