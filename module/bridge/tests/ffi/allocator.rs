//! A tiny cluster: what is offered, declined, used, and offered again.

use std::collections::{BTreeMap, BTreeSet};

use apportion_bridge::abi::{
    APPORTION_DONE, apportion_bytes_list, apportion_options, apportion_quantities, apportion_quantity,
};

use crate::arguments::{Arguments, plain_options};
use crate::border::{call, view};
use crate::calls::{add_agent, add_framework, cycle, recover, tick_and_cycle, total};
use crate::messages::{
    allocated, allocation_of, double, field, filters, lasting, reserve_operation, reserved, scalar,
    unavailability, volume, whole,
};
use crate::shim::{Offered, SECOND, Shim};

fn cluster(frameworks: &[(&[u8], &[u8])], agents: &[&[u8]]) -> Shim {
    let mut shim = Shim::new(&[("allocator.explain_offers", "false")]);
    let options = plain_options();
    shim.done(|h, now, out| call!(allocator_initialize(h, now, &raw const options, out)));
    for (id, role) in frameworks {
        add_framework(&mut shim, id, &[role]);
    }
    for id in agents {
        add_agent(&mut shim, id, &total());
    }
    shim
}

/// The resources without their allocation, to compare them with what an agent has.
fn contents(resources: &[Vec<u8>]) -> BTreeSet<Vec<(u64, Vec<u8>)>> {
    resources.iter().map(|resource| lasting(resource)).collect()
}

#[test]
fn a_framework_is_offered_all_of_an_agent_allocated_to_its_role() {
    let mut shim = cluster(&[], &[]);
    let framework = add_framework(&mut shim, b"f", &[b"web"]);
    assert!(framework.cycle_requested, "a new framework is a reason for a run");
    let agent = add_agent(&mut shim, b"a", &total());
    assert!(!agent.cycle_requested, "one run is queued already");
    let outcome = cycle(&mut shim);
    let [offer] = outcome.offers.as_slice() else { panic!("{outcome:?}") };
    assert_eq!(
        (offer.framework.as_slice(), offer.role.as_slice(), offer.agent.as_slice()),
        (&b"f"[..], &b"web"[..], &b"a"[..])
    );
    assert_eq!(contents(&offer.resources), contents(&total()));
    for resource in &offer.resources {
        assert_eq!(allocation_of(resource).as_deref(), Some(&b"web"[..]));
    }
    assert!(!outcome.cycle_requested);
}

#[test]
fn nothing_is_offered_twice_until_it_comes_back() {
    let names: Vec<Vec<u8>> = (0..20).map(|number| format!("agent-{number:02}").into_bytes()).collect();
    let agents: Vec<&[u8]> = names.iter().map(Vec::as_slice).collect();
    let mut shim = cluster(&[(b"f", b"web"), (b"g", b"batch"), (b"h", b"batch/night")], &agents);
    let mut outstanding: BTreeMap<Vec<u8>, Offered> = BTreeMap::new();
    let mut offered_to: BTreeSet<Vec<u8>> = BTreeSet::new();
    for round in 0..200_usize {
        for offer in tick_and_cycle(&mut shim).offers {
            offered_to.insert(offer.framework.clone());
            let before = outstanding.insert(offer.agent.clone(), offer);
            assert_eq!(before, None, "round {round}: an agent is offered that somebody holds");
        }
        assert_eq!(outstanding.len(), agents.len(), "round {round}: an agent is left over");
        // Some come back: by a plain decline, or refused for a moment that ends before the next run.
        let returned: Vec<Vec<u8>> = outstanding
            .keys()
            .enumerate()
            .filter(|(at, _)| (at * 7 + round) % 3 == 0)
            .map(|(_, id)| id.clone())
            .collect();
        for id in returned {
            let offer = outstanding.remove(&id).unwrap();
            let outcome = recover(&mut shim, (&offer.framework, &offer.agent), &offer.resources, None);
            assert_eq!(outcome.status, APPORTION_DONE, "{}", outcome.text);
        }
    }
    assert_eq!(offered_to.len(), 3, "everybody had a turn");
}

#[test]
fn a_declined_offer_goes_to_the_other_framework_while_the_filter_lasts() {
    let mut shim = cluster(&[(b"f", b"web")], &[b"a"]);
    let offer = cycle(&mut shim).offers.remove(0);
    recover(&mut shim, (b"f", b"a"), &offer.resources, Some(5.0));
    for _ in 0..4 {
        assert_eq!(tick_and_cycle(&mut shim).offers, [], "refused for five seconds");
    }
    add_framework(&mut shim, b"g", &[b"web"]);
    let other = cycle(&mut shim).offers.remove(0);
    assert_eq!(other.framework, b"g");
    recover(&mut shim, (b"g", b"a"), &other.resources, Some(60.0));
    let again = tick_and_cycle(&mut shim).offers;
    assert_eq!(again, std::slice::from_ref(&offer), "the filter of f has ended, that of g has not");
    recover(&mut shim, (b"f", b"a"), &offer.resources, Some(3600.0));
    assert_eq!(tick_and_cycle(&mut shim).offers, []);
    let roles = Arguments::good().texts("", &[]);
    let revived = shim.done(|h, now, out| call!(allocator_revive_offers(h, now, view(b"f"), roles, out)));
    assert!(revived.cycle_requested);
    assert_eq!(cycle(&mut shim).offers, [offer], "revived: its filters are gone");
}

#[test]
fn what_a_task_uses_stays_away_and_the_rest_is_offered() {
    let mut shim = cluster(&[(b"f", b"web")], &[b"a"]);
    cycle(&mut shim);
    let used = [allocated(&scalar(b"cpus", 1.5), b"web")];
    let mut a = Arguments::good();
    let resources = a.messages("", used.to_vec());
    shim.done(|h, now, out| {
        call!(allocator_transition_offered_to_allocated(h, now, view(b""), view(b"a"), resources, out))
    });
    recover(
        &mut shim,
        (b"f", b"a"),
        &[allocated(&scalar(b"cpus", 2.5), b"web"), allocated(&scalar(b"mem", 1024.0), b"web")],
        None,
    );
    let rest = tick_and_cycle(&mut shim).offers.remove(0);
    assert_eq!(contents(&rest.resources), contents(&[scalar(b"cpus", 2.5), scalar(b"mem", 1024.0)]));
    // The task ends.
    let resources = a.messages("", used.to_vec());
    let null = std::ptr::null();
    shim.done(|h, now, out| {
        call!(allocator_recover_resources(h, now, view(b"f"), view(b"a"), resources, null, 1, out))
    });
    let freed = tick_and_cycle(&mut shim).offers.remove(0);
    assert_eq!(contents(&freed.resources), contents(&[scalar(b"cpus", 1.5)]));
}

#[test]
fn what_a_framework_reserves_comes_back_reserved() {
    let mut shim = cluster(&[(b"f", b"web"), (b"g", b"batch")], &[b"a"]);
    let offer = cycle(&mut shim).offers.remove(0);
    let (plain, own) = (scalar(b"cpus", 1.0), reserved(&scalar(b"cpus", 1.0), &offer.role));
    let mut a = Arguments::good();
    let (plain, kept) = (allocated(&plain, &offer.role), allocated(&own, &offer.role));
    let offered = a.messages("", vec![plain.clone()]);
    let conversions = a.conversion(plain, kept.clone());
    let (framework, agent) = (view(&offer.framework), view(b"a"));
    shim.done(|h, now, out| {
        call!(allocator_update_allocation(h, now, framework, agent, offered, conversions, out))
    });
    recover(&mut shim, (&offer.framework, b"a"), std::slice::from_ref(&kept), None);
    let outcome = tick_and_cycle(&mut shim);
    let [again] = outcome.offers.as_slice() else { panic!("{outcome:?}") };
    assert_eq!(again.role, offer.role, "nobody else may have it");
    assert_eq!(contents(&again.resources), contents(&[own]));
}

#[test]
fn what_an_operator_reserves_of_free_resources_is_offered_reserved() {
    let mut shim = cluster(&[], &[b"a"]);
    let own = reserved(&scalar(b"cpus", 1.0), b"web");
    let mut a = Arguments::good();
    let operations = a.messages("", vec![reserve_operation(std::slice::from_ref(&own))]);
    shim.done(|h, now, out| call!(allocator_update_available(h, now, view(b"a"), operations, out)));
    add_framework(&mut shim, b"g", &[b"batch"]);
    let rest = cycle(&mut shim).offers.remove(0);
    let without = [vec![scalar(b"cpus", 3.0)], total()[1..].to_vec()].concat();
    assert_eq!(contents(&rest.resources), contents(&without));
    add_framework(&mut shim, b"f", &[b"web"]);
    assert_eq!(contents(&cycle(&mut shim).offers.remove(0).resources), contents(&[own]));
}

#[test]
fn answers_to_inverse_offers_come_back_as_they_were_given() {
    let mut shim = cluster(&[], &[b"a", b"b", b"c"]);
    let mut a = Arguments::good();
    // Both hold something of agent a, and are asked.
    let half = reserved(&scalar(b"cpus", 2.0), b"web");
    let operations = a.messages("", vec![reserve_operation(std::slice::from_ref(&half))]);
    shim.done(|h, now, out| call!(allocator_update_available(h, now, view(b"a"), operations, out)));
    add_framework(&mut shim, b"f\xff", &[b"web"]);
    let of_agent = cycle(&mut shim).offers.into_iter().find(|offer| offer.agent == b"a").unwrap();
    let back: Vec<Vec<u8>> = of_agent
        .resources
        .into_iter()
        .filter(|one| contents(std::slice::from_ref(one)) == contents(std::slice::from_ref(&half)))
        .collect();
    recover(&mut shim, (b"f\xff", b"a"), &back, Some(60.0));
    add_framework(&mut shim, b"g", &[b"web"]);
    assert_eq!(cycle(&mut shim).offers.len(), 1);
    for agent in [b"a", b"b"] {
        let window = a.optional_message("", unavailability(5 * SECOND));
        shim.done(|h, now, out| call!(allocator_update_unavailability(h, now, view(agent), window, out)));
    }
    let asked = cycle(&mut shim).inverse_offers;
    let window = unavailability(5 * SECOND);
    let expected = [(&b"f\xff"[..], b"a"), (b"f\xff", b"b"), (b"g", b"a")];
    assert_eq!(
        asked,
        expected.map(|(framework, agent)| [framework.to_vec(), agent.to_vec(), window.clone()]),
        "those to one framework stand together"
    );
    let (status, filters) = (b"\x08\x02 any bytes \xff", filters(1.0));
    for framework in [&b"g"[..], b"f\xff"] {
        let (status, filters) = (view(status), view(&filters));
        shim.done(|h, now, out| {
            let (agent, framework) = (view(b"a"), view(framework));
            call!(allocator_update_inverse_offer(
                h,
                now,
                agent,
                framework,
                &raw const status,
                &raw const filters,
                out
            ))
        });
    }
    let given = shim.done(|h, now, out| call!(allocator_get_inverse_offer_statuses(h, now, out)));
    let entry =
        |agent: &[u8], framework: &[u8], status: &[u8]| [agent.to_vec(), framework.to_vec(), status.to_vec()];
    assert_eq!(
        given.inverse_statuses,
        [
            entry(b"a", b"", b""),
            entry(b"a", b"f\xff", status),
            entry(b"a", b"g", status),
            entry(b"b", b"", b"")
        ]
    );
    assert!(cycle(&mut shim).inverse_statuses.is_empty(), "told when asked for, and only then");
}

#[test]
fn an_operator_makes_grows_shrinks_and_destroys_a_volume() {
    let disk = |amount| reserved(&scalar(b"disk", amount), b"web");
    let sized = |amount| volume(amount, b"data", b"data", b"web");
    let one = |number, content, parts: &[Vec<u8>]| {
        let fields: Vec<u8> = (1..).zip(parts).flat_map(|(at, part)| field(at, part)).collect();
        [whole(1, number), field(content, &fields)].concat()
    };
    let mut shim = cluster(&[(b"f", b"web")], &[]);
    add_agent(&mut shim, b"a", &[scalar(b"disk", 10.0)]);
    // What is done, and what the agent is offered with then.
    let steps = [
        (reserve_operation(&[disk(10.0)]), vec![disk(10.0)]),
        (one(4, 5, &[sized(4.0)]), vec![disk(6.0), sized(4.0)]),
        (one(11, 13, &[sized(4.0), disk(5.0)]), vec![disk(1.0), sized(9.0)]),
        (one(12, 14, &[sized(9.0), double(1, 7.0)]), vec![disk(8.0), sized(2.0)]),
        (one(5, 6, &[sized(2.0)]), vec![disk(10.0)]),
        (one(3, 4, &[disk(10.0)]), vec![scalar(b"disk", 10.0)]),
    ];
    for (at, (operation, expected)) in steps.into_iter().enumerate() {
        let mut a = Arguments::good();
        let operations = a.messages("", vec![operation]);
        shim.done(|h, now, out| call!(allocator_update_available(h, now, view(b"a"), operations, out)));
        assert_eq!(contents(&offered_of(&mut shim, b"a")), contents(&expected), "step {at}");
    }
}

#[test]
fn offers_are_given_only_where_and_when_they_are_wanted() {
    let mut shim = cluster(&[(b"f", b"web")], &[b"a", b"b"]);
    let mut a = Arguments::good();
    let only_b = a.optional_texts("", &[b"host-b"]);
    shim.done(|h, now, out| call!(allocator_update_whitelist(h, now, only_b, out)));
    let offers = cycle(&mut shim).offers;
    assert_eq!(offers.iter().map(|offer| offer.agent.as_slice()).collect::<Vec<_>>(), [b"b"]);
    let roles = apportion_bytes_list { data: std::ptr::null(), size: 0 };
    shim.done(|h, now, out| call!(allocator_update_whitelist(h, now, std::ptr::null(), out)));
    shim.done(|h, now, out| call!(allocator_suppress_offers(h, now, view(b"f"), roles, out)));
    assert_eq!(tick_and_cycle(&mut shim).offers, [], "suppressed");
    shim.done(|h, now, out| call!(allocator_revive_offers(h, now, view(b"f"), roles, out)));
    shim.done(|h, now, out| call!(allocator_pause(h, now, out)));
    assert_eq!(tick_and_cycle(&mut shim).offers, [], "paused");
    shim.done(|h, now, out| call!(allocator_resume(h, now, out)));
    shim.done(|h, now, out| call!(allocator_deactivate_slave(h, now, view(b"a"), out)));
    assert_eq!(tick_and_cycle(&mut shim).offers, [], "the agent is inactive");
    shim.done(|h, now, out| call!(allocator_activate_slave(h, now, view(b"a"), out)));
    shim.done(|h, now, out| call!(allocator_deactivate_framework(h, now, view(b"f"), out)));
    assert_eq!(tick_and_cycle(&mut shim).offers, [], "the framework is inactive");
    shim.done(|h, now, out| call!(allocator_activate_framework(h, now, view(b"f"), out)));
    assert_eq!(cycle(&mut shim).offers.len(), 1);
}

#[test]
fn the_least_offer_of_the_master_holds_back_what_is_less() {
    let least = [
        apportion_quantity { name: view(b"cpus"), value: 3.0 },
        apportion_quantity { name: view(b"mem"), value: 1.0 },
    ];
    let least = apportion_quantities { data: least.as_ptr(), size: 2 };
    let options = apportion_options {
        minimum_allocatable: &raw const least,
        minimum_allocatable_size: 1,
        ..plain_options()
    };
    let mut shim = Shim::new(&[]);
    shim.done(|h, now, out| call!(allocator_initialize(h, now, &raw const options, out)));
    add_framework(&mut shim, b"f", &[b"web"]);
    add_agent(&mut shim, b"small", &[scalar(b"cpus", 2.999), scalar(b"mem", 64.0)]);
    add_agent(&mut shim, b"large", &[scalar(b"cpus", 3.0), scalar(b"mem", 64.0)]);
    let offers = cycle(&mut shim).offers;
    assert_eq!(offers.iter().map(|offer| offer.agent.as_slice()).collect::<Vec<_>>(), [b"large"]);
}

/// What is offered of an agent; everything that was offered comes back.
#[track_caller]
fn offered_of(shim: &mut Shim, agent: &[u8]) -> Vec<Vec<u8>> {
    let offers = tick_and_cycle(shim).offers;
    for offer in &offers {
        recover(shim, (b"f", &offer.agent), &offer.resources, None);
    }
    let mut of_agent = offers.into_iter().filter(|offer| offer.agent == agent);
    of_agent.next().expect("the agent is offered").resources
}

#[test]
fn a_volume_of_each_agent_is_offered_with_its_own_path() {
    let at = |path: &[u8]| volume(8.0, b"data", path, b"web");
    // One id on two agents: the host calls them equal, and yet each is mounted where its own agent says.
    let mut shim = cluster(&[(b"f", b"web")], &[]);
    add_agent(&mut shim, b"a", &[at(b"/a")]);
    add_agent(&mut shim, b"b", &[at(b"/b")]);
    let offered = |shim: &mut Shim, agent: &[u8], path: &[u8]| {
        let name = format!("{} at {}", agent.escape_ascii(), path.escape_ascii());
        assert_eq!(contents(&offered_of(shim, agent)), contents(&[at(path)]), "{name}");
    };
    offered(&mut shim, b"a", b"/a");
    offered(&mut shim, b"b", b"/b");
    // An operator destroys it and makes another.
    let disk = reserved(&scalar(b"disk", 8.0), b"web");
    for (number, content, path) in [(5, 6, b"/b"), (4, 5, b"/n")] {
        let operation = [whole(1, number), field(content, &field(1, &at(path)))].concat();
        let mut a = Arguments::good();
        let operations = a.messages("", vec![operation]);
        shim.done(|h, now, out| call!(allocator_update_available(h, now, view(b"b"), operations, out)));
        if number == 5 {
            assert_eq!(contents(&offered_of(&mut shim, b"b")), contents(std::slice::from_ref(&disk)));
        }
    }
    offered(&mut shim, b"b", b"/n");
    // Then a framework does.
    let held = tick_and_cycle(&mut shim).offers.into_iter().find(|offer| offer.agent == b"b").unwrap();
    let mut a = Arguments::good();
    let made = allocated(&at(b"/m"), b"web");
    let (offered_now, conversions) =
        (a.messages("", held.resources.clone()), a.conversion(held.resources[0].clone(), made.clone()));
    let (f, b) = (view(b"f"), view(b"b"));
    shim.done(|h, now, out| call!(allocator_update_allocation(h, now, f, b, offered_now, conversions, out)));
    recover(&mut shim, (b"f", b"b"), &[made], None);
    offered(&mut shim, b"b", b"/m");
    // A task may mount it elsewhere; that says nothing about the agent.
    let elsewhere = [allocated(&at(b"/elsewhere"), b"web")];
    tick_and_cycle(&mut shim);
    recover(&mut shim, (b"f", b"b"), &elsewhere, None);
    offered(&mut shim, b"b", b"/m");
    shim.done(|h, now, out| call!(allocator_remove_slave(h, now, view(b"b"), out)));
    add_agent(&mut shim, b"b", &[at(b"/a")]);
    offered(&mut shim, b"b", b"/a");
}
