//! Messages and numbers that are what the header says and still make no sense, or seem not to.
//!
//! Two kinds: refused without a trace; and taken, because only text that is not UTF-8 or a number out of range makes
//! them odd.

use std::collections::BTreeSet;

use apportion_bridge::abi::{
    APPORTION_DONE, APPORTION_FAILED, apportion_bytes_list, apportion_options, apportion_quantities,
    apportion_quantity, apportion_quota, apportion_quotas,
};
use apportion_wire::messages::{Capability, encode};

use crate::arguments::{Arguments, from_nothing, no_exclusions, no_holdings, plain_options};
use crate::border::{call, view};
use crate::broken_arguments::aftermath;
use crate::calls::{
    ALLOCATOR, add_agent, add_framework, cycle, named, none, prepared, recover, tick_and_cycle, total,
};
use crate::messages::{
    agent, agent_capabilities, allocated, double, field, filters, framework, ranges, reserve_operation,
    reserved, scalar, set, unavailability, weight, whole,
};
use crate::shim::{Outcome, SECOND, Shim};

/// Resources that are none: name, bytes, and what the refusal says.
fn bad_resources() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let cpus = scalar(b"cpus", 1.0);
    let with = |more: Vec<u8>| [cpus.clone(), more].concat();
    let nameless = [whole(2, 0), field(3, &double(1, 1.0))].concat();
    let number = |amount: f64| scalar(b"cpus", amount);
    let one_range = |range: Vec<u8>| [field(1, b"ports"), whole(2, 1), field(4, &field(1, &range))].concat();
    let reservation = |content: Vec<u8>| with(field(13, &content));
    vec![
        ("a role of the old format", with(field(6, b"web")), "`role` is of the format before reservation"),
        (
            "the star role of the old format",
            with(field(6, b"*")),
            "`role` is of the format before reservation",
        ),
        ("a reservation of the old format", with(field(8, b"")), "`reservation` is of the format before"),
        ("no name", nameless.clone(), "Resource: the field `name` is missing"),
        ("an empty name", [field(1, b""), nameless].concat(), "Resource: the field `name` is missing"),
        ("no type", [field(1, b"cpus"), field(3, &double(1, 1.0))].concat(), "`type` is missing"),
        ("a text", [field(1, b"cpus"), whole(2, 3)].concat(), "`type` holds 3"),
        ("a type of the future", [field(1, b"cpus"), whole(2, 99)].concat(), "`type` holds 99"),
        ("no value", [field(1, b"cpus"), whole(2, 0)].concat(), "`scalar` is missing"),
        (
            "a value without a number",
            [field(1, b"cpus"), whole(2, 0), field(3, b"")].concat(),
            "`value` is missing",
        ),
        ("two values", with(field(5, b"")), "the type asks for the field `scalar` alone, found `set`"),
        ("the value of another type", with(whole(2, 1)), "the type asks for the field `ranges` alone"),
        ("an amount that is NaN", number(f64::NAN), "NaN is not an amount"),
        ("an infinite amount", number(f64::INFINITY), "inf is not an amount"),
        ("a negative infinite amount", number(f64::NEG_INFINITY), "-inf is not an amount"),
        ("a negative amount", number(-1.0), "-1 is not an amount"),
        ("an amount below a thousandth", number(0.0004), "0.0004 is not an amount"),
        ("an amount beyond 64 bits", number(1e300), "is not an amount"),
        ("an amount beyond an exabyte", number(2.2e12), "2200000000000 is beyond the largest amount"),
        ("ranges that overlap", ranges(b"ports", &[(1, 5), (5, 9)]), "two ranges share the member 5"),
        ("the same range twice", ranges(b"ports", &[(1, 5), (1, 5)]), "two ranges share the member 1"),
        ("a range that ends before it begins", ranges(b"ports", &[(9, 8)]), "[9-8] ends before it begins"),
        ("a range without end", one_range(whole(1, 7)), "Value.Range: the field `end` is missing"),
        ("a range of texts", one_range(field(1, b"1")), "is a length-delimited field, expected a varint"),
        ("an item twice", set(b"zones", &[b"z\n", b"z\n"]), "the item `z\\n` occurs twice"),
        ("an allocation without a role", with(field(11, b"")), "AllocationInfo: the field `role` is missing"),
        (
            "a reservation without a role",
            reservation(whole(4, 2)),
            "ReservationInfo: the field `role` is missing",
        ),
        ("a reservation without a type", reservation(field(3, b"web")), "`type` is missing"),
        ("an unknown reservation", reservation([field(3, b"web"), whole(4, 0)].concat()), "`type` holds 0"),
        (
            "a reservation label without a key",
            reservation([field(3, b"web"), whole(4, 2), field(2, &field(1, b""))].concat()),
            "Label: the field `key` is missing",
        ),
        (
            "an unknown disk",
            with(field(7, &field(3, &whole(1, 0)))),
            "DiskInfo.Source: the field `type` holds 0",
        ),
        ("a volume without an id", with(field(7, &field(1, b""))), "Persistence: the field `id` is missing"),
        (
            "a provider without an id",
            with(field(12, b"")),
            "ResourceProviderID: the field `value` is missing",
        ),
        ("a number as name", [whole(1, 4), whole(2, 0)].concat(), "is a varint, expected a length-delimited"),
        ("a field number of 0", with(vec![0x02, 0x00]), "no valid field number"),
        ("a number longer than 64 bits", with([0xff; 11].to_vec()), "longer than 64 bits"),
        ("a field longer than the message", with(vec![0x6a, 0x7f, 1]), "cut off at byte"),
        ("a group that ends alone", with(vec![0x6c]), "matches no open group"),
        ("groups 101 deep", with([0xa3_u8, 0x06].repeat(101)), "nested more than 100 deep"),
    ]
}

/// The events that bring resources: name, entry point, and the call with the resource last.
type Bringing = (&'static str, &'static str, fn(&mut Shim, &[u8]) -> Outcome);

const BRINGING: &[Bringing] = &[
    ("total of a new agent", "allocator.add_slave", |shim, bad| {
        bring(shim, &[scalar(b"mem", 1.0), bad.to_vec()], &[])
    }),
    ("use of a new agent", "allocator.add_slave", |shim, bad| bring(shim, &total(), &[bad.to_vec()])),
    ("new total", "allocator.update_slave", |shim, bad| {
        let mut a = Arguments::good();
        let (id, info) = (a.text("", b"b"), a.message("", encode(&agent(b"b", b"r1"))));
        let total = a.optional_messages("", vec![scalar(b"mem", 1.0), bad.to_vec()]);
        shim.apply(|h, now, out| {
            call!(allocator_update_slave(h, now, id, info, total, std::ptr::null(), from_nothing(), out))
        })
    }),
    ("total of a provider", "allocator.add_resource_provider", |shim, bad| {
        let mut a = Arguments::good();
        let (id, total) = (a.text("", b"b"), a.messages("", vec![scalar(b"mem", 1.0), bad.to_vec()]));
        shim.apply(|h, now, out| {
            call!(allocator_add_resource_provider(h, now, id, total, no_holdings(), out))
        })
    }),
    ("use of a new framework", "allocator.add_framework", |shim, bad| {
        let mut a = Arguments::good();
        let (id, info) = (a.text("", b"g"), a.message("", encode(&framework(b"g", &[b"web"]))));
        let used = a.holdings("", b"b", vec![bad.to_vec()]);
        let excluded = no_exclusions();
        shim.apply(|h, now, out| {
            call!(allocator_add_framework(h, now, id, info, used, 1, none(), excluded, out))
        })
    }),
    ("offered resources", "allocator.update_allocation", |shim, bad| convert(shim, &[bad], [&[], &[]])),
    ("consumed resources", "allocator.update_allocation", |shim, bad| {
        convert(shim, &[&cpu()], [&[bad], &[&cpu()]])
    }),
    ("converted resources", "allocator.update_allocation", |shim, bad| {
        convert(shim, &[&cpu()], [&[&cpu()], &[bad]])
    }),
    ("operation", "allocator.update_available", |shim, bad| {
        operate(shim, b"b", reserve_operation(&[reserved(bad, b"web")]))
    }),
    ("resources put to use", "allocator.transition_offered_to_allocated", |shim, bad| {
        let mut a = Arguments::good();
        let (id, resources) = (a.text("", b"a"), a.messages("", vec![cpu(), bad.to_vec()]));
        shim.apply(|h, now, out| {
            call!(allocator_transition_offered_to_allocated(h, now, view(b""), id, resources, out))
        })
    }),
    ("recovered resources", "allocator.recover_resources", |shim, bad| {
        recover(shim, (b"f", b"a"), &[cpu(), bad.to_vec()], Some(1.0))
    }),
];

pub(crate) fn cpu() -> Vec<u8> {
    allocated(&scalar(b"cpus", 1.0), b"web")
}

/// Agent "c" comes.
pub(crate) fn bring(shim: &mut Shim, total: &[Vec<u8>], used: &[Vec<u8>]) -> Outcome {
    let mut a = Arguments::good();
    let (id, info) = (a.text("", b"c"), a.message("", encode(&agent(b"c", b"r1"))));
    let (capabilities, total) = (a.messages("", agent_capabilities()), a.messages("", total.to_vec()));
    let used = a.holdings("", b"f", used.to_vec());
    let (null, excluded) = (std::ptr::null(), from_nothing());
    shim.apply(|h, now, out| {
        call!(allocator_add_slave(h, now, id, info, capabilities, null, total, used, excluded, out))
    })
}

/// Framework "f" changes what it was offered on agent "a".
pub(crate) fn convert(shim: &mut Shim, offered: &[&[u8]], [consumed, converted]: [&[&[u8]]; 2]) -> Outcome {
    let mut a = Arguments::good();
    let (f, agent, offered) = (a.text("", b"f"), a.text("", b"a"), a.texts("", offered));
    let conversion = apportion_bridge::abi::apportion_conversion {
        consumed: a.texts("", consumed),
        converted: a.texts("", converted),
    };
    let conversions = apportion_bridge::abi::apportion_conversions { data: &raw const conversion, size: 1 };
    shim.apply(|h, now, out| call!(allocator_update_allocation(h, now, f, agent, offered, conversions, out)))
}

/// An operator changes what is free.
fn operate(shim: &mut Shim, agent: &[u8], operation: Vec<u8>) -> Outcome {
    let mut a = Arguments::good();
    let (id, operations) = (a.text("", agent), a.messages("", vec![operation]));
    shim.apply(|h, now, out| call!(allocator_update_available(h, now, id, operations, out)))
}

#[test]
fn a_resource_that_is_none_is_refused_by_every_event_and_leaves_no_trace() {
    let mut names = BTreeSet::new();
    for (event, entry, bringing) in BRINGING {
        let good = named(ALLOCATOR, entry);
        let untouched = aftermath(entry, good, &mut prepared(entry));
        for (resource, bytes, says) in bad_resources() {
            let name = format!("{event}: {resource}");
            let mut shim = prepared(entry);
            let refused = bringing(&mut shim, &bytes);
            assert_eq!(refused.status, APPORTION_FAILED, "{name}: {}", refused.text);
            assert!(refused.text.contains(says), "{name}: {}", refused.text);
            assert_eq!(aftermath(entry, good, &mut shim), untouched, "{name}");
            assert!(names.insert(name));
        }
    }
    assert!(names.len() >= 150, "{} bad resources", names.len());
}

/// An operation of `Offer.Operation`, its content in field `content`.
fn operation(number: u64, content: u32, resources: &[Vec<u8>]) -> Vec<u8> {
    let resources: Vec<Vec<u8>> = resources.iter().map(|resource| field(1, resource)).collect();
    [whole(1, number), field(content, &resources.concat())].concat()
}

#[test]
fn an_operation_that_does_not_apply_is_refused_and_leaves_no_trace() {
    let (cpus, held) = (scalar(b"cpus", 1.0), scalar(b"cpus", 5.0));
    let cases: [(&str, &[u8], Vec<u8>, &str); 14] = [
        ("an unknown agent", b"nobody", reserve_operation(&[reserved(&cpus, b"web")]), "agent is not known"),
        ("an empty agent", b"", reserve_operation(&[reserved(&cpus, b"web")]), "agent is not known"),
        (
            "more than is free",
            b"b",
            reserve_operation(&[reserved(&held, b"web")]),
            "cpus:4; mem:1024; ports:[31000-32000] does not contain cpus:5",
        ),
        (
            "what a framework holds",
            b"a",
            reserve_operation(&[reserved(&cpus, b"web")]),
            "does not contain cpus:1",
        ),
        (
            "an unknown resource",
            b"b",
            reserve_operation(&[reserved(&scalar(b"x", 1.0), b"web")]),
            "does not contain x:1",
        ),
        ("LAUNCH", b"b", operation(1, 2, &[]), "LAUNCH (type 1) has no conversion of its own"),
        ("CREATE_DISK", b"b", operation(13, 15, &[]), "the resource provider chooses what comes out of it"),
        ("DESTROY_DISK", b"b", operation(14, 16, &[]), "the resource provider chooses what comes out of it"),
        (
            "resources that are allocated to a role",
            b"b",
            reserve_operation(&[allocated(&reserved(&cpus, b"web"), b"web")]),
            "allocated",
        ),
        ("an operation of the future", b"b", operation(77, 2, &[]), "UNKNOWN (type 77)"),
        ("no type", b"b", field(3, b""), "Offer.Operation: the field `type` is missing"),
        ("no content", b"b", whole(1, 2), "Offer.Operation: the field `reserve` is missing"),
        (
            "UNRESERVE of what is not reserved",
            b"b",
            operation(3, 4, std::slice::from_ref(&cpus)),
            "no reservation to take off",
        ),
        (
            "DESTROY of what is no volume",
            b"b",
            operation(5, 6, std::slice::from_ref(&cpus)),
            "not a persistent volume",
        ),
    ];
    let entry = "allocator.update_available";
    let good = named(ALLOCATOR, entry);
    let untouched = aftermath(entry, good, &mut prepared(entry));
    for (name, agent, operation, says) in cases {
        let mut shim = prepared(entry);
        let refused = operate(&mut shim, agent, operation);
        assert_eq!(refused.status, APPORTION_FAILED, "{name}: {}", refused.text);
        assert!(refused.text.contains(says), "{name}: {}", refused.text);
        assert_eq!(aftermath(entry, good, &mut shim), untouched, "{name}");
    }
}

/// Numbers that no quantity, weight or time should be.
const ODD_NUMBERS: [f64; 9] =
    [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0, -0.0, 0.0, 1e300, 1e-300, f64::MIN_POSITIVE];

/// Names that are no names.
const ODD_NAMES: [&[u8]; 10] =
    [b"", b"/", b"//", b"a//b", b"/a", b"a/", b"*", b"\xff\xfe", b"line\nbreak\r\0", b"w\xc3\x28b/\xf0"];

/// After an odd event the allocator still serves the framework.
fn assert_serves(name: &str, shim: &mut Shim) {
    shim.done(|h, now, out| call!(allocator_resume(h, now, out)));
    shim.now += 10 * SECOND;
    add_framework(shim, b"late", &[b"late"]);
    add_agent(shim, b"late", &total());
    let offers = tick_and_cycle(shim).offers;
    assert!(offers.iter().any(|offer| offer.agent == b"late"), "{name}: {offers:?}");
}

fn quota_of(role: &[u8], numbers: &[f64]) -> (Vec<apportion_quantity>, Vec<u8>) {
    let quantities = numbers.iter().map(|&value| apportion_quantity { name: view(b"cpus"), value });
    (quantities.collect(), role.to_vec())
}

#[test]
fn quotas_with_odd_numbers_and_roles_are_taken() {
    for role in ODD_NAMES {
        for value in ODD_NUMBERS {
            let name = format!("quota {value} of {}", role.escape_ascii());
            let (quantities, role) = quota_of(role, &[value, value]);
            let list = apportion_quantities { data: quantities.as_ptr(), size: quantities.len() };
            let quota = apportion_quota { role: view(&role), guarantees: list, limits: list };
            let mut shim = prepared("");
            shim.done(|h, now, out| call!(allocator_update_quota(h, now, &raw const quota, out)));
            assert_serves(&name, &mut shim);
            for agents in [10, 0, -1, i64::MIN, i64::MAX] {
                let mut shim = prepared("allocator.recover");
                let quotas = apportion_quotas { data: &raw const quota, size: 1 };
                shim.done(|h, now, out| call!(allocator_recover(h, now, agents, quotas, out)));
                assert_serves(&name, &mut shim);
            }
        }
    }
}

#[test]
fn weights_with_odd_numbers_and_roles_are_taken() {
    for role in ODD_NAMES {
        for value in ODD_NUMBERS {
            let mut shim = prepared("");
            let mut a = Arguments::good();
            let weights = a.messages("", vec![weight(role, value), double(1, value), weight(b"web", value)]);
            shim.done(|h, now, out| call!(allocator_update_weights(h, now, weights, out)));
            assert_serves(&format!("weight {value} of {}", role.escape_ascii()), &mut shim);
        }
    }
}

#[test]
fn odd_refusal_times_are_taken_and_end() {
    let seconds = [
        (Some(f64::NAN), 5),
        (Some(-1.0), 5),
        (Some(f64::NEG_INFINITY), 5),
        (Some(f64::INFINITY), 31_536_000),
        (Some(1e300), 31_536_000),
        (Some(f64::MIN_POSITIVE), 0),
        (Some(-0.0), 0),
        (None, 0),
    ];
    for (said, lasts) in seconds {
        let mut shim = prepared("");
        let refused = recover(&mut shim, (b"f", b"a"), &[allocated(&scalar(b"mem", 1024.0), b"web")], said);
        assert_eq!(refused.status, APPORTION_DONE, "{said:?}: {}", refused.text);
        let offered = |outcome: Outcome| outcome.offers.iter().any(|offer| offer.agent == b"a");
        let at_once = offered(tick_and_cycle(&mut shim));
        assert_eq!(at_once, lasts == 0, "{said:?} seconds");
        if lasts > 0 {
            shim.now += (lasts - 2) * SECOND;
            assert!(!offered(cycle(&mut shim)), "{said:?} seconds last {lasts}");
            shim.now += SECOND;
            assert!(offered(tick_and_cycle(&mut shim)), "{said:?} seconds end after {lasts}");
        }
    }
}

#[test]
fn odd_options_are_taken() {
    let odd = [view(b"\xff"), view(b"")];
    let excluded = apportion_bytes_list { data: odd.as_ptr(), size: odd.len() };
    let plain = plain_options();
    let mut options: Vec<apportion_options> = ODD_NUMBERS
        .iter()
        .map(|&agent_recovery_factor| apportion_options { agent_recovery_factor, ..plain })
        .collect();
    for nanoseconds in [0, 1, -1, i64::MIN, i64::MAX] {
        options.push(apportion_options { allocation_interval_ns: nanoseconds, ..plain });
        options.push(apportion_options { recovery_timeout_ns: nanoseconds, ..plain });
    }
    options.push(apportion_options { fairness_excluded_resources: excluded, ..plain });
    options.push(apportion_options {
        completed_frameworks_max: u64::MAX,
        filter_gpu_resources: 255,
        ..plain
    });
    let nothing = apportion_quantities { data: std::ptr::null(), size: 0 };
    options.push(apportion_options {
        minimum_allocatable: &raw const nothing,
        minimum_allocatable_size: 1,
        ..plain
    });
    let nan: Vec<apportion_quantity> =
        ODD_NUMBERS[..5].iter().map(|&value| apportion_quantity { name: view(b""), value }).collect();
    let nan = apportion_quantities { data: nan.as_ptr(), size: 3 };
    options.push(apportion_options {
        minimum_allocatable: &raw const nan,
        minimum_allocatable_size: 1,
        ..plain
    });
    for (position, options) in options.iter().enumerate() {
        let mut shim = Shim::new(&[]);
        shim.done(|h, now, out| call!(allocator_initialize(h, now, options, out)));
        assert_serves(&format!("options {position}: {options:?}"), &mut shim);
    }
}

#[test]
fn ids_and_roles_that_are_empty_or_not_utf_8_come_back_as_they_are() {
    for name in ODD_NAMES {
        let mut shim = prepared("allocator.recover");
        add_framework(&mut shim, name, &[name]);
        add_agent(
            &mut shim,
            name,
            &[scalar(b"cpus", 2.0), set(name, &[name])][..1 + usize::from(!name.is_empty())],
        );
        let offers = tick_and_cycle(&mut shim).offers;
        let [offer] = offers.as_slice() else { panic!("{}: {offers:?}", name.escape_ascii()) };
        assert_eq!(
            (offer.framework.as_slice(), offer.role.as_slice(), offer.agent.as_slice()),
            (name, name, name)
        );
        recover(&mut shim, (name, name), &offer.resources, Some(0.0));
        assert_eq!(tick_and_cycle(&mut shim).offers, offers);
        let hosts = [view(name)];
        let hosts = apportion_bytes_list { data: hosts.as_ptr(), size: 1 };
        shim.done(|h, now, out| call!(allocator_update_whitelist(h, now, &raw const hosts, out)));
        shim.done(|h, now, out| call!(allocator_remove_framework(h, now, view(name), out)));
        shim.done(|h, now, out| call!(allocator_remove_slave(h, now, view(name), out)));
    }
}

/// Events that name what is gone or was never there, or times that cannot be, and that the allocator shrugs off.
#[test]
fn odd_events_are_taken() {
    type Odd = (&'static str, fn(&mut Shim) -> Outcome);
    let cases: [Odd; 13] = [
        ("resources of an agent that is gone", |shim| recover(shim, (b"f", b"gone"), &[cpu()], None)),
        ("resources of a framework that is gone", |shim| recover(shim, (b"gone", b"a"), &[cpu()], Some(1.0))),
        ("no resources at all", |shim| recover(shim, (b"gone", b"gone"), &[], Some(f64::NAN))),
        ("a request of a framework that is gone", |shim| {
            shim.apply(|h, now, out| call!(allocator_request_resources(h, now, view(b"gone"), none(), out)))
        }),
        ("roles it is not subscribed to", |shim| {
            let roles = Arguments::good().texts("", &[]);
            shim.apply(|h, now, out| call!(allocator_suppress_offers(h, now, view(b"f"), roles, out)));
            let mut a = Arguments::good();
            let roles = a.texts("", &[b"nobody", b"\xff", b"web", b"web"]);
            shim.apply(|h, now, out| call!(allocator_revive_offers(h, now, view(b"f"), roles, out)))
        }),
        ("a framework without roles", |shim| add_framework(shim, b"g", &[])),
        ("a framework with a role three times", |shim| add_framework(shim, b"g", &[b"web", b"web", b"web"])),
        ("capabilities of the future", |shim| {
            let mut a = Arguments::good();
            let unknown = encode(&Capability { r#type: Some(i32::MAX) });
            let capabilities = a.optional_messages("", vec![unknown, encode(&Capability::default())]);
            let info = a.message("", encode(&agent(b"b", b"r1")));
            let null = std::ptr::null();
            shim.apply(|h, now, out| {
                call!(allocator_update_slave(
                    h,
                    now,
                    view(b"b"),
                    info,
                    null,
                    capabilities,
                    from_nothing(),
                    out
                ))
            })
        }),
        ("a window before the epoch", |shim| {
            let mut a = Arguments::good();
            let window = a.optional_message("", unavailability(i64::MIN));
            shim.apply(|h, now, out| call!(allocator_update_unavailability(h, now, view(b"b"), window, out)))
        }),
        ("an answer about an agent without a window", |shim| {
            let (status, filters) = (view(b"\xff"), filters(f64::NAN));
            let filters = view(&filters);
            let (a, f) = (view(b"a"), view(b"f"));
            shim.apply(|h, now, out| {
                call!(allocator_update_inverse_offer(
                    h,
                    now,
                    a,
                    f,
                    &raw const status,
                    &raw const filters,
                    out
                ))
            })
        }),
        ("a clock that runs backwards", |shim| {
            shim.now = i64::MIN;
            let outcome = tick_and_cycle(shim);
            shim.now = 2_000 * SECOND;
            outcome
        }),
        ("ten thousand cycles that nobody asked for", |shim| {
            for _ in 0..10_000 {
                cycle(shim);
            }
            cycle(shim)
        }),
        ("ten thousand times the same resource", |shim| {
            let total = vec![scalar(b"cpus", 0.001); 10_000];
            add_agent(shim, b"many", &total)
        }),
    ];
    for (name, odd) in cases {
        let mut shim = prepared("");
        let outcome = odd(&mut shim);
        assert_eq!(outcome.status, APPORTION_DONE, "{name}: {}", outcome.text);
        assert_serves(name, &mut shim);
    }
}

#[test]
fn the_end_of_time_is_no_reason_to_panic() {
    let mut shim = prepared("");
    shim.now = i64::MAX - SECOND;
    recover(&mut shim, (b"f", b"a"), &[cpu()], Some(1e9));
    for _ in 0..3 {
        let now = shim.now;
        shim.done(|h, _, out| call!(allocator_tick(h, now, out)));
        shim.done(|h, _, out| call!(allocator_cycle(h, i64::MAX, out)));
    }
}
