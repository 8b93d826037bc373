//! How a master or an agent is to be started.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::cache::write_file;
use crate::error::RigError;
use crate::http::Http;
use crate::process::{HostProcess, Launch};
use crate::rig::{Rig, option};
use crate::running::{Agent, Master, Running};

/// A port that was free a moment ago may be taken before the process binds it; then another is tried.
const PORT_ATTEMPTS: usize = 3;
const READY_LIMIT: Duration = Duration::from_secs(30);
/// Name of the file with principals and secrets.
const CREDENTIALS: &str = "credentials.json";
const DEFAULT_RESOURCES: &str = "cpus:4;mem:2048;disk:2048;ports:[31000-31999]";

/// A modules JSON (as the `--modules` flag takes it), by value or in a file.
#[derive(Debug, Clone)]
pub enum ModulesJson {
    /// The JSON itself.
    Value(Value),
    /// A file that holds it.
    File(PathBuf),
}

impl From<Value> for ModulesJson {
    fn from(value: Value) -> Self {
        ModulesJson::Value(value)
    }
}

impl From<&Path> for ModulesJson {
    fn from(path: &Path) -> Self {
        ModulesJson::File(path.to_owned())
    }
}

impl From<PathBuf> for ModulesJson {
    fn from(path: PathBuf) -> Self {
        ModulesJson::File(path)
    }
}

/// Where a master keeps its list of agents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registry {
    /// Lost with the process; the quicker start.
    InMemory,
    /// Kept in the work folder: a restarted master knows its agents.
    ReplicatedLog,
}

/// What is particular to a master.
#[derive(Debug, Clone)]
pub struct MasterRole {
    pub(crate) agents: usize,
    allocator: Option<String>,
}

/// What is particular to an agent.
#[derive(Debug, Clone)]
pub struct AgentRole {
    master: String,
}

/// Settings of a process before it is started. Those that every Mesos process takes are here; see
/// [`MasterBuilder`] and [`AgentBuilder`] for the others. A Mesos flag without a method of its own is set with
/// [`Builder::flag`].
#[derive(Debug, Clone)]
pub struct Builder<'r, Role> {
    rig: &'r Rig,
    name: String,
    modules: Vec<ModulesJson>,
    hooks: Vec<String>,
    logging_level: String,
    environment: BTreeMap<OsString, OsString>,
    /// Principal and secret that HTTP requests need.
    credential: Option<(String, String)>,
    ready_within: Duration,
    role: Role,
}

/// Settings of a master, with or without agents in its process.
pub type MasterBuilder<'r> = Builder<'r, MasterRole>;
/// Settings of an agent in a process of its own.
pub type AgentBuilder<'r> = Builder<'r, AgentRole>;

impl<'r, Role> Builder<'r, Role> {
    fn new(rig: &'r Rig, name: &str, role: Role) -> Self {
        let builder = Builder {
            rig,
            name: name.to_owned(),
            modules: Vec::new(),
            hooks: Vec::new(),
            logging_level: "INFO".to_owned(),
            environment: BTreeMap::new(),
            credential: None,
            ready_within: READY_LIMIT,
            role,
        };
        // Works for every user and beside other agents on the machine; an agent run by root would take the
        // linux launcher otherwise, whose cgroups all agents of a machine share.
        builder
            .flag("launcher", "posix")
            .flag("switch_user", "false")
            .flag("systemd_enable_support", "false")
            .flag("hostname", "localhost")
            .flag("registration_backoff_factor", "10ms")
            .resources(DEFAULT_RESOURCES)
    }

    /// How errors and logs call the process.
    #[must_use]
    pub fn name(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// Adds a modules JSON; may be given several times.
    #[must_use]
    pub fn modules(mut self, modules: impl Into<ModulesJson>) -> Self {
        self.modules.push(modules.into());
        self
    }

    /// Hook modules to create, by their names, in this order.
    #[must_use]
    pub fn hooks(mut self, names: &[&str]) -> Self {
        self.hooks = names.iter().map(|name| (*name).to_owned()).collect();
        self.flag("hooks", &names.join(","))
    }

    /// Isolators of the agents, comma-separated, modules included.
    #[must_use]
    pub fn isolation(self, isolation: &str) -> Self {
        self.flag("isolation", isolation)
    }

    /// Quality-of-service controller module of the agents.
    #[must_use]
    pub fn qos_controller(self, name: &str) -> Self {
        self.flag("qos_controller", name)
    }

    /// Resource estimator module of the agents.
    #[must_use]
    pub fn resource_estimator(self, name: &str) -> Self {
        self.flag("resource_estimator", name)
    }

    /// Attributes of the agents, as `rack:a;zone:b`.
    #[must_use]
    pub fn attributes(self, attributes: &str) -> Self {
        self.flag("attributes", attributes)
    }

    /// Resources of each agent, as `cpus:4;mem:2048`. Without it 4 cpus, 2048 MB of memory and of disk and a
    /// thousand ports, whatever the machine has.
    #[must_use]
    pub fn resources(self, resources: &str) -> Self {
        self.flag("resources", resources)
    }

    /// A flag of the Mesos program, by its name without dashes (`max_completed_frameworks`).
    #[must_use]
    pub fn flag(self, name: &str, value: &str) -> Self {
        let variable = format!("MESOS_{}", name.to_uppercase());
        self.variable(&variable, value)
    }

    /// A variable of the process's environment.
    #[must_use]
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.into(), value.into());
        self
    }

    /// Switches HTTP authentication on, for reading and for writing: only this principal with this secret is let in.
    /// The client of the started process sends both; [`Http::anonymous`] does not. Not for agents in a master's
    /// process, nor for a master whose agents or frameworks are others': those are asked too.
    #[must_use]
    pub fn http_authentication(mut self, principal: &str, secret: &str) -> Self {
        self.credential = Some((principal.to_owned(), secret.to_owned()));
        self.flag("authenticate_http_readonly", "true").flag("authenticate_http_readwrite", "true")
    }

    /// Which messages are logged: `INFO` (without this call), `WARNING` or `ERROR`.
    #[must_use]
    pub fn logging_level(mut self, level: &str) -> Self {
        level.clone_into(&mut self.logging_level);
        self
    }

    /// How long the process may take until it is ready; 30 seconds without this call.
    #[must_use]
    pub fn ready_within(mut self, limit: Duration) -> Self {
        self.ready_within = limit;
        self
    }

    /// A new folder with what every process needs in it.
    fn create_folder(&self) -> Result<TempDir, RigError> {
        let parent = std::env::temp_dir();
        let folder = tempfile::Builder::new()
            .prefix("apportion-rig-")
            .tempdir()
            .map_err(RigError::io("create a temporary folder in", &parent))?;
        let programs = folder.path().join("libexec");
        fs::create_dir(&programs).map_err(RigError::io("create", &programs))?;
        let launcher = self.rig.launcher(crate::launcher::Variant::Plain)?;
        let programs_of_mesos = [
            ("mesos-containerizer", &*launcher),
            ("mesos-io-switchboard", &*launcher),
            ("mesos-executor", self.rig.executor()),
        ];
        for (name, target) in programs_of_mesos {
            symlink(target, programs.join(name)).map_err(RigError::io("link", &programs.join(name)))?;
        }
        if !self.modules.is_empty() {
            write_modules(&self.modules, &folder.path().join("modules"))?;
        }
        if let Some((principal, secret)) = &self.credential {
            let credentials = json!({"credentials": [{"principal": principal, "secret": secret}]});
            write_file(&folder.path().join(CREDENTIALS), credentials.to_string())?;
        }
        Ok(folder)
    }

    /// Options that every mode of the launcher takes, and the environment.
    fn launch(&self, mode: &str, folder: &Path, port: u16) -> Result<Launch, RigError> {
        let mut arguments: Vec<OsString> = vec![
            mode.into(),
            option("--work_dir=", &folder.join("mesos")),
            format!("--port={port}").into(),
            format!("--logging_level={}", self.logging_level).into(),
            "--until_stdin_closes".into(),
        ];
        if !self.modules.is_empty() {
            arguments.push(option("--modules_dir=", &folder.join("modules")));
        }
        if !self.hooks.is_empty() {
            arguments.push(format!("--hooks={}", self.hooks.join(",")).into());
        }
        let mut environment: Vec<_> = self.environment.clone().into_iter().collect();
        environment.push(("MESOS_LAUNCHER_DIR".into(), folder.join("libexec").into()));
        if self.credential.is_some() {
            // The master's name of the flag and the agent's.
            for name in ["MESOS_CREDENTIALS", "MESOS_HTTP_CREDENTIALS"] {
                environment.push((name.into(), folder.join(CREDENTIALS).into()));
            }
        }
        let program = self.rig.launcher(crate::launcher::Variant::Plain)?;
        Ok(Launch { program, arguments, environment })
    }

    /// Starts the process on a free port; `finish` adds to the launch what the role needs.
    fn start_on_free_port<Ready>(
        &self,
        mode: &str,
        finish: impl Fn(&Path, &mut Launch) -> Result<(), RigError>,
        ready: impl Fn(HostProcess, Http, Duration) -> Result<Ready, RigError>,
    ) -> Result<Ready, RigError> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            let port = free_port()?;
            let folder = self.create_folder()?;
            let mut launch = self.launch(mode, folder.path(), port)?;
            finish(folder.path(), &mut launch)?;
            let process = HostProcess::start(self.name.clone(), folder, launch)?;
            let http = Http::new(format!("127.0.0.1:{port}"));
            let http = match &self.credential {
                Some((principal, secret)) => http.authenticated(principal, secret),
                None => http,
            };
            match ready(process, http, self.ready_within) {
                Err(RigError::EndedEarly { log, .. })
                    if attempt < PORT_ATTEMPTS && log.contains("Address already in use") => {}
                outcome => return outcome,
            }
        }
    }
}

impl<'r> Builder<'r, MasterRole> {
    pub(crate) fn new_master(rig: &'r Rig) -> Self {
        Builder::new(rig, "master", MasterRole { agents: 0, allocator: None }).registry(Registry::InMemory)
    }

    /// Runs so many agents in the master's process; their endpoints are below `/slave(1)`, `/slave(2)` and so on.
    /// The agents share all settings, and all modules with the master.
    #[must_use]
    pub fn agents(mut self, agents: usize) -> Self {
        self.role.agents = agents;
        self
    }

    /// Allocator module; the built-in allocator without this call.
    #[must_use]
    pub fn allocator(mut self, name: &str) -> Self {
        self.role.allocator = Some(name.to_owned());
        self.flag("allocator", name)
    }

    /// Where agents are recorded; in memory without this call.
    #[must_use]
    pub fn registry(self, registry: Registry) -> Self {
        let value = match registry {
            Registry::InMemory => "in_memory",
            Registry::ReplicatedLog => "replicated_log",
        };
        self.flag("registry", value)
    }

    /// An agent that misses `count` pings, one every `timeout`, is unreachable.
    #[must_use]
    pub fn agent_pings(self, timeout: Duration, count: u32) -> Self {
        self.flag("agent_ping_timeout", &duration(timeout))
            .flag("max_agent_ping_timeouts", &count.to_string())
    }

    /// Time between two allocation cycles; one second without this call.
    #[must_use]
    pub fn allocation_interval(self, interval: Duration) -> Self {
        self.flag("allocation_interval", &duration(interval))
    }

    /// Starts the master and waits until it leads and all agents of its process are active.
    ///
    /// # Errors
    /// When it ends early (its log is in the error) or is not ready in time.
    pub fn start(self) -> Result<Master, RigError> {
        self.start_on_free_port(
            "master",
            |_, launch| {
                launch.arguments.push(format!("--agents={}", self.role.agents).into());
                if let Some(name) = &self.role.allocator {
                    launch.arguments.push(format!("--allocator={name}").into());
                }
                Ok(())
            },
            |process, http, within| Running::master(process, http, within, self.role.agents),
        )
    }
}

impl<'r> Builder<'r, AgentRole> {
    pub(crate) fn new_agent(rig: &'r Rig, master: &str) -> Self {
        Builder::new(rig, "agent", AgentRole { master: master.to_owned() })
    }

    /// Starts the agent and waits until the master has registered it.
    ///
    /// # Errors
    /// When it ends early (its log is in the error) or is not registered in time.
    pub fn start(self) -> Result<Agent, RigError> {
        self.start_on_free_port(
            "agent",
            |folder, launch| {
                let file = folder.join("master");
                write_file(&file, &self.role.master)?;
                launch.arguments.push(option("--master_file=", &file));
                Ok(())
            },
            Running::agent,
        )
    }
}

/// A duration as Mesos flags spell it.
fn duration(value: Duration) -> String {
    format!("{}ns", value.as_nanos())
}

fn free_port() -> Result<u16, RigError> {
    let bound = TcpListener::bind(("127.0.0.1", 0)).and_then(|socket| socket.local_addr());
    bound.map(|address| address.port()).map_err(RigError::io("bind a port on", Path::new("127.0.0.1")))
}

fn write_modules(modules: &[ModulesJson], folder: &Path) -> Result<(), RigError> {
    fs::create_dir(folder).map_err(RigError::io("create", folder))?;
    for (number, source) in modules.iter().enumerate() {
        let path = folder.join(format!("{number}.json"));
        match source {
            ModulesJson::Value(value) => write_file(&path, value.to_string())?,
            ModulesJson::File(file) => {
                fs::copy(file, &path).map_err(RigError::io("copy the modules file", file))?;
            }
        }
    }
    Ok(())
}
