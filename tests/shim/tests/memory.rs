//! The four modules under the address and undefined-behaviour sanitizers: shim, driver and launcher are instrumented,
//! the host and the Rust side share their allocator.

use apportion_rig::Variant;
use apportion_shim_tests::Driver;
use apportion_shim_tests::hook_manager::{Call, HookManager, Reaction};
use apportion_shim_tests::scene::{RULES, every_method};

#[test]
fn every_method_of_every_module_is_clean_under_the_memory_checker() {
    for command in ["all", "table"] {
        let answer = Driver::of(Variant::Sanitized).run(&[command], "");
        assert!(answer.went_well(), "{command}: {}", answer.text());
        for complaint in ["AddressSanitizer", "runtime error:"] {
            assert!(answer.lines_with(complaint).is_empty(), "{command}: {}", answer.text());
        }
    }
}

#[test]
fn a_panic_is_clean_under_the_memory_checker() {
    let driver = Driver::of(Variant::Sanitized);
    for entry in ["hook.slave_run_task_label_decorator", "isolator.prepare", "qos_controller.corrections"] {
        let answer = driver.run(&["panic", entry], &format!("[drill]\npanic_in = [\"{entry}\"]\n"));
        assert!(answer.went_well(), "{entry}: {}", answer.text());
        assert!(answer.lines_with("AddressSanitizer").is_empty(), "{}", answer.text());
    }
}

#[test]
fn every_call_of_the_hook_manager_is_clean_under_the_memory_checker() {
    let (calls, unchanged): (Vec<Call>, Vec<_>) = every_method().into_iter().unzip();
    let fails = [("slaveRunTaskLabelDecorator", Reaction::Fails), ("slavePostFetchHook", Reaction::Fails)];
    let ours = HookManager::of(Variant::Sanitized).ours(RULES);
    for hooks in [ours.clone(), ours.clone().before_other(&fails), ours.after_other(&fails)] {
        let outcome = hooks.call(&calls);
        assert_ne!(outcome.messages(), unchanged);
        for complaint in ["AddressSanitizer", "runtime error:"] {
            assert!(!outcome.text().contains(complaint), "{}", outcome.text());
        }
    }
}
