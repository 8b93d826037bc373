//! Hook modules as the host's own hook manager calls them: made from a modules JSON, asked one after the other.
//!
//! Ours is the finished library; a second one, in a library of its own, tells what it is given and answers what a test
//! wants. Both it and what makes the calls are in the folder `hook_manager`.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use apportion_rig::{Rig, Variant};
use serde_json::{Value, json};

use crate::message::{Message, id};
use crate::{Answer, compile, folder, library_for, rig, source};

const OURS: &str = "org_apportion_Hook";
const OTHER: &str = "org_apportion_test_OtherHook";

/// A compiled caller of the hook manager, with the libraries of both modules.
#[derive(Debug)]
pub struct HookManager {
    rig: Rig,
    variant: Variant,
    module: PathBuf,
    folder: PathBuf,
}

impl HookManager {
    /// The caller for a variant of the launcher, compiled once for all tests of a program.
    ///
    /// # Panics
    /// When something is missing; the text says what, and how to mend it.
    #[must_use]
    pub fn of(variant: Variant) -> &'static HookManager {
        static PLAIN: OnceLock<HookManager> = OnceLock::new();
        static SANITIZED: OnceLock<HookManager> = OnceLock::new();
        match variant {
            Variant::Plain => PLAIN.get_or_init(|| HookManager::build(variant)),
            Variant::Sanitized => SANITIZED.get_or_init(|| HookManager::build(variant)),
        }
    }

    fn build(variant: Variant) -> HookManager {
        let (module, folder) = (library_for(variant), folder("hook-manager", variant));
        let manager = HookManager { rig: rig(), variant, module, folder };
        compile(&manager.rig, &[source("hook_manager/calls.cpp")], variant, &manager.caller());
        compile(&manager.rig, &[source("hook_manager/other_hook.cpp")], variant, &manager.other_hook());
        manager
    }

    /// Ours alone, with a configuration.
    #[must_use]
    pub fn ours(&'static self, config: &str) -> Hooks {
        Hooks { manager: self, config: config.to_owned(), names: vec![OURS], reactions: Vec::new() }
    }

    fn caller(&self) -> PathBuf {
        self.folder.join("calls.so")
    }

    fn other_hook(&self) -> PathBuf {
        self.folder.join("other-hook.so")
    }
}

/// One call of the hook manager.
#[derive(Debug, Clone)]
pub struct Call {
    method: &'static str,
    arguments: Vec<Option<Vec<u8>>>,
}

/// What the hook manager is told of a Docker container, beside its task and executor.
#[derive(Debug, Clone, Copy, Default)]
pub struct DockerLaunch<'a> {
    /// Name of the container.
    pub container: &'a str,
    /// Sandbox on the host.
    pub sandbox: &'a str,
    /// Sandbox in the container.
    pub mapped_sandbox: &'a str,
    /// Variables that the host gives the executor, if it gives any.
    pub environment: Option<&'a [(&'a str, &'a str)]>,
}

impl Call {
    /// `masterLaunchTaskLabelDecorator`.
    #[must_use]
    pub fn master_labels(task: &Message, framework: &Message, agent: &Message) -> Call {
        Call::of("masterLaunchTaskLabelDecorator", &[task, framework, agent])
    }

    /// `masterLaunchTaskResourceDecorator`; the resources of the agent are those of its message.
    #[must_use]
    pub fn master_resources(task: &Message, agent: &Message) -> Call {
        Call::of("masterLaunchTaskResourceDecorator", &[task, agent])
    }

    /// `slaveRunTaskLabelDecorator`.
    #[must_use]
    pub fn agent_labels(task: &Message, executor: &Message, framework: &Message, agent: &Message) -> Call {
        Call::of("slaveRunTaskLabelDecorator", &[task, executor, framework, agent])
    }

    /// `slaveExecutorEnvironmentDecorator`.
    #[must_use]
    pub fn executor_environment(executor: &Message) -> Call {
        Call::of("slaveExecutorEnvironmentDecorator", &[executor])
    }

    /// `slavePreLaunchDockerTaskExecutorDecorator`; the answer is a `DockerTaskExecutorPrepareInfo`.
    #[must_use]
    pub fn docker(task: Option<&Message>, executor: &Message, launch: DockerLaunch<'_>) -> Call {
        let lines = |variables: &[(&str, &str)]| {
            let lines: Vec<String> =
                variables.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
            lines.concat().into_bytes()
        };
        let text = |text: &str| Some(text.as_bytes().to_vec());
        Call {
            method: "slavePreLaunchDockerTaskExecutorDecorator",
            arguments: vec![
                task.map(|task| task.0.clone()),
                Some(executor.0.clone()),
                text(launch.container),
                text(launch.sandbox),
                text(launch.mapped_sandbox),
                launch.environment.map(lines),
            ],
        }
    }

    /// `slaveTaskStatusDecorator`.
    #[must_use]
    pub fn status(framework_id: &str, status: &Message) -> Call {
        Call::of("slaveTaskStatusDecorator", &[&Message(framework_id.into()), status])
    }

    /// `slaveResourcesDecorator`; the answer is a list in field 1.
    #[must_use]
    pub fn agent_resources(agent: &Message) -> Call {
        Call::of("slaveResourcesDecorator", &[agent])
    }

    /// `slaveAttributesDecorator`; the answer is a list in field 1.
    #[must_use]
    pub fn agent_attributes(agent: &Message) -> Call {
        Call::of("slaveAttributesDecorator", &[agent])
    }

    /// `masterSlaveLostHook`; the answer is empty, as with the other events.
    #[must_use]
    pub fn agent_lost(agent: &Message) -> Call {
        Call::of("masterSlaveLostHook", &[agent])
    }

    /// `slavePostFetchHook`.
    #[must_use]
    pub fn post_fetch(container: &str, sandbox: &str) -> Call {
        Call::of("slavePostFetchHook", &[&id(container), &Message(sandbox.into())])
    }

    /// `slaveRemoveExecutorHook`.
    #[must_use]
    pub fn executor_removed(framework: &Message, executor: &Message) -> Call {
        Call::of("slaveRemoveExecutorHook", &[framework, executor])
    }

    /// No call of the hook manager: waits until a file has so many lines.
    #[must_use]
    pub fn await_lines(file: &Path, lines: usize) -> Call {
        let file = Message(file.as_os_str().as_encoded_bytes().to_vec());
        Call::of("awaitLines", &[&file, &Message(lines.to_string().into_bytes())])
    }

    /// The method's name in Mesos.
    #[must_use]
    pub fn method(&self) -> &'static str {
        self.method
    }

    fn of(method: &'static str, arguments: &[&Message]) -> Call {
        Call { method, arguments: arguments.iter().map(|message| Some(message.0.clone())).collect() }
    }

    /// A line for the driver.
    fn line(&self) -> String {
        let word =
            |argument: &Option<Vec<u8>>| argument.as_ref().map_or_else(|| "-".to_owned(), |bytes| hex(bytes));
        let words: Vec<String> = self.arguments.iter().map(word).collect();
        format!("{} {}\n", self.method, words.join(" "))
    }
}

/// What the other hook does in a method.
#[derive(Debug, Clone)]
pub enum Reaction {
    /// Answers with a message. Resources and attributes are those of a TaskInfo or SlaveInfo.
    Answers(Message),
    /// Gives an error.
    Fails,
}

/// Hook modules in the order in which the host asks them.
#[derive(Debug, Clone)]
pub struct Hooks {
    manager: &'static HookManager,
    config: String,
    names: Vec<&'static str>,
    reactions: Vec<(&'static str, Reaction)>,
}

impl Hooks {
    /// The other hook, asked before ours. It changes nothing in methods that are not named.
    #[must_use]
    pub fn after_other(mut self, reactions: &[(&'static str, Reaction)]) -> Hooks {
        self.names = vec![OTHER, OURS];
        self.reactions = reactions.to_vec();
        self
    }

    /// The other hook, asked after ours.
    #[must_use]
    pub fn before_other(mut self, reactions: &[(&'static str, Reaction)]) -> Hooks {
        self.names = vec![OURS, OTHER];
        self.reactions = reactions.to_vec();
        self
    }

    /// Calls the hook manager in a process of its own.
    ///
    /// # Panics
    /// When a module is not made, or the process does not go through.
    #[must_use]
    pub fn call(&self, calls: &[Call]) -> Outcome {
        static RUNS: AtomicUsize = AtomicUsize::new(0);
        let run = RUNS.fetch_add(1, Ordering::Relaxed);
        let folder = self.manager.folder.join(format!("run-{}-{run}", std::process::id()));
        let outcome = self.call_in(&folder, calls);
        // Kept when something is wrong, to be looked at.
        std::fs::remove_dir_all(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        outcome
    }

    fn call_in(&self, folder: &Path, calls: &[Call]) -> Outcome {
        let modules = folder.join("modules");
        std::fs::create_dir_all(&modules).unwrap_or_else(|error| panic!("{}: {error}", modules.display()));
        write(folder.join("apportion.toml"), &self.config);
        write(modules.join("modules.json"), &self.modules_json(folder).to_string());
        let lines: Vec<String> = calls.iter().map(Call::line).collect();
        let script = write(folder.join("calls"), &lines.concat());
        let names = self.names.join(",");
        let mut command = self
            .manager
            .rig
            .command_loading(self.manager.variant, &self.manager.caller(), None)
            .unwrap_or_else(|error| panic!("{error}"));
        command.args([modules.as_os_str(), OsStr::new(&names), script.as_os_str()]);
        let process = Answer::of(&mut command);
        assert!(process.went_well(), "{}", process.text());
        let outcome = Outcome::read(process);
        assert_eq!(outcome.answers.len(), calls.len(), "{}", outcome.process.text());
        outcome
    }

    fn modules_json(&self, folder: &Path) -> Value {
        let parameter = |key: &str, value: &str| json!({ "key": key, "value": value });
        let reactions = self.reactions.iter().map(|(method, reaction)| match reaction {
            Reaction::Answers(message) => parameter(method, &hex(&message.0)),
            Reaction::Fails => parameter(method, "error"),
        });
        let config = folder.join("apportion.toml");
        json!({ "libraries": [
            {
                "file": self.manager.module.to_string_lossy(),
                "modules": [{ "name": OURS, "parameters": [parameter("config", &config.to_string_lossy())] }],
            },
            {
                "file": self.manager.other_hook().to_string_lossy(),
                "modules": [{ "name": OTHER, "parameters": reactions.collect::<Vec<_>>() }],
            },
        ]})
    }
}

/// What came of calls.
#[derive(Debug)]
pub struct Outcome {
    /// What the hook manager answered, in the order of the calls; a text if it failed.
    pub answers: Vec<Result<Message, String>>,
    /// What the other hook was given: method and arguments.
    pub seen: Vec<(String, Vec<Message>)>,
    process: Answer,
}

impl Outcome {
    fn read(process: Answer) -> Outcome {
        let text = process.text();
        let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<String>>();
        let answers = text.lines().filter_map(|line| line.strip_prefix("answer "));
        let seen = text.lines().filter_map(|line| line.strip_prefix("seen ")).map(words);
        Outcome {
            answers: answers
                .map(|answer| match answer.strip_prefix("failed ") {
                    Some(reason) => Err(reason.to_owned()),
                    None => Ok(from_hex(answer)),
                })
                .collect(),
            seen: seen
                .map(|words| (words[0].clone(), words[1..].iter().map(|word| from_hex(word)).collect()))
                .collect(),
            process,
        }
    }

    /// The messages that were answered.
    ///
    /// # Panics
    /// When the hook manager failed.
    #[must_use]
    pub fn messages(&self) -> Vec<Message> {
        self.answers
            .iter()
            .cloned()
            .map(|answer| answer.unwrap_or_else(|reason| panic!("{reason}")))
            .collect()
    }

    /// The only answer.
    ///
    /// # Panics
    /// When there is none, or more than one.
    #[must_use]
    pub fn message(&self) -> Message {
        let messages = self.messages();
        assert_eq!(messages.len(), 1, "{messages:?}");
        messages[0].clone()
    }

    /// Warnings and errors in the host's log; not the one that says that this process listens on a loopback interface.
    #[must_use]
    pub fn complaints(&self) -> Vec<String> {
        let is_complaint = |line: &&str| matches!(line.as_bytes(), [b'W' | b'E' | b'F', digit, ..] if digit.is_ascii_digit());
        let is_ours = |line: &&str| !line.contains("loopback interface");
        self.process.text().lines().filter(is_complaint).filter(is_ours).map(str::to_owned).collect()
    }

    /// All that the process printed.
    #[must_use]
    pub fn text(&self) -> String {
        self.process.text()
    }
}

fn write(path: PathBuf, text: &str) -> PathBuf {
    std::fs::write(&path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    path
}

/// An argument or answer for the driver: `=` and the bytes.
fn hex(bytes: &[u8]) -> String {
    let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("={}", digits.concat())
}

fn from_hex(word: &str) -> Message {
    let digits = word.strip_prefix('=').unwrap_or_else(|| panic!("no bytes: {word}"));
    let byte = |at: usize| {
        let pair = digits.get(at..at + 2).unwrap_or_default();
        u8::from_str_radix(pair, 16).unwrap_or_else(|error| panic!("{word}: {error}"))
    };
    Message((0..digits.len()).step_by(2).map(byte).collect())
}
