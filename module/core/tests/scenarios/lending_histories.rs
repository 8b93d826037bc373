//! Random histories of a cluster that lends, beside the same history of one that does not.
//!
//! Regular offers have to be the same in both: lending takes nothing from anybody.

use std::time::Duration;

use apportion_core::{
    Allocated, BackOff, BorrowerRule, Bound, Event, Holding, LenderRule, LendingPolicy, RoleLimits,
    RolePatterns, Sources, Weight,
};
use proptest::prelude::*;

use crate::cluster::{Agent, Cluster, Offered, amount, quota};

const ROLES: [&str; 5] = ["prod", "prod/db", "batch", "batch/a", "night"];
const BORROW_LIMIT: f64 = 9.0;
const LEND_LIMIT: f64 = 7.0;
const FAN_OUT: u32 = 2;

fn policy() -> LendingPolicy {
    let patterns = |roles: &[&str]| RolePatterns::new(roles.iter().copied()).unwrap();
    let sources = Sources { offered: true, reserved: true, guaranteed: true };
    let limit = |role: &str, lend: &[f64], borrow: &[f64]| {
        let bounds = |most: &[f64]| {
            most.iter().map(|most| (b"cpus".as_slice().into(), Bound::Amount(amount(*most)))).collect()
        };
        RoleLimits { role: role.as_bytes().into(), lend: bounds(lend), borrow: bounds(borrow) }
    };
    LendingPolicy {
        fan_out: FAN_OUT,
        min_idle: Duration::from_secs(2),
        slice: vec![(b"cpus".as_slice().into(), amount(3.0))],
        back_off: BackOff { conflicts: 2, first: Duration::from_secs(3), most: Duration::from_secs(9) },
        lenders: vec![
            LenderRule {
                roles: patterns(&["prod/db"]),
                sources,
                to: Some(patterns(&["night"])),
                permille: 1000,
            },
            LenderRule { roles: patterns(&["prod"]), sources, to: None, permille: 750 },
        ],
        borrowers: vec![
            BorrowerRule { roles: patterns(&["batch", "batch/**"]), priority: 0, weight: Weight::DEFAULT },
            BorrowerRule { roles: patterns(&["night"]), priority: 3, weight: Weight::from_f64(2.0).unwrap() },
        ],
        limits: vec![limit("batch", &[], &[BORROW_LIMIT]), limit("prod", &[LEND_LIMIT], &[])],
        ..LendingPolicy::default()
    }
}

/// One step; numbers choose among what there is.
#[derive(Debug, Clone, Copy)]
enum Step {
    Agent(usize),
    AgentGone(usize),
    Framework(usize),
    FrameworkGone(usize),
    Accept(usize, u8),
    Decline(usize, u8),
    Lent { pick: usize, part: u8 },
    LentDeclined(usize, u8),
    LostLaunch(usize),
    End(usize),
    LentEnd(usize),
    Suppress(usize),
    Revive(usize),
    Deactivate(usize),
    Quota(u8),
    Wait(u8),
}

fn step() -> impl Strategy<Value = Step> {
    let n = || 0_usize..64;
    prop_oneof![
        3 => n().prop_map(Step::Agent),
        1 => n().prop_map(Step::AgentGone),
        3 => (0..ROLES.len()).prop_map(Step::Framework),
        1 => n().prop_map(Step::FrameworkGone),
        4 => (n(), 0_u8..5).prop_map(|(pick, part)| Step::Accept(pick, part)),
        3 => (n(), 0_u8..9).prop_map(|(pick, refuse)| Step::Decline(pick, refuse)),
        5 => (n(), 0_u8..5).prop_map(|(pick, part)| Step::Lent { pick, part }),
        3 => (n(), 0_u8..9).prop_map(|(pick, refuse)| Step::LentDeclined(pick, refuse)),
        1 => n().prop_map(Step::LostLaunch),
        2 => n().prop_map(Step::End),
        2 => n().prop_map(Step::LentEnd),
        1 => n().prop_map(Step::Suppress),
        2 => n().prop_map(Step::Revive),
        1 => n().prop_map(Step::Deactivate),
        1 => (0_u8..9).prop_map(Step::Quota),
        5 => (0_u8..4).prop_map(Step::Wait),
    ]
}

#[derive(Default)]
struct Side {
    offered: Vec<Offered>,
    used: Vec<(Offered, Holding)>,
}

struct Pair {
    lends: Cluster,
    plain: Cluster,
    regular: Side,
    lent: Side,
    frameworks: Vec<(String, &'static str)>,
    agents: Vec<String>,
    made: usize,
    now: f64,
}

fn pick<T>(from: &[T], number: usize) -> Option<usize> {
    (!from.is_empty()).then(|| number % from.len())
}

impl Pair {
    fn new() -> Self {
        let mut plain = Cluster::new();
        // The same kinds in the same order.
        for kind in ["cpus{REV}", "mem{REV}", "gpus{REV}"] {
            plain.kind(kind, apportion_core::ValueType::Scalar);
        }
        Self {
            lends: Cluster::that_lends(policy()),
            plain,
            regular: Side::default(),
            lent: Side::default(),
            frameworks: Vec::new(),
            agents: Vec::new(),
            made: 0,
            now: 0.0,
        }
    }

    /// Does the same to both and compares what they offer.
    fn both(&mut self, act: impl Fn(&mut Cluster) -> Vec<Offered>) -> Result<(), TestCaseError> {
        let offers = act(&mut self.lends);
        let plain = act(&mut self.plain);
        let (lent, regular): (Vec<Offered>, Vec<Offered>) =
            offers.into_iter().partition(|offer| offer.why.lent);
        prop_assert_eq!(self.lends.told(&regular), self.plain.told(&plain));
        self.regular.offered.extend(regular);
        self.check_lent(&lent)?;
        self.lent.offered.extend(lent);
        Ok(())
    }

    fn check_lent(&self, lent: &[Offered]) -> Result<(), TestCaseError> {
        if lent.is_empty() {
            return Ok(());
        }
        let cpus = |role: &str| {
            let Some(role) = self.lends.allocator.find_role(role.as_bytes()) else { return amount(0.0) };
            let amounts = self.lends.allocator.lending_numbers(role).borrowed;
            amounts.iter().find(|(name, _)| **name == *b"cpus").map_or(amount(0.0), |(_, cpus)| *cpus)
        };
        prop_assert!(cpus("batch") <= amount(BORROW_LIMIT), "borrowed {}", cpus("batch"));
        for offer in lent {
            let twice = self
                .lent
                .offered
                .iter()
                .filter(|other| other.framework == offer.framework && other.agent == offer.agent);
            prop_assert_eq!(twice.count(), 0, "seen twice by one framework");
            prop_assert!(!offer.role.starts_with("prod"), "{}", offer.role);
        }
        Ok(())
    }

    fn part(offer: &Offered, part: u8) -> Holding {
        let cut = |item: &apportion_core::Item| {
            let whole = item.value.scalar()?.in_thousandths();
            let cut = apportion_core::Amount::thousandths(whole * i64::from(part) / 4 / 1000 * 1000);
            Some(apportion_core::Item::scalar(item.kind, cut))
        };
        Holding::new(offer.resources.items().iter().filter_map(cut))
    }

    fn accept(&mut self, offer: Offered, part: u8) -> Result<(), TestCaseError> {
        let used = Self::part(&offer, part);
        let mut rest = offer.resources.clone();
        rest.subtract(&used);
        let lent = offer.why.lent;
        let launch = |cluster: &mut Cluster| {
            cluster.recover(&offer, &rest, Some(3.0), false);
            cluster.launch(&offer, &used);
            Vec::new()
        };
        if lent {
            launch(&mut self.lends);
            self.lent.used.push((offer, used));
        } else {
            self.both(launch)?;
            self.regular.used.push((offer, used));
        }
        Ok(())
    }

    fn forget(&mut self, gone: impl Fn(&Offered) -> bool) {
        for side in [&mut self.regular, &mut self.lent] {
            side.offered.retain(|offer| !gone(offer));
            side.used.retain(|(offer, _)| !gone(offer));
        }
    }

    #[expect(clippy::too_many_lines, reason = "one arm for each kind of step")]
    fn take(&mut self, step: Step) -> Result<(), TestCaseError> {
        match step {
            Step::Agent(number) if self.agents.len() < 5 => {
                self.made += 1;
                let name = format!("a{}", self.made);
                let total =
                    ["cpus:4;mem:10", "cpus:2;cpus(prod):2;mem:5", "cpus(prod/db):3;mem(prod):3;cpus:1"];
                let total = total[number % total.len()];
                self.agents.push(name.clone());
                self.both(|cluster| cluster.register(&Agent::that_reclaims(&name, total)))?;
            }
            Step::AgentGone(number) => {
                let Some(at) = pick(&self.agents, number) else { return Ok(()) };
                let name = self.agents.remove(at);
                self.forget(|offer| offer.agent == name);
                self.both(|cluster| cluster.send(&Event::RemoveAgent { agent: name.as_bytes() }))?;
            }
            Step::Framework(role) if self.frameworks.len() < 6 => {
                self.made += 1;
                let name = format!("f{}", self.made);
                self.frameworks.push((name.clone(), ROLES[role]));
                self.both(|cluster| cluster.add_framework(&name, &[ROLES[role]]))?;
            }
            Step::FrameworkGone(number) => {
                let Some(at) = pick(&self.frameworks, number) else { return Ok(()) };
                let (name, _) = self.frameworks.remove(at);
                // As the master does: everything comes back first, of the loans for once it does not.
                let gone = |offer: &Offered| offer.framework == name;
                let offered: Vec<Offered> =
                    self.regular.offered.iter().filter(|o| gone(o)).cloned().collect();
                let used: Vec<_> = self.regular.used.iter().filter(|(o, _)| gone(o)).cloned().collect();
                self.both(|cluster| {
                    cluster.rescind(&offered);
                    used.iter().for_each(|(offer, used)| cluster.recover(offer, used, None, true));
                    Vec::new()
                })?;
                self.forget(gone);
                self.both(|cluster| cluster.send(&Event::RemoveFramework { framework: name.as_bytes() }))?;
            }
            Step::Accept(number, part) => {
                let Some(at) = pick(&self.regular.offered, number) else { return Ok(()) };
                let offer = self.regular.offered.remove(at);
                self.accept(offer, part)?;
            }
            Step::Lent { pick: number, part } => {
                let Some(at) = pick(&self.lent.offered, number) else { return Ok(()) };
                let offer = self.lent.offered.remove(at);
                self.accept(offer, part)?;
            }
            Step::Decline(number, refuse) => {
                let Some(at) = pick(&self.regular.offered, number) else { return Ok(()) };
                let offer = self.regular.offered.remove(at);
                self.both(|cluster| {
                    cluster.decline(&offer, f64::from(refuse));
                    Vec::new()
                })?;
            }
            Step::LentDeclined(number, refuse) => {
                let Some(at) = pick(&self.lent.offered, number) else { return Ok(()) };
                let offer = self.lent.offered.remove(at);
                self.lends.decline(&offer, f64::from(refuse));
            }
            Step::LostLaunch(number) => {
                let Some(at) = pick(&self.lent.offered, number) else { return Ok(()) };
                let offer = self.lent.offered.remove(at);
                self.lends.rescind(std::slice::from_ref(&offer));
                let framework = offer.framework.as_bytes();
                self.lends.send(&Event::LoseLaunches { framework, launches: 1 });
            }
            Step::End(number) => {
                let Some(at) = pick(&self.regular.used, number) else { return Ok(()) };
                let (offer, used) = self.regular.used.remove(at);
                self.both(|cluster| {
                    cluster.recover(&offer, &used, None, true);
                    Vec::new()
                })?;
            }
            Step::LentEnd(number) => {
                let Some(at) = pick(&self.lent.used, number) else { return Ok(()) };
                let (offer, used) = self.lent.used.remove(at);
                self.lends.recover(&offer, &used, None, true);
            }
            Step::Suppress(number) | Step::Revive(number) => {
                let Some(at) = pick(&self.frameworks, number) else { return Ok(()) };
                let name = self.frameworks[at].0.clone();
                let framework = name.as_bytes();
                self.both(|cluster| {
                    cluster.send(&match step {
                        Step::Suppress(_) => Event::SuppressOffers { framework, roles: &[] },
                        _ => Event::ReviveOffers { framework, roles: &[] },
                    })
                })?;
            }
            Step::Deactivate(number) => {
                let Some(at) = pick(&self.frameworks, number) else { return Ok(()) };
                let name = self.frameworks[at].0.clone();
                let framework = name.as_bytes();
                self.both(|cluster| cluster.send(&Event::DeactivateFramework { framework }))?;
                let (gone, kept) = std::mem::take(&mut self.regular.offered)
                    .into_iter()
                    .partition(|offer| offer.framework == name);
                self.regular.offered = kept;
                let gone: Vec<Offered> = gone;
                self.both(|cluster| {
                    cluster.rescind(&gone);
                    Vec::new()
                })?;
                let (gone, kept) = std::mem::take(&mut self.lent.offered)
                    .into_iter()
                    .partition(|offer| offer.framework == name);
                self.lent.offered = kept;
                let gone: Vec<Offered> = gone;
                self.lends.rescind(&gone);
                self.both(|cluster| cluster.send(&Event::ActivateFramework { framework }))?;
            }
            Step::Quota(cpus) => {
                let quota = quota(&format!("cpus:{cpus}"), "");
                self.both(|cluster| cluster.send(&Event::UpdateQuota { role: b"prod", quota: &quota }))?;
            }
            Step::Wait(seconds) => {
                self.now += f64::from(seconds);
                let now = self.now;
                self.both(|cluster| cluster.tick_at(now))?;
            }
            Step::Agent(_) | Step::Framework(..) => {}
        }
        Ok(())
    }

    /// Everything that was lent comes back, and nothing is left.
    fn end(&mut self) -> Result<(), TestCaseError> {
        for offer in std::mem::take(&mut self.lent.offered) {
            self.lends.rescind(&[offer]);
        }
        for (offer, used) in std::mem::take(&mut self.lent.used) {
            self.lends.recover(&offer, &used, None, true);
        }
        prop_assert_eq!(self.lends.allocator.borrowed_in_all(b"cpus"), amount(0.0));
        prop_assert_eq!(self.lends.allocator.borrowed_in_all(b"mem"), amount(0.0));
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn lending_changes_no_regular_offer_keeps_its_limits_and_leaves_nothing(
        steps in prop::collection::vec(step(), 1..120),
    ) {
        let mut pair = Pair::new();
        for step in steps {
            pair.take(step)?;
        }
        pair.end()?;
    }
}

#[test]
fn a_group_without_role_is_refused_before_anything_changes() {
    let mut cluster = Cluster::that_lends(policy());
    cluster.add_framework("n", &["night"]);
    cluster.register(&Agent::that_reclaims("a", "cpus(prod):2"));
    cluster.tick_at(2.0);
    let lent = cluster.resources("cpus{REV}:1");
    let group = [Allocated { role: None, resources: &lent }];
    let refused = cluster.try_send(&Event::RecoverResources {
        framework: b"n",
        agent: b"a",
        resources: &group,
        refuse_seconds: None,
        allocated: false,
    });
    assert!(!refused.unwrap_err().is_fatal());
}
