//! What systemd documents for the settings of the guide's units, done by hand: the machine has none.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::fs::{XattrFlags, setxattr};

const TOP: &str = "/sys/fs/cgroup";
const SLICE: &str = "/sys/fs/cgroup/system.slice";
const CONTROLLERS: &str = "+cpu +memory +pids";

/// The units that run.
#[derive(Debug, Default)]
pub(super) struct Units {
    running: BTreeMap<String, Child>,
}

/// The settings of a unit, by section and name.
struct Unit(BTreeMap<(String, String), String>);

impl Unit {
    fn read(name: &str) -> Unit {
        let text = fs::read_to_string(Path::new("/etc/systemd/system").join(name)).unwrap();
        let (mut section, mut settings) = (String::new(), BTreeMap::new());
        for line in text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
            if let Some(heading) = line.strip_prefix('[') {
                section = heading.trim_end_matches(']').to_owned();
            } else {
                let (name, value) = line.split_once('=').unwrap();
                let former = settings.insert((section.clone(), name.to_owned()), value.to_owned());
                assert_eq!(former, None, "{name} twice");
            }
        }
        Unit(settings)
    }

    fn get(&self, section: &str, name: &str) -> Option<&str> {
        self.0.get(&(section.to_owned(), name.to_owned())).map(String::as_str)
    }
}

/// Name of a unit, as `systemctl` completes it.
fn full(name: &str) -> String {
    if name.contains('.') { name.to_owned() } else { format!("{name}.service") }
}

/// The group of a unit.
pub(super) fn group(name: &str) -> PathBuf {
    Path::new(SLICE).join(full(name))
}

impl Units {
    /// Does what a line with `systemctl` says.
    pub(super) fn control(&mut self, line: &str) {
        match line.split_whitespace().collect::<Vec<_>>()[..] {
            ["systemctl", "daemon-reload"] => {}
            ["systemctl", "enable", "--now", name] => self.start(&full(name)),
            ["systemctl", "restart", name] => {
                self.stop(&full(name));
                self.start(&full(name));
            }
            _ => panic!("the guide's `{line}` is not known to the test"),
        }
    }

    fn start(&mut self, name: &str) {
        let unit = Unit::read(name);
        for other in unit.get("Unit", "Requires").into_iter().flat_map(str::split_whitespace) {
            if !self.running.contains_key(other) {
                self.start(other);
            }
        }
        let group = group(name);
        fs::create_dir_all(&group).unwrap();
        if unit.get("Service", "Delegate") == Some("yes") {
            for above in [TOP, SLICE] {
                fs::write(Path::new(above).join("cgroup.subtree_control"), CONTROLLERS).unwrap();
            }
            setxattr(&group, "trusted.delegate", b"1", XattrFlags::empty()).unwrap();
        }
        let place = unit.get("Service", "DelegateSubgroup").map_or(group.clone(), |child| group.join(child));
        fs::create_dir_all(&place).unwrap();

        let log = File::options().create(true).append(true).open(log(name)).unwrap();
        let command = unit.get("Service", "ExecStart").unwrap();
        let start = format!("echo 0 > {}/cgroup.procs && exec {command}", place.display());
        let process = Command::new("/bin/sh")
            .args(["-c", &start])
            .envs(unit.get("Service", "EnvironmentFile").map(environment).unwrap_or_default())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        self.running.insert(name.to_owned(), process);
    }

    /// Ends the unit's own process alone: all of the guide's units say so.
    fn stop(&mut self, name: &str) {
        assert_eq!(Unit::read(name).get("Service", "KillMode"), Some("process"));
        let mut process = self.running.remove(name).unwrap();
        let pid = rustix::process::Pid::from_child(&process);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        process.wait().unwrap();
    }

    /// Ends all units.
    pub(super) fn stop_all(&mut self) {
        let names: Vec<String> = self.running.keys().cloned().collect();
        names.iter().for_each(|name| self.stop(name));
    }
}

/// Where a unit's output goes; systemd has its journal for it.
pub(super) fn log(name: &str) -> PathBuf {
    Path::new("/var/log").join(format!("{}.log", full(name).trim_end_matches(".service")))
}

/// Variables of an environment file: a name, and a value that may stand in quotes.
fn environment(path: &str) -> Vec<(String, String)> {
    let text = fs::read_to_string(path).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    let pair = |line: &str| {
        let (name, value) = line.split_once('=').unwrap();
        (name.to_owned(), value.trim_matches('"').to_owned())
    };
    lines.map(pair).collect()
}
