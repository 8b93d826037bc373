//! Masters and agents that run.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustix::process::Signal;
use serde_json::Value;

use crate::cache::write_file;
use crate::error::RigError;
use crate::http::Http;
use crate::process::HostProcess;
use crate::recordio::Records;
use crate::wait::{Look, wait_for};

/// A running master, with or without agents in its process.
pub type Master = Running<MasterProcess>;
/// A running agent in a process of its own.
pub type Agent = Running<AgentProcess>;

/// What a master has to show before it is ready.
#[derive(Debug)]
pub struct MasterProcess {
    agents: usize,
}

/// Marks an agent's process.
#[derive(Debug)]
pub struct AgentProcess(());

/// A Mesos process of one of the two kinds, and its guard: dropping it stops the process (politely, then with
/// SIGKILL), ends its containers and removes its folder. In a panicking thread the log is printed.
/// `APPORTION_RIG_KEEP=1` keeps the folder.
#[derive(Debug)]
pub struct Running<Kind> {
    process: HostProcess,
    http: Http,
    ready_within: Duration,
    kind: Kind,
}

impl<Kind> Running<Kind> {
    /// `host:port`.
    pub fn address(&self) -> &str {
        self.http.address()
    }

    /// Client for its HTTP endpoints.
    pub fn http(&self) -> &Http {
        &self.http
    }

    /// GET of a path below its address, as JSON.
    ///
    /// # Errors
    /// As [`Http::get_json`].
    pub fn get_json(&self, path: &str) -> Result<Value, RigError> {
        self.http.get_json(path)
    }

    /// A call of the operator API (`/api/v1`).
    ///
    /// # Errors
    /// As [`Http::post_json`].
    pub fn call(&self, call: &Value) -> Result<Value, RigError> {
        self.http.post_json("/api/v1", call)
    }

    /// A call of the operator API whose answer is a container's output; what it has printed.
    pub(crate) fn call_for_output(&self, call: &Value) -> Result<String, RigError> {
        let request = format!("POST http://{}/api/v1", self.address());
        let answer = self.http.open_stream("/api/v1", call, &[])?;
        let failed = |detail: String| RigError::Http { request: request.clone(), detail };
        let (mut records, mut printed) = (Records::new(answer.into_body().into_reader()), String::new());
        while let Some(record) = records.next_record().map_err(|error| failed(error.to_string()))? {
            let event: Value = serde_json::from_slice(&record).map_err(|error| failed(error.to_string()))?;
            let data = event["data"]["data"].as_str().and_then(|text| STANDARD.decode(text).ok());
            printed.push_str(&String::from_utf8_lossy(&data.unwrap_or_default()));
        }
        Ok(printed)
    }

    /// Its process id, `None` when it was stopped.
    pub fn process_id(&self) -> Option<i32> {
        self.process.id()
    }

    /// Its temporary folder: log, modules JSON, and below `mesos` what Mesos keeps.
    pub fn folder(&self) -> &Path {
        self.process.folder()
    }

    /// Everything it has logged since it was first started.
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// Waits until the log holds `text`; returns the first line that does.
    ///
    /// # Errors
    /// [`RigError::Deadline`] when it does not within the time.
    pub fn wait_for_log(&self, text: &str, within: Duration) -> Result<String, RigError> {
        let what = format!("'{text}' in the log of {}", self.process.name());
        wait_for(&what, within, || {
            let log = self.log();
            Ok(match log.lines().find(|line| line.contains(text)) {
                Some(line) => Look::Here(line.to_owned()),
                None => Look::Missing(format!("{} lines hold no such text", log.lines().count())),
            })
        })
    }

    /// Stops it with SIGTERM, as an operator would. Containers go on until this value is dropped.
    ///
    /// # Errors
    /// When it is not running or has not stopped in ten seconds.
    pub fn terminate(&mut self) -> Result<ExitStatus, RigError> {
        self.process.terminate()
    }

    /// Stops it with SIGKILL, as a crash would. Containers go on until this value is dropped.
    ///
    /// # Errors
    /// When it is not running.
    pub fn kill(&mut self) -> Result<ExitStatus, RigError> {
        self.process.kill()
    }

    /// Waits until it ends by itself.
    ///
    /// # Errors
    /// [`RigError::Deadline`] when it still runs after that time.
    pub fn wait_for_end(&mut self, within: Duration) -> Result<ExitStatus, RigError> {
        let what = format!("{} to end by itself", self.process.name());
        wait_for(&what, within, || {
            Ok(self.process.has_ended()?.map_or_else(|| Look::Missing("it still runs".into()), Look::Here))
        })
    }

    fn stop_if_running(&mut self) -> Result<(), RigError> {
        if self.process.id().is_some() {
            self.process.terminate()?;
        }
        Ok(())
    }
}

impl Running<MasterProcess> {
    pub(crate) fn master(
        process: HostProcess,
        http: Http,
        ready_within: Duration,
        agents: usize,
    ) -> Result<Master, RigError> {
        let mut master = Running { process, http, ready_within, kind: MasterProcess { agents } };
        master.wait_until_ready()?;
        Ok(master)
    }

    /// The master's state page.
    ///
    /// # Errors
    /// As [`Http::get_json`].
    pub fn state(&self) -> Result<Value, RigError> {
        self.get_json("/state")
    }

    /// Waits until so many agents are registered and active.
    ///
    /// # Errors
    /// [`RigError::Deadline`] when there are not within the time.
    pub fn wait_for_agents(&self, agents: usize, within: Duration) -> Result<(), RigError> {
        wait_for(&format!("{agents} active agents"), within, || look_at_agents(&self.http, agents))
    }

    /// Starts it again on the same port and folder, after stopping it if it still runs, and waits until it
    /// leads. Agents in other processes are not waited for.
    ///
    /// # Errors
    /// As the first start.
    pub fn restart(&mut self) -> Result<(), RigError> {
        self.stop_if_running()?;
        self.process.spawn()?;
        self.wait_until_ready()
    }

    fn wait_until_ready(&mut self) -> Result<(), RigError> {
        let (http, agents) = (&self.http, self.kind.agents);
        self.process.wait_until_ready(self.ready_within, |_| look_at_agents(http, agents))
    }

    /// Sandbox of an executor's newest run on an agent of this process. A task without an executor of its own
    /// has one under the task's id.
    ///
    /// # Errors
    /// [`RigError::Io`] when no agent has such an executor.
    pub fn sandbox(&self, framework_id: &str, executor_id: &str) -> Result<PathBuf, RigError> {
        let agents = self.folder().join("mesos/agents");
        let works = folders_in(&agents).into_iter().map(|agent| agent.join("work"));
        find_sandbox(works, framework_id, executor_id)
    }
}

impl Running<AgentProcess> {
    pub(crate) fn agent(process: HostProcess, http: Http, ready_within: Duration) -> Result<Agent, RigError> {
        let mut agent = Running { process, http, ready_within, kind: AgentProcess(()) };
        agent.wait_until_ready()?;
        Ok(agent)
    }

    /// The agent's state page.
    ///
    /// # Errors
    /// As [`Http::get_json`].
    pub fn state(&self) -> Result<Value, RigError> {
        self.get_json("/slave(1)/state")
    }

    /// The id the master gave it.
    ///
    /// # Errors
    /// When the state page cannot be read.
    pub fn agent_id(&self) -> Result<String, RigError> {
        let state = self.state()?;
        state["id"].as_str().filter(|id| !id.is_empty()).map(str::to_owned).ok_or_else(|| {
            RigError::Protocol { what: "the agent's state page".into(), detail: "it holds no id".into() }
        })
    }

    /// Starts it again on the same port and folders, after stopping it if it still runs, and waits until it is
    /// registered again. It recovers its checkpointed containers.
    ///
    /// # Errors
    /// As the first start.
    pub fn restart(&mut self) -> Result<(), RigError> {
        self.stop_if_running()?;
        self.process.spawn()?;
        self.wait_until_ready()
    }

    /// Tells the agent where the master is, also after a restart on the same address: without this it looks
    /// again only after it has missed the master's pings.
    ///
    /// # Errors
    /// When the file that carries the address cannot be written.
    pub fn appoint(&self, master: &str) -> Result<(), RigError> {
        write_file(&self.folder().join("master"), master)?;
        self.process.signal(Signal::HUP);
        Ok(())
    }

    /// The agent's own folder (`--work_dir`): what it checkpoints, its volumes and its sandboxes.
    pub fn work_folder(&self) -> PathBuf {
        self.folder().join("mesos").join("work")
    }

    /// Sandbox of an executor's newest run. A task without an executor of its own has one under the task's id.
    ///
    /// # Errors
    /// [`RigError::Io`] when there is no such executor.
    pub fn sandbox(&self, framework_id: &str, executor_id: &str) -> Result<PathBuf, RigError> {
        find_sandbox([self.work_folder()], framework_id, executor_id)
    }

    /// The agent counts as ready when it knows its id and the master lists it as active: the agent's own metrics
    /// call it registered as soon as it has heard of a master.
    fn wait_until_ready(&mut self) -> Result<(), RigError> {
        let own = &self.http;
        let file = self.process.folder().join("master");
        let master = fs::read_to_string(&file).map_err(RigError::io("read", &file))?;
        let master = Http::new(master);
        self.process.wait_until_ready(self.ready_within, |_| {
            Ok(look_at_registration(own, &master).unwrap_or_else(|error| Look::Missing(error.to_string())))
        })
    }
}

fn look_at_registration(agent: &Http, master: &Http) -> Result<Look<()>, RigError> {
    let id = agent.get_json("/slave(1)/state")?["id"].clone();
    let listed = master.get_json("/slaves")?;
    let mut listed = listed["slaves"].as_array().into_iter().flatten();
    Ok(match listed.find(|entry| entry["id"] == id) {
        Some(entry) if entry["active"] == true => Look::Here(()),
        Some(_) => Look::Missing(format!("the master lists agent {id} as not active")),
        None => Look::Missing(format!("the master does not list an agent {id}")),
    })
}

/// The state page of a master that leads lists its agents; before that it answers with an error.
fn look_at_agents(http: &Http, agents: usize) -> Result<Look<()>, RigError> {
    Ok(match http.get_json("/state") {
        Ok(state) if state["elected_time"].is_null() => Look::Missing("it does not lead yet".into()),
        Ok(state) if state["activated_slaves"].as_f64() == count(agents) => Look::Here(()),
        Ok(state) => Look::Missing(format!("{} of {agents} agents are active", state["activated_slaves"])),
        Err(error) => Look::Missing(error.to_string()),
    })
}

fn count(agents: usize) -> Option<f64> {
    u32::try_from(agents).ok().map(f64::from)
}

fn find_sandbox(
    works: impl IntoIterator<Item = PathBuf>,
    framework_id: &str,
    executor_id: &str,
) -> Result<PathBuf, RigError> {
    let inside: PathBuf =
        ["frameworks", framework_id, "executors", executor_id, "runs", "latest"].iter().collect();
    let mut looked = PathBuf::from("slaves/*").join(&inside);
    for work in works {
        for agent in folders_in(&work.join("slaves")) {
            let sandbox = agent.join(&inside);
            if sandbox.is_dir() {
                return sandbox.canonicalize().map_err(RigError::io("resolve", &sandbox));
            }
        }
        looked = work.join("slaves/*").join(&inside);
    }
    let source = std::io::Error::from(std::io::ErrorKind::NotFound);
    Err(RigError::Io { action: "find the sandbox", path: looked, source })
}

/// Folders in a folder, in the order of their names; none when it does not exist.
fn folders_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    found.sort();
    found
}
