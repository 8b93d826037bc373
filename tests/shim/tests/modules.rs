//! The four modules as the host calls them, from C++.

use std::ffi::OsStr;

use apportion_config::ENTRY_POINTS;
use apportion_rig::Variant;
use apportion_shim_tests::{Answer, Driver};

const SIGABRT: i32 = 6;

/// The configuration that makes one entry point panic.
fn drill(entry: &str) -> String {
    format!("[drill]\npanic_in = [\"{entry}\"]\n")
}

/// Entry points that change nothing: whoever asked is told, and the allocator goes on.
const LOOKS: [&str; 3] =
    ["allocator.read_metrics", "allocator.offer_constraints_debug", "allocator.lending_report"];

/// The lines a fatal end leaves: one, and only one.
fn fatal_lines(answer: &Answer) -> Vec<String> {
    answer.lines_with("the allocator stops").into_iter().filter(|line| line.starts_with('F')).collect()
}

#[test]
fn every_method_of_every_module_answers() {
    let answer = Driver::of(Variant::Plain).run(&["all"], "");
    assert!(answer.went_well(), "{}", answer.text());
    assert!(!answer.lines_with("checks held").is_empty(), "{}", answer.text());
}

#[test]
fn the_shim_reads_every_answer_and_refuses_what_is_none() {
    let answer = Driver::of(Variant::Plain).run(&["table"], "");
    assert!(answer.went_well(), "{}", answer.text());
    assert_eq!(answer.lines_with("come from different builds").len(), 3, "{}", answer.text());
}

#[test]
fn a_panic_in_hook_isolator_or_qos_controller_is_an_answer() {
    let driver = Driver::of(Variant::Plain);
    let entries = ENTRY_POINTS.iter().filter(|entry| !entry.starts_with("allocator."));
    let mut tried = 0;
    for entry in entries {
        let answer = driver.run(&["panic", entry], &drill(entry));
        assert!(answer.went_well(), "{entry}: {}", answer.text());
        tried += 1;
    }
    assert_eq!(tried, 14 + 14 + 7);
}

#[test]
fn a_panic_in_the_allocator_ends_the_process_with_one_line() {
    let driver = Driver::of(Variant::Plain);
    let entries =
        ENTRY_POINTS.iter().filter(|entry| entry.starts_with("allocator.") && !LOOKS.contains(*entry));
    let mut tried = 0;
    for entry in entries {
        let answer = driver.run(&["panic", entry], &drill(entry));
        assert_eq!(answer.signal(), Some(SIGABRT), "{entry}: {}", answer.text());
        let lines = fatal_lines(&answer);
        assert_eq!(lines.len(), 1, "{entry}: {}", answer.text());
        assert!(lines[0].contains(&format!("{entry}: panicked: ")), "{}", lines[0]);
        tried += 1;
    }
    assert_eq!(tried, 28 + 3 + 7);
}

#[test]
fn a_panic_while_somebody_looks_at_the_allocator_stops_nothing() {
    let driver = Driver::of(Variant::Plain);
    for entry in LOOKS {
        let answer = driver.run(&["panic", entry], &drill(entry));
        assert!(answer.went_well(), "{entry}: {}", answer.text());
        assert!(answer.text().contains(&format!("{entry}: panicked: ")), "{entry}: {}", answer.text());
    }
}

#[test]
fn an_exception_of_the_host_in_the_allocator_ends_the_process_with_one_line() {
    let answer = Driver::of(Variant::Plain).run(&["throw"], "");
    assert_eq!(answer.signal(), Some(SIGABRT), "{}", answer.text());
    let lines = fatal_lines(&answer);
    assert_eq!(lines.len(), 1, "{}", answer.text());
    assert!(lines[0].contains("the callback is out of order"), "{}", lines[0]);
}

#[test]
fn a_module_with_bad_parameters_is_not_made_and_says_why() {
    let driver = Driver::of(Variant::Plain);
    for module in ["Allocator", "Hook", "Isolator", "QoSController"] {
        let name = format!("org_apportion_{module}");
        let arguments = ["refuse", &name, "hook.enviroment.X", "1", "allocator.seed", "many"].map(OsStr::new);
        let answer = driver.start(&arguments, None);
        assert!(answer.went_well(), "{}", answer.text());
        assert_eq!(answer.lines_with(&format!("{name} is not created")).len(), 1, "{}", answer.text());
        assert!(answer.text().contains("hook.environment"), "the nearest key: {}", answer.text());
        assert!(answer.text().contains("allocator.seed"), "every problem: {}", answer.text());
    }
}

/// A host whose filters exclude every agent in role "prod", also those that seem to hold no constraints.
const OTHER_FILTERS: &str = r#"
#include <mesos/allocator/allocator.hpp>
namespace mesos {
namespace allocator {
bool OfferConstraintsFilter::isAgentExcluded(const std::string& role, const SlaveInfo&) const { return role == "prod"; }
}
}
"#;

#[test]
fn filters_that_cannot_be_told_apart_are_all_evaluated() {
    let driver = Driver::of(Variant::Plain);
    let preload = driver.preload("filters", OTHER_FILTERS);
    let answer = driver.start(&["unreadable"].map(OsStr::new), Some(&preload));
    assert!(answer.went_well(), "{}", answer.text());
    let lines = answer.lines_with("offer constraints are evaluated for every framework");
    assert_eq!(lines.len(), 1, "{}", answer.text());
}

/// Hosts that differ from the one the module was made for, by what they change.
const OTHER_HOSTS: [(&str, &str, &str); 3] = [
    (
        "writing",
        r#"
#include <google/protobuf/message_lite.h>
namespace google {
namespace protobuf {
bool MessageLite::AppendPartialToString(std::string*) const { return true; }
}
}
"#,
        "an agent id's text cannot be written",
    ),
    (
        "parsing",
        r#"
#include <google/protobuf/message_lite.h>
namespace google {
namespace protobuf {
bool MessageLite::ParsePartialFromArray(const void*, int) { return true; }
}
}
"#,
        "an agent id's text is not where it should be",
    ),
    (
        "resources",
        r#"
#include <mesos/resources.hpp>
namespace mesos {
bool Resources::operator==(const Resources&) const { return true; }
}
"#,
        "adding to a copy of a set of resources changes the original",
    ),
];

#[test]
fn a_host_of_another_layout_is_refused_with_one_line() {
    let driver = Driver::of(Variant::Plain);
    for (name, source, found) in OTHER_HOSTS {
        let preload = driver.preload(name, source);
        let arguments = ["refuse", "org_apportion_Hook"].map(OsStr::new);
        let answer = driver.start(&arguments, Some(&preload));
        assert!(answer.went_well(), "{name}: {}", answer.text());
        let lines = answer.lines_with("is not created");
        assert_eq!(lines.len(), 1, "{name}: {}", answer.text());
        assert!(lines[0].contains(found), "{name}: {}", lines[0]);
        assert!(lines[0].contains("APPORTION_MESOS_INCLUDE"), "the cure: {}", lines[0]);
    }
}
