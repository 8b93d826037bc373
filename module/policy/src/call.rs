//! What a hook is called with.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use crate::condition::ContainerType;
use crate::entries::{Entries, HIDDEN};
use crate::facts::Facts;

/// All that is known when the host calls a hook, beside what rules may change there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HookCall {
    /// Framework, task, executor, agent and container.
    pub facts: Facts,
    /// Type of the container, if known; [`ContainerType::None`] if it is known that none is asked for.
    pub container_type: Option<ContainerType>,
    /// Image of the container, if it has one.
    pub image: Option<String>,
    /// Environment of the task's command, if known.
    pub task_environment: Option<Entries>,
    /// Environment of the executor's command, if known.
    pub executor_environment: Option<Entries>,
    /// The host this process runs on, shared by all calls.
    pub host: Arc<HostFacts>,
}

impl HookCall {
    /// What is known of a container that is nested in the one of `outer`: of itself what it says, of framework, task,
    /// executor and agent, where it says nothing, what is known of the other.
    ///
    /// ```
    /// use apportion_policy::{ContainerFacts, Facts, HookCall, TaskFacts};
    ///
    /// let container = |user: &str| ContainerFacts { user: Some(user.to_owned()), ..ContainerFacts::default() };
    /// let task = Some(TaskFacts { name: Some("web".to_owned()), ..TaskFacts::default() });
    /// let outer = Facts { task, container: Some(container("root")), ..Facts::default() };
    /// let outer = HookCall { facts: outer, image: Some("shop:3".to_owned()), ..HookCall::default() };
    /// let nested = Facts { container: Some(container("web")), ..Facts::default() };
    /// let nested = HookCall { facts: nested, ..HookCall::default() }.within(&outer);
    /// assert_eq!(nested.facts.task, outer.facts.task);
    /// assert_eq!((nested.facts.container, nested.image), (Some(container("web")), None));
    /// ```
    #[must_use]
    pub fn within(self, outer: &HookCall) -> HookCall {
        let around = Facts { container: None, ..outer.facts.clone() };
        HookCall {
            facts: self.facts.completed_by(&around),
            task_environment: self.task_environment.or_else(|| outer.task_environment.clone()),
            executor_environment: self.executor_environment.or_else(|| outer.executor_environment.clone()),
            ..self
        }
    }
}

/// What is known about the host this process runs on, gathered by whoever calls the rules.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostFacts {
    /// Detected facts, `host.kernel` under `kernel`.
    pub facts: BTreeMap<String, String>,
    /// The variables of this process that the configuration allows.
    pub environment: BTreeMap<String, String>,
    /// Files that rules name, by path.
    pub files: BTreeMap<String, FileContents>,
    /// Paths of those whose contents are no secret: rules make attributes of the agent of them, for all to see.
    pub published: BTreeSet<String>,
}

impl HostFacts {
    /// Whether a text is what stands in one of the files, or has a longer one of them in it.
    ///
    /// The host hands back what earlier rules made, without a mark of where it came from.
    pub fn is_secret(&self, text: &str) -> bool {
        self.secrets()
            .any(|secret| text == secret || (secret.len() >= WITHIN_BYTES_MIN && text.contains(secret)))
    }

    /// A text for a log or a page, without anything that stands in one of the files.
    pub fn scrubbed<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut scrubbed = Cow::Borrowed(text);
        for secret in self.secrets() {
            if *scrubbed == *secret {
                return Cow::Borrowed(HIDDEN);
            }
            if secret.len() >= WITHIN_BYTES_MIN && scrubbed.contains(secret) {
                scrubbed = Cow::Owned(scrubbed.replace(secret, HIDDEN));
            }
        }
        scrubbed
    }

    /// What stands in the files, where it is long enough to be a secret.
    fn secrets(&self) -> impl Iterator<Item = &str> {
        self.files.iter().filter_map(|(path, contents)| match contents {
            FileContents::Text(text) if text.len() >= SECRET_BYTES_MIN && !self.published.contains(path) => {
                Some(&**text)
            }
            FileContents::Text(_) | FileContents::Unreadable(_) => None,
        })
    }
}

/// Shortest text of a file, in bytes, that is recognised in what the host hands back. The number of a rack would be found
/// by chance everywhere.
const SECRET_BYTES_MIN: usize = 4;

/// Shortest that is looked for within other texts.
const WITHIN_BYTES_MIN: usize = 8;

/// A file that a rule names.
#[derive(Clone, PartialEq, Eq)]
pub enum FileContents {
    /// What is in it, without line ends at its end. Never shown.
    Text(Arc<str>),
    /// Why it could not be read, without anything of what is in it.
    Unreadable(String),
}

impl FileContents {
    /// The contents as they were read; line ends at the end are left off.
    pub fn text(contents: &str) -> FileContents {
        FileContents::Text(contents.trim_end_matches(['\n', '\r']).into())
    }
}

impl fmt::Debug for FileContents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FileContents::Text(_) => f.write_str("Text(not shown)"),
            FileContents::Unreadable(reason) => f.debug_tuple("Unreadable").field(reason).finish(),
        }
    }
}
