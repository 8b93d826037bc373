//! The guide for hosts with cgroups v2, followed word by word: files and commands are those of the page itself. What is
//! not from there, and why, says its last section.

mod page;
mod units;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use apportion_cluster_tests::scenes::{WITHIN, clear, text, wait_until};
use apportion_cluster_tests::{library, list, master};
use apportion_machine::{Scenario, SharedBoot};
use apportion_rig::{Framework, FrameworkSpec, Http, Master, TaskSpec, TaskState};

use crate::machine;
use page::{Block, blocks, fits};
use units::Units;

static BOOT: SharedBoot = SharedBoot::new(&[
    "guide::guide_leads_to_isolated_tasks_with_a_new_systemd",
    "guide::guide_leads_to_isolated_tasks_with_an_older_systemd",
    "guide::guide_leads_to_isolated_tasks_without_systemd",
]);

/// Where the guide has the library.
const LIBRARY: &str = "/usr/lib/mesos/libapportion.so";
/// The master's address in the guide, in whose place readers put theirs.
const MASTER: &str = "127.0.0.1:5050";
/// The agent's address in the guide.
const AGENT: &str = "127.0.0.1:5051";

/// Stands for the program of Mesos' package, which takes the same variables: the rig's launcher with the published binary.
const PROGRAM: &str = r#"#!/bin/sh
mkdir -p /run/stand-in/modules "$MESOS_WORK_DIR"
cp "${MESOS_MODULES#file://}" /run/stand-in/modules/modules.json
echo "$MESOS_MASTER" > /run/stand-in/master
export MESOS_LAUNCHER_DIR=/usr/libexec/mesos MESOS_HOSTNAME=localhost MESOS_REGISTRATION_BACKOFF_FACTOR=10ms
exec /machine/rig/rig-launcher agent --work_dir="$MESOS_WORK_DIR" --master_file=/run/stand-in/master \
  --modules_dir=/run/stand-in/modules --ip="$MESOS_IP" --port="$MESOS_PORT"
"#;

fn with_library(scenario: Scenario) -> Scenario {
    let limit = Duration::from_secs(600);
    scenario.file(LIBRARY, &library()).variable("APPORTION_LIBRARY", LIBRARY).memory_mib(2048).within(limit)
}

#[test]
fn guide_leads_to_isolated_tasks_with_a_new_systemd() {
    let name = "guide::guide_leads_to_isolated_tasks_with_a_new_systemd";
    BOOT.run(name, machine, with_library, || {
        let mut reader = Reader::new("systemd 254 or newer");
        reader.read();
        // Why the guide wants a subgroup: nothing goes into a group that is divided.
        let group = units::group("mesos-agent");
        let refused = fs::write(group.join("cgroup.procs"), "0").unwrap_err();
        assert_eq!(refused.kind(), std::io::ErrorKind::ResourceBusy, "{refused}");
        reader.end(&group);
    });
}

#[test]
fn guide_leads_to_isolated_tasks_with_an_older_systemd() {
    let name = "guide::guide_leads_to_isolated_tasks_with_an_older_systemd";
    BOOT.run(name, machine, with_library, || {
        let mut reader = Reader::new("Older systemd");
        reader.read();
        reader.end(&units::group("mesos-containers"));
    });
}

#[test]
fn guide_leads_to_isolated_tasks_without_systemd() {
    let name = "guide::guide_leads_to_isolated_tasks_without_systemd";
    BOOT.run(name, machine, with_library, || {
        let mut reader = Reader::new("No systemd");
        reader.read();
        reader.end(Path::new("/sys/fs/cgroup/mesos"));
    });
}

/// Does what the guide says.
struct Reader {
    /// The section that fits the host.
    choice: &'static str,
    units: Units,
    master: Master,
    /// Until the end.
    framework: Option<Framework>,
    agent: Http,
    /// The block that starts the agent without systemd.
    start: Option<Block>,
    /// What the last command has printed.
    printed: String,
}

impl Reader {
    fn framework(&mut self) -> &mut Framework {
        self.framework.as_mut().unwrap()
    }

    /// A host that has Mesos' programs.
    fn new(choice: &'static str) -> Reader {
        for folder in ["/usr/sbin", "/usr/libexec/mesos", "/var/log", "/var/lib", "/run"] {
            fs::create_dir_all(folder).unwrap();
        }
        fs::write("/usr/sbin/mesos-agent", PROGRAM).unwrap();
        fs::set_permissions("/usr/sbin/mesos-agent", fs::Permissions::from_mode(0o755)).unwrap();
        for (name, target) in [("mesos-containerizer", "rig-launcher"), ("mesos-executor", "rig-executor")] {
            // An earlier test of this machine may have made it.
            let _ =
                symlink(Path::new("/machine/rig").join(target), Path::new("/usr/libexec/mesos").join(name));
        }
        let master = master(&[]).ready_within(WITHIN).start().unwrap_or_else(|error| panic!("{error}"));
        let spec = FrameworkSpec::new("reader").checkpoint(true);
        let framework = Framework::subscribe(master.address(), spec).ok();
        let agent = Http::new(AGENT);
        Reader {
            choice,
            units: Units::default(),
            master,
            framework,
            agent,
            start: None,
            printed: String::new(),
        }
    }

    /// Follows the guide from its start to its end.
    fn read(&mut self) {
        for block in blocks() {
            if block.section.as_deref().is_some_and(|section| section != self.choice) {
                continue;
            }
            eprintln!("guide: {} {} in {}", block.language, block.note, block.part);
            match (&*block.language, &*block.note) {
                (_, path) if block.file().is_some() => self.write(path, &block),
                ("sh", "systemd") => self.control(&block),
                ("sh", "task") => self.run_trial(block.text.trim_end()),
                ("sh", _) => self.command(&block),
                ("text", "status memory") => self.run_to_its_end("memory", &block),
                ("text", "status pids") => self.run_to_its_end("pids", &block),
                ("text", _) => {
                    assert!(
                        fits(&block.text, &self.printed),
                        "expected\n{}found\n{}",
                        block.text,
                        self.printed
                    );
                }
                other => panic!("the test does not know what to do with {other:?}"),
            }
        }
        assert!(!self.has_ended("trial"), "{:?}", self.framework().statuses("trial"));
    }

    fn write(&self, path: &str, block: &Block) {
        let text = block.text.replace(MASTER, self.master.address());
        fs::create_dir_all(Path::new(path).parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn command(&mut self, block: &Block) {
        let output = Command::new("/bin/sh").args(["-c", &block.text]).output().unwrap();
        assert!(output.status.success(), "{}: {}", block.text, String::from_utf8_lossy(&output.stderr));
        self.printed = String::from_utf8_lossy(&output.stdout).into_owned();
        if block.section.is_some() {
            self.start = Some(block.clone());
            self.wait_for_agent();
        }
    }

    fn control(&mut self, block: &Block) {
        let restarts = block.text.contains("restart");
        let before = restarts.then(|| self.trial());
        if let ("No systemd", Some(start)) = (self.choice, self.start.clone()) {
            // As the guide's words after the block: end the agent and start it again as above.
            let pid: i32 = text("/sys/fs/cgroup/mesos/agent/cgroup.procs".as_ref())
                .lines()
                .next()
                .unwrap()
                .parse()
                .unwrap();
            let pid = rustix::process::Pid::from_raw(pid).unwrap();
            rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
            wait_until("the end of the agent", || {
                let gone = rustix::process::test_kill_process(pid).is_err();
                if gone { Ok(()) } else { Err("it runs".to_owned()) }
            });
            self.command(&start);
        } else {
            block.text.lines().for_each(|line| self.units.control(line));
            self.wait_for_agent();
        }
        if let Some(before) = before {
            assert_eq!(self.trial(), before, "the container and its processes go on");
        }
    }

    /// The container of the trial and its processes.
    fn trial(&self) -> (String, String) {
        wait_until("the trial's container", || {
            let page = self.agent.get_json("/containers").map_err(|error| error.to_string())?;
            let entry = list(&page).iter().find(|entry| entry["executor_id"] == "trial");
            let id =
                entry.and_then(|entry| entry["container_id"].as_str()).ok_or_else(|| page.to_string())?;
            let find = format!(
                "find /sys/fs/cgroup -path '*/apportion/container-{id}/*cgroup.procs' | xargs cat | sort"
            );
            let output =
                Command::new("/bin/sh").args(["-c", &find]).output().map_err(|error| error.to_string())?;
            let processes = String::from_utf8_lossy(&output.stdout).into_owned();
            if processes.is_empty() {
                Err(format!("no processes of {id}"))
            } else {
                Ok((id.to_owned(), processes))
            }
        })
    }

    /// Waits until the agent is registered with the master.
    fn wait_for_agent(&self) {
        wait_until("the agent", || {
            let state = self.agent.get_json("/slave(1)/state").map_err(|error| {
                let log = fs::read_to_string("/var/log/mesos-agent.log").unwrap_or_default();
                format!("{error}; its log:\n{log}")
            })?;
            let slaves = self.master.state().map_err(|error| error.to_string())?["slaves"].clone();
            let known =
                list(&slaves).iter().any(|entry| entry["id"] == state["id"] && entry["active"] == true);
            if known { Ok(()) } else { Err(slaves.to_string()) }
        });
    }

    fn launch(&mut self, task: TaskSpec) {
        let offer = self.framework().next_offers(WITHIN).unwrap().remove(0);
        self.framework().launch(&offer, &[task], Some(0.0)).unwrap();
    }

    /// The task of the guide, with the sizes of the guide's sentence.
    fn run_trial(&mut self, command: &str) {
        let task = TaskSpec::new("trial", command).cpus(0.5).mem_mb(64.0).cpus_limit(1.0).mem_limit_mb(96.0);
        self.launch(task);
        let running = self.framework().wait_status("trial", TaskState::Running, WITHIN);
        running.unwrap_or_else(|error| panic!("{error}"));
    }

    /// A task whose command stands before the block, with the reason of its end; the block is the message.
    fn run_to_its_end(&mut self, id: &str, block: &Block) {
        let quoted = block.quoted_before();
        let command = quoted.iter().find(|text| text.contains("; ")).unwrap();
        let reason = quoted.iter().find(|text| text.starts_with("REASON_")).unwrap();
        self.launch(TaskSpec::new(id, command).mem_mb(96.0));
        let failed = self.framework().wait_status(id, TaskState::Failed, WITHIN);
        let failed = failed.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(failed.reason.as_deref(), Some(*reason), "{failed:?}");
        assert!(fits(&block.text, &failed.text), "expected\n{}found\n{}", block.text, failed.text);
    }

    fn has_ended(&mut self, task: &str) -> bool {
        self.framework().statuses(task).iter().any(|status| status.state.is_terminal())
    }

    /// Ends everything; in the group that was divided nothing of containers may be left.
    fn end(mut self, divided: &Path) {
        self.framework.take().unwrap().teardown().unwrap();
        let parent = divided.join("apportion");
        wait_until("the end of all containers", || {
            let left: Vec<_> = fs::read_dir(&parent)
                .map_err(|error| error.to_string())?
                .flatten()
                .filter(|entry| entry.path().is_dir())
                .map(|entry| entry.path())
                .collect();
            if left.is_empty() { Ok(()) } else { Err(format!("{left:?}")) }
        });
        self.units.stop_all();
        for process in text(&divided.join("agent/cgroup.procs")).lines() {
            let pid = rustix::process::Pid::from_raw(process.parse().unwrap()).unwrap();
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
        fs::remove_dir_all("/var/lib/mesos").unwrap();
        wait_until("the end of the groups", || {
            let groups = [
                divided.join("apportion"),
                divided.join("agent"),
                divided.to_owned(),
                units::group("mesos-agent"),
            ];
            for group in groups.iter().filter(|group| group.is_dir()) {
                fs::remove_dir(group).map_err(|error| format!("{}: {error}", group.display()))?;
            }
            Ok(())
        });
    }
}

impl Drop for Reader {
    /// A test that has failed leaves the machine to the next one.
    fn drop(&mut self) {
        if std::thread::panicking() {
            clear(Path::new("/sys/fs/cgroup/mesos"));
            clear(Path::new("/sys/fs/cgroup/system.slice"));
            // It is not there when the agent has not begun.
            let _ = fs::remove_dir_all("/var/lib/mesos");
        }
    }
}
