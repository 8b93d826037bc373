//! Containers that are launched through an agent's API, without a framework: nested in another one, or standing alone.

use serde_json::{Value, json};

use crate::error::RigError;
use crate::framework::{limits_json, scalar};
use crate::running::Agent;

/// A container id as JSON, from the outermost container inwards; null for none.
pub fn container_id(chain: &[&str]) -> Value {
    chain.iter().fold(Value::Null, |parent, value| {
        let mut id = json!({"value": value});
        if parent.is_object() {
            id["parent"] = parent;
        }
        id
    })
}

/// A container to be launched (`LAUNCH_CONTAINER`).
#[derive(Debug, Clone)]
pub struct ContainerSpec {
    id: Value,
    command: Value,
    resources: Vec<Value>,
    limits: Vec<(String, f64)>,
    container: Value,
}

impl ContainerSpec {
    /// A container that runs a shell command. It is nested in the containers that stand before it in `chain`, which is
    /// not empty.
    pub fn new(chain: &[&str], command: &str) -> ContainerSpec {
        ContainerSpec {
            id: container_id(chain),
            command: json!({"shell": true, "value": command}),
            resources: Vec::new(),
            limits: Vec::new(),
            container: json!({"type": "MESOS"}),
        }
    }

    /// Cpus.
    #[must_use]
    pub fn cpus(mut self, amount: f64) -> Self {
        self.resources.push(scalar("cpus", amount));
        self
    }

    /// Memory in MB.
    #[must_use]
    pub fn mem_mb(mut self, amount: f64) -> Self {
        self.resources.push(scalar("mem", amount));
        self
    }

    /// How many CPUs it may take at most, above its request; infinite for no limit.
    #[must_use]
    pub fn cpus_limit(mut self, amount: f64) -> Self {
        self.limits.push(("cpus".to_owned(), amount));
        self
    }

    /// How much memory in MB it may take at most, above its request; infinite for no limit.
    #[must_use]
    pub fn mem_limit_mb(mut self, amount: f64) -> Self {
        self.limits.push(("mem".to_owned(), amount));
        self
    }

    /// Whether a nested container lives on its parent's control groups. Mesos' default is that it does.
    #[must_use]
    pub fn share_cgroups(mut self, share: bool) -> Self {
        self.container["linux_info"]["share_cgroups"] = json!(share);
        self
    }

    fn call(&self) -> Value {
        let mut launch = json!({
            "container_id": self.id,
            "command": self.command,
            "resources": self.resources,
            "container": self.container,
        });
        if !self.limits.is_empty() {
            launch["limits"] = limits_json(&self.limits);
        }
        json!({"type": "LAUNCH_CONTAINER", "launch_container": launch})
    }
}

impl Agent {
    /// Launches a container. It runs when this returns, or will very soon.
    ///
    /// # Errors
    /// When the agent refuses it, or it cannot be launched; the agent's reason is in the error.
    pub fn launch_container(&self, container: &ContainerSpec) -> Result<(), RigError> {
        self.call(&container.call()).map(drop)
    }

    /// Waits for the end of a launched container: its `exit_status` as `wait` has it, and a reason and message if it was
    /// ended.
    ///
    /// # Errors
    /// When there is no such container, or it has not ended in half a minute.
    pub fn wait_for_container(&self, chain: &[&str]) -> Result<Value, RigError> {
        let wait = json!({"container_id": container_id(chain)});
        let answer = self.call(&json!({"type": "WAIT_CONTAINER", "wait_container": wait}))?;
        Ok(answer["wait_container"].clone())
    }

    /// Kills a launched container.
    ///
    /// # Errors
    /// When there is no such container.
    pub fn kill_container(&self, chain: &[&str]) -> Result<(), RigError> {
        let kill = json!({"container_id": container_id(chain)});
        self.call(&json!({"type": "KILL_CONTAINER", "kill_container": kill})).map(drop)
    }

    /// Opens a debug session in an executor's container, or in one that is nested in it
    /// (`LAUNCH_NESTED_CONTAINER_SESSION`), and waits until its command has ended; what it has printed.
    ///
    /// # Errors
    /// When the agent refuses it, or it has not ended in half a minute.
    pub fn debug_container(&self, chain: &[&str], command: &str) -> Result<String, RigError> {
        let session = json!({
            "container_id": container_id(chain),
            "command": {"shell": true, "value": command},
            "container": {"type": "MESOS"},
        });
        self.call_for_output(
            &json!({"type": "LAUNCH_NESTED_CONTAINER_SESSION", "launch_nested_container_session": session}),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_containers_id_holds_its_parents() {
        assert_eq!(container_id(&["pod", "task"]), json!({"value": "task", "parent": {"value": "pod"}}));
    }

    #[test]
    fn endless_limit_is_a_text() {
        let call = ContainerSpec::new(&["a"], "true").cpus_limit(f64::INFINITY).mem_limit_mb(64.0).call();
        let limits = &call["launch_container"]["limits"];
        assert_eq!(limits, &json!({"cpus": {"value": "Infinity"}, "mem": {"value": 64.0}}));
    }
}
