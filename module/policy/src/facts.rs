//! What a template may name: facts about a framework, task, executor, agent and container.
//!
//! The host's text is bytes and not always UTF-8, so it is converted on the way in: [`text`] replaces what is not
//! UTF-8 by U+FFFD. `None` means "not known here"; a template that needs it faults unless it names a default.

use std::collections::BTreeMap;

use serde::Serialize;

/// The host's bytes as text; what is not UTF-8 becomes U+FFFD.
///
/// ```
/// assert_eq!(apportion_policy::text(b"rack-\xff"), "rack-\u{fffd}");
/// ```
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Pairs of the host's bytes as a map of text, for labels, attributes and resources.
///
/// Of several pairs with one name the last one stays.
pub fn text_map<'a>(pairs: impl IntoIterator<Item = (&'a [u8], &'a [u8])>) -> BTreeMap<String, String> {
    pairs.into_iter().map(|(name, value)| (text(name), text(value))).collect()
}

/// What is known about the framework that launches.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct FrameworkFacts {
    /// Framework id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Name the framework registered with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// User its executors run as unless a command says otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Principal it authenticated with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub principal: Option<String>,
    /// Role the launched resources are allocated to (a framework may have several roles, a launch has one).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Host the scheduler runs on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
    /// Labels of the framework.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<BTreeMap<String, String>>,
}

/// What is known about the task.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct TaskFacts {
    /// Task id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Task name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Labels the framework gave the task.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<BTreeMap<String, String>>,
    /// Resources of the task, by name, as Mesos prints values (`"2"`, `"[31000-32000]"`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resources: Option<BTreeMap<String, String>>,
}

/// What is known about the executor.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ExecutorFacts {
    /// Executor id; for a command task it equals the task id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Executor name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The `source` field of the executor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Shell command or program of the executor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// Labels of the executor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<BTreeMap<String, String>>,
    /// Resources of the executor (in the executor environment hook: of executor and task together), by name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resources: Option<BTreeMap<String, String>>,
}

/// What is known about the agent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct AgentFacts {
    /// Agent id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Host name the agent registered with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
    /// Attributes of the agent, by name, as Mesos prints values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attributes: Option<BTreeMap<String, String>>,
    /// Resources of the agent, by name, as Mesos prints values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resources: Option<BTreeMap<String, String>>,
}

/// What is known about the container.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ContainerFacts {
    /// Container id; of a nested container its own, without the parents.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Id of the parent container, if nested.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// User the container runs as.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Sandbox folder on the agent's host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub directory: Option<String>,
    /// Root file system, if the container has its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rootfs: Option<String>,
    /// `DEFAULT` or `DEBUG`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// Shell command or program of the container.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// Resources of the container, by name, as Mesos prints values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resources: Option<BTreeMap<String, String>>,
}

/// Everything known at one hook point.
///
/// ```
/// use apportion_policy::{Facts, FrameworkFacts, text};
///
/// let framework = FrameworkFacts { role: Some(text(b"analytics")), ..Default::default() };
/// let facts = Facts { framework: Some(framework), ..Default::default() };
/// assert!(facts.task.is_none());
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Facts {
    /// The framework, if known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub framework: Option<FrameworkFacts>,
    /// The task, if known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task: Option<TaskFacts>,
    /// The executor, if known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub executor: Option<ExecutorFacts>,
    /// The agent, if known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentFacts>,
    /// The container, if known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container: Option<ContainerFacts>,
}

/// The fields that are one text, by the name a template gives them.
macro_rules! texts {
    ($part:ty: $($field:ident),*) => {
        impl $part {
            pub(crate) fn text(&self, name: &str) -> Option<&str> {
                match name {
                    $(stringify!($field) => self.$field.as_deref(),)*
                    _ => None,
                }
            }
        }
    };
}

texts!(FrameworkFacts: id, name, user, principal, role, hostname);
texts!(TaskFacts: id, name);
texts!(ExecutorFacts: id, name, source, command);
texts!(AgentFacts: id, hostname);
texts!(ContainerFacts: id, parent, user, directory, rootfs, class, command);

impl Facts {
    /// These facts, with what is missing taken from `remembered`.
    ///
    /// A fact known here stays; a field that is not known here is taken over.
    #[must_use]
    pub fn completed_by(mut self, remembered: &Facts) -> Facts {
        macro_rules! complete {
            ($part:ident: $($field:ident),*) => {
                match (&mut self.$part, &remembered.$part) {
                    (Some(known), Some(more)) => {
                        $(if known.$field.is_none() { known.$field.clone_from(&more.$field); })*
                    }
                    (unknown @ None, more) => unknown.clone_from(more),
                    (Some(_), None) => {}
                }
            };
        }
        complete!(framework: id, name, user, principal, role, hostname, labels);
        complete!(task: id, name, labels, resources);
        complete!(executor: id, name, source, command, labels, resources);
        complete!(agent: id, hostname, attributes, resources);
        complete!(container: id, parent, user, directory, rootfs, class, command, resources);
        self
    }
}

/// A name a template can begin with, and the fields below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Root {
    /// First word of the placeholder, for example `framework`.
    pub name: &'static str,
    /// The fields below it.
    pub fields: &'static [RootField],
}

/// A field below a [`Root`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RootField {
    /// Its name.
    pub name: &'static str,
    /// Whether it is a map of text, with names of the cluster's own choosing (`agent.attributes.rack`).
    pub map: bool,
    /// What it is, one line of Markdown.
    pub meaning: &'static str,
}

impl Root {
    /// The root of this name, or `None`.
    pub fn named(name: &str) -> Option<&'static Root> {
        ROOTS.iter().find(|root| root.name == name)
    }

    /// Names of all fields, text before maps.
    pub fn all_fields(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.fields.iter().map(|field| field.name)
    }

    /// Names of the fields that are text.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.fields.iter().filter(|field| !field.map).map(|field| field.name)
    }

    /// Names of the fields that are maps of text.
    pub(crate) fn maps(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.fields.iter().filter(|field| field.map).map(|field| field.name)
    }
}

const fn single(name: &'static str, meaning: &'static str) -> RootField {
    RootField { name, map: false, meaning }
}

const fn map(name: &'static str, meaning: &'static str) -> RootField {
    RootField { name, map: true, meaning }
}

/// Every placeholder there is.
pub const ROOTS: [Root; 5] = [
    Root {
        name: "framework",
        fields: &[
            single("id", "framework id"),
            single("name", "name the framework registered with"),
            single("user", "user its executors run as unless a command says otherwise"),
            single("principal", "principal it authenticated with"),
            single(
                "role",
                "role that the launch is allocated to; a framework may have several, a launch has one",
            ),
            single("hostname", "host of the scheduler"),
            map("labels", "labels of the framework"),
        ],
    },
    Root {
        name: "task",
        fields: &[
            single("id", "task id"),
            single("name", "task name"),
            map("labels", "labels of the task; where they are decorated, as earlier rules left them"),
            map("resources", "resources of the task: `2`, `0.5`, of ports `31000-32000`"),
        ],
    },
    Root {
        name: "executor",
        fields: &[
            single("id", "executor id; of a command task the task's id"),
            single("name", "executor name"),
            single("source", "the `source` field of the executor"),
            single("command", "shell command or program of the executor"),
            map("labels", "labels of the executor"),
            map(
                "resources",
                "resources of the executor; where its environment is made, with those of the task",
            ),
        ],
    },
    Root {
        name: "agent",
        fields: &[
            single("id", "agent id"),
            single("hostname", "host name the agent registered with"),
            map("attributes", "attributes of the agent"),
            map("resources", "resources of the agent"),
        ],
    },
    Root {
        name: "container",
        fields: &[
            single("id", "container id; of a nested one its own, without the parents"),
            single("parent", "id of the parent container, if nested"),
            single("user", "user the container runs as"),
            single("directory", "sandbox on the agent's host"),
            single("rootfs", "root file system, if the container has its own"),
            single("class", "`DEFAULT` or `DEBUG`"),
            single("command", "shell command or program of the container"),
            map("resources", "resources of the container"),
        ],
    },
];

/// Facts that only rules with a match have, beside those of [`Facts`]; they come from a
/// [`HookCall`](crate::HookCall).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FurtherFact {
    /// Full name in a template, for example `container.type`.
    pub name: &'static str,
    /// Whether it is a map of text, with names of the cluster's own choosing (`env.JAVA_OPTS`).
    pub map: bool,
    /// What it is, one line.
    pub meaning: &'static str,
}

/// Every further fact there is.
pub const FURTHER_FACTS: [FurtherFact; 7] = [
    FurtherFact { name: "container.type", map: false, meaning: "none, mesos or docker" },
    FurtherFact { name: "container.image", map: false, meaning: "image of the container" },
    FurtherFact { name: "task.environment", map: true, meaning: "environment of the task's command" },
    FurtherFact { name: "executor.environment", map: true, meaning: "environment of the executor's command" },
    FurtherFact {
        name: "agent.environment",
        map: true,
        meaning: "variables of the host process that the configuration allows",
    },
    FurtherFact {
        name: "env",
        map: true,
        meaning: "the environment as earlier rules left it; where none is decorated, that of the task's or executor's command",
    },
    FurtherFact { name: "host", map: true, meaning: "facts detected on this host" },
];

/// The fields of `host`: everything that can be detected. Who detects has the same list with meanings, and a test that they
/// agree.
pub const HOST_FACTS: [&str; 22] = [
    "kernel",
    "kernel_version",
    "architecture",
    "cpu_model",
    "cpu_vendor",
    "cpu_sockets",
    "cpu_cores",
    "cpu_threads",
    "numa_nodes",
    "hugepage_sizes",
    "memory_mb",
    "disk_kind",
    "gpus",
    "gpu_vendors",
    "cgroups",
    "os",
    "os_version",
    "os_name",
    "virtualization",
    "cloud",
    "machine_vendor",
    "machine_model",
];

impl FurtherFact {
    /// The further fact that a name in a template means, or `None`.
    pub(crate) fn meant_by(name: &str) -> Option<&'static FurtherFact> {
        FURTHER_FACTS.iter().find(|fact| {
            name.strip_prefix(fact.name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_here_is_not_overwritten_by_what_is_remembered() {
        let here = Facts {
            framework: Some(FrameworkFacts { id: Some("f1".into()), ..Default::default() }),
            ..Default::default()
        };
        let remembered = Facts {
            framework: Some(FrameworkFacts {
                id: Some("other".into()),
                role: Some("eng".into()),
                ..Default::default()
            }),
            task: Some(TaskFacts { id: Some("t1".into()), ..Default::default() }),
            ..Default::default()
        };
        let facts = here.completed_by(&remembered);
        let framework = facts.framework.unwrap();
        assert_eq!(framework.id.as_deref(), Some("f1"));
        assert_eq!(framework.role.as_deref(), Some("eng"));
        assert_eq!(facts.task.unwrap().id.as_deref(), Some("t1"));
    }

    #[test]
    fn every_documented_field_is_a_field_of_the_facts() {
        let map = Some(BTreeMap::from([("k".to_owned(), "v".to_owned())]));
        let t = || Some("x".to_owned());
        let facts = Facts {
            framework: Some(FrameworkFacts {
                id: t(),
                name: t(),
                user: t(),
                principal: t(),
                role: t(),
                hostname: t(),
                labels: map.clone(),
            }),
            task: Some(TaskFacts { id: t(), name: t(), labels: map.clone(), resources: map.clone() }),
            executor: Some(ExecutorFacts {
                id: t(),
                name: t(),
                source: t(),
                command: t(),
                labels: map.clone(),
                resources: map.clone(),
            }),
            agent: Some(AgentFacts {
                id: t(),
                hostname: t(),
                attributes: map.clone(),
                resources: map.clone(),
            }),
            container: Some(ContainerFacts {
                id: t(),
                parent: t(),
                user: t(),
                directory: t(),
                rootfs: t(),
                class: t(),
                command: t(),
                resources: map,
            }),
        };
        let value = minijinja::Value::from(minijinja::value::Serde(&facts));
        for root in ROOTS {
            let part = value.get_attr(root.name).unwrap();
            assert_eq!(part.len(), Some(root.all_fields().count()), "{}", root.name);
            for field in root.all_fields() {
                assert!(!part.get_attr(field).unwrap().is_undefined(), "{}.{field}", root.name);
            }
        }
        assert_eq!(value.len(), Some(ROOTS.len()));
    }
}
