//! One boot for several tests.

use std::any::Any;
use std::fs;
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::sync::OnceLock;

use crate::machine::{Machine, RESULTS};
use crate::scenario::{Outcome, Scenario, inside};

/// Folder below the results with a file for each test.
const TESTS: &str = "tests";
const PASSED: &str = "passed";
const BEGUN: &str = "it has not ended";

/// A machine that runs several tests of the running test program, each of which stays a test of its own: it fails when
/// it has failed inside, and with what it has said there.
///
/// The first test that asks boots the machine, and all of the list run in it, also those that were not asked for: a boot
/// costs more than most tests.
///
/// ```no_run
/// # fn machine() -> &'static apportion_machine::Machine { unimplemented!() }
/// use apportion_machine::SharedBoot;
///
/// static BOOT: SharedBoot = SharedBoot::new(&["memory_is_there", "pids_are_there"]);
///
/// fn controller(test: &str, name: &str) {
///     BOOT.run(test, machine, |scenario| scenario, || {
///         let controllers = std::fs::read_to_string("/sys/fs/cgroup/cgroup.controllers").unwrap();
///         assert!(controllers.contains(name));
///     });
/// }
///
/// #[test]
/// fn memory_is_there() {
///     controller("memory_is_there", "memory");
/// }
///
/// #[test]
/// fn pids_are_there() {
///     controller("pids_are_there", "pids");
/// }
/// ```
#[derive(Debug)]
pub struct SharedBoot {
    tests: &'static [&'static str],
    outcome: OnceLock<Result<Outcome, String>>,
}

impl SharedBoot {
    /// A boot for the tests of these names, as the test harness gives them (`topic::some_test`).
    pub const fn new(tests: &'static [&'static str]) -> SharedBoot {
        SharedBoot { tests, outcome: OnceLock::new() }
    }

    /// Inside the machine: runs `body`. Outside: boots `machine` with what `complete` adds to the scenario, unless
    /// another test has, and waits for what came of this test there.
    ///
    /// # Panics
    /// When the test fails inside, is not among those of this boot, or there is no machine.
    pub fn run(
        &self,
        test: &str,
        machine: impl FnOnce() -> &'static Machine,
        complete: impl FnOnce(Scenario) -> Scenario,
        body: impl FnOnce(),
    ) {
        assert!(self.tests.contains(&test), "{test} is not among the tests of this boot: {:?}", self.tests);
        if inside() {
            record(test, body);
            return;
        }
        let boot = || {
            let scenario = Scenario::these_tests(self.tests).map_err(|error| error.to_string())?;
            machine().run(&complete(scenario)).map_err(|error| error.to_string())
        };
        match self.outcome.get_or_init(boot) {
            Ok(outcome) => judge(test, outcome),
            Err(error) => panic!("{error}"),
        }
    }
}

/// Runs a test inside and writes down what comes of it.
fn record(test: &str, body: impl FnOnce()) {
    let folder = Path::new(RESULTS).join(TESTS);
    let write = |text: &str| {
        fs::create_dir_all(&folder)
            .and_then(|()| fs::write(folder.join(test), text))
            .expect("a file below /results");
    };
    write(BEGUN);
    match panic::catch_unwind(AssertUnwindSafe(body)) {
        Ok(()) => write(PASSED),
        Err(reason) => {
            write(words(&*reason));
            panic::resume_unwind(reason);
        }
    }
}

/// What a panic says.
fn words(reason: &(dyn Any + Send)) -> &str {
    let text = reason.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| reason.downcast_ref::<&str>().copied()).unwrap_or("it has panicked without a text")
}

fn judge(test: &str, outcome: &Outcome) {
    let found = outcome.text(&format!("{TESTS}/{test}")).unwrap_or_else(|_| "it has not begun".to_owned());
    assert!(found == PASSED, "inside the machine: {found}\n{}", part_of_console(test, &outcome.console));
}

/// What the console shows of one test: the harness says each test's name before it runs.
fn part_of_console<'a>(test: &str, console: &'a str) -> &'a str {
    let Some(from) = console.find(&format!("test {test} ...")) else { return console };
    let rest = &console[from..];
    rest[1..].find("\ntest ").map_or(rest, |next| &rest[..=next])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn part_of_the_console_is_that_of_the_test() {
        let console = "running 2 tests\ntest a::one ... ok\ntest a::two ... \nthread panicked\nFAILED\n";
        assert_eq!(part_of_console("a::one", console), "test a::one ... ok");
        assert_eq!(part_of_console("a::two", console), "test a::two ... \nthread panicked\nFAILED\n");
        assert_eq!(part_of_console("a::three", console), console);
    }

    #[test]
    fn words_of_a_panic_are_kept() {
        let said = panic::catch_unwind(|| panic!("number {}", 7)).unwrap_err();
        assert_eq!(words(&*said), "number 7");
    }
}
