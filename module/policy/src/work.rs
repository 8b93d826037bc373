//! What rules did in one call.

use std::sync::Arc;

use crate::amount::Amounts;
use crate::amounts::{self, AmountChange};
use crate::draft;
use crate::point::Effect;
use crate::reaction::{self, AuditLine, CommandLine};
use crate::rule::Rule;
use crate::scene::Scene;

/// What the rules of one call did so far, in their order.
#[derive(Debug, Default)]
pub(crate) struct Work<'c> {
    /// What no resource of a task may grow beyond.
    pub(crate) ceiling: Option<&'c Amounts>,
    /// Names of entries that were touched, several times maybe.
    pub(crate) touched: Vec<Arc<str>>,
    pub(crate) amounts: Vec<AmountChange>,
    pub(crate) audits: Vec<AuditLine>,
    pub(crate) commands: Vec<CommandLine>,
}

impl Work<'_> {
    /// Does what a rule says at the scene's point: everything, or nothing.
    ///
    /// # Errors
    ///
    /// Why nothing could be done, one sentence without secrets.
    pub(crate) fn apply(&mut self, rule: &Rule, scene: &mut Scene<'_>) -> Result<(), String> {
        match scene.point.effect() {
            Effect::Environment => self.touched.extend(draft::environment(rule, scene)?),
            Effect::Labels => self.touched.extend(draft::labels(rule, &rule.labels, scene)?),
            Effect::StatusLabels => self.touched.extend(draft::labels(rule, &rule.status_labels, scene)?),
            Effect::AgentAttributes => self.touched.extend(draft::attributes(rule, scene)?),
            Effect::TaskResources => {
                let there = scene.amounts();
                let changes = there
                    .map(|there| amounts::of_task(&rule.name, &rule.task_resources, there, self.ceiling));
                self.keep_amounts(changes.unwrap_or_default(), scene);
            }
            Effect::AgentResources => {
                let changes = scene.amounts().map(|there| amounts::of_agent(&rule.name, &rule.agent, there));
                self.keep_amounts(changes.unwrap_or_default(), scene);
            }
            Effect::Reaction => {
                let audit = rule.audit.as_ref();
                let audit =
                    audit.map(|action| reaction::audit_line(&rule.name, action, scene)).transpose()?;
                let command = rule.command.as_ref();
                let command =
                    command.map(|action| reaction::command_line(&rule.name, action, scene)).transpose()?;
                self.audits.extend(audit);
                self.commands.extend(command);
            }
            // Hook rules do nothing here.
            Effect::Launch => {}
        }
        Ok(())
    }

    fn keep_amounts(&mut self, changes: Vec<AmountChange>, scene: &mut Scene<'_>) {
        if let Some(there) = scene.amounts().filter(|_| !changes.is_empty()) {
            let amounts = amounts::changed(there, &changes);
            scene.replace_amounts(amounts);
            self.amounts.extend(changes);
        }
    }
}
