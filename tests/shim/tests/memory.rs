//! The four modules under the address and undefined-behaviour sanitizers: shim, driver and launcher are instrumented,
//! the host and the Rust side share their allocator.

use apportion_rig::Variant;
use apportion_shim_tests::Driver;

#[test]
fn every_method_of_every_module_is_clean_under_the_memory_checker() {
    let answer = Driver::build(Variant::Sanitized).run(&["all"], "");
    assert!(answer.went_well(), "{}", answer.text());
    for complaint in ["AddressSanitizer", "runtime error:"] {
        assert!(answer.lines_with(complaint).is_empty(), "{}", answer.text());
    }
}

#[test]
fn a_panic_is_clean_under_the_memory_checker() {
    let driver = Driver::build(Variant::Sanitized);
    for entry in ["hook.slave_run_task_label_decorator", "isolator.prepare", "qos_controller.corrections"] {
        let answer = driver.run(&["panic", entry], &format!("[drill]\npanic_in = [\"{entry}\"]\n"));
        assert!(answer.went_well(), "{entry}: {}", answer.text());
        assert!(answer.lines_with("AddressSanitizer").is_empty(), "{}", answer.text());
    }
}
