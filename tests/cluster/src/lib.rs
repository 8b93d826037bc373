//! What the tests of this package share: the finished library, a prepared rig, and a master and agents that run the
//! library's four modules.
//!
//! The tests themselves are one program, `tests/real_mesos`, with a file for each topic, and besides `tests/races`, in which
//! many frameworks race for one agent that lends. They want two things built before:
//!
//! ```text
//! cargo build -p apportion -p apportion-rig
//! cargo test -p apportion-cluster-tests
//! ```
//!
//! `APPORTION_LIBRARY` names another `libapportion.so`. Nothing is skipped: what is missing fails the test with the
//! command that mends it. What is said here panics on failure, as it is for tests only.
#![forbid(unsafe_code)]

pub mod figures;
mod random;
pub mod scenes;

use std::env;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use apportion_rig::{AgentBuilder, Framework, FrameworkSpec, MasterBuilder, Offer, Rig};
use serde_json::{Value, json};

pub use random::Random;

/// How long anything awaited may take. Far more than it takes, as other tests load the machine at the same time.
pub const WITHIN: Duration = Duration::from_secs(30);
/// Time between two allocation cycles of [`master`]; short, so that tests are.
pub const ALLOCATION_INTERVAL: Duration = Duration::from_millis(200);

/// Name of the library's allocator.
pub const ALLOCATOR: &str = "org_apportion_Allocator";
/// Name of the library's hook.
pub const HOOK: &str = "org_apportion_Hook";
/// Name of the library's isolator.
pub const ISOLATOR: &str = "org_apportion_Isolator";
/// Another name of the isolator, for agents whose tasks have limits of their own.
pub const ISOLATOR_FOR_LIMITS: &str = "org_apportion_Isolator/cgroups/cpu/cgroups/mem";
/// Name of the library's QoS controller.
pub const QOS_CONTROLLER: &str = "org_apportion_QoSController";

/// A command that runs until [`let_finish`]. While it waits it writes nothing.
pub const UNTIL_TOLD: &str = "while [ ! -e go ]; do sleep 0.05; done";

/// Lets a task that runs [`UNTIL_TOLD`] finish.
///
/// # Panics
/// When the sandbox cannot be written to.
pub fn let_finish(sandbox: &Path) {
    std::fs::write(sandbox.join("go"), "").expect("a file in the sandbox");
}

/// The rig, prepared once for all tests of a program.
///
/// # Panics
/// When something it needs is missing; the message has the command that mends it.
pub fn rig() -> &'static Rig {
    static RIG: OnceLock<Rig> = OnceLock::new();
    RIG.get_or_init(|| Rig::prepare(|step| eprintln!("{step}")).unwrap_or_else(|error| panic!("{error}")))
}

/// The finished library: `APPORTION_LIBRARY`, else the debug build beside the running test program.
///
/// # Panics
/// When it is not there; the message has the command that builds it.
pub fn library() -> PathBuf {
    let path = match env::var_os("APPORTION_LIBRARY").filter(|value| !value.is_empty()) {
        Some(given) => PathBuf::from(given),
        None => {
            let running = env::current_exe().expect("the path of the running test program");
            // <target>/<profile>/deps/<test program>
            let target = running.ancestors().nth(3).expect("a test program inside a target folder");
            target.join("debug/libapportion.so")
        }
    };
    let cure = "build it: cargo build -p apportion, or set APPORTION_LIBRARY to its path";
    assert!(path.is_absolute(), "{} is not an absolute path; {cure}", path.display());
    assert!(path.is_file(), "the library is not at {}; {cure}", path.display());
    path
}

/// A modules JSON with the four modules of the library, each with all of these parameters: every module takes its
/// own part of a configuration.
///
/// # Panics
/// As [`library`].
pub fn modules(parameters: &[(&str, &str)]) -> Value {
    modules_named(&[ALLOCATOR, HOOK, ISOLATOR, QOS_CONTROLLER], parameters)
}

/// A modules JSON with these modules of the library, each with all of these parameters.
///
/// # Panics
/// As [`library`].
pub fn modules_named(names: &[&str], parameters: &[(&str, &str)]) -> Value {
    let parameters: Vec<Value> =
        parameters.iter().map(|(key, value)| json!({"key": key, "value": value})).collect();
    let modules: Vec<Value> =
        names.iter().map(|name| json!({"name": name, "parameters": parameters})).collect();
    json!({"libraries": [{"file": library(), "modules": modules}]})
}

/// A master that runs our allocator and hook; agents of its process run our hook, isolator and QoS controller.
pub fn master(parameters: &[(&str, &str)]) -> MasterBuilder<'static> {
    rig()
        .master()
        .modules(modules(parameters))
        .allocator(ALLOCATOR)
        .allocation_interval(ALLOCATION_INTERVAL)
        .hooks(&[HOOK])
        .isolation(ISOLATOR)
        .qos_controller(QOS_CONTROLLER)
}

/// An agent in a process of its own that runs our hook, isolator and QoS controller.
pub fn agent(master: &str, parameters: &[(&str, &str)]) -> AgentBuilder<'static> {
    rig()
        .agent(master)
        .modules(modules(parameters))
        .hooks(&[HOOK])
        .isolation(ISOLATOR)
        .qos_controller(QOS_CONTROLLER)
}

/// Subscribes a framework of that name in these roles.
///
/// # Panics
/// When the master refuses it.
pub fn subscribe(master: &str, name: &str, roles: &[&str]) -> Framework {
    Framework::subscribe(master, FrameworkSpec::new(name).roles(roles)).expect("a subscription")
}

/// The next offer of a framework that is to get exactly one.
///
/// # Panics
/// When none comes, or several come at once.
pub fn only_offer(framework: &mut Framework) -> Offer {
    let mut offers = framework.next_offers(WITHIN).expect("an offer");
    assert_eq!(offers.len(), 1, "one offer: {offers:?}");
    offers.remove(0)
}

/// Looks again and again until `look` finds something; it says what is there instead.
///
/// # Panics
/// When it has not within [`WITHIN`].
pub fn wait_until<T>(what: &str, look: impl FnMut() -> Result<T, String>) -> T {
    wait_within(WITHIN, what, look)
}

/// As [`wait_until`], for another time.
fn wait_within<T>(within: Duration, what: &str, mut look: impl FnMut() -> Result<T, String>) -> T {
    let started = Instant::now();
    loop {
        match look() {
            Ok(found) => return found,
            Err(there) => {
                assert!(started.elapsed() < within, "waited {within:?} for {what}; there is {there}");
            }
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// The elements of a JSON list; none of anything else.
pub fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// A task with this id on an agent's state page, running or ended.
///
/// The master's page is no place to look for labels: it shows the framework's own only.
pub fn task_on_agent(state: &Value, task_id: &str) -> Option<Value> {
    let frameworks = list(&state["frameworks"]).iter().chain(list(&state["completed_frameworks"]));
    let executors = frameworks.flat_map(|framework| {
        list(&framework["executors"]).iter().chain(list(&framework["completed_executors"]))
    });
    let tasks = executors.flat_map(|executor| {
        ["tasks", "queued_tasks", "completed_tasks"].iter().flat_map(|kind| list(&executor[*kind]))
    });
    tasks.into_iter().find(|task| task["id"] == task_id).cloned()
}

/// Labels of a task or framework on a state page, as pairs.
pub fn labels(of: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    list(&of["labels"]).iter().map(|label| (text(&label["key"]), text(&label["value"]))).collect()
}
