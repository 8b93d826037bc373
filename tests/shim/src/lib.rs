//! Drives the finished library from C++ inside a process that holds the Mesos binary.
//!
//! The driver (`driver/*.cpp`) makes the same virtual calls as the host, through our own declarations of its
//! interface. It is compiled here, loaded by the rig's launcher and told what to do on its command line; its exit code
//! and its output are what the tests look at.
//!
//! The library under test is named by `APPORTION_LIBRARY`; the one whose shim is instrumented for the memory checker by
//! `APPORTION_SANITIZED_LIBRARY`. `cargo xtask test` builds both and sets both.
#![forbid(unsafe_code)]

pub mod hook_manager;
pub mod message;
pub mod scene;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use apportion_rig::{Rig, Variant};

/// What makes the driver's answers checkable: each rule shows up in one of them.
const CONFIG: &str = r#"
[allocator]
seed = 7

[hook]
endpoint = "master"

[hook.environment]
ROLE = "{{ framework.role }}"
NAME = "{{ framework.name }}"
ZONE = "ours"

[hook.labels]
rack = "{{ agent.attributes.rack }}"

[isolator.environment]
CONTAINER = "{{ container.id }}"

[isolator.rlimits]
nofile = "1024:4096"

[[lending.borrowers]]
roles = "batch"
"#;

/// What builds the library.
const BUILD: &str = "cargo build --package apportion";

/// A compiled driver with the library it drives.
#[derive(Debug)]
pub struct Driver {
    rig: Rig,
    variant: Variant,
    module: PathBuf,
    folder: PathBuf,
}

impl Driver {
    /// The driver for a variant of the launcher, compiled once for all tests of a program.
    ///
    /// # Panics
    /// When something is missing; the text says what, and how to mend it.
    #[must_use]
    pub fn of(variant: Variant) -> &'static Driver {
        static PLAIN: OnceLock<Driver> = OnceLock::new();
        static SANITIZED: OnceLock<Driver> = OnceLock::new();
        match variant {
            Variant::Plain => PLAIN.get_or_init(|| Driver::build(variant)),
            Variant::Sanitized => SANITIZED.get_or_init(|| Driver::build(variant)),
        }
    }

    fn build(variant: Variant) -> Driver {
        let module = library_for(variant);
        let driver = Driver { rig: rig(), variant, module, folder: folder("shim-driver", variant) };
        compile(&driver.rig, &sources(), variant, &driver.path());
        driver
    }

    /// Runs one command of the driver with the standard configuration and `more` TOML behind it.
    pub fn run(&self, command: &[&str], more: &str) -> Answer {
        let config = self.configuration(&command.join("-"), more);
        let mut arguments: Vec<&OsStr> = command.iter().map(OsStr::new).collect();
        arguments.push(config.as_os_str());
        self.start(&arguments, None)
    }

    /// Runs the driver with exactly these arguments behind the library's path.
    pub fn start(&self, arguments: &[&OsStr], preload: Option<&Path>) -> Answer {
        let mut command = self.command(preload);
        command.arg(&self.module).args(arguments);
        Answer::of(&mut command)
    }

    /// Runs all of the driver under another program, which gets the command line behind its own options.
    ///
    /// # Panics
    /// When the program cannot be run; the text gives `cure`.
    pub fn run_all_under(&self, program: &str, options: &[&str], cure: &str) -> Answer {
        let inner = self.command(None);
        let mut outer = Command::new(program);
        outer.args(options).arg(inner.get_program()).args(inner.get_args());
        let found = Command::new(program).arg("--version").output();
        assert!(found.is_ok(), "cannot run {program}; install it: {cure}");
        outer.arg(&self.module).arg("all").arg(self.configuration("all", ""));
        Answer::of(&mut outer)
    }

    fn command(&self, preload: Option<&Path>) -> Command {
        self.rig
            .command_loading(self.variant, &self.path(), preload)
            .unwrap_or_else(|error| panic!("{error}"))
    }

    /// Writes the standard configuration with `more` TOML behind it.
    fn configuration(&self, name: &str, more: &str) -> PathBuf {
        let config = self.folder.join(format!("{}.toml", name.replace('.', "_")));
        std::fs::write(&config, format!("{CONFIG}\n{more}"))
            .unwrap_or_else(|error| panic!("{}: {error}", config.display()));
        config
    }

    /// Compiles a library that the launcher loads before the Mesos binary, to change what the module finds there.
    #[must_use]
    pub fn preload(&self, name: &str, source: &str) -> PathBuf {
        let unit = self.folder.join(format!("{name}.cpp"));
        std::fs::write(&unit, source).unwrap_or_else(|error| panic!("{}: {error}", unit.display()));
        let library = self.folder.join(format!("{name}.so"));
        compile(&self.rig, &[unit], self.variant, &library);
        library
    }

    fn path(&self) -> PathBuf {
        self.folder.join("driver.so")
    }
}

/// The sources of the driver.
fn sources() -> Vec<PathBuf> {
    let driver = ["allocator", "hook", "host", "isolator", "main", "qos_controller", "table", "terms"]
        .map(|name| format!("driver/{name}.cpp"));
    // The shim a second time, for the part of the driver that answers in the library's place.
    let shim = [
        "allocator",
        "allocator_actor",
        "debug_endpoint",
        "endpoint",
        "hook",
        "hook_endpoint",
        "isolator",
        "isolator_endpoint",
        "lending_endpoint",
        "metrics",
        "module_metrics",
        "offer_constraints",
        "qos_controller",
        "qos_controller_actor",
        "qos_controller_endpoint",
        "self_test",
    ]
    .map(|name| format!("../../cpp-shim/{name}.cpp"));
    driver.iter().chain(&shim).map(|path| source(path)).collect()
}

/// Compiles a library for the launcher.
fn compile(rig: &Rig, sources: &[PathBuf], variant: Variant, library: &Path) {
    let folders = ["include/mesos-abi", "include", "cpp-shim"].map(|folder| source("../..").join(folder));
    rig.compile_library(variant, "-O1", sources, &folders, library).unwrap_or_else(|error| panic!("{error}"));
}

fn rig() -> Rig {
    Rig::prepare(|step| eprintln!("{step}")).unwrap_or_else(|error| panic!("{error}"))
}

/// A folder for what is compiled, beside the test program.
fn folder(name: &str, variant: Variant) -> PathBuf {
    let folder = beside_this_test().join(format!("{name}-{variant:?}").to_lowercase());
    std::fs::create_dir_all(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    folder
}

/// A path from this package's folder on.
fn source(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn library_for(variant: Variant) -> PathBuf {
    match variant {
        Variant::Plain => library("APPORTION_LIBRARY", BUILD, variant),
        Variant::Sanitized => {
            library("APPORTION_SANITIZED_LIBRARY", "cargo xtask test --only memory", variant)
        }
    }
}

/// The library under test: named by a variable, else where cargo puts it.
fn library(name: &str, cure: &str, variant: Variant) -> PathBuf {
    let path = match std::env::var_os(name) {
        Some(path) => PathBuf::from(path),
        None if variant == Variant::Plain => beside_this_test().join("libapportion.so"),
        None => panic!("{name} is not set; run: {cure}"),
    };
    assert!(path.is_file(), "{name}={}: no such file; run: {cure}", path.display());
    path
}

/// The library under test.
///
/// # Panics
/// When it is not there; the text says how to build it.
#[must_use]
pub fn library_under_test() -> PathBuf {
    library_for(Variant::Plain)
}

/// The folder above `deps`, where test programs live.
fn beside_this_test() -> PathBuf {
    let program = std::env::current_exe().unwrap_or_else(|error| panic!("this program's path: {error}"));
    program.ancestors().nth(2).map(Path::to_path_buf).unwrap_or_default()
}

/// How a run of the driver ended.
#[derive(Debug)]
pub struct Answer {
    output: Output,
}

impl Answer {
    fn of(command: &mut Command) -> Answer {
        // The host keeps actors and static objects for ever: what it leaks is its own.
        command.env("ASAN_OPTIONS", "detect_leaks=0:abort_on_error=0:exitcode=77");
        let output =
            command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("the launcher: {error}"));
        Answer { output }
    }

    /// What was printed, standard output and the host's log.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.output.stdout).into_owned()
            + &String::from_utf8_lossy(&self.output.stderr)
    }

    /// Whether the driver went through.
    #[must_use]
    pub fn went_well(&self) -> bool {
        self.output.status.success()
    }

    /// The lines of the host's log that hold `part`.
    #[must_use]
    pub fn lines_with(&self, part: &str) -> Vec<String> {
        self.text().lines().filter(|line| line.contains(part)).map(str::to_owned).collect()
    }

    /// The signal that ended the process.
    #[must_use]
    pub fn signal(&self) -> Option<i32> {
        std::os::unix::process::ExitStatusExt::signal(&self.output.status)
    }
}
