//! What an agent has is what is offered, byte for byte, whatever it is and however much of it there was before.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use crate::arguments::plain_options;
use crate::border::call;
use crate::calls::{add_agent, add_framework, cycle, recover, tick_and_cycle};
use crate::messages::{allocation_of, double, field, lasting, mounted_disk, scalar, varint, whole};
use crate::shim::Shim;

/// The roles from the top to the one that the framework has.
const ROLES: [&[u8]; 3] = [b"a", b"a/b\xff", b"a/b\xff/c"];

/// Up to a few arbitrary bytes.
fn text() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..6)
}

/// Fields that no build of today knows.
fn unknown() -> impl Strategy<Value = Vec<u8>> {
    let one =
        (100_u32..2000, 0..4, any::<u64>(), text()).prop_map(|(number, kind, value, text)| match kind {
            0 => whole(number, value),
            1 => [varint(u64::from(number) << 3 | 1), value.to_le_bytes().to_vec()].concat(),
            2 => [varint(u64::from(number) << 3 | 5), vec![1, 2, 3, 4]].concat(),
            _ => field(number, &text),
        });
    prop::collection::vec(one, 0..3).prop_map(|fields| fields.concat())
}

/// A value with its type, in the form that the host itself would give it.
fn value() -> impl Strategy<Value = Vec<u8>> {
    let scalar = (1..4_000_000_i64).prop_map(|thousandths| {
        let amount = (thousandths / 1000) as f64 + (thousandths % 1000) as f64 / 1000.0;
        [whole(2, 0), field(3, &double(1, amount))].concat()
    });
    let ranges = prop::collection::vec((2..100_u64, 0..100_u64), 1..5).prop_map(|gaps| {
        let mut next = 0;
        let mut ranges = Vec::new();
        for (gap, length) in gaps {
            let (begin, end) = (next + gap, next + gap + length);
            ranges.extend(field(1, &[whole(1, begin), whole(2, end)].concat()));
            next = end;
        }
        [whole(2, 1), field(4, &ranges)].concat()
    });
    let set = prop::collection::btree_set(text(), 1..5).prop_map(|items| {
        let items: Vec<Vec<u8>> = items.iter().map(|item| field(1, item)).collect();
        [whole(2, 2), field(5, &items.concat())].concat()
    });
    prop_oneof![scalar, ranges, set]
}

fn labels() -> impl Strategy<Value = Vec<u8>> {
    let label = (text(), prop::option::of(text()), unknown()).prop_map(|(key, value, more)| {
        let value = value.map(|value| field(2, &value)).unwrap_or_default();
        field(1, &[field(1, &key), value, more].concat())
    });
    prop::collection::vec(label, 0..4).prop_map(|labels| labels.concat())
}

/// A stack of reservations, each for the role of the one below or for one inside it.
fn reservations() -> impl Strategy<Value = Vec<u8>> {
    let one = (0..3_usize, any::<bool>(), prop::option::of(text()), prop::option::of(labels()), unknown());
    prop::collection::vec(one, 0..3).prop_map(|mut stack| {
        stack.sort_by_key(|one| one.0);
        let each = stack.iter().map(|(role, dynamic, principal, labels, more)| {
            let principal = principal.as_ref().map(|principal| field(1, principal)).unwrap_or_default();
            let labels = labels.as_ref().map(|labels| field(2, labels)).unwrap_or_default();
            let kind = whole(4, 1 + u64::from(*dynamic));
            field(13, &[principal, labels, field(3, ROLES[*role]), kind, more.clone()].concat())
        });
        each.collect::<Vec<_>>().concat()
    })
}

fn disk() -> impl Strategy<Value = Vec<u8>> {
    let persistence = (text(), prop::option::of(text()), unknown()).prop_map(|(id, principal, more)| {
        let principal = principal.map(|principal| field(2, &principal)).unwrap_or_default();
        field(1, &[field(1, &id), principal, more].concat())
    });
    let volume =
        (text(), unknown()).prop_map(|(path, more)| field(2, &[field(1, &path), whole(3, 1), more].concat()));
    let source = (1..5_u64, text(), prop::option::of(text()), labels(), unknown()).prop_map(
        |(kind, root, id, metadata, more)| {
            let id = id.map(|id| field(4, &id)).unwrap_or_default();
            let place = [field(2, &field(1, &root)), field(3, &field(1, &root))].concat();
            let about = [field(5, &metadata), field(6, b"fast"), field(7, b"vendor")].concat();
            field(3, &[whole(1, kind), place, id, about, more].concat())
        },
    );
    (prop::option::of(persistence), prop::option::of(volume), prop::option::of(source), unknown()).prop_map(
        |(persistence, volume, source, more)| {
            let parts = [persistence, volume, source].map(Option::unwrap_or_default);
            field(7, &[parts.concat(), more].concat())
        },
    )
}

/// A resource of its own name, its fields in a random order.
fn resource() -> impl Strategy<Value = Vec<u8>> {
    let flags = (any::<bool>(), any::<bool>(), unknown(), unknown());
    let parts = (
        text(),
        value(),
        reservations(),
        prop::option::of(disk()),
        prop::option::of(text()),
        flags,
        unknown(),
    );
    parts.prop_map(|(name, value, reservations, disk, provider, (revocable, shared, inner, other), more)| {
        let name = field(1, &[&b"r"[..], &name].concat());
        let provider = provider.map(|provider| field(12, &[field(1, &provider), other.clone()].concat()));
        let revocable = if revocable { field(9, &inner) } else { Vec::new() };
        let shared = if shared { field(10, &other) } else { Vec::new() };
        let disk = disk.unwrap_or_default();
        [more, reservations, disk, value, shared, revocable, provider.unwrap_or_default(), name].concat()
    })
}

fn cluster() -> Shim {
    let mut shim = Shim::new(&[("allocator.explain_offers", "false")]);
    let options = plain_options();
    shim.done(|h, now, out| call!(allocator_initialize(h, now, &raw const options, out)));
    add_framework(&mut shim, b"f", &[ROLES[2]]);
    shim
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_resources_are_offered_as_the_agent_has_them(
        resources in prop::collection::vec(resource(), 1..8),
    ) {
        let mut shim = cluster();
        // A name of its own for each, so that none adds up with another.
        let resources: Vec<Vec<u8>> = resources
            .into_iter()
            .enumerate()
            .map(|(at, resource)| {
                let mut fields = lasting(&resource);
                let name = fields.iter_mut().find(|(number, _)| *number == 1).unwrap();
                name.1 = field(1, &[name.1[2..].to_vec(), at.to_string().into_bytes()].concat());
                fields.into_iter().map(|(_, bytes)| bytes).collect::<Vec<_>>().concat()
            })
            .collect();
        add_agent(&mut shim, b"agent", &resources);
        let mut offers = cycle(&mut shim).offers;
        for round in 0..3 {
            prop_assert_eq!(offers.len(), 1);
            let offered = &offers[0].resources;
            prop_assert_eq!(offered.len(), resources.len());
            let given: BTreeSet<_> = offered.iter().map(|resource| lasting(resource)).collect();
            let had: BTreeSet<_> = resources.iter().map(|resource| lasting(resource)).collect();
            prop_assert_eq!(given, had);
            for resource in offered {
                prop_assert_eq!(allocation_of(resource), Some(ROLES[2].to_vec()));
            }
            let back = recover(&mut shim, (b"f", b"agent"), offered, if round == 1 { Some(0.0) } else { None });
            prop_assert_eq!(back.text, "");
            offers = tick_and_cycle(&mut shim).offers;
        }
    }
}

#[test]
fn equal_disks_that_cannot_be_merged_are_offered_as_often_as_there_are() {
    let mut shim = cluster();
    let disks = [mounted_disk(100.0, b"/mnt"), mounted_disk(100.0, b"/mnt"), mounted_disk(50.0, b"/mnt")];
    add_agent(&mut shim, b"agent", &disks);
    let offers = cycle(&mut shim).offers;
    let mut offered: Vec<_> = offers[0].resources.iter().map(|resource| lasting(resource)).collect();
    let mut had: Vec<_> = disks.iter().map(|disk| lasting(disk)).collect();
    offered.sort();
    had.sort();
    assert_eq!(offered, had);
}

#[test]
fn what_adds_up_is_offered_once_with_the_sum() {
    let mut shim = cluster();
    add_agent(&mut shim, b"agent", &[scalar(b"cpus", 0.1), scalar(b"cpus", 0.2), scalar(b"cpus", 0.7)]);
    let offers = cycle(&mut shim).offers;
    assert_eq!(
        offers[0].resources.iter().map(|one| lasting(one)).collect::<Vec<_>>(),
        [lasting(&scalar(b"cpus", 1.0))]
    );
}

#[test]
fn more_different_amounts_than_the_caches_hold_stay_right() {
    // A cache holds 65,536 entries between events. Each agent has an amount of its own.
    const AGENTS: u32 = 66_000;
    let amount = |agent: u32, round: u32| f64::from(agent + 1) + f64::from(round) / 1000.0;
    let mut shim = cluster();
    for agent in 0..AGENTS {
        add_agent(&mut shim, format!("{agent}").as_bytes(), &[scalar(b"cpus", amount(agent, 0))]);
    }
    let offers = cycle(&mut shim).offers;
    assert_eq!(offers.len(), usize::try_from(AGENTS).unwrap());
    let mut held = BTreeMap::new();
    for offer in offers {
        let agent: u32 = std::str::from_utf8(&offer.agent).unwrap().parse().unwrap();
        let resources: Vec<_> = offer.resources.iter().map(|one| lasting(one)).collect();
        assert_eq!(resources, [lasting(&scalar(b"cpus", amount(agent, 0)))], "agent {agent}");
        assert!(held.insert(agent, offer.resources).is_none(), "agent {agent} is offered twice");
    }
    // The caches start anew: slots that the shim knows get other contents, whether they were seen before or not.
    for round in 1..4 {
        let some: Vec<u32> = (0..AGENTS).filter(|agent| (agent + round) % 1000 < 3).collect();
        for agent in &some {
            recover(&mut shim, (b"f", format!("{agent}").as_bytes()), &held[agent], None);
        }
        let offers = tick_and_cycle(&mut shim).offers;
        assert_eq!(offers.len(), some.len());
        for offer in offers {
            let agent: u32 = std::str::from_utf8(&offer.agent).unwrap().parse().unwrap();
            assert_eq!(offer.resources, held[&agent], "agent {agent}");
        }
    }
}
