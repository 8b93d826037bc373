//! Whether a condition holds in a scene, and why not.

use crate::amount::Amount;
use crate::condition::{Condition, Presence, Truth};
use crate::parse_fault::quoted;
use crate::pattern::Pattern;
use crate::scene::{Known, Scene};

/// Whether a condition holds. Allocates nothing.
pub(crate) fn truth(condition: &Condition, scene: &Scene<'_>) -> Truth {
    match condition {
        Condition::All(inner) => {
            let mut all = Truth::True;
            for condition in inner {
                all = all.and(truth(condition, scene));
                if all == Truth::False {
                    break;
                }
            }
            all
        }
        Condition::Any(inner) => {
            let mut any = Truth::False;
            for condition in inner {
                any = any.or(truth(condition, scene));
                if any == Truth::True {
                    break;
                }
            }
            any
        }
        Condition::Not(inner) => truth(inner, scene).opposite(),
        Condition::Text(field, patterns) => {
            decided(scene.text(*field), |text| text.is_some_and(|text| matches_one(patterns, text)))
        }
        Condition::Container(kinds) => {
            scene.call().container_type.map_or(Truth::Unknown, |kind| kinds.contains(&kind).into())
        }
        Condition::Label(key, wanted) => decided(scene.label(key), |value| presence(wanted, value)),
        Condition::Variable(name, wanted) => decided(variable(name, scene), |value| presence(wanted, value)),
        Condition::Attribute(test) => decided(attribute(test.name(), scene), |value| test.holds(value)),
        Condition::Resource(test) => decided(scene.resource(test.name()), |there| match there {
            None => test.holds(Amount::ZERO),
            Some(Ok(amount)) => test.holds(amount),
            Some(Err(listed)) => test.asks_for_some() && !listed.is_empty(),
        }),
    }
}

/// A test on a fact that is known, whether there is one or not.
fn decided<T>(fact: Known<T>, holds: impl FnOnce(Option<T>) -> bool) -> Truth {
    match fact {
        Known::Is(fact) => holds(Some(fact)).into(),
        Known::Absent => holds(None).into(),
        Known::Unknown => Truth::Unknown,
    }
}

fn matches_one(patterns: &[Pattern], text: &str) -> bool {
    patterns.iter().any(|pattern| pattern.matches(text))
}

fn presence(wanted: &Presence, value: Option<&str>) -> bool {
    match wanted {
        Presence::Present => value.is_some(),
        Presence::Absent => value.is_none(),
        Presence::Matches(patterns) => value.is_some_and(|value| matches_one(patterns, value)),
    }
}

fn variable<'s>(name: &str, scene: &'s Scene<'_>) -> Known<&'s str> {
    match scene.variables() {
        None => Known::Unknown,
        Some(entries) => match entries.get(name) {
            Some(entry) => Known::Is(entry.value.as_deref().unwrap_or_default()),
            None => Known::Absent,
        },
    }
}

fn attribute<'a>(name: &str, scene: &Scene<'a>) -> Known<&'a str> {
    let agent = scene.facts().agent.as_ref();
    match agent.and_then(|agent| agent.attributes.as_ref()) {
        None => Known::Unknown,
        Some(attributes) => attributes.get(name).map_or(Known::Absent, |value| Known::Is(value.as_str())),
    }
}

/// Why a condition is not true, one sentence for each part that is to blame; empty if it is true.
///
/// Of a condition that is false those parts are named that make it so, of one that is unknown those that are.
pub(crate) fn blame(condition: &Condition, scene: &Scene<'_>) -> Vec<String> {
    let mut sentences = Vec::new();
    match truth(condition, scene) {
        Truth::True => {}
        missed => collect(condition, missed, "", scene, &mut sentences),
    }
    sentences
}

/// The parts of a condition that make it what it is. `word` is "not " below an odd number of negations.
fn collect(condition: &Condition, is: Truth, word: &str, scene: &Scene<'_>, sentences: &mut Vec<String>) {
    match condition {
        Condition::All(inner) | Condition::Any(inner) if !inner.is_empty() => {
            for part in inner.iter().filter(|part| truth(part, scene) == is) {
                collect(part, is, word, scene, sentences);
            }
        }
        Condition::Not(inner) => {
            let word = if word.is_empty() { "not " } else { "" };
            collect(inner, is.opposite(), word, scene, sentences);
        }
        part => sentences.push(format!("{word}{part}: {}", found(part, scene))),
    }
}

/// What is there instead of what a single condition asks for.
fn found(condition: &Condition, scene: &Scene<'_>) -> String {
    let value = |fact: Known<&str>, name: &str| match fact {
        Known::Is(value) => format!("it is {}", quoted(value)),
        Known::Absent => "there is none".to_owned(),
        Known::Unknown => format!("`{name}` is not known here"),
    };
    match condition {
        Condition::All(_) | Condition::Any(_) | Condition::Not(_) => "by definition".to_owned(),
        Condition::Text(field, _) => value(scene.text(*field), field.fact()),
        Condition::Container(_) => {
            let kind = scene.call().container_type.map(|kind| kind.name());
            value(kind.into(), "container.type")
        }
        Condition::Label(key, _) => {
            let marked = scene.entries().get(key).is_some_and(|entry| entry.secret);
            match scene.label(key) {
                Known::Is(value) if marked || scene.call().host.is_secret(value) => {
                    "its value, from a file, is not shown".to_owned()
                }
                fact => value(fact, "task.labels"),
            }
        }
        // Frameworks pass passwords in variables: their values are not repeated.
        Condition::Variable(name, _) => match variable(name, scene) {
            Known::Is(_) => "it is there, its value is not shown".to_owned(),
            fact => value(fact, "env"),
        },
        Condition::Attribute(test) => value(attribute(test.name(), scene), "agent.attributes"),
        Condition::Resource(test) => match scene.resource(test.name()) {
            Known::Is(Ok(amount)) => format!("it is {amount}"),
            Known::Is(Err(listed)) => format!("it is {}, no amount", quoted(listed)),
            Known::Absent => "there is none".to_owned(),
            Known::Unknown => "resources are not known here".to_owned(),
        },
    }
}
