//! How the rules' values come together with what is there already.

/// A Mesos label, as bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Label {
    /// Key; several labels may have the same.
    pub key: Vec<u8>,
    /// Value; a label need not have one.
    pub value: Option<Vec<u8>>,
}

/// The labels of a task with ours among them.
///
/// A label decorator replaces all labels of the task, so the existing ones are kept in their order. Ours takes the
/// place of the first existing label with its key, and later ones with that key go; keys that are new follow at the
/// end, in the order of the configuration.
///
/// ```
/// use apportion_policy::{Label, merge_labels};
///
/// let label = |key: &str, value: &str| Label { key: key.into(), value: Some(value.into()) };
/// let merged = merge_labels(&[label("rack", "old"), label("team", "a")], &[("rack".into(), "r1".into())]);
/// assert_eq!(merged, [label("rack", "r1"), label("team", "a")]);
/// ```
pub fn merge_labels(existing: &[Label], ours: &[(String, String)]) -> Vec<Label> {
    let mut placed = vec![false; ours.len()];
    let mut merged = Vec::with_capacity(existing.len() + ours.len());
    for label in existing {
        match ours.iter().position(|(key, _)| key.as_bytes() == label.key) {
            None => merged.push(label.clone()),
            Some(at) if !placed[at] => {
                placed[at] = true;
                merged.push(ours_as_label(&ours[at]));
            }
            Some(_) => {}
        }
    }
    merged
        .extend(ours.iter().zip(placed).filter(|(_, placed)| !placed).map(|(label, _)| ours_as_label(label)));
    merged
}

fn ours_as_label((key, value): &(String, String)) -> Label {
    Label { key: key.clone().into_bytes(), value: Some(value.clone().into_bytes()) }
}

/// An environment with ours added.
///
/// Existing variables keep their place and value, as in the host, which lays a hook's variables under those that the
/// executor's own command sets. Only names that are new are added, in the order of the configuration.
pub fn merge_environment(
    existing: &[(Vec<u8>, Vec<u8>)],
    ours: &[(String, String)],
) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut merged = existing.to_vec();
    for (name, value) in ours {
        if !merged.iter().any(|(there, _)| there == name.as_bytes()) {
            merged.push((name.clone().into_bytes(), value.clone().into_bytes()));
        }
    }
    merged
}
