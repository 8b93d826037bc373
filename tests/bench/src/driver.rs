//! The driver in C++: compiled here, run by the rig's launcher.

use std::path::{Path, PathBuf};
use std::process::Command;

use apportion_rig::{Rig, RigError, Variant};

use crate::workload::Run;

/// The sources, in `driver/`.
const SOURCES: [&str; 6] = ["cluster", "host", "latency", "main", "resources", "workloads"];

/// Which allocator is driven.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// The one that the Mesos binary holds itself.
    BuiltIn,
    /// The one of the library.
    Ours,
}

impl Side {
    /// Both, in the order of the table.
    pub const BOTH: [Side; 2] = [Side::BuiltIn, Side::Ours];

    /// What tables call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Side::BuiltIn => "built-in",
            Side::Ours => "ours",
        }
    }

    /// What the demangled name of the allocator's class holds.
    #[must_use]
    pub fn class(self) -> &'static str {
        match self {
            Side::BuiltIn => "mesos::internal::master::allocator::HierarchicalAllocatorProcess<",
            Side::Ours => "apportion::",
        }
    }
}

/// A compiled driver, and the library whose allocator it measures.
#[derive(Debug)]
pub struct Driver {
    rig: Rig,
    compiled: PathBuf,
    measured_library: PathBuf,
    settings: Vec<String>,
}

impl Driver {
    /// Compiles the driver into `folder`. `settings` are parameters of the module, `key=value` each.
    ///
    /// # Errors
    /// What is missing, in words.
    pub fn prepare(
        rig: Rig,
        folder: &Path,
        library: PathBuf,
        settings: Vec<String>,
    ) -> Result<Driver, String> {
        if !library.is_file() {
            let path = library.display();
            return Err(format!("{path}: no such file; build it: cargo build --release --package apportion"));
        }
        std::fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let compiled = folder.join("bench-driver.so");
        let own = Path::new(env!("CARGO_MANIFEST_DIR"));
        let sources = SOURCES.map(|name| own.join("driver").join(format!("{name}.cpp")));
        let headers = ["../../include/mesos-abi", "../../include"].map(|folder| own.join(folder));
        // Optimised as the library is.
        rig.compile_library(Variant::Plain, "-O2", &sources, &headers, &compiled)
            .map_err(|error| error.to_string())?;
        Ok(Driver { rig, compiled, measured_library: library, settings })
    }

    /// A command that runs one workload with one allocator.
    ///
    /// # Errors
    /// As [`Rig::command_loading`].
    pub fn command(&self, side: Side, run: &Run, rounds: u64) -> Result<Command, RigError> {
        let mut command = self.rig.command_loading(Variant::Plain, &self.compiled, None)?;
        match side {
            Side::BuiltIn => command.arg("built-in"),
            Side::Ours => command.arg(&self.measured_library),
        };
        let sizes = [
            ("agents", run.agents),
            ("frameworks", run.frameworks),
            ("roles", run.roles),
            ("rounds", rounds),
        ];
        command.arg(run.workload).args(sizes.map(|(key, value)| format!("{key}={value}")));
        if side == Side::Ours {
            let settings = self.settings.iter().map(String::as_str).chain(run.settings.iter().copied());
            command.args(settings.map(|setting| format!("+{setting}")));
        }
        Ok(command)
    }
}
