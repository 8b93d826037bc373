//! What the agent tells an executor through its environment and arguments.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

/// The text of `--help`.
pub const USAGE: &str = "\
Executor for tests and the demo, over Mesos' v1 HTTP executor API.

An agent starts it: as custom executor of a task, or under the name mesos-executor for tasks that have only
a command. It is not started by hand.

options:
  --stay                       Stay when all tasks have ended, until the agent shuts it down.
  --task_environment=JSON      Variables for the task (an Environment message); given by the agent.
  --task_command=JSON          Another command for the task (a CommandInfo message); given by isolators.
  --help                       This text.
Other options, which agents give to their command executor, are passed over.
";

/// Mesos' defaults for executors.
const RECOVERY_TIMEOUT: Duration = Duration::from_secs(15 * 60);
const SHUTDOWN_GRACE: Duration = Duration::from_secs(5);

/// Why the executor cannot work.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExecutorError {
    /// A variable that every agent sets is missing or unusable.
    #[error("variable {name}: found {found}, expected {expected}; this program is started by a Mesos agent")]
    Variable {
        /// The variable.
        name: &'static str,
        /// What it holds.
        found: String,
        /// What it should hold.
        expected: &'static str,
    },
    /// The command that is to run instead of the task's is no JSON.
    #[error("--task_command: found {found}, expected a CommandInfo message as JSON: {detail}")]
    TaskCommand {
        /// What the agent gave.
        found: String,
        /// What is wrong with it.
        detail: String,
    },
    /// The agent cannot be reached, or refuses the executor.
    #[error("the agent does not take this executor: {detail}")]
    AgentGone {
        /// What the last attempt said.
        detail: String,
    },
}

/// Everything an executor is told at its start.
#[derive(Debug, Clone)]
pub struct Surroundings {
    pub(super) agent_address: String,
    pub(super) agent_path: String,
    pub(super) framework_id: String,
    pub(super) executor_id: String,
    pub(super) token: Option<String>,
    pub(super) checkpoint: bool,
    pub(super) recovery_timeout: Duration,
    pub(super) shutdown_grace: Duration,
    pub(super) stay: bool,
    pub(super) sandbox: PathBuf,
    pub(super) task_environment: Vec<(String, String)>,
    /// Runs instead of the task's own command.
    pub(super) task_command: Option<Value>,
}

impl Surroundings {
    /// Reads the agent's variables (`MESOS_SLAVE_PID`, `MESOS_FRAMEWORK_ID` and so on) and the arguments.
    ///
    /// # Errors
    /// When a variable that every agent sets is missing or unusable.
    pub fn read(
        variables: impl IntoIterator<Item = (OsString, OsString)>,
        arguments: impl IntoIterator<Item = OsString>,
    ) -> Result<Surroundings, ExecutorError> {
        let variables: HashMap<String, String> = variables
            .into_iter()
            .map(|(name, value)| (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()))
            .collect();
        let required = |name: &'static str, expected: &'static str| {
            variables.get(name).filter(|value| !value.is_empty()).cloned().ok_or(ExecutorError::Variable {
                name,
                found: "nothing".into(),
                expected,
            })
        };
        let pid = required("MESOS_SLAVE_PID", "ID@HOST:PORT")?;
        let (agent, address) = pid.split_once('@').ok_or_else(|| ExecutorError::Variable {
            name: "MESOS_SLAVE_PID",
            found: pid.clone(),
            expected: "ID@HOST:PORT",
        })?;
        let time = |name: &str, default| {
            variables.get(name).and_then(|text| parse_duration(text)).unwrap_or(default)
        };
        let mut surroundings = Surroundings {
            agent_address: address.to_owned(),
            agent_path: format!("/{agent}/api/v1/executor"),
            framework_id: required("MESOS_FRAMEWORK_ID", "the framework's id")?,
            executor_id: required("MESOS_EXECUTOR_ID", "the executor's id")?,
            token: variables.get("MESOS_EXECUTOR_AUTHENTICATION_TOKEN").cloned(),
            checkpoint: variables.get("MESOS_CHECKPOINT").is_some_and(|value| value == "1"),
            recovery_timeout: time("MESOS_RECOVERY_TIMEOUT", RECOVERY_TIMEOUT),
            shutdown_grace: time("MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD", SHUTDOWN_GRACE),
            stay: false,
            sandbox: variables.get("MESOS_SANDBOX").map_or_else(|| PathBuf::from("."), PathBuf::from),
            task_environment: Vec::new(),
            task_command: None,
        };
        for argument in arguments {
            let argument = argument.to_string_lossy();
            if argument == "--stay" {
                surroundings.stay = true;
            } else if let Some(json) = argument.strip_prefix("--task_environment=") {
                let environment = serde_json::from_str::<Value>(json).unwrap_or_default();
                surroundings.task_environment = variables_of(&environment);
            } else if let Some(json) = argument.strip_prefix("--task_command=") {
                let command = serde_json::from_str(json).map_err(|error| ExecutorError::TaskCommand {
                    found: json.to_owned(),
                    detail: error.to_string(),
                })?;
                surroundings.task_command = Some(command);
            }
        }
        Ok(surroundings)
    }
}

/// Names and values of an `Environment` message. Secrets are left out.
pub(super) fn variables_of(environment: &Value) -> Vec<(String, String)> {
    let variables = environment["variables"].as_array().into_iter().flatten();
    let text = |value: &Value| value.as_str().map(str::to_owned);
    variables.filter_map(|variable| Some((text(&variable["name"])?, text(&variable["value"])?))).collect()
}

/// A duration as Mesos prints it: a number and a unit, as `15mins`. `None` for anything else.
fn parse_duration(text: &str) -> Option<Duration> {
    let unit_start = text.find(|character: char| character.is_ascii_alphabetic())?;
    let (number, unit) = text.split_at(unit_start);
    let seconds = match unit {
        "ns" => 1e-9,
        "us" => 1e-6,
        "ms" => 1e-3,
        "secs" => 1.0,
        "mins" => 60.0,
        "hrs" => 3_600.0,
        "days" => 86_400.0,
        "weeks" => 604_800.0,
        _ => return None,
    };
    Duration::try_from_secs_f64(number.parse::<f64>().ok()? * seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMPLETE: [(&str, &str); 4] = [
        ("MESOS_SLAVE_PID", "slave(2)@127.0.0.1:5051"),
        ("MESOS_FRAMEWORK_ID", "f"),
        ("MESOS_EXECUTOR_ID", "e"),
        ("MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD", "250ms"),
    ];

    fn read(variables: &[(&str, &str)], arguments: &[&str]) -> Result<Surroundings, ExecutorError> {
        let variables = variables.iter().map(|(name, value)| (name.into(), value.into()));
        Surroundings::read(variables, arguments.iter().map(OsString::from))
    }

    #[test]
    fn agents_process_id_gives_address_and_path() {
        let read = read(&COMPLETE, &[]).unwrap();
        assert_eq!(read.agent_address, "127.0.0.1:5051");
        assert_eq!(read.agent_path, "/slave(2)/api/v1/executor");
        assert_eq!(read.shutdown_grace, Duration::from_millis(250));
        assert!(!read.checkpoint && !read.stay);
    }

    #[test]
    fn missing_variable_is_named() {
        for (index, (name, _)) in COMPLETE.iter().enumerate().take(3) {
            let mut variables = COMPLETE.to_vec();
            variables.remove(index);
            let error = read(&variables, &[]).expect_err("a variable is missing").to_string();
            assert!(error.contains(name) && error.contains("Mesos agent"), "{error}");
        }
    }

    #[test]
    fn process_id_without_address_is_refused() {
        let mut variables = COMPLETE.to_vec();
        variables[0].1 = "slave(2)";
        assert!(read(&variables, &[]).unwrap_err().to_string().contains("ID@HOST:PORT"));
    }

    #[test]
    fn task_environment_is_read_and_other_options_are_passed_over() {
        let argument = r#"--task_environment={"variables":[{"name":"A","value":"1"},{"name":"S"}]}"#;
        let read = read(&COMPLETE, &["--launcher_dir=/x", argument, "--stay"]).unwrap();
        assert_eq!(read.task_environment, [("A".to_owned(), "1".to_owned())]);
        assert!(read.stay);
    }

    #[test]
    fn other_command_is_read_or_refused() {
        let other = read(&COMPLETE, &[r#"--task_command={"shell":true,"value":"a"}"#]).unwrap();
        assert_eq!(other.task_command.unwrap()["value"], "a");
        assert!(read(&COMPLETE, &[]).unwrap().task_command.is_none());
        let error = read(&COMPLETE, &["--task_command={"]).unwrap_err().to_string();
        assert!(error.starts_with("--task_command: found {, expected"), "{error}");
    }

    #[test]
    fn durations_are_read_as_mesos_prints_them() {
        assert_eq!(parse_duration("15mins"), Some(RECOVERY_TIMEOUT));
        assert_eq!(parse_duration("1.5secs"), Some(Duration::from_millis(1500)));
        for wrong in ["", "15", "mins", "-1secs", "1fortnight", "infsecs"] {
            assert_eq!(parse_duration(wrong), None, "{wrong}");
        }
    }
}
