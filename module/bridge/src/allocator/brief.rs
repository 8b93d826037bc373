//! An event and the allocator's state in a few words, for the line about a call that contradicts the books.

use std::fmt::{self, Write as _};

use apportion_core::{Allocated, Allocator, Event, Holding, Text};

use super::turned_away::concerned;

/// Longest text about the resources of an event, in bytes. A list of ports can be as long as a book.
const RESOURCES_MAX: usize = 300;

/// An event with its most telling arguments: `recover resources (framework f, agent a, cpus:5 of role web)`.
pub(super) struct Brief<'a> {
    pub(super) event: &'a Event<'a>,
    pub(super) core: &'a Allocator,
}

impl fmt::Display for Brief<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut arguments = Vec::new();
        let (agent, framework) = concerned(self.event);
        if let Some(id) = framework {
            arguments.push(format!("framework {}", Text(id)));
        }
        if let Some(id) = agent {
            arguments.push(format!("agent {}", Text(id)));
        }
        let resources = self.resources();
        if !resources.is_empty() {
            arguments.push(cut(resources));
        }
        f.write_str(self.event.name())?;
        if arguments.is_empty() { Ok(()) } else { write!(f, " ({})", arguments.join(", ")) }
    }
}

impl Brief<'_> {
    fn resources(&self) -> String {
        match *self.event {
            Event::AddAgent { total, used, .. } | Event::AddResourceProvider { total, used, .. } => {
                format!("{} used by {} frameworks", self.core.describe(total), used.len())
            }
            Event::UpdateAgent { total: Some(total), .. } => self.core.describe(total).to_string(),
            Event::AddFramework { used, .. } => format!("used on {} agents", used.len()),
            Event::UpdateAllocation { role, offered, conversions, .. } => {
                format!("{}, {} conversions", self.of_role(Some(role), offered), conversions.len())
            }
            Event::UpdateAvailable { conversions, .. } => format!("{} conversions", conversions.len()),
            Event::TransitionOfferedToAllocated { resources, .. } => self.groups(resources),
            Event::RecoverResources { resources, allocated, .. } => {
                let from = if allocated { "used by tasks" } else { "offered" };
                format!("{} {from}", self.groups(resources))
            }
            Event::UpdateQuota { role, .. } => format!("role {}", Text(role)),
            _ => String::new(),
        }
    }

    fn groups(&self, groups: &[Allocated<'_>]) -> String {
        let groups = groups.iter().map(|group| self.of_role(group.role, group.resources));
        groups.collect::<Vec<_>>().join(" and ")
    }

    fn of_role(&self, role: Option<&[u8]>, resources: &Holding) -> String {
        let mut text = self.core.describe(resources).to_string();
        let _ = match role {
            Some(role) => write!(text, " of role {}", Text(role)),
            None => write!(text, " of no role"),
        };
        text
    }
}

/// At most so much of a text, ended at a character.
fn cut(mut text: String) -> String {
    if text.len() <= RESOURCES_MAX {
        return text;
    }
    let end = (0..=RESOURCES_MAX).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    text.truncate(end);
    text.push('…');
    text
}

/// How much there is: `3 agents, 2 frameworks, 4 roles, held cpus 1.5 of 12, mem 64 of 4096, disk 0 of 0`.
pub(super) struct Summary<'a> {
    pub(super) core: &'a Allocator,
    pub(super) roles: usize,
}

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (agents, frameworks) = (self.core.agents_len(), self.core.frameworks_len());
        write!(f, "{agents} agents, {frameworks} frameworks, {} roles, held", self.roles)?;
        for (at, name) in ["cpus", "mem", "disk"].iter().enumerate() {
            let (held, total) = (self.core.held_of(name.as_bytes()), self.core.total_of(name.as_bytes()));
            write!(f, "{} {name} {held} of {total}", if at == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{RESOURCES_MAX, cut};

    #[test]
    fn a_long_text_is_cut_at_a_character() {
        assert_eq!(cut("short".to_owned()), "short");
        let long = cut("ä".repeat(RESOURCES_MAX));
        assert!(long.ends_with("ä…") && long.len() <= RESOURCES_MAX + '…'.len_utf8());
    }
}
