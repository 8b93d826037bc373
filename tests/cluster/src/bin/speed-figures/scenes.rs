//! What is done to a cluster, and measured. Each scene has a master of its own.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use apportion_cluster_tests::figures::numbers::ms;
use apportion_rig::{Rig, SimulatedAgents};
use clap::ValueEnum;

use crate::Failure;
use crate::figures::{Books, Level, Step, percentile};
use crate::frameworks::Frameworks;
use crate::host::{ALLOCATOR_PAGE, Allocator, Host};

/// No batch comes by itself: what is measured is what was triggered.
const NO_BATCH: Duration = Duration::from_secs(24 * 3600);
/// Mesos' own.
const BATCH: Duration = Duration::from_secs(1);
/// For how long an agent is refused by whoever wants nothing of it.
const LONG: Duration = Duration::from_secs(24 * 3600);
/// Between an answer and the next question.
const PAUSE: Duration = Duration::from_millis(10);
/// Fewer filters than this say nothing about the memory of one.
const FILTERS_MIN: usize = 20_000;

/// A cluster and what happens in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Scene {
    /// Agents register while frameworks wait for them; then all offers are declined, and made again
    Cycle,
    /// Frameworks join agents that are there; then all of them revive with nothing free
    Join,
    /// A task is launched on every agent
    Launch,
    /// Every framework has declined every agent for long; one revives
    Filtered,
}

/// What all scenes of a size have in common.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setting<'a> {
    pub(crate) rig: &'a Rig,
    pub(crate) measured_library: &'a Path,
    pub(crate) agents: usize,
    pub(crate) frameworks: usize,
    pub(crate) roles: usize,
    /// How often what can be repeated in one cluster is measured there.
    pub(crate) repeats: u32,
    /// For how long a cluster is watched in which nothing happens.
    pub(crate) idle: Duration,
    /// The longest that anything may take.
    pub(crate) limit: Duration,
}

impl Scene {
    /// What it is about, for a line that says how far things are.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Scene::Cycle => "registration and full cycles",
            Scene::Join => "frameworks join",
            Scene::Launch => "launches",
            Scene::Filtered => "filtered cluster",
        }
    }

    /// Plays it once, and enters what it took; `tell` hears how far it is.
    pub(crate) fn play(
        self,
        setting: Setting<'_>,
        allocator: Allocator,
        books: &mut Books,
        tell: &dyn Fn(&str),
    ) -> Result<(), Failure> {
        let interval = if self == Scene::Filtered { BATCH } else { NO_BATCH };
        let host = Host::start(setting.rig, allocator, setting.measured_library, interval, setting.limit)?;
        let frameworks = Frameworks::new(host.web.clone(), setting.roles, setting.limit);
        match self {
            Scene::Cycle => cycle(setting, &host, frameworks, books, tell),
            Scene::Join => join(setting, &host, frameworks, books, tell),
            Scene::Launch => launch(setting, &host, frameworks, books, tell),
            Scene::Filtered => filtered(setting, &host, frameworks, books, tell),
        }
    }
}

fn cycle(
    setting: Setting<'_>,
    host: &Host,
    mut frameworks: Frameworks,
    books: &mut Books,
    tell: &dyn Fn(&str),
) -> Result<(), Failure> {
    frameworks.subscribe(setting.frameworks)?;
    host.quiet()?;
    tell("agents register");
    let begun = host.begin()?;
    let agents = host.agents(setting.agents)?;
    let end = frameworks.gather(setting.agents)?;
    books.took(Step::Registration, host.end(begun, end)?);
    agents.wait_until_registered(setting.limit)?;
    for number in 1..=setting.repeats {
        tell(&format!("cycle {number} of {}", setting.repeats));
        host.quiet()?;
        let begun = host.begin()?;
        frameworks.decline_all(Duration::ZERO)?;
        let end = host.quiet()?;
        books.took(Step::TakenBack, host.end(begun, end)?);
        frameworks.mark()?;
        let begun = host.begin()?;
        frameworks.revive(0)?;
        let end = frameworks.gather(setting.agents)?;
        books.took(Step::Cycle, host.end(begun, end)?);
        if let Some(run) = host.last_run_ms()? {
            books.read(Level::CycleRun, run);
        }
    }
    books.read(Level::MemoryCycle, host.memory_mb()?.0);
    Ok(())
}

fn join(
    setting: Setting<'_>,
    host: &Host,
    mut frameworks: Frameworks,
    books: &mut Books,
    tell: &dyn Fn(&str),
) -> Result<(), Failure> {
    tell("agents register");
    let _agents = host.registered_agents(setting.agents)?;
    tell("frameworks join");
    let begun = host.begin()?;
    frameworks.subscribe(setting.frameworks)?;
    let offered = frameworks.gather(setting.agents)?;
    books.took(Step::JoinOffered, host.end(begun, offered)?);
    let quiet = host.quiet()?;
    books.took(Step::JoinQuiet, host.end(begun, quiet)?);
    for number in 1..=setting.repeats {
        tell(&format!("revive storm {number} of {}", setting.repeats));
        let begun = host.begin()?;
        frameworks.revive_all()?;
        let quiet = host.quiet()?;
        books.took(Step::ReviveStorm, host.end(begun, quiet)?);
    }
    books.read(Level::MemoryJoin, host.memory_mb()?.0);
    Ok(())
}

fn launch(
    setting: Setting<'_>,
    host: &Host,
    mut frameworks: Frameworks,
    books: &mut Books,
    tell: &dyn Fn(&str),
) -> Result<(), Failure> {
    tell("agents register");
    frameworks.subscribe(setting.frameworks)?;
    let agents = host.agents(setting.agents)?;
    frameworks.gather(setting.agents)?;
    agents.wait_until_registered(setting.limit)?;
    host.quiet()?;
    tell("tasks are launched");
    let tasks = agents.watch_tasks();
    let begun = host.begin()?;
    frameworks.launch_all(LONG)?;
    let until = Instant::now() + setting.limit;
    for started in 0..setting.agents {
        let left = until.saturating_duration_since(Instant::now());
        if tasks.recv_timeout(left).is_err() {
            return Err(format!("{started} of {} tasks have started", setting.agents).into());
        }
    }
    let end = host.quiet()?;
    books.took(Step::Launch, host.end(begun, end)?);
    Ok(())
}

fn filtered(
    setting: Setting<'_>,
    host: &Host,
    mut frameworks: Frameworks,
    books: &mut Books,
    tell: &dyn Fn(&str),
) -> Result<(), Failure> {
    tell("agents register");
    let agents = host.registered_agents(setting.agents)?;
    decline_one_after_the_other(setting, host, &mut frameworks, books, tell)?;
    tell("nothing happens");
    watch_idle(setting, host, books)?;
    tell("pages are read");
    let pages = [
        ("/health", Level::HealthMedian, Level::HealthWorst),
        (ALLOCATOR_PAGE, Level::PageMedian, Level::PageWorst),
        ("/metrics/snapshot", Level::MetricsMedian, Level::MetricsWorst),
    ];
    for (page, middle, worst) in pages {
        let took = answers(host, page, setting.idle)?;
        books.read(middle, percentile(&took, 50));
        books.read(worst, percentile(&took, 99));
    }
    for number in 1..=setting.repeats {
        tell(&format!("one revives, {number} of {}", setting.repeats));
        frameworks.mark()?;
        let begun = host.begin()?;
        frameworks.revive(usize::try_from(number)? % setting.frameworks)?;
        let end = frameworks.gather(setting.agents)?;
        books.took(Step::ReviveFiltered, host.end(begun, end)?);
        frameworks.decline_all(LONG)?;
        host.quiet()?;
    }
    require_all_registered(&agents, setting.agents)
}

/// Until every framework has declined every agent. Each is alone with the agents that all before it have refused.
fn decline_one_after_the_other(
    setting: Setting<'_>,
    host: &Host,
    frameworks: &mut Frameworks,
    books: &mut Books,
    tell: &dyn Fn(&str),
) -> Result<(), Failure> {
    let half = setting.frameworks / 2;
    let mut with_half = 0.0;
    let begun = host.begin()?;
    for number in 1..=setting.frameworks {
        tell(&format!("framework {number} of {} declines all", setting.frameworks));
        frameworks.mark()?;
        frameworks.subscribe(1)?;
        frameworks.gather(setting.agents)?;
        frameworks.decline_all(LONG)?;
        if number == half {
            host.quiet()?;
            with_half = host.memory_mb()?.0;
        }
    }
    let end = host.quiet()?;
    books.took(Step::DeclinedByAll, host.end(begun, end)?);
    let (memory, peak) = host.memory_mb()?;
    books.read(Level::MemoryFiltered, memory);
    books.read(Level::PeakFiltered, peak);
    // What the first ones needed is mostly what offers need that come and go.
    let filters = setting.agents * (setting.frameworks - half);
    if half > 0 && filters >= FILTERS_MIN {
        let bytes = (memory - with_half).max(0.0) * 1024.0 * 1024.0;
        books.read(Level::MemoryFilter, bytes / f64::from(u32::try_from(filters)?));
    }
    Ok(())
}

fn watch_idle(setting: Setting<'_>, host: &Host, books: &mut Books) -> Result<(), Failure> {
    let before = host.runs()?;
    let begun = host.begin()?;
    thread::sleep(setting.idle);
    let sample = host.end(begun, Instant::now())?;
    let runs = host.runs()? - before;
    let seconds = begun.at.elapsed().as_secs_f64();
    books.read(Level::FilteredCpu, sample.cpu_ms * 1000.0 / sample.wall_ms);
    books.read(Level::FilteredRuns, runs / seconds);
    if let Some(run) = host.last_run_ms()? {
        books.read(Level::FilteredRun, run);
    }
    Ok(())
}

/// Milliseconds from request to answer, asked again and again.
fn answers(host: &Host, page: &str, watched: Duration) -> Result<Vec<f64>, Failure> {
    let begun = Instant::now();
    let mut took = Vec::new();
    while begun.elapsed() < watched {
        let asked = Instant::now();
        host.web.get(page)?;
        took.push(ms(asked.elapsed()));
        thread::sleep(PAUSE);
    }
    Ok(took)
}

/// Agents that were lost on the way would have made all of it cheaper.
fn require_all_registered(agents: &SimulatedAgents, wanted: usize) -> Result<(), Failure> {
    let registered = agents.registered();
    if registered == wanted {
        return Ok(());
    }
    Err(format!("{registered} of {wanted} agents are still registered").into())
}
