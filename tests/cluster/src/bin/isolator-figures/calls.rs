//! The isolator's calls for one container, timed in this process: with groups and without, in turns.

use apportion_isolation::{Cleanup, ContainerId, Containers, Host, Settings};
use serde_json::{Value, json};

use crate::Failure;
use crate::groups::{Parent, Sleeper, asked};
use crate::numbers::{Took, median, rounded, timed, us};
use crate::table::Table;

const NAMES: [&str; 4] = ["prepare", "watch", "isolate", "cleanup"];

/// What the calls took, for each container.
#[derive(Debug, Default)]
struct Way {
    calls: Vec<[Took; 4]>,
    /// Cleanups that went on after the call.
    under_way: u32,
}

impl Way {
    /// A container from its preparation to its cleanup, with a process that waits, as the host's does.
    fn take(&mut self, containers: &Containers, id: &ContainerId) -> Result<(), Failure> {
        let process = Sleeper::start()?;
        let pid = process.pid()?;
        let asked = asked();
        let (prepared, prepare) = timed(|| containers.prepare(id, &asked));
        prepared?;
        let (watched, watch) = timed(|| containers.watch(id));
        watched?;
        let (isolated, isolate) = timed(|| containers.isolate(id, pid));
        isolated?;
        // The host has ended all processes when it calls for the cleanup.
        drop(process);
        let (cleaned, cleanup) = timed(|| containers.cleanup(id));
        self.under_way += u32::from(cleaned? == Cleanup::UnderWay);
        self.calls.push([prepare, watch, isolate, cleanup]);
        Ok(())
    }

    fn median_us(&self, of: impl Fn(&[Took; 4]) -> Took) -> Median {
        let (wall, cpu): (Vec<f64>, Vec<f64>) =
            self.calls.iter().map(of).map(|took| (us(took.wall), us(took.cpu))).unzip();
        Median { wall: median(&wall), cpu: median(&cpu) }
    }

    /// Medians of each call and of all together.
    fn medians(&self) -> [(&'static str, Median); 5] {
        let call = |at: usize| (NAMES[at], self.median_us(|calls| calls[at]));
        let all = self.median_us(|calls| calls.iter().fold(Took::default(), |sum, took| sum + *took));
        [call(0), call(1), call(2), call(3), ("all four", all)]
    }

    fn json(&self) -> Value {
        let mut all = json!({"cleanups_that_went_on": self.under_way});
        for (name, median) in self.medians() {
            all[name] = json!({"wall_us": rounded(median.wall), "cpu_us": rounded(median.cpu)});
        }
        all
    }
}

/// In microseconds.
#[derive(Debug, Clone, Copy)]
struct Median {
    wall: f64,
    cpu: f64,
}

/// Figures of both ways.
#[derive(Debug)]
pub(crate) struct Calls {
    without: Way,
    with: Way,
}

pub(crate) fn measure(containers: u32) -> Result<Calls, Failure> {
    eprintln!("calls: {containers} containers with groups, and as many without");
    let parent = Parent::named("calls");
    let with_groups = parent.containers()?;
    let without_groups = Containers::open(Settings::default(), &Host::live())?;
    let mut calls = Calls { without: Way::default(), with: Way::default() };
    for number in 0..containers {
        let id = ContainerId::root(format!("figure-{number}"));
        calls.without.take(&without_groups, &id)?;
        calls.with.take(&with_groups, &id)?;
    }
    // Ends the cleanups that went on.
    drop(with_groups);
    parent.end()?;
    Ok(calls)
}

impl Calls {
    pub(crate) fn json(&self) -> Value {
        json!({
            "containers": self.with.calls.len(),
            "with_groups": self.with.json(),
            "without_groups": self.without.json(),
        })
    }

    pub(crate) fn table(&self) -> Table {
        let title = format!(
            "Calls for one container, medians of {}, µs (cleanups that went on after the call: {})",
            self.with.calls.len(),
            self.with.under_way,
        );
        let heads = ["", "without groups", "with groups", "its CPU, calling thread"];
        let mut table = Table::new(title, &heads);
        for ((name, without), (_, with)) in self.without.medians().into_iter().zip(self.with.medians()) {
            let figures = [without.wall, with.wall, with.cpu].map(|figure| format!("{figure:.0}"));
            table.line(name, figures);
        }
        table
    }
}
