//! What a configuration asks of the kernel, shown by containers that stand for all others.

use apportion_cgroups::{
    Abilities, Bound, Ceilings, Controller, Limits, Plan, PlanError, Requests, Unsupported, Wish,
};
use apportion_config::IsolatorConfig;

/// What one part of a configuration asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Asked {
    /// `isolator.limits`, or a rule.
    pub(super) part: String,
    /// Settings of a container without limits beside its requests.
    plain: Limits,
    /// Settings of one with a limit of CPUs.
    limited: Limits,
}

/// What the kernel makes of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// No container could be started.
    Never(PlanError),
    /// None with a limit of CPUs could.
    NotLimited(PlanError),
    /// They could; these settings would have no effect, or less.
    Fine(Vec<Unsupported>),
}

/// What the limits for all containers ask for, and each rule that changes them.
pub(super) fn asked(config: &IsolatorConfig, wish: &Wish) -> Vec<Asked> {
    let settings = config.settings();
    let Some(groups) = settings.groups else { return Vec::new() };
    let mut policies = vec![("isolator.limits".to_owned(), groups.policy.clone())];
    for rule in settings.rules.iter().filter(|rule| rule.enabled) {
        let mut policy = groups.policy.clone();
        rule.limits.apply(&mut policy);
        if policy != groups.policy {
            policies.push((format!("rule {:?}", rule.name), policy));
        }
    }
    let asked = policies.into_iter().map(|(part, policy)| {
        let limits = |cpus_milli| {
            // One CPU and one GiB.
            let requests = Requests { cpus_milli: 1000, revocable: false, memory_bytes: 1 << 30 };
            let ceilings = Ceilings { cpus_milli, memory_bytes: None };
            let sized = Limits::for_container(requests, ceilings, &policy.sizing);
            let mut limits = Limits::default();
            for controller in &wish.controllers {
                match controller {
                    Controller::Cpu => limits.cpu = sized.cpu,
                    Controller::Memory => limits.memory = sized.memory,
                    Controller::Pids => limits.pids = policy.pids,
                    Controller::Io => limits.io = policy.io.clone(),
                    Controller::HugeTlb => limits.hugetlb = policy.hugepages.clone(),
                    // Taken as needed, or not set at all.
                    Controller::CpuSet | Controller::CpuAccount | Controller::Freezer => {}
                }
            }
            limits
        };
        Asked { part, plain: limits(None), limited: limits(Some(Bound::At(2000))) }
    });
    asked.collect()
}

impl Asked {
    /// What a kernel with these abilities makes of it.
    pub(super) fn verdict(&self, abilities: &Abilities) -> Verdict {
        if let Err(error) = Plan::create(&self.plain, abilities) {
            return Verdict::Never(error);
        }
        match Plan::create(&self.limited, abilities) {
            Err(error) => Verdict::NotLimited(error),
            Ok(plan) => Verdict::Fine(plan.unsupported),
        }
    }
}
