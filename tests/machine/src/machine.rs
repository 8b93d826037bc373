//! Preparing machines, and running one.

use std::collections::BTreeMap;
use std::env;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use apportion_rig::cache::{Cache, default_folder};
use apportion_rig::program::{self, Finished, Wanted};
use apportion_rig::{Rig, RigError};

use crate::acceleration::{self, Acceleration};
use crate::elf::Libraries;
use crate::error::MachineError;
use crate::modules;
use crate::packages::{self, Packages};
use crate::scenario::{ENTERED, Outcome, Run, Scenario};
use crate::tree::{self, Content, Tree};

/// Where the prepared rig is in the machine.
pub(crate) const RIG: &str = "/machine/rig";
/// Where a program leaves what is to come out of the machine.
pub(crate) const RESULTS: &str = "/results";
/// The first process.
const INIT: &str = include_str!("init.sh");
/// What it prints before it starts the program.
const UP: &str = "machine: up";
/// What a kernel prints that gives up.
const PANIC: &str = "Kernel panic - not syncing";
/// Booting and switching off may take that long with software emulation on a loaded machine.
const BOOT_LIMIT: Duration = Duration::from_secs(120);
/// `cgroup_no_v1=all` leaves every controller to cgroups v2. A kernel in trouble stops at once, and qemu with it.
const KERNEL_ARGUMENTS: &str = "console=ttyS0 quiet cgroup_no_v1=all oops=panic panic=-1";
/// Files that programs expect on every system.
const SYSTEM_FILES: [(&str, &str); 5] = [
    ("/etc/passwd", "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n"),
    ("/etc/group", "root:x:0:\nnogroup:x:65534:\n"),
    ("/etc/hosts", "127.0.0.1 localhost machine\n"),
    ("/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files\n"),
    ("/etc/hostname", "machine\n"),
];
const SYSTEM_FOLDERS: [&str; 7] = ["/proc", "/sys", "/dev", "/tmp", "/root", "/var/run", RESULTS];

/// What every machine on this one is made of, Mesos or not.
#[derive(Debug, Clone)]
pub(crate) struct Hardware {
    pub(crate) cache: Cache,
    pub(crate) packages: Packages,
    qemu: PathBuf,
    search_path: OsString,
}

/// A prepared machine: every [`Machine::run`] boots a new one.
#[derive(Debug, Clone)]
pub struct Machine {
    hardware: Hardware,
    acceleration: Acceleration,
    rig: Rig,
}

impl Machine {
    /// Finds or fetches everything that is needed. `progress` gets a line for each step that takes time.
    ///
    /// | variable | meaning | without it |
    /// |---|---|---|
    /// | `APPORTION_MACHINE_ACCELERATION` | `kvm` or `software` | KVM if a machine boots with it |
    /// | `APPORTION_MACHINE_PACKAGES` | folder with the packages, for machines without network | fetched by apt |
    ///
    /// Those of [`apportion_rig::RigOptions::from_env`] hold as well.
    ///
    /// # Errors
    /// What is missing, with the command that mends it.
    pub fn prepare(mut progress: impl FnMut(&str)) -> Result<Machine, MachineError> {
        let rig = Rig::prepare(&mut progress)?;
        let hardware = Hardware::prepare(&mut progress)?;
        let acceleration = acceleration::choose(&hardware, &mut progress)?;
        Ok(Machine { hardware, acceleration, rig })
    }

    /// How the machine's processors are made.
    pub fn acceleration(&self) -> Acceleration {
        self.acceleration
    }

    /// Boots a machine, runs the scenario in it, and waits until it is switched off. One machine runs at a time, also
    /// when several programs ask for one: the others wait.
    ///
    /// # Errors
    /// When files cannot be put together, the kernel panics, time runs out, or the results do not come whole. A
    /// program that ends without success is none: see [`Outcome::require_success`].
    pub fn run(&self, scenario: &Scenario) -> Result<Outcome, MachineError> {
        let mut tree = Tree::default();
        if scenario.mesos {
            let copy = self.rig.copy_for(Path::new(RIG));
            tree.text(&copy.list.0, copy.list.1);
            for (inside, from) in copy.files {
                tree.file(&inside, Content::Copy(from));
            }
        }
        self.hardware.boot_within(BOOT_LIMIT, self.acceleration, tree, scenario)
    }
}

impl Hardware {
    pub(crate) fn prepare(progress: &mut dyn FnMut(&str)) -> Result<Hardware, MachineError> {
        let search_path = env::var_os("PATH").unwrap_or_default();
        let qemu = find_qemu(&search_path)?;
        let cache = Cache::open(&default_folder()?)?;
        let lock = cache.lock(progress)?;
        let packages = packages::provide(&cache, &lock, &search_path, progress)?;
        drop(lock);
        Ok(Hardware { cache, packages, qemu, search_path })
    }

    /// Runs a scenario with the files of `tree` besides its own. Booting and switching off may take `boot_limit`.
    pub(crate) fn boot_within(
        &self,
        boot_limit: Duration,
        acceleration: Acceleration,
        tree: Tree,
        scenario: &Scenario,
    ) -> Result<Outcome, MachineError> {
        let parent = env::temp_dir();
        let folder = tempfile::Builder::new()
            .prefix("apportion-machine-")
            .tempdir()
            .map_err(MachineError::io("create a temporary folder in", &parent))?;
        let archive = folder.path().join("initramfs");
        let results = folder.path().join("results");
        let file = File::create(&archive).map_err(MachineError::io("create", &archive))?;
        self.complete(tree, scenario)?.write(BufWriter::with_capacity(1 << 20, file))?;
        let files_bytes = archive.metadata().map_err(MachineError::io("look at", &archive))?.len();

        let _turn = self.wait_for_turn()?;
        let arguments = self.arguments(acceleration, scenario, &archive, &results);
        let limit = scenario.within + boot_limit;
        let (started, mut console, mut boot) = (Instant::now(), String::new(), None);
        let ended = program::run(&self.qemu, &arguments, &self.search_path, limit, |line| {
            let line = line.trim_end_matches('\r');
            if boot.is_none() && line.ends_with(UP) {
                boot = Some(started.elapsed());
            }
            console.push_str(line);
            console.push('\n');
        });
        let total = started.elapsed();
        let errors = match ended {
            Ok(Finished { status, errors }) => format!("{status}; {}", errors.trim()),
            Err(RigError::Deadline { .. }) if console.contains(PANIC) => {
                return Err(MachineError::Panicked { console });
            }
            Err(RigError::Deadline { .. }) => return Err(MachineError::Deadline { limit, console }),
            Err(other) => return Err(other.into()),
        };
        let bytes = fs::read(&results).map_err(MachineError::io("read", &results))?;
        let boot = boot.unwrap_or(total);
        let outcome = Left { bytes, errors, console, scenario }.judge()?;
        Ok(Outcome { boot, total, files_bytes, ..outcome })
    }

    /// The files of the scenario and those of every machine.
    fn complete(&self, mut tree: Tree, scenario: &Scenario) -> Result<Tree, MachineError> {
        SYSTEM_FOLDERS.iter().for_each(|folder| tree.folder(Path::new(folder)));
        SYSTEM_FILES.iter().for_each(|(path, text)| tree.text(path, *text));
        tree.file(Path::new("/bin/busybox"), Content::Copy(self.packages.busybox.clone()));
        tree.link(Path::new("/bin/sh"), Path::new("busybox"));
        tree.text("/init", INIT);
        tree.text("/machine/run", scenario.start()?);
        tree.text("/machine/limit", format!("{}\n", scenario.within.as_secs_f64()));
        match &scenario.run {
            Run::Script(text) => tree.text("/machine/script", text.as_str()),
            Run::Program(path) => tree.file(Path::new("/machine/program"), Content::Copy(path.clone())),
        }
        for (path, content) in &scenario.files {
            if !path.is_absolute() {
                return Err(MachineError::Setting {
                    setting: "path in the machine",
                    detail: format!("an absolute path is wanted, found {}", path.display()),
                });
            }
            tree.file(path, content.clone());
        }
        self.add_modules(&mut tree, &scenario.modules)?;
        let copied = tree.copied();
        Libraries::of_this_machine().add(&mut tree, &copied)?;
        Ok(tree)
    }

    fn add_modules(&self, tree: &mut Tree, wanted: &[String]) -> Result<(), MachineError> {
        let mut order = String::new();
        for path in modules::in_order(&self.packages.modules, wanted)? {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            order.push_str(&format!("{name}\n"));
            let bytes = fs::read(&path).map_err(MachineError::io("read", &path))?;
            tree.file(&Path::new("/machine/modules").join(&*name), Content::Bytes(bytes));
        }
        tree.text("/machine/modules/order", order);
        Ok(())
    }

    fn arguments(
        &self,
        acceleration: Acceleration,
        scenario: &Scenario,
        archive: &Path,
        results: &Path,
    ) -> Vec<OsString> {
        let (accelerator, processor) = acceleration.options();
        let kernel_arguments =
            [KERNEL_ARGUMENTS.to_owned()].into_iter().chain(scenario.kernel_arguments.clone());
        // Second serial port: what comes out of it goes into the file.
        let mut port = OsString::from("file:");
        port.push(results);
        let mut arguments: Vec<OsString> =
            ["-nodefaults", "-no-user-config", "-no-reboot", "-display", "none", "-machine", "q35"]
                .map(OsString::from)
                .into();
        let pairs: [(&str, OsString); 9] = [
            ("-accel", accelerator.into()),
            ("-cpu", processor.into()),
            ("-m", scenario.memory_mib.to_string().into()),
            ("-smp", scenario.cpus.to_string().into()),
            ("-kernel", self.packages.kernel.clone().into()),
            ("-initrd", archive.into()),
            ("-append", kernel_arguments.collect::<Vec<_>>().join(" ").into()),
            ("-serial", "stdio".into()),
            ("-serial", port),
        ];
        for (name, value) in pairs {
            arguments.extend([name.into(), value]);
        }
        arguments
    }

    /// Waits until no other machine runs: two would take each other's processors, and miss their time limits.
    fn wait_for_turn(&self) -> Result<File, MachineError> {
        let path = self.cache.path("machine-turn");
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(MachineError::io("open", &path))?;
        // Whoever has it is bound by a time limit, and loses it with its process.
        file.lock().map_err(MachineError::io("lock", &path))?;
        Ok(file)
    }
}

fn find_qemu(search_path: &OsStr) -> Result<PathBuf, MachineError> {
    let wanted = Wanted {
        program: OsStr::new("qemu-system-x86_64"),
        purpose: "run the test machine",
        cure: "apt-get install --no-install-recommends qemu-system-x86",
    };
    Ok(program::find(&wanted, search_path)?)
}

/// What has come out of a machine that has ended.
struct Left<'a> {
    bytes: Vec<u8>,
    errors: String,
    console: String,
    scenario: &'a Scenario,
}

impl Left<'_> {
    /// An outcome without its times, or why there is none.
    fn judge(self) -> Result<Outcome, MachineError> {
        let Left { bytes, errors, console, scenario } = self;
        if console.contains(PANIC) {
            return Err(MachineError::Panicked { console });
        }
        let mut files = match tree::read(&bytes) {
            Ok(files) => files,
            Err(error) => {
                let detail = format!("{} bytes came through the second serial port: {error}", bytes.len());
                return Err(MachineError::NoResults { detail, errors, console });
            }
        };
        let code = files.remove(Path::new("machine/exit-code")).unwrap_or_default();
        let code = String::from_utf8_lossy(&code).trim().to_owned();
        if code == "late" {
            return Err(MachineError::Deadline { limit: scenario.within, console });
        }
        let Ok(exit_code) = code.parse() else {
            let detail = format!("an exit code is wanted, found '{code}'");
            return Err(MachineError::NoResults { detail, errors, console });
        };
        let inside = |path: PathBuf| path.strip_prefix("results").map(Path::to_owned).unwrap_or(path);
        let mut results: BTreeMap<_, _> =
            files.into_iter().map(|(path, bytes)| (inside(path), bytes)).collect();
        let entered = results.remove(Path::new(ENTERED)).is_some();
        if let Some(test) = scenario.test.as_ref().filter(|_| exit_code == 0 && !entered) {
            return Err(MachineError::TestNotRun { test: test.clone() });
        }
        Ok(Outcome {
            console,
            exit_code,
            results,
            boot: Duration::ZERO,
            total: Duration::ZERO,
            files_bytes: 0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_qemu_is_named_with_its_package() {
        let text = find_qemu(OsStr::new("/nowhere")).unwrap_err().to_string();
        assert!(text.contains("qemu-system-x86_64 is wanted to run the test machine"), "{text}");
        assert!(text.contains("apt-get install --no-install-recommends qemu-system-x86"), "{text}");
    }

    #[test]
    fn machine_that_is_not_up_in_time_is_ended() {
        let hardware = Hardware::prepare(&mut |step| eprintln!("{step}")).unwrap();
        let limit = Duration::from_millis(500);
        let scenario = Scenario::script("").within(limit);
        let started = Instant::now();
        let ended = hardware.boot_within(Duration::ZERO, Acceleration::Software, Tree::default(), &scenario);
        let error = ended.unwrap_err();
        assert!(matches!(error, MachineError::Deadline { limit: found, .. } if found == limit), "{error}");
        assert!(started.elapsed() > limit);
    }

    #[test]
    fn results_without_an_exit_code_are_no_outcome() {
        let mut tree = Tree::default();
        tree.text("/results/file", "content");
        let mut bytes = Vec::new();
        tree.write(&mut bytes).unwrap();
        let scenario = Scenario::script("");
        let left = Left { bytes, errors: "said by qemu".into(), console: String::new(), scenario: &scenario };
        let error = left.judge().unwrap_err();
        assert!(matches!(error, MachineError::NoResults { .. }), "{error}");
        assert!(error.to_string().contains("said by qemu"), "{error}");
    }
}
