//! Each of the eleven hook methods, seen in effect on a real master and real agents.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use apportion_cluster_tests::{
    UNTIL_TOLD, WITHIN, agent, labels, let_finish, list, master, only_offer, task_on_agent, wait_until,
};
use apportion_rig::{Agent, Framework, FrameworkSpec, Master, TaskSpec, TaskState};
use serde_json::Value;
use tempfile::TempDir;

/// A master with our allocator and an agent, both with these rules, and a framework in the role `prod/web`.
struct Site {
    master: Master,
    agent: Agent,
    framework: Framework,
    folder: TempDir,
}

const RESOURCES: &str = "cpus:4;mem:1024;disk:256;ports:[31000-31009]";

impl Site {
    fn new(rules: &str) -> Site {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("apportion.toml");
        fs::write(&file, rules.replace("$FOLDER", folder.path().to_str().unwrap())).unwrap();
        let parameters = [("config", file.to_str().unwrap())];
        let master = master(&parameters).agent_pings(Duration::from_secs(1), 2).start().unwrap();
        let agent =
            agent(master.address(), &parameters).attributes("rack:r1").resources(RESOURCES).start().unwrap();
        let spec = FrameworkSpec::new("marathon").roles(&["prod/web"]);
        let framework = Framework::subscribe(master.address(), spec).unwrap();
        Site { master, agent, framework, folder }
    }

    /// Launches a task and waits until it runs; the sandbox of its executor.
    fn run(&mut self, task: TaskSpec, id: &str) -> PathBuf {
        let offer = only_offer(&mut self.framework);
        self.framework.launch(&offer, &[task], Some(0.0)).unwrap();
        self.framework.wait_status(id, TaskState::Running, WITHIN).unwrap();
        self.agent.sandbox(self.framework.id(), id).unwrap()
    }

    fn task(&self, id: &str) -> Value {
        task_on_agent(&self.agent.state().unwrap(), id).expect("the task on the agent's page")
    }

    /// Lines of the audit file about an event.
    fn audited(&self, event: &str) -> Vec<Value> {
        let text = fs::read_to_string(self.folder.path().join("audit.jsonl")).unwrap_or_default();
        let lines = text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON"));
        lines.filter(|line: &Value| line["event"] == event).collect()
    }
}

fn task(id: &str) -> TaskSpec {
    TaskSpec::new(id, UNTIL_TOLD).label("tier", "front")
}

#[test]
fn labels_of_the_master_reach_the_agent_and_those_of_the_agent_its_page() {
    let mut site = Site::new(
        r#"
[[hook.rules]]
name = "in the master"
at = ["master_labels"]
labels.set.master = "{{ framework.role }} on {{ agent.attributes.rack }}"

[[hook.rules]]
name = "in the agent"
at = ["agent_labels"]
match.labels.master = true
labels.set.agent = "{{ task.labels.master | upper }} in {{ executor.id }}"
"#,
    );
    site.run(task("t"), "t");
    let mut found = labels(&site.task("t"));
    found.sort();
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let expected =
        [pair("agent", "PROD/WEB ON R1 in t"), pair("master", "prod/web on r1"), pair("tier", "front")];
    assert_eq!(found, expected);
    let state = site.master.state().unwrap();
    let shown = list(&state["frameworks"][0]["tasks"]);
    assert_eq!(labels(&shown[0]), [pair("tier", "front")], "the master's page shows the framework's own");
}

#[test]
fn resources_of_a_task_grow_to_what_its_offer_holds_and_never_beyond() {
    let mut site = Site::new(
        r#"
[[hook.rules]]
name = "defaults"
task_resources.default.disk = 64
task_resources.minimum.mem = 100
task_resources.maximum.cpus = 0.5

[[hook.rules]]
name = "too much"
match.labels.size = "huge"
task_resources.minimum.mem = 100000
"#,
    );
    site.run(task("usual").cpus(1.0).mem_mb(64.0), "usual");
    let resources = |site: &Site, id: &str| {
        let resources = site.task(id)["resources"].clone();
        ["cpus", "mem", "disk"].map(|name| resources[name].as_f64().unwrap_or_default())
    };
    assert_eq!(resources(&site, "usual"), [0.5, 100.0, 64.0]);
    site.run(task("huge").cpus(0.1).mem_mb(64.0).label("size", "huge"), "huge");
    assert_eq!(resources(&site, "huge"), [0.1, 924.0, 64.0], "all the memory that was offered");
    let line = site.master.wait_for_log("too much", WITHIN).unwrap();
    assert!(line.contains("the rule asks for 100000"), "{line}");
}

#[test]
fn several_tasks_of_one_launch_share_what_their_offer_holds() {
    let mut site = Site::new("[[hook.rules]]\nname = \"all of it\"\ntask_resources.minimum.mem = 600\n");
    let offer = only_offer(&mut site.framework);
    let tasks = [task("one").mem_mb(64.0), task("two").mem_mb(64.0)];
    site.framework.launch(&offer, &tasks, Some(0.0)).unwrap();
    for id in ["one", "two"] {
        site.framework.wait_status(id, TaskState::Running, WITHIN).unwrap();
    }
    let mut sizes = ["one", "two"].map(|id| site.task(id)["resources"]["mem"].as_f64().unwrap());
    sizes.sort_by(f64::total_cmp);
    assert_eq!(sizes[1], 600.0);
    assert!(sizes[0] >= 64.0 && sizes[0] + sizes[1] <= 1024.0, "{sizes:?}");
}

#[test]
fn environment_is_merged_for_the_task_as_far_as_mesos_takes_it() {
    let mut site = Site::new(
        r#"
[[hook.rules]]
name = "site"
match.role = "prod/**"
environment.set = { SITE = "berlin", OWN = "ours" }
environment.append.NEW = "{{ task.name }}"
environment.default.OWN_TOO = "{{ env.OWN }}"
"#,
    );
    let command = format!("env > environment.part; mv environment.part environment; {UNTIL_TOLD}");
    let sandbox = site.run(TaskSpec::new("t", &command).variable("OWN", "task"), "t");
    wait_until("the task's environment", || {
        fs::read_to_string(sandbox.join("environment")).map_err(|error| error.to_string())
    });
    let text = fs::read_to_string(sandbox.join("environment")).unwrap();
    let value =
        |name: &str| text.lines().find_map(|line| line.strip_prefix(&format!("{name}=")).map(str::to_owned));
    assert_eq!(value("SITE").as_deref(), Some("berlin"));
    assert_eq!(value("NEW").as_deref(), Some("t"));
    assert_eq!(
        value("OWN").as_deref(),
        Some("task"),
        "the command's own value stays under Mesos' containerizer"
    );
    assert_eq!(value("OWN_TOO").as_deref(), Some("task"), "templates see it as it was before the rule");
}

#[test]
fn attributes_and_resources_of_an_agent_are_those_the_rules_made() {
    let site = Site::new(
        r#"
[[hook.rules]]
name = "what the agent is"
agent.attributes = { kernel = "{{ host.kernel }}", level = "3" }
agent.reserve = { cpus = 0.5, mem = "25%" }
"#,
    );
    let agents = site.master.get_json("/slaves").unwrap();
    let agent = &list(&agents["slaves"])[0];
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    assert_eq!(agent["attributes"]["kernel"], release.trim());
    assert_eq!(agent["attributes"]["level"], 3.0);
    assert_eq!(agent["attributes"]["rack"], "r1");
    assert_eq!((&agent["resources"]["cpus"], &agent["resources"]["mem"]), (&3.5.into(), &768.0.into()));
    assert_eq!(agent["resources"]["disk"], 256.0);
}

#[test]
fn statuses_of_a_task_have_labels_from_what_was_known_of_it() {
    let mut site = Site::new(
        r#"
[[hook.rules]]
name = "where it runs"
match.role = "prod/**"
status_labels.set = { rack = "{{ agent.attributes.rack }}", tier = "{{ task.labels.tier }}" }
"#,
    );
    let sandbox = site.run(task("t"), "t");
    let_finish(&sandbox);
    site.framework.wait_status("t", TaskState::Finished, WITHIN).unwrap();
    let statuses = site.framework.statuses("t");
    assert!(statuses.len() >= 2, "{statuses:?}");
    for status in statuses {
        let found = labels(&status.message["labels"]);
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        assert_eq!(found, [pair("rack", "r1"), pair("tier", "front")], "{}", status.message);
    }
}

#[test]
fn removed_executors_fetched_sandboxes_and_lost_agents_are_audited() {
    let mut site = Site::new(
        r#"
[[hook.rules]]
name = "audit"
audit.file = "$FOLDER/audit.jsonl"
audit.fields.rack = "{{ agent.attributes.rack | default('?') }}"

[[hook.rules]]
name = "notify"
at = ["agent_lost"]
command.argv = ["/bin/cp", "$FOLDER/apportion.toml", "$FOLDER/lost-{{ agent.attributes.rack }}"]
"#,
    );
    let sandbox = site.run(task("t"), "t");
    let_finish(&sandbox);
    site.framework.wait_status("t", TaskState::Finished, WITHIN).unwrap();
    let line = |site: &Site, event: &str| {
        wait_until(event, || site.audited(event).first().cloned().ok_or_else(|| "no such line".to_owned()))
    };
    let fetched = line(&site, "post_fetch");
    assert_eq!((&fetched["framework_id"], &fetched["task_id"]), (&site.framework.id().into(), &"t".into()));
    let shown = Path::new(fetched["sandbox"].as_str().unwrap()).canonicalize().unwrap();
    assert_eq!(shown, sandbox);
    let removed = line(&site, "executor_removed");
    for (name, expected) in [
        ("executor_id", "t"),
        ("framework", "marathon"),
        ("role", "prod/web"),
        ("rack", "r1"),
        ("rule", "audit"),
    ] {
        assert_eq!(removed[name], expected, "{name} in {removed}");
    }
    let hostname = site.agent.state().unwrap()["hostname"].clone();
    site.agent.kill().unwrap();
    let lost = line(&site, "agent_lost");
    assert_eq!((&lost["hostname"], &lost["rack"]), (&hostname, &"r1".into()));
    wait_until("the command's file", || {
        let file = site.folder.path().join("lost-r1");
        if file.exists() { Ok(()) } else { Err("no such file".to_owned()) }
    });
}

#[test]
fn changed_rules_count_without_a_restart_and_bad_ones_do_not() {
    let mut site = Site::new("[[hook.rules]]\nname = \"a\"\nlabels.set.version = \"one\"\n");
    let file = site.folder.path().join("apportion.toml");
    site.run(task("first"), "first");
    fs::write(&file, "[[hook.rules]]\nname = \"a\"\nlabels.set.version = \"two\"\n").unwrap();
    for log in [
        site.master.wait_for_log("1 rules read again", WITHIN),
        site.agent.wait_for_log("1 rules read again", WITHIN),
    ] {
        log.unwrap();
    }
    site.run(task("second"), "second");
    fs::write(&file, "[[hook.rules]]\nname = \"a\"\nlabel.set.version = \"three\"\n").unwrap();
    let line = site.agent.wait_for_log("did you mean", WITHIN).unwrap();
    assert!(line.contains("hook:"), "{line}");
    site.master.wait_for_log("the rules stay as they were", WITHIN).unwrap();
    site.run(task("third"), "third");
    let version = |id: &str| labels(&site.task(id)).into_iter().find(|(key, _)| key == "version");
    let found = ["first", "second", "third"].map(|id| version(id).map(|(_, value)| value));
    assert_eq!(found, ["one", "two", "two"].map(|value| Some(value.to_owned())));
}

/// What stands in a file gets to the task, and not into any log, page or line that we write.
#[test]
fn planted_secret_is_in_the_tasks_environment_and_in_no_log() {
    const SECRET: &str = "correct-horse-battery-staple";
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("token");
    fs::write(&secret, SECRET).unwrap();
    let mut site = Site::new(&format!(
        "[[hook.rules]]\nname = \"token\"\nenvironment.set.TOKEN = \"file:{0}\"\n\
         [[hook.rules]]\nname = \"fault\"\nenvironment.set.BAD = \"{{{{ env.TOKEN ~ task.labels.none }}}}\"\n\
         [[hook.rules]]\nname = \"audit\"\naudit.file = \"$FOLDER/audit.jsonl\"\n\
         audit.fields.token = \"{{{{ env.TOKEN | default('-') }}}}\"\n",
        secret.display()
    ));
    let sandbox = site.run(
        TaskSpec::new("t", &format!("echo $TOKEN > token.part; mv token.part token; {UNTIL_TOLD}")),
        "t",
    );
    wait_until("the token", || fs::read_to_string(sandbox.join("token")).map_err(|error| error.to_string()));
    assert_eq!(fs::read_to_string(sandbox.join("token")).unwrap().trim(), SECRET);
    site.agent.wait_for_log("rule fault", WITHIN).unwrap();
    let_finish(&sandbox);
    site.framework.wait_status("t", TaskState::Finished, WITHIN).unwrap();
    wait_until("the audit line", || {
        site.audited("executor_removed").first().cloned().ok_or_else(|| "none".to_owned())
    });
    let audit = fs::read_to_string(site.folder.path().join("audit.jsonl")).unwrap();
    for (what, text) in [("audit", audit), ("agent", site.agent.log()), ("master", site.master.log())] {
        assert!(!text.contains(SECRET), "the {what} tells the secret");
    }
}
