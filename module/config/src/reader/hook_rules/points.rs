//! Where a rule acts: the points it names, and those at which its actions can take effect.

use apportion_policy::{Effect, HookPoint};

use super::entry;
use crate::names::nearest;
use crate::problem::{Kind, quoted};
use crate::raw::{Entry, Node, Value};
use crate::reader::lists::Texts;
use crate::reader::{Complaint, Reader, below_path};

/// An action of a rule.
#[derive(Debug)]
pub(super) struct Action {
    pub(super) key: &'static str,
    /// What it does; for `agent` that depends on what is in it.
    effects: &'static [(&'static str, Effect)],
}

/// All actions, in the order in which they are explained. Before an effect stands the key inside the action that has
/// it, or nothing if the whole of the action has it.
pub(super) const ACTIONS: [Action; 7] = [
    Action { key: "environment", effects: &[("", Effect::Environment)] },
    Action { key: "labels", effects: &[("", Effect::Labels)] },
    Action { key: "task_resources", effects: &[("", Effect::TaskResources)] },
    Action {
        key: "agent",
        effects: &[("attributes", Effect::AgentAttributes), ("reserve", Effect::AgentResources)],
    },
    Action { key: "status_labels", effects: &[("", Effect::StatusLabels)] },
    Action { key: "audit", effects: &[("", Effect::Reaction)] },
    Action { key: "command", effects: &[("", Effect::Reaction)] },
];

/// The points of a rule.
#[derive(Debug, Default)]
pub(in crate::reader) struct Points {
    /// Those it names, in the order of the file, with their places.
    named: Option<Vec<HookPoint>>,
    /// Those at which it acts.
    acting: Vec<HookPoint>,
}

impl Points {
    /// Where the rules of the isolator act.
    pub(in crate::reader) fn of_containers() -> Points {
        Points { named: None, acting: vec![HookPoint::ContainerPrepare] }
    }

    /// Path in the schema of what a rule that acts there asks for.
    pub(super) fn match_schema(&self) -> &'static str {
        if self.acting == [HookPoint::ContainerPrepare] { "isolator.rules.match" } else { "hook.rules.match" }
    }

    /// The points the rule names, if it does.
    pub(super) fn named(&self) -> Option<&[HookPoint]> {
        self.named.as_deref()
    }

    /// The points at which the rule acts; none if that cannot be said.
    pub(super) fn acting(&self) -> &[HookPoint] {
        &self.acting
    }

    /// What a value of an effect can name.
    pub(super) fn known(&self, effect: Effect) -> Known {
        let acting: Vec<HookPoint> =
            with_effect(effect).filter(|point| self.acting.contains(point)).collect();
        // An action at the wrong points is told as such; its templates are read as at the right ones.
        let points = if acting.is_empty() { with_effect(effect).collect() } else { acting.clone() };
        let named = if self.named.is_some() { acting } else { Vec::new() };
        Known { facts: HookPoint::facts_at(&points), named }
    }
}

/// What values can name.
#[derive(Debug)]
pub(super) struct Known {
    /// Facts that can be known at one or more of the points.
    pub(super) facts: Vec<&'static str>,
    /// The points, if the rule names them.
    pub(super) named: Vec<HookPoint>,
}

/// The points of an effect.
fn with_effect(effect: Effect) -> impl Iterator<Item = HookPoint> {
    HookPoint::HOOKS.into_iter().filter(move |point| point.effect() == effect)
}

/// Names of points for a message.
pub(super) fn keys(points: impl IntoIterator<Item = HookPoint>) -> String {
    points.into_iter().map(HookPoint::key).collect::<Vec<_>>().join(", ")
}

/// An action that is there, with its effect.
struct Present<'n> {
    path: String,
    key: String,
    entry: &'n Entry,
    effect: Effect,
}

impl Reader<'_> {
    /// The points of a rule. Actions without a point and points without an action are problems.
    pub(super) fn rule_points(&mut self, path: &str, item: &Node, entries: &[Entry]) -> Points {
        let present = present(path, entries);
        if !ACTIONS.iter().any(|action| entry(entries, action.key).is_some()) {
            let sections = ACTIONS.map(|action| action.key);
            let (last, others) = sections.split_last().unwrap_or((&"", &[]));
            let expected = format!("at least one of {} or {last}", others.join(", "));
            self.report_absence(
                path,
                item.at,
                Complaint::new(Kind::Missing, "a rule without an action", expected),
            );
        }
        let effects: Vec<Effect> = present.iter().map(|action| action.effect).collect();
        let possible = || HookPoint::HOOKS.into_iter().filter(|point| effects.contains(&point.effect()));
        let Some(at) = entry(entries, "at") else {
            return Points { named: None, acting: possible().collect() };
        };
        let named = self.points(&below_path(path, "at"), &at.node);
        let acting: Vec<HookPoint> =
            possible().filter(|point| named.iter().any(|(named, ..)| named == point)).collect();
        if !present.is_empty() && !named.is_empty() {
            self.report_idle(&present, &named, !acting.is_empty());
        }
        Points { named: Some(named.into_iter().map(|(point, ..)| point).collect()), acting }
    }

    /// Reports actions without a point and, of a rule that acts somewhere, points without an action.
    fn report_idle(
        &mut self,
        present: &[Present<'_>],
        named: &[(HookPoint, String, Option<usize>)],
        acts: bool,
    ) {
        for action in present {
            if named.iter().any(|(point, ..)| point.effect() == action.effect) {
                continue;
            }
            let at = keys(named.iter().map(|(point, ..)| *point));
            let found = format!("`{}`, which can never take effect at {at}", action.key);
            let expected = format!("{} in `at`", one_of(with_effect(action.effect)));
            let complaint = Complaint::new(Kind::WrongValue, found, expected);
            self.report(
                &action.path,
                action.entry.at,
                complaint.hint("without `at` a rule acts wherever it can"),
            );
        }
        for (point, path, at) in named {
            if acts && !present.iter().any(|action| action.effect == point.effect()) {
                let found = format!("the point `{}`, where no action of this rule takes effect", point.key());
                let expected = format!(
                    "a point for its actions, or the action {} for this point",
                    actions_of(point.effect())
                );
                self.report(path, *at, Complaint::new(Kind::WrongValue, found, expected));
            }
        }
    }

    /// The points a list names, with their places.
    fn points(&mut self, path: &str, node: &Node) -> Vec<(HookPoint, String, Option<usize>)> {
        const TAKES: Texts = Texts { whole: "a list of points", one: "a point", alone: false, any: false };
        let mut points = Vec::new();
        for piece in self.texts(path, node, TAKES) {
            let known = HookPoint::HOOKS.into_iter().find(|point| point.key() == piece.text);
            if let Some(point) = known {
                points.push((point, piece.path, piece.at));
                continue;
            }
            let by_host =
                HookPoint::HOOKS.into_iter().find(|point| point.name().eq_ignore_ascii_case(piece.text));
            let meant = by_host.map(HookPoint::key);
            let meant = meant.or_else(|| nearest(piece.text, HookPoint::HOOKS.map(HookPoint::key)));
            let found = format!("the unknown point {}", quoted(piece.text));
            let complaint =
                Complaint::new(Kind::WrongValue, found, format!("one of {}", keys(HookPoint::HOOKS)));
            self.report(&piece.path, piece.at, complaint.meant(meant));
        }
        points
    }
}

/// The actions of a rule that are there.
fn present<'n>(path: &str, entries: &'n [Entry]) -> Vec<Present<'n>> {
    let mut present = Vec::new();
    for action in &ACTIONS {
        let Some(whole) = entry(entries, action.key) else { continue };
        let path = below_path(path, action.key);
        for (part, effect) in action.effects {
            if part.is_empty() {
                present.push(Present {
                    path: path.clone(),
                    key: action.key.to_owned(),
                    entry: whole,
                    effect: *effect,
                });
            } else if let Value::Table(inner) = &whole.node.value
                && let Some(entry) = entry(inner, part)
            {
                let key = format!("{}.{part}", action.key);
                present.push(Present { path: below_path(&path, part), key, entry, effect: *effect });
            }
        }
    }
    present
}

/// The actions with an effect, for a message.
fn actions_of(effect: Effect) -> String {
    let mut keys = Vec::new();
    for action in &ACTIONS {
        for (part, _) in action.effects.iter().filter(|(_, of)| *of == effect) {
            keys.push(if part.is_empty() {
                format!("`{}`", action.key)
            } else {
                format!("`{}.{part}`", action.key)
            });
        }
    }
    keys.join(" or ")
}

/// Points to choose from, for a message.
fn one_of(points: impl Iterator<Item = HookPoint>) -> String {
    points.map(|point| format!("`{}`", point.key())).collect::<Vec<_>>().join(" or ")
}
