//! Where the host makes something else of an answer than the rule says.

use apportion_policy::{Change, Explanation, Verdict, text};
use apportion_wire::messages::{ExecutorInfo, TaskInfo};
use apportion_wire::resource::{ResourceParts, facts, split};

/// One sentence about a name that rules changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Note {
    /// The rule; `None` if the whole point is meant.
    pub(super) rule: Option<String>,
    pub(super) text: String,
}

impl Note {
    fn of(rule: &str, name: &str, what: &str) -> Note {
        Note { rule: Some(rule.to_owned()), text: format!("{name}: {what}") }
    }
}

/// The answer is laid under what the executor's command sets.
pub(super) fn executor_environment(explanations: &[Explanation], executor: &ExecutorInfo) -> Vec<Note> {
    let environment = executor.command.as_ref().and_then(|command| command.environment.as_ref());
    let variables = environment.and_then(|environment| environment.read().ok()).unwrap_or_default();
    let own: Vec<String> = variables.iter().map(|variable| text(&variable.name)).collect();
    each_change(explanations, |change| {
        let is_own = own.iter().any(|name| **name == *change.name);
        is_own.then_some("Mesos' own containerizer keeps the command's value")
    })
}

/// The answer is laid over what is there.
pub(super) fn docker(explanations: &[Explanation]) -> Vec<Note> {
    each_change(explanations, |change| {
        let gone = change.before.is_some() && change.after.is_none();
        gone.then_some("becomes empty, the host cannot take a variable away")
    })
}

fn each_change(explanations: &[Explanation], what: impl Fn(&Change) -> Option<&'static str>) -> Vec<Note> {
    let of_rule = |one: &Explanation| {
        let notes =
            one.changes.iter().filter_map(|change| Some(Note::of(&one.rule, &change.name, what(change)?)));
        notes.collect::<Vec<_>>()
    };
    explanations.iter().flat_map(of_rule).collect()
}

/// What could be decided if a file were given: its flag, and how facts of it begin.
pub(super) fn not_given(explanations: &[Explanation], flag: &str, root: &str) -> Option<Note> {
    let begins = format!("`{root}.");
    let misses = |one: &Explanation| match &one.verdict {
        Verdict::NotKnownHere(why) => why.iter().any(|why| why.contains(&begins)),
        Verdict::Fault(reason) => reason.contains(&begins),
        _ => false,
    };
    let text = format!("more may be known here with {flag}");
    explanations.iter().any(misses).then_some(Note { rule: None, text })
}

/// A task grows within its offer alone.
pub(super) fn offer(
    task: &TaskInfo,
    offer: Option<&[ResourceParts]>,
    explanations: &[Explanation],
) -> Vec<Note> {
    let Some(offer) = offer else {
        let grown =
            explanations.iter().flat_map(|one| one.amounts.iter().map(move |amount| (&one.rule, amount)));
        let grown = grown.filter(|(_, amount)| amount.after > amount.before);
        let what = "only as far as the task's offer has room; none given (--offer)";
        return grown.map(|(rule, amount)| Note::of(rule, &amount.resource, what)).collect();
    };
    let held = |name: &[u8]| {
        offer
            .iter()
            .filter(|parts| facts(&parts.identity).is_ok_and(|facts| facts.name == name))
            .map(amount)
            .sum::<i64>()
    };
    let asked = task.resources.iter().filter_map(|bytes| Some(split(bytes).ok()?.into_parts()));
    let mut notes = Vec::new();
    for parts in asked {
        let Ok(facts) = facts(&parts.identity) else { continue };
        if amount(&parts) > held(facts.name) {
            let text =
                format!("{}: the task asks for more than the offer has; Mesos refuses it", text(facts.name));
            notes.push(Note { rule: None, text });
        }
    }
    notes
}

fn amount(parts: &ResourceParts) -> i64 {
    match &parts.value {
        apportion_wire::Value::Scalar(amount) => amount.thousandths(),
        apportion_wire::Value::Ranges(_) | apportion_wire::Value::Set(_) => 0,
    }
}

/// An attribute's value is made fit for Mesos.
pub(super) fn attribute(change: &Change, value: &str, fitting: Option<&str>) -> Option<Note> {
    let is_secret = change.after.as_ref().is_some_and(|entry| entry.secret);
    let text = match fitting {
        Some(fitting) if fitting == value => return None,
        Some(_) if is_secret => {
            format!("{}: the agent shows a form of it that fits an attribute", change.name)
        }
        Some(fitting) => format!("{}: the agent shows it as `{fitting}`", change.name),
        None => format!("{}: nothing of its value fits an attribute, it is left out", change.name),
    };
    Some(Note { rule: None, text })
}
