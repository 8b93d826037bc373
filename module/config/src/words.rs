//! Words of the isolator's keys and what they stand for, for reading and for writing.

use apportion_cgroups::Protection;
use apportion_isolation::CorePlacement;

/// `cpu_limit`: whether the request is the limit where there is none.
pub(crate) const CPU_LIMITS: [(&str, bool); 2] = [("limit", false), ("request", true)];

/// `memory_protection`.
pub(crate) const PROTECTIONS: [(&str, Protection); 3] =
    [("none", Protection::None), ("low", Protection::Low), ("min", Protection::Min)];

/// `cpus`.
pub(crate) const CORES: [(&str, CorePlacement); 3] = [
    ("shared", CorePlacement::Shared),
    ("whole_cores", CorePlacement::WholeCores),
    ("one_node", CorePlacement::OneNode),
];

/// The word for a meaning.
pub(crate) fn of<T: Copy + PartialEq>(meaning: T, words: &[(&'static str, T)]) -> &'static str {
    words.iter().find(|(_, known)| *known == meaning).map_or("", |(word, _)| word)
}
