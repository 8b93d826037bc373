//! A rehearsal as JSON, for programs. `apportion hooks test --help` describes it: its members stay as they are.

use apportion_policy::{Amount, Change, Entry, Explanation, Verdict};
use serde_json::{Map, Value, json};

use super::diff::Sort;
use super::rehearsal::{Asked, Outcome};

/// One point; of its rules those that `wanted` names, or all.
pub(super) fn point(asked: &Asked, wanted: &[String]) -> Value {
    let shown = |one: &&Explanation| {
        one.verdict != Verdict::NotHere && (wanted.is_empty() || wanted.contains(&one.rule))
    };
    let rules: Vec<Value> = asked.explanations.iter().filter(shown).map(|one| rule(one, asked)).collect();
    let notes = asked.notes.iter().filter(|note| note.rule.is_none()).map(|note| &note.text);
    json!({
        "at": asked.point.key(),
        "method": asked.point.name(),
        "rules": rules,
        "result": result(&asked.result),
        "notes": notes.collect::<Vec<_>>(),
    })
}

fn rule(one: &Explanation, asked: &Asked) -> Value {
    let (verdict, why) = verdict(&one.verdict);
    let amounts = one.amounts.iter().map(|change| {
        json!({
            "resource": change.resource,
            "before": number(change.before),
            "wanted": number(change.wanted),
            "after": number(change.after),
        })
    });
    let audit = one.audits.iter().map(|line| {
        let fields: Map<String, Value> =
            line.fields.iter().map(|(name, value)| (name.clone(), value.clone().into())).collect();
        json!({ "file": line.file, "fields": fields })
    });
    let commands = one
        .commands
        .iter()
        .map(|command| json!({ "argv": command.argv, "timeout_seconds": command.timeout_seconds }));
    let notes =
        asked.notes.iter().filter(|note| note.rule.as_ref() == Some(&one.rule)).map(|note| &note.text);
    json!({
        "rule": one.rule,
        "verdict": verdict,
        "why": why,
        "changes": one.changes.iter().map(change).collect::<Vec<_>>(),
        "amounts": amounts.collect::<Vec<_>>(),
        "audit": audit.collect::<Vec<_>>(),
        "commands": commands.collect::<Vec<_>>(),
        "notes": notes.collect::<Vec<_>>(),
    })
}

fn verdict(verdict: &Verdict) -> (&'static str, Vec<String>) {
    match verdict {
        Verdict::Matched => ("matched", Vec::new()),
        Verdict::NotMatched(why) => ("not_matched", why.clone()),
        Verdict::NotKnownHere(why) => ("not_known_here", why.clone()),
        Verdict::NotHere => ("not_here", Vec::new()),
        Verdict::Disabled => ("disabled", Vec::new()),
        Verdict::SwitchedOff => ("switched_off", Vec::new()),
        Verdict::Fault(reason) => ("fault", vec![reason.clone()]),
    }
}

fn change(change: &Change) -> Value {
    let value = |entry: &Option<Entry>| entry.as_ref().and_then(|entry| entry.shown().map(str::to_owned));
    json!({
        "name": &*change.name,
        "kind": Sort::of(change).name(),
        "before": value(&change.before),
        "after": value(&change.after),
    })
}

fn result(outcome: &Outcome) -> Value {
    match outcome {
        Outcome::Event => Value::Null,
        Outcome::Entries { entries, changes } => {
            let sort = |entry: &Entry| {
                changes.iter().find(|change| change.name == entry.name).map_or(Sort::Same, Sort::of)
            };
            let all = entries.iter().map(
                |entry| json!({ "name": &*entry.name, "value": entry.shown(), "change": sort(entry).name() }),
            );
            let gone = changes.iter().filter(|change| change.after.is_none()).map(|change| &*change.name);
            json!({ "entries": all.collect::<Vec<_>>(), "removed": gone.collect::<Vec<_>>() })
        }
        Outcome::Amounts { after, .. } => {
            let amounts: Map<String, Value> =
                after.iter().map(|(name, amount)| (name.clone(), number(*amount))).collect();
            json!({ "amounts": amounts })
        }
    }
}

/// An amount as a number: as written, so that no digit is lost on the way.
fn number(amount: Amount) -> Value {
    let text = amount.to_string();
    let whole = text.parse::<i64>().map(Value::from);
    whole.or_else(|_| text.parse::<f64>().map(Value::from)).unwrap_or(Value::String(text))
}
