//! The configuration as the modules use it.

use std::path::Path;

use apportion_isolation::{Rlimit, Settings};
use apportion_policy::{HookRules, RuleSet, Template};

use crate::problem::Problems;
use crate::{file, parameters};

/// Settings of all four modules, checked and ready to use.
///
/// The QoS controller has none yet. Equal settings compare equal wherever they came from.
///
/// ```
/// use apportion_config::Config;
///
/// let config = Config::from_text("[hook.labels]\nrack = \"{{ agent.attributes.rack }}\"")?;
/// assert_eq!(config.hook.labels[0].name, "rack");
///
/// let problems = Config::from_text("[hook]\nlabel = {}").unwrap_err();
/// assert!(problems.to_string().contains("did you mean `hook.labels`?"));
/// # Ok::<(), apportion_config::Problems>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Config {
    /// Settings of the allocator.
    pub allocator: AllocatorConfig,
    /// Settings of the hook.
    pub hook: HookConfig,
    /// Settings of the isolator.
    pub isolator: IsolatorConfig,
    /// Entry points that fail on purpose.
    pub drill: Drill,
}

/// Settings of the allocator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllocatorConfig {
    /// Seed of the order in which agents are visited within an allocation cycle, and of the random order.
    pub seed: u64,
    /// Whether each offer is logged with its reason.
    pub explain_offers: bool,
    /// Who comes first.
    pub order: AllocatorOrder,
}

/// How roles, and frameworks within a role, are ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AllocatorOrder {
    /// Who has the least dominant share comes first.
    #[default]
    DominantShare,
    /// By lot, weighted.
    Random,
}

impl AllocatorOrder {
    /// All of them.
    pub const ALL: [AllocatorOrder; 2] = [AllocatorOrder::DominantShare, AllocatorOrder::Random];

    /// The name in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            AllocatorOrder::DominantShare => "dominant_share",
            AllocatorOrder::Random => "random",
        }
    }
}

impl Default for AllocatorConfig {
    fn default() -> Self {
        AllocatorConfig { seed: 0, explain_offers: true, order: AllocatorOrder::default() }
    }
}

/// A name and the template of its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Name of the variable, or key of the label.
    pub name: String,
    /// Template of the value.
    pub template: Template,
}

/// Settings of the hook, each list in the order of the names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HookConfig {
    /// Variables for an executor's environment.
    pub environment: Vec<Rule>,
    /// Labels for a task.
    pub labels: Vec<Rule>,
}

impl HookConfig {
    /// The rules, with fault counters of their own.
    pub fn rules(&self) -> HookRules {
        HookRules::new(
            RuleSet::environment("hook.environment", pairs(&self.environment)),
            RuleSet::labels("hook.labels", pairs(&self.labels)),
        )
    }
}

/// Settings of the isolator.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IsolatorConfig {
    /// Variables for a container's environment, in the order of the names.
    pub environment: Vec<Rule>,
    /// Resource limits, at most one of each kind, in the order of Mesos' numbers.
    pub rlimits: Vec<Rlimit>,
}

impl IsolatorConfig {
    /// The isolator's settings, with fault counters of their own.
    pub fn settings(&self) -> Settings {
        Settings {
            environment: RuleSet::environment("isolator.environment", pairs(&self.environment)),
            rlimits: self.rlimits.clone(),
        }
    }
}

fn pairs(rules: &[Rule]) -> impl Iterator<Item = (String, Template)> + use<'_> {
    rules.iter().map(|rule| (rule.name.clone(), rule.template.clone()))
}

/// Fault drills: entry points that panic on purpose, to see what the host makes of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Drill {
    /// Names from [`ENTRY_POINTS`][crate::ENTRY_POINTS], in their order there.
    pub panic_in: Vec<&'static str>,
}

impl Drill {
    /// Whether this entry point is to panic.
    pub fn panics_in(&self, entry_point: &str) -> bool {
        self.panic_in.contains(&entry_point)
    }

    /// Whether no drill is set.
    pub fn is_empty(&self) -> bool {
        self.panic_in.is_empty()
    }
}

/// What came of examining an input: everything usable in it, and every problem.
///
/// Modules use [`Config::from_parameters`], which gives one or the other. This is for tools that show both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examination {
    /// The settings without problems; defaults for the others.
    pub config: Config,
    /// The problems, if there are any.
    pub problems: Option<Problems>,
}

impl Examination {
    fn into_result(self) -> Result<Config, Problems> {
        match self.problems {
            Some(problems) => Err(problems),
            None => Ok(self.config),
        }
    }
}

impl Config {
    /// The configuration of a module's parameters, as the host hands them over.
    ///
    /// # Errors
    ///
    /// Every problem, see [`Problems`]: in the parameters, and in the file if they name one.
    pub fn from_parameters(parameters: &[(Vec<u8>, Vec<u8>)]) -> Result<Config, Problems> {
        Config::examine_parameters(parameters).into_result()
    }

    /// The configuration in a file.
    ///
    /// # Errors
    ///
    /// Every problem; [`Problems::is_unreadable`] tells a file that cannot be read from one with mistakes.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Config, Problems> {
        Config::examine_file(path).into_result()
    }

    /// The configuration in a text, as of a file.
    ///
    /// # Errors
    ///
    /// Every problem.
    pub fn from_text(text: &str) -> Result<Config, Problems> {
        Config::examine_text(text, "text").into_result()
    }

    /// Like [`Config::from_parameters`], with what is usable beside the problems.
    pub fn examine_parameters(parameters: &[(Vec<u8>, Vec<u8>)]) -> Examination {
        parameters::examine(parameters)
    }

    /// Like [`Config::from_file`], with what is usable beside the problems.
    pub fn examine_file(path: impl AsRef<Path>) -> Examination {
        file::examine(path.as_ref())
    }

    /// Like [`Config::from_text`], with what is usable beside the problems; `name` stands for the file in messages.
    pub fn examine_text(text: &str, name: &str) -> Examination {
        file::examine_text(text, name)
    }
}
