//! Offer constraints as answers: whom an agent is kept from, and what the debug endpoint says of it.

use apportion_bridge::abi::APPORTION_DONE;
use apportion_wire::messages::encode;

use crate::arguments::{Arguments, no_exclusions, no_holdings};
use crate::border::{answered, call, view};
use crate::calls::{add_agent, add_framework, none, prepared, recover, tick_and_cycle, total};
use crate::messages::{agent, agent_capabilities, framework};
use crate::shim::Shim;

/// The agents that framework "g" is offered; everything that was offered comes back.
fn offered_to_g(shim: &mut Shim) -> Vec<Vec<u8>> {
    let offers = tick_and_cycle(shim).offers;
    for offer in &offers {
        recover(shim, (&offer.framework, &offer.agent), &offer.resources, None);
    }
    let mut agents: Vec<Vec<u8>> =
        offers.into_iter().filter(|offer| offer.framework == b"g").map(|offer| offer.agent).collect();
    agents.sort();
    agents
}

/// Framework "g" in the roles "batch" and "night", constrained in "batch" from agents "x" and "unknown".
fn constrained() -> Shim {
    let mut shim = prepared("allocator.recover");
    for id in [b"x", b"y"] {
        add_agent(&mut shim, id, &total());
    }
    let mut a = Arguments::good();
    let info = a.message("", encode(&framework(b"g", &[b"batch"])));
    let excluded = a.exclusions(b"batch", &[b"unknown", b"x"]);
    shim.done(|h, now, out| {
        call!(allocator_add_framework(h, now, view(b"g"), info, no_holdings(), 1, none(), excluded, out))
    });
    shim
}

/// Says anew what framework "g" is excluded from.
fn update(shim: &mut Shim, roles: &[&[u8]], suppressed: &[&[u8]], excluded: Option<(&[u8], &[&[u8]])>) {
    let mut a = Arguments::good();
    let info = a.message("", encode(&framework(b"g", roles)));
    let suppressed = a.texts("", suppressed);
    let excluded = excluded.map_or_else(no_exclusions, |(role, agents)| a.exclusions(role, agents));
    shim.done(|h, now, out| {
        call!(allocator_update_framework(h, now, view(b"g"), info, suppressed, excluded, out))
    });
}

#[test]
fn a_framework_is_not_offered_what_its_constraints_exclude() {
    let mut shim = constrained();
    assert_eq!(offered_to_g(&mut shim), [b"y"]);
    update(&mut shim, &[b"batch"], &[], Some((b"batch", &[b"y"])));
    assert_eq!(offered_to_g(&mut shim), [b"x"], "what is said replaces what was said");
    update(&mut shim, &[b"batch"], &[], Some((b"not its role", &[b"x", b"y"])));
    assert_eq!(offered_to_g(&mut shim).len(), 2, "roles it is not subscribed to do not count");
}

#[test]
fn an_agent_that_comes_or_changes_says_whom_it_is_kept_from() {
    let mut shim = constrained();
    let mut a = Arguments::good();
    let info = a.message("", encode(&agent(b"z", b"r1")));
    let capabilities = a.messages("", agent_capabilities());
    let total = a.messages("", total());
    let excluded = a.excluded_from(b"g", b"batch");
    let null = std::ptr::null();
    shim.done(|h, now, out| {
        let (id, used) = (view(b"z"), no_holdings());
        call!(allocator_add_slave(h, now, id, info, capabilities, null, total, used, excluded, out))
    });
    assert_eq!(offered_to_g(&mut shim), [b"y"]);
    // Its attributes change: now it is kept from nobody, and agent y from g.
    let (null, nothing) = (std::ptr::null(), crate::arguments::from_nothing());
    let other = a.message("", encode(&agent(b"z", b"r2")));
    shim.done(|h, now, out| {
        call!(allocator_update_slave(h, now, view(b"z"), other, null, std::ptr::null(), nothing, out))
    });
    let info = a.message("", encode(&agent(b"y", b"r2")));
    shim.done(|h, now, out| {
        call!(allocator_update_slave(h, now, view(b"y"), info, null, std::ptr::null(), excluded, out))
    });
    assert_eq!(offered_to_g(&mut shim), [b"z"]);
}

/// The JSON text of the debug endpoint, for all frameworks or for those named.
fn json(shim: &Shim, frameworks: Option<&[&[u8]]>) -> String {
    let mut a = Arguments::good();
    let frameworks = frameworks.map_or(std::ptr::null(), |ids| a.optional_texts("", ids));
    let answer =
        answered(|out| call!(allocator_offer_constraints_debug(shim.module.handle(), frameworks, out)));
    assert_eq!(answer.status, APPORTION_DONE, "{answer:?}");
    String::from_utf8(answer.bytes).unwrap()
}

#[test]
fn item_245_the_debug_text_lists_constraints_and_suppressed_roles_of_each_framework_that_may_be_seen() {
    let mut shim = constrained();
    add_framework(&mut shim, b"f", &[b"web"]);
    let of_f = r#""f":{"suppressed_roles":[],"excluded_by_attribute_constraints":{"web":[]}}"#;
    let of_g = r#""g":{"suppressed_roles":[],"excluded_by_attribute_constraints":{"batch":["x"]}}"#;
    assert_eq!(json(&shim, None), format!(r#"{{"frameworks":{{{of_f},{of_g}}}}}"#));
    assert_eq!(json(&shim, Some(&[b"g", b"unknown"])), format!(r#"{{"frameworks":{{{of_g}}}}}"#));
    assert_eq!(json(&shim, Some(&[])), r#"{"frameworks":{}}"#);
    update(&mut shim, &[b"batch", b"night"], &[b"night"], Some((b"batch", &[b"y", b"x"])));
    let text = json(&shim, Some(&[b"g"]));
    for part in [r#""suppressed_roles":["night"]"#, r#""batch":["x","y"]"#, r#""night":[]"#] {
        assert!(text.contains(part), "{text}");
    }
    shim.done(|h, now, out| call!(allocator_remove_framework(h, now, view(b"g"), out)));
    assert_eq!(json(&shim, None), format!(r#"{{"frameworks":{{{of_f}}}}}"#));
}

#[test]
fn names_that_are_not_utf_8_or_need_escapes_still_make_json() {
    let mut shim = constrained();
    add_framework(&mut shim, b"\"\xff\n", &[b"ro\\le"]);
    let text = json(&shim, Some(&[b"\"\xff\n"]));
    assert!(text.contains("\"\\\"\u{fffd}\\n\"") && text.contains(r#""ro\\le":[]"#), "{text}");
}
