//! The configuration written out again, as a file that gives the same settings.

use std::fmt;

use toml::{Table, Value};

use crate::checked::{Config, Rule};
use crate::rule_written;

impl fmt::Display for Config {
    /// An `apportion.toml` that gives these settings, defaults included.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rlimit = |limit: &apportion_isolation::Rlimit| {
            let value =
                limit.numbers().map_or("unlimited".to_owned(), |(soft, hard)| format!("{soft}:{hard}"));
            (limit.kind().name().to_owned(), Value::String(value))
        };
        let drills = self.drill.panic_in.iter().map(|name| Value::String((*name).to_owned())).collect();
        write!(f, "[allocator]\nseed = {}\n", self.allocator.seed)?;
        writeln!(f, "explain_offers = {}", self.allocator.explain_offers)?;
        writeln!(f, "order = \"{}\"", self.allocator.order.name())?;
        let allowed = self.hook.agent_environment.iter().cloned().map(Value::String).collect();
        let endpoint = Value::String(self.hook.endpoint.name().to_owned());
        let hook =
            [("agent_environment".to_owned(), Value::Array(allowed)), ("endpoint".to_owned(), endpoint)];
        section(f, "hook", Table::from_iter(hook))?;
        section(f, "hook.environment", rules(&self.hook.environment))?;
        section(f, "hook.labels", rules(&self.hook.labels))?;
        section(f, "isolator.environment", rules(&self.isolator.environment))?;
        section(f, "isolator.rlimits", self.isolator.rlimits.iter().map(rlimit).collect())?;
        section(f, "drill", Table::from_iter([("panic_in".to_owned(), Value::Array(drills))]))?;
        self.hook
            .rules
            .iter()
            .try_for_each(|rule| write!(f, "\n[[hook.rules]]\n{}", rule_written::table(rule)))
    }
}

fn rules(rules: &[Rule]) -> Table {
    rules.iter().map(|rule| (rule.name.clone(), Value::String(rule.template.source().to_owned()))).collect()
}

/// One table under its header; an empty one has its header only.
fn section(f: &mut fmt::Formatter<'_>, header: &str, table: Table) -> fmt::Result {
    write!(f, "\n[{header}]\n{table}")
}
