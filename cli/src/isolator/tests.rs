//! What is said of hosts of all kinds.

use std::path::Path;

use apportion_cgroups::fake::FakeKernel;
use apportion_cgroups::{Base, Controller, GroupName, Kernel, Pid, Wish};
use apportion_config::Config;
use serde_json::{Value, json};

use super::asked::asked;
use super::view::View;
use super::{as_json, show};

fn wish(controllers: &[Controller]) -> Wish {
    let controllers = controllers.iter().copied().collect();
    Wish { base: Base::Own, name: GroupName::new("apportion").unwrap(), controllers }
}

fn usual() -> Wish {
    wish(&[Controller::Cpu, Controller::Memory, Controller::Pids])
}

fn view(kernel: &FakeKernel, wish: &Wish) -> View {
    let groups = kernel.groups();
    let view = View::of(kernel, Path::new("/"), None, wish, &[]);
    assert_eq!(kernel.groups(), groups, "nothing is changed");
    view
}

fn text(view: &View) -> String {
    let mut out = anstream::StripStream::new(Vec::new());
    show::view(&mut out, view).unwrap();
    String::from_utf8(out.into_inner()).unwrap()
}

#[test]
fn good_v2_host_is_shown_with_the_group_of_the_service() {
    let kernel = FakeKernel::v2();
    kernel.put("/proc/sys/kernel/osrelease", "6.1.0-13-amd64\n");
    let view = view(&kernel, &usual());
    assert!(view.is_good());
    let agent = "/sys/fs/cgroup/system.slice/agent.service";
    let expected = format!(
        "control groups v2, kernel 6.1.0-13-amd64

  cpu      v2  /sys/fs/cgroup  in group /system.slice/agent.service
  memory   v2  /sys/fs/cgroup  in group /system.slice/agent.service
  pids     v2  /sys/fs/cgroup  in group /system.slice/agent.service
  io       v2  /sys/fs/cgroup  in group /system.slice/agent.service, not asked for
  cpuset   v2  /sys/fs/cgroup  in group /system.slice/agent.service, not asked for
  hugetlb  v2  /sys/fs/cgroup  in group /system.slice/agent.service, not asked for

containers' groups
  {agent}/apportion  cpu, memory, pids (to be made)
    1 process moves into {agent}/agent first

settings of the kernel
  limit of CPU time            yes  cpu.max
  CPU time saved for later     yes  cpu.max.burst
  limit of swap space          yes  memory.swap.max
  weight at block devices      yes  io.weight
  a whole group killed at once yes  cgroup.kill
  pressure stall information   yes  cpu.pressure

ok: containers' groups can be made here
"
    );
    assert_eq!(text(&view), expected);
}

#[test]
fn groups_of_an_agent_that_runs_are_counted() {
    let kernel = FakeKernel::v1();
    let parent = Path::new("/sys/fs/cgroup/pids/apportion");
    kernel.make_group(parent).unwrap();
    for name in ["a", "b"] {
        kernel.make_group(&parent.join(name)).unwrap();
    }
    let view = view(&kernel, &wish(&[Controller::Pids]));
    assert!(
        text(&view).contains("/sys/fs/cgroup/pids/apportion  pids (there, with 2 groups)"),
        "{}",
        text(&view)
    );
    let place = as_json::view(&view)["places"][0].clone();
    assert_eq!(
        (&place["exists"], &place["groups"], &place["version"]),
        (&json!(true), &json!(2), &json!("v1"))
    );
}

#[test]
fn what_is_missing_is_told_with_the_cure_and_a_risk_is_none() {
    let kernel = FakeKernel::v2();
    kernel.undelegate();
    let view = view(&kernel, &usual());
    assert!(view.is_good());
    let shown = text(&view);
    assert!(shown.contains("risk: systemd has not delegated agent.service"), "{shown}");
    assert!(shown.ends_with("ok: containers' groups can be made here\n"), "{shown}");

    let kernel = FakeKernel::v1();
    kernel.put("/proc/self/mountinfo", "40 23 0:40 / /sys/fs/cgroup/cpu ro - cgroup cgroup ro,cpu\n");
    let view = self::view(&kernel, &usual());
    assert!(!view.is_good());
    let found = as_json::view(&view);
    assert_eq!((&found["ok"], &found["layout"]), (&json!(false), &json!("v1")));
    let kinds: Vec<&Value> = found["findings"].as_array().unwrap().iter().map(|one| &one["kind"]).collect();
    assert_eq!(kinds, ["not_mounted", "not_mounted", "read_only"]);
    let shown = text(&view);
    for part in [
        "  memory   nowhere\n",
        "missing: controller memory is mounted nowhere: mkdir -p /sys/fs/cgroup/memory && mount",
        "missing: /sys/fs/cgroup/cpu is mounted read-only: mount -o remount,rw /sys/fs/cgroup/cpu",
        "limit of swap space          no   controller memory is nowhere",
        "a whole group killed at once no   v1 does not have it",
    ] {
        assert!(shown.contains(part), "{part:?} in {shown}");
    }
    assert!(!shown.contains("ok:"), "{shown}");
}

#[test]
fn setting_that_the_kernel_lacks_comes_with_what_would_bring_it() {
    let kernel = FakeKernel::v2();
    kernel.lacks("cpu.max.burst");
    let view = view(&kernel, &usual());
    assert!(view.is_good(), "nobody asked for it");
    assert!(
        text(&view).contains("CPU time saved for later     no   use a kernel from 5.14 on"),
        "{}",
        text(&view)
    );
    let setting = as_json::view(&view)["settings"][1].clone();
    let expected =
        json!({ "name": "cpu_burst", "there": false, "file": null, "note": "use a kernel from 5.14 on" });
    assert_eq!(setting, expected);
}

#[test]
fn group_that_is_named_must_be_there_on_either_version() {
    for (kernel, base) in [
        (FakeKernel::v1(), "/sys/fs/cgroup/cpu/mesos.slice"),
        (FakeKernel::v2(), "/sys/fs/cgroup/mesos.slice"),
    ] {
        let wish = Wish { base: Base::At("/mesos.slice".into()), ..usual() };
        let found = as_json::view(&view(&kernel, &wish));
        assert_eq!((&found["ok"], &found["findings"][0]["kind"]), (&json!(false), &json!("no_base")));
        let text = found["findings"][0]["text"].as_str().unwrap();
        assert!(text.contains(&format!("mkdir -p {base},")), "{text}");
    }
}

#[test]
fn host_without_control_groups_lacks_everything() {
    let kernel = FakeKernel::v2();
    kernel.put("/proc/self/mountinfo", "");
    let found = as_json::view(&view(&kernel, &usual()));
    assert_eq!(
        (&found["ok"], &found["layout"], &found["controllers"]),
        (&json!(false), &json!(null), &json!([]))
    );
    let text = found["findings"][0]["text"].as_str().unwrap();
    assert!(text.contains("mount -t cgroup2 cgroup2 /sys/fs/cgroup"), "{text}");
    assert_eq!(self::text(&view(&kernel, &usual())), format!("missing: {text}\n"));
}

#[test]
fn settings_that_no_group_shows_yet_are_neither_there_nor_not_there() {
    let kernel = FakeKernel::v2();
    let top = Path::new("/sys/fs/cgroup");
    kernel.exit(100);
    for group in ["system.slice/agent.service", "system.slice"] {
        kernel.remove_group(&top.join(group)).unwrap();
    }
    kernel.put("/proc/self/cgroup", "0::/\n");
    let view = view(&kernel, &usual());
    assert!(view.is_good(), "they are handed down when the groups are made");
    let shown = text(&view);
    for part in [
        "limit of CPU time            ?    no group but the topmost one has controller cpu so far",
        "a whole group killed at once ?    only the topmost group is there so far",
    ] {
        assert!(shown.contains(part), "{part:?} in {shown}");
    }
    assert_eq!(as_json::view(&view)["settings"][0]["there"], json!(null));
}

#[test]
fn another_process_is_looked_from() {
    let kernel = FakeKernel::v2();
    kernel.put("/proc/7/mountinfo", &kernel.text(Path::new("/proc/self/mountinfo")).unwrap());
    kernel.put("/proc/7/cgroup", "0::/system.slice\n");
    let view = View::of(&kernel, Path::new("/"), Pid::new(7), &usual(), &[]);
    let found = as_json::view(&view);
    assert_eq!(found["controllers"][0]["own"], "/system.slice");
    assert_eq!(found["places"][0]["parent"], "/sys/fs/cgroup/system.slice/apportion");
}

#[test]
fn names_of_groups_cannot_move_the_cursor() {
    let kernel = FakeKernel::v1();
    kernel.put("/proc/self/cgroup", "0:cpu:/a\u{1b}[2J\n");
    let shown = text(&view(&kernel, &wish(&[Controller::Cpu])));
    assert!(shown.contains("in group /a\\u{1b}[2J") && !shown.contains('\u{1b}'), "{shown}");
}

/// Kinds and texts of what is found with a configuration.
fn findings(kernel: &FakeKernel, config: &str) -> Vec<(bool, String)> {
    let isolator = Config::from_text(config).unwrap_or_else(|problems| panic!("{problems}")).isolator;
    let wish = isolator.cgroups.clone().unwrap();
    let view = View::of(kernel, Path::new("/"), None, &wish, &asked(&isolator, &wish));
    view.missing.into_iter().map(|missing| (missing.fatal, missing.text)).collect()
}

#[test]
fn configuration_that_asks_for_what_the_kernel_has_not_is_told() {
    const CONFIG: &str = "[isolator.cgroups]\n[isolator.limits]\ncpu_burst = \"20%\"\n\
        [[isolator.rules]]\nname = \"no swap\"\nmatch = { role = \"web\" }\nlimits = { swap = \"none\" }\n\
        [[isolator.rules]]\nname = \"off\"\nenabled = false\nlimits = { memory_high = \"90%\" }\n\
        [[isolator.rules]]\nname = \"same\"\nlimits = { pids = 5 }\n";
    assert_eq!(findings(&FakeKernel::v2(), CONFIG), []);
    let kernel = FakeKernel::v1();
    kernel.make_group(Path::new("/sys/fs/cgroup/cpu/other")).unwrap();
    kernel.make_group(Path::new("/sys/fs/cgroup/memory/other")).unwrap();
    kernel.lacks("cpu.cfs_burst_us");
    kernel.lacks("memory.memsw.limit_in_bytes");
    let expected = [
        (false, "isolator.limits: cpu_burst has no effect: use a kernel from 5.14 on"),
        (
            true,
            "rule \"no swap\": memory.swap is not available here: start the kernel with swapaccount=1 (and one built with \
             CONFIG_SWAP), or leave swap unlimited",
        ),
    ];
    assert_eq!(findings(&kernel, CONFIG), expected.map(|(fatal, text)| (fatal, text.to_owned())));

    kernel.lacks("cpu.cfs_quota_us");
    let found = findings(&kernel, CONFIG);
    assert!(
        !found[0].0
            && found[0].1.starts_with("isolator.limits: containers with a limit of CPUs cannot start: ")
    );
    let found = findings(&kernel, "[isolator.cgroups]\n[isolator.limits]\ncpu_limit = \"request\"\n");
    assert!(
        found[0].0 && found[0].1.starts_with("isolator.limits: cpu.quota_us is not available here"),
        "{found:?}"
    );
}

#[test]
fn what_v1_cannot_is_a_risk_and_what_cannot_be_seen_is_none() {
    let limits = "[isolator.cgroups]\ncontrollers = [\"memory\", \"io\"]\n[isolator.limits]\n\
        memory_high = \"90%\"\nmemory_protection = \"min\"\nio_weight = 200\n";
    assert_eq!(findings(&FakeKernel::v2(), limits), []);
    let kernel = FakeKernel::v1();
    let found = findings(&kernel, limits);
    assert!(found.iter().all(|(fatal, _)| !fatal) && found.len() == 2, "{found:?}");
    // Topmost groups have no weight.
    kernel.lacks("blkio.bfq.weight");
    assert_eq!(findings(&kernel, limits), found);
    kernel.make_group(Path::new("/sys/fs/cgroup/blkio/other")).unwrap();
    let found = findings(&kernel, limits);
    assert!(
        found[0].0 && found[0].1.starts_with("isolator.limits: io.weight is not available here"),
        "{found:?}"
    );
}
