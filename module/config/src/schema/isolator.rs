//! The keys of `[isolator]`.

use super::{MATCH, SchemaKey, SchemaTable, TEMPLATES, row};

/// Path of the rules about containers.
pub(crate) const CONTAINER_RULES: &str = "isolator.rules";
/// Path of what every container's group gets.
pub(crate) const LIMITS: &str = "isolator.limits";
/// Path of the same in a rule.
pub(crate) const RULE_LIMITS: &str = "isolator.rules.limits";

const SIZE_OR_UNLIMITED: &str = "a size, or `\"unlimited\"`";
const COUNT_OR_UNLIMITED: &str = "a whole number from 1, or `\"unlimited\"`";
const RLIMITS: &str = "names with a number, `\"soft:hard\"`, `\"unlimited\"` or `{ soft = …, hard = … }`";
const CAPABILITIES: &str = "a list of names, with `CAP_` in front or not";

/// What a container's group gets: for all of them, or in a rule.
const LIMIT_KEYS: &[SchemaKey] = &[
    row(
        "cpu_limit",
        "`limit` or `request`",
        "what a container gets at most that has no limit of CPUs: whatever is free, or its request; default: `limit`",
        r#""request""#,
    ),
    row(
        "cpu_period_us",
        "a whole number, 1000 to 1000000",
        "microseconds in which it may use its quota of CPU time; default: 100000",
        "50000",
    ),
    row(
        "cpu_burst",
        "a percentage up to 100%, or `none`",
        "part of its quota that it may save up for later periods; default: `none`",
        r#""20%""#,
    ),
    row(
        "memory_floor",
        "a size from 1MiB",
        "what it gets of memory at least, whatever it asked for; default: 32 MiB, as Mesos does",
        r#""64MiB""#,
    ),
    row(
        "memory_protection",
        "`none`, `low` or `min`",
        "how what it asked for is kept for it when the host is short of memory: not, unless nothing else is left, always; default: `low`",
        r#""min""#,
    ),
    row(
        "memory_high",
        "a percentage up to 100%, or `none`",
        "part of its limit of memory from which on it is slowed down; default: `none`; v2 only",
        r#""90%""#,
    ),
    row(
        "swap",
        "a percentage, `none` or `unlimited`",
        "swap space beside its memory, as a part of its limit; default: `unlimited`",
        r#""50%""#,
    ),
    row("pids", COUNT_OR_UNLIMITED, "processes and threads at most; default: `unlimited`", "4096"),
    row(
        "io_weight",
        "a whole number, 1 to 10000",
        "its weight against other containers at block devices; default: the kernel's, which is 100",
        "500",
    ),
    row(
        "io",
        "devices as `major:minor`, each with a table",
        "ceilings in a second for block devices",
        r#"{ "8:0" = { read_bytes = "10MiB" } }"#,
    ),
    row(
        "cpus",
        "`shared`, `whole_cores` or `one_node`",
        "which CPUs: all that nobody has for himself, whole cores of its own, or whole cores of one memory node; default: `shared`",
        r#""whole_cores""#,
    ),
    row(
        "hugepages",
        "sizes of pages as the kernel names them, each with a size or `\"unlimited\"`",
        "memory in huge pages at most; default: `unlimited`",
        r#"{ "2MB" = "64MiB" }"#,
    ),
    row(
        "ends_on",
        "a list of `memory` and `pids`",
        "what ends the container: that the kernel killed a process of it for want of memory, that it wanted more processes than it may have; default: both",
        r#"["memory"]"#,
    ),
];

/// Every table of the isolator with fixed keys.
pub const ISOLATOR_SCHEMA: [SchemaTable; 6] = [
    SchemaTable {
        path: "isolator",
        keys: &[
            row(
                "environment",
                TEMPLATES,
                "variables for every container's environment",
                r#"{ SITE = "berlin" }"#,
            ),
            row("rlimits", RLIMITS, "resource limits of every container's processes", "{ nofile = 1024 }"),
            row(
                "cgroups",
                "a table",
                "control groups for containers; without it they are neither limited nor watched",
                r#"{ name = "apportion" }"#,
            ),
            row("limits", "a table", "what every container's group gets", "{ pids = 4096 }"),
            row(
                "rules",
                "tables, each under `[[isolator.rules]]`",
                "rules about containers: all that match count, a later one wins",
                r#"[{ name = "a", umask = "027" }]"#,
            ),
        ],
    },
    SchemaTable {
        path: "isolator.cgroups",
        keys: &[
            row(
                "name",
                "text",
                "folder that all containers' groups are in, and nothing else; default: `apportion`",
                r#""containers""#,
            ),
            row(
                "below",
                "`own`, or a path from the top of the hierarchies",
                "where that folder is: in the agent's own group, or in the unit that was delegated to it, or in a group that exists; default: `own`",
                r#""/mesos.slice""#,
            ),
            row(
                "controllers",
                "a list of `cpu`, `memory`, `pids`, `io`, `cpuset`, `hugetlb`",
                "what must be there; a host that lacks one is refused; default: `cpu`, `memory` and `pids`",
                r#"["cpu", "memory", "pids", "io"]"#,
            ),
        ],
    },
    SchemaTable { path: LIMITS, keys: LIMIT_KEYS },
    SchemaTable {
        path: "isolator.limits.io",
        keys: &[
            row("read_bytes", SIZE_OR_UNLIMITED, "bytes read", r#""10MiB""#),
            row("write_bytes", SIZE_OR_UNLIMITED, "bytes written", r#""10MiB""#),
            row("reads", COUNT_OR_UNLIMITED, "reads", "100"),
            row("writes", COUNT_OR_UNLIMITED, "writes", "100"),
        ],
    },
    SchemaTable {
        path: CONTAINER_RULES,
        keys: &[
            row("name", "text", "how messages call the rule; required, no two alike", r#""batch""#),
            row("enabled", "`true` or `false`", "whether it counts at all; default: `true`", "false"),
            row("match", "a table", "which containers; without it all", r#"{ role = "batch/**" }"#),
            row(
                "refuse",
                "a template",
                "such a container is not launched; this is the reason, as its framework reads it",
                r#""{{ container.image }} is not allowed""#,
            ),
            row("limits", "a table", "what changes of what its group gets", "{ pids = 512 }"),
            row(
                "rlimits",
                RLIMITS,
                "resource limits of its processes, in place of those of the same name",
                "{ nofile = 1024 }",
            ),
            row(
                "no_new_privileges",
                "`true` or `false`",
                "whether programs are kept from gaining privileges when they are executed (set-user-ID bits)",
                "true",
            ),
            row(
                "seccomp",
                "an absolute path",
                "a file with the system calls it may make, in Docker's notation",
                r#""/etc/apportion/seccomp.json""#,
            ),
            row(
                "capabilities",
                "a table",
                "what its processes may do beyond what anybody may",
                r#"{ effective = [], bounding = ["KILL"] }"#,
            ),
            row("read_only", "a list of absolute paths", "what it can only read", r#"["/etc"]"#),
            row(
                "tmpfs",
                "absolute paths with sizes",
                "file systems in memory, empty at first",
                r#"{ "/tmp" = "64MiB" }"#,
            ),
            row(
                "umask",
                "octal digits up to `777`, as text",
                "permissions that new files do not get",
                r#""027""#,
            ),
            row(
                "core_filter",
                "hexadecimal digits up to `0x1ff`, as text",
                "which mappings a core dump holds: the bits of `/proc/<pid>/coredump_filter`",
                r#""0x33""#,
            ),
            row(
                "oom_score_adjustment",
                "a whole number, -1000 to 1000",
                "how readily the kernel kills its processes when the host is out of memory",
                "500",
            ),
        ],
    },
    SchemaTable {
        path: "isolator.rules.capabilities",
        keys: &[
            row("effective", CAPABILITIES, "those that processes have", r#"["NET_BIND_SERVICE"]"#),
            row("bounding", CAPABILITIES, "those that they can get at most", r#"["NET_BIND_SERVICE"]"#),
        ],
    },
];

/// The tables of a rule whose keys are those of another table.
pub(crate) const TWINS: [SchemaTable; 2] = [
    SchemaTable { path: "isolator.rules.match", keys: MATCH },
    SchemaTable { path: RULE_LIMITS, keys: LIMIT_KEYS },
];

#[cfg(test)]
mod tests {
    use toml::Value;

    use super::super::{SchemaKey, SchemaTable};
    use super::{CONTAINER_RULES, ISOLATOR_SCHEMA, TWINS};
    use crate::Config;

    fn tables() -> impl Iterator<Item = SchemaTable> {
        ISOLATOR_SCHEMA.into_iter().chain(TWINS)
    }

    /// A file with one key, and what it needs beside it.
    fn file(table: &SchemaTable, row: &SchemaKey) -> String {
        let own = format!("{} = {}\n", row.key, row.example);
        let groups = "[isolator.cgroups]\n";
        let all = format!(
            "{groups}controllers = [\"cpu\", \"memory\", \"pids\", \"io\", \"cpuset\", \"hugetlb\"]\n"
        );
        let rule = "[[isolator.rules]]\nname = \"r\"\n";
        match (table.path, row.key) {
            ("isolator", "cgroups") => format!("[isolator]\n{own}"),
            ("isolator", _) => format!("{groups}[isolator]\n{own}"),
            ("isolator.cgroups", _) => format!("{groups}{own}"),
            ("isolator.limits.io", _) => format!("{all}[isolator.limits.io.\"8:0\"]\n{own}"),
            (CONTAINER_RULES, "name") => format!("[[isolator.rules]]\n{own}umask = \"027\"\n"),
            (CONTAINER_RULES, "enabled" | "match" | "undocumented") => {
                format!("{rule}umask = \"027\"\n{own}")
            }
            (CONTAINER_RULES, _) => format!("{all}{rule}{own}"),
            ("isolator.rules.match", _) => format!("{rule}umask = \"027\"\n[isolator.rules.match]\n{own}"),
            ("isolator.rules.capabilities", _) => format!("{rule}[isolator.rules.capabilities]\n{own}"),
            ("isolator.rules.limits", _) => format!("{all}{rule}[isolator.rules.limits]\n{own}"),
            (path, _) => format!("{all}[{path}]\n{own}"),
        }
    }

    /// What a configuration that is written out again has for a key.
    fn written(config: &Config, table: &SchemaTable, key: &str) -> Option<Value> {
        let all: toml::Table = config.to_string().parse().unwrap();
        let mut place = Value::Table(all);
        for part in table.path.split('.').chain([key]) {
            place = match place {
                Value::Array(items) => items.first()?.get(part)?.clone(),
                Value::Table(entries) if part == "read_bytes" || part == "write_bytes" => {
                    entries.get("8:0")?.get(part)?.clone()
                }
                Value::Table(entries) if part == "reads" || part == "writes" => {
                    entries.get("8:0")?.get(part)?.clone()
                }
                // Several conditions are written as `all`.
                Value::Table(entries) => {
                    let inner = || entries.get("all")?.as_array()?.first()?.get(part);
                    entries.get(part).or_else(inner)?.clone()
                }
                _ => return None,
            };
        }
        Some(place)
    }

    #[test]
    fn every_documented_key_is_read() {
        for table in tables() {
            for row in table.keys {
                let text = file(&table, row);
                let config = Config::from_text(&text).unwrap_or_else(|problems| panic!("{text}\n{problems}"));
                let found = written(&config, &table, row.key);
                let example: toml::Table = format!("v = {}", row.example).parse().unwrap();
                let is_read = match (&found, &example["v"]) {
                    (None, _) => false,
                    // Conditions, limits and defaults have several notations.
                    (Some(Value::Table(entries)), _) => !entries.is_empty(),
                    (Some(Value::Array(items)), Value::Array(example)) => items.len() == example.len(),
                    (Some(_), _) if table.path == "isolator.rules.match" => true,
                    (Some(found), example) => found == example,
                };
                assert!(is_read, "{}.{}: {found:?}\n{text}\n{config}", table.path, row.key);
            }
        }
    }

    #[test]
    fn every_row_is_one_line_of_a_table() {
        for row in tables().flat_map(|table| table.keys) {
            for cell in [row.value, row.meaning, row.example] {
                assert!(!cell.is_empty() && !cell.contains('\n'), "{row:?}");
            }
        }
    }

    #[test]
    fn a_key_that_is_not_documented_is_refused() {
        for table in tables() {
            let row = SchemaKey { key: "undocumented", value: "", meaning: "", example: "\"x\"" };
            let problems = Config::from_text(&file(&table, &row)).unwrap_err().to_string();
            assert!(problems.contains("undocumented") && problems.contains("an unknown key"), "{problems}");
        }
    }
}
