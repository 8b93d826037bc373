//! When master, agents and frameworks are of one opinion.

use std::collections::BTreeMap;

use super::{Agreement, Look, Rounds};
use crate::books;
use crate::error::DrillError;
use crate::quota::{NAMES, Quotas};
use crate::resources::Holdings;

impl Rounds {
    /// All frameworks quiet, nothing free that may be offered, and master, agents and frameworks of one opinion.
    pub(super) fn look_at_agreement(&self) -> Look<Agreement> {
        if let Some(unrest) = self.witness.unrest() {
            return Ok(Err(unrest));
        }
        let books = match self.look_at_books()? {
            Ok(books) => books,
            Err(there) => return Ok(Err(there)),
        };
        let mut free = BTreeMap::new();
        for (number, id) in self.cluster.agent_ids.iter().enumerate() {
            let Some(agent) = books.get(id) else { continue };
            let (offered, used) = (self.witness.offered(id), self.witness.used(id));
            let there = if let Some(reason) = self.reason_to_offer_part(&agent.free()) {
                reason
            } else if !agent.offered.equals(&offered) {
                format!("offered by the master {}\n  and known to frameworks {offered}", agent.offered)
            } else if !agent.allocated.equals(&used) {
                format!("used by the master's books {}\n  and known to frameworks {used}", agent.allocated)
            } else {
                let own = self.cluster.own_total(number)?;
                if agent.total.equals(&own) {
                    free.insert(id.clone(), agent.free());
                    continue;
                }
                format!("a total in the master's books of {}\n  and its own of {own}", agent.total)
            };
            return Ok(Err(format!("on agent {id} {there}")));
        }
        let totals = books.into_iter().map(|(id, agent)| (id, agent.total)).collect();
        let quotas = Quotas::read(self.cluster.master.http())?;
        let is_kept_back = !free.values().all(Holdings::is_empty);
        if is_kept_back && let Some(reason) = self.witness.reason_to_offer(&totals, &quotas) {
            let free: Vec<String> = free.iter().map(|(id, free)| format!("{free} on agent {id}")).collect();
            return Ok(Err(format!("free: {}\n  though {reason}, with {quotas}", free.join(", "))));
        }
        Ok(Ok(Agreement { totals, quotas, is_kept_back }))
    }

    /// Why something that is free of one agent has to be offered, whatever quotas say of the whole cluster: quotas keep
    /// back unreserved processors and memory alone. Ports are offered with something else, never alone.
    fn reason_to_offer_part(&self, free: &Holdings) -> Option<String> {
        let kept_back: Vec<&str> = NAMES.into_iter().chain(["ports"]).collect();
        let rest = free.beside_unreserved(&kept_back);
        (!rest.is_empty()).then(|| format!("free: {free}"))
    }

    /// Those of these tasks that have not ended and that the master does not know.
    pub(super) fn lost_tasks(&self, tasks: &[String]) -> Result<Vec<String>, DrillError> {
        let live = books::live_tasks(self.cluster.master.http())?;
        let is_lost = |task: &&String| !live.contains(task) && !self.witness.is_over(task);
        Ok(tasks.iter().filter(is_lost).cloned().collect())
    }
}
