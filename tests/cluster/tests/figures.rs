//! The programs of the figures work, with numbers too small to mean anything. That of the isolator needs root.
#![forbid(unsafe_code)]

use std::process::Command;

use apportion_cluster_tests::library;
use serde_json::Value;

fn figures(arguments: &[&str]) -> String {
    let run = Command::new(env!("CARGO_BIN_EXE_isolator-figures"))
        .arg("--library")
        .arg(library())
        .args(["--rounds=2", "--containers=3", "--at-once=2", "--calls=3", "--held=20", "--idle-seconds=6"])
        .args(arguments)
        .output()
        .expect("a run of isolator-figures");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    String::from_utf8(run.stdout).expect("a text")
}

/// All numbers below a key, or that number itself.
fn numbers(of: &Value) -> Vec<f64> {
    match of {
        Value::Object(entries) => entries.values().flat_map(numbers).collect(),
        other => other.as_f64().into_iter().collect(),
    }
}

#[test]
fn every_figure_is_measured_in_one_run() {
    let text = figures(&["--json"]);
    let found: Value = serde_json::from_str(&text).expect("JSON");
    for key in ["machine", "held", "calls", "agents"] {
        assert!(found[key].is_object(), "{key} in {text}");
    }
    let (held, calls, agents) = (&found["held"], &found["calls"], &found["agents"]);
    assert_eq!((held["containers"].as_u64(), calls["containers"].as_u64()), (Some(20), Some(3)), "{text}");
    let measured = [
        &held["memory_kib"],
        &held["idle_cpu_ms"],
        &held["launch_of_all"],
        &held["usage_of_all"],
        &held["cleanup_of_all"],
        &calls["with_groups"]["prepare"],
        &calls["with_groups"]["all four"],
        &calls["without_groups"]["all four"],
        &agents["wall_ms"],
    ];
    for part in measured {
        let numbers = numbers(part);
        assert!(!numbers.is_empty() && numbers.iter().all(|number| *number > 0.0), "{part} in {text}");
    }
    assert_eq!(agents["rounds"], 2, "{text}");
}

#[test]
fn only_the_parts_that_are_asked_for_are_in_the_table() {
    let text = figures(&["--only=calls"]);
    assert!(text.contains("Calls for one container, medians of 3"), "{text}");
    assert!(!text.contains("held") && !text.contains("Real agents"), "{text}");
}

#[test]
fn what_is_lent_is_measured_beside_regular_offers_on_the_same_jobs() {
    let run = Command::new(env!("CARGO_BIN_EXE_lending-figures"))
        .arg("--library")
        .arg(library())
        .args(["--decision-times=10", "--rounds=1", "--warm-up=4", "--measured=20", "--agents=2", "--json"])
        .output()
        .expect("a run of lending-figures");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let text = String::from_utf8(run.stdout).expect("a text");
    let found: Value = serde_json::from_str(&text).expect("JSON");
    let [regular, lending] = [&found["points"][0], &found["points"][1]];
    assert_eq!((&regular["offers"], &lending["offers"]), (&"regular".into(), &"lending".into()), "{text}");
    for point in [regular, lending] {
        let used = point["used %"]["median"].as_f64().expect("a figure");
        assert!(used > 0.0 && used <= 100.0, "{text}");
    }
    assert_eq!(regular["commits"]["median"], 0.0, "{text}");
    assert!(lending["commits"]["median"].as_f64() > Some(0.0), "{text}");
}

#[test]
fn every_step_of_a_master_is_measured_end_to_end_with_both_allocators() {
    let folder = tempfile::tempdir().expect("a folder");
    let page = folder.path().join("page.md");
    std::fs::write(&page, "Words.\n\n<!-- figures: begin -->\n<!-- figures: end -->\n").expect("a page");
    let run = Command::new(env!("CARGO_BIN_EXE_speed-figures"))
        .arg("--library")
        .arg(library())
        .args(["--agents=50", "--frameworks=3", "--rounds=1", "--repeats=2", "--idle-seconds=2"])
        .args(["--limit-seconds=60", "--commit=of-the-test", "--json=-"])
        .args(["--page".as_ref(), page.as_os_str(), "--plots".as_ref(), folder.path().as_os_str()])
        .output()
        .expect("a run of speed-figures");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let text = String::from_utf8(run.stdout).expect("a text");
    let found: Value = serde_json::from_str(&text).expect("JSON");
    let size = &found["sizes"][0];
    for allocator in ["built_in", "ours"] {
        let steps = size[allocator]["steps"].as_object().expect("steps");
        assert_eq!(steps.len(), 9, "{text}");
        for (step, samples) in steps {
            let repeated = ["taken-back", "cycle", "revive-storm", "revive-filtered"].contains(&&**step);
            let walls: Vec<f64> =
                samples.as_array().into_iter().flatten().filter_map(|one| one["wall_ms"].as_f64()).collect();
            assert_eq!(walls.len(), if repeated { 2 } else { 1 }, "{allocator}, {step}: {text}");
            assert!(walls.iter().all(|ms| *ms > 0.0 && *ms < 60_000.0), "{allocator}, {step}: {text}");
        }
        let levels = &size[allocator]["levels"];
        assert_eq!(levels["cycle-run"].as_array().map(Vec::len), Some(2), "{text}");
        assert!(levels["memory-cycle"][0].as_f64() > Some(10.0), "{text}");
        assert!(levels["filtered-runs"][0].as_f64() > Some(0.3), "batches come: {text}");
    }
    let page = std::fs::read_to_string(page).expect("the page");
    assert!(page.starts_with("Words.") && page.contains("commit of-the-test"), "{page}");
    for picture in ["end-to-end-time.svg", "end-to-end-memory.svg"] {
        let drawn = std::fs::read_to_string(folder.path().join(picture)).expect("a picture");
        assert!(drawn.contains("</svg>") && page.contains(picture), "{page}");
    }
}
