//! The keys of `[hook]`, `[isolator]`, `[lending]` and `[eviction]` and of their rules, as they are read and as they are
//! documented.
//!
//! The reader takes a key that stands here and refuses every other one; the references are made of the same rows. Each
//! row has an example, and a test reads it: a key cannot be read and not documented, or documented and not read.

/// A key of a table in the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SchemaKey {
    /// Its name.
    pub key: &'static str,
    /// What may stand there.
    pub value: &'static str,
    /// What it is for, one line of Markdown.
    pub meaning: &'static str,
    /// A value as it may stand in a file.
    pub example: &'static str,
}

/// A table with its keys, in the order in which they are explained; actions in the order in which they are done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SchemaTable {
    /// Path of the table, such as `hook.rules.environment`.
    pub path: &'static str,
    /// Its keys.
    pub keys: &'static [SchemaKey],
}

impl SchemaTable {
    /// The table of this path, if its keys are fixed.
    pub fn at(path: &str) -> Option<&'static SchemaTable> {
        let all = HOOK_SCHEMA.iter().chain(&ISOLATOR_SCHEMA).chain(&TWINS).chain(&LENDING_SCHEMA);
        all.into_iter().find(|table| table.path == path)
    }

    /// Whether it has a key of this name.
    pub fn has(&self, key: &str) -> bool {
        self.keys.iter().any(|known| known.key == key)
    }
}

mod isolator;
mod lending;

pub use isolator::ISOLATOR_SCHEMA;
use isolator::TWINS;
pub(crate) use isolator::{CONTAINER_RULES, LIMITS, RULE_LIMITS};
pub use lending::LENDING_SCHEMA;
pub(crate) use lending::{BACK_OFF, BORROWERS, EVICTION, LENDERS, LENDING, ROLE_LIMITS};

/// Path of the rules of the hook.
pub(crate) const RULES: &str = "hook.rules";

const fn row(
    key: &'static str,
    value: &'static str,
    meaning: &'static str,
    example: &'static str,
) -> SchemaKey {
    SchemaKey { key, value, meaning, example }
}

const PATTERN: &str = "a pattern, or a list of which one must match";
const TEMPLATES: &str = "names with values";
const AMOUNTS: &str = "resources with amounts";

/// What the rules of hook and isolator ask for before they act.
const MATCH: &[SchemaKey] = &[
    row("role", PATTERN, "role that the launch is allocated to", r#""prod/**""#),
    row("framework", PATTERN, "name of the framework", r#"["marathon*", "/^spark-/"]"#),
    row("framework_id", PATTERN, "id of the framework", r#""*-0001""#),
    row("principal", PATTERN, "principal of the framework", r#""ops""#),
    row(
        "user",
        PATTERN,
        "user of the framework; in rules of the isolator the one that the container runs as, `container.user`",
        r#""web""#,
    ),
    row("task", PATTERN, "name of the task", r#""web-*""#),
    row("task_id", PATTERN, "id of the task", r#""web-1""#),
    row("executor", PATTERN, "name of the executor", r#""*""#),
    row("executor_id", PATTERN, "id of the executor", r#""web-1""#),
    row("hostname", PATTERN, "host name of the agent", r#""*.r1.example""#),
    row("image", PATTERN, "image of the container", r#""registry.example/*:latest""#),
    row(
        "container",
        "`none`, `mesos` or `docker`, or a list of them",
        "what the container is run by; `none`: the task asks for no container of its own",
        r#""docker""#,
    ),
    row(
        "labels",
        "keys with `true` (is there), `false` (is not there), a pattern or a list of patterns",
        "labels of the task, or where none is known of the executor; where labels are decorated, as earlier rules left them",
        r#"{ tier = ["front", "edge"], "com.example/canary" = false }"#,
    ),
    row(
        "environment",
        "names, as for `labels`",
        "variables of the task's command, or where no task is known of the executor's; where an environment is decorated, as earlier rules left it",
        "{ JAVA_OPTS = true }",
    ),
    row(
        "attributes",
        "a test, or a list of which all must hold",
        "attributes of the agent",
        r#"["rack = 3", "ssd"]"#,
    ),
    row(
        "resources",
        "a test, or a list of which all must hold",
        "resources of the task, or where none is known of the executor; at `agent_resources`, `agent_attributes` and `agent_lost` of the agent, in rules of the isolator of the container; what is not there counts as 0",
        r#"["cpus > 0.5", "gpus"]"#,
    ),
    row(
        "all",
        "a list of tables with these keys",
        "every one of them holds",
        r#"[{ role = "a" }, { user = "b" }]"#,
    ),
    row(
        "any",
        "a list of tables with these keys",
        "at least one of them holds",
        r#"[{ role = "a" }, { user = "b" }]"#,
    ),
    row("not", "a table with these keys", "it does not hold", r#"{ role = "a" }"#),
];

/// Labels of tasks and of status updates take the same actions.
const LABEL_ACTIONS: &[SchemaKey] = &[
    row("remove", "a list of keys or globs", "labels that go, all of such a key", r#"["tmp.*"]"#),
    row("set", TEMPLATES, "labels that get a value, whatever is there", r#"{ team = "payments" }"#),
    row("default", TEMPLATES, "labels that get a value if there is none of that key", r#"{ team = "none" }"#),
];

/// Every table of the hook with fixed keys.
pub const HOOK_SCHEMA: [SchemaTable; 11] = [
    SchemaTable {
        path: "hook",
        keys: &[
            row(
                "agent_environment",
                "a list of names",
                "variables of the Mesos process that values can read as `agent.environment.<name>`; none unless named",
                r#"["SITE"]"#,
            ),
            row(
                "endpoint",
                "`auto`, `off`, `master` or `agent`",
                "whose authentication guards the HTTP endpoint, if there is one; default: `auto`, by the program's name",
                r#""master""#,
            ),
            row(
                "environment",
                TEMPLATES,
                "in short: each name is a rule of its own that always applies and sets a default of this variable",
                r#"{ SITE = "berlin" }"#,
            ),
            row(
                "labels",
                TEMPLATES,
                "in short: each name is a rule of its own that always applies and sets this label",
                r#"{ site = "berlin" }"#,
            ),
            row(
                "rules",
                "tables, each under `[[hook.rules]]`",
                "rules, tried in the order of the file, behind those in short",
                r#"[{ name = "a", labels.set.a = "1" }]"#,
            ),
        ],
    },
    SchemaTable {
        path: RULES,
        keys: &[
            row(
                "name",
                "text",
                "how messages and counters call the rule; required, no two alike",
                r#""team labels""#,
            ),
            row(
                "at",
                "a list of points",
                "where it acts; default: wherever one of its actions can take effect",
                r#"["agent_labels"]"#,
            ),
            row("enabled", "`true` or `false`", "whether it acts at all; default: `true`", "false"),
            row(
                "unsafe_env",
                "`true` or `false`",
                "whether it may touch guarded variables; default: `false`",
                "true",
            ),
            row("match", "a table", "when it acts; without it always", r#"{ role = "prod" }"#),
            row(
                "environment",
                "a table",
                "what becomes of environment variables",
                r#"{ set = { A = "1" } }"#,
            ),
            row("labels", "a table", "what becomes of a task's labels", r#"{ set = { a = "1" } }"#),
            row(
                "task_resources",
                "a table",
                "what becomes of a task's resources",
                "{ minimum = { mem = 64 } }",
            ),
            row(
                "agent",
                "a table",
                "what becomes of an agent's attributes and resources",
                "{ reserve = { mem = 64 } }",
            ),
            row(
                "status_labels",
                "a table",
                "what becomes of a status update's labels",
                r#"{ set = { a = "1" } }"#,
            ),
            row("audit", "a table", "a line in a file for each event", r#"{ file = "/var/log/a.jsonl" }"#),
            row("command", "a table", "a program for each event", r#"{ argv = ["/bin/true"] }"#),
        ],
    },
    SchemaTable { path: "hook.rules.match", keys: MATCH },
    SchemaTable {
        path: "hook.rules.environment",
        keys: &[
            row("unset", "a list of names or globs", "variables that go", r#"["TMP_*"]"#),
            row(
                "rename",
                "old names with new names",
                "variables that get another name, in the place of one that has it; what is not there is left alone",
                r#"{ JVM_ARGS = "JAVA_ARGS" }"#,
            ),
            row("set", TEMPLATES, "variables that get a value, whatever is there", r#"{ SITE = "berlin" }"#),
            row(
                "default",
                TEMPLATES,
                "variables that get a value if they are not there",
                r#"{ TZ = "UTC" }"#,
            ),
            row(
                "prepend",
                "names with values, or with `{ value = …, separator = … }`",
                "variables whose value gets more in front; where nothing or an empty value is there, it is all of it",
                r#"{ CLASSPATH = { value = "/opt/lib", separator = ":" } }"#,
            ),
            row(
                "append",
                "names with values, or with `{ value = …, separator = … }`",
                "variables whose value gets more behind; the separator is one space unless it says otherwise",
                r#"{ JAVA_OPTS = "-Xmx1g" }"#,
            ),
        ],
    },
    SchemaTable { path: "hook.rules.labels", keys: LABEL_ACTIONS },
    SchemaTable {
        path: "hook.rules.task_resources",
        keys: &[
            row("default", AMOUNTS, "amounts of what the task has nothing of", "{ disk = 64 }"),
            row(
                "minimum",
                AMOUNTS,
                "least amounts of what the task has some of, a default included",
                "{ mem = 64 }",
            ),
            row("round", AMOUNTS, "steps: what the task has is rounded up to a multiple", "{ mem = 32 }"),
            row(
                "maximum",
                AMOUNTS,
                "largest amounts; they have the last word, also over rounding",
                "{ cpus = 8.5 }",
            ),
        ],
    },
    SchemaTable {
        path: "hook.rules.agent",
        keys: &[
            row(
                "attributes",
                TEMPLATES,
                "attributes of the agent, whatever is there",
                r#"{ rack = "file:/etc/rack" }"#,
            ),
            row(
                "reserve",
                "resources with amounts, or percentages as text (`\"5%\"`)",
                "taken off what the agent has before it offers it; a percentage is of what earlier rules left",
                r#"{ cpus = 0.5, mem = "5%" }"#,
            ),
        ],
    },
    SchemaTable { path: "hook.rules.status_labels", keys: LABEL_ACTIONS },
    SchemaTable {
        path: "hook.rules.audit",
        keys: &[
            row(
                "file",
                "an absolute path",
                "where the line goes, at the end; required",
                r#""/var/log/a.jsonl""#,
            ),
            row(
                "fields",
                TEMPLATES,
                "fields beside those of every line; no `file:`",
                r#"{ host = "{{ agent.hostname }}" }"#,
            ),
        ],
    },
    SchemaTable {
        path: "hook.rules.command",
        keys: &[
            row(
                "argv",
                "a list: the program by its absolute path, then its arguments",
                "what is run; arguments are values, no `file:`; required",
                r#"["/usr/local/bin/notify", "{{ executor.id }}"]"#,
            ),
            row("timeout_seconds", "a whole number", "how long it may run", "10"),
        ],
    },
    SchemaTable {
        path: "hook.rules.environment.append",
        keys: &[
            row("value", "a value", "what is added", r#""-Xmx1g""#),
            row(
                "separator",
                "text",
                "what stands between it and what is there; default: one space",
                r#"":""#,
            ),
        ],
    },
];

#[cfg(test)]
mod tests {
    use toml::Value;

    use super::{HOOK_SCHEMA, RULES, SchemaKey, SchemaTable};
    use crate::Config;

    /// A file with one key, and what it needs beside it.
    fn file(table: &SchemaTable, row: Option<&SchemaKey>) -> String {
        let own = row.map(|row| format!("{} = {}\n", row.key, row.example)).unwrap_or_default();
        let has = |key: &str| row.is_some_and(|row| row.key == key);
        let head = "[[hook.rules]]\nname = \"r\"\nlabels.set.x = \"1\"\naudit.file = \"/a\"\n";
        match table.path {
            "hook" => format!("[hook]\n{own}"),
            RULES if has("name") => format!("[[hook.rules]]\n{own}labels.set.x = \"1\"\n"),
            RULES if has("unsafe_env") => {
                format!("[[hook.rules]]\nname = \"r\"\n{own}environment.set.PATH = \"/a\"\n")
            }
            RULES if has("labels") => format!("[[hook.rules]]\nname = \"r\"\n{own}"),
            RULES if has("audit") => format!("[[hook.rules]]\nname = \"r\"\n{own}"),
            RULES if has("at") => format!("[[hook.rules]]\nname = \"r\"\n{own}labels.set.x = \"1\"\n"),
            RULES => format!("[[hook.rules]]\nname = \"r\"\nlabels.set.x = \"1\"\n{own}"),
            "hook.rules.labels" => {
                format!("[[hook.rules]]\nname = \"r\"\naudit.file = \"/a\"\n[hook.rules.labels]\n{own}")
            }
            "hook.rules.match" => {
                format!("[[hook.rules]]\nname = \"r\"\nlabels.set.x = \"1\"\n[hook.rules.match]\n{own}")
            }
            "hook.rules.audit" if !has("file") => {
                format!("[[hook.rules]]\nname = \"r\"\n[hook.rules.audit]\nfile = \"/a\"\n{own}")
            }
            "hook.rules.audit" => format!("[[hook.rules]]\nname = \"r\"\n[hook.rules.audit]\n{own}"),
            "hook.rules.command" if !has("argv") => {
                format!("{head}[hook.rules.command]\nargv = [\"/b\"]\n{own}")
            }
            "hook.rules.environment.append" => {
                let value = if has("value") { "" } else { "value = \"v\"\n" };
                format!("{head}[hook.rules.environment.append.A]\n{value}{own}")
            }
            path => format!("{head}[{path}]\n{own}"),
        }
    }

    /// What a configuration that is written out again has for a key.
    fn written(config: &Config, table: &SchemaTable, key: &str) -> Option<Value> {
        let all: toml::Table = config.to_string().parse().unwrap();
        let hook = &all["hook"];
        let Some(below) = table.path.strip_prefix(RULES) else { return hook.get(key).cloned() };
        let mut place = &hook["rules"][0];
        for part in below.split('.').skip(1) {
            place = place.get(part)?;
        }
        match table.path {
            // Several conditions are written as `all`.
            "hook.rules.match" => within(place, key).cloned(),
            "hook.rules.environment.append" => place["A"].get(key).cloned(),
            _ => place.get(key).cloned(),
        }
    }

    /// The value of a key, at any depth.
    fn within<'v>(value: &'v Value, key: &str) -> Option<&'v Value> {
        match value {
            Value::Table(entries) => {
                entries.get(key).or_else(|| entries.values().find_map(|inner| within(inner, key)))
            }
            Value::Array(items) => items.iter().find_map(|item| within(item, key)),
            _ => None,
        }
    }

    #[test]
    fn every_documented_key_is_read() {
        for table in HOOK_SCHEMA {
            for row in table.keys {
                let text = file(&table, Some(row));
                let config = Config::from_text(&text).unwrap_or_else(|problems| panic!("{text}\n{problems}"));
                let found = written(&config, &table, row.key);
                let example: toml::Table = format!("v = {}", row.example).parse().unwrap();
                let is_read = match (&found, &example["v"]) {
                    (None, _) => false,
                    (Some(Value::Table(entries)), _) => !entries.is_empty(),
                    (Some(Value::Array(items)), _) => !items.is_empty(),
                    // One text is written as a list, several tests one by one.
                    (Some(_), _) if table.path == "hook.rules.match" => true,
                    (Some(found), example) => found == example,
                };
                assert!(is_read, "{}.{}: {found:?}\n{text}", table.path, row.key);
            }
        }
    }

    #[test]
    fn every_row_is_one_line_of_a_table() {
        for row in HOOK_SCHEMA.iter().flat_map(|table| table.keys) {
            for cell in [row.value, row.meaning, row.example] {
                assert!(!cell.is_empty() && !cell.contains('\n'), "{row:?}");
            }
        }
    }

    #[test]
    fn a_key_that_is_not_documented_is_refused() {
        for table in HOOK_SCHEMA {
            let row = SchemaKey { key: "undocumented", value: "", meaning: "", example: "\"x\"" };
            let problems = Config::from_text(&file(&table, Some(&row))).unwrap_err().to_string();
            assert!(problems.contains("undocumented") && problems.contains("an unknown key"), "{problems}");
        }
    }
}
