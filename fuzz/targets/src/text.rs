//! Resources and quantities as people write them.

use apportion_wire::resource::{ResourceParts, comparison_key, split, upgrade, validate};
use apportion_wire::text::{describe, read, read_agent_resources, write_json, write_plain};
use apportion_wire::{Limits, Quantities};

use crate::entropy::Entropy;
use crate::wire::assembled;

/// Runs the target: by the first byte, on a text or on resources that come from a message.
///
/// # Panics
/// If what was written reads differently, or an error does not quote what is wrong.
pub fn run(input: &[u8]) {
    let entropy = &mut Entropy::new(input);
    match entropy.below(4) {
        0 => check_quantities(&String::from_utf8_lossy(entropy.rest())),
        1 => check_resources(entropy),
        _ => {
            let default_role = entropy.pick(&["*", "a", "a/b", "", "a b"]);
            check_text(&String::from_utf8_lossy(entropy.rest()), default_role);
        }
    }
}

fn check_text(text: &str, default_role: &str) {
    let resources = read(text, default_role);
    let of_agent = read_agent_resources(text, default_role);
    match (&resources, &of_agent) {
        (Ok(resources), Ok(of_agent)) => assert_eq!(resources, of_agent),
        (Err(reason), Ok(_)) => panic!("good for an agent, but not in general: {reason}"),
        _ => {}
    }
    for reason in [&resources, &of_agent].into_iter().filter_map(|read| read.as_ref().err()) {
        assert!(!reason.to_string().is_empty());
    }
    if let Ok(resources) = resources {
        check_written(&resources);
    }
}

/// Resources of any kind, from messages.
fn check_resources(entropy: &mut Entropy<'_>) {
    let mut resources = Vec::new();
    while !entropy.is_used_up() && resources.len() < 4 {
        let bytes = assembled(entropy);
        let valid = validate(&bytes).ok().and_then(|()| upgrade(&bytes).ok());
        resources.extend(valid.and_then(|bytes| Some(split(&bytes).ok()?.into_parts())));
    }
    // The log line and the writer of messages take anything, valid or not.
    let _ = describe(&resources);
    resources.retain(|resource| !resource.value.is_empty());
    check_written(&resources);
}

/// What can be written can be read, and is the same.
fn check_written(resources: &[ResourceParts]) {
    let told = describe(resources).expect("resources that were read can be told");
    assert!(!told.contains('\n'), "one line: {told:?}");
    // Where nothing is said the default role counts, so what is unreserved asks for a default of nobody.
    if let Ok(json) = write_json(resources) {
        let again = read(&json, "*").unwrap_or_else(|reason| panic!("{reason} in {json}"));
        assert_same(resources, &again, &json);
        assert_eq!(write_json(&again).as_ref(), Ok(&json), "written again");
    }
    if let Ok(plain) = write_plain(resources) {
        let again = read(&plain, "*").unwrap_or_else(|reason| panic!("{reason} in {plain}"));
        assert_same(resources, &again, &plain);
        assert_eq!(write_plain(&again).as_ref(), Ok(&plain), "written again");
    }
}

fn assert_same(left: &[ResourceParts], right: &[ResourceParts], text: &str) {
    let normal = |resources: &[ResourceParts]| -> Vec<_> {
        let each = resources.iter().map(|resource| {
            let mut value = resource.value.clone();
            value.normalise();
            (
                comparison_key(&resource.identity).expect("an identity"),
                value,
                resource.allocation_role.clone(),
            )
        });
        each.collect()
    };
    assert_eq!(normal(left), normal(right), "{text}");
}

fn check_quantities(text: &str) {
    let limits = Limits::read(text);
    match Quantities::read(text) {
        Ok(quantities) => {
            assert!(quantities.iter().all(|(_, amount)| amount.thousandths() > 0), "{quantities}");
            assert!(quantities.contains(&quantities));
            let mut twice = quantities.clone();
            twice.add(&quantities);
            assert!(twice.contains(&quantities), "{twice}");
            twice.subtract(&quantities);
            assert_eq!(twice, quantities);
            twice.subtract(&quantities);
            assert!(twice.is_empty());
            let plain = |(name, _): (&[u8], _)| name.iter().all(u8::is_ascii_alphanumeric);
            if !quantities.is_empty() && quantities.iter().all(plain) {
                assert_eq!(Quantities::read(&quantities.to_string()).as_ref(), Ok(&quantities));
            }
            if let Ok(mut limits) = limits {
                assert!(limits.contains(&quantities), "each name is there once: {text}");
                assert!(limits.check_guarantees(&quantities).is_ok());
                assert!(limits.contains_limits(&limits));
                limits.subtract(&quantities);
                assert!(limits.iter().all(|(_, left)| left.thousandths() == 0), "{limits}");
            }
        }
        Err(reason) => {
            assert!(limits.is_err(), "limits, but no quantities: {reason}");
            assert!(!reason.to_string().is_empty());
        }
    }
}
