//! Rules about containers: which are refused, what the others may use, and what they are launched with.

mod changes;
mod reason;

use apportion_policy::{Condition, HookCall, Matcher, Template, Truth};

use crate::launch::LaunchSettings;
use crate::settings::{Decision, Settings};

pub use changes::{DeviceChanges, LimitChanges};
pub use reason::REASON_BYTES_MAX;

/// A rule about containers: when it applies, and what it says. Plain data, checked where it is read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ContainerRule {
    /// Its name, unique among the rules.
    pub name: String,
    /// Whether it is asked at all.
    pub enabled: bool,
    /// When it applies. It does not where this is neither true nor false.
    pub condition: Condition,
    /// Why such a container is not launched, as the framework is to read it; a template of [`Matcher::facts`].
    pub refuse: Option<Template>,
    /// What changes of what its group gets.
    pub limits: LimitChanges,
    /// What it is launched with; what is `None` or empty here stays as earlier rules left it.
    pub launch: LaunchSettings,
}

impl Settings {
    /// What the rules say about a container of which this is known.
    ///
    /// All that apply count, in their order: a later one wins, key by key. The first that refuses ends it, with a
    /// reason in any case: one that cannot be made is replaced by the name of the rule.
    ///
    /// ```
    /// use apportion_isolation::{ContainerRule, Settings};
    /// use apportion_policy::{Condition, HookCall, Matcher, RuleSet, Template, TextField};
    ///
    /// let rule = ContainerRule {
    ///     name: "known images".to_owned(),
    ///     enabled: true,
    ///     condition: Condition::text(TextField::Image, &["*:latest"])?,
    ///     refuse: Some(Template::compile("{{ container.image }} has no version", Matcher::facts())?),
    ///     ..ContainerRule::default()
    /// };
    /// let environment = RuleSet::environment("isolator.environment", []);
    /// let settings = Settings { environment, rlimits: Vec::new(), groups: None, rules: vec![rule] };
    /// let call = HookCall { image: Some("shop:latest".to_owned()), ..HookCall::default() };
    /// assert_eq!(settings.decide(&call).refusal.as_deref(), Some("shop:latest has no version"));
    /// assert_eq!(settings.decide(&HookCall::default()).refusal, None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn decide(&self, call: &HookCall) -> Decision {
        let mut decision = Decision {
            policy: self.groups.as_ref().map(|groups| groups.policy.clone()).unwrap_or_default(),
            launch: LaunchSettings { rlimits: self.rlimits.clone(), ..LaunchSettings::default() },
            ..Decision::default()
        };
        let container = Matcher::new(call);
        let applies = |rule: &&ContainerRule| rule.enabled && container.truth(&rule.condition) == Truth::True;
        for rule in self.rules.iter().filter(applies) {
            decision.rules.push(rule.name.clone());
            if let Some(reason) = &rule.refuse {
                let (refusal, fault) = reason::of(&rule.name, container.text(reason));
                decision.refusal = Some(refusal);
                decision.faults.extend(fault);
                return decision;
            }
            rule.limits.apply(&mut decision.policy);
            changes::launch(&rule.launch, &mut decision.launch);
        }
        decision.faults.extend(changes::keep_effective_within_bounding(&mut decision.launch));
        decision
    }
}
