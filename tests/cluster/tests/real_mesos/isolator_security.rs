//! Security settings of rules, as containers of a real agent see them, and refusals, as frameworks read them.

mod image;

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use apportion_cluster_tests::{
    ISOLATOR, UNTIL_TOLD, WITHIN, agent, let_finish, list, master, rig, subscribe, wait_until,
};
use apportion_rig::{Agent, ContainerSpec, Framework, Master, TaskSpec, TaskState};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Number of the last capability that Mesos 1.11.0 knows.
const MESOS_LAST_CAPABILITY: u32 = 37;

/// What a process says of itself, a line each.
const CONFESSION: &str = "grep -E '^(NoNewPrivs|Seccomp|CapEff|CapBnd):' /proc/self/status; \
                          echo umask: $(umask); echo files: $(ulimit -n); \
                          echo filter: $(cat /proc/self/coredump_filter); \
                          echo score: $(cat /proc/self/oom_score_adj)";

/// An agent whose isolator has one rule for all containers.
struct Stage {
    framework: Framework,
    agent: Agent,
    folder: TempDir,
    _freezer: Freezer,
    _master: Master,
}

impl Stage {
    /// An agent with this launcher; `rule` makes the rule from the path of a folder that holds `fixed/file` and `memory`.
    fn new(launcher: &str, isolation: &str, rule: impl Fn(&str) -> String) -> Stage {
        Stage::with_flags(launcher, isolation, &[], rule)
    }

    /// As [`Stage::new`], with more flags for the agent.
    fn with_flags(
        launcher: &str,
        isolation: &str,
        flags: &[(&str, &str)],
        rule: impl Fn(&str) -> String,
    ) -> Stage {
        let folder = tempfile::tempdir().unwrap();
        for inside in ["fixed", "memory"] {
            fs::create_dir(folder.path().join(inside)).unwrap();
        }
        fs::write(folder.path().join("fixed/file"), "").unwrap();
        let file = folder.path().join("apportion.toml");
        let rule = rule(folder.path().to_str().unwrap());
        fs::write(&file, format!("[[isolator.rules]]\nname = \"all\"\n{rule}\n")).unwrap();
        let groups = format!("apportion-security-{}", folder.path().file_name().unwrap().display());
        let parameters = [("config", file.to_str().unwrap())];
        let master = master(&[]).start().unwrap();
        let agent = agent(master.address(), &parameters)
            .isolation(isolation)
            .flag("launcher", launcher)
            .flag("cgroups_root", &groups);
        let agent = flags.iter().fold(agent, |agent, (name, value)| agent.flag(name, value)).start().unwrap();
        let freezer = Freezer(Path::new("/sys/fs/cgroup/freezer").join(&groups));
        let framework = subscribe(master.address(), "secured", &["*"]);
        Stage { framework, agent, folder, _freezer: freezer, _master: master }
    }

    /// Launches a task. What an earlier one used may be offered by itself.
    fn launch(&mut self, task: TaskSpec) {
        let offer = loop {
            let offers = self.framework.next_offers(WITHIN).unwrap();
            if let Some(large) = offers.into_iter().find(|offer| offer.scalar("mem") > 512.0) {
                break large;
            }
        };
        self.framework.launch(&offer, &[task.mem_mb(64.0)], Some(0.1)).unwrap();
    }

    /// Runs a command task to its end; what it wrote into `out`.
    fn output_of(&mut self, id: &str, command: &str) -> String {
        self.launch(TaskSpec::new(id, &format!("exec > out 2>&1; {command}")));
        self.framework.wait_status(id, TaskState::Finished, WITHIN).unwrap();
        fs::read_to_string(self.agent.sandbox(self.framework.id(), id).unwrap().join("out")).unwrap()
    }

    /// Why a command task was not launched.
    fn refusal_of(&mut self, task: TaskSpec) -> String {
        self.launch(task);
        let status = self.framework.wait_status("refused", TaskState::Failed, WITHIN).unwrap();
        assert_eq!(status.reason.as_deref(), Some("REASON_CONTAINER_LAUNCH_FAILED"), "{status:?}");
        status.text
    }

    fn inside(&self, path: &str) -> String {
        self.folder.path().join(path).display().to_string()
    }

    /// Starts a container that stands alone; why not.
    fn launch_standalone(&self, name: &str, command: &Value, mesos: &Value) -> Result<(), String> {
        let launch = json!({
            "container_id": {"value": name},
            "command": command,
            "container": {"type": "MESOS", "mesos": mesos},
        });
        let answer = self.agent.call(&json!({"type": "LAUNCH_CONTAINER", "launch_container": launch}));
        answer.map(drop).map_err(|error| error.to_string())
    }

    /// Starts a container that stands alone, waits until it has ended, and returns what it wrote into `out`.
    fn output_of_standalone(&self, name: &str, command: &Value) -> String {
        self.launch_standalone(name, command, &json!({})).unwrap();
        self.agent.wait_for_container(&[name]).unwrap();
        fs::read_to_string(self.agent.work_folder().join("containers").join(name).join("out")).unwrap()
    }
}

impl Drop for Stage {
    /// An isolator for file systems leaves the work folder behind as a mount.
    fn drop(&mut self) {
        let _ = self.agent.terminate();
        let _ = umount2(&self.agent.work_folder(), MntFlags::MNT_DETACH);
    }
}

/// The groups of a linux launcher, removed when the containers have ended.
struct Freezer(PathBuf);

impl Drop for Freezer {
    fn drop(&mut self) {
        let started = Instant::now();
        while self.0.exists() && started.elapsed() < WITHIN {
            remove_groups(&self.0);
            thread::sleep(Duration::from_millis(10));
        }
    }
}

/// Removes a group and those in it, if there are no processes in them any more.
fn remove_groups(group: &Path) {
    let inside = fs::read_dir(group).into_iter().flatten().flatten().map(|entry| entry.path());
    inside.filter(|path| path.is_dir()).for_each(|path| remove_groups(&path));
    let _ = fs::remove_dir(group);
}

/// The value behind `key:` in what a process says of itself.
fn said<'t>(text: &'t str, key: &str) -> &'t str {
    let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
    line.unwrap_or_else(|| panic!("no {key} in:\n{text}")).trim()
}

/// Capabilities as bits, those that Mesos 1.11.0 knows.
fn capabilities(text: &str, set: &str) -> u64 {
    u64::from_str_radix(said(text, set), 16).unwrap() & ((1 << (MESOS_LAST_CAPABILITY + 1)) - 1)
}

/// A rule with everything but what a kernel since 5.8 excludes.
fn everything(folder: &str) -> String {
    format!(
        "no_new_privileges = true\nrlimits = {{ nofile = 77 }}\numask = \"027\"\ncore_filter = \"0x31\"\n\
         oom_score_adjustment = 321\nread_only = [\"{folder}/fixed\"]\ntmpfs = {{ \"{folder}/memory\" = \"64KiB\" }}"
    )
}

/// Looks at the mounts of a rule with [`everything`].
fn mounts(stage: &Stage) -> String {
    let (fixed, memory) = (stage.inside("fixed"), stage.inside("memory"));
    format!(
        "touch {fixed}/new; echo x > {fixed}/file; stat -f -c 'type: %T' {memory}; \
         head -c 100000 /dev/zero > {memory}/large; echo large: $(stat -c %s {memory}/large)"
    )
}

fn require_everything(text: &str) {
    for (key, value) in
        [("NoNewPrivs", "1"), ("umask", "0027"), ("files", "77"), ("filter", "00000031"), ("score", "321")]
    {
        assert_eq!(said(text, key), value, "{key} in:\n{text}");
    }
}

fn require_mounts(stage: &Stage, text: &str) {
    assert_eq!(text.matches("Read-only file system").count(), 2, "{text}");
    assert_eq!((said(text, "type"), said(text, "large")), ("tmpfs", "65536"), "{text}");
    assert!(text.contains("No space left on device"), "{text}");
    assert!(!Path::new(&stage.inside("memory/large")).exists(), "the host does not see it");
}

#[test]
fn command_task_has_the_settings_of_its_rule() {
    let mut stage = Stage::new("linux", ISOLATOR, everything);
    let looks = format!("{CONFESSION}; {}; touch own; stat -c 'mode: %a' own", mounts(&stage));
    let text = stage.output_of("task", &looks);
    require_everything(&text);
    require_mounts(&stage, &text);
    assert_eq!(said(&text, "mode"), "640");
    fs::write(stage.inside("fixed/file"), "writable outside").unwrap();
}

#[test]
fn executor_nested_container_and_debug_session_have_the_settings_of_their_rule() {
    let mut stage = Stage::new("linux", ISOLATOR, everything);
    let looks = format!("{CONFESSION}; {}", mounts(&stage));
    let command = format!("({looks}) > out 2>&1; {UNTIL_TOLD}");
    stage.launch(TaskSpec::new("first", &command).custom_executor("pod", rig().executor()));
    stage.framework.wait_status("first", TaskState::Running, WITHIN).unwrap();
    let sandbox = stage.agent.sandbox(stage.framework.id(), "pod").unwrap();
    let text = wait_until("the task's words", || match fs::read_to_string(sandbox.join("out")) {
        Ok(text) if text.contains("large:") => Ok(text),
        other => Err(format!("{other:?}")),
    });
    require_everything(&text);
    require_mounts(&stage, &text);

    let containers = stage.agent.get_json("/containers").unwrap();
    let pod = list(&containers)[0]["container_id"].as_str().unwrap().to_owned();
    let nested = ContainerSpec::new(&[&pod, "nested"], &format!("exec > out 2>&1; {looks}"));
    stage.agent.launch_container(&nested).unwrap();
    stage.agent.wait_for_container(&[&pod, "nested"]).unwrap();
    let text = fs::read_to_string(sandbox.join("containers/nested/out")).unwrap();
    require_everything(&text);
    require_mounts(&stage, &text);

    // It shares the mounts of the executor.
    let looks = format!("{CONFESSION}; touch {}/new 2>&1", stage.inside("fixed"));
    let text = stage.agent.debug_container(&[&pod, "debug"], &looks).unwrap();
    require_everything(&text);
    assert_eq!(text.matches("Read-only file system").count(), 1, "{text}");
    let_finish(&sandbox);
    stage.framework.wait_status("first", TaskState::Finished, WITHIN).unwrap();
}

#[test]
fn file_system_mounted_in_a_read_only_folder_is_read_only_and_keeps_its_flags() {
    keep_mounts_apart();
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("with blank");
    fs::create_dir(&inner).unwrap();
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    mount(Some("tmpfs"), &inner, Some("tmpfs"), flags, None::<&str>).unwrap();
    let rule = |_: &str| format!("read_only = [\"{}\"]", folder.path().display());
    let mut stage = Stage::new("linux", ISOLATOR, rule);
    let looks = format!("touch '{}/new'; grep blank /proc/self/mountinfo", inner.display());
    let text = stage.output_of("task", &looks);
    assert!(text.contains("Read-only file system"), "{text}");
    // The one that lies over the host's, which is as it was.
    assert!(text.contains(r"with\040blank ro,nosuid,nodev,noexec,relatime "), "{text}");
    assert!(text.contains(r"with\040blank rw,nosuid,nodev,noexec,relatime "), "{text}");
}

#[test]
fn sandbox_below_a_read_only_folder_stays_writable() {
    let temporary = std::env::temp_dir();
    let rule = |_: &str| format!("read_only = [\"{}\"]", temporary.display());
    let mut stage = Stage::new("linux", ISOLATOR, rule);
    let text = stage.output_of("task", &format!("touch {}/new; touch own && echo written", stage.inside("")));
    assert!(text.contains("Read-only file system") && text.contains("written"), "{text}");
}

#[test]
fn what_an_image_lacks_refuses_its_container() {
    let registry = tempfile::tempdir().unwrap();
    image::save(registry.path());
    let store = registry.path().join("store").display().to_string();
    let flags = [
        ("image_providers", "docker"),
        ("docker_registry", registry.path().to_str().unwrap()),
        ("docker_store_dir", &store),
        ("image_provisioner_backend", "copy"),
    ];
    let isolation = format!("filesystem/linux,docker/runtime,{ISOLATOR}");
    let refusal = |rule: &str, command: &Value| {
        let stage = Stage::with_flags("linux", &isolation, &flags, |_: &str| rule.to_owned());
        let image = json!({"type": "DOCKER", "docker": {"name": image::NAME}});
        stage.launch_standalone("alone", command, &json!({"image": image})).unwrap_err()
    };
    let program = json!({"shell": false, "value": "/program"});
    let text = refusal("umask = \"027\"", &program);
    assert!(text.contains("there is no /bin/sh in its image"), "{text}");
    let text = refusal("umask = \"027\"", &json!({"shell": false}));
    assert!(text.contains("the image says what is run"), "{text}");
    // The host has both.
    let text = refusal("read_only = [\"/etc\", \"/etc/passwd\"]", &program);
    assert!(text.contains("read_only: /etc/passwd does not exist in the container"), "{text}");
    let text = refusal("tmpfs = { \"/mnt\" = \"1MiB\" }", &program);
    assert!(text.contains("tmpfs: a file system at /mnt would hide the container's sandbox"), "{text}");
}

#[test]
fn posix_launcher_sets_everything_but_mounts_which_are_refused() {
    let without = |folder: &str| {
        let all = everything(folder);
        all.lines().filter(|line| !line.contains(folder)).collect::<Vec<_>>().join("\n")
    };
    let mut stage = Stage::new("posix", ISOLATOR, without);
    require_everything(&stage.output_of("task", CONFESSION));
    drop(stage);

    let mut stage = Stage::new("posix", ISOLATOR, everything);
    let text = stage.refusal_of(TaskSpec::new("refused", "true"));
    assert!(text.contains("read_only needs a mount namespace of the container's own"), "{text}");
    assert!(text.contains("runs with the posix launcher. Start the agent with --launcher=linux"), "{text}");
}

#[test]
fn arguments_and_variables_survive_a_umask() {
    // The command's own variable wins over the one of the configuration, as without a umask.
    let rule = |_: &str| "umask = \"007\"\n[isolator.environment]\nODD = \"other\"".to_owned();
    let mut stage = Stage::new("posix", ISOLATOR, rule);
    let odd = ["a b", "'\"`$HOME", "new\nline", "ä\u{1}", "*", "", "\\n"];
    let expected: String = odd.iter().map(|word| format!("[{word}]")).collect::<String>() + "<\"v\n>0007";
    let script = "exec > out; printf '[%s]' \"$@\"; printf '<%s>' \"$ODD\"; umask";
    let arguments: Vec<&str> = ["sh", "-c", script, "sh"].into_iter().chain(odd).collect();
    let environment = json!({"variables": [{"name": "ODD", "type": "VALUE", "value": "\"v\n"}]});
    let command =
        json!({"shell": false, "value": "/bin/sh", "arguments": arguments, "environment": environment});

    let text = stage.output_of_standalone("alone", &command);
    assert_eq!(text.trim_end(), expected);

    stage.launch(TaskSpec::new("task", "").field("command", command));
    stage.framework.wait_status("task", TaskState::Finished, WITHIN).unwrap();
    let sandbox = stage.agent.sandbox(stage.framework.id(), "task").unwrap();
    assert_eq!(fs::read_to_string(sandbox.join("out")).unwrap().trim_end(), expected);

    let alias = json!({"shell": false, "value": "/bin/sh", "arguments": ["ash", "-c", "true"]});
    let text = stage.refusal_of(TaskSpec::new("refused", "").field("command", alias));
    assert!(
        text.contains("umask cannot be set for this command: the program /bin/sh is to see the name ash")
    );
}

#[test]
fn setting_that_an_isolator_of_mesos_has_too_is_refused() {
    let profiles = tempfile::tempdir().unwrap();
    let profile = profiles.path().join("profile.json");
    fs::write(&profile, r#"{"defaultAction": "SCMP_ACT_ALLOW"}"#).unwrap();
    let rule = |_: &str| format!("seccomp = \"{}\"", profile.display());
    // The agent's flag is read from its environment here.
    let both = format!("linux/seccomp,{ISOLATOR}");
    let folder = profiles.path().to_str().unwrap();
    let mut stage = Stage::with_flags("posix", &both, &[("seccomp_config_dir", folder)], rule);
    let text = stage.refusal_of(TaskSpec::new("refused", "true"));
    assert!(text.contains("the agent's isolator linux/seccomp sets it too"), "{text}");
}

/// Number of this kernel's last capability.
fn last_capability() -> u32 {
    fs::read_to_string("/proc/sys/kernel/cap_last_cap").unwrap().trim().parse().unwrap()
}

#[test]
fn capabilities_and_filters_are_refused_on_kernels_that_mesos_does_not_know() {
    let last = last_capability();
    assert!(last > MESOS_LAST_CAPABILITY, "this test wants a kernel since 5.8; here the last is {last}");
    for (setting, rule) in [
        ("capabilities", "capabilities = { bounding = [] }"),
        ("seccomp", "seccomp = \"/nowhere/profile.json\""),
    ] {
        let mut stage = Stage::new("posix", ISOLATOR, |_: &str| rule.to_owned());
        let text = stage.refusal_of(TaskSpec::new("refused", "true"));
        let expected =
            format!("{setting} cannot be set on this host: its kernel has capabilities up to number {last}");
        assert!(text.contains(&expected), "{text}");
    }
}

/// Lets this thread, and the processes it starts, have mounts that nobody else sees.
fn keep_mounts_apart() {
    let nothing = None::<&Path>;
    unshare(CloneFlags::CLONE_NEWNS).unwrap();
    mount(nothing, "/", nothing, MsFlags::MS_REC | MsFlags::MS_PRIVATE, nothing).unwrap();
}

/// Lets this thread and the processes it starts see a kernel with the capabilities that Mesos 1.11.0 knows, as before
/// Linux 5.8. The newer capabilities stay, unseen.
fn pretend_an_older_kernel(folder: &Path) {
    keep_mounts_apart();
    let nothing = None::<&Path>;
    let number = folder.join("cap_last_cap");
    fs::write(&number, format!("{MESOS_LAST_CAPABILITY}\n")).unwrap();
    mount(Some(&number), "/proc/sys/kernel/cap_last_cap", nothing, MsFlags::MS_BIND, nothing).unwrap();
    assert_eq!(last_capability(), MESOS_LAST_CAPABILITY);
}

#[test]
fn capabilities_and_filters_are_in_force_on_kernels_that_mesos_knows() {
    let folder = tempfile::tempdir().unwrap();
    rig();
    pretend_an_older_kernel(folder.path());
    let profile = folder.path().join("profile.json");
    let text = json!({
        "defaultAction": "SCMP_ACT_ALLOW",
        "archMap": [{"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86"]}],
        "syscalls": [
            {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO"},
            // The bounding set decides: of these only the last is in force.
            {"names": ["symlink", "symlinkat"], "action": "SCMP_ACT_ERRNO", "excludes": {"caps": ["CAP_KILL"]}},
            {"names": ["link", "linkat"], "action": "SCMP_ACT_ERRNO", "includes": {"caps": ["CAP_SYS_ADMIN"]}},
            {"names": ["chmod", "fchmodat"], "action": "SCMP_ACT_ERRNO", "includes": {"caps": ["CAP_KILL"]}},
            {"names": ["umask"], "action": "SCMP_ACT_ERRNO",
             "args": [{"index": 0, "value": 0o77, "op": "SCMP_CMP_EQ"}]},
        ],
    });
    fs::write(&profile, text.to_string()).unwrap();
    let rule = |_: &str| {
        format!(
            "seccomp = \"{}\"\nno_new_privileges = true\n\
             capabilities = {{ effective = [\"KILL\"], bounding = [\"KILL\", \"CHOWN\"] }}",
            profile.display()
        )
    };
    let mut stage = Stage::new("posix", ISOLATOR, rule);
    let looks = format!("{CONFESSION}; mkdir new 2>&1; chroot / true 2>&1; kill -0 $$ && echo killed");
    let check = |text: &str| {
        assert_eq!((said(text, "Seccomp"), said(text, "NoNewPrivs")), ("2", "1"), "{text}");
        let (kill, chown) = (1 << 5, 1 << 0);
        // Without no_new_privileges root would get all of the bounding set as soon as a program is executed.
        assert_eq!(capabilities(text, "CapEff"), kill, "{text}");
        assert_eq!(capabilities(text, "CapBnd"), kill | chown, "{text}");
        assert!(text.contains("cannot create directory 'new': Operation not permitted"), "{text}");
        assert!(text.contains("cannot change root directory to '/': Operation not permitted"), "{text}");
        assert!(text.contains("killed"), "{text}");
    };
    check(&stage.output_of("task", &looks));
    let alone = json!({"shell": true, "value": format!("exec > out 2>&1; export LC_ALL=C; {looks}")});
    check(&stage.output_of_standalone("alone", &alone));
    let pieces = "ln -s out symbolic && echo symbolic; ln out hard && echo hard; chmod 600 out || echo refused; \
                  umask 077; umask; umask 027; umask";
    let text = stage.output_of("pieces", pieces);
    assert!(text.starts_with("symbolic\nhard\nchmod:") && text.ends_with("refused\n0022\n0027\n"), "{text}");

    let last = "{\"defaultAction\": \"SCMP_ACT_LOG\"}";
    fs::write(&profile, last).unwrap();
    let text = stage.refusal_of(TaskSpec::new("refused", "true"));
    assert!(text.contains("profile.json: defaultAction: found 'SCMP_ACT_LOG'"), "{text}");
}
