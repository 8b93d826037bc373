//! A master, an agent with the isolator, and a framework, for one scene.

use std::fs;
use std::path::{Path, PathBuf};

use apportion_rig::{Agent, AgentBuilder, Framework, FrameworkSpec, Master, TaskSpec, TaskState};
use serde_json::Value;
use tempfile::TempDir;

use super::groups::{clear, remove_when_empty};
use super::{Groups, WITHIN, wait_until};
use crate::{ISOLATOR_FOR_LIMITS, list, master, modules_named, rig};

/// How an agent is to be started.
#[derive(Debug)]
pub struct Setup {
    name: String,
    groups: String,
    limits: String,
    /// Where groups are made: `own`, or a path.
    base: String,
    launcher: &'static str,
}

impl Setup {
    /// An agent with groups of its own, named after a scene.
    pub fn new(scene: &str) -> Setup {
        Setup {
            name: format!("apportion-{scene}-{}", std::process::id()),
            groups: String::new(),
            limits: String::new(),
            base: "own".to_owned(),
            launcher: "posix",
        }
    }

    /// Lines for the configuration's table `isolator.limits`.
    #[must_use]
    pub fn limits(mut self, lines: &str) -> Setup {
        lines.clone_into(&mut self.limits);
        self
    }

    /// Lines for the configuration's table `isolator.cgroups`, besides the name.
    #[must_use]
    pub fn groups(mut self, lines: &str) -> Setup {
        lines.clone_into(&mut self.groups);
        self
    }

    /// Groups below this one, as a path from the top, instead of the agent's own.
    #[must_use]
    pub fn below(mut self, path: &str) -> Setup {
        path.clone_into(&mut self.base);
        self
    }

    /// Mesos' linux launcher, which needs v1, instead of the posix one.
    #[must_use]
    pub fn linux_launcher(mut self) -> Setup {
        self.launcher = "linux";
        self
    }

    /// Name of the linux launcher's own groups.
    fn launchers_name(&self) -> String {
        format!("{}-launcher", self.name)
    }

    /// Name of the folder for all containers.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The configuration, in a file in a folder that lives as long as its guard.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn write_configuration(&self) -> (TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("apportion.toml");
        let text = format!(
            "[isolator.cgroups]\nname = \"{}\"\nbelow = \"{}\"\n{}\n[isolator.limits]\n{}\n",
            self.name, self.base, self.groups, self.limits
        );
        fs::write(&file, text).expect("a configuration");
        (folder, file)
    }

    /// An agent that reads this configuration, and has the isolator alone.
    ///
    /// # Panics
    /// When the library is missing.
    pub fn agent(&self, master: &str, configuration: &Path) -> AgentBuilder<'static> {
        let path = configuration.to_str().expect("a path that is text");
        rig()
            .agent(master)
            .modules(modules_named(&[ISOLATOR_FOR_LIMITS], &[("config", path)]))
            .isolation(ISOLATOR_FOR_LIMITS)
            .flag("launcher", self.launcher)
            .flag("cgroups_root", &self.launchers_name())
            // Without an executor that comes back the agent waits in vain for as long as this.
            .flag("executor_reregistration_timeout", "10secs")
            .ready_within(WITHIN)
    }

    /// Starts master and agent, and subscribes a framework.
    ///
    /// # Panics
    /// When one of them does not start.
    pub fn start(self) -> Stage {
        let groups = match self.base.as_str() {
            "own" => Groups::here(&self.name),
            path => Groups::below(&self.name, path),
        };
        let launchers = Path::new("/sys/fs/cgroup/freezer").join(self.launchers_name());
        let (configuration, file) = self.write_configuration();
        let master = master(&[]).ready_within(WITHIN).start().unwrap_or_else(|error| panic!("{error}"));
        let agent = self.agent(master.address(), &file).start().unwrap_or_else(|error| panic!("{error}"));
        let spec = FrameworkSpec::new("scene").checkpoint(true);
        let framework = Framework::subscribe(master.address(), spec).expect("a subscription");
        Stage {
            framework: Some(framework),
            agent,
            groups,
            launchers,
            _master: master,
            _configuration: configuration,
            ended: false,
        }
    }
}

/// What a scene is played on.
#[derive(Debug)]
pub struct Stage {
    framework: Option<Framework>,
    /// The agent.
    pub agent: Agent,
    /// The groups of its containers.
    pub groups: Groups,
    /// The linux launcher's own groups, if it has any.
    launchers: PathBuf,
    _master: Master,
    _configuration: TempDir,
    ended: bool,
}

impl Stage {
    /// The framework.
    ///
    /// # Panics
    /// After the end of the scene.
    pub fn framework(&mut self) -> &mut Framework {
        self.framework.as_mut().expect("a framework until the end")
    }

    /// Launches tasks on the next offer.
    ///
    /// # Panics
    /// When there is no offer, or the master refuses them.
    pub fn launch(&mut self, tasks: &[TaskSpec]) {
        let framework = self.framework();
        let offer = framework.next_offers(WITHIN).expect("an offer").remove(0);
        framework.launch(&offer, tasks, Some(0.0)).expect("an accepted offer");
    }

    /// Launches tasks and waits until all of them run.
    ///
    /// # Panics
    /// When one does not run.
    pub fn run(&mut self, tasks: &[(&str, TaskSpec)]) {
        let specs: Vec<TaskSpec> = tasks.iter().map(|(_, spec)| spec.clone()).collect();
        self.launch(&specs);
        for (id, _) in tasks {
            let running = self.framework().wait_status(id, TaskState::Running, WITHIN);
            running.unwrap_or_else(|error| panic!("{error}"));
        }
    }

    /// Launches a task and waits until it runs; the id of its container.
    ///
    /// # Panics
    /// When it does not run.
    pub fn run_one(&mut self, id: &str, task: TaskSpec) -> String {
        self.run(&[(id, task)]);
        self.container(id)
    }

    /// Whether a task has ended.
    pub fn has_ended(&mut self, task: &str) -> bool {
        self.framework().statuses(task).iter().any(|status| status.state.is_terminal())
    }

    /// The container of an executor. A task without an executor of its own has one under the task's id.
    ///
    /// # Panics
    /// When it has none for too long.
    pub fn container(&self, executor: &str) -> String {
        wait_until(&format!("a container of executor {executor}"), || {
            let page = self.agent.get_json("/containers").map_err(|error| error.to_string())?;
            let found = list(&page).iter().find(|entry| entry["executor_id"] == executor);
            let id = found.and_then(|entry| entry["container_id"].as_str()).map(str::to_owned);
            id.ok_or_else(|| page.to_string())
        })
    }

    /// What an agent's page says about an executor's container: `/containers`, or `/monitor/statistics`.
    ///
    /// # Panics
    /// When it says nothing for too long.
    pub fn entry(&self, page: &str, executor: &str) -> Value {
        wait_until(&format!("executor {executor} on {page}"), || {
            let entries = self.agent.get_json(page).map_err(|error| error.to_string())?;
            let found = list(&entries).iter().find(|entry| entry["executor_id"] == executor);
            found.cloned().ok_or_else(|| entries.to_string())
        })
    }

    /// The sandbox of an executor's container.
    ///
    /// # Panics
    /// When it has none.
    pub fn sandbox(&self, executor: &str) -> PathBuf {
        let framework = self.framework.as_ref().expect("a framework until the end");
        self.agent.sandbox(framework.id(), executor).expect("a sandbox")
    }

    /// Waits until a container has no group any more.
    ///
    /// # Panics
    /// When it has one for too long.
    pub fn wait_until_gone(&self, chain: &[&str]) {
        wait_until(&format!("the end of container {chain:?}"), || match self.groups.exists(chain) {
            Ok(false) => Ok(()),
            Ok(true) => Err(format!("a group with processes {:?}", self.groups.processes(chain))),
            Err(there) => Err(there),
        });
    }

    /// Ends the framework and the agent. Nothing may be left of their containers.
    ///
    /// # Panics
    /// When something is.
    pub fn end(mut self) {
        if let Some(framework) = self.framework.take() {
            framework.teardown().expect("the end of the framework");
        }
        wait_until("the end of all containers", || {
            let page = self.agent.get_json("/containers").map_err(|error| error.to_string())?;
            let left = self.groups.left();
            if list(&page).is_empty() && left.is_empty() {
                Ok(())
            } else {
                Err(format!("{page} and {left:?}"))
            }
        });
        self.agent.terminate().expect("the end of the agent");
        let removed = self.groups.remove_parent().and_then(|()| remove_when_empty(&self.launchers));
        removed.unwrap_or_else(|error| panic!("{error}"));
        self.ended = true;
    }
}

impl Drop for Stage {
    /// A scene that has failed leaves nothing to others either.
    fn drop(&mut self) {
        if !self.ended {
            // What the groups hold is to be ended at once, not by an agent that is stopped.
            let _ = self.agent.kill();
            self.groups.clear();
            clear(&self.launchers);
        }
    }
}
