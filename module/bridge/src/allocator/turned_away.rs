//! Agents and frameworks whose arrival was refused because it could not be read.
//!
//! The master knows nothing of the refusal and goes on to speak of them. For the core, a call about somebody it has
//! never met contradicts its books, and ends the process; here it is only one more refusal, so that one arrival that
//! cannot be read never stops a master.

use std::collections::HashSet;

use apportion_core::Event;

/// Ids of those turned away and not gone since.
#[derive(Debug, Default)]
pub(super) struct TurnedAway {
    agents: HashSet<Vec<u8>>,
    frameworks: HashSet<Vec<u8>>,
}

impl TurnedAway {
    /// The arrival of an agent was refused.
    pub(super) fn agent(&mut self, agent: &[u8]) {
        self.agents.insert(agent.to_vec());
    }

    /// The arrival of a framework was refused.
    pub(super) fn framework(&mut self, framework: &[u8]) {
        self.frameworks.insert(framework.to_vec());
    }

    /// Why an event cannot be taken, if it is about somebody turned away. Who leaves, or arrives again, is forgotten.
    pub(super) fn refusal(&mut self, event: &Event<'_>) -> Option<String> {
        if self.agents.is_empty() && self.frameworks.is_empty() {
            return None;
        }
        match event {
            Event::AddAgent { agent, .. } => {
                self.agents.remove(*agent);
                return None;
            }
            Event::AddFramework { framework, .. } => {
                self.frameworks.remove(*framework);
                return None;
            }
            _ => {}
        }
        let (agent, framework) = concerned(event);
        let agent = agent.filter(|agent| self.agents.contains(*agent));
        let framework = framework.filter(|framework| self.frameworks.contains(*framework));
        let (who, id) = match (agent, framework) {
            (Some(agent), _) => ("agent", agent),
            (None, Some(framework)) => ("framework", framework),
            (None, None) => return None,
        };
        match event {
            Event::RemoveAgent { agent } => self.agents.remove(*agent),
            Event::RemoveFramework { framework } => self.frameworks.remove(*framework),
            _ => false,
        };
        Some(format!("{who} {} is not known, as its arrival was refused", apportion_core::Text(id)))
    }
}

/// The agent and the framework that an event is about.
pub(super) fn concerned<'a>(event: &Event<'a>) -> (Option<&'a [u8]>, Option<&'a [u8]>) {
    match *event {
        Event::RemoveAgent { agent }
        | Event::UpdateAgent { agent, .. }
        | Event::AddResourceProvider { agent, .. }
        | Event::ActivateAgent { agent }
        | Event::DeactivateAgent { agent }
        | Event::UpdateAvailable { agent, .. }
        | Event::UpdateUnavailability { agent, .. }
        | Event::TransitionOfferedToAllocated { agent, .. } => (Some(agent), None),
        Event::RemoveFramework { framework }
        | Event::ActivateFramework { framework }
        | Event::DeactivateFramework { framework }
        | Event::UpdateFramework { framework, .. }
        | Event::RequestResources { framework }
        | Event::SuppressOffers { framework, .. }
        | Event::ReviveOffers { framework, .. } => (None, Some(framework)),
        Event::UpdateAllocation { agent, framework, .. }
        | Event::UpdateInverseOffer { agent, framework, .. }
        | Event::RecoverResources { agent, framework, .. } => (Some(agent), Some(framework)),
        _ => (None, None),
    }
}
