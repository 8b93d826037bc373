//! Agents and frameworks whose arrival was refused: the master goes on to speak of them, and must not be stopped by it.

use apportion_bridge::abi::{APPORTION_DONE, APPORTION_FAILED, apportion_bytes_list};
use apportion_wire::messages::encode;

use crate::arguments::{Arguments, from_nothing, no_exclusions};
use crate::border::{call, view};
use crate::calls::{ALLOCATOR, add_agent, add_framework, named, none, prepared, tick_and_cycle, total};
use crate::messages::{agent, scalar};
use crate::shim::Shim;

/// An agent whose total no book can hold.
fn turn_away(shim: &mut Shim, id: &[u8]) {
    let total = [scalar(b"cpus", 1e300)];
    let views = [view(&total[0])];
    let list = apportion_bytes_list { data: views.as_ptr(), size: views.len() };
    let info = encode(&agent(id, b"r1"));
    let outcome = shim.apply(|h, now, out| {
        let nobody = crate::arguments::no_holdings();
        let (id, info, nothing, null) = (view(id), view(&info), from_nothing(), std::ptr::null());
        call!(allocator_add_slave(h, now, id, info, none(), null, list, nobody, nothing, out))
    });
    assert_eq!(outcome.status, APPORTION_FAILED, "{}", outcome.text);
    assert!(outcome.text.contains("is not an amount"), "{}", outcome.text);
}

#[test]
fn calls_about_an_agent_that_was_turned_away_are_refused_and_stop_nothing() {
    let entries = [
        "allocator.update_slave",
        "allocator.add_resource_provider",
        "allocator.activate_slave",
        "allocator.deactivate_slave",
        "allocator.update_unavailability",
        "allocator.update_inverse_offer",
    ];
    for entry in entries {
        let mut shim = prepared(entry);
        shim.done(|h, now, out| call!(allocator_remove_slave(h, now, view(b"b"), out)));
        turn_away(&mut shim, b"b");
        let outcome = shim.apply(|h, now, out| named(ALLOCATOR, entry)(&mut Arguments::good(), h, now, out));
        assert_eq!(outcome.status, APPORTION_FAILED, "{entry}: {}", outcome.text);
        assert!(
            outcome.text.contains("agent b is not known, as its arrival was refused"),
            "{}",
            outcome.text
        );
    }
}

#[test]
fn an_agent_that_was_turned_away_can_leave_and_arrive_again() {
    let mut shim = prepared("");
    shim.done(|h, now, out| call!(allocator_remove_slave(h, now, view(b"b"), out)));
    turn_away(&mut shim, b"b");
    let leaves = shim.apply(|h, now, out| call!(allocator_remove_slave(h, now, view(b"b"), out)));
    assert_eq!(leaves.status, APPORTION_FAILED, "{}", leaves.text);
    turn_away(&mut shim, b"b");
    assert_eq!(add_agent(&mut shim, b"b", &total()).status, APPORTION_DONE);
    shim.done(|h, now, out| call!(allocator_deactivate_slave(h, now, view(b"b"), out)));
}

#[test]
fn calls_about_a_framework_that_was_turned_away_are_refused_and_stop_nothing() {
    let entries = [
        "allocator.activate_framework",
        "allocator.deactivate_framework",
        "allocator.update_framework",
        "allocator.suppress_offers",
        "allocator.revive_offers",
        "allocator.remove_framework",
    ];
    for entry in entries {
        let mut shim = Shim::new(&[]);
        let initialize = named(ALLOCATOR, "allocator.initialize");
        shim.done(|h, now, out| initialize(&mut Arguments::good(), h, now, out));
        let garbage = shim.apply(|h, now, out| {
            call!(allocator_add_framework(
                h,
                now,
                view(b"f"),
                view(b"\xff\xff"),
                crate::arguments::no_holdings(),
                1,
                none(),
                no_exclusions(),
                out
            ))
        });
        assert_eq!(garbage.status, APPORTION_FAILED, "{}", garbage.text);
        let outcome = shim.apply(|h, now, out| named(ALLOCATOR, entry)(&mut Arguments::good(), h, now, out));
        assert_eq!(outcome.status, APPORTION_FAILED, "{entry}: {}", outcome.text);
        assert!(
            outcome.text.contains("framework f is not known, as its arrival was refused"),
            "{}",
            outcome.text
        );
        assert_eq!(add_framework(&mut shim, b"f", &[b"web"]).status, APPORTION_DONE);
        populate_agents(&mut shim);
    }
}

/// An agent, so that the framework that came after all gets an offer.
fn populate_agents(shim: &mut Shim) {
    assert_eq!(add_agent(shim, b"a", &total()).status, APPORTION_DONE);
    assert_eq!(tick_and_cycle(shim).offers.len(), 1);
}
