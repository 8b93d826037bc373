//! The configuration written out again, as a file that gives the same settings.

use std::fmt;

use toml::{Table, Value};

use crate::checked::{Config, Rule};
use crate::{container_written, lending_written, rule_written};

impl fmt::Display for Config {
    /// An `apportion.toml` that gives these settings, defaults included except those of containers' limits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
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
        section(f, "isolator.rlimits", container_written::rlimits(&self.isolator.rlimits))?;
        if let Some(wish) = &self.isolator.cgroups {
            section(f, "isolator.cgroups", container_written::groups(wish))?;
            // Tables inside it are values: they would need headers with the whole path.
            write!(
                f,
                "\n[isolator.limits]\n{}",
                container_written::lines(container_written::limits(&self.isolator.limits))
            )?;
        }
        // Tables inside these are values, too.
        let tables = [
            ("lending", lending_written::lending(&self.lending)),
            ("eviction", lending_written::eviction(&self.eviction)),
        ];
        for (header, table) in tables {
            write!(f, "\n[{header}]\n{}", container_written::lines(table))?;
        }
        section(f, "drill", Table::from_iter([("panic_in".to_owned(), Value::Array(drills))]))?;
        self.hook
            .rules
            .iter()
            .try_for_each(|rule| write!(f, "\n[[hook.rules]]\n{}", rule_written::table(rule)))?;
        let rules = self.isolator.rules.iter();
        rules.map(container_written::rule).try_for_each(|rule| write!(f, "\n[[isolator.rules]]\n{rule}"))?;
        let lenders = self.lending.lenders.iter().map(|rule| ("lenders", lending_written::lender(rule)));
        let borrowers =
            self.lending.borrowers.iter().map(|rule| ("borrowers", lending_written::borrower(rule)));
        lenders.chain(borrowers).try_for_each(|(list, rule)| write!(f, "\n[[lending.{list}]]\n{rule}"))
    }
}

fn rules(rules: &[Rule]) -> Table {
    rules.iter().map(|rule| (rule.name.clone(), Value::String(rule.template.source().to_owned()))).collect()
}

/// One table under its header; an empty one has its header only.
fn section(f: &mut fmt::Formatter<'_>, header: &str, table: Table) -> fmt::Result {
    write!(f, "\n[{header}]\n{table}")
}
