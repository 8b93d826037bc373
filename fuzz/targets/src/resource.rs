//! A serialised `Resource`, taken apart, put together, reserved, stripped, and moved between the two formats.

use apportion_wire::Value;
use apportion_wire::resource::{
    ReservationKind, SplitResource, comparison_key, downgrade, facts, join, pop_reservation,
    push_reservation, read_reservation, split, split_unseen, strip_volume, upgrade, validate,
};

use crate::wire::{Payload, fields, merged, message, of};

/// Fields of `Resource` that are written anew: scalar, ranges, set, allocation.
const ANEW: [u64; 4] = [3, 4, 5, 11];
/// Singular text and numbers: name and type.
const LAST_COUNTS: [u64; 2] = [1, 2];
/// Singular messages: disk, revocable, shared, provider.
const MERGED: [u64; 4] = [7, 9, 10, 12];

/// Runs the target.
///
/// # Panics
/// If a promise of `apportion_wire::resource` is broken.
pub fn run(input: &[u8]) {
    let bytes = message(input);
    if let Ok(resource) = split(&bytes) {
        check_split(&bytes, &resource);
        check_identity(&resource);
    }
    check_split_unseen(&bytes);
    check_formats(&bytes);
    // Whatever they say, they say something.
    let _ = facts(&bytes);
    let _ = comparison_key(&bytes);
    let _ = pop_reservation(&bytes);
    let _ = push_reservation(&bytes, b"\x1a\x01a\x20\x02");
    let _ = push_reservation(b"\x0a\x04cpus\x10\x00", &bytes);
    let _ = strip_volume(&bytes);
    let _ = read_reservation(&bytes);
}

/// The quick way gives what the thorough one does, once that has seen the identity.
fn check_split_unseen(bytes: &[u8]) {
    let mut identity = Vec::new();
    let Some((value, role)) = split_unseen(bytes, &mut identity) else { return };
    let Some(value) = value.read() else { return };
    let seen = join(&identity, &value, role);
    let is_seen = split(&seen).is_ok_and(|seen| seen.identity == identity);
    let thorough = split(bytes);
    if is_seen {
        assert!(thorough.is_ok(), "it takes nothing for a resource that is none");
    }
    if let Ok(resource) = thorough {
        assert_eq!(resource.identity, identity);
        assert_eq!(resource.allocation_role, role);
        assert_eq!(join(&resource.identity, &resource.value, role), seen, "the value to the last bit");
    }
}

/// Everything comes back from a resource that was taken apart.
fn check_split(bytes: &[u8], resource: &SplitResource<'_>) {
    let joined = join(&resource.identity, &resource.value, resource.allocation_role);
    assert_eq!(split(&joined).as_ref(), Ok(resource), "a resource put together comes apart the same");
    assert_eq!(resource.clone().into_parts().to_bytes(), joined);
    let (before, after) = (fields(bytes), fields(&joined));
    let mut numbers: Vec<u64> = before.iter().chain(&after).map(|field| field.number).collect();
    numbers.sort_unstable();
    numbers.dedup();
    for number in numbers {
        let (was, is) = (of(&before, number), of(&after, number));
        let raw = |fields: &[crate::wire::Field<'_>]| -> Vec<u8> {
            fields.iter().flat_map(|field| field.raw).copied().collect()
        };
        if LAST_COUNTS.contains(&number) {
            assert_eq!(is.len(), 1, "field {number} once");
            assert_eq!(is[0].raw, was[was.len() - 1].raw, "the last of field {number} counts");
        } else if MERGED.contains(&number) {
            assert_eq!(is.len(), 1, "field {number} once");
            assert_eq!(merged(&after, number), merged(&before, number), "field {number} merged");
        } else if !ANEW.contains(&number) {
            assert_eq!(raw(&is), raw(&was), "field {number} as it was");
        }
    }
    let role = |fields: &[crate::wire::Field<'_>]| {
        let allocation = merged(fields, 11);
        of(&self::fields(&allocation), 1).last().map(|role| role.bytes().to_vec())
    };
    assert_eq!(role(&before).as_deref(), resource.allocation_role);
    assert_eq!(role(&after).as_deref(), resource.allocation_role);
    assert_eq!(told_value(&before), told_value(&after), "the value to the last bit");
    assert_normalised(&resource.value);
}

/// The value as it stands on the wire: field, and its numbers or items one after the other.
fn told_value(resource: &[crate::wire::Field<'_>]) -> Vec<(u64, Vec<u8>)> {
    let mut told = Vec::new();
    let scalar = merged(resource, 3);
    if let Some(Payload::Bits(bits)) = of(&fields(&scalar), 1).last().map(|field| field.payload) {
        told.push((3, bits.to_le_bytes().to_vec()));
    }
    for range in of(&fields(&merged(resource, 4)), 1) {
        let inner = fields(range.bytes());
        for number in [1, 2] {
            match of(&inner, number).last().map(|field| field.payload) {
                Some(Payload::Varint(bound)) => told.push((4, bound.to_le_bytes().to_vec())),
                other => panic!("accepted a range with the bound {other:?}"),
            }
        }
    }
    told.extend(of(&fields(&merged(resource, 5)), 1).iter().map(|item| (5, item.bytes().to_vec())));
    told
}

fn assert_normalised(value: &Value) {
    let mut once = value.clone();
    once.normalise();
    let mut twice = once.clone();
    twice.normalise();
    assert_eq!(once, twice, "normal is normal");
    assert_eq!(once.is_empty(), value.is_empty());
    if let Value::Ranges(ranges) = &once {
        assert!(ranges.windows(2).all(|pair| pair[0].end < pair[1].begin), "{ranges:?}");
    }
}

/// Identities keep what is promised of reservations, volumes and keys.
fn check_identity(resource: &SplitResource<'_>) {
    let identity = &resource.identity;
    assert_eq!(facts(identity).as_ref(), Ok(&resource.facts), "the identity has all facts");
    let key = comparison_key(identity).expect("an identity has a key");
    assert_eq!(comparison_key(&key).as_ref(), Ok(&key), "a key is its own key");
    let popped = pop_reservation(identity).expect("an identity");
    assert_eq!(popped.is_some(), !resource.facts.reservations.is_empty());
    if let (Some(popped), Some(current)) = (popped, resource.facts.reservations.last()) {
        let below = facts(&popped).expect("still an identity").reservations.len();
        assert_eq!(below + 1, resource.facts.reservations.len());
        let pushed = push_reservation(&popped, current.bytes).expect("it was one");
        assert_eq!(&pushed, identity, "a reservation taken off and put on again changes nothing");
    }
    let volume = resource.facts.disk.as_ref().and_then(|disk| disk.persistence_id);
    let stripped = strip_volume(identity).expect("an identity");
    assert_eq!(stripped.is_some(), volume.is_some());
    if let Some(stripped) = stripped {
        let disk = facts(&stripped).expect("still an identity");
        assert!(!disk.shared && disk.disk.is_none_or(|disk| disk.persistence_id.is_none()));
        assert_eq!(disk.reservations, resource.facts.reservations);
        assert_eq!(strip_volume(&stripped), Ok(None), "there is nothing more to strip");
    }
}

/// The older and the present format say the same.
fn check_formats(bytes: &[u8]) {
    let upgraded = upgrade(bytes);
    let downgraded = downgrade(bytes);
    if let Ok(upgraded) = &upgraded {
        assert_eq!(upgrade(upgraded).as_ref(), Ok(upgraded), "upgraded is upgraded");
    }
    if validate(bytes).is_err() {
        return;
    }
    let upgraded = upgraded.expect("a valid resource can be upgraded");
    assert_eq!(validate(&upgraded), Ok(()), "upgraded it is still valid");
    let resource = split(&upgraded).expect("a valid resource comes apart");
    let loses = |kind, more| kind == ReservationKind::Static && more;
    if let [] | [_] = &resource.facts.reservations[..]
        && resource.facts.reservations.iter().all(|entry| !loses(entry.kind, !is_bare(entry.bytes)))
    {
        let older = downgrade(&upgraded).expect("one reservation fits the older format");
        let again = upgrade(&older).expect("and back");
        let again = split(&again).expect("and apart");
        assert_eq!(comparison_key(&again.identity), comparison_key(&resource.identity), "back and forth");
        assert_eq!(again.value, resource.value);
        assert_eq!(again.allocation_role, resource.allocation_role);
    }
    // Of a valid resource with more, the reason is its reservations.
    if let Err(reason) = downgraded {
        assert!(resource.facts.reservations.len() > 1, "{reason}");
    }
}

/// Whether a reservation says role and type and nothing else.
fn is_bare(reservation: &[u8]) -> bool {
    fields(reservation).iter().all(|field| matches!(field.number, 3 | 4))
}
