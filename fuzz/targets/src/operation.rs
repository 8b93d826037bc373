//! A serialised `Offer.Operation` made into conversions.

use std::collections::BTreeMap;

use apportion_wire::Value;
use apportion_wire::operation::{Conversion, PostCheck, check_allocation, conversions};
use apportion_wire::resource::{ResourceParts, facts, split};

use crate::wire::{Payload, fields, message, of};

/// `Offer.Operation.Type` of RESERVE and DESTROY.
const RESERVE: u64 = 2;
const DESTROY: u64 = 5;

/// Runs the target.
///
/// # Panics
/// If conversions make or lose amounts, or contradict what the module promises.
pub fn run(input: &[u8]) {
    let bytes = message(input);
    let steps = match conversions(&bytes) {
        Ok(steps) => steps,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    let kind = match of(&fields(&bytes), 1).last().map(|field| field.payload) {
        Some(Payload::Varint(kind)) => kind,
        other => panic!("accepted an operation of type {other:?}"),
    };
    for step in &steps {
        for part in step.consumed.iter().chain(&step.converted) {
            let bytes = part.to_bytes();
            let again = split(&bytes).map(|resource| resource.into_parts());
            if is_exact(part) {
                assert_eq!(again.as_ref(), Ok(part));
            } else {
                assert!(again.is_ok());
            }
        }
        assert_eq!(step.check == PostCheck::ConsumedIsGone, kind == DESTROY);
        // What is reserved with a source of its own is taken as it stands.
        if kind != RESERVE {
            assert_eq!(amounts(&step.consumed), amounts(&step.converted), "{step:?}");
        }
    }
    check_roles(&steps);
}

/// The allocation is right for one answer at most, and for none if resources differ in it.
fn check_roles(steps: &[Conversion]) {
    let parts = steps.iter().flat_map(|step| step.consumed.iter().chain(&step.converted));
    let mut roles: Vec<Option<&[u8]>> = parts.map(|part| part.allocation_role.as_deref()).collect();
    roles.dedup();
    for role in &roles {
        assert_eq!(check_allocation(steps, *role).is_ok(), roles.len() == 1);
    }
}

/// Whether a double holds the amount to the thousandth.
fn is_exact(part: &ResourceParts) -> bool {
    !matches!(part.value, Value::Scalar(amount) if amount.thousandths() >= 1 << 53)
}

/// What resources add up to by name; ranges and sets one by one.
fn amounts(parts: &[ResourceParts]) -> BTreeMap<Vec<u8>, (i128, Vec<Value>)> {
    let mut sums: BTreeMap<Vec<u8>, (i128, Vec<Value>)> = BTreeMap::new();
    for part in parts {
        let name = facts(&part.identity).expect("an identity").name.to_vec();
        let (sum, others) = sums.entry(name).or_default();
        match &part.value {
            Value::Scalar(amount) => *sum += i128::from(amount.thousandths()),
            other => others.push(other.clone()),
        }
    }
    sums
}
