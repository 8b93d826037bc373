//! Roles and reservations in offers, and the role that everything held has.

use apportion_core::{
    AgentCapabilities, AgentInfo, Allocated, Allocator, Amount, Effects, Event, FrameworkCapabilities,
    FrameworkInfo, Holding, Instant, Item, Kind, Minimum, Options, Ranges, Reservation, Value, ValueType,
    Violation,
};

/// A scalar, reserved for a role unless that is empty.
fn scalar(allocator: &mut Allocator, name: &str, role: &str, units: i64) -> Holding {
    let kind = kind(name, role, ValueType::Scalar);
    Holding::new([Item::scalar(allocator.intern_kind(kind).unwrap(), Amount::whole(units))])
}

fn ports(allocator: &mut Allocator, role: &str, begin: u64, end: u64) -> Holding {
    let kind = allocator.intern_kind(kind("ports", role, ValueType::Ranges)).unwrap();
    Holding::new([Item::new(kind, Value::Ranges(Ranges::new([(begin, end)])))])
}

fn kind(name: &str, role: &str, value_type: ValueType) -> Kind {
    let reservation = Reservation { role: role.as_bytes().into(), dynamic: false };
    Kind {
        reservations: if role.is_empty() { vec![] } else { vec![reservation] },
        value_type,
        identity: format!("{name}({role})").into_bytes().into(),
        ..Kind::scalar(name.as_bytes())
    }
}

fn sum(parts: &[Holding]) -> Holding {
    parts.iter().fold(Holding::default(), |mut sum, part| {
        sum.add(part);
        sum
    })
}

fn send(allocator: &mut Allocator, event: &Event<'_>) -> Effects {
    let effects = allocator.apply(event, Instant::default()).unwrap();
    allocator.check_all().unwrap();
    effects
}

/// What a framework in the role is offered of an agent with this total.
fn offered(mut allocator: Allocator, options: &Options, role: &str, total: &Holding) -> (Allocator, Holding) {
    send(&mut allocator, &Event::Initialize { options });
    let capabilities = FrameworkCapabilities { multi_role: true, ..FrameworkCapabilities::default() };
    let roles = [role.as_bytes()];
    let info = FrameworkInfo { roles: &roles, capabilities, ..FrameworkInfo::default() };
    send(&mut allocator, &Event::AddFramework { framework: b"f", info, used: &[], active: true });
    let capabilities = AgentCapabilities { multi_role: true, hierarchical_role: true };
    let event = Event::AddAgent {
        agent: b"a",
        info: AgentInfo::default(),
        capabilities,
        unavailability: None,
        total,
        used: &[],
    };
    send(&mut allocator, &event);
    let offers = send(&mut allocator, &Event::Cycle).offers;
    let resources = offers.iter().map(|offer| offer.resources.clone()).collect::<Vec<_>>();
    (allocator, sum(&resources))
}

fn is_offered(reserved_to: &str, role: &str) -> bool {
    let mut allocator = Allocator::new();
    let total = scalar(&mut allocator, "cpus", reserved_to, 1);
    let (_, offer) = offered(allocator, &Options::default(), role, &total);
    assert!(offer.is_empty() || offer == total);
    !offer.is_empty()
}

#[test]
fn item_031_a_reservation_is_for_the_role_and_those_below_it() {
    for role in ["a", "a/b", "a/b/c"] {
        assert!(is_offered("a", role), "{role}");
    }
    for role in ["ab", "b", "*", "b/a"] {
        assert!(!is_offered("a", role), "{role}");
    }
}

#[test]
fn item_032_unreserved_resources_are_for_every_role() {
    for role in ["a", "a/b", "*"] {
        assert!(is_offered("", role), "{role}");
    }
}

#[test]
fn item_032_nothing_is_reserved_for_the_role_of_everybody() {
    let mut allocator = Allocator::new();
    let total = scalar(&mut allocator, "cpus", "", 1);
    let id = total.items()[0].kind;
    assert!(allocator.kind(id).reservations.is_empty());
    let (allocator, offer) = offered(allocator, &Options::default(), "*", &total);
    assert_eq!(offer, total);
    assert_eq!(allocator.describe(&offer).to_string(), "cpus:1");
}

/// An allocator in which the framework `f` holds one cpu of the agent `a` in the role `r`.
fn held() -> (Allocator, Holding) {
    let mut allocator = Allocator::new();
    let total = scalar(&mut allocator, "cpus", "", 1);
    let (allocator, offer) = offered(allocator, &Options::default(), "r", &total);
    assert_eq!(offer, total);
    (allocator, offer)
}

/// What comes of giving resources back as if they were allocated to a role; the books stay as they were.
fn recover(role: Option<&[u8]>) -> Violation {
    let (mut allocator, offer) = held();
    let resources = [Allocated { role, resources: &offer }];
    let event = Event::RecoverResources {
        framework: b"f",
        agent: b"a",
        resources: &resources,
        refuse_seconds: None,
        allocated: false,
    };
    let violation = allocator.apply(&event, Instant::default()).unwrap_err();
    allocator.check_all().unwrap();
    assert!(allocator.available(b"a").unwrap().is_empty(), "nothing came free");
    violation
}

#[test]
fn item_021_resources_of_another_allocation_role_are_not_taken_away() {
    assert!(matches!(recover(Some(b"s")), Violation::NotHeld { .. }));
}

#[test]
fn item_035_resources_that_are_not_allocated_are_found_when_they_are_grouped_by_role() {
    let violation = recover(None);
    assert!(matches!(violation, Violation::NoRole { .. }));
    let said = violation.to_string();
    assert!(said.contains("cpus:1") && said.contains("recover resources"), "{said}");
}

fn meets(amounts: &[(&str, i64)], total: impl Fn(&mut Allocator) -> Holding) -> bool {
    let minimum = Minimum {
        amounts: amounts
            .iter()
            .map(|(name, units)| (name.as_bytes().into(), Amount::whole(*units)))
            .collect(),
    };
    let options = Options { min_allocatable: vec![minimum], ..Options::default() };
    let mut allocator = Allocator::new();
    let total = total(&mut allocator);
    let (_, offer) = offered(allocator, &options, "r", &total);
    assert!(offer.is_empty() || offer == total);
    !offer.is_empty()
}

#[test]
fn item_041_quantities_are_met_by_all_entries_of_a_name_together() {
    let cpus = |allocator: &mut Allocator| {
        sum(&[scalar(allocator, "cpus", "r", 2), scalar(allocator, "cpus", "", 1)])
    };
    assert!(meets(&[("cpus", 3)], cpus));
    assert!(!meets(&[("cpus", 4)], cpus));
    assert!(!meets(&[("cpus", 3), ("mem", 1)], cpus));
}

#[test]
fn item_041_ranges_count_their_members() {
    let both = |allocator: &mut Allocator| sum(&[ports(allocator, "r", 1, 10), ports(allocator, "", 20, 25)]);
    assert!(meets(&[("ports", 12)], both));
    assert!(meets(&[("ports", 16)], both));
    assert!(!meets(&[("ports", 17)], both));
}
