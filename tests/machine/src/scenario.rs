//! What is to happen in a machine, and what came of it.

use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::MachineError;
use crate::machine::{RESULTS, RIG};
use crate::tree::Content;

/// Set inside the machine for a scenario of [`Scenario::this_test`].
const INSIDE: &str = "APPORTION_INSIDE_MACHINE";
/// Tells the rig inside where its files are.
const PREPARED: &str = "APPORTION_RIG_PREPARED";
/// Written below `/results` by a test that has found itself inside.
pub(crate) const ENTERED: &str = "entered";

/// What a machine runs.
#[derive(Debug, Clone)]
pub(crate) enum Run {
    /// A program of this machine, copied in together with its libraries.
    Program(PathBuf),
    /// A script for the machine's shell.
    Script(String),
}

/// What a machine has, what it runs and how long that may take.
#[derive(Debug, Clone)]
pub struct Scenario {
    pub(crate) run: Run,
    pub(crate) arguments: Vec<String>,
    pub(crate) variables: BTreeMap<String, String>,
    pub(crate) files: Vec<(PathBuf, Content)>,
    pub(crate) modules: Vec<String>,
    pub(crate) kernel_arguments: Vec<String>,
    pub(crate) memory_mib: u32,
    pub(crate) cpus: u32,
    pub(crate) within: Duration,
    pub(crate) mesos: bool,
    /// Name of the test that is to find itself inside.
    pub(crate) test: Option<String>,
}

impl Scenario {
    fn new(run: Run) -> Scenario {
        let variables = [("PATH", "/bin"), ("HOME", "/root"), (PREPARED, RIG)];
        Scenario {
            run,
            arguments: Vec::new(),
            variables: variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            files: Vec::new(),
            modules: Vec::new(),
            kernel_arguments: Vec::new(),
            memory_mib: 1024,
            cpus: 2,
            within: Duration::from_secs(120),
            mesos: true,
            test: None,
        }
    }

    /// A script for the machine's shell, which is busybox' with all of busybox' tools. It runs as root in `/root`.
    pub fn script(text: &str) -> Scenario {
        Scenario::new(Run::Script(text.to_owned()))
    }

    /// A program of this machine. It is copied with the libraries it needs, and runs as root in `/root`. A rig that is
    /// prepared inside ([`apportion_rig::Rig::prepare`]) finds all it needs.
    pub fn program(path: &Path) -> Scenario {
        Scenario::new(Run::Program(path.to_owned()))
    }

    /// One test of the running test program, by the name that the test harness gives it (`topic::some_test`). The test
    /// asks [`inside`] where it is:
    ///
    /// ```no_run
    /// # fn machine() -> apportion_machine::Machine { unimplemented!() }
    /// use apportion_machine::{Scenario, inside};
    ///
    /// #[test]
    /// fn memory_is_one_of_the_controllers() {
    ///     if !inside() {
    ///         let scenario = Scenario::this_test("memory_is_one_of_the_controllers").unwrap();
    ///         machine().run(&scenario).unwrap().require_success().unwrap();
    ///         return;
    ///     }
    ///     let controllers = std::fs::read_to_string("/sys/fs/cgroup/cgroup.controllers").unwrap();
    ///     assert!(controllers.contains("memory"));
    /// }
    /// ```
    ///
    /// # Errors
    /// When the running program cannot be found.
    pub fn this_test(name: &str) -> Result<Scenario, MachineError> {
        Scenario::these_tests(&[name])
    }

    /// Several tests of the running test program in one machine, as [`Scenario::this_test`]; they run one after the
    /// other, in the order of their names, all of them also when one fails.
    ///
    /// # Errors
    /// When the running program cannot be found.
    pub fn these_tests(names: &[&str]) -> Result<Scenario, MachineError> {
        let program =
            env::current_exe().map_err(MachineError::io("find", Path::new("the running program")))?;
        let arguments = [names, &["--exact", "--nocapture", "--test-threads=1"]].concat();
        let mut scenario = Scenario::program(&program).arguments(&arguments).variable(INSIDE, "1");
        scenario.test = Some(names.join(", "));
        Ok(scenario)
    }

    /// Arguments of the program or script.
    #[must_use]
    pub fn arguments(mut self, arguments: &[&str]) -> Self {
        self.arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        self
    }

    /// A variable of its environment.
    #[must_use]
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Copies a file of this machine to an absolute path in the other; with its libraries, if it is a program or
    /// library.
    #[must_use]
    pub fn file(mut self, inside: &str, from: &Path) -> Self {
        self.files.push((PathBuf::from(inside), Content::Copy(from.to_owned())));
        self
    }

    /// Writes a file at an absolute path in the machine.
    #[must_use]
    pub fn text(mut self, inside: &str, text: &str) -> Self {
        self.files.push((PathBuf::from(inside), Content::Bytes(text.as_bytes().to_vec())));
        self
    }

    /// Loads a module of the kernel (`brd`, `zram`) and those it depends on before the program starts.
    #[must_use]
    pub fn kernel_module(mut self, name: &str) -> Self {
        self.modules.push(name.to_owned());
        self
    }

    /// Adds an argument of the kernel (`hugepages=8`).
    #[must_use]
    pub fn kernel_argument(mut self, argument: &str) -> Self {
        self.kernel_arguments.push(argument.to_owned());
        self
    }

    /// Leaves Mesos out: a machine that needs none is up sooner. No rig can be prepared inside then.
    #[must_use]
    pub fn without_mesos(mut self) -> Self {
        self.mesos = false;
        self.variables.remove(PREPARED);
        self
    }

    /// Memory in MiB; 1024 without this call. The machine's files take part of it: about 200 with Mesos and a library,
    /// and twice that while it boots.
    #[must_use]
    pub fn memory_mib(mut self, memory: u32) -> Self {
        self.memory_mib = memory;
        self
    }

    /// Processors; 2 without this call.
    #[must_use]
    pub fn cpus(mut self, cpus: u32) -> Self {
        self.cpus = cpus;
        self
    }

    /// How long the program may run, without the boot; 120 seconds without this call. What it has written to
    /// `/results` until then is lost with [`MachineError::Deadline`].
    #[must_use]
    pub fn within(mut self, limit: Duration) -> Self {
        self.within = limit;
        self
    }

    /// The script that starts the program, for the machine's shell.
    ///
    /// # Errors
    /// [`MachineError::Setting`] for a text with a null byte.
    pub(crate) fn start(&self) -> Result<String, MachineError> {
        let quote = |text: &str| {
            shlex::try_quote(text).map(|quoted| quoted.into_owned()).map_err(|error| MachineError::Setting {
                setting: "an argument or variable of the machine's program",
                detail: format!("{error}: {text:?}"),
            })
        };
        let mut text = String::new();
        for (name, value) in &self.variables {
            text.push_str(&format!("export {name}={}\n", quote(value)?));
        }
        text.push_str(match self.run {
            Run::Program(_) => concat!("exec ", "/machine/program"),
            Run::Script(_) => "exec /bin/sh /machine/script",
        });
        for argument in &self.arguments {
            text.push(' ');
            text.push_str(&quote(argument)?);
        }
        text.push('\n');
        Ok(text)
    }
}

/// Whether the running test is inside a machine, started by [`Scenario::this_test`].
///
/// # Panics
/// When it is, but `/results` cannot be written to.
pub fn inside() -> bool {
    let inside = env::var_os(INSIDE).is_some();
    if inside {
        // A name that no test has would make a test program that succeeds; this tells.
        std::fs::write(Path::new(RESULTS).join(ENTERED), "").expect("a file below /results");
    }
    inside
}

/// What a machine leaves.
#[derive(Debug)]
pub struct Outcome {
    /// Everything on its console: what kernel and program printed, with plain line ends.
    pub console: String,
    /// Exit code of the program; 128 and the number of the signal that ended it.
    pub exit_code: i32,
    /// Files that the program has left below `/results`, by their paths there.
    pub results: BTreeMap<PathBuf, Vec<u8>>,
    /// From the start of qemu to the start of the program.
    pub boot: Duration,
    /// From the start of qemu to its end.
    pub total: Duration,
    /// Size of the archive with the machine's files, in bytes.
    pub files_bytes: u64,
}

impl Outcome {
    /// The outcome, if the program has ended with code zero.
    ///
    /// # Errors
    /// [`MachineError::Failed`] with the console if not.
    pub fn require_success(self) -> Result<Outcome, MachineError> {
        match self.exit_code {
            0 => Ok(self),
            code => Err(MachineError::Failed { code, console: self.console }),
        }
    }

    /// Text of a file below `/results`.
    ///
    /// # Errors
    /// [`MachineError::Io`] when the program has not written it.
    pub fn text(&self, path: &str) -> Result<String, MachineError> {
        let path = Path::new(path);
        match self.results.get(path) {
            Some(bytes) => Ok(String::from_utf8_lossy(bytes).into_owned()),
            None => Err(MachineError::io("find among the machine's results", path)(
                std::io::ErrorKind::NotFound.into(),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_and_variables_reach_the_shell_as_one_word_each() {
        let scenario =
            Scenario::script("").arguments(&["two words", "it's", "$HOME"]).variable("TEXT", "a; b");
        let start = scenario.start().unwrap();
        let told = start.replace("exec /bin/sh /machine/script", r#"printf '%s|' "$TEXT""#);
        let output = std::process::Command::new("/bin/sh").args(["-c", &told]).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), "a; b|two words|it's|$HOME|", "{start}");
    }

    #[test]
    fn null_byte_in_an_argument_is_refused() {
        let error = Scenario::script("").arguments(&["a\0b"]).start().unwrap_err();
        assert!(matches!(error, MachineError::Setting { .. }), "{error}");
    }
}
