//! The configuration as the modules use it.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use apportion_cgroups::Wish;
use apportion_isolation::{ContainerRule, GroupPolicy, GroupSettings, LimitChanges, Rlimit, Settings};
use apportion_policy::{
    EnvironmentActions, LabelActions, RULE_NAME_BYTES_MAX, RuleSet, Template, ValueSource,
};

use crate::lending::{EvictionConfig, LendingConfig};
use crate::problem::Problems;
use crate::{file, parameters};

/// Settings of all four modules, checked and ready to use.
///
/// Equal settings compare equal wherever they came from.
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
    /// What the allocator lends.
    pub lending: LendingConfig,
    /// Settings of the QoS controller.
    pub eviction: EvictionConfig,
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

/// The kind of process that the hook's HTTP endpoint is served in.
///
/// The hook's methods do not tell it whether a master or an agent runs it, and it must not be guessed: the kind names the
/// realm whose authentication guards the endpoint, and a realm that its process does not guard lets everybody in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HookEndpoint {
    /// What the name of the running program says; none when it says nothing.
    #[default]
    Auto,
    /// There is no endpoint.
    Off,
    /// A master.
    Master,
    /// An agent.
    Agent,
}

impl HookEndpoint {
    /// All of them.
    pub const ALL: [HookEndpoint; 4] =
        [HookEndpoint::Auto, HookEndpoint::Off, HookEndpoint::Master, HookEndpoint::Agent];

    /// The name in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            HookEndpoint::Auto => "auto",
            HookEndpoint::Off => "off",
            HookEndpoint::Master => "master",
            HookEndpoint::Agent => "agent",
        }
    }
}

/// Settings of the hook.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HookConfig {
    /// Where the hook's HTTP endpoint is served.
    pub endpoint: HookEndpoint,
    /// Variables for an executor's environment, in the order of the names.
    pub environment: Vec<Rule>,
    /// Labels for a task, in the order of the names.
    pub labels: Vec<Rule>,
    /// Variables of the host's process that templates can read, each once.
    pub agent_environment: Vec<String>,
    /// Rules with a name, in the order in which they are tried: that of the file.
    pub rules: Vec<apportion_policy::Rule>,
}

impl HookConfig {
    /// All rules in the order in which they are tried: those of the short sections first, then those of the file.
    ///
    /// Each name of a short section is a rule of its own, so that an unknown fact leaves out one value and not all of
    /// them. It is called by its path, for example `hook.labels.rack`. A variable of the short section is a default, as an
    /// executor keeps what its own command sets; a label replaces one of the same key.
    ///
    /// ```
    /// use apportion_config::Config;
    /// use apportion_policy::Rulebook;
    ///
    /// let config = Config::from_text("[hook.labels]\nrack = \"r1\"\n[[hook.rules]]\nname = \"a\"\nlabels.set.x = \"1\"")?;
    /// let rules = Rulebook::new(config.hook.rules_in_order())?;
    /// assert_eq!(rules.len(), 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn rules_in_order(&self) -> Vec<apportion_policy::Rule> {
        let value = |rule: &Rule| vec![(rule.name.clone(), ValueSource::Template(rule.template.clone()))];
        let environment = self.environment.iter().enumerate().map(|(number, rule)| {
            let environment = EnvironmentActions { default: value(rule), ..EnvironmentActions::default() };
            let named = apportion_policy::Rule::named(&short_rule_name("hook.environment", number, rule));
            apportion_policy::Rule { environment, ..named }
        });
        let labels = self.labels.iter().enumerate().map(|(number, rule)| {
            let labels = LabelActions { set: value(rule), ..LabelActions::default() };
            apportion_policy::Rule {
                labels,
                ..apportion_policy::Rule::named(&short_rule_name("hook.labels", number, rule))
            }
        });
        environment.chain(labels).chain(self.rules.iter().cloned()).collect()
    }
}

/// Settings of the isolator.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IsolatorConfig {
    /// Variables for a container's environment, in the order of the names.
    pub environment: Vec<Rule>,
    /// Resource limits, at most one of each kind, in the order of Mesos' numbers.
    pub rlimits: Vec<Rlimit>,
    /// Control groups of containers, if they are used.
    pub cgroups: Option<Wish>,
    /// What every container's group gets beside the defaults; nothing without control groups.
    pub limits: LimitChanges,
    /// Rules about containers, in the order in which they are tried: that of the file.
    pub rules: Vec<ContainerRule>,
}

impl IsolatorConfig {
    /// The isolator's settings, with fault counters of their own.
    pub fn settings(&self) -> Settings {
        let mut policy = GroupPolicy::default();
        self.limits.apply(&mut policy);
        Settings {
            environment: RuleSet::environment("isolator.environment", pairs(&self.environment)),
            rlimits: self.rlimits.clone(),
            groups: self.cgroups.clone().map(|wish| GroupSettings { wish, policy }),
            rules: self.rules.clone(),
        }
    }
}

/// What the rule of a short section is called: its path, or its number if that is too long for a name.
fn short_rule_name(section: &str, number: usize, rule: &Rule) -> String {
    let path = format!("{section}.{}", rule.name);
    if path.len() <= RULE_NAME_BYTES_MAX { path } else { format!("{section}[{number}]") }
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

    /// The file that a module's parameters name, if they name one.
    pub fn file_of(parameters: &[(Vec<u8>, Vec<u8>)]) -> Option<PathBuf> {
        let named = parameters.iter().find(|(key, _)| key == parameters::FILE_KEY.as_bytes());
        named.map(|(_, path)| PathBuf::from(OsString::from_vec(path.clone())))
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
