//! Where the races take place: a real master with our allocator and hook, one simulated agent, and the frameworks.

use std::collections::BTreeSet;
use std::fs;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use apportion_cluster_tests::{WITHIN, list, master};
use apportion_rig::{Framework, Master, Registry, SimulatedAgents, SimulatedSpec, TaskEnd};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::amounts::Amounts;
use crate::racer::{Answer, Racer};
use crate::witness::{SETTLED_WITHIN, Witness};
use crate::{OWNERS_ROLE, priority};

/// All that the agent has of what is lent; a quarter of the cpus is reserved for the owners.
pub(crate) const CAPACITY: Amounts = Amounts { cpus: 16.0, mem: 16_384.0 };
const RESERVED_CPUS: f64 = 4.0;
/// Everybody is offered what is left, as long as that times the fan-out is no less than all that is offered: twenty offers
/// of the whole agent, 64 times this.
const LEFT_AT_LEAST: Amounts = Amounts { cpus: 5.0, mem: 5_120.0 };
/// So many frameworks borrow. Two more own what they borrow.
pub(crate) const BORROWERS: usize = 20;
const OWNERS: usize = 2;
/// Short, so that races are.
pub(crate) const ALLOCATION_INTERVAL: Duration = Duration::from_millis(10);
/// Every borrower sees everything; nobody waits for having lost, as all are to be there again.
pub(crate) const RULES: &str = r#"
[lending]
fan_out = 64
min_idle = "0s"
back_off = { conflicts = 0 }

[[lending.lenders]]
roles = ["prod"]
lend = ["offered"]

[[lending.borrowers]]
roles = ["batch", "day", "week"]

[[lending.borrowers]]
roles = "night"
priority = 10

[eviction]
check_every = "1s"
"#;

/// Everything that runs.
#[derive(Debug)]
pub(crate) struct Course {
    pub(crate) master: Master,
    pub(crate) agents: Arc<SimulatedAgents>,
    pub(crate) witness: Witness,
    pub(crate) racers: Vec<Racer>,
    process_id: Option<i32>,
    _folder: TempDir,
}

impl Course {
    /// Starts everything. Long runs write no line for each offer.
    pub(crate) fn start(seed: u64, registry: Registry, is_long: bool) -> Result<Course, String> {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let file = folder.path().join("apportion.toml");
        fs::write(&file, RULES).map_err(|error| error.to_string())?;
        let master = master(&[("config", &file.display().to_string())])
            .allocation_interval(ALLOCATION_INTERVAL)
            .registry(registry)
            .logging_level(if is_long { "WARNING" } else { "INFO" })
            // What has ended is of no interest, and makes each look at the master longer.
            .flag("max_completed_tasks_per_framework", "0")
            .start()
            .map_err(|error| error.to_string())?;
        let spec = SimulatedSpec {
            agents: 1,
            cpus: CAPACITY.cpus - RESERVED_CPUS,
            mem_mb: CAPACITY.mem,
            further: vec![("cpus".to_owned(), OWNERS_ROLE.to_owned(), RESERVED_CPUS)],
            attributes: vec![("apportion_reclaim".to_owned(), "v1".to_owned())],
            task_time: Duration::MAX,
            ..SimulatedSpec::default()
        };
        let agents =
            Arc::new(SimulatedAgents::start(master.address(), spec).map_err(|error| error.to_string())?);
        let witness = Witness::of(&agents, CAPACITY, seed);
        agents.wait_until_registered(WITHIN).map_err(|error| error.to_string())?;
        let process_id = master.process_id();
        keep_borrowers_to_loans(&master)?;
        let racers = subscribe(master.address())?;
        Ok(Course { master, agents, witness, racers, process_id, _folder: folder })
    }

    /// Lets each framework do the same at the same time, and gathers what each has to say.
    pub(crate) fn each<Outcome: Send>(
        &mut self,
        each: impl Fn(usize, &mut Racer) -> Result<Outcome, String> + Sync,
    ) -> Result<Vec<Outcome>, String> {
        side_by_side(&mut self.racers, each)
    }

    /// What a borrower of that priority is to be offered.
    pub(crate) fn expected(&self, priority: u32) -> Option<Amounts> {
        Some(self.witness.books().left(CAPACITY, priority)).filter(|left| left.has_both())
    }

    /// Ids of what runs.
    pub(crate) fn alive(&self) -> BTreeSet<String> {
        self.witness.books().running.iter().map(apportion_rig::SimulatedTask::task_id).collect()
    }

    /// Ends all tasks but those that `stays` wants to stay, as far as they leave [`LEFT_AT_LEAST`].
    pub(crate) fn end_tasks(&self, mut stays: impl FnMut() -> bool) -> Result<(), String> {
        let mut left = CAPACITY;
        for task in self.agents.running_tasks() {
            let rest = left - Amounts::lent_to(&task) - Amounts::own_of(&task);
            if LEFT_AT_LEAST.fits(rest) && stays() {
                left = rest;
            } else {
                self.agents.end_task(&task, TaskEnd::Finished);
            }
        }
        self.settle()
    }

    /// Waits until the witness knows everything, and nothing is over-committed any more.
    pub(crate) fn settle(&self) -> Result<(), String> {
        within(SETTLED_WITHIN, "the agent to settle", || {
            let (books, running) = (self.witness.books(), self.agents.running_tasks());
            let fits = (books.regular() + books.lent_from(0)).fits(CAPACITY);
            let is_known = books.running.len() == running.len()
                && books.running.iter().all(|task| running.contains(task));
            if fits && is_known { Ok(()) } else { Err(format!("{books}, of which {running:?} run")) }
        })
    }

    /// The master says of the agent what the witness does, and is still the one that it was.
    pub(crate) fn agree(&mut self) -> Result<(), String> {
        let (regular, lent) = {
            let books = self.witness.books();
            (books.regular(), books.lent_from(0))
        };
        let http = self.master.http();
        within(SETTLED_WITHIN, "the master to know what runs", || {
            let page = http.get_json("/slaves").map_err(|error| error.to_string())?;
            let [agent] = list(&page["slaves"]) else { return Err(page.to_string()) };
            let used = &agent["used_resources"];
            let same = Amounts::regular_in(used).same(regular) && Amounts::lent_in(used).same(lent);
            let active = agent["active"] == true;
            if same && active {
                Ok(())
            } else {
                Err(format!("{used}, expected {regular:?} and {lent:?} lent"))
            }
        })?;
        if self.master.process_id() != self.process_id {
            return Err(format!(
                "the master was process {:?}: {:?}",
                self.process_id,
                self.master.process_id()
            ));
        }
        Ok(())
    }

    /// What the frameworks were told is what runs on the agent.
    pub(crate) fn frameworks_know(&mut self) -> Result<(), String> {
        let runs = self.alive();
        for racer in &mut self.racers {
            let started = Instant::now();
            loop {
                racer.listen()?;
                let told =
                    |(task, answer): (&String, &Answer)| (*answer == Answer::Running) == runs.contains(task);
                if racer.tasks.iter().all(told) {
                    break;
                }
                if started.elapsed() > SETTLED_WITHIN {
                    return Err(format!("{} was told {:?}, and {runs:?} run", racer.name(), racer.tasks));
                }
                thread::sleep(Duration::from_millis(1));
            }
        }
        Ok(())
    }

    /// Everything that anybody found so far.
    pub(crate) fn findings(&mut self) -> Vec<String> {
        let mut findings = std::mem::take(&mut self.witness.books().findings);
        findings.extend(self.racers.iter_mut().flat_map(|racer| racer.findings.drain(..)));
        findings
    }

    /// Starts a master that was killed again, and gets everybody back to it.
    pub(crate) fn restart_master(&mut self) -> Result<(), String> {
        self.master.restart().map_err(|error| error.to_string())?;
        self.process_id = self.master.process_id();
        // Before it led it did not listen; agents say it again only after seconds.
        self.agents.reconnect();
        let address = self.master.address().to_owned();
        self.each(|_, racer| racer.resubscribe(&address))?;
        self.master.wait_for_agents(1, WITHIN).map_err(|error| error.to_string())?;
        self.each(|_, racer| {
            racer.reconcile()?;
            racer.wait_for_answers().map(|_| ())
        })?;
        Ok(())
    }
}

/// Lets each framework do the same at the same time, and gathers what each has to say.
pub(crate) fn side_by_side<Outcome: Send>(
    racers: &mut [Racer],
    each: impl Fn(usize, &mut Racer) -> Result<Outcome, String> + Sync,
) -> Result<Vec<Outcome>, String> {
    let each = &each;
    let outcomes: Vec<Result<Outcome, String>> = thread::scope(|scope| {
        let racers = racers.iter_mut().enumerate();
        let threads: Vec<_> = racers.map(|(at, racer)| scope.spawn(move || each(at, racer))).collect();
        threads.into_iter().map(|one| one.join().unwrap_or_else(|_| Err("a panic".to_owned()))).collect()
    });
    outcomes.into_iter().collect()
}

/// What owners leave free for a moment would be offered to borrowers as their fair share. They are not to have any. A
/// limit binds a role at the top only.
pub(crate) fn keep_borrowers_to_loans(master: &Master) -> Result<(), String> {
    let nothing = json!({"cpus": {"value": 0.0}, "mem": {"value": 0.0}});
    let configs: Vec<Value> = ["batch", "day", "week", "night"]
        .iter()
        .map(|role| json!({"role": role, "limits": nothing}))
        .collect();
    let call = json!({"type": "UPDATE_QUOTA", "update_quota": {"quota_configs": configs}});
    within(WITHIN, "the master to take limits", || {
        master.call(&call).map(|_| ()).map_err(|error| error.to_string())
    })
}

pub(crate) fn subscribe(master: &str) -> Result<Vec<Racer>, String> {
    let roles: Vec<(String, &str)> = (0..OWNERS)
        .map(|number| (format!("owner-{number}"), OWNERS_ROLE))
        .chain((0..BORROWERS).map(|number| {
            let role = ["batch", "day", "week", "batch", "night"][number % 5];
            (format!("borrower-{number}"), role)
        }))
        .collect();
    debug_assert!(roles.iter().any(|(_, role)| priority(role) > 0));
    let specs = roles.iter().map(|(name, role)| Racer::spec(name, role));
    let frameworks = Framework::subscribe_all(master, specs).map_err(|error| error.to_string())?;
    Ok(frameworks.into_iter().zip(roles).map(|(framework, (_, role))| Racer::new(framework, role)).collect())
}

/// Looks again and again until `look` finds nothing wrong.
pub(crate) fn within(
    time: Duration,
    what: &str,
    mut look: impl FnMut() -> Result<(), String>,
) -> Result<(), String> {
    let started = Instant::now();
    loop {
        match look() {
            Ok(()) => return Ok(()),
            Err(there) if started.elapsed() > time => {
                return Err(format!("waited {time:?} for {what}; there is {there}"));
            }
            Err(_) => thread::sleep(Duration::from_millis(1)),
        }
    }
}
