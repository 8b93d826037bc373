//! The isolator's limits and rules written out again, as tables that give the same.

use apportion_cgroups::{Base, Bound, SwapPolicy, Version, Wish};
use apportion_isolation::{Breaches, Capability, ContainerRule, LaunchSettings, LimitChanges, Rlimit};
use apportion_policy::Condition;
use toml::{Table, Value};

use crate::quantities::{percentage, size};
use crate::rule_written::{condition, list, text};
use crate::words;

/// The control groups.
pub(crate) fn groups(wish: &Wish) -> Table {
    let below = match &wish.base {
        Base::Own => "own".to_owned(),
        Base::At(path) => path.display().to_string(),
    };
    let controllers = list(wish.controllers.iter().map(|controller| text(controller.name(Version::V2))));
    let name = text(&wish.name.to_string());
    Table::from_iter([("name", name), ("below", text(&below)), ("controllers", controllers)].map(owned))
}

/// The limits that say something.
pub(crate) fn limits(limits: &LimitChanges) -> Table {
    let part = |permille: u64| if permille == 0 { text("none") } else { text(&percentage(permille)) };
    let swap = |policy: SwapPolicy| match policy {
        SwapPolicy::None => text("none"),
        SwapPolicy::Unlimited => text("unlimited"),
        SwapPolicy::Permille(permille) => text(&percentage(permille)),
    };
    let breaches = |breaches: Breaches| {
        let named = [("memory", breaches.memory), ("pids", breaches.pids)];
        list(named.into_iter().filter(|(_, ends)| *ends).map(|(name, _)| text(name)))
    };
    let devices = limits.io.iter().map(|(device, changes)| {
        let ceilings = [
            ("read_bytes", changes.read_bytes.map(size_bound)),
            ("write_bytes", changes.write_bytes.map(size_bound)),
            ("reads", changes.reads.map(count_bound)),
            ("writes", changes.writes.map(count_bound)),
        ];
        (device.to_string(), Value::Table(there(ceilings)))
    });
    let hugepages =
        limits.hugepages.iter().map(|(pages, bound)| (pages.to_string(), size_bound(*bound))).collect();
    there([
        ("cpu_limit", limits.limit_cpus_to_request.map(|word| text(words::of(word, &words::CPU_LIMITS)))),
        ("cpu_period_us", limits.cpu_period_us.map(number)),
        ("cpu_burst", limits.cpu_burst_permille.map(part)),
        ("memory_floor", limits.memory_floor_bytes.map(|bytes| text(&size(bytes)))),
        (
            "memory_protection",
            limits.memory_protection.map(|word| text(words::of(word, &words::PROTECTIONS))),
        ),
        ("memory_high", limits.memory_high_permille.map(|permille| part(permille.unwrap_or(0)))),
        ("swap", limits.swap.map(swap)),
        ("pids", limits.pids.map(count_bound)),
        ("io_weight", limits.io_weight.map(|weight| number(weight.into()))),
        ("io", filled(devices.collect())),
        ("cpus", limits.cores.map(|word| text(words::of(word, &words::CORES)))),
        ("hugepages", filled(hugepages)),
        ("ends_on", limits.ends_on.map(breaches)),
    ])
}

/// Resource limits under their names.
pub(crate) fn rlimits(limits: &[Rlimit]) -> Table {
    let rlimit = |limit: &Rlimit| {
        let value = limit.numbers().map_or("unlimited".to_owned(), |(soft, hard)| format!("{soft}:{hard}"));
        (limit.kind().name().to_owned(), Value::String(value))
    };
    limits.iter().map(rlimit).collect()
}

/// The table of a rule. Tables inside it are values, so that it can stand below a header of its own.
pub(crate) fn rule(rule: &ContainerRule) -> String {
    let condition =
        (rule.condition != Condition::default()).then(|| Value::Table(condition(&rule.condition)));
    let head = there([
        ("name", Some(text(&rule.name))),
        ("enabled", Some(Value::Boolean(rule.enabled))),
        ("match", condition),
        ("refuse", rule.refuse.as_ref().map(|reason| text(reason.source()))),
        ("limits", filled(limits(&rule.limits))),
    ]);
    lines(head) + &lines(launch(&rule.launch))
}

/// The keys of a table, each on a line of its own.
pub(crate) fn lines(table: Table) -> String {
    table.into_iter().map(|(key, value)| format!("{key} = {value}\n")).collect()
}

fn launch(launch: &LaunchSettings) -> Table {
    let set = |set: &std::collections::BTreeSet<Capability>| list(set.iter().map(|one| text(&one.name())));
    let capabilities = there([
        ("effective", launch.effective_capabilities.as_ref().map(set)),
        ("bounding", launch.bounding_capabilities.as_ref().map(set)),
    ]);
    let read_only = list(launch.read_only.iter().map(|path| text(path)));
    let tmpfs = launch.tmpfs.iter().map(|(path, bytes)| (path.clone(), text(&size(*bytes)))).collect();
    there([
        ("rlimits", filled(rlimits(&launch.rlimits))),
        ("no_new_privileges", launch.no_new_privileges.map(Value::Boolean)),
        ("seccomp", launch.seccomp.as_deref().map(text)),
        ("capabilities", filled(capabilities)),
        ("read_only", (!launch.read_only.is_empty()).then_some(read_only)),
        ("tmpfs", filled(tmpfs)),
        ("umask", launch.umask.map(|umask| text(&format!("{umask:03o}")))),
        ("core_filter", launch.core_filter.map(|filter| text(&format!("{filter:#x}")))),
        ("oom_score_adjustment", launch.oom_score_adjustment.map(|score| Value::Integer(score.into()))),
    ])
}

fn owned((key, value): (&str, Value)) -> (String, Value) {
    (key.to_owned(), value)
}

/// Those keys that have a value.
pub(crate) fn there<const N: usize>(values: [(&str, Option<Value>); N]) -> Table {
    values.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect()
}

/// A table, if there is something in it.
pub(crate) fn filled(table: Table) -> Option<Value> {
    (!table.is_empty()).then_some(Value::Table(table))
}

fn size_bound(bound: Bound) -> Value {
    match bound {
        Bound::Unlimited => text("unlimited"),
        Bound::At(bytes) => text(&size(bytes)),
    }
}

fn count_bound(bound: Bound) -> Value {
    match bound {
        Bound::Unlimited => text("unlimited"),
        Bound::At(count) => number(count),
    }
}

/// A number as TOML has it: up to 63 bits.
fn number(number: u64) -> Value {
    Value::Integer(i64::try_from(number).unwrap_or(i64::MAX))
}
