//! Calls that contradict the books of an allocator: fatal by design, with one line that says why, and for good.

use apportion_bridge::abi::APPORTION_FATAL;

use crate::arguments::Arguments;
use crate::border::{call, view};
use crate::broken_contents::{bring, convert, cpu};
use crate::calls::{ALLOCATOR, named, prepared, recover, total};
use crate::messages::{allocated, scalar};
use crate::shim::{Outcome, Shim};

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

#[test]
fn a_call_before_initialize_is_fatal() {
    for &(entry, call) in ALLOCATOR {
        if matches!(entry, "allocator.initialize" | "allocator.pause" | "allocator.resume") {
            continue;
        }
        let mut shim = Shim::new(&[]);
        let outcome = shim.apply(|h, now, out| call(&mut Arguments::good(), h, now, out));
        assert_fatal(entry, "before initialize", &mut shim, &outcome);
    }
}

#[test]
fn a_call_that_comes_twice_or_too_late_is_fatal() {
    let cases = [
        ("allocator.initialize", "initialize came twice"),
        ("allocator.recover", "recover came when 2 agents were known already"),
    ];
    for (entry, says) in cases {
        let mut shim = prepared("");
        let outcome = shim.apply(|h, now, out| named(ALLOCATOR, entry)(&mut Arguments::good(), h, now, out));
        assert_fatal(entry, says, &mut shim, &outcome);
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
        assert_fatal(entry, says, &mut shim, &outcome);
    }
}

#[test]
fn a_call_about_a_stranger_is_fatal_and_names_it_on_one_line() {
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
        assert_fatal(entry, "framework f is not known", &mut shim, &outcome);
    }
    for (entry, agent) in of_agent {
        let mut shim = prepared(entry);
        shim.done(|h, now, out| call!(allocator_remove_slave(h, now, view(agent.as_bytes()), out)));
        let outcome = shim.apply(|h, now, out| named(ALLOCATOR, entry)(&mut Arguments::good(), h, now, out));
        assert_fatal(entry, &format!("agent {agent} is not known"), &mut shim, &outcome);
    }
    let mut shim = prepared("");
    let outcome = shim.apply(|h, now, out| call!(allocator_remove_slave(h, now, view(b"a\nb\xff"), out)));
    assert_fatal("allocator.remove_slave", "agent a\\nb\\xff is not known", &mut shim, &outcome);
}

#[test]
fn a_call_that_contradicts_the_books_is_fatal() {
    type Contradiction = (&'static str, &'static str, fn(&mut Shim) -> Outcome);
    let cases: [Contradiction; 12] = [
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
        ("allocator.transition_offered_to_allocated", "was not offered, only", |shim| {
            let mut a = Arguments::good();
            let resources = a.messages("", vec![allocated(&scalar(b"cpus", 4.5), b"web")]);
            shim.apply(|h, now, out| {
                call!(allocator_transition_offered_to_allocated(h, now, view(b"a"), resources, out))
            })
        }),
        ("allocator.transition_offered_to_allocated", "is allocated to no role", |shim| {
            let mut a = Arguments::good();
            let resources = a.messages("", vec![scalar(b"cpus", 1.0)]);
            shim.apply(|h, now, out| {
                call!(allocator_transition_offered_to_allocated(h, now, view(b"a"), resources, out))
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
        ("allocator.add_slave", "is allocated to no role", |shim| {
            bring(shim, &total(), &[scalar(b"cpus", 1.0)])
        }),
    ];
    for (entry, says, contradiction) in cases {
        let mut shim = prepared("");
        let outcome = contradiction(&mut shim);
        assert_fatal(entry, says, &mut shim, &outcome);
    }
}
