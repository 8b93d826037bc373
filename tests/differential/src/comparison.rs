//! Running a script twice and telling what differs.

use std::env;
use std::fmt::Write as _;
use std::panic::resume_unwind;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::thread;

use serde_json::Value;

use crate::cluster::{Cluster, Setting, Step};
use crate::metrics;

/// Which allocator a run has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Builtin,
    Ours,
}

/// A difference that is meant to be.
#[derive(Debug, Clone, Copy)]
pub struct Explained {
    /// Name of the step; empty for every step.
    pub step: &'static str,
    /// What the path of the difference begins with, as the failure message spells it; `*` stands for anything.
    pub path: &'static str,
    /// Name of the row of `docs/differences.md` that says why.
    pub row: &'static str,
}

impl Explained {
    fn explains(&self, difference: &Difference) -> bool {
        (self.step.is_empty() || self.step == difference.step) && matches(self.path, &difference.path)
    }
}

/// Whether a path begins as a pattern says.
fn matches(pattern: &str, path: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = path.strip_prefix(first) else { return false };
    parts.all(|part| match rest.split_once(part) {
        Some((_, after)) => {
            rest = after;
            true
        }
        None => false,
    })
}

#[derive(Debug)]
struct Difference {
    step: String,
    path: String,
    builtin: Value,
    ours: Value,
}

/// Characters of a value that are shown: the offers of a large cluster fill a book.
const SHOWN_MAX: usize = 2000;

/// One script at a time, with a master for each allocator: more of them would only make each other slow.
static SERIAL: Mutex<()> = Mutex::new(());

/// Runs a script under the built-in allocator and under ours, and compares what was seen after each step.
///
/// # Panics
/// With every difference that `explained` does not name; when it names one that is not there, or a row that
/// `docs/differences.md` does not have.
pub fn compare(name: &str, setting: Setting, explained: &[Explained], script: impl Fn(&mut Cluster) + Sync) {
    // A script that failed leaves nothing behind that another could stumble over.
    let _serial = SERIAL.lock().unwrap_or_else(PoisonError::into_inner);
    let stability = env::var("APPORTION_DIFFERENTIAL").is_ok_and(|value| value == "builtin");
    let run = |side: Side| {
        let mut cluster = Cluster::start(side, setting);
        script(&mut cluster);
        let record = cluster.into_record();
        keep(name, side, &record);
        record
    };
    let other = if stability { Side::Builtin } else { Side::Ours };
    // The two runs know nothing of each other, so they may go on at the same time.
    let (builtin, ours) = thread::scope(|scope| {
        let builtin = scope.spawn(|| run(Side::Builtin));
        let ours = run(other);
        (builtin.join().unwrap_or_else(|panic| resume_unwind(panic)), ours)
    });
    let explained = if stability { &[] } else { explained };
    judge(name, &differences(&builtin, &ours), explained);
    let names = |record: &[Step]| record.iter().map(|step| step.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&builtin), names(&ours), "both runs take the same steps");
}

fn judge(name: &str, differences: &[Difference], explained: &[Explained]) {
    let unexplained: Vec<&Difference> = differences
        .iter()
        .filter(|difference| !explained.iter().any(|entry| entry.explains(difference)))
        .collect();
    let mut report = String::new();
    for Difference { step, path, builtin, ours } in &unexplained {
        // Writing to a string cannot fail.
        let [builtin, ours] = [builtin, ours].map(shown);
        let _ = writeln!(report, "after '{step}', {path}:\n  built-in {builtin}\n  ours     {ours}");
    }
    assert!(unexplained.is_empty(), "{name}: {} differences\n{report}", unexplained.len());
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/differences.md");
    let document = std::fs::read_to_string(&document).expect("docs/differences.md");
    for entry in explained {
        assert!(
            document.contains(&format!("`{}`", entry.row)),
            "docs/differences.md has no row {}",
            entry.row
        );
    }
    for entry in explained {
        let there = differences.iter().any(|difference| entry.explains(difference));
        assert!(there, "{name}: the difference {entry:?} is gone; take it out here and from the document");
    }
}

/// A value as text; of a large one the beginning.
fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(SHOWN_MAX) {
        Some((end, _)) => format!("{} … ({} bytes)", &text[..end], text.len()),
        None => text,
    }
}

fn differences(builtin: &[Step], ours: &[Step]) -> Vec<Difference> {
    let mut found = Vec::new();
    for (left, right) in builtin.iter().zip(ours) {
        if left.name != right.name {
            // The step was chosen by what was seen before: that is the difference, and it is told already.
            break;
        }
        collect(&left.name, String::new(), &left.seen, &right.seen, &mut found);
    }
    found
}

fn collect(step: &str, path: String, builtin: &Value, ours: &Value, found: &mut Vec<Difference>) {
    match (builtin, ours) {
        (Value::Object(left), Value::Object(right)) => {
            for (key, value) in left {
                collect(step, format!("{path}/{key}"), value, right.get(key).unwrap_or(&Value::Null), found);
            }
            for (key, value) in right.iter().filter(|(key, _)| !left.contains_key(*key)) {
                let path = format!("{path}/{key}");
                if !path.starts_with(&format!("/metrics/{}", metrics::OWN)) {
                    collect(step, path, &Value::Null, value, found);
                }
            }
        }
        (Value::Array(left), Value::Array(right)) if left.len() == right.len() => {
            for (position, (left, right)) in left.iter().zip(right).enumerate() {
                collect(step, format!("{path}/{position}"), left, right, found);
            }
        }
        _ if builtin == ours => {}
        _ => found.push(Difference {
            step: step.to_owned(),
            path,
            builtin: builtin.clone(),
            ours: ours.clone(),
        }),
    }
}

/// Writes down what was seen, when asked for.
fn keep(name: &str, side: Side, record: &[Step]) {
    let Some(folder) = env::var_os("APPORTION_DIFFERENTIAL_RECORD") else { return };
    let steps: Vec<Value> =
        record.iter().map(|step| serde_json::json!({"step": step.name, "seen": step.seen})).collect();
    let path = Path::new(&folder).join(format!("{name}-{side:?}.json"));
    let text = serde_json::to_string_pretty(&steps).expect("a JSON text");
    std::fs::write(&path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn step(seen: Value) -> Vec<Step> {
        vec![Step { name: "only".to_owned(), seen }]
    }

    #[test]
    fn difference_is_told_with_its_path() {
        let found = differences(&step(json!({"a": [1, {"b": 2}]})), &step(json!({"a": [1, {"b": 3}]})));
        assert_eq!(found.len(), 1);
        assert_eq!((&*found[0].path, &found[0].builtin, &found[0].ours), ("/a/1/b", &json!(2), &json!(3)));
    }

    #[test]
    fn name_on_one_side_only_is_a_difference_unless_it_is_a_metric_of_our_own() {
        let found = differences(&step(json!({"a": 1})), &step(json!({"b": 1})));
        assert_eq!(found.len(), 2);
        let own = json!({"metrics": {format!("{}x", metrics::OWN): "1"}});
        assert!(differences(&step(json!({"metrics": {}})), &step(own)).is_empty());
    }

    #[test]
    fn pattern_matches_the_beginning_of_a_path() {
        assert!(matches("/results/*/text", "/results/3/text"));
        assert!(!matches("/results/*/text", "/results/3/status"));
        assert!(matches("", "/anything") && matches("/a", "/a/b") && !matches("/b", "/a/b"));
    }

    #[test]
    #[should_panic(expected = "1 differences")]
    fn unexplained_difference_fails() {
        judge("test", &differences(&step(json!({"a": 1})), &step(json!({"a": 2}))), &[]);
    }

    #[test]
    #[should_panic(expected = "has no row no-such-row")]
    fn explanation_without_a_row_fails() {
        let found = differences(&step(json!({"a": 1})), &step(json!({"a": 2})));
        judge("test", &found, &[Explained { step: "", path: "/a", row: "no-such-row" }]);
    }
}
