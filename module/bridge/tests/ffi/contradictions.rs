//! Calls that contradict the books of an allocator. Those after which going on could offer something twice are fatal by
//! design, with one line that says why, and for good; all others are refused, with one line that says all that is
//! needed to find out how they came.

use apportion_bridge::abi::{APPORTION_FAILED, APPORTION_FATAL};

use crate::arguments::Arguments;
use crate::border::{call, view};
use crate::broken_contents::{bring, convert, cpu};
use crate::calls::{ALLOCATOR, named, prepared, recover, total};
use crate::messages::{allocated, scalar};
use crate::shim::{Outcome, Shim};

/// A call that contradicts the books: its entry point, what is said of it, and the call.
type Contradiction = (&'static str, &'static str, fn(&mut Shim) -> Outcome);

#[track_caller]
fn assert_fatal(entry: &str, says: &str, shim: &mut Shim, outcome: &Outcome) {
    assert_eq!(outcome.status, APPORTION_FATAL, "{entry}: {}", outcome.text);
    assert!(
        outcome.text.starts_with(&format!("{entry}: ")) && outcome.text.contains(says),
        "{}",
        outcome.text
    );
    for (later, call) in ALLOCATOR {
        let stopped = shim.apply(|h, now, out| call(&mut Arguments::good(), h, now, out));
        assert_eq!(stopped.status, APPORTION_FATAL, "{later} after {entry}");
        assert_eq!(stopped.text, format!("{later}: the allocator has stopped before: {}", outcome.text));
    }
}

/// Refused, with everything that is known, counted, and the allocator goes on as if nothing had been.
#[track_caller]
fn assert_rejected(entry: &str, says: &str, shim: &mut Shim, outcome: &Outcome) {
    assert_eq!(outcome.status, APPORTION_FAILED, "{entry}: {}", outcome.text);
    assert!(outcome.text.contains(says), "{entry}: {}", outcome.text);
    let (_, position) = outcome.text.split_once("; event ").expect("where in the history it came");
    let (number, _) = position.split_once(" since the start: ").expect("what came");
    assert!(number.parse::<u64>().unwrap() > 0, "{}", outcome.text);
    for part in [" agents, ", " frameworks, ", " roles, held cpus "] {
        assert!(position.contains(part), "{entry}: {}", outcome.text);
    }
    assert!(!outcome.text.chars().any(char::is_control), "one line: {}", outcome.text);
    shim.done(|h, now, out| call!(allocator_publish_metrics(h, now, out)));
    assert_eq!(shim.snapshot(0)["allocator/apportion/calls_rejected"], 1.0, "{entry}");
    assert_eq!(shim.snapshot(0)["allocator/apportion/events_refused"], 0.0, "{entry}");
}

#[test]
fn a_call_before_initialize_is_refused() {
    for &(entry, call) in ALLOCATOR {
        if matches!(
            entry,
            "allocator.publish_metrics" | "allocator.initialize" | "allocator.pause" | "allocator.resume"
        ) {
            continue;
        }
        let mut shim = Shim::new(&[]);
        let outcome = shim.apply(|h, now, out| call(&mut Arguments::good(), h, now, out));
        assert_rejected(entry, "before initialize", &mut shim, &outcome);
    }
}

#[test]
fn a_call_that_comes_twice_or_too_late_is_refused() {
    let cases = [
        ("allocator.initialize", "initialize came twice"),
        ("allocator.recover", "recover came when 2 agents were known already"),
    ];
    for (entry, says) in cases {
        let mut shim = prepared("");
        let outcome = shim.apply(|h, now, out| named(ALLOCATOR, entry)(&mut Arguments::good(), h, now, out));
        assert_rejected(entry, says, &mut shim, &outcome);
    }
    for (entry, says) in [
        ("allocator.add_framework", "framework g was added twice"),
        ("allocator.add_slave", "agent c was added twice"),
        ("allocator.remove_framework", "framework f is not known"),
        ("allocator.remove_slave", "agent a is not known"),
    ] {
        let mut shim = prepared(entry);
        let call = named(ALLOCATOR, entry);
        shim.done(|h, now, out| call(&mut Arguments::good(), h, now, out));
        let outcome = shim.apply(|h, now, out| call(&mut Arguments::good(), h, now, out));
        assert_rejected(entry, says, &mut shim, &outcome);
    }
}

#[test]
fn a_call_about_a_stranger_is_refused_and_names_it_on_one_line() {
    // Whoever is named in these calls is gone.
    let of_framework = [
        "allocator.activate_framework",
        "allocator.deactivate_framework",
        "allocator.update_framework",
        "allocator.suppress_offers",
        "allocator.revive_offers",
        "allocator.update_allocation",
        "allocator.update_inverse_offer",
    ];
    let of_agent = [
        ("allocator.update_slave", "b"),
        ("allocator.add_resource_provider", "b"),
        ("allocator.activate_slave", "b"),
        ("allocator.deactivate_slave", "b"),
        ("allocator.update_unavailability", "b"),
        ("allocator.update_inverse_offer", "b"),
        ("allocator.update_allocation", "a"),
        ("allocator.transition_offered_to_allocated", "a"),
    ];
    for entry in of_framework {
        let mut shim = prepared(entry);
        shim.done(|h, now, out| call!(allocator_remove_framework(h, now, view(b"f"), out)));
        let outcome = shim.apply(|h, now, out| named(ALLOCATOR, entry)(&mut Arguments::good(), h, now, out));
        assert_rejected(entry, "framework f is not known", &mut shim, &outcome);
    }
    for (entry, agent) in of_agent {
        let mut shim = prepared(entry);
        shim.done(|h, now, out| call!(allocator_remove_slave(h, now, view(agent.as_bytes()), out)));
        let outcome = shim.apply(|h, now, out| named(ALLOCATOR, entry)(&mut Arguments::good(), h, now, out));
        assert_rejected(entry, &format!("agent {agent} is not known"), &mut shim, &outcome);
    }
    let mut shim = prepared("");
    let outcome = shim.apply(|h, now, out| call!(allocator_remove_slave(h, now, view(b"a\nb\xff"), out)));
    assert_rejected("allocator.remove_slave", "agent a\\nb\\xff is not known", &mut shim, &outcome);
}

#[test]
fn a_call_that_takes_or_gives_back_what_the_books_do_not_know_is_refused() {
    let cases: [Contradiction; 7] = [
        ("allocator.recover_resources", "does not hold cpus:5", |shim| {
            recover(shim, (b"f", b"a"), &[allocated(&scalar(b"cpus", 5.0), b"web")], None)
        }),
        ("allocator.recover_resources", "does not hold cpus:1 of role other", |shim| {
            recover(shim, (b"f", b"a"), &[allocated(&scalar(b"cpus", 1.0), b"other")], None)
        }),
        ("allocator.recover_resources", "does not hold cpus:1 of role web on agent b", |shim| {
            recover(shim, (b"f", b"b"), &[cpu()], None)
        }),
        ("allocator.recover_resources", "is allocated to no role", |shim| {
            recover(shim, (b"f", b"a"), &[scalar(b"cpus", 1.0)], None)
        }),
        ("allocator.recover_resources", "is not in use by tasks", |shim| {
            let mut a = Arguments::good();
            let (f, agent, resources) = (a.text("", b"f"), a.text("", b"a"), a.messages("", vec![cpu()]));
            let null = std::ptr::null();
            shim.apply(|h, now, out| {
                call!(allocator_recover_resources(h, now, f, agent, resources, null, 1, out))
            })
        }),
        ("allocator.transition_offered_to_allocated", "is allocated to no role", |shim| {
            let mut a = Arguments::good();
            let resources = a.messages("", vec![scalar(b"cpus", 1.0)]);
            shim.apply(|h, now, out| {
                call!(allocator_transition_offered_to_allocated(
                    h,
                    now,
                    view(b""),
                    view(b"a"),
                    resources,
                    out
                ))
            })
        }),
        ("allocator.add_slave", "is allocated to no role", |shim| {
            bring(shim, &total(), &[scalar(b"cpus", 1.0)])
        }),
    ];
    for (entry, says, contradiction) in cases {
        let mut shim = prepared("");
        let outcome = contradiction(&mut shim);
        assert_rejected(entry, says, &mut shim, &outcome);
    }
}

#[test]
fn a_call_that_uses_or_changes_what_the_books_do_not_know_is_fatal() {
    let cases: [Contradiction; 6] = [
        ("allocator.transition_offered_to_allocated", "was not offered, only", |shim| {
            let mut a = Arguments::good();
            let resources = a.messages("", vec![allocated(&scalar(b"cpus", 4.5), b"web")]);
            shim.apply(|h, now, out| {
                call!(allocator_transition_offered_to_allocated(
                    h,
                    now,
                    view(b""),
                    view(b"a"),
                    resources,
                    out
                ))
            })
        }),
        ("allocator.update_allocation", "resources of 0 roles instead of one", |shim| {
            convert(shim, &[], [&[&cpu()], &[&cpu()]])
        }),
        ("allocator.update_allocation", "resources of 2 roles instead of one", |shim| {
            convert(shim, &[&cpu(), &allocated(&scalar(b"cpus", 1.0), b"other")], [&[&cpu()], &[&cpu()]])
        }),
        ("allocator.update_allocation", "resources of 0 roles instead of one", |shim| {
            convert(shim, &[&scalar(b"cpus", 1.0)], [&[&cpu()], &[&cpu()]])
        }),
        ("allocator.update_allocation", "not contained", |shim| {
            convert(shim, &[&cpu()], [&[&scalar(b"cpus", 2.0)], &[&cpu()]])
        }),
        ("allocator.update_allocation", "does not hold", |shim| {
            let (many, reserved) = (allocated(&scalar(b"cpus", 5.0), b"web"), cpu());
            convert(shim, &[&many], [&[&cpu()], &[&reserved]])
        }),
    ];
    for (entry, says, contradiction) in cases {
        let mut shim = prepared("");
        let outcome = contradiction(&mut shim);
        assert_fatal(entry, says, &mut shim, &outcome);
    }
}
