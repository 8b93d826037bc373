//! A cluster of any size: many equal agents, frameworks in many roles with weights and quotas, and steps drawn from a seed.
//!
//! Agents are equal and are always offered whole, and quotas are multiples of an agent, so how many agents everyone is
//! offered is determined; which ones is not. Besides what both allocators have to agree on, each has to keep what any
//! allocator must: no agent is offered to two, a filter holds until it is revived, a limit is not exceeded.
//!
//! `APPORTION_DIFFERENTIAL_AGENTS` says how many agents there are, `APPORTION_DIFFERENTIAL_SEED` where the steps are drawn
//! from, and `APPORTION_DIFFERENTIAL_SECONDS` for how long one cluster after the other is played, each from the next seed.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::str::FromStr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use apportion_differential_tests::{Cluster, LONG, Setting, compare};
use apportion_rig::Offer;
use serde_json::Value;

use crate::chance::Chance;
use crate::resources::{CPUS, DISK_MB, MEM_MB, agents, quota, weights};

/// Frameworks and their roles: several in one, one in several, roles below roles.
const FRAMEWORKS: [(&str, &[&str]); 12] = [
    ("f0", &["web"]),
    ("f1", &["web"]),
    ("f2", &["batch"]),
    ("f3", &["batch"]),
    ("f4", &["batch"]),
    ("f5", &["capped"]),
    ("f6", &["capped"]),
    ("f7", &["kept"]),
    ("f8", &["kept", "spare"]),
    ("f9", &["lab/one"]),
    ("f10", &["lab/two"]),
    ("f11", &["spare"]),
];
/// Agents of a test run that is not told how many.
const AGENTS: usize = 48;
/// Steps of a cluster.
const STEPS: usize = 24;
/// Tasks that a step launches, at most: each is a call of its own.
const TASKS_MAX: usize = 40;
/// The role whose limits are a quarter of the cluster, and the one whose guarantees are.
const LIMITED: &str = "capped";
const GUARANTEED: &str = "kept";

/// A number that a variable says, or the usual one.
fn number<T: FromStr>(variable: &str, usual: T) -> T {
    env::var(variable).ok().map_or(usual, |text| {
        text.parse().unwrap_or_else(|_| panic!("{variable} is {text:?}, expected a number"))
    })
}

#[test]
fn many_equal_agents_are_shared_alike() {
    let count = number("APPORTION_DIFFERENTIAL_AGENTS", AGENTS);
    let first: u64 = number("APPORTION_DIFFERENTIAL_SEED", 1);
    let budget = Duration::from_secs(number("APPORTION_DIFFERENTIAL_SECONDS", 0));
    let started = Instant::now();
    for seed in first.. {
        eprintln!("{count} agents, seed {seed}; again: APPORTION_DIFFERENTIAL_SEED={seed}");
        let progress = Progress { started: Instant::now(), steps: AtomicUsize::new(0) };
        compare(&format!("large {seed}"), Setting::PLAIN, &[], |cluster| {
            play(cluster, count, seed, &progress)
        });
        if started.elapsed() >= budget {
            break;
        }
    }
}

/// How far the faster of the two clusters is: with many agents a step takes seconds.
struct Progress {
    started: Instant,
    steps: AtomicUsize,
}

impl Progress {
    fn tell(&self, step: usize, what: &str) {
        if self.steps.fetch_max(step + 1, Ordering::Relaxed) <= step {
            let seconds = self.started.elapsed().as_secs();
            eprintln!("  {seconds:>5} s  step {} of {STEPS}: {what}", step + 1);
        }
    }
}

fn play(cluster: &mut Cluster, count: usize, seed: u64, progress: &Progress) {
    let quarter = f64::from(u32::try_from(count / 4).unwrap());
    let whole_agents = [("cpus", CPUS * quarter), ("mem", MEM_MB * quarter), ("disk", DISK_MB * quarter)];
    cluster.call("weights", &weights(&[("batch", 2.0), ("lab/two", 2.0)]));
    // Before anything is offered: a master takes offers back for a quota, any of them, until it has enough.
    cluster.call("limits", &quota(LIMITED, &[], &whole_agents, false));
    cluster.call("guarantees", &quota(GUARANTEED, &whole_agents, &[], true));
    for (name, roles) in FRAMEWORKS {
        cluster.subscribe_in(name, roles);
    }
    cluster.agents(agents("node", count));
    cluster.step_of_totals("all agents have come");
    let mut course =
        Course { cluster, chance: Chance::from(seed), refused: None, launches: 0, used: 0, count, quarter };
    for step in 0..STEPS {
        let what = course.act();
        progress.tell(step, &what);
        course.cluster.step_of_totals(&format!("step {step}: {what}"));
        course.check(&what);
    }
}

/// What a script has done so far.
struct Course<'c> {
    cluster: &'c mut Cluster,
    chance: Chance,
    /// Who refuses agents for long, and which. One at a time: agents that different frameworks have refused are not equal.
    refused: Option<(&'static str, BTreeSet<String>)>,
    /// Steps that launched something, and agents they used.
    launches: usize,
    used: usize,
    /// All agents.
    count: usize,
    /// A quarter of them.
    quarter: f64,
}

impl Course<'_> {
    /// What one framework does, or all of them; for the record.
    fn act(&mut self) -> String {
        let (name, roles) = FRAMEWORKS[self.chance.below(FRAMEWORKS.len())];
        match self.chance.below(10) {
            0..=2 => {
                self.give_back_all();
                "all offers come back and are shared anew".to_owned()
            }
            3 | 4 if roles.len() == 1 && self.nothing_is_free() => {
                let offers = self.cluster.offers(name);
                let agents = offers.iter().map(|offer| offer.agent_id.clone()).collect();
                self.cluster.decline(name, LONG);
                self.refused = Some((name, agents));
                format!("{name} refuses {} agents for long", offers.len())
            }
            5 | 6 => {
                // As a whole: what is left of an agent could not be shared alike.
                let launched = self.use_whole(name);
                format!("{name} uses {launched} agents")
            }
            7 => {
                self.cluster.framework(name).suppress(&[]).unwrap();
                self.give_back_all();
                format!("{name} wants nothing, and all offers come back")
            }
            _ => {
                self.cluster.framework(name).revive(&[]).unwrap();
                self.give_back_all();
                format!("{name} wants everything, and all offers come back")
            }
        }
    }

    /// Whether every agent is offered or used, with nobody refusing any: who refuses what it has is offered nothing else
    /// then.
    fn nothing_is_free(&mut self) -> bool {
        self.forgive();
        let offered: usize = self.cluster.all_offers().values().map(Vec::len).sum();
        offered + self.used == self.count
    }

    /// Who refuses agents does so no more.
    fn forgive(&mut self) {
        if let Some((name, _)) = self.refused.take() {
            self.cluster.framework(name).revive(&[]).unwrap();
        }
        // A run that was asked for must not fall between two declines.
        self.cluster.settle();
    }

    /// Every framework gives back what it is offered, without a filter.
    fn give_back_all(&mut self) {
        self.forgive();
        for (name, offers) in self.cluster.all_offers().iter().filter(|(_, offers)| !offers.is_empty()) {
            self.cluster.framework(name).decline(offers, Some(0.0)).unwrap();
        }
    }

    /// A framework uses some of its agents as a whole.
    fn use_whole(&mut self, name: &str) -> usize {
        let mut offers: Vec<Offer> = self.cluster.offers(name);
        // Which agents it has in which role is left to chance, how many is not.
        offers.sort_by(|left, right| left.role.cmp(&right.role));
        let wanted = offers.len().min(TASKS_MAX).min(self.count.div_ceil(16));
        self.launches += 1;
        self.used += wanted;
        let prefix = format!("{name}-{}", self.launches);
        self.cluster.launch_whole(name, &prefix, &offers[..wanted]);
        wanted
    }

    /// What any allocator has to keep.
    fn check(&self, what: &str) {
        let mut offered: BTreeMap<String, f64> = BTreeMap::new();
        let mut limited = 0.0;
        for (name, offers) in self.cluster.all_offers() {
            for offer in offers {
                let cpus = offer.scalar("cpus");
                *offered.entry(offer.agent_id.clone()).or_default() += cpus;
                limited += if offer.role.as_deref() == Some(LIMITED) { cpus } else { 0.0 };
                let refused = self.refused.as_ref().filter(|(by, _)| *by == name);
                let is_refused = refused.is_some_and(|(_, agents)| agents.contains(&offer.agent_id));
                assert!(!is_refused, "{what}: {name} is offered {} again", offer.hostname);
            }
        }
        let twice = offered.iter().find(|(_, cpus)| **cpus > CPUS);
        assert!(twice.is_none(), "{what}: more is offered than there is: {twice:?}");
        let roles = self.cluster.master().get_json("/roles").unwrap();
        let roles = roles["roles"].as_array().unwrap();
        let held = |role: &Value| role["resources"]["cpus"].as_f64().unwrap_or(0.0);
        let held: f64 = roles.iter().filter(|role| role["name"] == LIMITED).map(held).sum();
        let limit = CPUS * self.quarter;
        assert!(
            limited.max(held) <= limit,
            "{what}: {LIMITED} has {held} and is offered {limited} of {limit}"
        );
    }
}
