//! The keys of `[lending]` and `[eviction]`.

use super::{SchemaKey, SchemaTable, row};

/// Path of the settings of lending.
pub(crate) const LENDING: &str = "lending";
/// Path of what becomes of frameworks that lose again and again.
pub(crate) const BACK_OFF: &str = "lending.back_off";
/// Path of the rules about lenders.
pub(crate) const LENDERS: &str = "lending.lenders";
/// Path of the rules about borrowers.
pub(crate) const BORROWERS: &str = "lending.borrowers";
/// Path of the limits of roles.
pub(crate) const ROLE_LIMITS: &str = "lending.limits";
/// Path of the settings of eviction.
pub(crate) const EVICTION: &str = "eviction";

const ROLES: &str = "a role or a glob, or a list of which one must match";
const BOUNDS: &str = "resources with amounts from 0, or with percentages up to 100%";

/// Every table of lending and eviction with fixed keys.
pub const LENDING_SCHEMA: [SchemaTable; 6] = [
    SchemaTable { path: LENDING, keys: LENDING_KEYS },
    SchemaTable {
        path: BACK_OFF,
        keys: &[
            row(
                "conflicts",
                "a whole number, 0 to 1000",
                "launches in a row that a framework loses before it waits; 0: it never does; default: 3",
                "5",
            ),
            row(
                "first",
                "a duration, 1ms to 24h",
                "how long it is offered nothing lent then; at most `most`; default: 2s",
                r#""1s""#,
            ),
            row("most", "a duration, 1ms to 24h", "how long at most; default: 1m", r#""5m""#),
        ],
    },
    SchemaTable {
        path: LENDERS,
        keys: &[
            row("roles", ROLES, "roles that the rule counts for; required", r#"["prod", "prod/**"]"#),
            row(
                "lend",
                "a list of `offered`, `reserved` and `guaranteed`",
                "which idle capacity of theirs; `[]`: none, whatever later rules say; default: all three",
                r#"["reserved", "guaranteed"]"#,
            ),
            row("to", ROLES, "roles that borrow it; default: every borrower", r#"["batch/**"]"#),
            row(
                "part",
                "a percentage from 0.1% to 100%",
                "how much of what is idle on each agent; default: 100%",
                r#""80%""#,
            ),
        ],
    },
    SchemaTable {
        path: BORROWERS,
        keys: &[
            row("roles", ROLES, "roles that the rule counts for; required", r#"["batch/**"]"#),
            row(
                "priority",
                "a whole number, 0 to 1000",
                "what is borrowed at a lower priority is lent at a higher one; the lowest is evicted first; default: 0",
                "10",
            ),
            row(
                "weight",
                "a number above 0 up to 1000000",
                "how much of what is borrowed is a fair share of such a role beside its siblings in the role tree; default: 1",
                "2.5",
            ),
        ],
    },
    SchemaTable {
        path: ROLE_LIMITS,
        keys: &[
            row(
                "lend",
                BOUNDS,
                "how much of its capacity is lent at the same time",
                r#"{ cpus = 100, mem = "10%" }"#,
            ),
            row("borrow", BOUNDS, "how much it has borrowed at the same time", "{ cpus = 50 }"),
        ],
    },
    SchemaTable { path: EVICTION, keys: EVICTION_KEYS },
];

const LENDING_KEYS: &[SchemaKey] = &[
    row(
        "resources",
        "a list of names",
        "which scalar resources may be lent; default: `cpus` and `mem`",
        r#"["cpus", "disk", "mem"]"#,
    ),
    row(
        "fan_out",
        "a whole number, 1 to 64",
        "how many frameworks see the same capacity at once; default: 2",
        "4",
    ),
    row(
        "slice",
        "resources with amounts above 0",
        "the most of each in one offer; default: everything free",
        r#"{ cpus = 4, mem = "8GiB" }"#,
    ),
    row(
        "min_idle",
        "a duration up to 24h",
        "how long capacity has to be idle before it is lent; default: 5s",
        r#""30s""#,
    ),
    row(
        "back_off",
        "a table",
        "how long a framework waits whose launches lose again and again",
        "{ conflicts = 5 }",
    ),
    row(
        "lenders",
        "tables, each under `[[lending.lenders]]`",
        "whose idle capacity is lent: the first that matches a role counts",
        r#"[{ roles = "prod/**" }]"#,
    ),
    row(
        "borrowers",
        "tables, each under `[[lending.borrowers]]`",
        "who is offered it: the first that matches a role counts",
        r#"[{ roles = "batch/**" }]"#,
    ),
    row(
        "limits",
        "roles, each with a table",
        "how much a role lends and borrows, together with everything inside it",
        "{ batch = { borrow = { cpus = 50 } } }",
    ),
];

const EVICTION_KEYS: &[SchemaKey] = &[
    row(
        "grace",
        "a duration up to 24h",
        "how long a victim may go on whose task has no label; at most `grace_most`; default: 0s",
        r#""10s""#,
    ),
    row(
        "grace_label",
        "text",
        "key of the task's label that asks for another time; default: `apportion_grace`",
        r#""grace""#,
    ),
    row("grace_most", "a duration up to 24h", "the most that a label gets; default: 1m", r#""5m""#),
    row(
        "check_every",
        "a duration, 1s to 1h",
        "how often the agent is looked at even if nothing woke the QoS controller; default: 15s",
        r#""1m""#,
    ),
];

#[cfg(test)]
mod tests {
    use toml::Value;

    use super::super::{SchemaKey, SchemaTable};
    use super::{BORROWERS, LENDERS, LENDING_SCHEMA, ROLE_LIMITS};
    use crate::Config;

    /// A file with one key, and what it needs beside it.
    fn file(table: &SchemaTable, row: &SchemaKey) -> String {
        let own = format!("{} = {}\n", row.key, row.example);
        let borrower = "[[lending.borrowers]]\nroles = \"a\"\n";
        let role = if row.key == "roles" { "" } else { "roles = \"b\"\n" };
        match (table.path, row.key) {
            ("lending", "lenders") => format!("[lending]\n{own}{borrower}"),
            ("lending", "resources") => format!("[lending]\n{own}"),
            (LENDERS, _) => format!("{borrower}[[lending.lenders]]\n{role}{own}"),
            (BORROWERS, _) => format!("[[lending.borrowers]]\n{role}{own}"),
            (ROLE_LIMITS, _) => format!("[lending.limits.batch]\n{own}"),
            (path, _) => format!("[{path}]\n{own}"),
        }
    }

    /// What a configuration that is written out again has for a key.
    fn written(config: &Config, table: &SchemaTable, key: &str) -> Option<Value> {
        let all: toml::Table = config.to_string().parse().unwrap();
        let role = (table.path == ROLE_LIMITS).then_some("batch");
        let mut place = Value::Table(all);
        for part in table.path.split('.').chain(role).chain([key]) {
            place = match place {
                Value::Array(items) => items.first()?.get(part)?.clone(),
                Value::Table(entries) => entries.get(part)?.clone(),
                _ => return None,
            };
        }
        Some(place)
    }

    #[test]
    fn every_documented_key_is_read() {
        for table in LENDING_SCHEMA {
            for row in table.keys {
                let text = file(&table, row);
                let config = Config::from_text(&text).unwrap_or_else(|problems| panic!("{text}\n{problems}"));
                let found = written(&config, &table, row.key);
                let example: toml::Table = format!("v = {}", row.example).parse().unwrap();
                let is_read = match (&found, &example["v"]) {
                    (None, _) => false,
                    // Defaults are written out beside them.
                    (Some(Value::Table(entries)), Value::Table(example)) => {
                        example.iter().all(|(key, value)| entries.get(key) == Some(value))
                    }
                    (Some(Value::Array(items)), Value::Array(example)) => items.len() == example.len(),
                    (Some(found), example) => found == example,
                };
                assert!(is_read, "{}.{}: {found:?}\n{text}\n{config}", table.path, row.key);
                assert_ne!(config, Config::default(), "the example is no default: {row:?}");
            }
        }
    }

    #[test]
    fn every_row_is_one_line_of_a_table() {
        for row in LENDING_SCHEMA.iter().flat_map(|table| table.keys) {
            for cell in [row.value, row.meaning, row.example] {
                assert!(!cell.is_empty() && !cell.contains('\n'), "{row:?}");
            }
        }
    }

    #[test]
    fn a_key_that_is_not_documented_is_refused() {
        for table in LENDING_SCHEMA {
            let row = SchemaKey { key: "undocumented", value: "", meaning: "", example: "\"x\"" };
            let problems = Config::from_text(&file(&table, &row)).unwrap_err().to_string();
            assert!(problems.contains("undocumented") && problems.contains("an unknown key"), "{problems}");
        }
    }
}
