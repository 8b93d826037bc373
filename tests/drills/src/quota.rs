//! Quotas as the master tells them, and what they leave of free resources to be offered.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use apportion_rig::{Http, RigError};
use serde_json::{Value, json};

/// Resources that the operator of the drills sets quotas on.
pub(crate) const NAMES: [&str; 2] = ["cpus", "mem"];
/// Anything real is larger: all amounts of the drills are multiples of 0.25.
const TOLERANCE: f64 = 1e-6;

/// What a role is guaranteed and limited to, by name of the resource. A name that is not there is neither.
#[derive(Debug, Clone, Default)]
pub(crate) struct Quota {
    pub(crate) guarantees: BTreeMap<String, f64>,
    pub(crate) limits: BTreeMap<String, f64>,
}

impl Quota {
    fn of(config: &Value) -> Quota {
        let amounts = |of: &Value| {
            let pairs = of.as_object().into_iter().flatten();
            pairs.map(|(name, amount)| (name.clone(), amount["value"].as_f64().unwrap_or(f64::NAN))).collect()
        };
        Quota { guarantees: amounts(&config["guarantees"]), limits: amounts(&config["limits"]) }
    }

    /// The `QuotaConfig` that asks for it.
    pub(crate) fn config(&self, role: &str) -> Value {
        let amounts = |of: &BTreeMap<String, f64>| -> Value {
            of.iter().map(|(name, amount)| (name.clone(), json!({"value": amount}))).collect()
        };
        json!({"role": role, "guarantees": amounts(&self.guarantees), "limits": amounts(&self.limits)})
    }

    /// No guarantee is none, or one of nothing.
    pub(crate) fn guarantee(&self, name: &str) -> f64 {
        self.guarantees.get(name).copied().unwrap_or(0.0)
    }

    /// No limit is one that nothing reaches.
    pub(crate) fn limit(&self, name: &str) -> f64 {
        self.limits.get(name).copied().unwrap_or(f64::INFINITY)
    }

    fn equals(&self, other: &Quota) -> bool {
        let names = [&self.guarantees, &other.guarantees, &self.limits, &other.limits];
        names.into_iter().flat_map(BTreeMap::keys).all(|name| {
            let (one, two) = (self.limit(name), other.limit(name));
            // Two limits of infinity have no difference that could be compared.
            let same_limit = (one.is_infinite() && two.is_infinite()) || (one - two).abs() < TOLERANCE;
            same_limit && (self.guarantee(name) - other.guarantee(name)).abs() < TOLERANCE
        })
    }
}

/// The quotas of all roles; a role that is not there has none.
#[derive(Debug, Clone, Default)]
pub(crate) struct Quotas(BTreeMap<String, Quota>);

impl Quotas {
    /// The quotas that a master holds for in force.
    pub(crate) fn read(master: &Http) -> Result<Quotas, RigError> {
        Ok(Quotas::of(&master.post_json("/api/v1", &json!({"type": "GET_QUOTA"}))?))
    }

    fn of(answer: &Value) -> Quotas {
        let configs = answer["get_quota"]["status"]["configs"].as_array().into_iter().flatten();
        let quota =
            |config: &Value| (config["role"].as_str().unwrap_or_default().to_owned(), Quota::of(config));
        Quotas(configs.map(quota).collect())
    }

    /// These quotas after an update that names some roles.
    pub(crate) fn updated(&self, update: &[(String, Quota)]) -> Quotas {
        let mut quotas = self.clone();
        quotas.0.extend(update.iter().cloned());
        quotas
    }

    /// The quota of a role.
    pub(crate) fn of_role(&self, role: &str) -> Quota {
        self.0.get(role).cloned().unwrap_or_default()
    }

    /// Roles with a quota, or with one that was taken away.
    pub(crate) fn roles(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Whether any role has a guarantee or a limit.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.values().all(|quota| quota.equals(&Quota::default()))
    }

    /// Whether every role has the same quota in both.
    pub(crate) fn equals(&self, other: &Quotas) -> bool {
        let mut roles = self.roles().chain(other.roles());
        roles.all(|role| self.of_role(role).equals(&other.of_role(role)))
    }
}

impl fmt::Display for Quotas {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return out.write_str("no quota");
        }
        for (role, Quota { guarantees, limits }) in &self.0 {
            write!(out, "[{role}: guarantees {guarantees:?}, limits {limits:?}]")?;
        }
        Ok(())
    }
}

/// A cluster as quotas see it: what is free of a resource, and what each role consumes of it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Consumption {
    /// Neither reserved nor offered nor used.
    pub(crate) free: f64,
    /// Reserved for the role, or unreserved and offered to it or used by it.
    pub(crate) by_role: BTreeMap<String, f64>,
}

impl Consumption {
    /// What a role consumes.
    pub(crate) fn of_role(&self, role: &str) -> f64 {
        self.by_role.get(role).copied().unwrap_or(0.0)
    }

    /// What a role lacks of a guarantee.
    pub(crate) fn lacks(&self, role: &str, guarantee: f64) -> f64 {
        (guarantee - self.of_role(role)).max(0.0)
    }

    /// Why something of what is free has to be offered: a role that has a framework lacks some of its guarantee, or is
    /// below its limit while more is free than guarantees still need. `None` when quotas forbid each of these roles to
    /// have more.
    pub(crate) fn reason_to_offer(
        &self,
        name: &str,
        quotas: &Quotas,
        wanting: &BTreeSet<&str>,
    ) -> Option<String> {
        if self.free <= TOLERANCE {
            return None;
        }
        let required: f64 =
            quotas.roles().map(|role| self.lacks(role, quotas.of_role(role).guarantee(name))).sum();
        wanting.iter().find_map(|role| {
            let quota = quotas.of_role(role);
            let (lacking, consumed) = (self.lacks(role, quota.guarantee(name)), self.of_role(role));
            if lacking > TOLERANCE {
                return Some(format!("role {role} lacks {lacking} {name} of its guarantee"));
            }
            let below_limit = quota.limit(name) - consumed > TOLERANCE;
            let surplus = self.free - required;
            (below_limit && surplus > TOLERANCE).then(|| {
                format!("guarantees leave {surplus} {name}, and role {role} consumes {consumed} and is below its limit")
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quota(guarantee: f64, limit: Option<f64>) -> Quota {
        let amounts =
            |amount: Option<f64>| amount.map(|amount| ("cpus".to_owned(), amount)).into_iter().collect();
        Quota { guarantees: amounts(Some(guarantee)), limits: amounts(limit) }
    }

    fn quotas(roles: &[(&str, Quota)]) -> Quotas {
        Quotas(roles.iter().map(|(role, quota)| ((*role).to_owned(), quota.clone())).collect())
    }

    fn reason(free: f64, red: f64, quotas: &Quotas) -> Option<String> {
        let by_role = BTreeMap::from([("red".to_owned(), red)]);
        Consumption { free, by_role }.reason_to_offer("cpus", quotas, &BTreeSet::from(["red"]))
    }

    #[test]
    fn quota_is_read_as_it_was_asked_for() {
        let asked = quota(1.0, Some(2.5));
        let answer = json!({"get_quota": {"status": {"configs": [asked.config("red")]}}});
        let read = Quotas::of(&answer);
        assert!(read.equals(&quotas(&[("red", asked)])));
        assert!(!read.equals(&Quotas::default()) && !read.is_empty());
        assert!(!read.equals(&quotas(&[("red", quota(1.0, None))])));
        assert!(!read.equals(&quotas(&[("red", quota(1.5, Some(2.5)))])));
        let gone = read.updated(&[("red".to_owned(), Quota::default())]);
        assert!(gone.is_empty() && gone.equals(&Quotas::default()));
    }

    #[test]
    fn without_quotas_all_that_is_free_has_to_be_offered() {
        assert!(reason(0.25, 4.0, &Quotas::default()).is_some());
        assert!(reason(0.0, 4.0, &Quotas::default()).is_none());
    }

    #[test]
    fn limits_and_the_guarantees_of_others_explain_what_is_free() {
        let limited = quotas(&[("red", quota(0.0, Some(4.0)))]);
        assert!(reason(1.0, 4.0, &limited).is_none());
        assert!(reason(1.0, 3.75, &limited).is_some());
        let kept = quotas(&[("green", quota(2.0, None))]);
        assert!(reason(2.0, 4.0, &kept).is_none());
        assert!(reason(2.25, 4.0, &kept).unwrap().contains("leave 0.25 cpus"));
        let both = quotas(&[("green", quota(2.0, None)), ("red", quota(3.0, Some(4.0)))]);
        assert!(reason(2.0, 3.0, &both).is_none());
        assert!(reason(1.0, 2.0, &both).unwrap().contains("lacks 1 cpus"));
    }
}
