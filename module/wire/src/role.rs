//! Names of roles: `eng`, `eng/search`, and `*` for no role at all.

use crate::WireError;

/// The role of what is reserved for nobody, and of frameworks that subscribe without a role.
pub const ANY: &[u8] = b"*";

/// Whether `name` can be the name of a role.
///
/// `*` can. Any other name consists of components separated by single slashes, none of which is `.`, `..`, `*`, begins
/// with a hyphen, or contains white space or DEL.
///
/// ```
/// use apportion_wire::role;
///
/// assert!(role::check(b"eng/search").is_ok());
/// let error = role::check(b"eng//search").unwrap_err().to_string();
/// assert_eq!(error, "`eng//search` is no name of a role: it contains two slashes in a row");
/// ```
///
/// # Errors
///
/// [`WireError::InvalidRole`] with the rule that is broken.
pub fn check(name: &[u8]) -> Result<(), WireError> {
    if name == ANY {
        return Ok(());
    }
    let broken = if name.is_empty() {
        Some("it is empty")
    } else if name.starts_with(b"/") || name.ends_with(b"/") {
        Some("it begins or ends with a slash")
    } else {
        name.split(|byte| *byte == b'/').find_map(broken_rule)
    };
    broken.map_or(Ok(()), |reason| Err(WireError::InvalidRole { role: name.to_vec(), reason }))
}

/// The rule that a component of a role's name breaks.
fn broken_rule(component: &[u8]) -> Option<&'static str> {
    match component {
        b"" => Some("it contains two slashes in a row"),
        b"." | b".." | b"*" => Some("`.`, `..` and `*` cannot be part of it"),
        [b'-', ..] => Some("a part of it begins with a hyphen"),
        _ if component.iter().any(|byte| matches!(byte, b'\t'..=b'\r' | b' ' | 0x7f)) => {
            Some("it contains white space or DEL")
        }
        _ => None,
    }
}

/// Whether `role` lies below `ancestor`: `a/b` below `a`, but neither `ab` nor `a` itself.
#[must_use]
pub fn is_below(role: &[u8], ancestor: &[u8]) -> bool {
    role.strip_prefix(ancestor).is_some_and(|rest| rest.starts_with(b"/"))
}

#[cfg(test)]
mod tests {
    use super::{check, is_below};

    #[test]
    fn names_of_roles_follow_the_rules_of_mesos() {
        for name in ["*", "a", "a/b", "a-b/c.d", "..a", "a/b/c/d/e", "\u{e9}", "a*"] {
            assert_eq!(check(name.as_bytes()), Ok(()), "{name}");
        }
        let bad = ["", "/", "/a", "a/", "a//b", ".", "a/..", "a/*", "*/a", "-a", "a/-b"];
        let blank = ["a b", "a\tb", "a\nb", "a\u{b}b", "a\u{c}b", "a\rb", "a\u{7f}"];
        for name in bad.into_iter().chain(blank) {
            assert!(check(name.as_bytes()).is_err(), "{name:?}");
        }
    }

    #[test]
    fn a_role_is_not_below_itself_nor_below_a_part_of_its_name() {
        assert!(is_below(b"a/b/c", b"a") && is_below(b"a/b", b"a"));
        assert!(!is_below(b"a", b"a") && !is_below(b"ab", b"a") && !is_below(b"a", b"a/b"));
    }
}
