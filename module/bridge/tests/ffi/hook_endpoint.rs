//! What the hook's HTTP endpoint asks of the library.

use apportion_bridge::Severity;
use apportion_bridge::abi::{APPORTION_DONE, APPORTION_UNCHANGED};

use crate::border::{Answer, Module, answered, call, logged};

fn endpoint(setting: &[(&str, &str)]) -> Answer {
    let hook = Module::hook(setting);
    answered(|out| call!(hook_endpoint(hook.handle(), out)))
}

#[test]
fn endpoint_is_served_where_the_configuration_says() {
    for side in ["master", "agent"] {
        let answer = endpoint(&[("hook.endpoint", side)]);
        assert_eq!((answer.status, &*answer.bytes), (APPORTION_DONE, side.as_bytes()));
    }
    endpoint(&[("hook.endpoint", "off")]).expect(APPORTION_UNCHANGED);
}

#[test]
fn endpoint_is_not_served_in_a_program_whose_name_says_nothing_and_one_line_tells_the_cure() {
    for setting in [&[][..], &[("hook.endpoint", "auto")]] {
        let lines = logged(Severity::Info, || endpoint(setting).expect(APPORTION_UNCHANGED));
        let told: Vec<&str> =
            lines.iter().map(|line| &*line.text).filter(|text| text.contains("no HTTP endpoint")).collect();
        assert!(matches!(told[..], [line] if line.ends_with("set hook.endpoint")), "{lines:?}");
    }
}

#[test]
fn report_is_json() {
    let hook = Module::hook(&[("hook.environment.RACK", "r1"), ("hook.labels.rack", "r1")]);
    let report = answered(|out| call!(hook_report(hook.handle(), out)));
    report.expect(APPORTION_DONE);
    let report: serde_json::Value = serde_json::from_slice(&report.bytes).unwrap();
    assert!(report.is_object(), "{report}");
}
