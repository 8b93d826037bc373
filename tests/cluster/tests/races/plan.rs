//! What each framework does in a race.

use apportion_cluster_tests::Random;
use apportion_rig::TaskSpec;
use serde_json::{Value, json};

use crate::amounts::Amounts;

/// The latest start of a launch after the others', in microseconds.
const LATEST_START_US: u64 = 3_000;
/// What tasks do on agents that run them: wait for their end.
const COMMAND: &str = "exec sleep 3600";
/// The least that a task takes.
const LEAST: Amounts = Amounts { cpus: 0.1, mem: 16.0 };

/// A task as it is to be launched.
#[derive(Debug, Clone)]
pub(crate) struct PlannedTask {
    pub(crate) id: String,
    pub(crate) wants: Amounts,
    /// It wants something that was not offered, too: the ledger lets it pass, and the master does not.
    pub(crate) invalid: bool,
    /// All that its call wants is more than was offered. The ledger may let that pass, if something has ended since.
    pub(crate) excessive: bool,
    /// Name of its gang, and how many belong to it.
    pub(crate) gang: Option<String>,
}

impl PlannedTask {
    /// The task; an owner's takes its resources out of what is left in `stock` of its offers.
    pub(crate) fn spec(&self, stock: &mut [Value], is_owner: bool) -> TaskSpec {
        let mut spec = TaskSpec::new(&self.id, COMMAND);
        if let Some(gang) = &self.gang {
            spec = spec.label("apportion_gang", gang);
        }
        if is_owner {
            let mut resources = taken(stock, "cpus", self.wants.cpus);
            resources.extend(taken(stock, "mem", self.wants.mem));
            return spec.resources(resources);
        }
        spec = spec.cpus(self.wants.cpus).mem_mb(self.wants.mem).revocable(&["cpus", "mem"]);
        if self.invalid { spec.disk_mb(1.0) } else { spec }
    }
}

/// So much of a resource out of a stock, reserved or not.
fn taken(stock: &mut [Value], name: &str, mut wanted: f64) -> Vec<Value> {
    // Sums of tenths are no tenths.
    let exactly = |amount: f64| (amount * 1000.0).round() / 1000.0;
    let mut taken = Vec::new();
    for resource in stock.iter_mut().filter(|resource| resource["name"] == name) {
        let there = resource["scalar"]["value"].as_f64().unwrap_or_default();
        let part = exactly(there.min(wanted));
        if part > 0.0 {
            wanted -= part;
            resource["scalar"] = json!({"value": exactly(there - part)});
            let mut resource = resource.clone();
            resource["scalar"] = json!({"value": part});
            taken.push(resource);
        }
    }
    taken
}

/// What one framework does.
#[derive(Debug, Clone, Default)]
pub(crate) struct Plan {
    pub(crate) tasks: Vec<PlannedTask>,
    /// It does not take part.
    pub(crate) keeps_offers: bool,
    /// So many microseconds after the start.
    pub(crate) after_us: u64,
}

impl Plan {
    /// What a borrower does with an offer of `there`. Without tasks it gives the offer back.
    pub(crate) fn of_borrower(race: &str, there: Amounts, random: &mut Random) -> Plan {
        let mut plan = Plan { after_us: start(random), ..Plan::default() };
        let kind = random.below(100);
        let (count, gang, invalid) = match kind {
            0..=4 => (0, false, false),
            5..=59 => (1, false, false),
            60..=74 => (2 + random.below(3), false, false),
            75..=84 => (2 + random.below(3), true, false),
            85..=94 => (2, false, true),
            _ => {
                plan.tasks.push(task(race, 0, there));
                return plan;
            }
        };
        for number in 0..count {
            let mut task = task(race, number, some_of(there, random));
            task.invalid = invalid && number == 0;
            if gang {
                // Its first claims for all of them, each of its size.
                let first = plan.tasks.first().map_or(some_of(there, random), |first| first.wants);
                task.wants = Amounts { cpus: (first.cpus / 2.0).max(LEAST.cpus), ..first };
                if plan.tasks.is_empty() {
                    task.wants = first;
                }
                task.gang = Some(format!("ring:{count}"));
            }
            plan.tasks.push(task);
        }
        let excessive = !plan.tasks.iter().map(|task| task.wants).sum::<Amounts>().fits(there);
        plan.tasks.iter_mut().for_each(|task| task.excessive = excessive);
        plan
    }

    /// One task of a borrower that takes no more than `most`.
    pub(crate) fn of_small_borrower(race: &str, most: Amounts, random: &mut Random) -> Plan {
        let tasks = vec![task(race, 0, some_of(most, random))];
        Plan { tasks, after_us: start(random), ..Plan::default() }
    }

    /// What an owner does with offers of `there`, in so many of a hundred cases.
    pub(crate) fn of_owner(race: &str, chance: u64, there: Amounts, random: &mut Random) -> Plan {
        if !random.percent(chance) || !LEAST.fits(there) {
            return Plan { keeps_offers: true, ..Plan::default() };
        }
        let mut plan = Plan { after_us: start(random), ..Plan::default() };
        let mut left = there;
        for number in 0..1 + random.below(2) {
            let wants = some_of(left, random);
            if !LEAST.fits(wants) || !wants.fits(left) {
                break;
            }
            left = left - wants;
            plan.tasks.push(task(race, number, wants));
        }
        plan.keeps_offers = plan.tasks.is_empty();
        plan
    }
}

fn start(random: &mut Random) -> u64 {
    // Half of them start as one.
    if random.percent(50) { 0 } else { random.below(LATEST_START_US) }
}

fn task(race: &str, number: u64, wants: Amounts) -> PlannedTask {
    PlannedTask { id: format!("{race}.{number}"), wants, invalid: false, excessive: false, gang: None }
}

/// From a tenth of a cpu and 16 MB to all of it, in such steps; small parts come often, so that several fit.
fn some_of(there: Amounts, random: &mut Random) -> Amounts {
    let mut part = |step: f64, there: f64| {
        let mut steps = 0_u32;
        while f64::from(steps + 1) * step <= there {
            steps += 1;
        }
        let most = if random.percent(60) { steps.div_ceil(4) } else { steps };
        let chosen = 1 + u32::try_from(random.below(u64::from(most.max(1)))).unwrap_or(0);
        (f64::from(chosen) * step * 1000.0).round() / 1000.0
    };
    Amounts { cpus: part(LEAST.cpus, there.cpus), mem: part(LEAST.mem, there.mem) }
}
