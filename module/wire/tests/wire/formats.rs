//! The format of before reservation refinement and the present one.

use apportion_wire::WireError;
use apportion_wire::resource::{downgrade, facts, split, upgrade, validate};
use proptest::prelude::*;
use prost::Message;

use crate::entropy::{Draw, Entropy, draw_resource, entropy};
use crate::full;

fn reservation(
    kind: Option<i32>,
    role: Option<&str>,
    principal: Option<&str>,
) -> full::ResourceReservationInfo {
    full::ResourceReservationInfo {
        principal: principal.map(Into::into),
        labels: None,
        role: role.map(Into::into),
        r#type: kind,
    }
}

/// `cpus:1` with role and reservation of the older format, and the stack of the present one.
fn cpus(
    role: Option<&str>,
    older: Option<full::ResourceReservationInfo>,
    stack: &[full::ResourceReservationInfo],
) -> Vec<u8> {
    let resource = full::Resource {
        name: b"cpus".to_vec(),
        scalar: Some(full::ValueScalar { value: 1.0 }),
        role: role.map(Into::into),
        reservation: older,
        reservations: stack.to_vec(),
        ..full::Resource::default()
    };
    resource.encode_to_vec()
}

fn decoded(bytes: &[u8]) -> full::Resource {
    full::Resource::decode(bytes).unwrap()
}

const STATIC: Option<i32> = Some(1);
const DYNAMIC: Option<i32> = Some(2);

#[test]
fn item_036_a_refined_resource_cannot_be_downgraded() {
    let stack = [reservation(STATIC, Some("a"), None), reservation(DYNAMIC, Some("a/b"), Some("p"))];
    let error = downgrade(&cpus(None, None, &stack)).unwrap_err();
    assert_eq!(error, WireError::Refined { reservations: 2, role: b"a/b".to_vec() });
    assert!(error.to_string().contains("`a/b`"), "{error}");
    for few in [&stack[..0], &stack[..1], &stack[1..]] {
        assert!(downgrade(&cpus(None, None, few)).is_ok());
    }
}

#[test]
fn a_resource_is_downgraded_to_role_and_reservation() {
    let down = |stack: &[_]| decoded(&downgrade(&cpus(None, None, stack)).unwrap());
    let unreserved = down(&[]);
    assert_eq!(unreserved, decoded(&cpus(Some("*"), None, &[])));
    let fixed = down(&[reservation(STATIC, Some("r"), None)]);
    assert_eq!(fixed, decoded(&cpus(Some("r"), None, &[])));
    let dynamic = down(&[reservation(DYNAMIC, Some("r"), Some("p"))]);
    assert_eq!(dynamic, decoded(&cpus(Some("r"), Some(reservation(None, None, Some("p"))), &[])));
}

#[test]
fn item_037_role_and_reservation_become_one_entry() {
    let up = |role, older| decoded(&upgrade(&cpus(role, older, &[])).unwrap());
    let dynamic = up(Some("r"), Some(reservation(None, None, Some("p"))));
    assert_eq!(dynamic, decoded(&cpus(None, None, &[reservation(DYNAMIC, Some("r"), Some("p"))])));
    let fixed = up(Some("r"), None);
    assert_eq!(fixed, decoded(&cpus(None, None, &[reservation(STATIC, Some("r"), None)])));
    for nobody in [Some("*"), None] {
        assert_eq!(up(nobody, None), decoded(&cpus(None, None, &[])));
    }
}

#[test]
fn item_037_entries_that_are_there_win_over_the_older_fields() {
    let entry = reservation(DYNAMIC, Some("r"), Some("p"));
    let stack = std::slice::from_ref(&entry);
    let both = cpus(Some("r"), Some(reservation(None, None, Some("p"))), stack);
    assert_eq!(decoded(&upgrade(&both).unwrap()), decoded(&cpus(None, None, stack)));
    assert!(split(&both).is_err(), "an allocator sees the present format only");
    assert_eq!(facts(&upgrade(&both).unwrap()).unwrap().reservations.len(), 1);
}

#[test]
fn item_037_a_reservation_for_no_role_is_refused() {
    for role in [None, Some("*")] {
        let bytes = cpus(role, Some(reservation(None, None, Some("p"))), &[]);
        assert!(matches!(upgrade(&bytes), Err(WireError::InvalidReservation { .. })));
        assert!(validate(&bytes).is_err());
    }
}

#[test]
fn both_formats_beside_each_other_have_to_agree() {
    let claim = |principal| Some(reservation(None, None, principal));
    let [fixed, dynamic] = [STATIC, DYNAMIC].map(|kind| vec![reservation(kind, Some("r"), None)]);
    let refined = vec![dynamic[0].clone(), reservation(DYNAMIC, Some("r/s"), None)];
    let good = [
        (Some("r"), None, &fixed),
        (None, None, &fixed),
        (Some("r"), claim(None), &dynamic),
        (None, None, &dynamic),
        (None, None, &refined),
    ];
    for (role, older, stack) in good {
        assert_eq!(validate(&cpus(role, older, stack)), Ok(()), "{role:?} {stack:?}");
    }
    let bad = [
        (Some("s"), None, &fixed),
        (Some("r"), claim(None), &fixed),
        (None, claim(None), &fixed),
        (Some("s"), claim(None), &dynamic),
        (Some("r"), None, &dynamic),
        (None, claim(None), &dynamic),
        (Some("r"), claim(Some("p")), &dynamic),
        (Some("r/s"), claim(None), &refined),
        (Some("r/s"), None, &refined),
        (None, claim(None), &refined),
    ];
    for (role, older, stack) in bad {
        let error = validate(&cpus(role, older.clone(), stack)).unwrap_err();
        assert!(
            matches!(error, WireError::InvalidReservation { .. }),
            "{role:?} {older:?} {stack:?}: {error}"
        );
    }
    let typed = reservation(DYNAMIC, None, None);
    assert!(validate(&cpus(Some("r"), Some(typed), &[])).is_err(), "the older format has no types");
}

proptest! {
    #[test]
    fn item_036_item_037_going_down_and_up_again_changes_nothing(bytes in entropy()) {
        let entropy = &mut Entropy::new(bytes);
        let mut resource = draw_resource(entropy);
        resource.reservations.truncate(1);
        for entry in &mut resource.reservations {
            entry.role = Some(b"r".to_vec());
            if entry.r#type == STATIC {
                (entry.principal, entry.labels) = (None, None);
            }
        }
        let bytes = resource.encode_to_vec();
        let older = downgrade(&bytes).unwrap();
        prop_assert!(decoded(&older).reservations.is_empty());
        let again = upgrade(&older).unwrap();
        prop_assert_eq!(decoded(&again), resource);
        prop_assert_eq!(upgrade(&again).unwrap(), again.clone(), "the present format stays as it is");
        prop_assert_eq!(split(&again).unwrap().identity, split(&bytes).unwrap().identity);
    }

    #[test]
    fn broken_bytes_are_refused_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..60), cut in any::<u8>()) {
        let mut resource = full::Resource::draw(&mut Entropy::new(bytes.clone())).encode_to_vec();
        resource.truncate(usize::from(cut));
        for input in [bytes, resource] {
            let _ = (upgrade(&input), downgrade(&input), validate(&input));
        }
    }
}
