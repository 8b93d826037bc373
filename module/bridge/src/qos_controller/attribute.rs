//! The attribute by which a master knows that borrowers can be ended on an agent.

use apportion_wire::messages::{Attribute, TextValue};

/// Its name.
const NAME: &[u8] = b"apportion_reclaim";

/// What it says: which version of this.
const VALUE: &[u8] = b"v1";

/// Attributes with ours if it `is_possible` to end borrowers, and without it otherwise: nobody may pretend, because what
/// is lent where it cannot be taken back is lost to its owner. `None`: they are right as they are.
///
/// It is possible where a QoS controller of ours is in the process and the configuration knows borrowers.
///
/// # On agents
/// An agent that has run before takes a new attribute only with `--reconfiguration_policy=additive`, and does not start
/// otherwise.
pub(crate) fn with_reclaim(attributes: &[Attribute], is_possible: bool) -> Option<Vec<Attribute>> {
    let found: Vec<&Attribute> = attributes.iter().filter(|attribute| attribute.name == NAME).collect();
    let is_right = match found[..] {
        [] => !is_possible,
        [one] => is_possible && *one == ours(),
        _ => false,
    };
    if is_right {
        return None;
    }
    if !found.is_empty() && !is_possible {
        tracing::warn!(
            "the attribute {} is left out: this agent has no org_apportion_QoSController (--qos_controller), or its \
             configuration no [[lending.borrowers]], so borrowers cannot be ended here",
            NAME.escape_ascii()
        );
    }
    let others = attributes.iter().filter(|attribute| attribute.name != NAME).cloned();
    Some(others.chain(is_possible.then(ours)).collect())
}

/// Whether an agent with these attributes can end borrowers.
pub(crate) fn can_reclaim(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.name == NAME && attribute.text.as_ref().is_some_and(|text| text.value == VALUE)
    })
}

fn ours() -> Attribute {
    Attribute {
        name: NAME.to_vec(),
        r#type: Attribute::TEXT,
        text: Some(TextValue { value: VALUE.to_vec() }),
        ..Attribute::default()
    }
}

#[cfg(test)]
mod tests {
    use apportion_wire::messages::{Attribute, TextValue};

    use super::{can_reclaim, ours, with_reclaim};

    fn attribute(name: &str, value: &str) -> Attribute {
        let text = Some(TextValue { value: value.into() });
        Attribute { name: name.into(), r#type: Attribute::TEXT, text, ..Attribute::default() }
    }

    #[test]
    fn agent_that_can_end_borrowers_says_so() {
        let rack = attribute("rack", "r1");
        assert_eq!(with_reclaim(std::slice::from_ref(&rack), true), Some(vec![rack.clone(), ours()]));
        assert_eq!(with_reclaim(&[rack.clone(), ours()], true), None);
        assert_eq!(with_reclaim(&[rack], false), None);
    }

    #[test]
    fn what_was_configured_by_hand_counts_for_nothing() {
        let (rack, pretended) = (attribute("rack", "r1"), attribute("apportion_reclaim", "v7"));
        assert_eq!(with_reclaim(&[pretended.clone(), rack.clone()], false), Some(vec![rack.clone()]));
        assert_eq!(with_reclaim(&[ours()], false), Some(Vec::new()));
        let both = [pretended, rack.clone(), ours()];
        assert_eq!(with_reclaim(&both, true), Some(vec![rack, ours()]));
    }

    #[test]
    fn only_the_version_that_is_known_counts() {
        assert!(can_reclaim(&[attribute("rack", "r1"), ours()]));
        assert!(!can_reclaim(&[attribute("rack", "v1"), attribute("apportion_reclaim", "v2")]));
    }
}
