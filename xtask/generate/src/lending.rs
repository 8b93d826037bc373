//! The reference of lending and eviction: their keys.

use std::path::Path;

use apportion_config::{
    FAN_OUT_MAX, HOOK_RULES_MAX, LENDING_SCHEMA, LENT_MAX, PRIORITY_MAX, ROLE_LIMITS_MAX, ROLE_PATTERNS_MAX,
};

use crate::hooks::tables;
use crate::page::{Parts, table};
use crate::{Failure, Generated};

/// Text of the reference, with places for its tables.
const REFERENCE: &str = include_str!("lending/reference.md");

/// `docs/lending-reference.md`.
pub(crate) fn reference(root: &Path) -> Result<Generated, Failure> {
    let mut parts = Parts::default();
    for schema in LENDING_SCHEMA {
        parts.add(schema.path, tables::keys(schema.path)?);
    }
    parts.add("role forms", tables::role_forms());
    let limits = [
        ("resources that may be lent", LENT_MAX.to_string()),
        ("rules about lenders", HOOK_RULES_MAX.to_string()),
        ("rules about borrowers", HOOK_RULES_MAX.to_string()),
        ("patterns of roles in all of them", ROLE_PATTERNS_MAX.to_string()),
        ("roles with limits", ROLE_LIMITS_MAX.to_string()),
        ("frameworks that see the same capacity at once", FAN_OUT_MAX.to_string()),
        ("priority of a borrower", PRIORITY_MAX.to_string()),
    ];
    let limits = limits.map(|(what, most)| [what.to_owned(), most]);
    parts.add("most", table(["what", "at most"], limits));
    let text = parts.into_page(REFERENCE, "xtask/generate/src/lending/reference.md")?;
    Ok(Generated { path: root.join("docs/lending-reference.md"), text })
}
