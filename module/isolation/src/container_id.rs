//! Container ids: the chain from the outermost container to the one meant.

use std::fmt;

/// Id of a container. A nested container has its parents' ids before its own.
///
/// The parts are the host's bytes; nothing requires UTF-8.
///
/// ```
/// use apportion_isolation::ContainerId;
///
/// let id = ContainerId::root("pod").child("task");
/// assert_eq!(id.to_string(), "pod.task");
/// assert_eq!(id.parent(), Some(ContainerId::root("pod")));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContainerId {
    /// From the outermost parent to the container itself; never empty.
    parts: Vec<Vec<u8>>,
}

impl ContainerId {
    /// A container without a parent.
    pub fn root(value: impl Into<Vec<u8>>) -> ContainerId {
        ContainerId { parts: vec![value.into()] }
    }

    /// A container nested in this one.
    #[must_use]
    pub fn child(&self, value: impl Into<Vec<u8>>) -> ContainerId {
        let mut parts = self.parts.clone();
        parts.push(value.into());
        ContainerId { parts }
    }

    /// An id from its parts, outermost parent first; `None` if there are none.
    pub fn from_parts(parts: Vec<Vec<u8>>) -> Option<ContainerId> {
        if parts.is_empty() { None } else { Some(ContainerId { parts }) }
    }

    /// The parts, outermost parent first; at least one.
    pub fn parts(&self) -> &[Vec<u8>] {
        &self.parts
    }

    /// The container this one is nested in, if it is.
    pub fn parent(&self) -> Option<ContainerId> {
        let (_, parents) = self.parts.split_last()?;
        ContainerId::from_parts(parents.to_vec())
    }

    /// Whether the container has a parent.
    pub fn is_nested(&self) -> bool {
        self.parts.len() > 1
    }
}

impl fmt::Display for ContainerId {
    /// The parts joined by dots, as Mesos prints them; bytes that are not UTF-8 become U+FFFD.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, part) in self.parts.iter().enumerate() {
            if at > 0 {
                f.write_str(".")?;
            }
            f.write_str(&String::from_utf8_lossy(part))?;
        }
        Ok(())
    }
}
