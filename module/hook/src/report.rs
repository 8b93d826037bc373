//! What the module tells of itself: rules with their numbers, files, audit lines, commands.

use std::time::SystemTime;

use apportion_policy::{FileContents, RuleReport};
use serde_json::{Value, json};

use crate::remembered::Remembered;
use crate::rules::{Origin, RulesInForce};

/// Everything as one JSON object; nothing of what stands in files.
pub(crate) fn report(rules: &RulesInForce, remembered: &Remembered) -> Value {
    let (loaded, host) = rules.now();
    let rows = loaded.rules.report();
    let shown = |row: &RuleReport| {
        json!({
            "rule": row.rule,
            "at": row.point.key(),
            "method": row.point.name(),
            "enabled": row.enabled,
            "hits": row.hits,
            "faults": row.faults,
            "switched_off": row.switched_off,
            "last_fault": row.last_fault.as_deref().map(|fault| host.scrubbed(fault)),
        })
    };
    let files = host.files.iter().map(|(path, contents)| {
        let problem = match contents {
            FileContents::Text(_) => None,
            FileContents::Unreadable(reason) => Some(reason),
        };
        json!({ "file": path, "problem": problem })
    });
    let reloads = rules.reloads();
    let (audits, commands) = rules.reactions.report();
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "source": source(rules.origin()),
        "loaded_at": time(loaded.at),
        "reloads": {
            "succeeded": reloads.succeeded,
            "failed": reloads.failed,
            "last": reloads.last.map(|last| json!({ "at": time(last.at), "problem": last.problem })),
        },
        "rules": rows.iter().map(shown).collect::<Vec<_>>(),
        "files": files.collect::<Vec<_>>(),
        "audit": audits,
        "commands": commands,
        "remembered_launches": remembered.len(),
    })
}

/// What a successful reading again is answered with.
pub(crate) fn reloaded(rules: usize) -> Value {
    json!({ "reloaded": true, "rules": rules })
}

fn source(origin: &Origin) -> Value {
    match origin {
        Origin::File(path) => json!(path.to_string_lossy()),
        Origin::Parameters => Value::Null,
    }
}

fn time(at: SystemTime) -> String {
    humantime::format_rfc3339_millis(at).to_string()
}
