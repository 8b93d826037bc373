//! What hook and isolator changed in a task: taken from the task's own output and from the agent's state page.

use std::collections::BTreeMap;

use serde_json::Value;

/// What the inspected task runs: it shows its environment and its limits, then waits to be stopped.
pub(super) const COMMAND: &str = "env; echo; \
    echo \"open files, soft limit: $(ulimit -Sn)\"; \
    echo \"open files, hard limit: $(ulimit -Hn)\"; \
    echo \"that is all\"; exec sleep infinity";
/// The last line of its output.
const LAST_LINE: &str = "that is all";
/// A label that its framework gives it.
pub(super) const OWN_LABEL: (&str, &str) = ("tier", "front");
/// A variable that its framework gives it.
pub(super) const OWN_VARIABLE: (&str, &str) = ("GREETING", "hello");

/// What the task saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Output {
    variables: BTreeMap<String, String>,
    soft_limit: Option<String>,
    hard_limit: Option<String>,
}

impl Output {
    /// Reads the task's standard output; `None` until it is complete.
    pub(super) fn parse(text: &str) -> Option<Output> {
        if !text.lines().any(|line| line == LAST_LINE) {
            return None;
        }
        let after = |start: &str| text.lines().find_map(|line| line.strip_prefix(start)).map(str::to_owned);
        let pairs = text.lines().take_while(|line| !line.is_empty()).filter_map(|line| line.split_once('='));
        Some(Output {
            variables: pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            soft_limit: after("open files, soft limit: "),
            hard_limit: after("open files, hard limit: "),
        })
    }
}

/// What the agent's state page says of a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    container: String,
    labels: BTreeMap<String, String>,
}

impl Record {
    /// Finds a task in an agent's state page.
    pub(super) fn find(state: &Value, framework_id: &str, task_id: &str) -> Option<Record> {
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let framework = list(&state["frameworks"]).into_iter().find(|entry| entry["id"] == framework_id)?;
        let executors = list(&framework["executors"]);
        executors.iter().find_map(|executor| {
            let task = list(&executor["tasks"]).into_iter().find(|task| task["id"] == task_id)?;
            let label = |label: &Value| {
                Some((
                    label["key"].as_str()?.to_owned(),
                    label["value"].as_str().unwrap_or_default().to_owned(),
                ))
            };
            Some(Record {
                container: executor["container"].as_str()?.to_owned(),
                labels: list(&task["labels"]).iter().filter_map(label).collect(),
            })
        })
    }
}

/// What the task is to have.
#[derive(Debug, Clone)]
pub(super) struct Expected<'a> {
    /// Its framework's role.
    pub(super) role: &'a str,
    /// Its framework's name.
    pub(super) framework: &'a str,
    /// Its own name.
    pub(super) task: &'a str,
    /// Rack of its agent.
    pub(super) rack: &'a str,
    /// Zone of its agent.
    pub(super) zone: &'a str,
    /// Soft and hard limit of open files.
    pub(super) open_files: (u64, u64),
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    /// What and which value was found.
    pub(super) text: String,
    /// Who made it so.
    pub(super) by: &'static str,
    /// Whether it is as expected.
    pub(super) passed: bool,
}

/// Compares what the task saw and what the agent says of it with what is expected.
pub(super) fn findings(output: &Output, record: &Record, expected: &Expected<'_>) -> Vec<Finding> {
    let variable =
        |name: &str, wanted: &str, by| compare(&format!("${name}"), output.variables.get(name), wanted, by);
    let label =
        |key: &str, wanted: &str, by| compare(&format!("label {key}"), record.labels.get(key), wanted, by);
    let (soft, hard) = (expected.open_files.0.to_string(), expected.open_files.1.to_string());
    vec![
        variable("APPORTION_ROLE", expected.role, "hook: {{ framework.role }}"),
        variable("APPORTION_TASK", expected.task, "hook: {{ task.name }}"),
        variable("ZONE", expected.zone, "hook: {{ agent.attributes.zone }}"),
        variable("APPORTION_CONTAINER", &record.container, "isolator: {{ container.id }}"),
        compare("ulimit -Sn", output.soft_limit.as_ref(), &soft, "isolator: nofile, soft"),
        compare("ulimit -Hn", output.hard_limit.as_ref(), &hard, "isolator: nofile, hard"),
        label("rack", expected.rack, "hook: {{ agent.attributes.rack }}"),
        label("origin", &expected.framework.to_uppercase(), "hook: {{ framework.name | upper }}"),
        label(OWN_LABEL.0, OWN_LABEL.1, "the framework's own, kept"),
        variable(OWN_VARIABLE.0, OWN_VARIABLE.1, "the framework's own, kept"),
    ]
}

fn compare(what: &str, found: Option<&String>, wanted: &str, by: &'static str) -> Finding {
    let passed = found.is_some_and(|found| found == wanted);
    let text = match found {
        Some(found) if passed => format!("{what} = {found}"),
        Some(found) => format!("{what} = {found}, expected {wanted}"),
        None => format!("{what} is missing, expected {wanted}"),
    };
    Finding { text, by, passed }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const TEXT: &str = "APPORTION_ROLE=web\nAPPORTION_TASK=shop-1\nZONE=north\nAPPORTION_CONTAINER=c-1\n\
        GREETING=hello\nPATH=/bin\n\nopen files, soft limit: 768\nopen files, hard limit: 1536\nthat is all\n";

    fn state() -> Value {
        let labels = json!([
            {"key": "tier", "value": "front"},
            {"key": "rack", "value": "r1"},
            {"key": "origin", "value": "SHOP"},
        ]);
        json!({"frameworks": [{"id": "f", "executors": [
            {"container": "c-0", "tasks": [{"id": "shop-0"}]},
            {"container": "c-1", "tasks": [{"id": "shop-1", "labels": labels}]},
        ]}]})
    }

    fn expected() -> Expected<'static> {
        Expected {
            role: "web",
            framework: "shop",
            task: "shop-1",
            rack: "r1",
            zone: "north",
            open_files: (768, 1536),
        }
    }

    #[test]
    fn task_that_saw_everything_passes() {
        let record = Record::find(&state(), "f", "shop-1").unwrap();
        let findings = findings(&Output::parse(TEXT).unwrap(), &record, &expected());
        assert_eq!(findings.len(), 10);
        assert!(findings.iter().all(|finding| finding.passed), "{findings:?}");
    }

    #[test]
    fn every_missing_value_is_a_failed_finding() {
        let nothing = Output::parse("\nthat is all\n").unwrap();
        let record = Record::find(&state(), "f", "shop-0").unwrap();
        let findings = findings(&nothing, &record, &expected());
        assert!(findings.iter().all(|finding| !finding.passed), "{findings:?}");
        assert_eq!(findings[0].text, "$APPORTION_ROLE is missing, expected web");
    }

    #[test]
    fn other_value_is_shown_with_the_expected_one() {
        let output = Output::parse(&TEXT.replace("soft limit: 768", "soft limit: 1024")).unwrap();
        let record = Record::find(&state(), "f", "shop-1").unwrap();
        let findings = findings(&output, &record, &expected());
        let failed: Vec<&Finding> = findings.iter().filter(|finding| !finding.passed).collect();
        assert_eq!(failed.len(), 1);
        assert_eq!(failed[0].text, "ulimit -Sn = 1024, expected 768");
    }

    #[test]
    fn unfinished_output_is_not_judged() {
        assert_eq!(Output::parse("APPORTION_ROLE=web\n"), None);
    }

    #[test]
    fn task_of_another_framework_is_not_found() {
        assert_eq!(Record::find(&state(), "g", "shop-1"), None);
        assert_eq!(Record::find(&json!(null), "f", "shop-1"), None);
    }
}
