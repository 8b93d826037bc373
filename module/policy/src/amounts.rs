//! What rules make of resources.

use std::fmt;

use crate::action::{AgentActions, TaskResourceActions};
use crate::amount::{Amount, Amounts};

/// What a rule did to a resource, or would have done if there were more of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AmountChange {
    /// Name of the rule.
    pub rule: String,
    /// Name of the resource.
    pub resource: String,
    /// The amount before the rule.
    pub before: Amount,
    /// What the rule asks for.
    pub wanted: Amount,
    /// The amount after the rule: `wanted`, or less if there is not that much.
    pub after: Amount,
}

impl fmt::Display for AmountChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} becomes {}", self.resource, self.before, self.after)?;
        if self.wanted != self.after {
            write!(f, " (the rule asks for {}, there is no more)", self.wanted)?;
        }
        Ok(())
    }
}

/// What a rule makes of a task's resources. Nothing grows beyond `ceiling`, if there is one; nothing shrinks to it.
pub(crate) fn of_task(
    rule: &str,
    actions: &TaskResourceActions,
    amounts: &Amounts,
    ceiling: Option<&Amounts>,
) -> Vec<AmountChange> {
    let lists = [&actions.default, &actions.minimum, &actions.round, &actions.maximum];
    let mut names: Vec<&str> = Vec::new();
    for (name, _) in lists.into_iter().flatten() {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    let change = |name: &&str| {
        let of = |list: &[(String, Amount)]| {
            list.iter().find(|(listed, _)| listed == name).map(|(_, amount)| *amount)
        };
        let before = amounts.get(*name).copied().unwrap_or_default();
        let mut wanted = before;
        if wanted.is_zero() {
            wanted = of(&actions.default)?;
        }
        wanted = of(&actions.minimum).map_or(wanted, |minimum| wanted.max(minimum));
        let step = of(&actions.round).unwrap_or_default();
        wanted = wanted.rounded_up_to(step);
        wanted = of(&actions.maximum).map_or(wanted, |maximum| wanted.min(maximum));
        let mut after = wanted;
        if let Some(ceiling) = ceiling {
            let most = ceiling.get(*name).copied().unwrap_or_default();
            if wanted > before && wanted > most {
                after = most.rounded_down_to(step).max(before);
            }
        }
        let told =
            AmountChange { rule: rule.to_owned(), resource: (*name).to_owned(), before, wanted, after };
        (wanted != before).then_some(told)
    };
    names.iter().filter_map(change).collect()
}

/// What a rule keeps back of an agent's resources. Shares are of what earlier rules left.
pub(crate) fn of_agent(rule: &str, actions: &AgentActions, amounts: &Amounts) -> Vec<AmountChange> {
    let change = |(name, share): &(String, crate::amount::Share)| {
        let before = *amounts.get(name)?;
        let after = before.less(share.of(before));
        let told =
            AmountChange { rule: rule.to_owned(), resource: name.clone(), before, wanted: after, after };
        (after != before).then_some(told)
    };
    actions.reserve.iter().filter_map(change).collect()
}

/// Takes over changes. A resource of which nothing is left stays with the amount 0.
pub(crate) fn changed(amounts: &Amounts, changes: &[AmountChange]) -> Amounts {
    let mut amounts = amounts.clone();
    for change in changes.iter().filter(|change| change.after != change.before) {
        amounts.insert(change.resource.clone(), change.after);
    }
    amounts
}
