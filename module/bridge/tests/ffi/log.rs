//! Events of the library as lines of the host's log.

use apportion_bridge::Severity;
use apportion_bridge::abi::{APPORTION_DONE, APPORTION_FATAL};
use std::cell::Cell;
use std::fmt;

use crate::arguments::Arguments;
use crate::border::{Module, answered, call, logged, view, while_logging};
use crate::calls::{
    ALLOCATOR, HOOK, ISOLATOR, add_agent, add_framework, cycle, named, prepared, recover, total,
};
use crate::messages::{allocated, container_config, container_id, executor, scalar, task};
use crate::shim::Shim;
use apportion_wire::messages::encode;

#[test]
fn a_line_has_its_severity_its_place_and_the_name_of_the_library() {
    let lines = logged(Severity::Info, || {
        drop(Module::hook(&[
            ("hook.environment.RACK", "r1"),
            ("drill.panic_in", "hook.slave_post_fetch_hook"),
        ]));
    });
    let [warning, info] = lines.as_slice() else { panic!("{lines:?}") };
    assert_eq!(warning.severity, Severity::Warning);
    assert_eq!(warning.text, "apportion: fault drill: hook.slave_post_fetch_hook will panic on purpose");
    assert_eq!(info.severity, Severity::Info);
    assert_eq!(info.text, "apportion: hook: 1 rule, acting in 2 of 11 methods");
    assert!(info.file.ends_with("hooks.rs") && info.line > 0, "{info:?}");
    assert_eq!([Severity::Info, Severity::Warning, Severity::Error].map(Severity::number), [0, 1, 2]);
}

#[test]
fn each_offer_is_one_line_with_its_reason_unless_that_is_switched_off() {
    for (explain, offers) in [("true", 1), ("false", 0)] {
        let lines = logged(Severity::Info, || {
            let mut shim = Shim::new(&[("allocator.explain_offers", explain)]);
            let initialize = named(ALLOCATOR, "allocator.initialize");
            shim.done(|h, now, out| initialize(&mut Arguments::good(), h, now, out));
            add_framework(&mut shim, b"f", &[b"web"]);
            add_agent(&mut shim, b"a", &total());
            assert_eq!(cycle(&mut shim).offers.len(), 1);
            cycle(&mut shim);
        });
        let told =
            lines.iter().filter(|line| line.text.contains("offer of agent a to framework f in role web: "));
        assert_eq!(told.count(), offers, "{lines:?}");
        let runs: Vec<&str> =
            lines.iter().map(|line| line.text.as_str()).filter(|text| text.contains("cycle 1: ")).collect();
        assert_eq!(runs.len(), offers, "{lines:?}");
        assert!(
            !lines.iter().any(|line| line.text.contains("cycle 2: ")),
            "a cycle without offers is no line"
        );
    }
}

#[test]
fn a_second_has_room_for_a_hundred_offers_and_the_rest_is_counted() {
    let lines = logged(Severity::Info, || {
        let mut shim = Shim::new(&[]);
        let initialize = named(ALLOCATOR, "allocator.initialize");
        shim.done(|h, now, out| initialize(&mut Arguments::good(), h, now, out));
        add_framework(&mut shim, b"f", &[b"web"]);
        let mut arrive = |agents: std::ops::Range<usize>, cycle_after_each: bool| {
            for number in agents {
                add_agent(&mut shim, format!("agent-{number}").as_bytes(), &total());
                if cycle_after_each {
                    cycle(&mut shim);
                }
            }
            cycle(&mut shim);
            shim.now += 1_000_000_000;
        };
        arrive(0..250, true);
        arrive(250..251, true);
        arrive(251..500, false);
    });
    let texts: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
    let offers = texts.iter().filter(|text| text.contains(": offer of agent ")).count();
    assert_eq!(offers, 100 + 1 + 100, "{texts:?}");
    let of = |part: &str| texts.iter().filter(|text| text.contains(part)).collect::<Vec<_>>();
    assert_eq!(
        of("earlier cycles"),
        [&"apportion: 150 offers in 150 earlier cycles, not listed: more than 100 in one second"]
    );
    assert_eq!(of("in this cycle"), [&"apportion: 149 more offers in this cycle, not listed"]);
    assert_eq!(of(" agents visited, ").len(), 102, "{texts:?}");
}

#[test]
fn what_guarantees_keep_back_is_a_line_when_it_changes() {
    let lines = logged(Severity::Info, || {
        let mut shim = Shim::new(&[]);
        for entry in ["allocator.initialize", "allocator.update_quota"] {
            shim.done(|h, now, out| named(ALLOCATOR, entry)(&mut Arguments::good(), h, now, out));
        }
        add_framework(&mut shim, b"f", &[b"batch"]);
        add_agent(&mut shim, b"a", &total());
        cycle(&mut shim);
        // Nothing new: no line.
        shim.now += 1_000_000_000;
        cycle(&mut shim);
        add_framework(&mut shim, b"g", &[b"web"]);
        cycle(&mut shim);
        add_agent(&mut shim, b"b", &total());
        cycle(&mut shim);
        add_agent(&mut shim, b"c", &total());
        cycle(&mut shim);
    });
    let texts: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
    let told: Vec<&str> = texts.iter().copied().filter(|text| text.contains("guarantees ")).collect();
    assert_eq!(
        told,
        [
            "apportion: guarantees lacked cpus:1 of cpus:4; mem:1024 available, and lack cpus:1 now",
            "apportion: guarantees lacked cpus:1 of cpus:1 available, and lack nothing now",
            "apportion: all guarantees are met",
        ],
        "{texts:?}"
    );
}

#[test]
fn notices_of_the_allocator_come_with_their_severity() {
    let lines = logged(Severity::Info, || {
        let mut shim = prepared("");
        for entry in ["allocator.request_resources", "allocator.update_quota"] {
            shim.done(|h, now, out| named(ALLOCATOR, entry)(&mut Arguments::good(), h, now, out));
        }
        recover(&mut shim, (b"f", b"a"), &[allocated(&scalar(b"cpus", 1.0), b"web")], Some(f64::NAN));
        // Verbose: below what the host knows.
        recover(&mut shim, (b"gone", b"gone"), &[allocated(&scalar(b"cpus", 1.0), b"web")], None);
    });
    let of =
        |severity| lines.iter().filter(move |line| line.severity == severity).map(|line| line.text.as_str());
    let infos: Vec<&str> = of(Severity::Info).filter(|text| !text.contains("initialized")).collect();
    assert_eq!(infos, ["apportion: request resources: request for resources of framework f ignored"]);
    let warnings: Vec<&str> = of(Severity::Warning).collect();
    assert_eq!(
        warnings,
        ["apportion: recover resources: framework f refuses for NaN seconds, which counts as 5s",]
    );
    assert_eq!(lines.len(), infos.len() + warnings.len() + 1, "{lines:?}");
}

/// A name that would begin a line of its own, change colours, and is not UTF-8.
const HOSTILE: &[u8] = b"a\nE1121 fake.cpp:1] root!\r\x1b[31m\0\x7f\xff";

fn is_one_line(text: &str) -> bool {
    !text.chars().any(char::is_control)
}

#[test]
fn hostile_names_cannot_break_a_line() {
    let mut refusals = Vec::new();
    let lines = logged(Severity::Info, || {
        let mut shim = Shim::new(&[]);
        let initialize = named(ALLOCATOR, "allocator.initialize");
        shim.done(|h, now, out| initialize(&mut Arguments::good(), h, now, out));
        add_framework(&mut shim, HOSTILE, &[HOSTILE]);
        add_agent(&mut shim, HOSTILE, &[scalar(b"cpus", 1.0), scalar(HOSTILE, 4.0)]);
        let offer = cycle(&mut shim).offers.remove(0);
        recover(&mut shim, (HOSTILE, HOSTILE), &offer.resources, Some(-1.0));
        let roles = Arguments::good().texts("", &[]);
        shim.done(|h, now, out| call!(allocator_request_resources(h, now, view(HOSTILE), roles, out)));
        let more = [allocated(&scalar(HOSTILE, 9.0), HOSTILE)];
        refusals.push(recover(&mut shim, (HOSTILE, HOSTILE), &more, None).text);

        let hook = Module::hook(&[("hook.labels.upper", "{{ task.labels.missing | upper }}")]);
        let (task, executor) = (encode(&task(HOSTILE)), encode(&executor(HOSTILE, HOSTILE)));
        let (framework, agent) = (
            encode(&crate::messages::framework(HOSTILE, &[HOSTILE])),
            encode(&crate::messages::agent(HOSTILE, HOSTILE)),
        );
        answered(|out| {
            let (task, executor) = (view(&task), view(&executor));
            let (framework, agent) = (view(&framework), view(&agent));
            call!(hook_slave_run_task_label_decorator(hook.handle(), task, executor, framework, agent, out))
        });

        let isolator = Module::isolator(&[("isolator.environment.A", "{{ executor.name }}")]);
        let (id, config) = (container_id(&[HOSTILE]), encode(&container_config()));
        for _ in 0..2 {
            let (id, config) = (view(&id), view(&config));
            let answer = answered(|out| call!(isolator_prepare(isolator.handle(), id, config, out)));
            refusals.push(String::from_utf8(answer.bytes).unwrap());
        }
    });
    assert!(lines.len() >= 8, "{lines:#?}");
    assert!(lines.iter().any(|line| line.text.contains("container a\\nE1121")), "{lines:#?}");
    for line in lines {
        assert!(is_one_line(&line.text), "{line:?}");
    }
    assert_eq!(refusals.len(), 3);
    assert!(refusals[0].contains("a\\nE1121") && refusals[2].contains("a\\nE1121"), "{refusals:?}");
    for refusal in refusals {
        assert!(is_one_line(&refusal), "{refusal:?}");
    }
}

thread_local! {
    static FORMATTED: Cell<u32> = const { Cell::new(0) };
}

/// Counts how often it is put into text.
struct Counting;

impl fmt::Display for Counting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        FORMATTED.set(FORMATTED.get() + 1);
        f.write_str("counted")
    }
}

fn one_of_each() {
    tracing::debug!("{Counting}");
    tracing::info!("{Counting}");
    tracing::warn!(field = %Counting, "{Counting}");
    tracing::error!(number = 7, text = "a\nb", "{Counting}");
}

#[test]
fn a_severity_that_the_host_does_not_write_costs_no_formatting_and_can_be_switched_on_later() {
    let cases =
        [(None, 0), (Some(Severity::Error), 1), (Some(Severity::Warning), 3), (Some(Severity::Info), 4)];
    // There and back: what was off once must not stay off, and what was on must not stay on.
    for (least, times) in cases.iter().chain(cases.iter().rev()) {
        FORMATTED.set(0);
        let lines = match least {
            Some(least) => logged(*least, one_of_each),
            None => {
                crate::border::connect();
                one_of_each();
                Vec::new()
            }
        };
        assert_eq!(FORMATTED.get(), *times, "{least:?}: {lines:?}");
        assert!(lines.iter().all(|line| Some(line.severity) >= *least));
    }
    let lines: Vec<String> = logged(Severity::Info, one_of_each).into_iter().map(|line| line.text).collect();
    assert_eq!(
        lines,
        [
            "apportion: counted",
            "apportion: counted field=counted",
            "apportion: counted number=7 text=\"a\\nb\""
        ]
    );
}

thread_local! {
    static ALLOCATOR_AT_WORK: Cell<*mut apportion_bridge::abi::apportion_handle> =
        const { Cell::new(std::ptr::null_mut()) };
    static INNER: Cell<u32> = const { Cell::new(u32::MAX) };
}

#[test]
fn a_call_in_the_middle_of_another_is_refused_and_the_other_goes_on() {
    let mut shim = prepared("");
    ALLOCATOR_AT_WORK.set(shim.module.handle());
    while_logging(|| {
        let mut effects = crate::border::untouched_effects();
        INNER.set(call!(allocator_tick(ALLOCATOR_AT_WORK.get(), 0, &raw mut effects)));
        assert!(crate::border::is_set(&effects));
        let text = String::from_utf8(crate::border::read_bytes(effects.text)).unwrap();
        assert_eq!(text, "allocator.tick: called while another call is running");
    });
    let lines = logged(Severity::Info, || {
        let request = named(ALLOCATOR, "allocator.request_resources");
        shim.done(|h, now, out| request(&mut Arguments::good(), h, now, out));
    });
    assert_eq!((lines.len(), INNER.get()), (1, APPORTION_FATAL));
    shim.done(|h, now, out| call!(allocator_tick(h, now, out)));
}

#[test]
fn a_module_at_rest_logs_nothing() {
    let (hook, isolator) = (Module::hook(&[]), Module::isolator(&[]));
    let lines = logged(Severity::Info, || {
        for &(_, call) in HOOK {
            answered(|out| call(&mut Arguments::good(), hook.handle(), out));
        }
        for &(entry, call) in ISOLATOR.iter().filter(|(entry, _)| *entry != "isolator.recover") {
            answered(|out| call(&mut Arguments::good(), isolator.handle(), out));
            assert!(!entry.is_empty());
        }
        let (_, recover) = ISOLATOR[2];
        answered(|out| recover(&mut Arguments::good(), isolator.handle(), out)).expect(APPORTION_DONE);
    });
    let texts: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
    assert_eq!(texts, ["apportion: isolator: recovered 1 containers, 1 orphans"]);
}
