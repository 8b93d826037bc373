//! How a task is turned down by a hook, which can only change the resources that it asks for.

use apportion_core::Text;
use apportion_wire::resource::{join, outline, plain_scalar, split};
use apportion_wire::{Scalar, Value};

/// The longest explanation, in bytes. It ends up in a status update.
const LONGEST: usize = 600;

/// A resource that no agent has: one unit of a name that is an explanation.
///
/// A task that asks for it as well is invalid, and the master prints what the task asks for in the message of its
/// `TASK_ERROR`. The master takes any name but an empty one for a scalar that is neither reserved, nor a disk, nor shared;
/// what would not fit on a line is escaped. Like all resources of a task it is allocated to the role of the offer, which
/// is read from `resources`.
pub(crate) fn impossible_resource(reason: &str, resources: &[Vec<u8>]) -> Vec<u8> {
    let role = resources.iter().find_map(|bytes| outline(bytes).ok()?.allocation_role);
    let mut name = format!("[not launched: {}]", Text(reason.as_bytes()));
    if name.len() > LONGEST {
        let end = (0..=LONGEST).rev().find(|at| name.is_char_boundary(*at)).unwrap_or(0);
        name.truncate(end);
        name.push_str("...]");
    }
    let one = Scalar::from_thousandths(1000).unwrap_or(Scalar::ZERO);
    let plain = plain_scalar(name.as_bytes(), one);
    match (split(&plain), role) {
        (Ok(parts), Some(role)) => join(&parts.identity, &Value::Scalar(one), Some(role)),
        _ => plain,
    }
}
